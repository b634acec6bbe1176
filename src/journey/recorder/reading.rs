//! Where a recorder reads: by itself, for a store that is this node's own, or with the other nodes, for one that they share.

use std::collections::HashMap;
use std::time::Duration;

use tracing::{info, warn};

use super::{Recorder, Waiting};
use crate::journey::Store;
use crate::journey::store::Offset;
use crate::kafka::{Consumer, GroupConsumer, GroupRecord, Heard, Resume, Start};

/// Between questions to brokers that do not answer; doubled up to the second.
const RETRY_MIN: Duration = Duration::from_millis(250);
const RETRY_MAX: Duration = Duration::from_secs(30);

pub enum Reading {
    /// Every partition; offsets stand in the store, beside what was read before them. No cluster: the embedded broker's offsets
    /// mean nothing to the next one.
    Own { consumer: Consumer, cluster: Option<String> },
    /// Some partitions; offsets are the group's, committed after the write.
    Shared(GroupConsumer),
}

/// What was read, and under which ownership of its partition: who loses the partition and gets it back has another one.
pub struct Read {
    pub heard: Heard,
    pub ownership: u64,
}

impl Reading {
    /// Goes on where this cluster's topic was read up to.
    pub async fn start(recorder: &Recorder) -> anyhow::Result<Self> {
        let errors = recorder.metrics.kafka_errors();
        if matches!(recorder.store, Store::Postgres(_)) && !recorder.brokers.embedded() {
            let group = GroupConsumer::start(&recorder.brokers, &recorder.group, &recorder.topic, errors)?;
            return Ok(Self::Shared(group));
        }
        let cluster = cluster(recorder).await;
        let mut offsets = HashMap::new();
        if let Some(cluster) = &cluster {
            let kept = kept_offsets(recorder, cluster).await;
            offsets.extend(
                kept.into_iter()
                    .filter(|kept| kept.topic == recorder.topic)
                    .map(|kept| (kept.partition, Resume { next: kept.next, last_record: kept.last_record })),
            );
            if offsets.is_empty() {
                info!(
                    kafka.topic = recorder.topic,
                    kafka.cluster = cluster,
                    "never read from this cluster: reading from the earliest record"
                );
            }
        }
        let consumer = Consumer::start(&recorder.brokers, &recorder.topic, Start::At(offsets), errors)?;
        recorder.metrics.follow(consumer.lag());
        Ok(Self::Own { consumer, cluster })
    }

    pub async fn next(&mut self) -> Option<Read> {
        match self {
            Self::Own { consumer, .. } => consumer.next().await.map(Read::of_own),
            Self::Shared(group) => group.next().await.map(Read::of_group),
        }
    }

    pub fn next_if_ready(&mut self) -> Option<Read> {
        match self {
            Self::Own { consumer, .. } => consumer.next_if_ready().map(Read::of_own),
            Self::Shared(group) => group.next_if_ready().map(Read::of_group),
        }
    }

    /// Everything before these offsets is in the store.
    pub fn kept(&self, next: &HashMap<i32, Resume>) {
        let Self::Own { consumer, .. } = self else { return };
        let lag = consumer.lag();
        next.iter().for_each(|(&partition, resume)| lag.kept(partition, resume.next));
    }

    pub async fn close(self, limit: Duration) {
        match self {
            Self::Own { consumer, .. } => consumer.close(limit).await,
            Self::Shared(group) => group.close(limit).await,
        }
    }
}

impl Read {
    fn of_own(heard: Heard) -> Self {
        Self { heard, ownership: 0 }
    }

    fn of_group(GroupRecord { record, ownership }: GroupRecord) -> Self {
        Self { heard: Heard::Record(record), ownership }
    }

    /// Of the value, which is what takes time to read.
    pub fn bytes(&self) -> usize {
        match &self.heard {
            Heard::Record(record) => record.value.as_ref().map_or(0, Vec::len),
            _ => 0,
        }
    }
}

async fn kept_offsets(recorder: &Recorder, cluster: &str) -> Vec<Offset> {
    let mut waiting = Waiting::new(recorder, "cannot read in the store where to go on");
    loop {
        match recorder.store.offsets(cluster.to_owned()).await {
            Ok(offsets) => {
                waiting.end();
                return offsets;
            }
            Err(error) => waiting.after(&error.into()).await,
        }
    }
}

async fn cluster(recorder: &Recorder) -> Option<String> {
    let mut wait = RETRY_MIN;
    while !recorder.brokers.embedded() {
        let brokers = recorder.brokers.clone();
        match tokio::task::spawn_blocking(move || brokers.cluster_id()).await {
            Ok(Ok(cluster)) => return Some(cluster),
            Ok(Err(error)) => warn!(kafka.topic = recorder.topic, %error, "the brokers do not answer, trying on"),
            Err(_) => {}
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(RETRY_MAX);
    }
    None
}
