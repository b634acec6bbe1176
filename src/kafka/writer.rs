//! Writes records that nobody waits for: into a bounded queue, in batches; what does not fit, or is not taken in time, is counted.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;
use tracing::warn;

use super::{Brokers, Right, Told, is_denial};

/// Many records leave together: a record costs a fraction of what it would alone.
const PROPERTIES: &[(&str, &str)] =
    &[("linger.ms", "100"), ("compression.type", "lz4"), ("message.timeout.ms", "60000")];

/// How often it is looked what was not taken.
const POLL: Duration = Duration::from_millis(100);

/// A producer that never makes anybody wait.
pub struct Writer {
    producer: Arc<BaseProducer<Deliveries>>,
    polling: JoinHandle<()>,
    topic: String,
    state: Arc<State>,
}

struct State {
    topic: String,
    denied: String,
    lost: Counter,
    /// What is wrong was said, and is not said again until it goes on.
    troubled: AtomicBool,
}

impl Writer {
    /// `queue_max`: records that wait for the brokers at a time; `lost` counts those that they did not take.
    pub fn open(brokers: &Brokers, topic: &str, queue_max: usize, lost: Counter) -> anyhow::Result<Self> {
        Self::with(brokers, topic, queue_max, lost, PROPERTIES)
    }

    /// As above, and records wait for brokers that are away as long as there is room for them.
    pub fn open_patient(brokers: &Brokers, topic: &str, queue_max: usize, lost: Counter) -> anyhow::Result<Self> {
        let patient = [PROPERTIES, &[("message.timeout.ms", "0")]].concat();
        Self::with(brokers, topic, queue_max, lost, &patient)
    }

    fn with(
        brokers: &Brokers,
        topic: &str,
        queue_max: usize,
        lost: Counter,
        properties: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let mut client = brokers.client_with(properties);
        client.set("queue.buffering.max.messages", queue_max.to_string()).set("delivery.report.only.error", "true");
        let topic = topic.to_owned();
        let state = Arc::new(State {
            topic: topic.clone(),
            denied: brokers.denied(Right::Write(&topic)),
            lost,
            troubled: AtomicBool::new(false),
        });
        let context = Deliveries { state: Arc::clone(&state), told: brokers.told() };
        let producer = Arc::new(client.create_with_context(context)?);
        let polled = Arc::downgrade(&producer);
        let polling = thread::Builder::new().name(format!("write-{topic}")).spawn(move || poll(&polled))?;
        Ok(Self { producer, polling, topic, state })
    }

    /// Hands one over; where the queue is full it is lost, and `false` says so.
    pub fn write(&self, key: &str, value: &[u8]) -> bool {
        let sent = self.producer.send(BaseRecord::to(&self.topic).key(key).payload(value));
        sent.map_err(|(error, _)| self.state.lose(&error)).is_ok()
    }

    /// Records that were lost since the start.
    pub fn lost(&self) -> u64 {
        self.state.lost.get()
    }

    /// Waits until everything is written, or the time is over. Blocks.
    pub fn close(self, limit: Duration) {
        if self.producer.flush(limit).is_err() {
            let records = self.producer.in_flight_count();
            warn!(kafka.topic = self.topic, records, "not everything could be written before the end");
        }
        drop(self.producer);
        self.polling.thread().unpark();
        _ = self.polling.join();
    }
}

/// Lets librdkafka say what was not taken, as long as there is a producer. (`ThreadedProducer` polls with a deadline, and spends the
/// last millisecond before each spinning: a hundredth of a core for a writer that has nothing to do.)
fn poll(producer: &Weak<BaseProducer<Deliveries>>) {
    while let Some(producer) = producer.upgrade() {
        producer.poll(Duration::ZERO);
        drop(producer);
        thread::park_timeout(POLL);
    }
}

/// librdkafka's callbacks, which only count and say the first of a kind.
struct Deliveries {
    state: Arc<State>,
    told: Told,
}

impl State {
    fn lose(&self, error: &KafkaError) {
        self.lost.inc();
        if self.troubled.swap(true, Ordering::Relaxed) {
            return;
        }
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition) => warn!(
                kafka.topic = self.topic,
                "the topic does not exist, so what is written there is lost: make it with backstory check --create"
            ),
            _ if is_denial(error) => {
                warn!(kafka.topic = self.topic, error = self.denied, "what is written there is lost");
            }
            _ => warn!(kafka.topic = self.topic, %error, "what is written there is lost"),
        }
    }
}

impl ClientContext for Deliveries {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, _message: &str) {}

    fn error(&self, _error: KafkaError, _reason: &str) {}

    fn generate_oauth_token(&self, _config: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        Ok(self.told.token()?)
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, delivered: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = delivered {
            self.state.lose(error);
        }
    }
}
