//! What a consumer makes of brokers that answer strangely: the in-process broker does so when told to.

use std::sync::atomic::{AtomicBool, Ordering};

use rdkafka::mocking::MockCluster;
use rdkafka::producer::{DefaultProducerContext, FutureRecord};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::*;
use crate::config::{self, EMBEDDED, Layers};
use crate::kafka::Producer;

const TOPIC: &str = "calls";
/// Brokers, by the partitions that they lead.
const LEADER_OF: [i32; 2] = [2, 1];
/// A client that is stuck is made anew after less than this.
const PATIENCE: Duration = Duration::from_secs(60);

/// A topic, and who reads it.
struct Desk {
    brokers: Brokers,
    consumer: Consumer,
    producer: Producer,
    /// Last: a client whose broker goes away first hangs.
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl Desk {
    async fn with(partitions: i32, spoil: impl FnOnce(&MockCluster<'static, DefaultProducerContext>)) -> Self {
        let cluster = MockCluster::new(2).unwrap();
        cluster.create_topic(TOPIC, partitions, 1).unwrap();
        for (partition, leader) in (0..partitions).zip(LEADER_OF) {
            cluster.partition_leader(TOPIC, partition, Some(leader)).unwrap();
        }
        spoil(&cluster);
        let flags = [("kafka.brokers".to_owned(), EMBEDDED.to_owned())];
        let settings = config::load(&Layers::new(None, &flags).unwrap()).unwrap();
        let brokers = Brokers::embedded_at(cluster.bootstrap_servers(), &settings.kafka);
        let start = Start::Window(Duration::from_secs(60));
        let consumer = Consumer::start(&brokers, TOPIC, start, Counter::default()).unwrap();
        Self { producer: brokers.producer().unwrap(), brokers, consumer, cluster }
    }

    async fn hears(&mut self) -> Heard {
        let heard = tokio::time::timeout(PATIENCE, self.consumer.next()).await;
        heard.expect("something is heard in time").expect("the poller lives")
    }

    async fn publishes(&self, partition: i32, value: &str) {
        let record = FutureRecord::<(), str>::to(TOPIC).partition(partition).payload(value);
        self.producer.send_result(record).unwrap().await.unwrap().unwrap();
    }

    async fn hears_record(&mut self) -> (i32, i64, String) {
        loop {
            match self.hears().await {
                Heard::Record(Record { partition, offset, value, .. }) => {
                    return (partition, offset, String::from_utf8(value.unwrap()).unwrap());
                }
                Heard::Gap { .. } => panic!("nothing is missing"),
                Heard::CaughtUp | Heard::Unreachable => {}
            }
        }
    }

    async fn ends(self) {
        self.consumer.close(PATIENCE).await;
    }
}

#[tokio::test]
async fn a_partition_whose_offset_was_refused_is_read_on_and_nothing_twice() {
    let mut desk = Desk::with(1, |_| {}).await;
    desk.publishes(0, "before").await;
    assert_eq!(desk.hears_record().await, (0, 0, "before".into()));
    desk.cluster.request_errors(RDKafkaApiKey::Fetch, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE]);
    desk.publishes(0, "after").await;
    assert_eq!(desk.hears_record().await, (0, 1, "after".into()));
    desk.ends().await;
}

#[tokio::test]
async fn a_partition_without_a_leader_holds_up_no_other_one() {
    let mut desk = Desk::with(2, |cluster| cluster.broker_down(LEADER_OF[0]).unwrap()).await;
    desk.publishes(1, "of the other one").await;
    assert_eq!(desk.hears_record().await, (1, 0, "of the other one".into()));
    desk.cluster.broker_up(LEADER_OF[0]).unwrap();
    desk.publishes(0, "of the one").await;
    assert_eq!(desk.hears_record().await, (0, 0, "of the one".into()));
    desk.ends().await;
}

#[tokio::test]
async fn nothing_counts_as_caught_up_while_a_partition_has_no_leader() {
    let mut desk = Desk::with(2, |_| {}).await;
    assert!(matches!(desk.hears().await, Heard::CaughtUp));
    desk.cluster.broker_down(LEADER_OF[0]).unwrap();
    assert!(matches!(desk.hears().await, Heard::Unreachable));
    for value in ["one", "two"] {
        desk.publishes(1, value).await;
        assert!(matches!(desk.hears().await, Heard::Record(_)), "{value}");
    }
    desk.cluster.broker_up(LEADER_OF[0]).unwrap();
    assert!(matches!(desk.hears().await, Heard::CaughtUp));
    desk.ends().await;
}

/// Passes on what it hears, and asks once to hear everything again.
struct Forgetful {
    /// At this value.
    at: &'static str,
    asked: AtomicBool,
    heard: mpsc::UnboundedSender<String>,
}

impl Hears for Forgetful {
    fn hear(&self, heard: Heard) -> Next {
        let said = match heard {
            Heard::Record(record) => String::from_utf8(record.value.unwrap()).unwrap(),
            Heard::CaughtUp => "caught up".into(),
            Heard::Unreachable | Heard::Gap { .. } => return Next::GoOn,
        };
        let again = said == self.at && !self.asked.swap(true, Ordering::Relaxed);
        if self.heard.send(said).is_err() {
            return Next::Stop;
        }
        if again { Next::ReadAgain } else { Next::GoOn }
    }
}

#[tokio::test]
async fn whoever_asks_for_it_hears_again_what_was_heard_since_the_start_and_what_is_new_once() {
    let mut desk = Desk::with(1, |_| {}).await;
    desk.publishes(0, "before the start").await;
    let before = loop {
        // Before it, the empty partition may count as caught up.
        if let Heard::Record(before) = desk.hears().await {
            break before;
        }
    };
    for value in ["one", "two"] {
        desk.publishes(0, value).await;
    }
    let (sender, mut heard) = mpsc::unbounded_channel();
    let start = Start::At([(0, Resume { next: 1, last_record: before.fingerprint() })].into());
    let forgetful = Forgetful { at: "three", asked: AtomicBool::new(false), heard: sender };
    let poller = Poller::start(&desk.brokers, TOPIC, start, Counter::default(), forgetful).unwrap();
    let mut hears = async |expected: &[&str]| {
        for expected in expected {
            let said = tokio::time::timeout(PATIENCE, heard.recv()).await;
            assert_eq!(said.expect("something is heard in time").unwrap(), *expected);
        }
    };
    hears(&["one", "two", "caught up"]).await;
    desk.publishes(0, "three").await;
    hears(&["three"]).await;
    desk.publishes(0, "four").await;
    hears(&["one", "two", "three", "four", "caught up"]).await;
    desk.publishes(0, "five").await;
    hears(&["five"]).await;
    poller.close(PATIENCE).await;
    while let Some(said) = heard.recv().await {
        assert_eq!(said, "caught up", "nothing comes twice");
    }
    desk.ends().await;
}
