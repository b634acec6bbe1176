//! Whether a record waits between two offsets: a transaction ends with a control record, which no consumer receives, so the
//! group's committed offset stays below the high watermark although everything was read.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::Message as _;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::Client;
use crate::kafka::{ASK_TIMEOUT, Brokers, leave_behind};

/// One record answers: nothing is fetched in advance.
const PROPERTIES: [(&str, &str); 3] =
    [("fetch.message.max.bytes", "1024"), ("queued.min.messages", "1"), ("queued.max.messages.kbytes", "1")];
/// How long one poll waits.
const POLL: Duration = Duration::from_millis(100);

/// A consumer of its own, in no group: it reads as the group does, and commits nothing.
pub(super) struct Probe {
    topic: String,
    client: Client,
    /// What was found last, so that an idle partition is read once.
    found: HashMap<i32, Found>,
}

/// No record stands in `from..to`.
struct Found {
    from: i64,
    to: i64,
    /// One stands at `to`.
    record: bool,
}

impl Found {
    /// Whether these offsets hold no record; `None`: it has to be looked at.
    fn answers(&self, offsets: &Range<i64>) -> Option<bool> {
        if !(self.from..=self.to).contains(&offsets.start) {
            return None;
        }
        if offsets.end <= self.to { Some(true) } else { self.record.then_some(false) }
    }
}

impl Probe {
    pub(super) fn new(brokers: &Brokers, topic: &str) -> KafkaResult<Self> {
        let mut client = brokers.consumer_client();
        for (name, value) in PROPERTIES {
            client.set(name, value);
        }
        let client = client.create_with_context(brokers.told())?;
        Ok(Self { topic: topic.to_owned(), client, found: HashMap::new() })
    }

    /// The partitions that hold no record at these offsets, of which the last is below the high watermark; blocks up to
    /// [`ASK_TIMEOUT`].
    pub(super) fn without_records(&mut self, asked: &HashMap<i32, Range<i64>>) -> KafkaResult<HashSet<i32>> {
        let unknown = asked.iter().filter(|(partition, offsets)| self.known(**partition, offsets).is_none());
        let unknown: HashMap<i32, Range<i64>> =
            unknown.map(|(&partition, offsets)| (partition, offsets.clone())).collect();
        if !unknown.is_empty() {
            self.read(unknown)?;
            self.client.unassign()?;
        }
        let without = asked.iter().filter(|(partition, offsets)| self.known(**partition, offsets) == Some(true));
        Ok(without.map(|(&partition, _)| partition).collect())
    }

    fn known(&self, partition: i32, offsets: &Range<i64>) -> Option<bool> {
        self.found.get(&partition)?.answers(offsets)
    }

    /// Reads from the first of these offsets to the first record, or to the end of the partition.
    fn read(&mut self, mut asked: HashMap<i32, Range<i64>>) -> KafkaResult<()> {
        let mut list = TopicPartitionList::new();
        for (&partition, offsets) in &asked {
            list.add_partition_offset(&self.topic, partition, Offset::Offset(offsets.start))?;
        }
        self.client.assign(&list)?;
        let until = Instant::now() + ASK_TIMEOUT;
        while !asked.is_empty() {
            let (partition, record) = match self.client.poll(POLL) {
                Some(Ok(record)) => (record.partition(), Some(record.offset())),
                Some(Err(KafkaError::PartitionEOF(partition))) => (partition, None),
                _ if Instant::now() > until => {
                    return Err(KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut));
                }
                // The member's own client reports trouble: it talks to the same brokers.
                Some(Err(_)) | None => continue,
            };
            if let Some(offsets) = asked.remove(&partition) {
                let to = record.unwrap_or(offsets.end);
                self.found.insert(partition, Found { from: offsets.start, to, record: record.is_some() });
            }
        }
        Ok(())
    }

    pub(super) fn close(self) {
        leave_behind(&self.topic, Arc::new(self.client));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_answers_for_the_same_offsets_and_for_fewer_of_them() {
        let end = Found { from: 5, to: 8, record: false };
        assert_eq!(
            [5..8, 6..8, 5..9, 4..8, 9..9].map(|offsets| end.answers(&offsets)),
            [Some(true), Some(true), None, None, None]
        );
        let record = Found { from: 5, to: 8, record: true };
        assert_eq!(
            [5..8, 5..9, 8..12, 9..12].map(|offsets| record.answers(&offsets)),
            [Some(true), Some(false), Some(false), None]
        );
    }
}
