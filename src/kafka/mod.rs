//! The door to Kafka: client settings, what a record is, the in-process broker. Only this folder and the tools that publish know rdkafka.

use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use prometheus_client::metrics::counter::Counter;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::producer::FutureProducer;
use xxhash_rust::xxh3::Xxh3;

use crate::config::{EMBEDDED, Kafka};

mod consumer;
mod embedded;
mod group;
mod window;
mod writer;

pub use consumer::{Consumer, Heard, Lag, Resume, Start};
pub use embedded::{EmbeddedBroker, LIMITS as EMBEDDED_LIMITS};
pub use group::{GroupConsumer, GroupProgress};
pub use window::read_window;
pub use writer::Writer;

/// Time for one question to the brokers.
pub const ASK_TIMEOUT: Duration = Duration::from_secs(5);

/// One record, copied out of librdkafka's buffers.
#[derive(Debug, Clone)]
pub struct Record {
    pub partition: i32,
    pub offset: i64,
    /// Set by the producer or, with `appended`, by the broker.
    pub time: Option<DateTime<Utc>>,
    /// `LogAppendTime`: the broker's own clock.
    pub appended: bool,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Record {
    /// A record that holds a value and nothing else, as one says it that has not come through Kafka yet.
    pub fn of(value: Vec<u8>, time: DateTime<Utc>) -> Self {
        Self {
            partition: 0,
            offset: 0,
            time: Some(time),
            appended: false,
            key: None,
            value: Some(value),
            headers: Vec::new(),
        }
    }

    /// Tells it from another record at the same offset of a topic that was made anew.
    pub fn fingerprint(&self) -> i64 {
        let mut hash = Xxh3::new();
        hash.update(&self.time.map_or(0, |time| time.timestamp_millis()).to_le_bytes());
        hash.update(self.key.as_deref().unwrap_or_default());
        hash.update(self.value.as_deref().unwrap_or_default());
        hash.digest().cast_signed()
    }
}

/// Where the brokers are and how to talk to them.
#[derive(Clone)]
pub struct Brokers {
    addresses: String,
    embedded: bool,
    settings: Kafka,
}

impl Brokers {
    /// The brokers of the settings; starts the in-process one where they say so, and says what it cannot do.
    pub fn open(settings: &Kafka) -> anyhow::Result<(Self, Option<EmbeddedBroker>)> {
        let said = settings.brokers.clone().context("kafka.brokers is not set")?;
        if said != EMBEDDED {
            return Ok((Self { addresses: said, embedded: false, settings: settings.clone() }, None));
        }
        let topics = &settings.topics;
        let all =
            [&topics.calls, &topics.interactions, &topics.contacts, &topics.erasures, &topics.pops, &topics.audit];
        let broker = EmbeddedBroker::start(&all.map(String::as_str))?;
        let addresses = broker.address().to_owned();
        Ok((Self { addresses, embedded: true, settings: settings.clone() }, Some(broker)))
    }

    /// Brokers that are somebody else's, by address.
    pub fn at(addresses: String, settings: &Kafka) -> Self {
        Self { addresses, embedded: false, settings: settings.clone() }
    }

    /// As above: the in-process one of another process, which has its own limits.
    pub fn embedded_at(addresses: String, settings: &Kafka) -> Self {
        Self { embedded: true, ..Self::at(addresses, settings) }
    }

    pub fn addresses(&self) -> &str {
        &self.addresses
    }

    pub fn embedded(&self) -> bool {
        self.embedded
    }

    pub fn topics(&self) -> &crate::config::Topics {
        &self.settings.topics
    }

    /// Our defaults, the administrator's properties over them, and what the way of a call stands on over both.
    fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client
            .set("client.id", "backstory")
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.max.ms", "1000");
        client.set("log_level", "4");
        for (name, value) in &self.settings.properties {
            client.set(name, value);
        }
        client.set("bootstrap.servers", &self.addresses);
        client
    }

    fn consumer_client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        // The in-process broker answers an empty fetch only after this time; a real one answers at once.
        client.set("fetch.wait.max.ms", if self.embedded { "1" } else { "100" });
        client.set("fetch.queue.backoff.ms", "5").set("fetch.error.backoff.ms", "20").set("check.crcs", "true");
        client.set("queued.max.messages.kbytes", "16384");
        for (name, value) in self.client().config_map() {
            client.set(name, value);
        }
        // No group: every node reads every partition, and nothing is committed. librdkafka wants a name all the same.
        client.set("group.id", format!("backstory-{:016x}", rand::random::<u64>()));
        client.set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
        client.set("auto.offset.reset", "error").set("enable.partition.eof", "true");
        client
    }

    /// For nodes that share a store: what one of them kept, none of the others reads again.
    fn group_client(&self, group: &str) -> ClientConfig {
        let mut client = self.consumer_client();
        client.set("group.id", group);
        // A topic that was made anew is read from its first record: what is kept already is kept once.
        client.set("auto.offset.reset", "earliest").set("enable.partition.eof", "false");
        for (name, value) in [("session.timeout.ms", "10000"), ("topic.metadata.refresh.interval.ms", "5000")] {
            if !self.settings.properties.contains_key(name) {
                client.set(name, value);
            }
        }
        client
    }

    /// For commands that publish. Every record waits for all in-sync replicas and is sent at once.
    pub fn producer(&self) -> Result<FutureProducer, KafkaError> {
        let mut client = ClientConfig::new();
        client.set("linger.ms", "0").set("acks", "all").set("message.timeout.ms", "30000");
        for (name, value) in self.client().config_map() {
            client.set(name, value);
        }
        client.create()
    }

    /// For asking only: metadata, watermarks, topics.
    pub fn asking<T: rdkafka::config::FromClientConfig>(&self) -> Result<T, KafkaError> {
        self.client().create()
    }

    /// Which cluster this is; blocks up to [`ASK_TIMEOUT`].
    pub fn cluster_id(&self) -> Result<String, KafkaError> {
        let client: BaseConsumer = self.asking()?;
        client.fetch_metadata(None, ASK_TIMEOUT)?;
        Ok(client.client().fetch_cluster_id(ASK_TIMEOUT).unwrap_or_default())
    }
}

/// What librdkafka tells us between records. It only counts: a callback that waits stalls the client.
struct Counting(Counter);

impl ClientContext for Counting {
    /// What it logs is told again by `error`, by `poll`, or not worth telling.
    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, _message: &str) {}

    fn error(&self, _error: KafkaError, _reason: &str) {
        self.0.inc();
    }
}

impl ConsumerContext for Counting {}
