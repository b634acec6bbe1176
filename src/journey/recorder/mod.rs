//! Reads the topics `interactions`, `contacts` and `erasures` from their beginning and keeps what they say. A node's own store takes data
//! and offsets in one transaction; for a shared one, a consumer group's offsets follow the data.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::{Catalogue, Rules, Source, Store};
use crate::kafka::{Brokers, GroupProgress};
use crate::limited_log::RefusedRecords;
use crate::metrics::Metrics;
use crate::record::Mark;

mod batch;
mod currency;
mod fences;
mod keeping;
mod kind;
mod reading;
mod tail;
mod waiting;

pub use currency::Currency;
use fences::Fences;
pub use kind::Kind;
use reading::Reading;
use waiting::Waiting;

/// How often a group is asked how far it is.
const PROGRESS: Duration = Duration::from_millis(500);

/// Records one topic.
#[derive(Clone)]
pub struct Recorder {
    pub store: Store,
    pub brokers: Brokers,
    pub topic: String,
    pub kind: Kind,
    pub rules: Rules,
    /// Interactions of other sources are not kept.
    pub sources: Vec<Source>,
    /// Consumer group, where nodes share the store.
    pub group: String,
    pub record_bytes_max: usize,
    pub metrics: Arc<Metrics>,
    pub refused: Arc<RefusedRecords>,
    pub catalogue: Arc<Catalogue>,
    pub currency: Arc<Currency>,
    /// Told what was kept, so that open timelines follow.
    pub kept: mpsc::Sender<Kept>,
    /// Of these the log has spoken.
    pub warned: Arc<Mutex<HashSet<Mark>>>,
}

/// A batch is in the store now.
#[derive(Debug)]
pub struct Kept {
    /// Contact ids and addresses whose journeys it changed.
    pub touched: BTreeSet<String>,
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
        let mut fences = Fences::default();
        loop {
            let read = tokio::select! {
                () = stop.cancelled() => break,
                read = reading.next() => read,
            };
            let Some(read) = read else { break };
            let batch = self.gather(read, &mut reading);
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.keep(batch, &mut reading, &mut fences) => {}
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
}
