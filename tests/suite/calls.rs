//! From the offer to the end: which event decides, and what each frame of a call says.

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::harness::{Call, Kafka, Service, call, interaction, seconds_ago};

on_both_brokers![
    welcome_says_who_and_where,
    a_call_is_followed_from_the_offer_to_the_end,
    an_event_that_repeats_pops_once,
    a_later_offer_opens_an_ended_call_again,
    an_offer_that_another_agent_took_is_withdrawn,
    a_conference_ends_nobody,
    a_transfer_after_the_answer_opens_at_the_other_agent,
    the_order_in_which_events_arrive_means_nothing,
    several_calls_of_one_agent_are_open_at_once,
    a_call_whose_end_was_never_heard_expires,
    an_acknowledgement_is_counted,
    an_acknowledgement_without_a_time_is_counted_and_is_no_time_of_0,
];

async fn welcome_says_who_and_where(kafka: Kafka) {
    let service = Service::with(&kafka, &[("http.heartbeat", "7s")]).await;
    let ana = service.agent("ana").await;
    let welcome = &ana.welcome;
    assert_eq!((&welcome["agent"], &welcome["heartbeatSeconds"]), (&json!("ana"), &json!(7)));
    assert!(welcome["session"].is_string() && welcome["modes"].is_array());
    welcome["serverTime"].as_str().unwrap().parse::<DateTime<Utc>>().expect("a time with a zone");
    assert_eq!(service.get("/v1/info").await.1["node"], welcome["node"]);
}

async fn a_call_is_followed_from_the_offer_to_the_end(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.record(&[interaction("i-1")]).await;
    let mut ana = service.agent("ana").await;
    let at = |seconds: i64| call("c-1").at(seconds_ago(40 - seconds));

    service.offer(at(0)).await;
    let pop = ana.next_pop().await;
    assert_eq!(pop["version"], 1);
    let mut digest = pop["digest"].clone();
    service.connect(at(10)).await;
    for (version, state) in [(2, "connected"), (3, "wrap_up")] {
        let update = ana.next_update().await;
        assert_eq!((&update["version"], &update["callId"]), (&json!(version), &json!("c-1")));
        assert_eq!(update["call"]["state"], state);
        assert_eq!(update.get("timeline"), None, "what did not change is not sent");
        assert_ne!(update["digest"], digest, "another state is other content");
        digest = update["digest"].clone();
        if state == "connected" {
            service.wrap_up(at(20)).await;
        }
    }
    service.end(at(30)).await;
    let mut ended = ana.next_ended().await;
    assert!(ended["digest"].take().is_string(), "under which it stays for the wrap-up");
    assert_eq!(ended, json!({ "type": "ended", "version": 4, "digest": null, "callId": "c-1", "reason": "ended" }));
    ana.was_told_nothing().await;
}

async fn an_event_that_repeats_pops_once(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    let event = call("c-1").event("offered");
    for _ in 0..3 {
        service.hear("ana", &event).await;
    }
    assert_eq!(service.metric("backstory_calls_total", &[("result", "superseded")]).await, 2.0);
    ana.next_pop().await;
    ana.was_told_nothing().await;
}

async fn a_later_offer_opens_an_ended_call_again(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1").at(seconds_ago(30))).await;
    let first = ana.next_pop().await;
    service.end(call("c-1").at(seconds_ago(20))).await;
    assert_eq!(ana.next_ended().await["version"], 2);
    service.offer(call("c-1").at(seconds_ago(10))).await;
    let again = ana.next_pop().await;
    assert_eq!(again["call"]["state"], "offered");
    assert_eq!(again["announce"], true);
    assert!(again["version"].as_u64() > first["version"].as_u64(), "the version grows: {again}");
}

async fn an_offer_that_another_agent_took_is_withdrawn(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let (mut ana, mut ben) = (service.agent("ana").await, service.agent("ben").await);
    for agent in ["ana", "ben"] {
        service.offer(call("c-1").to(agent).at(seconds_ago(20))).await;
    }
    ana.next_pop().await;
    ben.next_pop().await;
    service.connect(call("c-1").to("ben").at(seconds_ago(10))).await;
    assert_eq!(ana.next_ended().await, json!({ "type": "ended", "version": 2, "callId": "c-1", "reason": "taken" }));
    assert_eq!(ben.next_update().await["call"]["state"], "connected");
    let mut back = service.agent("ana").await;
    service.offer(call("c-2").to("ana")).await;
    assert_eq!(back.next_pop().await["call"]["callId"], "c-2", "a call that was taken is not shown again");
}

async fn a_conference_ends_nobody(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let (mut ana, mut ben) = (service.agent("ana").await, service.agent("ben").await);
    service.connect(call("c-1").to("ana").at(seconds_ago(20))).await;
    ana.next_pop().await;
    service.connect(call("c-1").to("ben").at(seconds_ago(10))).await;
    assert_eq!(ben.next_pop().await["call"]["state"], "connected");
    ana.was_told_nothing().await;
    service.end(call("c-1").to("ben").at(seconds_ago(5))).await;
    assert_eq!(ben.next_ended().await["reason"], "ended");
    ana.was_told_nothing().await;
}

async fn a_transfer_after_the_answer_opens_at_the_other_agent(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let (mut ana, mut ben) = (service.agent("ana").await, service.agent("ben").await);
    service.connect(call("c-1").to("ana").at(seconds_ago(20))).await;
    ana.next_pop().await;
    service.offer(call("c-1").to("ben").at(seconds_ago(10)).with("parentCallId", json!("c-0"))).await;
    let pop = ben.next_pop().await;
    assert_eq!((&pop["call"]["state"], &pop["call"]["parentCallId"]), (&json!("offered"), &json!("c-0")));
    ana.was_told_nothing().await;
}

/// An agent who connects now is shown the call in this state, or not at all.
async fn assert_shown(service: &Service, agent_id: &str, expected: Option<&str>, story: &str) {
    let mut late = service.agent(agent_id).await;
    if let Some(state) = expected {
        assert_eq!(late.next_pop().await["call"]["state"], state, "{story}");
    }
    service.offer(call("another").to(agent_id)).await;
    assert_eq!(late.next_pop().await["call"]["callId"], "another", "{story}");
    late.was_told_nothing().await;
}

async fn the_order_in_which_events_arrive_means_nothing(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let event = |agent: &str, state: &'static str, seconds: i64| (agent.to_owned(), state, seconds_ago(30 - seconds));
    let offered = |agent| event(agent, "offered", 0);
    let stories = [
        (vec![event("a", "offered", 0), event("a", "connected", 5), event("a", "wrap_up", 9)], Some("wrap_up"), None),
        (vec![event("a", "offered", 0), event("a", "connected", 5), event("a", "ended", 9)], Some("ended"), None),
        (vec![event("a", "offered", 0), event("a", "ended", 5), event("a", "offered", 9)], Some("offered"), None),
        (vec![offered("a"), offered("b"), event("b", "connected", 5)], None, Some("connected")),
    ];
    let orders = [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]];
    for (nth, (events, at_a, at_b)) in stories.iter().enumerate() {
        for (order_nth, order) in orders.iter().enumerate() {
            let id = |agent: &str| format!("{agent}-{nth}-{order_nth}");
            for &event in order {
                let (agent, state, at) = &events[event];
                let told = call(&format!("c-{nth}-{order_nth}")).to(&id(agent)).at(*at);
                service.hear(&id(agent), &told.event(state)).await;
            }
            for (agent, expected) in [("a", at_a), ("b", at_b)] {
                let story = format!("{agent} after {events:?} in the order {order:?}");
                assert_shown(&service, &id(agent), *expected, &story).await;
            }
        }
    }
}

async fn several_calls_of_one_agent_are_open_at_once(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    for call_id in ["c-1", "c-2"] {
        service.offer(call(call_id)).await;
        assert_eq!(ana.next_pop().await["call"]["callId"], call_id);
    }
    service.end(call("c-1")).await;
    let ended = ana.next_ended().await;
    assert_eq!((&ended["callId"], &ended["reason"]), (&json!("c-1"), &json!("retracted")), "nobody had answered it");
    service.connect(call("c-2")).await;
    assert_eq!(ana.next_update().await["callId"], "c-2");
}

async fn a_call_whose_end_was_never_heard_expires(kafka: Kafka) {
    let service = Service::with(&kafka, &[("calls.open_max", "3s")]).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    ana.next_pop().await;
    let ended = ana.next_ended().await;
    assert_eq!((&ended["callId"], &ended["reason"]), (&json!("c-1"), &json!("expired")));
    service.counts_exactly("backstory_calls_total", &[("result", "expired")], 1.0).await;
}

async fn an_acknowledgement_is_counted(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    service.offer(Call::to(call("c-1"), "ana")).await;
    let version = ana.next_pop().await["version"].take();
    for stage in ["received", "rendered"] {
        ana.says(json!({ "type": "ack", "callId": "c-1", "version": version, "stage": stage, "ms": 14 })).await;
        ana.was_told_nothing().await;
        let counted = service.metric("backstory_pop_acknowledged_seconds_count", &[("stage", stage)]).await;
        assert_eq!(counted, 1.0, "{stage}");
    }
}

async fn an_acknowledgement_without_a_time_is_counted_and_is_no_time_of_0(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    for (call_id, ms) in [("c-1", json!(null)), ("c-2", json!(-1)), ("c-3", json!(14))] {
        service.offer(call(call_id)).await;
        let version = ana.next_pop().await["version"].take();
        let ack = json!({ "type": "ack", "callId": call_id, "version": version, "stage": "rendered", "ms": ms });
        ana.says(ack).await;
        ana.was_told_nothing().await;
    }
    let rendered = [("stage", "rendered")];
    assert_eq!(service.metric("backstory_acks_without_ms_total", &rendered).await, 2.0);
    assert_eq!(service.metric("backstory_pop_acknowledged_seconds_count", &rendered).await, 1.0);
    assert_eq!(service.metric("backstory_pop_acknowledged_seconds_sum", &rendered).await, 0.014);
}
