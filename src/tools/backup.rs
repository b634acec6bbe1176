//! `backstory backup`: a copy of the embedded store, taken while the service runs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::SecondsFormat;
use indicatif::HumanBytes;

use super::Common;
use super::output::{counted, note, say};
use crate::config::{Journey, Problems, StoreAddress};
use crate::journey::Source;
use crate::journey::embedded::backup::{Contents, backup};

/// Copy the SQLite store into a file, while the service runs
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The copy is the store of one moment, whole: journeys, and how far each topic was read. The service goes on meanwhile; nobody waits. \
FILE appears only once the copy is complete and on the disk, so an interrupted backup leaves no half a file. The folder needs as \
much room as the store.

Bring it back with `backstory restore FILE`. A store in PostgreSQL is backed up by PostgreSQL's own pg_dump.

Exit code: 0 if the backup was made, 1 if not, 64 if the settings cannot be used or the store is in PostgreSQL.")]
pub struct Args {
    /// Where to write the backup
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Replace FILE where it is there already
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    which: Which,
}

/// Which of the stores.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// The store of this source's own (journey.sources.<source>.store): campaign_manager or data_cloud [default: journey.store]
    #[arg(long, value_name = "SOURCE", value_parser = source)]
    source: Option<Source>,
}

fn source(text: &str) -> Result<Source, String> {
    Source::of_name(text).ok_or_else(|| format!("write {}", Source::NAMES.join(" or ")))
}

impl Which {
    /// Its SQLite file.
    pub(super) fn file<'a>(&self, settings: &'a Journey, instead: &str) -> Result<&'a Path, Problems> {
        let (setting, store) = match self.source {
            None => ("journey.store".to_owned(), Some(&settings.store)),
            Some(source) => {
                let own = settings.sources.of(source);
                (format!("journey.sources.{}.store", source.name()), own.store.as_ref())
            }
        };
        let problem = match store {
            Some(StoreAddress::Sqlite(path)) => return Ok(path),
            Some(StoreAddress::Postgres(_)) => {
                format!("{setting}: this store is in PostgreSQL, which has tools of its own for it: use {instead}")
            }
            None => format!("{setting}: is not set: the source is kept in journey.store; leave --source out"),
        };
        Err(Problems(vec![problem]))
    }
}

pub async fn run(common: &Common, args: Args) -> anyhow::Result<ExitCode> {
    let settings = common.settings_without_kafka()?.journey;
    let store = args.which.file(&settings, "pg_dump --schema=backstory")?;
    note(&format!("copying {}", store.display()));
    let contents = backup(store, &args.file, args.force)?;
    say(&format!("{}: {}", args.file.display(), describe(&contents)));
    if args.which.source.is_none() {
        for source in Source::ALL {
            if let Some(StoreAddress::Sqlite(path)) = &settings.sources.of(source).store {
                let (name, path) = (source.name(), path.display());
                note(&format!("{name} has a store of its own, {path}: back it up, too, with --source {name}"));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What is in it and until when, on a line for each.
pub(super) fn describe(contents: &Contents) -> String {
    let (interactions, contacts) =
        (counted(contents.interactions, "interaction"), counted(contents.contacts, "contact"));
    let mut lines = vec![format!("{interactions}, {contacts}, {}", HumanBytes(contents.bytes))];
    lines.extend(contents.newest_change.map(|at| {
        let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
        format!("  the newest change of an interaction: {at}")
    }));
    for of_topic in contents.offsets.chunk_by(|(one, ..), (next, ..)| one == next) {
        let nexts: Vec<_> = of_topic.iter().map(|(_, partition, next)| format!("{partition}:{next}")).collect();
        lines.push(format!("  read from the topic {} (partition:next offset): {}", of_topic[0].0, nexts.join(" ")));
    }
    if contents.offsets.is_empty() {
        lines.push("  nothing in it was read from Kafka".into());
    }
    lines.join("\n")
}
