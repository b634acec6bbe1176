//! A Kafka with topics of the test's own, and whoever publishes to it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Message as _, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde_json::Value;

use super::{PATIENCE, until};

/// Larger than the 10 MB that one test publishes.
pub const MESSAGE_BYTES_MAX: &str = "16000000";
const PARTITIONS: i32 = 3;

/// Where a service hears, and where tests publish.
#[derive(Clone)]
pub struct Kafka {
    /// `None`: the embedded broker of a service that was not started yet.
    brokers: Option<String>,
    pub embedded: bool,
    pub calls: String,
    pub interactions: String,
    pub contacts: String,
    pub erasures: String,
    pub pops: String,
    pub audit: String,
    /// A PostgreSQL database of the test's own, in place of the embedded store.
    pub database: Option<String>,
    producer: OnceLock<FutureProducer>,
}

impl Kafka {
    /// Topics of their own on the Kafka of `make test`.
    pub async fn real() -> Self {
        let kafka = Self::without_topics();
        kafka.make_all_topics().await;
        kafka
    }

    /// As above, and a PostgreSQL to keep journeys in.
    pub async fn real_with_postgres() -> Self {
        let (kafka, database) = tokio::join!(Self::real(), super::postgres::database());
        kafka.with_store(database)
    }

    pub fn with_store(self, database: String) -> Self {
        Self { database: Some(database), ..self }
    }

    /// As above, its topics not made yet.
    pub fn without_topics() -> Self {
        let Ok(brokers) = std::env::var("KAFKA_BROKERS") else {
            panic!(
                "KAFKA_BROKERS is not set: run the tests by `make test`, or by `tests/servers/with.sh kafka -- cargo test`"
            );
        };
        Self::named(brokers)
    }

    fn named(brokers: String) -> Self {
        static NTH: AtomicUsize = AtomicUsize::new(0);
        let run = format!("{}-{:08x}", NTH.fetch_add(1, Ordering::Relaxed), rand::random::<u32>());
        Self {
            brokers: Some(brokers),
            embedded: false,
            calls: format!("calls-{run}"),
            interactions: format!("interactions-{run}"),
            contacts: format!("contacts-{run}"),
            erasures: format!("erasures-{run}"),
            pops: format!("pops-{run}"),
            audit: format!("audit-{run}"),
            database: None,
            producer: OnceLock::new(),
        }
    }

    /// The broker within the service.
    pub fn embedded() -> Self {
        Self {
            brokers: None,
            embedded: true,
            calls: "calls".into(),
            interactions: "interactions".into(),
            contacts: "contacts".into(),
            erasures: "erasures".into(),
            pops: "pops".into(),
            audit: "audit".into(),
            database: None,
            producer: OnceLock::new(),
        }
    }

    pub fn found_at(&self, brokers: &str) -> Self {
        Self { brokers: Some(brokers.to_owned()), producer: OnceLock::new(), ..self.clone() }
    }

    /// Topics of their own on this one.
    pub async fn of_its_own(brokers: &str) -> Self {
        let kafka = Self::named(brokers.to_owned());
        kafka.make_all_topics().await;
        kafka
    }

    /// Where it is and what its topics are called, as settings say it.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("kafka.brokers", self.setting()),
            ("kafka.topics.calls", self.calls.clone()),
            ("kafka.topics.interactions", self.interactions.clone()),
            ("kafka.topics.contacts", self.contacts.clone()),
            ("kafka.topics.erasures", self.erasures.clone()),
            ("kafka.topics.pops", self.pops.clone()),
            ("kafka.topics.audit", self.audit.clone()),
            // Other tests' nodes keep other stores.
            ("kafka.group", format!("backstory-{}", self.interactions)),
        ]
    }

    /// As `kafka.brokers` says it.
    pub fn setting(&self) -> String {
        if self.embedded { "embedded".into() } else { self.brokers().to_owned() }
    }

    fn brokers(&self) -> &str {
        self.brokers.as_deref().expect("the embedded broker is there once its service was started")
    }

    fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", self.brokers())
            .set("message.max.bytes", MESSAGE_BYTES_MAX)
            .set("linger.ms", "0");
        // Topics that were just made may not be known yet: ask soon again.
        client.set("topic.metadata.refresh.fast.interval.ms", "20").set("retry.backoff.ms", "20");
        client
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client().create().expect("an admin client")
    }

    fn producer(&self) -> &FutureProducer {
        self.producer.get_or_init(|| self.client().create().expect("a producer"))
    }

    pub async fn make_topic(&self, topic: &str) {
        self.make_topics(&[topic]).await;
    }

    async fn make_all_topics(&self) {
        let all = [&self.calls, &self.interactions, &self.contacts, &self.erasures, &self.pops, &self.audit];
        self.make_topics(&all.map(String::as_str)).await;
    }

    async fn make_topics(&self, topics: &[&str]) {
        let new = topics.iter().map(|&topic| NewTopic::new(topic, PARTITIONS, TopicReplication::Fixed(1)));
        let mut missing: Vec<_> = new.map(|topic| topic.set("max.message.bytes", MESSAGE_BYTES_MAX)).collect();
        let admin = self.admin();
        // A topic that was just deleted may be in the way for a moment.
        until("the topics to be made", async || {
            let made = admin.create_topics(&missing, &AdminOptions::new()).await.expect("an answer of the controller");
            let mut made = made.iter();
            missing.retain(|_| match made.next() {
                Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => true,
                Some(Err((topic, code))) => panic!("{topic} was not made: {code}"),
                Some(Ok(_)) | None => false,
            });
            missing.is_empty().then_some(())
        })
        .await;
        // The broker hears of them from the controller a moment later.
        let mut unknown = topics.to_vec();
        until("the broker to know the topics", async || {
            unknown.retain(|topic| !knows(&admin, topic, PARTITIONS as usize));
            unknown.is_empty().then_some(())
        })
        .await;
    }

    pub async fn delete_topic(&self, topic: &str) {
        let deleted = self.admin().delete_topics(&[topic], &AdminOptions::new()).await.unwrap();
        deleted[0].as_ref().expect("the topic was deleted");
    }

    pub async fn topics_like(&self, beginning: &str) -> usize {
        let metadata = self.admin().inner().fetch_metadata(None, PATIENCE).expect("metadata");
        metadata.topics().iter().filter(|topic| topic.name().starts_with(beginning)).count()
    }

    /// Whether a record of the topic holds this text.
    pub async fn holds(&self, topic: &str, text: &str) -> bool {
        let (mut client, topic, text) = (self.client(), topic.to_owned(), text.as_bytes().to_vec());
        client.set("group.id", "backstory-looks").set("enable.partition.eof", "true");
        let looked = tokio::task::spawn_blocking(move || {
            let consumer: BaseConsumer = client.create().expect("a consumer");
            let mut all = TopicPartitionList::new();
            all.add_partition_range(&topic, 0, PARTITIONS - 1);
            all.set_all_offsets(Offset::Beginning).expect("offsets");
            consumer.assign(&all).expect("an assignment");
            let mut ends = 0;
            while ends < PARTITIONS {
                match consumer.poll(PATIENCE).expect("an answer of the brokers") {
                    Ok(record)
                        if record.payload().is_some_and(|value| value.windows(text.len()).any(|part| part == text)) =>
                    {
                        return true;
                    }
                    Err(KafkaError::PartitionEOF(_)) => ends += 1,
                    _ => {}
                }
            }
            false
        });
        looked.await.unwrap()
    }

    pub fn group_offsets(&self, topic: &str) -> GroupOffsets {
        let mut client = self.client();
        client.set("group.id", format!("backstory-{}.{topic}", self.interactions));
        GroupOffsets { client: Arc::new(client.create().expect("a consumer")), topic: topic.to_owned() }
    }

    /// Gives the topic of calls so many partitions.
    pub async fn grow_calls_to(&self, partitions: usize) {
        let new = NewPartitions::new(&self.calls, partitions);
        let grown = self.admin().create_partitions([&new], &AdminOptions::new()).await.unwrap();
        grown[0].as_ref().expect("partitions were added");
        let admin = self.admin();
        // As with new topics.
        until("the broker to know the partitions", async || knows(&admin, &self.calls, partitions).then_some(())).await;
    }

    /// Publishes a value that says what it says; the key keeps one agent's records in order.
    pub async fn publish(&self, topic: &str, key: &str, value: impl AsRef<[u8]>) {
        self.send(FutureRecord::to(topic).key(key).payload(value.as_ref())).await;
    }

    /// In a transaction of its own, which is committed or aborted.
    pub async fn publish_in_a_transaction(&self, topic: &str, key: &str, value: &Value, commit: bool) {
        let mut client = self.client();
        client.set("transactional.id", format!("{topic}-{:08x}", rand::random::<u32>()));
        let producer: FutureProducer = client.create().expect("a producer");
        let (begun, ended) = (producer.clone(), producer.clone());
        let begin = move || begun.init_transactions(PATIENCE).and_then(|()| begun.begin_transaction());
        tokio::task::spawn_blocking(begin).await.unwrap().expect("a transaction");
        let value = value.to_string();
        producer.send(FutureRecord::to(topic).key(key).payload(&value), PATIENCE).await.expect("it is published");
        let end = move || if commit { ended.commit_transaction(PATIENCE) } else { ended.abort_transaction(PATIENCE) };
        tokio::task::spawn_blocking(end).await.unwrap().expect("the transaction ends");
    }

    /// Many at once, in this order for each key; a key without a value deletes.
    pub async fn publish_many(&self, topic: &str, records: Vec<(String, Option<Value>)>) {
        let producer = self.producer_in_batches();
        for batch in records.chunks(5000) {
            let sent = batch.iter().map(|(key, value)| {
                let text = value.as_ref().map(Value::to_string);
                let producer = &producer;
                async move {
                    let record = FutureRecord::<str, [u8]>::to(topic).key(key);
                    let record = match &text {
                        Some(text) => record.payload(text.as_bytes()),
                        None => record,
                    };
                    producer.send(record, PATIENCE).await.unwrap_or_else(|(error, _)| panic!("not published: {error}"));
                }
            });
            futures_util::future::join_all(sent).await;
        }
    }

    /// For many records a second: in order and once each.
    pub fn producer_in_batches(&self) -> FutureProducer {
        let mut client = self.client();
        client.set("linger.ms", "20").set("enable.idempotence", "true");
        client.create().expect("a producer")
    }

    /// For a load that goes on while brokers come and go: in order and once each, however long it takes.
    pub fn patient_producer(&self) -> FutureProducer {
        let mut client = self.client();
        client
            .set("enable.idempotence", "true")
            .set("message.timeout.ms", "300000")
            .set("reconnect.backoff.max.ms", "500");
        client.create().expect("a producer")
    }

    /// A key and no value.
    pub async fn publish_nothing(&self, topic: &str, key: &str) {
        self.send(FutureRecord::<str, [u8]>::to(topic).key(key)).await;
    }

    /// As `publish`, into this partition.
    pub async fn publish_into(&self, topic: &str, partition: i32, key: &str, value: &Value) {
        // A client of its own: one that knows the topic asks only every few minutes for its partitions.
        let fresh = Self { producer: OnceLock::new(), ..self.clone() };
        fresh.publish_text_into(topic, partition, key, &value.to_string()).await;
    }

    /// As above, whatever it is, into a partition that was there before.
    pub async fn publish_text_into(&self, topic: &str, partition: i32, key: &str, text: &str) {
        self.send(FutureRecord::to(topic).key(key).partition(partition).payload(text.as_bytes())).await;
    }

    pub async fn publish_with_headers(&self, topic: &str, headers: &[(&str, &str)], value: &Value) {
        let headers = headers
            .iter()
            .fold(OwnedHeaders::new(), |all, (key, value)| all.insert(Header { key, value: Some(value.as_bytes()) }));
        self.send(FutureRecord::to(topic).key("ana").headers(headers).payload(value.to_string().as_bytes())).await;
    }

    async fn send(&self, record: FutureRecord<'_, str, [u8]>) {
        self.producer().send(record, PATIENCE).await.unwrap_or_else(|(error, _)| panic!("not published: {error}"));
    }
}

/// How far the nodes that share a store have kept a topic. Asks as a client that never joins their group.
pub struct GroupOffsets {
    client: Arc<BaseConsumer>,
    topic: String,
}

impl GroupOffsets {
    /// The next offset to be kept, by partition; nothing for those of which nothing is kept.
    pub async fn next(&self) -> HashMap<i32, i64> {
        let (client, mut asked) = (Arc::clone(&self.client), TopicPartitionList::new());
        asked.add_partition_range(&self.topic, 0, PARTITIONS - 1);
        let committed = tokio::task::spawn_blocking(move || client.committed_offsets(asked, PATIENCE)).await.unwrap();
        let committed = committed.expect("an answer of the brokers");
        let next = committed.elements().into_iter().filter_map(|of| match of.offset() {
            Offset::Offset(next) => Some((of.partition(), next)),
            _ => None,
        });
        next.collect()
    }
}

/// Whether the broker has a topic with so many partitions, each with a leader.
fn knows(admin: &AdminClient<DefaultClientContext>, topic: &str, partitions: usize) -> bool {
    admin.inner().fetch_metadata(Some(topic), PATIENCE).is_ok_and(|metadata| {
        let known = metadata.topics()[0].partitions();
        known.len() == partitions
            && known.iter().all(|partition| partition.error().is_none() && partition.leader() >= 0)
    })
}
