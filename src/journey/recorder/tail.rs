//! Hears, on every node, what is published now, so that open timelines follow whichever node writes the shared store: each record
//! is announced once the group has kept it.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{debug, error};

use super::{Kept, Recorder};
use crate::journey::{Change, Contact, Interaction};
use crate::kafka::{Consumer, GroupProgress, Heard, Record, Start};

/// How often the group is asked how far it is, while there are records that it has not kept.
const ASK: Duration = Duration::from_millis(50);
/// Records that wait to be kept. Beyond them the topic is read no further until some are: whoever is shown their customers
/// meanwhile is told then.
const WAITING_MAX: usize = 10_000;

/// Runs until stopped. What cannot be read is counted by whoever keeps it.
pub async fn run(recorder: &Recorder, progress: GroupProgress, stop: &CancellationToken, close_limit: Duration) {
    // From a little before now: what comes between the node's start and this consumer's is not passed over.
    let from = Start::Window(Duration::ZERO);
    let started = Consumer::start(&recorder.brokers, &recorder.topic, from, recorder.metrics.kafka_errors());
    let mut consumer = match started {
        Ok(consumer) => consumer,
        Err(error) => return error!(kafka.topic = recorder.topic, %error, "open timelines will not follow the topic"),
    };
    _ = stop.run_until_cancelled(follow(recorder, &progress, &mut consumer)).await;
    consumer.close(close_limit).await;
}

async fn follow(recorder: &Recorder, progress: &GroupProgress, consumer: &mut Consumer) {
    let mut waiting = Waiting::default();
    loop {
        let mut next = if waiting.is_empty() {
            let Some(heard) = consumer.next().await else { return };
            Some(heard)
        } else {
            tokio::time::sleep(ASK).await;
            None
        };
        while waiting.records < WAITING_MAX {
            let Some(heard) = next.take().or_else(|| consumer.next_if_ready()) else { break };
            if let Heard::Record(record) = heard {
                waiting.hear(&record, recorder);
            }
        }
        let (asking, partitions) = (progress.clone(), waiting.partitions());
        match tokio::task::spawn_blocking(move || asking.committed(partitions)).await {
            Ok(Ok(committed)) => {
                let touched = waiting.kept(&committed);
                // Waiting here delays updates, never a pop. An ended receiver means that we are stopping.
                if !touched.is_empty() && recorder.kept.send(Kept { touched }).await.is_err() {
                    return;
                }
            }
            // Brokers that do not answer are told about by whoever reads.
            Ok(Err(error)) => debug!(kafka.topic = recorder.topic, %error, "the group's progress is not known"),
            Err(_) => {}
        }
    }
}

/// Records that were heard and that nobody has kept yet, as far as is known.
#[derive(Default)]
struct Waiting {
    records: usize,
    /// By partition, in their order: offset, and whose journeys it concerns.
    by_partition: HashMap<i32, VecDeque<(i64, BTreeSet<String>)>>,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.records == 0
    }

    fn partitions(&self) -> Vec<i32> {
        self.by_partition.keys().copied().collect()
    }

    fn hear(&mut self, record: &Record, recorder: &Recorder) {
        if let Ok((change, _)) = recorder.kind.read(record, &recorder.rules, recorder.record_bytes_max) {
            self.by_partition.entry(record.partition).or_default().push_back((record.offset, leads(change)));
            self.records += 1;
        }
    }

    /// Takes out what is kept now: everything before these offsets.
    fn kept(&mut self, next: &HashMap<i32, i64>) -> BTreeSet<String> {
        let mut touched = BTreeSet::new();
        for (partition, waiting) in &mut self.by_partition {
            let Some(next) = next.get(partition) else { continue };
            while let Some((_, leads)) = waiting.pop_front_if(|(offset, _)| *offset < *next) {
                touched.extend(leads);
                self.records -= 1;
            }
        }
        self.by_partition.retain(|_, waiting| !waiting.is_empty());
        touched
    }
}

/// Whose journeys a change concerns, as far as the record itself says: open timelines lead from their interactions' ids, too.
fn leads(change: Change) -> BTreeSet<String> {
    match change {
        Change::Interaction(interaction) => {
            let Interaction { interaction_id, contact_id, address, .. } = *interaction;
            [interaction_id, address].into_iter().chain(contact_id).map(String::from).collect()
        }
        Change::RemoveInteraction(removal) => removal.keys.into_iter().collect(),
        Change::Contact(contact) => {
            let Contact { contact_id, merged_into, addresses, .. } = *contact;
            let addresses = addresses.into_iter().map(|known| known.address);
            addresses.chain([contact_id]).chain(merged_into).collect()
        }
        Change::Erase(erasure) => erasure.contact_ids.into_iter().chain(erasure.addresses).collect(),
        Change::RemoveContact(removal) => removal.listings().map(|(contact_id, _)| contact_id.to_owned()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(records: &[(i32, i64, &str)]) -> Waiting {
        let mut waiting = Waiting::default();
        for &(partition, offset, address) in records {
            waiting.by_partition.entry(partition).or_default().push_back((offset, [address.to_owned()].into()));
            waiting.records += 1;
        }
        waiting
    }

    #[test]
    fn a_record_is_announced_once_the_group_has_kept_it() {
        let mut waiting = waiting(&[(0, 7, "a"), (0, 8, "b"), (1, 7, "c")]);
        assert_eq!(waiting.kept(&[(0, 7), (1, 7)].into()), [].into(), "the next to be kept is not kept");
        assert_eq!(waiting.kept(&[(0, 8)].into()), ["a".to_owned()].into(), "nothing is known of the other partition");
        assert_eq!(waiting.kept(&[(0, 20), (1, 8)].into()), ["b".to_owned(), "c".to_owned()].into());
        assert!(waiting.is_empty() && waiting.partitions().is_empty());
    }
}
