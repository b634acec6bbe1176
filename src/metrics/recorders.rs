//! What is counted of the recorders' store, and which of them wait for it: since when, why, and where they go on.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::{Registry, Unit};

use super::Labels;

/// A recorder that waits for its store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    pub topic: String,
    pub since: DateTime<Utc>,
    /// For a person: without values and addresses.
    pub why: String,
    /// The attention code; one of a closed set.
    pub code: &'static str,
    /// The first offset of each partition that is not kept yet, where that is known.
    pub next: BTreeMap<i32, i64>,
}

#[derive(Default)]
pub struct Recorders {
    store_failures: Family<Labels<1>, Counter>,
    waiting: Family<Labels<1>, Gauge>,
    waits: Waits,
    erasures_unread: AtomicU64,
}

/// Those that wait now. Their series go with them.
#[derive(Debug, Clone, Default)]
struct Waits(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    last_id: u64,
    waits: BTreeMap<u64, Wait>,
}

/// A recorder waits until this is dropped.
pub struct Waiting {
    id: u64,
    gauge: Gauge,
    waits: Waits,
}

impl Recorders {
    pub(super) fn register(&self, registry: &mut Registry) {
        let failures = "Times that the store did not take what was read, by topic; each is tried again";
        registry.register("store_failures", failures, self.store_failures.clone());
        let waiting = "Recorders that wait for their store (full disk, server away): the log says why";
        registry.register("recorders_waiting", waiting, self.waiting.clone());
        registry.register_collector(Box::new(self.waits.clone()));
    }

    /// The store failed a recorder of this topic once more.
    pub fn store_failed(&self, topic: &str) {
        self.store_failures.get_or_create(&[("topic", topic.to_owned())]).inc();
    }

    /// An erasure could not be read: whom it names is not erased.
    pub fn erasure_unread(&self) {
        self.erasures_unread.fetch_add(1, Ordering::Relaxed);
    }

    /// Since the start.
    pub fn erasures_unread(&self) -> u64 {
        self.erasures_unread.load(Ordering::Relaxed)
    }

    pub fn begins_to_wait(&self, wait: Wait) -> Waiting {
        let gauge = self.waiting.get_or_create(&[("topic", wait.topic.clone())]).clone();
        gauge.inc();
        let mut known = self.waits.0.lock();
        known.last_id += 1;
        let id = known.last_id;
        known.waits.insert(id, wait);
        Waiting { id, gauge, waits: self.waits.clone() }
    }

    /// Those that wait now, by topic.
    pub fn waiting(&self) -> Vec<Wait> {
        let mut waiting: Vec<Wait> = self.waits.0.lock().waits.values().cloned().collect();
        waiting.sort_by(|a, b| a.topic.cmp(&b.topic));
        waiting
    }
}

impl Waiting {
    /// It waits for another reason now.
    pub fn because(&self, why: String, code: &'static str) {
        if let Some(wait) = self.waits.0.lock().waits.get_mut(&self.id) {
            (wait.why, wait.code) = (why, code);
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.waits.0.lock().waits.remove(&self.id);
        self.gauge.dec();
    }
}

impl Collector for Waits {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        // Of several stores' recorders of one topic, the one that is furthest behind.
        let (mut since, mut next) = (BTreeMap::new(), BTreeMap::new());
        for wait in self.0.lock().waits.values() {
            let earliest = since.entry(wait.topic.clone()).or_insert(wait.since);
            *earliest = wait.since.min(*earliest);
            for (&partition, &offset) in &wait.next {
                let lowest = next.entry((wait.topic.clone(), partition)).or_insert(offset);
                *lowest = offset.min(*lowest);
            }
        }
        let help = "Since when a recorder waits for its store (Unix time); no series while none waits";
        let unit = Some(&Unit::Seconds);
        let mut family = encoder.encode_descriptor("recorder_waiting_since", help, unit, MetricType::Gauge)?;
        for (topic, since) in since {
            ConstGauge::new(since.timestamp()).encode(family.encode_family(&[("topic", topic)])?)?;
        }
        let help = "The first offset that a waiting recorder has read and not kept; no series while none waits";
        let mut family = encoder.encode_descriptor("recorder_waiting_offset", help, None, MetricType::Gauge)?;
        for ((topic, partition), offset) in next {
            let labels = [("topic", topic), ("partition", partition.to_string())];
            ConstGauge::new(offset).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Metrics;
    use super::*;

    fn wait(topic: &str, since: i64, next: &[(i32, i64)]) -> Wait {
        let since = DateTime::from_timestamp(since, 0).unwrap();
        let next = next.iter().copied().collect();
        Wait { topic: topic.into(), since, why: "the disk is full".into(), code: "recorder_waiting", next }
    }

    fn series(metrics: &Metrics) -> Vec<String> {
        let text = metrics.text(0);
        text.lines().filter(|line| line.starts_with("backstory_recorder")).map(str::to_owned).collect()
    }

    #[test]
    fn a_recorder_that_waits_has_series_and_none_when_it_goes_on() {
        let metrics = Metrics::new();
        let contacts = metrics.recorders.begins_to_wait(wait("contacts", 100, &[(3, 88_121), (0, 7)]));
        let second_store = metrics.recorders.begins_to_wait(wait("contacts", 50, &[(3, 90_000), (0, 5)]));
        assert_eq!(
            series(&metrics),
            [
                "backstory_recorders_waiting{topic=\"contacts\"} 2",
                "backstory_recorder_waiting_since_seconds{topic=\"contacts\"} 50",
                "backstory_recorder_waiting_offset{topic=\"contacts\",partition=\"0\"} 5",
                "backstory_recorder_waiting_offset{topic=\"contacts\",partition=\"3\"} 88121",
            ]
        );
        drop(second_store);
        contacts.because("PostgreSQL cannot be reached".into(), "store_refuses");
        let [only] = &metrics.recorders.waiting()[..] else { panic!("one waits") };
        assert_eq!((&*only.why, only.code), ("PostgreSQL cannot be reached", "store_refuses"));
        drop(contacts);
        assert_eq!(series(&metrics), ["backstory_recorders_waiting{topic=\"contacts\"} 0"]);
        assert_eq!(metrics.recorders.waiting(), []);
    }
}
