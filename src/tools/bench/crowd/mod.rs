//! `backstory bench crowd`: what one expensive customer, one searching agent and clients that do not read cost everybody else.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::anyhow;

use super::journey::Folder;
use super::journey::machine::Machine;
use super::journey::report::Report;
use super::nodes::topics::Topics;
use super::numbers;
use crate::config::EMBEDDED;
use crate::kafka::Brokers;
use crate::tools::Common;
use crate::tools::call::{rate, seconds};
use crate::tools::output::{note, say};

mod cpu;
mod files;
mod labels;
mod latency;
mod memory;
mod paired;
mod pressure;
mod ringing;
mod searching;
mod site;
mod told;
mod unread;
mod window;

use site::Site;
use told::Told;

/// Pops, memory and CPU time of a node beside customers, agents and clients that ask too much of it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Starts nodes of its own on SQLite stores of its own and measures four things:

crowd    Pops of ordinary calls (20 interactions each) in quiet windows, and in windows in which calls of another number \
keep ringing: --contacts contacts share it, with 10 interactions each. Once without masks, once with policy.number_digits.
search   The same, while five sessions of one agent search a journey of --interactions interactions as often as \
http.frames_per_second_max allows.
cpu      CPU time of the node, an ordinary call. With --against, also that of another release.
memory   Resident memory before, during and after each of these and of three more cases: 200 HTTP connections and 10 \
sessions that ask for a journey of 8 MB and do not read it, and records with labels of 900 KB. Each case has a node of its \
own and is measured once; the quiet case is measured twice. Clients that do not read stay connected until the end.

Everything but memory is measured in pairs, in one run: a quiet window A, the window B that is compared with it, and a second quiet \
window A'; in every other pair A' comes first. The report has the medians of A, A' and B. The ratio A' ÷ A is noise: both are the same \
measurement. A ratio B ÷ A that is no further from 1 than that shows nothing. With --against, A and A' are two processes of the other \
program and B is one of this, twice in each pair: A B B A'.

If kafka.brokers names a Kafka, topics with random names are made there and removed at the end. Otherwise every node has the embedded \
broker: that one answers by a timer and lives in the node's process, so times, memory and CPU time contain it.

Stores lie in --dir (about 200 MB with the defaults, and more while records with long labels arrive) and are removed at the end. \
With the defaults a run takes about half an hour.

Exit code: 1 if a budget is missed, or an ordinary pop is lost.")]
pub struct Args {
    /// Pairs of each measurement
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pairs: u32,

    /// Contacts that share the number that keeps ringing
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    contacts: u32,

    /// Interactions of the journey that is searched
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    interactions: u32,

    /// Measure only this; may be given several times
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,

    /// Ordinary calls offered a second
    #[arg(long, value_name = "R", default_value_t = 100.0, value_parser = rate)]
    rate: f64,

    /// Length of a window
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds_with_unit)]
    window: Duration,

    /// Time between the end of a case and the measurement of the memory that is left
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds_with_unit)]
    settle: Duration,

    /// Ordinary calls in each measurement of CPU time
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    calls: u32,

    /// Records with long labels
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    labels: u32,

    /// Program of another release, to compare CPU time with; settings of the command line must be known to both
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,

    /// Folder in which everything is made
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    dir: PathBuf,

    /// Print one JSON object instead
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Crowd,
    Search,
    Memory,
    Cpu,
}

/// `60` or `60s`.
fn seconds_with_unit(text: &str) -> Result<Duration, String> {
    seconds(text.strip_suffix('s').unwrap_or(text))
}

impl Args {
    fn has(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

pub async fn run(common: &Common, args: Args) -> anyhow::Result<ExitCode> {
    numbers::allow_open_files(u64::from(window::AGENTS + unread::CONNECTIONS))?;
    let settings = common.settings_without_kafka()?;
    let named = settings.kafka.brokers.as_deref().is_some_and(|brokers| brokers != EMBEDDED);
    let topics = if named {
        let (brokers, _) = Brokers::open(&settings.kafka)?;
        Some(Topics::make(&brokers, "crowd").await?)
    } else {
        note(
            "the embedded broker answers by a timer and lives in the node's process: name a Kafka with --set kafka.brokers=HOST:PORT for figures to rely on",
        );
        None
    };
    let folder = Folder::inside(&args.dir)?;
    let site = Site { common, settings: &settings, topics: topics.as_ref(), folder: &folder.0 };
    let told = tokio::select! {
        told = measure_all(&args, &site) => told,
        // Topics and folder go with the measurement.
        _ = tokio::signal::ctrl_c() => Err(anyhow!("stopped before the end")),
    };
    if let Some(topics) = &topics {
        topics.remove().await?;
    }
    let told = told?;
    say(&if args.json { told.json() } else { told.text() });
    Ok(if told.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn measure_all(args: &Args, site: &Site<'_>) -> anyhow::Result<Told> {
    let report = Report { machine: Machine::of(site.folder), measured: Vec::new(), notes: Vec::new() };
    let mut told = Told { report, latency: Vec::new(), cpu: None, memory: Vec::new() };
    if args.has(Part::Cpu) {
        told.add_cpu(cpu::measure(args, site).await?);
    }
    if [Part::Crowd, Part::Search, Part::Memory].into_iter().any(|part| args.has(part)) {
        note("importing journeys");
        site.import(&files::everything(site.folder, args)?, site::STORE).await?;
    }
    for case in latency::CASES.iter().filter(|case| args.has(case.part)) {
        told.add_latency(latency::measure(args, site, case).await?);
    }
    // Last: it leaves records with long labels in the store and in the topics.
    if args.has(Part::Memory) {
        for case in memory::CASES {
            told.add_memory(memory::measure(args, site, case).await?);
        }
    }
    Ok(told)
}
