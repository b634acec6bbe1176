//! An agent with very many open calls, whose client reads as any other does.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{ANA, Agent, BEN, Kafka, Service, call, interaction, seconds_ago, until};

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

/// Its pops are so large that no buffer between it and a client takes many.
async fn service(kafka: &Kafka) -> Service {
    let service = Service::with(kafka, &[("http.write_timeout", "60s")]).await;
    let letter = |nth: i64| interaction(&format!("i-{nth}")).with("comments", json!("A long letter. ".repeat(2000)));
    service.record(&[letter(1), letter(2)]).await;
    service
}

async fn with_open_calls(kafka: &Kafka) -> Service {
    let service = service(kafka).await;
    service.kafka.publish_many(&service.kafka.calls, offers(CALLS + 60)).await;
    service.counts("backstory_calls_total", &[], CALLS as f64).await;
    service
}

/// A client that is here, and does not read yet.
async fn comes(service: &Service) -> Agent {
    service.socket_with_a_small_window().await.says_hello(json!({ "type": "hello", "agent": "ana" })).await
}

/// Until no more pops are put into outboxes: what is left waits for the client to read.
async fn nothing_more_comes(service: &Service) {
    let mut before = -1.0;
    until("no more pops to be put", async || {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let pops = service.metric("backstory_pops_total", &[("result", "sent")]).await;
        (std::mem::replace(&mut before, pops) == pops && pops > 0.0).then_some(())
    })
    .await;
    assert!(before < CALLS as f64 / 2.0, "{before} were put, though nobody reads");
    assert_eq!(service.metric("backstory_sessions", &[]).await, 1.0, "it is not closed as slow");
}

async fn five_hundred_open_calls_are_shown_after_a_reload_the_newest_first(kafka: Kafka) {
    let service = with_open_calls(&kafka).await;
    let mut ana = service.agent("ana").await;
    let mut shown = Vec::new();
    for _ in 0..CALLS {
        let pop = ana.next_pop().await;
        assert_eq!(pop["timeline"]["total"], 2);
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
    let mut ana = comes(&service).await;
    nothing_more_comes(&service).await;
    let mut ben = service.agent("ben").await;
    service.offer(call("bens").to("ben").number(BEN)).await;
    assert_eq!(ben.next_pop().await["call"]["callId"], "bens");
    service.offer(call("live").number(ANA)).await;
    let mut before = 0;
    while ana.next_pop().await["call"]["callId"] != "live" {
        before += 1;
    }
    assert!(before < 150, "{before} came before it");
    // It is one more than `calls.open_per_agent_max`: the oldest, which was not shown yet, went for it.
    for _ in 1..(CALLS - before) {
        ana.next_pop().await;
    }
    ana.was_told_nothing().await;
}

async fn five_hundred_offers_at_once_are_all_shown(kafka: Kafka) {
    let service = service(&kafka).await;
    let mut ana = comes(&service).await;
    service.kafka.publish_many(&service.kafka.calls, offers(CALLS + 1)).await;
    nothing_more_comes(&service).await;
    let mut shown = BTreeSet::new();
    for _ in 0..CALLS {
        shown.insert(ana.next_pop().await["call"]["callId"].as_str().unwrap().to_owned());
    }
    assert_eq!(shown.len(), CALLS as usize);
    ana.was_told_nothing().await;
}
