//! What is told while nobody writes it down.

use chrono::Utc;

use super::*;

fn record(reason: Reason) -> Record {
    Record { number: Some("+12015550142".into()), ..Record::of(reason, "n-1", Utc::now()) }
}

fn lost(metrics: &Metrics) -> u64 {
    metrics.audit_lost("queue").get()
}

#[test]
fn where_the_queue_is_full_a_record_is_lost_and_counted_and_nobody_waits() {
    let metrics = Metrics::new();
    let (audit, mut heard) = Audit::new(2, Arc::clone(&metrics));
    for _ in 0..5 {
        audit.tell(record(Reason::Call));
    }
    assert_eq!(lost(&metrics), 3);
    assert!(heard.try_recv().is_ok());
    audit.tell(record(Reason::Call));
    assert_eq!(lost(&metrics), 3, "there is room again");
}

#[tokio::test]
async fn what_must_be_written_first_is_refused_where_nobody_writes_it() {
    let (audit, mut heard) = Audit::new(2, Metrics::new());
    assert!(
        !audit.tell_within(Duration::from_millis(1), record(Reason::Reveal)).await,
        "it waits in the queue, and nobody takes it"
    );
    audit.tell(record(Reason::Call));
    assert!(!audit.tell_within(Duration::from_millis(1), record(Reason::Reveal)).await, "the queue is full");
    heard.close();
    assert!(!audit.tell_within(Duration::from_millis(1), record(Reason::Reveal)).await, "nobody will take it");
}

#[tokio::test]
async fn what_must_be_written_first_waits_for_whoever_writes_it() {
    let (audit, mut heard) = Audit::new(2, Metrics::new());
    let audit = Arc::new(audit);
    for written in [true, false] {
        let waits = tokio::spawn({
            let audit = Arc::clone(&audit);
            async move { audit.tell_and_wait(record(Reason::Reveal)).await }
        });
        let Some(Told::AndWaits(_, answer)) = heard.recv().await else { panic!("it is told") };
        assert!(!waits.is_finished());
        answer.send(written).unwrap();
        assert_eq!(waits.await.unwrap(), written);
    }
}
