//! What a consumer makes of brokers that answer strangely: the in-process broker does so when told to.

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
        Self { consumer, producer: brokers.producer().unwrap(), cluster }
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
