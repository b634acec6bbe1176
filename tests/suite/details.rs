//! What the details of an interaction are made of, and what a mode looks like.

use serde_json::{Value, json};

use crate::harness::{Kafka, Service, briefs, call, contact, days_ago, interaction};

on_all_stores![
    s20_s21_s22_s23_the_welcome_tells_how_each_mode_looks,
    s24_the_direction_of_a_data_cloud_interaction_is_shown,
    s25_a_failure_is_one_by_its_class_alone,
    s26_s27_the_details_of_a_campaign_manager_interaction,
    s28_the_details_of_a_data_cloud_interaction,
    s29_the_interactions_of_one_date_stand_together_newest_first,
    the_brief_is_arithmetic_over_the_contacts_interactions,
];

/// The one interaction, as a pop shows it.
async fn shown(kafka: &Kafka, recorded: crate::harness::Interaction) -> Value {
    let service = Service::start(kafka).await;
    service.record(&[recorded]).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    ana.next_pop().await["timeline"]["days"][0]["interactions"][0].take()
}

async fn s20_s21_s22_s23_the_welcome_tells_how_each_mode_looks(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let ana = service.agent("ana").await;
    let modes = ana.welcome["modes"].as_array().unwrap();
    for (mode, channel, icon, color) in [
        ("home", "voice", "call", "green"),
        ("work", "voice", "call", "green"),
        ("mobile", "voice", "mobile", "blue"),
        ("office", "voice", "call", "amber"),
    ] {
        let known = modes.iter().find(|known| known["mode"] == mode).unwrap_or_else(|| panic!("no {mode}"));
        assert_eq!([&known["channel"], &known["icon"], &known["color"]], [channel, icon, color], "{mode}");
    }
    for (mode, icon) in [("sms", "sms"), ("email", "email"), ("chat", "chat")] {
        assert!(modes.iter().any(|known| known["mode"] == mode && known["icon"] == icon), "{mode}");
    }
}

async fn s24_the_direction_of_a_data_cloud_interaction_is_shown(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let from = |direction: &str| interaction(direction).in_data_cloud().with("direction", json!(direction));
    service.record(&[from("inbound").days_ago(1), from("outbound").days_ago(2)]).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    let pop = ana.next_pop().await;
    for (day, direction) in [(0, "inbound"), (1, "outbound")] {
        assert_eq!(pop["timeline"]["days"][day]["interactions"][0]["direction"], direction);
    }
}

async fn s25_a_failure_is_one_by_its_class_alone(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let ended = |id: &str, days, outcome: Value| interaction(id).days_ago(days).with("outcome", outcome);
    service
        .record(&[
            ended("failed", 1, json!({ "code": "declined", "class": "failure" })),
            ended("unknown class", 2, json!({ "code": "zz-17", "class": "odd" })),
            ended("no class", 3, json!({ "code": "failure" })),
        ])
        .await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    let pop = ana.next_pop().await;
    for (day, class, label) in [(0, "failure", "declined"), (1, "neutral", "zz-17"), (2, "neutral", "failure")] {
        let outcome = &pop["timeline"]["days"][day]["interactions"][0]["outcome"];
        assert_eq!((&outcome["class"], &outcome["label"]), (&json!(class), &json!(label)), "unknown is never red");
    }
}

async fn s26_s27_the_details_of_a_campaign_manager_interaction(kafka: Kafka) {
    let fields = json!({
        "campaign": { "id": "td-2026", "name": "Term deposit 2026" }, "mode": "office", "address": "+12015550142",
        "outcome": { "code": "declined", "label": "Declined", "class": "failure", "telephony": "answered" },
        "previousScore": 50.5, "currentScore": 0.0, "agent": { "id": "agent-4", "name": "Duarte Melo" },
        "comments": "Não quer ser contactado à noite. <b>✔</b>", "startedAt": "2026-11-18T10:30:23Z",
    });
    let started = days_ago(3);
    let recorded = fields.as_object().unwrap().iter().filter(|(field, _)| *field != "startedAt");
    let recorded =
        recorded.fold(interaction("i-1").started(started), |one, (field, value)| one.with(field, value.clone()));
    let details = shown(&kafka, recorded.clone()).await;
    for field in
        ["campaign", "mode", "outcome", "address", "previousScore", "currentScore", "agent", "comments", "startedAt"]
    {
        assert!(same(&details[field], &recorded.json()[field]), "{field}");
    }
}

async fn s28_the_details_of_a_data_cloud_interaction(kafka: Kafka) {
    for (channel, direction) in [("voice", "inbound"), ("chat", "outbound")] {
        let recorded = interaction("i-1")
            .in_data_cloud()
            .channel(channel)
            .with("direction", json!(direction))
            .with("outcome", json!({ "code": "resolved", "label": "Resolved", "class": "success" }))
            .with("agent", json!({ "id": "agent-1", "name": "Ana Sousa" }))
            .with("comments", json!("Asked for the fee table."));
        let kafka = if kafka.embedded { Kafka::embedded() } else { Kafka::real().await };
        let details = shown(&kafka, recorded.clone()).await;
        let fields =
            ["address", "startedAt", "endedAt", "outcome", "agent", "comments", "channel", "direction", "source"];
        for field in fields {
            assert!(same(&details[field], &recorded.json()[field]), "{field}");
        }
        assert_eq!(details.get("currentScore"), None, "absent is not 0");
    }
}

async fn s29_the_interactions_of_one_date_stand_together_newest_first(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let day = |hour: u32| {
        let date = days_ago(2).date_naive();
        date.and_hms_opt(hour, 0, 0).unwrap().and_utc()
    };
    let at = |hour| interaction(&format!("at-{hour}")).started(day(hour));
    service.record(&[at(9), at(15), at(11)]).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    let pop = ana.next_pop().await;
    let date = day(9).date_naive().to_string();
    assert_eq!(crate::harness::days(&pop["timeline"]), [(&*date, vec!["at-15", "at-11", "at-9"])]);
}

async fn the_brief_is_arithmetic_over_the_contacts_interactions(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.list(&[contact("c-ana").has("mobile", crate::harness::ANA)]).await;
    let ended = |id: &str, days, class: &str| {
        interaction(id).of("c-ana").days_ago(days).with("outcome", json!({ "code": class, "class": class }))
    };
    service
        .record(&[
            ended("i-1", 1, "neutral").with("mode", json!("home")),
            ended("i-2", 2, "failure").with("currentScore", json!(40)).with("previousScore", json!(55)),
            ended("i-3", 3, "failure").with("currentScore", json!(55)),
            ended("i-4", 20, "success"),
            ended("i-5", 21, "failure").with("direction", json!("inbound")),
        ])
        .await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    let pop = ana.next_pop().await;
    let (contact_id, brief) = briefs(&pop["timeline"])[0];
    assert_eq!(contact_id, "c-ana");
    assert_eq!(brief["lastOutcome"]["code"], "neutral");
    assert_eq!((&brief["attempts7d"], &brief["attempts30d"]), (&json!(3), &json!(4)));
    assert_eq!(brief["failuresInARow"], 2, "neutral ones neither count nor break it");
    assert_eq!(brief["lastReachedMode"], "mobile", "neutral reached nobody");
    assert_eq!((&brief["score"], &brief["scoreChange"]), (&json!(40.0), &json!(-15.0)));
}

/// Times as moments: 21:00:00Z and 21:00:00.000Z are one.
fn same(left: &Value, right: &Value) -> bool {
    let moment = |value: &Value| value.as_str()?.parse::<chrono::DateTime<chrono::Utc>>().ok();
    left == right || moment(left).is_some_and(|left| moment(right) == Some(left))
}
