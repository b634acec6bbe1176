//! Hears, on every node, what is published now, so that open timelines follow whichever node writes the shared store.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::{Kept, Recorder};
use crate::journey::{Change, Contact, Interaction};
use crate::kafka::{Consumer, Heard, Start};

/// The writer may be a moment behind, or in trouble: open timelines are looked up again after each of these times. A look-up
/// that finds nothing new sends nothing.
const LOOK_AGAIN: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::from_secs(15),
];
/// Records that are looked at together.
const TOGETHER_MAX: usize = 1000;

/// Runs until stopped. What cannot be read is counted by whoever keeps it.
pub async fn run(recorder: Recorder, stop: CancellationToken, close_limit: Duration) {
    // From a little before now: what comes between the node's start and this consumer's is not passed over.
    let from = Start::Window(Duration::ZERO);
    let started = Consumer::start(&recorder.brokers, &recorder.topic, from, recorder.metrics.kafka_errors());
    let mut consumer = match started {
        Ok(consumer) => consumer,
        Err(error) => return error!(kafka.topic = recorder.topic, %error, "open timelines will not follow the topic"),
    };
    loop {
        let heard = tokio::select! {
            () = stop.cancelled() => break,
            heard = consumer.next() => heard,
        };
        let (mut next, mut concerned) = (heard, BTreeSet::new());
        if next.is_none() {
            break;
        }
        for _ in 0..TOGETHER_MAX {
            let Some(heard) = next else { break };
            if let Heard::Record(record) = heard
                && let Ok(change) = recorder.kind.read(&record, recorder.regions, recorder.record_bytes_max)
            {
                lead(change, &mut concerned);
            }
            next = consumer.next_if_ready();
        }
        if !concerned.is_empty() {
            tokio::spawn(stop.clone().run_until_cancelled_owned(announce(concerned, recorder.kept.clone())));
        }
    }
    consumer.close(close_limit).await;
}

async fn announce(touched: BTreeSet<String>, kept: mpsc::Sender<Kept>) {
    let mut waited = Duration::ZERO;
    for after in LOOK_AGAIN {
        tokio::time::sleep(after - waited).await;
        waited = after;
        if kept.send(Kept { touched: touched.clone() }).await.is_err() {
            return;
        }
    }
}

/// Whose journeys a change concerns, as far as the record itself says: open timelines lead from their interactions' ids, too.
fn lead(change: Change, into: &mut BTreeSet<String>) {
    match change {
        Change::Interaction(interaction) => {
            let Interaction { interaction_id, contact_id, address, .. } = *interaction;
            into.extend([interaction_id, address].into_iter().chain(contact_id));
        }
        Change::RemoveInteraction { interaction_id } => _ = into.insert(interaction_id),
        Change::Contact(contact) => {
            let Contact { contact_id, merged_into, addresses, .. } = *contact;
            into.extend(addresses.into_iter().map(|known| known.address));
            into.extend(std::iter::once(contact_id).chain(merged_into));
        }
        Change::RemoveContact { key } => {
            into.extend(key.match_indices('/').map(|(at, _)| key[..at].to_owned()));
            into.insert(key);
        }
    }
}
