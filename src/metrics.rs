//! What is counted, in the form Prometheus reads. Labels are closed sets: never an agent, a call or a number.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::auth::Refused;
use crate::journey::store::Written;
use crate::kafka::Lag;
use crate::push::seat::Delivery;
use crate::push::{CloseCode, Stage};
use crate::record::{Mark, Refusal};
use skew::Skew;

pub mod crowd;
pub mod forgotten;
pub mod memory;
mod process;
pub mod recorders;
mod skew;
pub mod wire;

type Labels<const N: usize> = [(&'static str, String); N];

const AGE_SECONDS: [f64; 10] = [0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 60.0, 600.0];
const SHORT_SECONDS: [f64; 11] = [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.025, 0.1, 0.25, 1.0];
const RENDER_SECONDS: [f64; 8] = [0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0];

/// Every counter of one node.
pub struct Metrics {
    registry: Registry,
    calls: Family<Labels<1>, Counter>,
    pops: Family<Labels<1>, Counter>,
    pops_given_up: Counter,
    updates: Family<Labels<1>, Counter>,
    happenings: Family<Labels<1>, Counter>,
    pub forgotten: forgotten::ForgottenCalls,
    ledger_lines: Counter,
    ledger_lost: Family<Labels<1>, Counter>,
    audited: Family<Labels<1>, Counter>,
    audit_lost: Family<Labels<1>, Counter>,
    refused: Family<Labels<2>, Counter>,
    set_aside_lost: Counter,
    marked: Family<Labels<2>, Counter>,
    refused_by_the_store: Family<Labels<1>, Counter>,
    recorded: Family<Labels<2>, Counter>,
    expired: Counter,
    as_given: Family<Labels<1>, Counter>,
    unmapped_outcomes: Counter,
    ended_before_start: Counter,
    pub recorders: recorders::Recorders,
    age: Histogram,
    lookup: Histogram,
    acknowledged: Family<Labels<1>, Histogram>,
    acks_without_ms: Family<Labels<1>, Counter>,
    log_suppressed: Counter,
    bad_frames: Family<Labels<1>, Counter>,
    closed: Family<Labels<1>, Counter>,
    tokens_refused: Family<Labels<1>, Counter>,
    jwks_fetches: Family<Labels<1>, Counter>,
    sessions: Gauge,
    connections: Gauge,
    pub wire: wire::Wire,
    pub memory: memory::Memory,
    pub crowd: crowd::Crowd,
    lag: Family<Labels<2>, Gauge>,
    kafka_errors: Counter,
    lags: parking_lot::Mutex<Vec<Lag>>,
    clock_skew: Gauge<f64, AtomicU64>,
    skew: parking_lot::Mutex<Skew>,
}

impl Metrics {
    pub fn new() -> Arc<Self> {
        let mut registry = Registry::default();
        let acknowledged: Family<Labels<1>, Histogram> =
            Family::new_with_constructor(|| Histogram::new(RENDER_SECONDS));
        let mut metrics = Self {
            registry: Registry::default(),
            calls: Family::default(),
            pops: Family::default(),
            pops_given_up: Counter::default(),
            updates: Family::default(),
            happenings: Family::default(),
            forgotten: forgotten::ForgottenCalls::default(),
            ledger_lines: Counter::default(),
            ledger_lost: Family::default(),
            audited: Family::default(),
            audit_lost: Family::default(),
            refused: Family::default(),
            set_aside_lost: Counter::default(),
            marked: Family::default(),
            refused_by_the_store: Family::default(),
            recorded: Family::default(),
            expired: Counter::default(),
            as_given: Family::default(),
            unmapped_outcomes: Counter::default(),
            ended_before_start: Counter::default(),
            recorders: recorders::Recorders::default(),
            age: Histogram::new(AGE_SECONDS),
            lookup: Histogram::new(SHORT_SECONDS),
            acknowledged,
            acks_without_ms: Family::default(),
            log_suppressed: Counter::default(),
            bad_frames: Family::default(),
            closed: Family::default(),
            tokens_refused: Family::default(),
            jwks_fetches: Family::default(),
            sessions: Gauge::default(),
            connections: Gauge::default(),
            wire: wire::Wire::default(),
            memory: memory::Memory::default(),
            crowd: crowd::Crowd::default(),
            lag: Family::default(),
            kafka_errors: Counter::default(),
            lags: parking_lot::Mutex::default(),
            clock_skew: Gauge::default(),
            skew: parking_lot::Mutex::default(),
        };
        metrics.register(registry.sub_registry_with_prefix("backstory"));
        registry.register_collector(Box::new(process::Process));
        metrics.registry = registry;
        Arc::new(metrics)
    }

    fn register(&self, registry: &mut Registry) {
        registry.register("calls", "Call events by what became of them", self.calls.clone());
        registry.register("pops", "Pops by what became of them, one for each session", self.pops.clone());
        let given_up = "Pops that no client acknowledged and that are not sent again, once each";
        registry.register("pops_given_up", given_up, self.pops_given_up.clone());
        registry.register("updates", "Changes of open timelines, one for each session", self.updates.clone());
        let happenings = "What happened to pops, updates and ends of calls at sessions, and to the sessions";
        registry.register("session_happenings", happenings, self.happenings.clone());
        self.forgotten.register(registry);
        registry.register("ledger_lines", "Lines of the ledger handed to Kafka", self.ledger_lines.clone());
        let lost = "Lines of the ledger that are lost: Kafka did not take them, or too many waited to be put together";
        registry.register("ledger_lost", lost, self.ledger_lost.clone());
        registry.register("audit_records", "Records of the audit, by reason", self.audited.clone());
        let lost = "Records of the audit that a place lacks: more than audit.queue_max waited, the file could not be written, or Kafka did not take them";
        registry.register("audit_lost", lost, self.audit_lost.clone());
        registry.register("records_refused", "Records set aside, by topic and reason", self.refused.clone());
        let suppressed = "Happenings without a log line of their own, of those that a flood would multiply";
        registry.register("log_suppressed", suppressed, self.log_suppressed.clone());
        registry.register(
            "records_recorded",
            "Interactions, contacts and erasures by what became of them",
            self.recorded.clone(),
        );
        let lost = "Refused calls whose places `backstory check --set-aside` lacks: too many waited for the store";
        registry.register("set_aside_lost", lost, self.set_aside_lost.clone());
        let marked = "Records that were kept, but not as they came, by topic and what was done to them";
        registry.register("records_marked", marked, self.marked.clone());
        let refused = "Records that the store refused, and that were set aside";
        registry.register("store_refused", refused, self.refused_by_the_store.clone());
        let expired = "Interactions removed because they are older than journey.retention";
        registry.register("interactions_expired", expired, self.expired.clone());
        let as_given = "Addresses of records that could not be read as numbers, and were kept as given";
        registry.register("addresses_as_given", as_given, self.as_given.clone());
        let unmapped = "Recorded interactions whose outcome neither the record nor the catalogue has words for";
        registry.register("unmapped_outcomes", unmapped, self.unmapped_outcomes.clone());
        let ended = "Recorded interactions that ended before they started: their source's clocks disagree";
        registry.register("interactions_ended_before_start", ended, self.ended_before_start.clone());
        self.recorders.register(registry);
        registry.register_with_unit("call_age", "Age of call events when heard", Unit::Seconds, self.age.clone());
        registry.register_with_unit(
            "lookup",
            "Time to look a journey up and prepare it",
            Unit::Seconds,
            self.lookup.clone(),
        );
        let acknowledged = "Time from the receipt of a pop or update to its acknowledgement, as the client says";
        registry.register_with_unit("pop_acknowledged", acknowledged, Unit::Seconds, self.acknowledged.clone());
        let without = "Acknowledgements without the milliseconds since the frame came; they are in no histogram";
        registry.register("acks_without_ms", without, self.acks_without_ms.clone());
        registry.register("bad_frames", "Frames from clients that could not be used", self.bad_frames.clone());
        registry.register("sessions_closed", "Connections closed by the service, by reason", self.closed.clone());
        let refused = "Tokens and tickets that let nobody in, by reason";
        registry.register("tokens_refused", refused, self.tokens_refused.clone());
        let fetches = "Times that the identity provider was asked for its keys";
        registry.register("jwks_fetches", fetches, self.jwks_fetches.clone());
        registry.register("sessions", "Open sessions", self.sessions.clone());
        registry.register("connections", "Open connections of any kind", self.connections.clone());
        self.wire.register(registry);
        self.memory.register(registry);
        self.crowd.register(registry);
        registry.register(
            "kafka_lag_records",
            "Records that are not kept yet; of the calls, not heard yet",
            self.lag.clone(),
        );
        let skew =
            "Smallest recent difference between this clock and the call events' own (negative: theirs run ahead)";
        registry.register_with_unit("clock_skew", skew, Unit::Seconds, self.clock_skew.clone());
        registry.register("kafka_client_errors", "Errors that the Kafka client reported", self.kafka_errors.clone());
    }

    /// What became of a call event; `result` is the name of an enum's value.
    pub fn call(&self, result: &'static str) {
        self.calls.get_or_create(&[("result", result.to_owned())]).inc();
    }

    /// How old a call event was when it was heard, and how far its own clock is from ours.
    pub fn heard(&self, age_seconds: f64, behind_seconds: f64) {
        self.age.observe(age_seconds.max(0.0));
        self.skew.lock().see(behind_seconds);
    }

    pub fn pop(&self, result: &'static str) {
        self.pops.get_or_create(&[("result", result.to_owned())]).inc();
    }

    pub fn pops_given_up(&self, pops: usize) {
        self.pops_given_up.inc_by(pops as u64);
    }

    /// An update of an open timeline.
    pub fn update(&self, result: Delivery) {
        self.updates.get_or_create(&[("result", result.name().to_owned())]).inc();
    }

    /// Something that the ledger was told; `what` is the name of an enum's value.
    pub fn happened(&self, what: &'static str) {
        self.happenings.get_or_create(&[("what", what.to_owned())]).inc();
    }

    pub fn ledger_lines(&self, lines: usize) {
        self.ledger_lines.inc_by(lines as u64);
    }

    pub fn ledger_lost(&self, reason: &'static str, lines: u64) {
        self.ledger_lost.get_or_create(&[("reason", reason.to_owned())]).inc_by(lines);
    }

    /// Lines that Kafka did not take.
    pub fn lost_in_kafka(&self) -> Counter {
        self.ledger_lost.get_or_create(&[("reason", "kafka".to_owned())]).clone()
    }

    pub fn audited(&self, reason: &'static str) {
        self.audited.get_or_create(&[("reason", reason.to_owned())]).inc();
    }

    /// Records of the audit that are lost to a place: queue, file or kafka.
    pub fn audit_lost(&self, place: &'static str) -> Counter {
        self.audit_lost.get_or_create(&[("place", place.to_owned())]).clone()
    }

    pub fn refused(&self, topic: &str, refusal: Refusal) {
        self.refused.get_or_create(&[("topic", topic.to_owned()), ("reason", refusal.name().to_owned())]).inc();
    }

    /// The place of a refused call is not listed.
    pub fn set_aside_lost(&self) {
        self.set_aside_lost.inc();
    }

    /// A record was kept, but not as it came.
    pub fn marked(&self, topic: &str, mark: Mark) {
        self.marked.get_or_create(&[("topic", topic.to_owned()), ("mark", mark.name().to_owned())]).inc();
    }

    pub fn refused_by_the_store(&self, topic: &str) {
        self.refused_by_the_store.get_or_create(&[("topic", topic.to_owned())]).inc();
    }

    /// A later line of the log counts it.
    pub fn log_suppressed(&self) {
        self.log_suppressed.inc();
    }

    pub fn recorded(&self, topic: &str, written: &Written) {
        let of = |result: &str| [("topic", topic.to_owned()), ("result", result.to_owned())];
        for (result, records) in [
            ("changed", written.changed),
            ("known", written.known),
            ("kept_out", written.kept_out),
            ("removed_since", written.removed_since),
            ("unmatched", written.unmatched),
        ] {
            self.recorded.get_or_create(&of(result)).inc_by(records);
        }
    }

    /// Older than `journey.retention`.
    pub fn expired(&self, interactions: u64) {
        self.expired.inc_by(interactions);
    }

    pub fn addresses_as_given(&self, topic: &str, addresses: usize) {
        self.as_given.get_or_create(&[("topic", topic.to_owned())]).inc_by(addresses as u64);
    }

    pub fn unmapped_outcome(&self) {
        self.unmapped_outcomes.inc();
    }

    pub fn ended_before_start(&self) {
        self.ended_before_start.inc();
    }

    pub fn looked_up(&self, seconds: f64) {
        self.lookup.observe(seconds);
    }

    /// `seconds` since the frame came, where the client says so: a missing time is not a time of 0.
    pub fn acknowledged(&self, stage: Stage, seconds: Option<f64>) {
        let stage = match stage {
            Stage::Received => "received",
            Stage::Rendered => "rendered",
        };
        let labels = [("stage", stage.to_owned())];
        match seconds {
            Some(seconds) => self.acknowledged.get_or_create(&labels).observe(seconds),
            None => {
                self.acks_without_ms.get_or_create(&labels).inc();
            }
        }
    }

    pub fn bad_frame(&self, code: &'static str) {
        self.bad_frames.get_or_create(&[("code", code.to_owned())]).inc();
    }

    pub fn closed(&self, code: CloseCode) {
        self.closed.get_or_create(&[("code", code.wire().0.to_string())]).inc();
    }

    pub fn token_refused(&self, reason: Refused) {
        self.tokens_refused.get_or_create(&[("reason", reason.name().to_owned())]).inc();
    }

    pub fn jwks_fetched(&self, result: &'static str) {
        self.jwks_fetches.get_or_create(&[("result", result.to_owned())]).inc();
    }

    pub fn connection_opened(&self) {
        self.connections.inc();
    }

    pub fn connection_closed(&self) {
        self.connections.dec();
    }

    pub fn kafka_errors(&self) -> Counter {
        self.kafka_errors.clone()
    }

    /// Lets the lag of a consumer be read with the rest.
    pub fn follow(&self, lag: Lag) {
        self.lags.lock().push(lag);
    }

    /// Records that a group has not kept yet, by partition.
    pub fn behind(&self, topic: &str, by_partition: &[(i32, i64)]) {
        for (partition, records) in by_partition {
            self.lag.get_or_create(&[("topic", topic.to_owned()), ("partition", partition.to_string())]).set(*records);
        }
    }

    /// The text that Prometheus reads.
    pub fn text(&self, sessions: usize) -> String {
        self.clock_skew.set(self.skew.lock().seconds());
        self.wire.refresh();
        self.sessions.set(i64::try_from(sessions).unwrap_or(i64::MAX));
        for lag in self.lags.lock().iter() {
            for (partition, records) in lag.by_partition() {
                let labels = [("topic", lag.topic().to_owned()), ("partition", partition.to_string())];
                self.lag.get_or_create(&labels).set(records);
            }
        }
        let mut text = String::new();
        // Writing to a string does not fail.
        _ = encode(&mut text, &self.registry);
        text
    }
}
