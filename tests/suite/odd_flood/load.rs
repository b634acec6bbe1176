//! Publishes the flood at a steady rate, and notes where each record stands, when it was published, and what must become of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::producer::future_producer::Delivery;
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord};
use tokio::sync::mpsc;

use super::records::{Becomes, Mix, Record, Topic};
use crate::harness::{Kafka, rejecting};

/// Records whose delivery is waited for.
const UNDELIVERED_MAX: usize = 20_000;
/// Records between two looks at the clock.
const STEP: usize = 50;

type OfPartitions = HashMap<(Topic, i32), Vec<Instant>>;

/// When the records of each partition were published, by offset: they are its only ones.
#[derive(Clone, Default)]
pub struct Published(Arc<Mutex<OfPartitions>>);

impl Published {
    fn note(&self, topic: Topic, partition: i32, offset: i64, at: Instant) {
        let mut partitions = self.0.lock();
        let of_partition = partitions.entry((topic, partition)).or_default();
        assert_eq!(of_partition.len() as i64, offset, "nobody else publishes, and nothing twice");
        of_partition.push(at);
    }

    /// How old the oldest record is that is not kept, by the next offset to be kept of each partition; `None` if there is none.
    pub fn behind(&self, topic: Topic, next: &HashMap<i32, i64>) -> Option<Duration> {
        let partitions = self.0.lock();
        let of_topic = partitions.iter().filter(|((of, _), _)| *of == topic);
        let oldest = of_topic.filter_map(|((_, partition), published)| {
            let next = next.get(partition).copied().unwrap_or_default();
            published.get(usize::try_from(next).expect("an offset"))
        });
        oldest.min().map(Instant::elapsed)
    }
}

/// Topic, partition, offset.
pub type Place = (String, i32, i64);

/// What must have become of everything that was published.
#[derive(Default)]
pub struct Expected {
    /// Address by id.
    pub interactions: HashMap<String, String>,
    /// Address by contact id.
    pub listings: HashMap<String, String>,
    pub set_aside: BTreeMap<Place, String>,
    /// Call ids by listener.
    pub pops: BTreeMap<usize, BTreeSet<String>>,
    pub unmatched: usize,
}

impl Expected {
    fn add(&mut self, becomes: Becomes, place: Place, store: &str) {
        match becomes {
            Becomes::Interaction { id, address } => _ = self.interactions.insert(id, address),
            Becomes::Listing { id, address } => _ = self.listings.insert(id, address),
            Becomes::Erasure { interaction, listing } => {
                self.interactions.remove(&interaction);
                self.listings.remove(&listing);
            }
            Becomes::Pop { listener, call_id } => _ = self.pops.entry(listener).or_default().insert(call_id),
            Becomes::Unmatched => self.unmatched += 1,
            Becomes::SetAside(reason) => _ = self.set_aside.insert(place, reason.to_owned()),
            Becomes::Rejected { sqlstate } => _ = self.set_aside.insert(place, rejecting::reason(store, sqlstate)),
            Becomes::Nothing => {}
        }
    }
}

/// Returns when everything is published: so many records a second.
pub async fn publish(kafka: Kafka, store: String, mix: Mix, rate: usize, published: Published) -> Expected {
    let (sender, mut sent) = mpsc::channel(UNDELIVERED_MAX);
    let producer = kafka.producer_in_batches();
    let sending = async {
        let began = tokio::time::Instant::now();
        for nth in 0..mix.records {
            if nth % STEP == 0 {
                tokio::time::sleep_until(began + Duration::from_secs_f64(nth as f64 / rate as f64)).await;
            }
            let record = mix.record(nth);
            let (at, delivery) = (Instant::now(), send(&producer, &kafka, &record).await);
            sender.send((record.topic, record.becomes, at, delivery)).await.expect("somebody waits for it");
        }
        drop(sender);
    };
    let mut expected = Expected::default();
    let noting = async {
        while let Some((topic, becomes, at, delivery)) = sent.recv().await {
            let delivered = delivery.await.expect("an answer of the producer");
            let Delivery { partition, offset, .. } = delivered.expect("it is published");
            published.note(topic, partition, offset, at);
            expected.add(becomes, (topic.name(&kafka).to_owned(), partition, offset), &store);
        }
    };
    tokio::join!(sending, noting);
    expected
}

async fn send(producer: &FutureProducer, kafka: &Kafka, Record { topic, key, value, .. }: &Record) -> DeliveryFuture {
    loop {
        let record = FutureRecord::<[u8], [u8]>::to(topic.name(kafka)).key(key);
        let record = value.iter().fold(record, |record, value| record.payload(value));
        match producer.send_result(record) {
            Ok(delivery) => return delivery,
            // Its queue is full.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}
