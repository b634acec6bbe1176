//! What the administrator's catalogue says of codes and ids reaches the agent's screen, and what it does not say is counted.

use serde_json::{Value, json};

use crate::harness::{ANA, Kafka, Service, call, contact, interaction};

on_both_brokers![
    a_pop_shows_the_catalogues_words_for_what_the_record_carries_bare,
    searches_updates_and_the_api_show_the_same_words,
    an_outcome_that_nobody_mapped_shows_its_code_is_neutral_and_is_counted,
    the_welcome_carries_the_administrators_modes_and_channels_and_where_modes_are_not_shown,
    a_call_of_a_campaign_that_no_record_names_is_named_by_the_catalogue,
];

const SETTINGS: &[(&str, &str)] = &[
    ("catalogue.outcomes.NI.label", "Not interested"),
    ("catalogue.outcomes.NI.class", "failure"),
    ("catalogue.outcomes.NI.reached", "true"),
    ("catalogue.campaigns.td.label", "Term deposit"),
    ("catalogue.campaigns.td.outcomes.NI.class", "neutral"),
    ("catalogue.agents.agent-4", "Duarte Melo"),
];

fn ended(id: &str, code: &str) -> crate::harness::Interaction {
    interaction(id).of("c-ana").with("outcome", json!({ "code": code }))
}

/// Each day's first interaction: label, class and the campaign's name.
fn words(timeline: &Value) -> Vec<[&Value; 3]> {
    let firsts = timeline["days"].as_array().unwrap().iter().map(|day| &day["interactions"][0]);
    firsts.map(|one| [&one["outcome"]["label"], &one["outcome"]["class"], &one["campaign"]["name"]]).collect()
}

async fn a_pop_shows_the_catalogues_words_for_what_the_record_carries_bare(kafka: Kafka) {
    let service = Service::with(&kafka, SETTINGS).await;
    let own = json!({ "code": "NI", "label": "No, thanks", "class": "success" });
    service
        .record(&[
            ended("bare", "NI").days_ago(1).with("agent", json!({ "id": "agent-4" })),
            ended("in a campaign of its own words", "NI").days_ago(2).campaign("td"),
            ended("of its own words", "NI").days_ago(3).with("outcome", own),
        ])
        .await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    let timeline = &ana.next_pop().await["timeline"];
    let expected = [
        ["Not interested", "failure", ""],
        ["Not interested", "neutral", "Term deposit"],
        ["No, thanks", "success", ""],
    ];
    let expected = expected.map(|row| row.map(|word| if word.is_empty() { Value::Null } else { json!(word) }));
    assert_eq!(words(timeline), expected.each_ref().map(|row| row.each_ref()));
    let brief = &timeline["contacts"][0]["brief"];
    assert_eq!((&brief["failuresInARow"], &brief["lastReachedMode"]), (&json!(1), &json!("mobile")));
    assert_eq!(brief["lastOutcome"]["label"], "Not interested");
    assert_eq!(brief["lastAgent"], json!({ "id": "agent-4", "name": "Duarte Melo" }));
    assert_eq!(timeline["days"][0]["interactions"][0]["agent"]["name"], "Duarte Melo");
}

async fn searches_updates_and_the_api_show_the_same_words(kafka: Kafka) {
    let service = Service::with(&kafka, SETTINGS).await;
    service.list(&[contact("c-ana").has("mobile", ANA)]).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    ana.next_pop().await;
    service.record(&[ended("i-1", "NI").campaign("td").with("agent", json!({ "id": "agent-4" }))]).await;
    let updated = ana.next_update().await["interactions"][0].take();
    assert_eq!(updated["outcome"]["label"], "Not interested");
    assert_eq!(
        (&updated["campaign"]["name"], &updated["agent"]["name"]),
        (&json!("Term deposit"), &json!("Duarte Melo"))
    );
    ana.says(json!({ "type": "search", "request": 1, "callId": "c-1" })).await;
    let found = ana.next("timeline").await["timeline"].take();
    assert_eq!(found["days"][0]["interactions"][0], updated);
    assert_eq!(found["campaigns"][0]["name"], "Term deposit");
    assert_eq!(service.journey(ANA).await["days"], found["days"]);
}

async fn an_outcome_that_nobody_mapped_shows_its_code_is_neutral_and_is_counted(kafka: Kafka) {
    let service = Service::with(&kafka, SETTINGS).await;
    let own = json!({ "code": "zz-18", "label": "Own", "class": "failure" });
    service
        .record(&[
            ended("i-1", "zz-17").days_ago(1),
            ended("i-2", "NI").days_ago(2),
            interaction("i-3").days_ago(3).with("outcome", own),
        ])
        .await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    let timeline = &ana.next_pop().await["timeline"];
    assert_eq!(words(timeline)[0], [&json!("zz-17"), &json!("neutral"), &Value::Null]);
    assert_eq!(timeline["contacts"][0]["brief"]["failuresInARow"], 1, "neither counted nor a break");
    assert_eq!(service.metric("backstory_unmapped_outcomes_total", &[]).await, 1.0);
}

async fn the_welcome_carries_the_administrators_modes_and_channels_and_where_modes_are_not_shown(kafka: Kafka) {
    let settings = [
        ("catalogue.modes.fax.label", "Fax"),
        ("catalogue.modes.fax.channel", "post"),
        ("catalogue.modes.mobile.color", "teal"),
        ("catalogue.channels.post.label", "Post"),
        ("catalogue.channels.post.icon", "email"),
        ("catalogue.sources.campaign_manager.show_modes", "false"),
    ];
    let service = Service::with(&kafka, &settings).await;
    let welcome = service.agent("ana").await.welcome;
    let modes = welcome["modes"].as_array().unwrap();
    let fax = json!({ "mode": "fax", "label": "Fax", "channel": "post", "icon": "email", "color": "grey" });
    let mobile = json!({ "mode": "mobile", "label": "Mobile", "channel": "voice", "icon": "mobile", "color": "teal" });
    assert!(modes.contains(&fax) && modes.contains(&mobile), "{welcome}");
    let post = json!({ "channel": "post", "label": "Post", "icon": "email", "color": "grey" });
    assert!(welcome["channels"].as_array().unwrap().contains(&post), "{welcome}");
    assert_eq!(welcome["withoutModes"], json!(["campaign_manager"]));
}

async fn a_call_of_a_campaign_that_no_record_names_is_named_by_the_catalogue(kafka: Kafka) {
    let service = Service::with(&kafka, SETTINGS).await;
    let mut ana = service.agent("ana").await;
    for (call_id, number) in [("c-1", ANA), ("c-2", "anonymous")] {
        service.offer(call(call_id).number(number).with("campaign", json!({ "id": "td" }))).await;
        assert_eq!(
            ana.next_pop().await["call"]["campaign"],
            json!({ "id": "td", "name": "Term deposit" }),
            "{call_id}"
        );
    }
}
