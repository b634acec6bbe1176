//! Bugs of ours: what panics is counted, set aside by its place, and never in the way of the next one.

use std::sync::Once;

use serde_json::json;

use crate::harness::{ANA, BEN, Kafka, Service, call, contact, interaction, seconds_ago, until};

on_kafka_with_both_stores![
    a_record_that_panics_when_it_is_read_is_set_aside_and_the_next_one_is_kept,
    a_record_that_panics_when_it_is_written_is_set_aside_and_the_others_of_its_batch_are_kept,
];

on_both_brokers![
    a_call_that_panics_when_it_is_read_is_set_aside_and_the_next_one_pops,
    a_call_that_panics_while_the_state_changes_is_left_out_and_the_others_are_as_they_were,
    a_timeline_that_cannot_be_prepared_does_not_keep_the_pop,
];

/// Only what says so panics, so that other tests of this process go on.
fn let_things_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for place in ["arrival::decode", "recorder::read", "store::write", "push::hear", "screen_pop::prepare"] {
            fail::cfg(place, "panic").unwrap();
        }
    });
}

async fn refused(service: &Service, topic: &str) -> f64 {
    service.metric("backstory_records_refused_total", &[("topic", topic), ("reason", "panicked")]).await
}

async fn is_set_aside(service: &Service, topic: &str) {
    until("the record to be set aside", async || {
        let records = service.store().set_aside().await.unwrap();
        records.iter().any(|one| one.topic == topic && one.reason == "panicked").then_some(())
    })
    .await;
}

async fn a_record_that_panics_when_it_is_read_is_set_aside_and_the_next_one_is_kept(kafka: Kafka) {
    let_things_panic();
    let service = Service::start(&kafka).await;
    for topic in [&kafka.interactions, &kafka.contacts, &kafka.erasures] {
        let value = json!({"comments": "panics when it is read"});
        service.kafka.publish(topic, "bad", value.to_string()).await;
        is_set_aside(&service, topic).await;
        assert_eq!(refused(&service, topic).await, 1.0);
    }
    service.record(&[interaction("behind")]).await;
    service.list(&[contact("c").has("mobile", BEN)]).await;
    assert_eq!(service.journey(ANA).await["total"], 1);
}

async fn a_record_that_panics_when_it_is_written_is_set_aside_and_the_others_of_its_batch_are_kept(kafka: Kafka) {
    let_things_panic();
    let service = Service::start(&kafka).await;
    let one = |nth: i64| {
        let comments = if nth == 7 { "panics when it is written" } else { "fine" };
        interaction(&format!("i-{nth}")).days_ago(nth).with("comments", json!(comments))
    };
    let records: Vec<_> = (1..=20).map(|nth| (format!("i-{nth}"), Some(one(nth).json().clone()))).collect();
    service.kafka.publish_many(&kafka.interactions, records).await;
    is_set_aside(&service, &kafka.interactions).await;
    until("the others to be kept", async || (service.journey(ANA).await["total"] == 19).then_some(())).await;
    service.record(&[interaction("behind")]).await;
    assert_eq!(service.journey(ANA).await["total"], 20);
}

async fn a_call_that_panics_when_it_is_read_is_set_aside_and_the_next_one_pops(kafka: Kafka) {
    let_things_panic();
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("bad").with("note", json!("panics when it is read"))).await;
    is_set_aside(&service, &kafka.calls).await;
    service.offer(call("good")).await;
    assert_eq!(ana.next_pop().await["call"]["callId"], "good");
    assert_eq!(refused(&service, &kafka.calls).await, 1.0);
}

async fn a_call_that_panics_while_the_state_changes_is_left_out_and_the_others_are_as_they_were(kafka: Kafka) {
    let_things_panic();
    let service = Service::start(&kafka).await;
    let (mut ana, mut ben) = (service.agent("ana").await, service.agent("ben").await);
    service.offer(call("before").at(seconds_ago(2))).await;
    service.offer(call("over").to("ben").number(BEN).at(seconds_ago(2))).await;
    assert_eq!(ana.next_pop().await["call"]["callId"], "before");
    assert_eq!(ben.next_pop().await["call"]["callId"], "over");

    service.offer(call("panics while the state changes")).await;
    is_set_aside(&service, &kafka.calls).await;
    // It ends while the window is being read again, or soon after it.
    service.kafka.publish(&kafka.calls, "ben", call("over").to("ben").number(BEN).event("ended").to_string()).await;
    assert_eq!(ben.next("ended").await["callId"], "over");
    let again = ana.next_pop().await;
    assert_eq!(
        (&again["call"]["callId"], &again["announce"]),
        (&json!("before"), &json!(false)),
        "it was shown before"
    );
    assert_eq!(refused(&service, &kafka.calls).await, 1.0, "it is passed over when it is read again");

    service.offer(call("after")).await;
    let pop = ana.next_pop().await;
    assert_eq!((&pop["call"]["callId"], &pop["announce"]), (&json!("after"), &json!(true)));
    service.end(call("before")).await;
    assert_eq!(ana.next("ended").await["callId"], "before");
}

async fn a_timeline_that_cannot_be_prepared_does_not_keep_the_pop(kafka: Kafka) {
    let_things_panic();
    let service = Service::start(&kafka).await;
    service.record(&[interaction("i").with("comments", json!("panics when it is prepared"))]).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    let pop = ana.next_pop().await;
    assert_eq!((&pop["call"]["callId"], &pop["missing"]["code"]), (&json!("c-1"), &json!("failed")));
    assert_eq!(service.metric("backstory_pops_total", &[("result", "panicked")]).await, 1.0);
    is_set_aside(&service, &kafka.calls).await;
    service.offer(call("c-2").number(BEN)).await;
    assert_eq!(ana.next_pop().await["timeline"]["total"], 0);
}
