//! What is slow holds up nobody else: a look-up, a session that does not read.

use backstory::journey::{Change, Interaction, WriteBatch};
use chrono::Utc;
use rlibphonenumber::Region;
use serde_json::json;

use crate::harness::{ANA, BEN, Kafka, Service, call, ids, interaction, seconds_ago};

on_both_brokers![
    a_pop_does_not_wait_for_a_slow_look_up_and_its_timeline_follows,
    a_number_with_a_hundred_thousand_interactions_is_counted_whole_and_holds_up_nobody,
    a_session_that_does_not_read_is_closed_and_holds_up_nobody,
];

/// More than a look-up can read within a millisecond.
const MANY: i64 = 30_000;

/// `journey.counted_max`
const COUNTED_MAX: u32 = 20_000;

/// Past Kafka, for histories too long for the embedded broker.
async fn keep(service: &Service, interactions: impl Iterator<Item = crate::harness::Interaction>) {
    let read = |one: crate::harness::Interaction| {
        let value = one.json().to_string();
        Change::Interaction(Box::new(Interaction::read(value.as_bytes(), Region::US, Utc::now()).unwrap()))
    };
    service.store().write(WriteBatch::of(interactions.map(read).collect())).await.unwrap();
}

async fn a_pop_does_not_wait_for_a_slow_look_up_and_its_timeline_follows(kafka: Kafka) {
    let service = Service::with(&kafka, &[("journey.lookup_timeout", "1ms"), ("journey.interactions_max", "5")]).await;
    keep(&service, (0..MANY).map(|nth| interaction(&format!("i-{nth}")).started(seconds_ago(60 + nth)))).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1").number(ANA)).await;

    let pop = ana.next_pop().await;
    assert_eq!((&pop["timeline"], &pop["missing"]["code"]), (&json!(null), &json!("timeout")));
    assert!(pop["missing"]["text"].as_str().unwrap().ends_with('.'));
    let update = ana.next_update().await;
    assert_eq!((&update["callId"], &update["version"]), (&json!("c-1"), &json!(2)));
    let timeline = &update["timeline"];
    assert_eq!((&timeline["total"], &timeline["atLeast"]), (&json!(COUNTED_MAX), &json!(true)));
    assert_eq!(ids(&update["timeline"]).len(), 5);
    assert_eq!(update.get("missing"), None);
    assert_ne!(update["digest"], pop["digest"]);
    ana.was_told_nothing().await;
}

async fn a_number_with_a_hundred_thousand_interactions_is_counted_whole_and_holds_up_nobody(kafka: Kafka) {
    let patient =
        [("journey.lookup_timeout", "60s"), ("journey.interactions_max", "5"), ("journey.counted_max", "100000")];
    let service = Service::with(&kafka, &patient).await;
    let of_everybody = |nth: i64| interaction(&format!("i-{nth}")).started(seconds_ago(60 + nth));
    keep(&service, (0..100_000).map(of_everybody).chain([interaction("bens").on(BEN)])).await;
    let (mut ana, mut ben) = (service.agent("ana").await, service.agent("ben").await);
    let calls = [call("c-ana").number(ANA), call("c-ben").to("ben").number(BEN)];
    // Not one after the other: Kafka may take as long to acknowledge the first as Ana's journey takes to read.
    let offered = calls.map(|call| (call.agent_id().to_owned(), Some(call.event("offered"))));
    service.kafka.publish_many(&kafka.calls, offered.to_vec()).await;

    tokio::select! {
        _ = ana.next_pop() => panic!("Ben's pop came after Ana's, which has a hundred thousand times as much to read"),
        pop = ben.next_pop() => assert_eq!(ids(&pop["timeline"]), ["bens"]),
    }
    let timeline = &ana.next_pop().await["timeline"];
    assert_eq!((&timeline["total"], &timeline["shown"]), (&json!(100_000), &json!(5)));
    assert_eq!(timeline["channels"][0]["interactions"], 100_000);
    assert_eq!(ids(timeline), ["i-0", "i-1", "i-2", "i-3", "i-4"]);
}

async fn a_session_that_does_not_read_is_closed_and_holds_up_nobody(kafka: Kafka) {
    let settings = [("http.outbox_frames_max", "2"), ("http.write_timeout", "300ms")];
    let service = Service::with(&kafka, &settings).await;
    let comments = json!("A long letter. ".repeat(200));
    let long =
        |nth: i64| interaction(&format!("i-{nth}")).on(BEN).days_ago(nth % 300 + 1).with("comments", comments.clone());
    keep(&service, (0..500).map(long)).await;
    let _does_not_read =
        service.socket_with_a_small_window().await.says_hello(json!({ "type": "hello", "agent": "ben" })).await;
    let mut ana = service.agent("ana").await;
    assert_eq!(service.metric("backstory_sessions", &[]).await, 2.0);

    // Each of Ben's pops is more than a megabyte; Ana's come between them.
    let mut nth = 0;
    while service.metric("backstory_sessions", &[]).await > 1.0 {
        nth += 1;
        assert!(nth < 200, "a session that does not read was never closed");
        service.offer(call(&format!("long-{nth}")).to("ben").number(BEN)).await;
        service.offer(call(&format!("short-{nth}")).to("ana").number(ANA)).await;
        assert_eq!(ana.next_pop().await["call"]["callId"], format!("short-{nth}"));
    }
    ana.was_told_nothing().await;
}
