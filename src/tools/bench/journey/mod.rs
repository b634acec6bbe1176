//! `backstory bench journey`: the budgets of the stores, measured on a made-up history of any size.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use chrono::{DateTime, SubsecRound as _, Utc};

use crate::tools::output::{note, say, thousands};

pub(super) mod history;
mod look_ups;
pub(super) mod machine;
mod postgres;
pub(super) mod processes;
pub(super) mod report;

use history::INTERACTIONS_EACH;
use look_ups::LookUps;
use machine::Machine;
use postgres::Database;
use report::{Budget, Measured, Report};

/// The history is imported in as many parts; the first is what the whole is compared with.
const PARTS: u32 = 10;

/// Look-ups, import, space and memory of the embedded store, and look-ups in PostgreSQL, beside their budgets
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Makes a history up (twenty interactions a customer, in random order over customers and times) and imports it with \
`backstory import` in ten files, one after the other. After the first and after the last, looks random customers up: \
what is timed is the look-up in the store, preparing the timeline and encoding the frame, one after the other, warm \
(every customer was looked up once before). At last a service is started on the store and asked for random \
customers' journeys while its memory is watched.

With --postgres the history of the first file is imported into PostgreSQL, too, and random customers are looked up there \
in turns with a bare SELECT of the same rows by their contact. For that a database is made on the server, and removed at \
the end; those that are there are left alone.

Needs room for the store (about 300 bytes an interaction) and one of the files, in --dir: choose the disk that the \
store will be on. All of it is removed at the end.

The budgets are those of 10,000,000 interactions and of a machine that has nothing else to do. Exit code: 1 if one \
is missed.")]
pub struct Args {
    /// Interactions in the end
    #[arg(long, value_name = "N", default_value_t = 10_000_000, value_parser = clap::value_parser!(u32).range(2_000..=100_000_000))]
    interactions: u32,

    /// Look-ups in each measurement
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(100..))]
    lookups: u32,

    /// Folder in which everything is made
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    dir: PathBuf,

    /// Also measure look-ups in PostgreSQL: on this server, by a user who may make databases
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,

    /// Print one JSON object instead
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let folder = Folder::inside(&args.dir)?;
    let database = match &args.postgres {
        Some(url) => Some(Database::make(url).await?),
        None => None,
    };
    let report = tokio::select! {
        report = measure(&args, folder, database.as_ref()) => report,
        // The folder goes with the measurement.
        _ = tokio::signal::ctrl_c() => Err(anyhow!("stopped before the end")),
    };
    if let Some(database) = database {
        database.remove().await?;
    }
    let report = report?;
    say(&if args.json { report.json() } else { report.text() });
    Ok(if report.all_hold() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn measure(args: &Args, folder: Folder, database: Option<&Database>) -> anyhow::Result<Report> {
    // Whole seconds, as most sources write them.
    let now = Utc::now().trunc_subsecs(0);
    let mut bench =
        Bench { store: folder.0.join("journey.db"), folder, lookups: args.lookups, now, imports: Vec::new() };
    let customers_first = args.interactions / PARTS / INTERACTIONS_EACH;
    let customers = customers_first * PARTS;
    let beside = match database {
        Some(database) => Some(bench.in_postgres(database, customers_first).await?),
        None => None,
    };
    bench.import(0..customers_first, 1).await?;
    let few = bench.look_ups(customers_first).await?;
    bench.import(customers_first..customers, PARTS - 1).await?;
    let many = bench.look_ups(customers).await?;
    let bytes = bench.bytes_on_disk()?;
    note("watching a service's memory while it looks up");
    let memory_kib = processes::memory_of_a_service(&bench.address(), customers, args.lookups).await?;
    let mut report = bench.report(customers, [few, many], bytes, memory_kib);
    report.add_postgres(beside.as_ref(), &thousands(u64::from(customers_first * INTERACTIONS_EACH)));
    Ok(report)
}

struct Bench {
    folder: Folder,
    store: PathBuf,
    lookups: u32,
    now: DateTime<Utc>,
    /// Interactions of each file, and how long importing it took.
    imports: Vec<(usize, Duration)>,
}

impl Bench {
    /// Tells these customers' history in so many files, and imports each as anybody would.
    async fn import(&mut self, customers: Range<u32>, parts: u32) -> anyhow::Result<()> {
        let contacts =
            self.write("contacts.jsonl", |file| history::write_contacts(customers.clone(), self.now, file))?;
        processes::import(&contacts, &self.address()).await?;
        let order = history::shuffled(customers);
        for part in order.chunks(order.len() / parts as usize) {
            let file = self.write("interactions.jsonl", |file| history::write_interactions(part, self.now, file))?;
            let took = processes::import(&file, &self.address()).await?;
            self.imports.push((part.len(), took));
            let (stored, rate) =
                (self.imports.iter().map(|(interactions, _)| interactions).sum::<usize>(), rate(&[(part.len(), took)]));
            note(&format!("{} interactions stored, {} a second", thousands(stored as u64), thousands(rate as u64)));
        }
        Ok(())
    }

    /// Our look-ups, and bare ones.
    async fn in_postgres(&self, database: &Database, customers: u32) -> anyhow::Result<[LookUps; 2]> {
        note(&format!("importing {} customers' history into PostgreSQL", thousands(customers.into())));
        database.migrate().await?;
        let contacts = self.write("contacts.jsonl", |file| history::write_contacts(0..customers, self.now, file))?;
        database.import(&contacts).await?;
        let order = history::shuffled(0..customers);
        let file = self.write("interactions.jsonl", |file| history::write_interactions(&order, self.now, file))?;
        database.import(&file).await?;
        note("looking them up there");
        database.look_ups(customers, self.lookups, self.now).await
    }

    /// As in the settings.
    fn address(&self) -> String {
        format!("sqlite:{}", self.store.display())
    }

    fn write(
        &self,
        name: &str,
        write: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
    ) -> anyhow::Result<PathBuf> {
        let path = self.folder.0.join(name);
        let written = File::create(&path).and_then(|file| {
            let mut file = BufWriter::new(file);
            write(&mut file)?;
            file.flush()?;
            // What the disk has still to do for this is not the import's.
            file.get_ref().sync_all()
        });
        written.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    async fn look_ups(&self, customers: u32) -> anyhow::Result<LookUps> {
        note(&format!("looking up {} of {} customers", thousands(self.lookups.into()), thousands(customers.into())));
        // On a task of its own, as a pop is.
        tokio::spawn(look_ups::measure(self.store.clone(), customers, self.lookups, self.now)).await?
    }

    /// Of the store's file and what SQLite keeps beside it.
    fn bytes_on_disk(&self) -> anyhow::Result<u64> {
        let mut bytes = 0;
        for entry in std::fs::read_dir(&self.folder.0)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("journey.db") {
                bytes += entry.metadata()?.len();
            }
        }
        Ok(bytes)
    }

    fn report(&self, customers: u32, [few, many]: [LookUps; 2], bytes: u64, memory_kib: u64) -> Report {
        let interactions = u64::from(customers) * u64::from(INTERACTIONS_EACH);
        let (all, first) = (thousands(interactions), thousands(interactions / u64::from(PARTS)));
        let measured = |what: String, unit, budget, value| Measured { what, unit, budget, value };
        let at_most = Budget::AtMost;
        let rows = vec![
            measured(format!("look up, prepare, encode; {all} stored: p50"), "µs", at_most(60.0), many.us(0.5)),
            measured("the same: p99".into(), "µs", at_most(200.0), many.us(0.99)),
            measured(
                format!("the same: p50 over that with {first} stored"),
                "times",
                at_most(1.5),
                many.us(0.5) / few.us(0.5),
            ),
            measured(
                format!("import of the first {first}"),
                "a second",
                Budget::AtLeast(80_000.0),
                rate(&self.imports[..1]),
            ),
            measured(format!("import of all {all}"), "a second", Budget::AtLeast(80_000.0), rate(&self.imports)),
            measured("on disk, an interaction".into(), "bytes", at_most(400.0), bytes as f64 / interactions as f64),
            measured("memory of a service that serves them".into(), "MB", at_most(300.0), memory_kib as f64 * 1.024e-3),
        ];
        let notes =
            vec![few.note(&format!("look-up with {first} stored")), many.note(&format!("look-up with {all} stored"))];
        Report { machine: Machine::of(&self.folder.0), measured: rows, notes }
    }
}

impl Report {
    fn add_postgres(&mut self, beside: Option<&[LookUps; 2]>, stored: &str) {
        let Some([ours, bare]) = beside else {
            self.notes.push("PostgreSQL was not measured: name a server with --postgres URL".into());
            return;
        };
        self.measured.push(Measured {
            what: format!("look-up in PostgreSQL over a bare SELECT of its rows; {stored} stored: p50"),
            unit: "times",
            budget: Budget::AtMost(1.3),
            value: ours.us(0.5) / bare.us(0.5),
        });
        self.notes.push(ours.note(&format!("look-up in PostgreSQL with {stored} stored")));
        self.notes.push(bare.note("bare SELECT of the same rows"));
    }
}

/// Interactions a second.
fn rate(imports: &[(usize, Duration)]) -> f64 {
    let (interactions, took) =
        imports.iter().fold((0, Duration::ZERO), |sum, import| (sum.0 + import.0, sum.1 + import.1));
    interactions as f64 / took.as_secs_f64().max(1e-6)
}

/// A folder of this run's own; gone when dropped.
pub(super) struct Folder(pub PathBuf);

impl Folder {
    pub fn inside(dir: &Path) -> anyhow::Result<Self> {
        if !dir.is_dir() {
            bail!("there is no folder {}; name another one with --dir", dir.display());
        }
        let path = dir.join(format!("backstory-bench-{:016x}", rand::random::<u64>()));
        std::fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}
