//! A batch of a partition that went to another node is never written after that one began, however late the store answers.

use std::time::Duration;

use crate::harness::postgres::{client, database, through_a_line};
use crate::harness::{ANA, Kafka, Service, interaction, until};

on_kafka![
    what_a_node_read_before_it_lost_a_partition_it_does_not_write_after_another_one_began,
    two_nodes_that_come_and_go_write_every_record_once,
];

const RECORDS: i32 = 60;
/// Each attempt to write an interaction, kept or not, if its transaction was.
const WRITES: &str = "
    CREATE TABLE public.writes (nth serial, interaction_id text, pid integer);
    CREATE FUNCTION public.note_write() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN INSERT INTO public.writes (interaction_id, pid) VALUES (NEW.interaction_id, pg_backend_pid()); RETURN NEW; END';
    CREATE TRIGGER note_write BEFORE INSERT ON backstory.interactions
      FOR EACH ROW EXECUTE FUNCTION public.note_write()";

/// By one of the first node's connections, after another one's.
const LATE: &str = "
    SELECT 1 FROM public.writes AS late JOIN public.writes AS earlier USING (interaction_id)
    WHERE late.nth > earlier.nth AND late.pid IN (SELECT pid FROM public.firsts)
      AND earlier.pid NOT IN (SELECT pid FROM public.firsts)";

async fn publish(kafka: &Kafka, name: &str) {
    let records = (0..RECORDS).map(|nth| {
        let record = interaction(&format!("{name}-{nth}")).days_ago(1);
        (record.key().to_owned(), Some(record.json().clone()))
    });
    kafka.publish_many(&kafka.interactions, records.collect()).await;
}

/// How long the store does not answer; longer than CI waits for: `FENCES_HELD_SECONDS=60`.
fn held_for() -> Duration {
    let seconds = std::env::var("FENCES_HELD_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1))
}

async fn what_a_node_read_before_it_lost_a_partition_it_does_not_write_after_another_one_began(kafka: Kafka) {
    let url = database().await;
    let server = client(&url.parse().unwrap()).await;
    server.batch_execute(WRITES).await.unwrap();
    let (held, line) = through_a_line(&url).await;
    let first = Service::start(&kafka.clone().with_store(held)).await;
    publish(&kafka, "before").await;
    first.keeps(&kafka.interactions, f64::from(RECORDS)).await;
    server.batch_execute("CREATE TABLE public.firsts AS SELECT DISTINCT pid FROM public.writes").await.unwrap();

    line.hold();
    publish(&kafka, "during").await;
    let second = Service::start(&kafka.clone().with_store(url)).await;
    until("the second node to own partitions", async || (second.kept(&kafka.interactions).await > 0.0).then_some(()))
        .await;
    tokio::time::sleep(held_for()).await;
    line.mend();
    let total = i64::from(2 * RECORDS);
    until("everything to be kept", async || (second.journey(ANA).await["total"] == total).then_some(())).await;
    publish(&kafka, "after").await;
    until("what comes after it to be kept", async || {
        (second.journey(ANA).await["total"] == total + i64::from(RECORDS)).then_some(())
    })
    .await;
    // What the first one wrote, and had not committed in Kafka, the second one wrote again.
    let late = server.query(LATE, &[]).await.unwrap();
    assert!(late.is_empty(), "{} records were written by the first node after the second one", late.len());
}

async fn two_nodes_that_come_and_go_write_every_record_once(kafka: Kafka) {
    let kafka = kafka.with_store(database().await);
    let first = Service::start(&kafka).await;
    for round in 0..3 {
        publish(&kafka, &format!("{round}-alone")).await;
        let mut other = Service::start(&kafka).await;
        publish(&kafka, &format!("{round}-together")).await;
        let total = i64::from((round + 1) * 2 * RECORDS);
        until("everything to be kept", async || (first.journey(ANA).await["total"] == total).then_some(())).await;
        other.drain().await;
    }
    assert_eq!(first.metric("backstory_recorders_waiting", &[]).await, 0.0);
}
