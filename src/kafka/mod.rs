//! The door to Kafka: client settings, what a record is, the in-process broker. Only this folder and the tools that publish know rdkafka.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use prometheus_client::metrics::counter::Counter;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaResult;
use rdkafka::producer::FutureProducer;
use rdkafka::types::RDKafkaErrorCode;
use tracing::warn;
use xxhash_rust::xxh3::Xxh3;

use crate::config::{EMBEDDED, Kafka};

mod assignments;
mod consumer;
mod embedded;
mod group;
mod rights;
mod told;
mod window;
mod writer;

pub use consumer::{Consumer, Heard, Hears, Lag, Next, Poller, Resume, Start};
pub use embedded::{EmbeddedBroker, LIMITS as EMBEDDED_LIMITS};
pub use group::{GroupConsumer, GroupProgress, GroupRecord};
pub use rights::{Right, is_denial};
pub use told::Told;
pub use window::read_window;
pub use writer::Writer;

/// Time for one question to the brokers.
pub const ASK_TIMEOUT: Duration = Duration::from_secs(5);
/// Where no question was answered for so long, the client may have lost sight of brokers that are there (librdkafka #5301), and
/// is made anew.
const UNANSWERED_MAX: Duration = Duration::from_secs(60);
/// So do brokers that want TLS, and hear none.
const HUNG_UP: &str =
    "they hang up without a word: kafka.properties.security.protocol may not be what is spoken at this address";
/// What a client may have to tell beside its answer.
const LISTENING_MAX: usize = 100;

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

    /// Whether the value has this text in it: tests let such records fail.
    pub fn mentions(&self, text: &str) -> bool {
        let value = self.value.as_deref().unwrap_or_default();
        value.windows(text.len()).any(|part| part == text.as_bytes())
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

/// To close a client may take long, or for ever: the next one does not wait for it.
fn leave_behind(topic: &str, client: Arc<BaseConsumer<Told>>) {
    let closing = std::thread::Builder::new().name(format!("close-{topic}")).spawn(move || drop(client));
    if let Err(error) = closing {
        warn!(kafka.topic = topic, %error, "a kafka client could not be closed aside");
    }
}

/// Publishes, and can be waited for.
pub type Producer = FutureProducer<Told>;

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

    /// They know us by a token.
    pub fn take_tokens(&self) -> bool {
        self.settings.oauth_token_file.is_some()
    }

    pub fn topics(&self) -> &crate::config::Topics {
        &self.settings.topics
    }

    /// Our defaults, the administrator's properties over them, and what the way of a call stands on over both.
    fn client(&self) -> ClientConfig {
        self.client_with(&[])
    }

    /// As above, with these defaults over ours. (From a `ClientConfig` none is made: `config_map` has no secrets in it.)
    fn client_with(&self, defaults: &[(&str, &str)]) -> ClientConfig {
        let mut client = ClientConfig::new();
        client
            .set("client.id", "backstory")
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.max.ms", "1000");
        client.set("log_level", "4");
        for (name, value) in defaults {
            client.set(*name, *value);
        }
        for (name, value) in &self.settings.properties {
            client.set(name, value);
        }
        // OpenSSL is built in, and does not know where this machine keeps the authorities that it believes.
        if !["ssl.ca.location", "ssl.ca.pem"].iter().any(|name| self.settings.properties.contains_key(*name)) {
            client.set("ssl.ca.location", "probe");
        }
        client.set("bootstrap.servers", &self.addresses);
        client
    }

    fn consumer_client(&self) -> ClientConfig {
        let mut client = self.client_with(&[
            // The in-process broker answers an empty fetch only after this time; a real one answers at once.
            ("fetch.wait.max.ms", if self.embedded { "1" } else { "100" }),
            ("fetch.queue.backoff.ms", "5"),
            ("fetch.error.backoff.ms", "20"),
            ("check.crcs", "true"),
            ("queued.max.messages.kbytes", "16384"),
        ]);
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
    pub fn producer(&self) -> KafkaResult<Producer> {
        self.producer_with(&[("linger.ms", "0"), ("acks", "all"), ("message.timeout.ms", "30000")])
    }

    /// As above, with these properties unless the administrator's say otherwise.
    pub fn producer_with(&self, properties: &[(&str, &str)]) -> KafkaResult<Producer> {
        self.client_with(properties).create_with_context(self.told())
    }

    /// For asking only: metadata, watermarks, topics.
    pub fn asking<T: rdkafka::config::FromClientConfig>(&self) -> KafkaResult<T> {
        self.client().create()
    }

    /// What a client is given to tell to.
    pub fn told(&self) -> Told {
        self.told_and_counted(Counter::default())
    }

    fn told_and_counted(&self, errors: Counter) -> Told {
        Told::new(rights::who(&self.settings), errors)
    }

    /// That a right is missing, for whom; and the command that gives it.
    pub fn denial(&self, right: Right<'_>) -> (String, String) {
        let principal = rights::who(&self.settings).principal;
        (right.denied_to(&principal), right.given_by(&principal, &self.addresses))
    }

    /// Both in one.
    pub fn denied(&self, right: Right<'_>) -> String {
        let (what, command) = self.denial(right);
        format!("{what}: {command}")
    }

    /// Asks the brokers something; blocks up to [`ASK_TIMEOUT`] a question. The error is the reason for which they do not answer.
    pub fn ask<T>(&self, question: impl FnOnce(&BaseConsumer<Told>) -> KafkaResult<T>) -> anyhow::Result<T> {
        self.ask_by(self.client(), question)
    }

    /// As above, as somebody who reads a topic, in this group or in none.
    pub fn ask_as_reader<T>(
        &self,
        group: Option<&str>,
        question: impl FnOnce(&BaseConsumer<Told>) -> KafkaResult<T>,
    ) -> anyhow::Result<T> {
        self.ask_by(group.map_or_else(|| self.consumer_client(), |group| self.group_client(group)), question)
    }

    fn ask_by<T>(
        &self,
        client: ClientConfig,
        question: impl FnOnce(&BaseConsumer<Told>) -> KafkaResult<T>,
    ) -> anyhow::Result<T> {
        let client: BaseConsumer<Told> = client.create_with_context(self.told())?;
        // It wants its token before it goes anywhere, and tells its troubles, among other things, to whoever polls.
        let listen = || (0..LISTENING_MAX).for_each(|_| _ = client.poll(Duration::ZERO));
        listen();
        question(&client).map_err(|error| {
            listen();
            match (client.context().reason(), error.rdkafka_error_code()) {
                _ if is_denial(&error) => error.into(),
                (Some(reason), _) => anyhow::Error::msg(reason),
                (None, Some(RDKafkaErrorCode::BrokerTransportFailure)) => anyhow::Error::msg(HUNG_UP),
                (None, _) => error.into(),
            }
        })
    }

    /// Which cluster this is; blocks up to [`ASK_TIMEOUT`].
    pub fn cluster_id(&self) -> anyhow::Result<String> {
        self.ask(|client| {
            client.fetch_metadata(None, ASK_TIMEOUT)?;
            Ok(client.client().fetch_cluster_id(ASK_TIMEOUT).unwrap_or_default())
        })
    }
}
