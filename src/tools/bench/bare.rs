//! The yardstick: nothing but a Kafka consumer, on the same topic, in the same run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use hdrhistogram::Histogram;
use rdkafka::ClientConfig;
use rdkafka::config::FromClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaResult;
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};

use super::load::Plan;
use super::report;
use crate::kafka::{ASK_TIMEOUT, Brokers};

/// As the service's own consumer, unless the administrator's properties say otherwise.
const PROPERTIES: &[(&str, &str)] = &[
    ("fetch.wait.max.ms", "100"),
    ("fetch.queue.backoff.ms", "5"),
    ("fetch.error.backoff.ms", "20"),
    ("check.crcs", "true"),
    ("queued.max.messages.kbytes", "16384"),
];

pub struct Bare {
    thread: JoinHandle<Histogram<u64>>,
    stop: Arc<AtomicBool>,
}

/// Reads every partition from its end; ready when this returns.
pub async fn start(brokers: &Brokers, plan: Arc<Plan>, embedded: bool) -> anyhow::Result<Bare> {
    let (brokers, topic) = (brokers.clone(), brokers.topics().calls.clone());
    let consumer = tokio::task::spawn_blocking(move || {
        let Configured(mut client) = brokers.asking()?;
        if embedded {
            client.set("fetch.wait.max.ms", "1"); // the in-process broker answers only after this time
        }
        let consumer: BaseConsumer = client.create()?;
        assign_at_end(&consumer, &topic)?;
        anyhow::Ok(consumer)
    });
    let consumer = consumer.await??;
    let stop = Arc::new(AtomicBool::new(false));
    let (stopped, took) = (Arc::clone(&stop), report::histogram()?);
    let thread =
        std::thread::Builder::new().name("bench-bare".into()).spawn(move || read(&consumer, &plan, took, &stopped))?;
    Ok(Bare { thread, stop })
}

/// The client's settings, before a client is made of them.
struct Configured(ClientConfig);

impl FromClientConfig for Configured {
    fn from_config(config: &ClientConfig) -> KafkaResult<Self> {
        let mut client = config.clone();
        for (name, value) in PROPERTIES {
            if config.get(name).is_none() {
                client.set(*name, *value);
            }
        }
        // librdkafka wants a name of a group to assign, though none is joined.
        client.set("group.id", format!("backstory-bench-{:016x}", rand::random::<u64>()));
        client.set("enable.auto.commit", "false").set("auto.offset.reset", "error");
        Ok(Self(client))
    }
}

fn assign_at_end(consumer: &BaseConsumer, topic: &str) -> anyhow::Result<()> {
    let metadata = consumer.fetch_metadata(Some(topic), ASK_TIMEOUT)?;
    let found = metadata.topics().first().context("there is no such topic")?;
    let mut ends = TopicPartitionList::new();
    for partition in found.partitions() {
        let (_, high) = consumer.fetch_watermarks(topic, partition.id(), ASK_TIMEOUT)?;
        ends.add_partition_offset(topic, partition.id(), Offset::Offset(high))?;
    }
    anyhow::ensure!(ends.count() > 0, "the topic {topic} has no partitions; `backstory check` says more");
    Ok(consumer.assign(&ends)?)
}

fn read(consumer: &BaseConsumer, plan: &Plan, mut took: Histogram<u64>, stop: &AtomicBool) -> Histogram<u64> {
    while !stop.load(Ordering::Relaxed) {
        let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) else { continue };
        let at = Instant::now();
        if let Some(call) =
            message.payload().and_then(|value| plan.offered_call(value)).filter(|call| plan.measured(*call))
        {
            took.saturating_record(plan.took(call, at).as_micros() as u64);
        }
    }
    took
}

impl Bare {
    pub async fn finish(self) -> anyhow::Result<Histogram<u64>> {
        self.stop.store(true, Ordering::Relaxed);
        let joined = tokio::task::spawn_blocking(move || self.thread.join()).await?;
        joined.map_err(|_| anyhow::anyhow!("the bare consumer ended early"))
    }
}
