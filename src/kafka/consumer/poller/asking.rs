//! The asking half of a consumer: which partitions there are, where to start in each, whether offsets are gone or the client is stuck.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chrono::Utc;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};
use tracing::{debug, warn};

use super::{FIRST_DISCOVERY, Heard, POLL, Progress, Shared, Start};
use crate::kafka::{ASK_TIMEOUT, Right, Told, is_denial};

/// How often partitions and watermarks are asked for.
const DISCOVERY: Duration = Duration::from_secs(5);
/// Behind the high watermark and not moving for this long: the client is stuck and is made anew (librdkafka #5153).
const STUCK_AFTER: Duration = Duration::from_secs(60);
/// Producers' clocks set the times that offsets are looked up by: start this much earlier.
const CLOCK_SLACK: Duration = Duration::from_secs(300);

impl Shared {
    /// Asks for partitions and watermarks, over and over.
    pub(super) fn ask_on(&self, client: &BaseConsumer<Told>) {
        let mut assigned = Vec::new();
        let mut reachable = true;
        while !self.stopped() && !self.renew.load(Ordering::Relaxed) {
            match self.ask(client, &mut assigned) {
                Ok(()) => {
                    reachable = true;
                    client.context().well();
                }
                Err(error) => {
                    if std::mem::take(&mut reachable) {
                        match error.rdkafka_error_code() {
                            Some(RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition) => {
                                warn!(
                                    kafka.topic = self.topic,
                                    "the topic does not exist: make it with backstory check --create"
                                );
                            }
                            _ if is_denial(&error) => {
                                let error = self.brokers.denied(Right::Read(&self.topic));
                                warn!(kafka.topic = self.topic, error, "the brokers do not let us, trying on");
                            }
                            _ => {
                                let error = client.context().news().unwrap_or_else(|| error.to_string());
                                warn!(kafka.topic = self.topic, error, "the brokers do not answer, trying on");
                            }
                        }
                        self.caught_up.store(false, Ordering::Relaxed);
                        if self.say(Heard::Unreachable).is_break() {
                            return;
                        }
                    }
                }
            }
            let pause = if assigned.is_empty() { FIRST_DISCOVERY } else { DISCOVERY };
            let until = Instant::now() + pause;
            while Instant::now() < until && !self.stopped() && !self.renew.load(Ordering::Relaxed) {
                std::thread::sleep(POLL.min(pause));
            }
        }
    }

    fn ask(&self, client: &BaseConsumer<Told>, assigned: &mut Vec<i32>) -> Result<(), KafkaError> {
        let metadata = client.fetch_metadata(Some(&self.topic), ASK_TIMEOUT)?;
        let topic = metadata.topics().iter().find(|topic| topic.name() == self.topic);
        let topic = topic.ok_or(KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopic))?;
        if let Some(error) = topic.error() {
            return Err(KafkaError::MetadataFetch(error.into()));
        }
        let partitions: Vec<i32> = topic.partitions().iter().map(|partition| partition.id()).collect();
        self.original.get_or_init(|| partitions.clone());
        for partition in partitions {
            // Read before the watermarks: what is behind or beyond them then is so for good.
            let before = self.partitions.lock().get(&partition).copied();
            let watermarks = client.fetch_watermarks(&self.topic, partition, ASK_TIMEOUT)?;
            match before.filter(|_| assigned.contains(&partition)) {
                Some(before) => self.check_progress(client, partition, before, watermarks)?,
                None => {
                    let next = self.start_of(client, partition, before, watermarks)?;
                    client.incremental_assign(&self.at(partition, next)?)?;
                    assigned.push(partition);
                }
            }
        }
        _ = self.say_if_caught_up();
        Ok(())
    }

    fn at(&self, partition: i32, offset: i64) -> Result<TopicPartitionList, KafkaError> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, partition, Offset::Offset(offset))?;
        Ok(list)
    }

    /// A concrete offset, always: what is produced between the question and the assignment must not be skipped.
    fn start_of(
        &self,
        client: &BaseConsumer<Told>,
        partition: i32,
        before: Option<Progress>,
        (low, high): (i64, i64),
    ) -> Result<i64, KafkaError> {
        let original = self.original.get().is_some_and(|original| original.contains(&partition));
        let wanted = match (before, &self.start) {
            (Some(before), _) => before.next, // the client was made anew
            (None, Start::Window(window)) if original => self.offset_at(client, partition, *window, (low, high))?,
            (None, Start::Window(_)) => low,
            (None, Start::At(_)) if self.from_earliest.lock().contains(&partition) => low,
            (None, Start::At(offsets)) => match offsets.get(&partition) {
                Some(resume) if (low + 1..=high).contains(&resume.next) => {
                    self.verify.lock().insert(partition, *resume);
                    resume.next - 1
                }
                Some(resume) => resume.next,
                None => low,
            },
        };
        let next = self.within(partition, wanted, (low, high));
        let progress = Progress { next, high, at_end: false, moved_at: Instant::now() };
        self.partitions.lock().insert(partition, progress);
        debug!(
            kafka.topic = self.topic,
            kafka.partition = partition,
            kafka.offset = next,
            kafka.high = high,
            "reading"
        );
        Ok(next)
    }

    fn within(&self, partition: i32, wanted: i64, (low, high): (i64, i64)) -> i64 {
        if (low..=high).contains(&wanted) {
            return wanted;
        }
        warn!(
            kafka.topic = self.topic,
            kafka.partition = partition,
            kafka.offset = wanted,
            kafka.low = low,
            kafka.high = high,
            "the offset is gone, or the topic was made anew: reading from the earliest record"
        );
        _ = self.say(Heard::Gap { partition, from: wanted, to: low });
        low
    }

    fn offset_at(
        &self,
        client: &BaseConsumer<Told>,
        partition: i32,
        window: Duration,
        (low, high): (i64, i64),
    ) -> Result<i64, KafkaError> {
        if self.brokers.embedded() {
            return Ok(low); // it cannot look offsets up by time
        }
        let slack = chrono::TimeDelta::from_std(window + CLOCK_SLACK).unwrap_or_default();
        let since = (Utc::now() - slack).timestamp_millis();
        let mut times = TopicPartitionList::new();
        times.add_partition_offset(&self.topic, partition, Offset::Offset(since))?;
        let found = client.offsets_for_times(times, ASK_TIMEOUT)?;
        let Some(element) = found.find_partition(&self.topic, partition) else { return Ok(low) };
        element.error()?;
        // Past the last record the answer is "the end": the watermark that was read before the question.
        Ok(if let Offset::Offset(offset) = element.offset() { offset } else { high })
    }

    fn check_progress(
        &self,
        client: &BaseConsumer<Told>,
        partition: i32,
        before: Progress,
        (low, high): (i64, i64),
    ) -> Result<(), KafkaError> {
        let next = self.within(partition, before.next, (low, high));
        if next != before.next {
            client.incremental_unassign(&self.at(partition, before.next)?)?;
            client.incremental_assign(&self.at(partition, next)?)?;
            self.partitions.lock().insert(partition, Progress { next, high, at_end: false, moved_at: Instant::now() });
        } else if !before.caught_up() && before.moved_at.elapsed() > STUCK_AFTER && !self.to.is_full() {
            warn!(kafka.topic = self.topic, kafka.partition = partition, "the kafka client is stuck and is made anew");
            self.renew.store(true, Ordering::Relaxed);
        }
        if let Some(progress) = self.partitions.lock().get_mut(&partition) {
            progress.high = high;
        }
        Ok(())
    }
}
