//! Members of a consumer group: a slow one holds up no other one, and nothing is lost between them.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use backstory::config::{Layers, load};
use backstory::kafka::{Brokers, GroupConsumer, GroupRecord};
use prometheus_client::metrics::counter::Counter;

use crate::harness::{Kafka, PATIENCE, until};

on_kafka![
    a_member_that_takes_nothing_gives_partitions_up_and_nothing_is_lost,
    a_member_that_was_paused_reads_on_where_it_was,
    only_a_member_of_the_group_can_commit,
];

/// More than are handed over in advance.
const RECORDS: usize = 6000;
/// As in production: the default of `max.poll.interval.ms`, five minutes, is far beyond what a test waits for.
const PAUSE_AFTER: Duration = Duration::from_secs(2);
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

fn member(kafka: &Kafka, pause_after: Duration) -> GroupConsumer {
    let settings: Vec<_> = kafka.settings().into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let settings = load(&Layers::new(None, &settings).unwrap()).unwrap();
    let brokers = Brokers::at(kafka.setting(), &settings.kafka);
    let (group, topic) = (format!("rebalance-{}", kafka.interactions), &kafka.interactions);
    GroupConsumer::start_pausing_after(pause_after, &brokers, &group, topic, Counter::default()).unwrap()
}

async fn publish(kafka: &Kafka, records: std::ops::Range<usize>) {
    let records = records.map(|nth| (format!("i-{nth}"), None)).collect();
    kafka.publish_many(&kafka.interactions, records).await;
}

async fn next(member: &mut GroupConsumer) -> GroupRecord {
    tokio::time::timeout(PATIENCE, member.next()).await.expect("a record in time").expect("an open member")
}

fn key(record: &GroupRecord) -> String {
    String::from_utf8(record.record.key.clone().unwrap()).unwrap()
}

/// Takes what the member owns, until there is nothing more for now.
async fn take(member: &mut GroupConsumer, read: &mut BTreeSet<String>) {
    while let Some(record) = member.next_if_ready() {
        if member.owns(record.record.partition, record.ownership) {
            read.insert(key(&record));
        }
    }
}

async fn a_member_that_takes_nothing_gives_partitions_up_and_nothing_is_lost(kafka: Kafka) {
    publish(&kafka, 0..RECORDS).await;
    let mut slow = member(&kafka, PAUSE_AFTER);
    let before = next(&mut slow).await;
    assert!(slow.owns(before.record.partition, before.ownership));

    let mut other = member(&kafka, PAUSE_AFTER);
    let first = next(&mut other).await;
    assert!(other.owns(first.record.partition, first.ownership));
    assert!(!slow.owns(before.record.partition, before.ownership), "it may have gone to the other one");

    let mut read = BTreeSet::from([key(&first)]);
    publish(&kafka, RECORDS..RECORDS + 100).await;
    until("everything to be read by one of them", async || {
        take(&mut slow, &mut read).await;
        take(&mut other, &mut read).await;
        (read.len() == RECORDS + 100).then_some(())
    })
    .await;
    slow.close(CLOSE_LIMIT).await;
    other.close(CLOSE_LIMIT).await;
}

async fn a_member_that_was_paused_reads_on_where_it_was(kafka: Kafka) {
    publish(&kafka, 0..RECORDS).await;
    let mut member = member(&kafka, Duration::ZERO);
    let mut read = HashMap::<i32, i64>::new();
    for nth in 0..RECORDS {
        let record = next(&mut member).await;
        assert!(member.owns(record.record.partition, record.ownership), "record {nth}");
        let expected = read.entry(record.record.partition).or_default();
        assert_eq!(record.record.offset, *expected, "partition {}", record.record.partition);
        *expected += 1;
    }
    assert!(member.next_if_ready().is_none());
    member.close(CLOSE_LIMIT).await;
}

async fn only_a_member_of_the_group_can_commit(kafka: Kafka) {
    publish(&kafka, 0..10).await;
    let mut member_now = member(&kafka, PAUSE_AFTER);
    let GroupRecord { record, ownership } = next(&mut member_now).await;
    let position = HashMap::from([(record.partition, record.offset + 1)]);
    assert!(member_now.commit(&position).await);
    assert_eq!(member_now.verify(position.clone()).await.map_err(|error| error.to_string()), Ok(()));
    assert!(member_now.owns(record.partition, ownership));

    let not_joined_yet = member(&kafka, PAUSE_AFTER);
    assert!(not_joined_yet.verify(position.clone()).await.is_err());
    assert!(!not_joined_yet.commit(&position).await && !not_joined_yet.owns(record.partition, ownership));
    not_joined_yet.close(CLOSE_LIMIT).await;
    member_now.close(CLOSE_LIMIT).await;
}
