//! The lag counts the records that are not kept yet, and nothing else.

use chrono::{DateTime, Utc};

use crate::harness::{ANA, Kafka, Service, interaction, until};

on_kafka_with_both_stores![behind_a_transaction_nothing_is_missing, behind_an_aborted_transaction_nothing_is_missing,];

mod held {
    use super::*;

    on_kafka![what_was_read_and_is_not_kept_counts];
}

async fn lag(service: &Service) -> f64 {
    service.metric("backstory_kafka_lag_records", &[("topic", &service.kafka.interactions)]).await
}

/// Waits until the store is current at a later moment than now, and no lag is left.
async fn is_current(service: &Service) {
    let now = Utc::now();
    until("the store to be current", async || {
        let as_of = service.journey(ANA).await["sources"][0]["asOf"].as_str().map(str::to_owned)?;
        (as_of.parse::<DateTime<Utc>>().unwrap() > now).then_some(())
    })
    .await;
    until("no lag", async || (lag(service).await == 0.0).then_some(())).await;
}

/// The last offset of the partition is the commit marker's, which no consumer receives.
async fn behind_a_transaction_nothing_is_missing(kafka: Kafka) {
    let publish = async |id: &str| {
        let one = interaction(id);
        kafka.publish_in_a_transaction(&kafka.interactions, "of one partition", one.json(), true).await;
    };
    // Before the start, so that the high watermark is known from the beginning.
    publish("before").await;
    let service = Service::start(&kafka).await;
    service.keeps(&kafka.interactions, 1.0).await;
    is_current(&service).await;
    publish("after").await;
    service.keeps(&kafka.interactions, 2.0).await;
    is_current(&service).await;
}

async fn behind_an_aborted_transaction_nothing_is_missing(kafka: Kafka) {
    let one = interaction("aborted");
    kafka.publish_in_a_transaction(&kafka.interactions, one.key(), one.json(), false).await;
    let service = Service::start(&kafka).await;
    is_current(&service).await;
    assert_eq!(service.kept(&kafka.interactions).await, 0.0);
}

async fn what_was_read_and_is_not_kept_counts(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let writer = rusqlite::Connection::open(service.store_file()).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    for id in ["i-1", "i-2", "i-3"] {
        kafka.publish(&kafka.interactions, id, interaction(id).json().to_string()).await;
    }
    until("the lag to count them", async || (lag(&service).await == 3.0).then_some(())).await;
    assert_eq!(service.kept(&kafka.interactions).await, 0.0);
    writer.execute_batch("ROLLBACK").unwrap();
    service.keeps(&kafka.interactions, 3.0).await;
    until("no lag", async || (lag(&service).await == 0.0).then_some(())).await;
}
