//! `backstory import`: histories from files into the store or the topics, with everything refused listed by line.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

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
mod files;
pub(super) mod lines;
mod ordered;
mod read;
mod summary;

use files::Kind;
use read::{Batch, Rules};
use summary::Summary;

/// Batches read ahead of the writer.
const BATCHES_AHEAD: usize = 2;
/// The in-process broker's clusters are named so.
const EMBEDDED_CLUSTER: &str = "mockCluster";

/// Load histories from files: interactions and contacts, as JSON Lines or CSV
#[derive(Debug, clap::Args)]
#[command(after_help = "\
JSON Lines files (.jsonl, .ndjson, .json) hold one record a line. CSV files (.csv; comma, semicolon or tab) \
begin with a header of the same field names, dotted for fields of fields: campaign.id, outcome.code, agent.name, \
addresses.0.address; a contact's one address may stand in plain address and mode columns. An empty cell is an \
absent field.

Importing a file twice, or beside a running service, is safe: of each record the newest updatedAt is kept (where \
a record has none, the time of the file's last change stands in). Imports into the store send no updates to \
agents who are on a call. Of a JSON Lines file, records are taken contact by contact, about a million at a time: so \
they are kept, and so it is fast.

Exit code: 0 if every record was imported, 1 if some were refused (the others are imported) or the import \
failed, 64 if the settings cannot be used.")]
pub struct Args {
    /// Files to import, in this order
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Where to: the store (journey.store of the settings), or the Kafka topics, for every service that reads them
    #[arg(long, value_enum, default_value_t = To::Store)]
    to: To,

    /// What the records are [default: told from each file: with an interactionId they are interactions, else contacts]
    #[arg(long, value_enum)]
    kind: Option<Kind>,

    /// Region of numbers without a country code, two letters such as US or PT [default: journey.default_region]
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
    #[error("the row has {found} cells and the header {expected}")]
    Cells { found: usize, expected: usize },
    #[error("a quote is opened and not closed")]
    OpenQuote,
    #[error(
        "nothing was read below this header: it names neither interactionId nor contactId (--help says what a header is)"
    )]
    HeaderOfNothing,
    #[error("nothing was read below this header: it names a field twice")]
    HeaderTwice,
}

pub async fn run(common: &Common, args: Args) -> anyhow::Result<ExitCode> {
    let settings = match args.to {
        To::Store => common.settings_without_kafka()?,
        To::Topic => common.settings()?,
    };
    let inputs = files::inspect(&args.files)?;
    let mut sink = match args.to {
        To::Store => Sink::store(&settings)?,
        To::Topic => Sink::topics(&settings).await?,
    };
    let region = args.default_region.unwrap_or(settings.journey.default_region).0;
    let rules = Rules { kind: args.kind, region, record_bytes_max: settings.kafka.record_bytes_max };
    let mut summary = Summary::new(&inputs, args.refused.as_deref())?;
    let mut progress = Progress::of_bytes(inputs.iter().map(|input| input.bytes).sum(), "records");
    // Where each file begins in the bar.
    let begins: Vec<u64> =
        inputs.iter().scan(0, |sum, input| Some(std::mem::replace(sum, *sum + input.bytes))).collect();
    let (sender, mut batches) = mpsc::channel(BATCHES_AHEAD);
    let reading = tokio::task::spawn_blocking(move || read::read_all(&inputs, rules, &sender));
    while let Some(batch) = batches.recv().await {
        let Batch { file, changes, refused, position, unused_columns } = batch;
        if !unused_columns.is_empty() {
            note(&format!("{}: columns not used: {}", args.files[file].display(), unused_columns.join(", ")));
        }
        let written = sink.take(changes).await?;
        summary.add(file, written, &refused)?;
        progress.at(begins[file] + position, summary.records());
    }
    reading.await.context("reading ended early")??;
    sink.finish().await?;
    let took = progress.finish();
    let (records, refused) = (summary.records(), summary.refused());
    say(&summary.print(sink.verb())?);
    let rate = records as f64 / took.as_secs_f64().max(0.001);
    note(&format!("{:.1} s, {} records a second", took.as_secs_f64(), thousands(rate as u64)));
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where records go.
enum Sink {
    Store(Store),
    Topics { interactions: Publisher, contacts: Publisher },
}

impl Sink {
    fn store(settings: &Settings) -> anyhow::Result<Self> {
        let store = Store::open(&settings.journey.store.0, 1)?;
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
                        // Files hold no removals.
                        Change::RemoveInteraction { .. } | Change::RemoveContact { .. } => {}
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
        Ok(())
    }

    fn verb(&self) -> &'static str {
        match self {
            Self::Store(_) => "stored",
            Self::Topics { .. } => "published",
        }
    }
}
