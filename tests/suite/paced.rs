//! An agent with very many open calls, whose client reads as any other does.

use serde_json::{Value, json};

use crate::harness::{ANA, BEN, Kafka, Service, call, interaction, seconds_ago};

on_the_embedded_broker![
    five_hundred_open_calls_are_shown_after_a_reload_the_newest_first,
    a_call_that_comes_in_meanwhile_is_shown_before_those_that_wait,
    five_hundred_offers_at_once_are_all_shown,
];

const CALLS: i64 = 500;

fn offers(seconds_ago_of_first: i64) -> Vec<(String, Option<Value>)> {
    let offer = |nth: i64| call(&format!("c-{nth}")).at(seconds_ago(seconds_ago_of_first - nth)).event("offered");
    (0..CALLS).map(|nth| ("ana".to_owned(), Some(offer(nth)))).collect()
}

async fn with_open_calls(kafka: &Kafka) -> Service {
    let service = Service::start(kafka).await;
    service.record(&[interaction("i-1").with("comments", json!("A long letter. ".repeat(500)))]).await;
    service.kafka.publish_many(&service.kafka.calls, offers(CALLS + 60)).await;
    service.counts("backstory_calls_total", &[], CALLS as f64).await;
    service
}

async fn five_hundred_open_calls_are_shown_after_a_reload_the_newest_first(kafka: Kafka) {
    let service = with_open_calls(&kafka).await;
    let mut ana = service.agent("ana").await;
    let mut shown = Vec::new();
    for _ in 0..CALLS {
        let pop = ana.next_pop().await;
        assert_eq!(pop["timeline"]["total"], 1);
        shown.push(pop["call"]["callId"].as_str().unwrap().to_owned());
    }
    assert_eq!(shown[0], format!("c-{}", CALLS - 1));
    let newest_first: Vec<String> = (0..CALLS).rev().map(|nth| format!("c-{nth}")).collect();
    // One whose look-up takes long is overtaken by few.
    for (nth, call_id) in shown.iter().enumerate() {
        let place = newest_first.iter().position(|id| id == call_id).unwrap();
        assert!(place.abs_diff(nth) < 50, "{call_id} came as number {nth}");
    }
    ana.was_told_nothing().await;
    assert_eq!(service.series("backstory_sessions_closed_total").await, [""; 0], "nobody was too slow");
    assert_eq!(service.metric("backstory_outbox_bytes", &[]).await, 0.0, "all of it was read");
}

async fn a_call_that_comes_in_meanwhile_is_shown_before_those_that_wait(kafka: Kafka) {
    let service = with_open_calls(&kafka).await;
    // Of the calls that wait, only so many as an outbox has room for are on the way before the client reads.
    let mut ana =
        service.socket_with_a_small_window().await.says_hello(json!({ "type": "hello", "agent": "ana" })).await;
    ana.next_pop().await;
    service.counts("backstory_pops_total", &[], 20.0).await;
    let mut ben = service.agent("ben").await;
    service.offer(call("bens").to("ben").number(BEN)).await;
    assert_eq!(ben.next_pop().await["call"]["callId"], "bens");
    service.offer(call("live").number(ANA)).await;
    let mut before = 0;
    while ana.next_pop().await["call"]["callId"] != "live" {
        before += 1;
    }
    assert!(before < 150, "{before} came before it");
    for _ in 0..(CALLS - 1 - before) {
        ana.next_pop().await;
    }
    ana.was_told_nothing().await;
}

async fn five_hundred_offers_at_once_are_all_shown(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    service.kafka.publish_many(&service.kafka.calls, offers(CALLS + 1)).await;
    let mut shown = std::collections::BTreeSet::new();
    for _ in 0..CALLS {
        shown.insert(ana.next_pop().await["call"]["callId"].as_str().unwrap().to_owned());
    }
    assert_eq!(shown.len(), CALLS as usize);
    ana.was_told_nothing().await;
}
