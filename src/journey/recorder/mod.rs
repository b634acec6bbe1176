//! Reads the topics `interactions`, `contacts` and `erasures` from their beginning and keeps what they say. A node's own store takes data
//! and offsets in one transaction; for a shared one, a consumer group's offsets follow the data.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::store::{Offset, Written};
use super::{Catalogue, Change, Contact, Erasure, Interaction, Regions, Source, Store};
use crate::kafka::{Brokers, GroupProgress, Heard, Record, Resume};
use crate::metrics::Metrics;
use crate::record::Refusal;

mod currency;
mod reading;
mod tail;
mod waiting;

pub use currency::Currency;
use reading::Reading;
use waiting::Waiting;

/// Records in one transaction.
const BATCH_RECORDS_MAX: usize = 2000;
/// How often a group is asked how far it is.
const PROGRESS: Duration = Duration::from_millis(500);

/// What a topic's records are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Interactions,
    Contacts,
    Erasures,
}

impl Kind {
    /// What a record changes. A key without a value removes.
    pub fn read(self, record: &Record, regions: Regions, record_bytes_max: usize) -> Result<Change, Refusal> {
        let at = record.time.unwrap_or_default();
        let Some(value) = record.value.as_deref() else { return self.removal(record) };
        if value.len() > record_bytes_max {
            return Err(Refusal::TooLarge);
        }
        Ok(match self {
            Self::Interactions => Change::Interaction(Box::new(Interaction::read(value, regions, at)?)),
            Self::Contacts => Change::Contact(Box::new(Contact::read(value, regions.general, at)?)),
            Self::Erasures => Change::Erase(Box::new(Erasure::read(value, regions.general)?)),
        })
    }

    fn removal(self, record: &Record) -> Result<Change, Refusal> {
        let key = record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok()).filter(|key| !key.is_empty());
        let key = key.ok_or(Refusal::NoValue)?.to_owned();
        Ok(match self {
            Self::Interactions => Change::RemoveInteraction { interaction_id: key },
            Self::Contacts => Change::RemoveContact { key },
            // What was erased does not come back.
            Self::Erasures => return Err(Refusal::NoValue),
        })
    }
}

/// Records one topic.
#[derive(Clone)]
pub struct Recorder {
    pub store: Store,
    pub brokers: Brokers,
    pub topic: String,
    pub kind: Kind,
    pub regions: Regions,
    /// Interactions of other sources are not kept.
    pub sources: Vec<Source>,
    /// Consumer group, where nodes share the store.
    pub group: String,
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
            started = Reading::start(&self) => started,
        };
        let reading = match started {
            Ok(started) => started,
            Err(error) => {
                return error!(kafka.topic = self.topic, error = format!("{error:#}"), "cannot record the topic");
            }
        };
        let Reading::Shared(group) = &reading else { return self.record(reading, &stop, close_limit).await };
        let (progress, shown) = (group.progress(), group.progress());
        // Where one of them ends, however it does, none is left behind.
        let stop = stop.child_token();
        tokio::join!(
            async {
                self.record(reading, &stop, close_limit).await;
                stop.cancel();
            },
            async {
                tail::run(&self, progress, &stop, close_limit).await;
                stop.cancel();
            },
            stop.run_until_cancelled(self.follow_progress(shown)),
        );
    }

    async fn record(&self, mut reading: Reading, stop: &CancellationToken, close_limit: Duration) {
        loop {
            let heard = tokio::select! {
                () = stop.cancelled() => break,
                heard = reading.next() => heard,
            };
            let Some(heard) = heard else { break };
            let batch = self.gather(heard, &mut reading);
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.keep(batch, &reading) => {}
            }
        }
        reading.close(close_limit).await;
    }

    /// Every node says how current the shared store is, whoever keeps the records.
    async fn follow_progress(&self, progress: GroupProgress) {
        let progress = Arc::new(progress);
        let mut every = tokio::time::interval(PROGRESS);
        loop {
            every.tick().await;
            let (asked_at, asking) = (Utc::now(), Arc::clone(&progress));
            // Brokers that do not answer are told about by whoever reads.
            let Ok(Ok(behind)) = tokio::task::spawn_blocking(move || asking.behind()).await else { continue };
            self.metrics.behind(&self.topic, &behind);
            if behind.iter().all(|(_, records)| *records == 0) {
                self.currency.was_current(&self.topic, asked_at);
            }
        }
    }

    /// What is there already, up to a batch.
    fn gather(&self, first: Heard, reading: &mut Reading) -> Batch {
        let mut batch = Batch::default();
        let mut next = Some(first);
        while let Some(heard) = next {
            self.take(heard, &mut batch);
            next = (batch.changes.len() < BATCH_RECORDS_MAX).then(|| reading.next_if_ready()).flatten();
        }
        batch
    }

    fn take(&self, heard: Heard, batch: &mut Batch) {
        match heard {
            Heard::Record(record) => {
                batch
                    .next
                    .insert(record.partition, Resume { next: record.offset + 1, last_record: record.fingerprint() });
                match self.kind.read(&record, self.regions, self.record_bytes_max) {
                    Ok(Change::Interaction(other)) if !self.sources.contains(&other.source) => {}
                    Ok(change) => {
                        self.metrics.addresses_as_given(&self.topic, change.addresses_as_given());
                        self.count_what_is_odd(&change);
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

    /// Kept, and for somebody to look at.
    fn count_what_is_odd(&self, change: &Change) {
        let Change::Interaction(interaction) = change else { return };
        if let Some(outcome) = &interaction.outcome
            && self.catalogue.lacks_outcome(interaction.campaign.as_deref(), outcome)
        {
            self.metrics.unmapped_outcome();
        }
        if interaction.ended_at.is_some_and(|at| at < interaction.started_at) {
            self.metrics.ended_before_start();
        }
    }

    /// Waits as long as it takes: what was read is kept, in order, or nothing after it.
    async fn keep(&self, batch: Batch, reading: &Reading) {
        // Nothing is current while it is being written, nor while nobody can know what is new.
        let was_current = self.currency.behind(&self.topic, Utc::now());
        let offsets = self.offsets(&batch, reading);
        if !(batch.changes.is_empty() && offsets.is_empty()) {
            let written = self.write(Arc::new(batch.changes), offsets).await;
            self.metrics.recorded(&self.topic, &written);
            self.say(written.touched, reading).await;
        }
        match reading {
            Reading::Shared(group) => {
                let next = batch.next.iter().map(|(&partition, resume)| (partition, resume.next)).collect();
                group.commit(&next).await;
            }
            Reading::Own { .. } if batch.caught_up || (was_current && !batch.unreachable) => {
                self.currency.caught_up(&self.topic);
            }
            Reading::Own { .. } => {}
        }
    }

    async fn write(&self, changes: Arc<Vec<Change>>, offsets: Vec<Offset>) -> Written {
        let mut waiting = Waiting::new(self, "cannot keep what was read");
        loop {
            match self.store.write(Arc::clone(&changes), offsets.clone()).await {
                Ok(written) => {
                    waiting.end();
                    return written;
                }
                Err(error) => waiting.after(&error).await,
            }
        }
    }

    fn offsets(&self, batch: &Batch, reading: &Reading) -> Vec<Offset> {
        let Reading::Own { cluster: Some(cluster), .. } = reading else { return Vec::new() };
        let at = |(&partition, resume): (&i32, &Resume)| Offset {
            cluster: cluster.clone(),
            topic: self.topic.clone(),
            partition,
            next: resume.next,
            last_record: resume.last_record,
        };
        batch.next.iter().map(at).collect()
    }

    /// Open timelines on this node follow; those on all nodes hear of a shared store's changes through [`tail`].
    async fn say(&self, touched: BTreeSet<String>, reading: &Reading) {
        if matches!(reading, Reading::Own { .. }) && !touched.is_empty() {
            // Waiting here slows recording down, never a pop. An ended receiver means that we are stopping.
            _ = self.kept.send(Kept { touched }).await;
        }
    }
}
