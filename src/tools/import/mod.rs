//! `backstory import`: histories from files into the store or the topics, with everything refused listed by line.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::Utc;
use clap::ValueEnum;
use tokio::sync::mpsc;

use super::Common;
use super::output::{note, say, thousands};
use super::progress::Progress;
use crate::config::Region;
use crate::journey::keep::Sifted;
use crate::journey::{self, Regions};
use crate::record::{Mark, Refusal};

pub mod csv;
mod fields;
pub mod files;
pub mod lines;
pub mod map;
mod ordered;
mod read;
mod sink;
mod summary;

pub use map::Mistakes;

use files::{Input, Kind};
use map::Map;
use read::Rules;
use sink::Sink;
use summary::Summary;

/// Batches read ahead of the writer.
const BATCHES_AHEAD: usize = 2;

/// Load histories from files: interactions and contacts, as JSON Lines or CSV
#[derive(Debug, clap::Args)]
#[command(after_help = "\
JSON Lines files (.jsonl, .ndjson, .json) hold one record a line. CSV files (.csv; comma, semicolon or tab) \
begin with a header of the same field names, dotted for fields of fields: campaign.id, outcome.code, agent.name, \
addresses.0.address; a contact's one address may stand in plain address and mode columns. An empty cell is an \
absent field. Files of another shape are imported by a mapping file (docs/import.md says how to write one).

Importing a file twice, or beside a running service, is safe: of each record the newest updatedAt is kept (where \
a record has none, the time of the file's last change stands in). Imports into the store send no updates to \
agents who are on a call. Of a JSON Lines file, records are taken contact by contact, about a million at a time: so \
they are kept, and so it is fast.

Exit code: 0 if every record was imported, 1 if some were refused (the others are imported) or the import \
failed, 64 if the settings or the mapping cannot be used.")]
pub struct Args {
    /// Files to import, in this order
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Mapping file (TOML) that says what each of our fields is made of, for files of another shape
    #[arg(long, value_name = "MAP", conflicts_with = "kind")]
    map: Option<PathBuf>,

    /// Show the first records as they would be stored, and what would be refused; write nothing
    #[arg(long)]
    dry_run: bool,

    /// Where to: the store (journey.store, or that of the record's source), or the Kafka topics, for every service that reads them
    #[arg(long, value_enum, default_value_t = To::Store)]
    to: To,

    /// What the records are [default: told from each file: with an interactionId they are interactions, else contacts]
    #[arg(long, value_enum)]
    kind: Option<Kind>,

    /// Region of numbers without a country code, two letters such as US or PT [default: the mapping's default_region, else journey.default_region]
    #[arg(long, value_name = "XX", value_parser = region)]
    default_region: Option<Region>,

    /// Also write every refused record's file, line and reason (no values) to this file, as JSON Lines
    #[arg(long, value_name = "FILE")]
    refused: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum To {
    /// Into the store, at once
    Store,
    /// To the topics, with numbers in E.164 and without unknown fields
    Topic,
}

fn region(text: &str) -> Result<Region, &'static str> {
    text.to_ascii_uppercase().try_into()
}

/// Why a record is not imported; never with a value in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error(transparent)]
    Record(#[from] Refusal),
    #[error("its source is read from tables of your own (journey.sources), and nothing is imported into them")]
    Elsewhere,
    #[error("the line is not UTF-8")]
    NotUtf8,
    #[error("the line is not of the mapping's encoding")]
    NotDecoded,
    #[error("the field {0} is no time of the mapping's time_format")]
    Time(&'static str),
    #[error("the duration for the field {0} is neither seconds nor [h:]mm:ss")]
    Duration(&'static str),
    #[error("the row has {found} cells and the header {expected}")]
    Cells { found: usize, expected: usize },
    #[error("a quote is opened and not closed")]
    OpenQuote,
    #[error(
        "nothing was read below this header: it names neither interactionId nor contactId (--help says what a header is, \
         and how files of another shape are imported)"
    )]
    HeaderOfNothing,
    #[error("nothing was read below this header: it names a field twice")]
    HeaderTwice,
    #[error("nothing was read below this header: it has not all the columns that the mapping names")]
    HeaderOfAnother,
    #[error("the store does not take it ({0})")]
    Store(String),
}

/// What is to be said about a record that was imported; never with a value in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Remark {
    #[error("with an address that was kept as given: it cannot be read as a number")]
    AsGiven,
    #[error("with a mark: {0}")]
    Marked(Mark),
    #[error("with a value for {0} that the mapping's values do not name: it was kept as it is")]
    NoEntry(&'static str),
    #[error("with a local time for {0} that came twice when the clocks were set back: the first was taken")]
    Repeated(&'static str),
    #[error(
        "with a local time for {0} that never came, because the clocks were set forward: it was read as if they were not"
    )]
    Skipped(&'static str),
}

pub async fn run(common: &Common, args: Args) -> anyhow::Result<ExitCode> {
    let settings = match args.to {
        To::Topic if !args.dry_run => common.settings()?,
        _ => common.settings_without_kafka()?,
    };
    let map = args.map.as_deref().map(Map::open).transpose()?.map(Arc::new);
    let inputs = files::inspect(&args.files, map.as_deref())?;
    let record_bytes_max = settings.kafka.record_bytes_max;
    if let Some(map) = &map {
        map.check(&inputs, record_bytes_max)?;
    }
    let of_files = args.default_region.map(|region| region.0).or(map.as_ref().and_then(|map| map.region));
    let regions = of_files.map_or_else(|| Regions::of_settings(&settings.journey), Regions::from);
    let sink = match args.to {
        _ if args.dry_run => Sink::shown(),
        To::Store => Sink::stores(&settings).await?,
        To::Topic => Sink::topics(&settings).await?,
    };
    let summary = Summary::new(&inputs, args.refused.as_deref())?;
    let records = journey::Rules { regions, ..journey::Rules::of_settings(&settings)? };
    let rules = Rules { kind: args.kind, map, records, sources: sink.sources(), record_bytes_max, began: Utc::now() };
    import(inputs, rules, sink, summary).await
}

async fn import(inputs: Vec<Input>, rules: Rules, mut sink: Sink, mut summary: Summary) -> anyhow::Result<ExitCode> {
    let mut progress = Progress::of_bytes(inputs.iter().map(|input| input.bytes).sum(), "records");
    // What each file is called, and where it begins in the bar.
    let files: Vec<(PathBuf, u64)> = inputs
        .iter()
        .scan(0, |sum, input| Some((input.path.clone(), std::mem::replace(sum, *sum + input.bytes))))
        .collect();
    let (sender, mut batches) = mpsc::channel(BATCHES_AHEAD);
    let reading = tokio::task::spawn_blocking(move || read::read_all(&inputs, &rules, &sender));
    while let Some(mut batch) = batches.recv().await {
        let (path, begins) = &files[batch.file];
        for said in &batch.notes {
            note(&format!("{}: {said}", path.display()));
        }
        let Sifted { written, refused, .. } = sink.take(std::mem::take(&mut batch.changes)).await?;
        batch.refuse(refused);
        summary.add(&batch, &written)?;
        progress.at(begins + batch.position, summary.records());
    }
    reading.await.context("reading ended early")??;
    sink.finish().await?;
    let took = progress.finish();
    let (records, refused) = (summary.records(), summary.refused());
    say(&summary.print(sink.verb())?);
    note(&time_taken(took, records));
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A rate says nothing of less than a second.
fn time_taken(took: Duration, records: u64) -> String {
    match took.as_secs_f64() {
        short if short < 1.0 => format!("{:.0} ms", (short * 1000.0).ceil()),
        seconds => format!("{seconds:.1} s, {} records a second", thousands((records as f64 / seconds) as u64)),
    }
}
