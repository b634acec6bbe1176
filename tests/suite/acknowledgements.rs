//! A pop is sent again until the client says that it has it, and given up after a while.

use serde_json::json;

use crate::harness::{Kafka, Service, call, interaction};

on_both_brokers![
    a_pop_that_nobody_acknowledges_comes_again_as_it_was,
    a_pop_that_was_received_does_not_come_again,
    a_pop_that_is_given_up_is_counted_once_and_once_as_sent,
    an_acknowledgement_of_what_was_never_sent_is_ignored,
];

async fn a_pop_that_nobody_acknowledges_comes_again_as_it_was(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.record(&[interaction("i-1")]).await;
    let mut silent = service.agent("ana").await.that_never_acknowledges();
    service.offer(call("c-1")).await;
    let pop = silent.next_pop().await;
    assert_eq!(pop["announce"], true);
    assert_eq!(silent.next_pop().await, pop);
    let sent_again = [("what", "sent_again")];
    service.counts("backstory_session_happenings_total", &sent_again, 1.0).await;
}

async fn a_pop_that_was_received_does_not_come_again(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let (mut ana, mut silent) = (service.agent("ana").await, service.agent("ben").await.that_never_acknowledges());
    for agent in ["ana", "ben"] {
        service.offer(call(&format!("for-{agent}")).to(agent)).await;
    }
    ana.next_pop().await;
    ana.was_told_nothing().await;
    // Ben's tells when Ana's would have come again: it was heard later.
    let ana = ana.that_never_acknowledges();
    silent.next_pop().await;
    silent.next_pop().await;
    let mut ana = ana;
    ana.was_told_nothing().await;
}

/// A pop with more updates than are kept is not sent again, and given up when that would have been due.
async fn a_pop_that_is_given_up_is_counted_once_and_once_as_sent(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut silent = service.agent("ana").await.that_never_acknowledges();
    service.offer(call("c-1")).await;
    silent.next_pop().await;
    for _ in 0..17 {
        service.connect(call("c-1")).await;
    }
    service.counts_exactly("backstory_pops_given_up_total", &[], 1.0).await;
    assert_eq!(service.metric("backstory_pops_total", &[]).await, 1.0, "it was sent");
    assert_eq!(service.metric("backstory_session_happenings_total", &[("what", "given_up")]).await, 1.0);
}

async fn an_acknowledgement_of_what_was_never_sent_is_ignored(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    ana.next_pop().await;
    for (call_id, version) in [("c-1", 7), ("c-2", 1), ("c-1", 0)] {
        ana.says(json!({ "type": "ack", "callId": call_id, "version": version, "stage": "rendered", "ms": 1 })).await;
    }
    ana.was_told_nothing().await;
    let rendered = [("stage", "rendered")];
    assert_eq!(service.metric("backstory_pop_acknowledged_seconds_count", &rendered).await, 0.0);
}
