//! What is recorded while the agent reads reaches the open timeline.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{ANA, BEN, Kafka, Service, call, contact, interaction};

on_all_stores![
    what_is_recorded_during_the_call_reaches_the_screen,
    what_is_deleted_during_the_call_leaves_the_screen,
    a_campaign_that_lists_the_number_during_the_call_is_shown,
    what_concerns_another_customer_stays_off_the_screen,
    nothing_is_lost_where_many_are_recorded_at_once,
];

/// The ids of the interactions that an update brings.
fn brought(update: &Value) -> Vec<&str> {
    let interactions = update["interactions"].as_array().map(Vec::as_slice).unwrap_or_default();
    interactions.iter().map(|one| one["interactionId"].as_str().unwrap()).collect()
}

async fn what_is_recorded_during_the_call_reaches_the_screen(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.record(&[interaction("before").channel("sms")]).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    let pop = ana.next_pop().await;

    service.record(&[interaction("during").campaign("td").with("outcome", json!({ "code": "sold" }))]).await;
    let update = ana.next_update().await;
    assert_eq!((&update["callId"], &update["version"]), (&json!("c-1"), &json!(2)));
    assert_ne!(update["digest"], pop["digest"]);
    assert_eq!(brought(&update), ["during"]);
    assert_eq!(update["interactions"][0]["outcome"]["label"], "sold", "labels are resolved");
    assert_eq!(update["total"], 2);
    assert_eq!(update["channels"].as_array().unwrap().len(), 2);
    assert_eq!(update["campaigns"][0]["id"], "td");

    let mut late = service.agent("ana").await;
    assert_eq!(late.next_pop().await["digest"], update["digest"], "whoever comes later is shown the same");
}

async fn what_is_deleted_during_the_call_leaves_the_screen(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.record(&[interaction("i-1").days_ago(1), interaction("i-2").days_ago(2)]).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    ana.next_pop().await;
    service.delete(&kafka.interactions, "i-1").await;
    let update = ana.next_update().await;
    assert_eq!((&update["removed"], &update["total"]), (&json!(["i-1"]), &json!(1)));
    service.record(&[interaction("i-2").on(BEN)]).await;
    let update = ana.next_update().await;
    assert_eq!((&update["removed"], &update["total"]), (&json!(["i-2"]), &json!(0)), "corrected to be another's");
}

async fn a_campaign_that_lists_the_number_during_the_call_is_shown(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    ana.next_pop().await;
    service.list(&[contact("c-ana").has("mobile", ANA).named("Ana Sousa").listed_in("td", "Term deposit")]).await;
    let update = ana.next_update().await;
    assert_eq!(update["campaigns"], json!([{ "id": "td", "name": "Term deposit", "listed": true, "interactions": 0 }]));
    assert_eq!(update["contacts"][0]["name"], "Ana Sousa");
}

async fn what_concerns_another_customer_stays_off_the_screen(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    ana.next_pop().await;
    service.record(&[interaction("of ben").on(BEN)]).await;
    service.record(&[interaction("of ana").on(ANA)]).await;
    assert_eq!(brought(&ana.next_update().await), ["of ana"]);
    ana.was_told_nothing().await;
}

async fn nothing_is_lost_where_many_are_recorded_at_once(kafka: Kafka) {
    const MANY: usize = 100;
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    let mut digest = ana.next_pop().await["digest"].take();
    let ids: BTreeSet<String> = (0..MANY).map(|nth| format!("i-{nth}")).collect();
    let interactions: Vec<_> = ids.iter().map(|id| interaction(id)).collect();
    service.record(&interactions).await;
    let mut late = service.agent("ana").await;
    let mut whole = late.next_pop().await;
    assert_eq!(whole["timeline"]["total"], MANY, "many updates at once hold up no pop");
    let whole = whole["digest"].take();
    let mut seen = BTreeSet::new();
    while digest != whole {
        let mut update = ana.next_update().await;
        if let Some(days) = update["timeline"]["days"].as_array() {
            let all = days.iter().flat_map(|day| day["interactions"].as_array().unwrap());
            seen.extend(all.map(|one| one["interactionId"].as_str().unwrap().to_owned()));
        }
        seen.extend(brought(&update).into_iter().map(str::to_owned));
        digest = update["digest"].take();
    }
    assert_eq!(seen.len(), MANY, "what the digest stands for was sent");
}
