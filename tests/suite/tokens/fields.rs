//! What a policy keeps back is shown to whoever's token says so, and to nobody else.

use serde_json::json;

use super::House;
use crate::harness::provider::token;
use crate::harness::{ANA, Kafka, call, ids, interaction};

on_the_embedded_broker![
    numbers_are_whole_for_whoever_has_the_scope_for_it_alone,
    a_masked_number_is_revealed_to_whoever_has_the_scope_and_that_is_audited,
    campaigns_are_their_teams,
];

const MASKED: [(&str, &str); 1] = [("policy.number_digits", "4")];

async fn numbers_are_whole_for_whoever_has_the_scope_for_it_alone(kafka: Kafka) {
    let house = House::with(&kafka, &MASKED).await;
    let mut masked = house.agent(&token("ana").allows("numbers:reveal operate").signed(&house.key)).await;
    let mut whole = house.agent(&token("ana").allows("numbers:read").signed(&house.key)).await;
    house.service.offer(call("c-1").to("ana").number(ANA)).await;
    assert_eq!(masked.next_pop().await["call"]["number"], "…0142");
    assert_eq!(whole.next_pop().await["call"]["number"], ANA);
}

async fn a_masked_number_is_revealed_to_whoever_has_the_scope_and_that_is_audited(kafka: Kafka) {
    let house = House::with(&kafka, &MASKED).await;
    let mut ana = house.agent(&token("ana").allows("numbers:reveal").signed(&house.key)).await;
    house.service.offer(call("c-1").to("ana").number(ANA)).await;
    house.service.offer(call("c-2").to("ben").number(ANA)).await;
    ana.next_pop().await;
    ana.says(json!({ "type": "reveal", "request": 9, "callId": "c-1" })).await;
    let revealed = ana.next("revealed").await;
    assert_eq!(
        (&revealed["request"], &revealed["callId"], &revealed["number"]),
        (&json!(9), &json!("c-1"), &json!(ANA))
    );
    ana.says(json!({ "type": "reveal", "request": 10, "callId": "c-2", "agentId": "ben" })).await;
    assert_eq!(ana.next("error").await["code"], "forbidden", "it is another agent's call");
    house.service.counts("backstory_audit_records_total", &[("reason", "reveal")], 2.0).await;
}

async fn campaigns_are_their_teams(kafka: Kafka) {
    let house = House::with(&kafka, &[("policy.teams.vip", "[gold]")]).await;
    house.service.record(&[interaction("i-1").on(ANA), interaction("i-2").on(ANA).campaign("vip")]).await;
    let mut others = house.agent(&token("ana").with("teams", json!(["silver"])).signed(&house.key)).await;
    let mut gold = house.agent(&token("ana").with("teams", json!(["gold"])).signed(&house.key)).await;
    house.service.offer(call("c-1").to("ana").number(ANA)).await;
    let seen = others.next_pop().await;
    assert_eq!(ids(&seen["timeline"]), ["i-1"]);
    assert_eq!(seen["timeline"]["total"], 1, "nothing says that there is more");
    assert_eq!(ids(&gold.next_pop().await["timeline"]).len(), 2);
}
