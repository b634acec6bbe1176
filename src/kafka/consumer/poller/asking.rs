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
use crate::kafka::{ASK_TIMEOUT, Right, Told, UNANSWERED_MAX, is_denial};

/// How often partitions and watermarks are asked for.
const DISCOVERY: Duration = Duration::from_secs(5);
/// Producers' clocks set the times that offsets are looked up by: start this much earlier.
const CLOCK_SLACK: Duration = Duration::from_secs(300);

/// What asks for one client.
pub(super) struct Asking<'a> {
    shared: &'a Shared,
    client: &'a BaseConsumer<Told>,
    assigned: Vec<i32>,
    /// Every partition that there is.
    all_assigned: bool,
    answered_at: Instant,
}

impl<'a> Asking<'a> {
    pub(super) fn of(shared: &'a Shared, client: &'a BaseConsumer<Told>) -> Self {
        Self { shared, client, assigned: Vec::new(), all_assigned: false, answered_at: Instant::now() }
    }

    fn is_over(&self) -> bool {
        self.shared.stopped() || self.shared.renew.load(Ordering::Relaxed)
    }

    /// Asks for partitions and watermarks, over and over.
    pub(super) fn go_on(mut self) {
        while !self.is_over() {
            match self.ask() {
                Ok(()) => {
                    self.shared.reachable.store(true, Ordering::Relaxed);
                    self.shared.told.well();
                    _ = self.shared.say_if_caught_up();
                }
                Err(error) => {
                    if self.shared.reachable.swap(false, Ordering::Relaxed) {
                        self.tell_why(&error);
                        self.shared.caught_up.store(false, Ordering::Relaxed);
                        if self.shared.say(Heard::Unreachable).is_break() {
                            return;
                        }
                    }
                }
            }
            let pause = if self.all_assigned { DISCOVERY } else { FIRST_DISCOVERY };
            let until = Instant::now() + pause;
            while Instant::now() < until && !self.is_over() {
                std::thread::sleep(POLL.min(pause));
            }
        }
    }

    fn tell_why(&self, error: &KafkaError) {
        let Shared { topic, brokers, told, .. } = self.shared;
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition) => {
                warn!(kafka.topic = topic, "the topic does not exist: make it with backstory check --create");
            }
            _ if is_denial(error) => {
                let error = brokers.denied(Right::Read(topic));
                warn!(kafka.topic = topic, error, "the brokers do not let us, trying on");
            }
            _ => {
                let error = told.news().unwrap_or_else(|| error.to_string());
                warn!(kafka.topic = topic, error, "the brokers do not answer, trying on");
            }
        }
    }

    fn ask(&mut self) -> Result<(), KafkaError> {
        let partitions = match self.partitions() {
            Ok(partitions) => partitions,
            Err(error) => {
                let now = Instant::now();
                self.shared.partitions.lock().values_mut().for_each(|progress| progress.unanswered(now));
                return Err(error);
            }
        };
        self.shared.original.get_or_init(|| partitions.clone());
        // A partition without a leader holds up no other one.
        let mut result = Ok(());
        for &partition in &partitions {
            let asked = self.ask_for(partition);
            if asked.is_err()
                && let Some(progress) = self.shared.partitions.lock().get_mut(&partition)
            {
                progress.unanswered(Instant::now());
            }
            result = result.and(asked);
        }
        self.all_assigned = partitions.iter().all(|partition| self.assigned.contains(partition));
        result
    }

    fn partitions(&mut self) -> Result<Vec<i32>, KafkaError> {
        let topic = &self.shared.topic;
        let metadata = match self.client.fetch_metadata(Some(topic), ASK_TIMEOUT) {
            Ok(metadata) => metadata,
            Err(error) => {
                if self.answered_at.elapsed() > UNANSWERED_MAX {
                    debug!(kafka.topic = topic, "the kafka client hears nothing and is made anew");
                    self.shared.renew();
                }
                return Err(error);
            }
        };
        self.answered_at = Instant::now();
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        let found = found.ok_or(KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopic))?;
        match found.error() {
            Some(error) => Err(KafkaError::MetadataFetch(error.into())),
            None => Ok(found.partitions().iter().map(|partition| partition.id()).collect()),
        }
    }

    fn ask_for(&mut self, partition: i32) -> Result<(), KafkaError> {
        // Read before the watermarks: what is behind or beyond them then is so for good.
        let before = self.shared.partitions.lock().get(&partition).copied();
        let watermarks = self.client.fetch_watermarks(&self.shared.topic, partition, ASK_TIMEOUT)?;
        match before.filter(|_| self.assigned.contains(&partition)) {
            Some(before) => self.check_progress(partition, before, watermarks),
            None => {
                let next = self.start_of(partition, before, watermarks)?;
                self.client.incremental_assign(&self.at(partition, next)?)?;
                self.assigned.push(partition);
            }
        }
        Ok(())
    }

    fn check_progress(&self, partition: i32, before: Progress, (low, high): (i64, i64)) {
        let Shared { topic, partitions, to, .. } = self.shared;
        if !(low..=high).contains(&before.next) {
            return self.shared.renew(); // which finds out, and says, where to go on
        }
        let stuck = partitions.lock().get_mut(&partition).is_some_and(|progress| progress.look(high, Instant::now()));
        if stuck && !to.is_full() {
            warn!(kafka.topic = topic, kafka.partition = partition, "the kafka client is stuck and is made anew");
            self.shared.renew();
        }
    }

    fn at(&self, partition: i32, offset: i64) -> Result<TopicPartitionList, KafkaError> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.shared.topic, partition, Offset::Offset(offset))?;
        Ok(list)
    }

    /// A concrete offset, always: what is produced between the question and the assignment must not be skipped.
    fn start_of(&self, partition: i32, before: Option<Progress>, (low, high): (i64, i64)) -> Result<i64, KafkaError> {
        let is_original = self.shared.original.get().is_some_and(|original| original.contains(&partition));
        let is_another = self.shared.from_earliest.lock().contains(&partition);
        let began_at = self.shared.began_at.lock().get(&partition).copied();
        let (wanted, last) = match (before, &self.shared.start) {
            // The client was made anew.
            (Some(Progress { next, last, .. }), _) => (last.map_or(next, |last| last.next), last),
            // It is read again: retention may have deleted the first of it.
            (None, _) if !is_another && let Some(began_at) = began_at => (began_at.max(low), None),
            (None, Start::Window(window)) if is_original => (self.offset_at(partition, *window, (low, high))?, None),
            (None, Start::At(offsets)) if !is_another => {
                let last = offsets.get(&partition).copied();
                (last.map_or(low, |last| last.next), last)
            }
            (None, Start::Window(_) | Start::At(_)) => (low, None),
        };
        // What was read last is read again, to see that it is still the same topic.
        let verified = last.filter(|last| (low + 1..=high).contains(&last.next));
        let next = match verified {
            Some(last) => {
                self.shared.verify.lock().insert(partition, last);
                last.next - 1
            }
            None => self.within(partition, wanted, (low, high)),
        };
        let progress = Progress::starting(next, verified, high, Instant::now()).after(before.as_ref());
        if before.is_none() {
            self.shared.began_at.lock().insert(partition, progress.kept);
        }
        self.shared.partitions.lock().insert(partition, progress);
        debug!(
            kafka.topic = self.shared.topic,
            kafka.partition = partition,
            kafka.offset = next,
            kafka.high = high,
            "reading"
        );
        Ok(next)
    }

    fn offset_at(&self, partition: i32, window: Duration, (low, high): (i64, i64)) -> Result<i64, KafkaError> {
        if self.shared.brokers.embedded() {
            return Ok(low); // it cannot look offsets up by time
        }
        let slack = chrono::TimeDelta::from_std(window + CLOCK_SLACK).unwrap_or_default();
        let since = (Utc::now() - slack).timestamp_millis();
        let mut times = TopicPartitionList::new();
        times.add_partition_offset(&self.shared.topic, partition, Offset::Offset(since))?;
        let found = self.client.offsets_for_times(times, ASK_TIMEOUT)?;
        let Some(element) = found.find_partition(&self.shared.topic, partition) else { return Ok(low) };
        element.error()?;
        // Past the last record the answer is "the end": the watermark that was read before the question.
        Ok(if let Offset::Offset(offset) = element.offset() { offset } else { high })
    }

    fn within(&self, partition: i32, wanted: i64, (low, high): (i64, i64)) -> i64 {
        if (low..=high).contains(&wanted) {
            return wanted;
        }
        warn!(
            kafka.topic = self.shared.topic,
            kafka.partition = partition,
            kafka.offset = wanted,
            kafka.low = low,
            kafka.high = high,
            "the offset is gone, or the topic was made anew: reading from the earliest record"
        );
        _ = self.shared.say(Heard::Gap { partition, from: wanted, to: low });
        low
    }
}
