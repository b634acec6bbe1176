//! `backstory import`: histories from files into the store or the topics, with everything refused listed by line.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use tokio::sync::mpsc;

use super::Common;
use super::output::{note, say, thousands};
use super::progress::Progress;
use super::publish::Publisher;
use crate::config::{EMBEDDED, Region, Settings};
use crate::journey::store::Written;
use crate::journey::{Change, Store};
use crate::kafka::Brokers;
use crate::record::Refusal;

mod csv;
mod fields;
mod files;
pub(super) mod lines;
mod map;
mod ordered;
mod read;
mod summary;

pub use map::Mistakes;

use files::{Input, Kind};
use map::Map;
use read::Rules;
use summary::Summary;

/// Batches read ahead of the writer.
const BATCHES_AHEAD: usize = 2;
/// Records that a dry run shows.
const SHOWN_MAX: usize = 5;
/// The in-process broker's clusters are named so.
const EMBEDDED_CLUSTER: &str = "mockCluster";

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

    /// Where to: the store (journey.store of the settings), or the Kafka topics, for every service that reads them
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error(transparent)]
    Record(#[from] Refusal),
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
}

/// What is to be said about a record that was imported; never with a value in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Remark {
    #[error("with an address that was kept as given: it cannot be read as a number")]
    AsGiven,
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
    let of_map = map.as_ref().and_then(|map| map.region);
    let region = args.default_region.map(|region| region.0).or(of_map).unwrap_or(settings.journey.default_region.0);
    let sink = match args.to {
        _ if args.dry_run => Sink::Shown { left: SHOWN_MAX },
        To::Store => Sink::store(&settings).await?,
        To::Topic => Sink::topics(&settings).await?,
    };
    let summary = Summary::new(&inputs, args.refused.as_deref())?;
    import(inputs, Rules { kind: args.kind, map, region, record_bytes_max }, sink, summary).await
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
        let written = sink.take(std::mem::take(&mut batch.changes)).await?;
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

/// Where records go.
enum Sink {
    Store(Store),
    Topics {
        interactions: Publisher,
        contacts: Publisher,
    },
    /// On the screen, the first of them.
    Shown {
        left: usize,
    },
}

impl Sink {
    async fn store(settings: &Settings) -> anyhow::Result<Self> {
        let store = Store::open(&settings.journey)?;
        store.ready().await?;
        note(&format!("into {}", store.describe()));
        Ok(Self::Store(store))
    }

    async fn topics(settings: &Settings) -> anyhow::Result<Self> {
        const REFUSED: &str = "the embedded broker is no place for a history: it keeps 5 MiB a partition and forgets what a slow \
                               reader has not read; import into the store (--to store), or use a Kafka cluster";
        if settings.kafka.brokers.as_deref() == Some(EMBEDDED) {
            bail!(REFUSED);
        }
        let addresses = settings.kafka.brokers.clone().unwrap_or_default();
        let brokers = Brokers::at(addresses, &settings.kafka);
        let asked = brokers.clone();
        let cluster = tokio::task::spawn_blocking(move || asked.cluster_id()).await?;
        let cluster = cluster.with_context(|| format!("the brokers at {} do not answer", brokers.addresses()))?;
        if cluster.starts_with(EMBEDDED_CLUSTER) {
            bail!(REFUSED);
        }
        Ok(Self::Topics {
            interactions: Publisher::open_for_many(&brokers, &brokers.topics().interactions)?,
            contacts: Publisher::open_for_many(&brokers, &brokers.topics().contacts)?,
        })
    }

    async fn take(&mut self, changes: Vec<Change>) -> anyhow::Result<Written> {
        match self {
            Self::Store(store) => Ok(store.write(Arc::new(changes), Vec::new()).await?),
            Self::Shown { left } => {
                for change in changes.iter().take(*left) {
                    match change {
                        Change::Interaction(interaction) => say(&serde_json::to_string_pretty(interaction)?),
                        Change::Contact(contact) => say(&serde_json::to_string_pretty(contact)?),
                        Change::RemoveInteraction { .. } | Change::RemoveContact { .. } | Change::Erase(_) => {}
                    }
                }
                *left = left.saturating_sub(changes.len());
                Ok(Written { changed: changes.len() as u64, ..Written::default() })
            }
            Self::Topics { interactions, contacts } => {
                let published = changes.len() as u64;
                for change in changes {
                    match change {
                        Change::Interaction(interaction) => {
                            let json = serde_json::to_vec(&interaction)?;
                            interactions.publish(Some(&interaction.interaction_id), &json).await?;
                        }
                        Change::Contact(contact) => {
                            contacts.publish(Some(&contact.key()), &serde_json::to_vec(&contact)?).await?;
                        }
                        // Files hold no removals and no erasures.
                        Change::RemoveInteraction { .. } | Change::RemoveContact { .. } | Change::Erase(_) => {}
                    }
                }
                Ok(Written { changed: published, ..Written::default() })
            }
        }
    }

    /// Waits until everything is kept.
    async fn finish(&mut self) -> anyhow::Result<()> {
        if let Self::Topics { interactions, contacts } = self {
            interactions.finish().await?;
            contacts.finish().await?;
        }
        if let Self::Store(Store::Postgres(store)) = self {
            store.count_anew().await?;
        }
        Ok(())
    }

    fn verb(&self) -> &'static str {
        match self {
            Self::Store(_) => "stored",
            Self::Topics { .. } => "published",
            Self::Shown { .. } => "would be stored",
        }
    }
}
