//! Reads the topics `interactions` and `contacts` from their beginning and keeps what they say: data and offsets in one transaction.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use rlibphonenumber::Region;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::store::Offset;
use super::{Catalogue, Change, Contact, Interaction, Source, SourceState, Store};
use crate::kafka::{Brokers, Consumer, Heard, Record, Resume, Start};
use crate::metrics::Metrics;
use crate::record::Refusal;

/// Records in one transaction.
const BATCH_RECORDS_MAX: usize = 2000;
/// The first wait after a failed write; doubled up to the second.
const RETRY_MIN: Duration = Duration::from_millis(250);
const RETRY_MAX: Duration = Duration::from_secs(30);

/// What a topic's records are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Interactions,
    Contacts,
}

impl Kind {
    /// What a record changes. A key without a value removes.
    pub fn read(self, record: &Record, region: Region, record_bytes_max: usize) -> Result<Change, Refusal> {
        let at = record.time.unwrap_or_default();
        let Some(value) = record.value.as_deref() else { return self.removal(record) };
        if value.len() > record_bytes_max {
            return Err(Refusal::TooLarge);
        }
        Ok(match self {
            Self::Interactions => Change::Interaction(Box::new(Interaction::read(value, region, at)?)),
            Self::Contacts => Change::Contact(Box::new(Contact::read(value, region, at)?)),
        })
    }

    fn removal(self, record: &Record) -> Result<Change, Refusal> {
        let key = record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok()).filter(|key| !key.is_empty());
        let key = key.ok_or(Refusal::NoValue)?.to_owned();
        Ok(match self {
            Self::Interactions => Change::RemoveInteraction { interaction_id: key },
            Self::Contacts => Change::RemoveContact { key },
        })
    }
}

/// When the recorders had last read everything there is.
#[derive(Default)]
pub struct Currency(Mutex<HashMap<String, AsOf>>);

#[derive(Clone, Copy)]
enum AsOf {
    Now,
    Then(Option<DateTime<Utc>>),
}

impl Currency {
    /// The oldest of the topics counts: what is missing in one is missing on the screen.
    pub fn states(&self, sources: &[Source], now: DateTime<Utc>) -> Vec<SourceState> {
        let topics = self.0.lock();
        let of = |as_of: &AsOf| match as_of {
            AsOf::Now => Some(now),
            AsOf::Then(then) => *then,
        };
        let as_of = topics.values().map(of).min().flatten();
        sources.iter().map(|&source| SourceState { source, as_of }).collect()
    }

    fn begin(&self, topic: &str) {
        self.0.lock().insert(topic.to_owned(), AsOf::Then(None));
    }

    fn caught_up(&self, topic: &str) {
        self.0.lock().insert(topic.to_owned(), AsOf::Now);
    }

    /// Says whether it was current until now.
    fn behind(&self, topic: &str, now: DateTime<Utc>) -> bool {
        let mut topics = self.0.lock();
        let Some(as_of @ AsOf::Now) = topics.get_mut(topic) else { return false };
        *as_of = AsOf::Then(Some(now));
        true
    }
}

/// Records one topic.
pub struct Recorder {
    pub store: Store,
    pub brokers: Brokers,
    pub topic: String,
    pub kind: Kind,
    pub region: Region,
    pub record_bytes_max: usize,
    pub metrics: Arc<Metrics>,
    pub catalogue: Arc<Catalogue>,
    pub currency: Arc<Currency>,
    /// Told what was kept, so that open timelines follow.
    pub kept: mpsc::Sender<Kept>,
}

/// A batch is in the store now.
#[derive(Debug)]
pub struct Kept {
    /// Contact ids and addresses whose journeys it changed.
    pub touched: BTreeSet<String>,
}

/// What was read and is not yet kept.
#[derive(Default)]
struct Batch {
    changes: Vec<Change>,
    next: HashMap<i32, Resume>,
    caught_up: bool,
    unreachable: bool,
}

impl Recorder {
    /// Runs until stopped; nothing that fails on the way ends it.
    pub async fn run(self, stop: CancellationToken, close_limit: Duration) {
        self.currency.begin(&self.topic);
        let started = tokio::select! {
            () = stop.cancelled() => return,
            started = self.start() => started,
        };
        let (mut consumer, cluster) = match started {
            Ok(started) => started,
            Err(error) => {
                return error!(kafka.topic = self.topic, error = format!("{error:#}"), "cannot record the topic");
            }
        };
        self.metrics.follow(&consumer);
        loop {
            let heard = tokio::select! {
                () = stop.cancelled() => break,
                heard = consumer.next() => heard,
            };
            let Some(heard) = heard else { break };
            let batch = self.gather(heard, &mut consumer);
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.keep(batch, cluster.as_deref()) => {}
            }
        }
        consumer.close(close_limit).await;
    }

    /// Goes on where this cluster's topic was read up to.
    async fn start(&self) -> anyhow::Result<(Consumer, Option<String>)> {
        let cluster = self.cluster().await;
        let mut offsets = HashMap::new();
        if let Some(cluster) = &cluster {
            let kept = self.store.offsets(cluster.clone()).await.context("cannot read the offsets")?;
            offsets.extend(
                kept.into_iter()
                    .filter(|kept| kept.topic == self.topic)
                    .map(|kept| (kept.partition, Resume { next: kept.next, last_record: kept.last_record })),
            );
            if offsets.is_empty() {
                info!(
                    kafka.topic = self.topic,
                    kafka.cluster = cluster,
                    "never read from this cluster: reading from the earliest record"
                );
            }
        }
        let consumer = Consumer::start(&self.brokers, &self.topic, Start::At(offsets), self.metrics.kafka_errors())?;
        Ok((consumer, cluster))
    }

    /// `None` for the embedded broker: its offsets mean nothing to the next one.
    async fn cluster(&self) -> Option<String> {
        let mut wait = RETRY_MIN;
        while !self.brokers.embedded() {
            let brokers = self.brokers.clone();
            match tokio::task::spawn_blocking(move || brokers.cluster_id()).await {
                Ok(Ok(cluster)) => return Some(cluster),
                Ok(Err(error)) => warn!(kafka.topic = self.topic, %error, "the brokers do not answer, trying on"),
                Err(_) => {}
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(RETRY_MAX);
        }
        None
    }

    /// What is there already, up to a batch.
    fn gather(&self, first: Heard, consumer: &mut Consumer) -> Batch {
        let mut batch = Batch::default();
        let mut next = Some(first);
        while let Some(heard) = next {
            self.take(heard, &mut batch);
            next = (batch.changes.len() < BATCH_RECORDS_MAX).then(|| consumer.next_if_ready()).flatten();
        }
        batch
    }

    fn take(&self, heard: Heard, batch: &mut Batch) {
        match heard {
            Heard::Record(record) => {
                batch
                    .next
                    .insert(record.partition, Resume { next: record.offset + 1, last_record: record.fingerprint() });
                match self.kind.read(&record, self.region, self.record_bytes_max) {
                    Ok(change) => {
                        self.metrics.addresses_as_given(&self.topic, change.addresses_as_given());
                        self.count_unmapped(&change);
                        batch.changes.push(change);
                    }
                    Err(refusal) => {
                        self.metrics.refused(&self.topic, refusal);
                        let (partition, offset) = (record.partition, record.offset);
                        warn!(
                            kafka.topic = self.topic,
                            kafka.partition = partition,
                            kafka.offset = offset,
                            reason = refusal.name(),
                            "record refused: {refusal}"
                        );
                    }
                }
            }
            // Where it goes on is known with its next record.
            Heard::Gap { partition, .. } => _ = batch.next.remove(&partition),
            Heard::CaughtUp => (batch.caught_up, batch.unreachable) = (true, false),
            Heard::Unreachable => (batch.caught_up, batch.unreachable) = (false, true),
        }
    }

    fn count_unmapped(&self, change: &Change) {
        if let Change::Interaction(interaction) = change
            && let Some(outcome) = &interaction.outcome
            && self.catalogue.lacks_outcome(interaction.campaign.as_ref(), outcome)
        {
            self.metrics.unmapped_outcome();
        }
    }

    /// Waits as long as it takes: what was read is kept, in order, or nothing after it.
    async fn keep(&self, batch: Batch, cluster: Option<&str>) {
        // Nothing is current while it is being written, nor while nobody can know what is new.
        let was_current = self.currency.behind(&self.topic, Utc::now());
        let offsets: Vec<Offset> = cluster.map_or_else(Vec::new, |cluster| {
            let at = |(&partition, resume): (&i32, &Resume)| Offset {
                cluster: cluster.to_owned(),
                topic: self.topic.clone(),
                partition,
                next: resume.next,
                last_record: resume.last_record,
            };
            batch.next.iter().map(at).collect()
        });
        let changes = Arc::new(batch.changes);
        let mut wait = RETRY_MIN;
        while !(changes.is_empty() && offsets.is_empty()) {
            match self.store.write(Arc::clone(&changes), offsets.clone()).await {
                Ok(written) => {
                    self.metrics.recorded(&self.topic, written.changed, written.known);
                    if !written.touched.is_empty() {
                        let kept = Kept { touched: written.touched };
                        // Waiting here slows recording down, never a pop. An ended receiver means that we are stopping.
                        _ = self.kept.send(kept).await;
                    }
                    break;
                }
                Err(error) => {
                    let wait_ms = wait.as_millis() as u64;
                    error!(kafka.topic = self.topic, %error, wait_ms, "cannot keep what was read, waiting");
                }
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(RETRY_MAX);
        }
        if batch.caught_up || (was_current && !batch.unreachable) {
            self.currency.caught_up(&self.topic);
        }
    }
}
