//! What the settings keep from an agent leaves the service nowhere: in no frame, no answer, no count and no log.
//! Without authentication nobody has a scope, so the policy holds for everybody here.

use serde_json::{Value, json};

use crate::harness::process::Process;
use crate::harness::{ANA, Agent, Kafka, Service, call, contact, ids, interaction, until};

on_kafka![a_masked_number_is_in_nothing_that_a_full_run_says, the_digest_of_a_view_is_the_same_on_every_node];
on_both_brokers![
    comments_scores_and_names_are_hidden_in_every_frame,
    another_teams_campaign_is_in_no_frame_and_no_count,
    a_search_takes_the_number_as_it_is_shown_and_not_in_whole,
    a_reveal_without_the_scope_is_refused_whosever_call_it_is,
];

const MASKED: [(&str, &str); 1] = [("policy.number_digits", "4")];

/// Parts of the number in all the ways in which it is planted, and of the e-mail address.
const PLANTED: [&str; 8] =
    ["2015550142", "201-555", "555-0142", "201) 555", "555 0142", "201.555", "٢٠١٥٥٥٠١٤٢", "quintela@"];

fn planted(id: &str) -> crate::harness::Interaction {
    interaction(id)
        .of("12015550142")
        .with("campaign", json!({ "id": "list-2015550142", "name": "Recall of (201) 555-0142" }))
        .with(
            "outcome",
            json!({ "code": "cb:12015550142", "label": "Call 201-555-0142", "telephony": "to 2015550142" }),
        )
        .with("agent", json!({ "id": "desk-12015550142", "name": "Desk 201.555.0142" }))
        .with("comments", json!("Said 201 555 0142, ٢٠١٥٥٥٠١٤٢ and Quintela@example.com"))
}

/// Everything that was said to a client.
struct Ear {
    agent: Agent,
    heard: Vec<String>,
}

impl Ear {
    fn of(agent: Agent) -> Self {
        Self { heard: vec![agent.welcome.to_string()], agent }
    }

    async fn next(&mut self, kind: &str) -> Value {
        let frame = self.agent.next(kind).await;
        self.heard.push(frame.to_string());
        frame
    }

    async fn says(&mut self, frame: Value) -> Value {
        self.agent.says(frame).await;
        let answer = self.agent.next_frame().await;
        self.heard.push(answer.to_string());
        answer
    }
}

async fn a_masked_number_is_in_nothing_that_a_full_run_says(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("journey.db").display());
    let settings = [("policy.number_digits", "4"), ("log.level", "trace"), ("journey.lookup_timeout", "5s")];
    let service = Process::serve_with(&kafka, &store, &settings);
    service.becomes_ready().await;
    let person =
        contact("12015550142").has("mobile", ANA).has("email", "quintela@example.com").named("+1 (201) 555-0142");
    let listed = person.listed_in("l-12015550142", "For 2015550142");
    kafka.publish(&kafka.contacts, &listed.key(), listed.json().to_string()).await;
    let mail = interaction("mail-2015550142").of("12015550142").on("quintela@example.com").channel("email");
    for one in [planted("12015550142/7"), planted("2015550142/7"), mail] {
        kafka.publish(&kafka.interactions, one.key(), one.json().to_string()).await;
    }
    until("the history to be kept", async || {
        let (_, journey) = service.get(&format!("/v1/journeys/{ANA}")).await;
        (journey["total"] == 3 && journey["campaigns"].as_array()?.len() == 2).then_some(())
    })
    .await;

    let mut ana = Ear::of(service.agent("ana").await);
    let mut eva = Ear::of(service.agent("eva").await);
    eva.agent.says(json!({ "type": "subscribe", "agents": ["ana"] })).await;
    eva.agent.was_told_nothing().await;
    let offered =
        call("c-1").with("campaign", json!({ "id": "list-2015550142" })).with("parentCallId", json!("p-12015550142"));
    kafka.publish(&kafka.calls, "ana", offered.event("offered").to_string()).await;
    let pop = ana.next("pop").await;
    eva.next("pop").await;
    assert_eq!((&pop["call"]["number"], &pop["timeline"]["number"]), (&json!("…0142"), &json!("…0142")));
    assert_eq!((&pop["timeline"]["total"], ids(&pop["timeline"]).len()), (&json!(3), 3));
    kafka.publish(&kafka.calls, "ana", offered.event("connected").to_string()).await;
    ana.next("update").await;
    kafka.publish(&kafka.interactions, "n", planted("12015550142/8").json().to_string()).await;
    let update = ana.next("update").await;
    let id = update["interactions"][0]["interactionId"].as_str().unwrap();
    assert!(id.starts_with("…0142/8~"), "{id}");
    for frame in [
        json!({ "type": "search", "request": 1, "callId": "c-1" }),
        json!({ "type": "search", "request": 2, "number": "…0142", "campaign": "list-…0142" }),
        json!({ "type": "search", "request": 3, "number": "…0143" }),
        json!({ "type": "reveal", "request": 4, "callId": "c-1" }),
    ] {
        ana.says(frame).await;
    }
    kafka.publish(&kafka.calls, "ana", offered.event("ended").to_string()).await;
    ana.next("ended").await;

    let mut said = vec![
        ("the log", service.log()),
        ("the metrics", service.metrics().await),
        ("the API", service.get(&format!("/v1/journeys/{ANA}")).await.1.to_string()),
        ("the list of agents", service.get("/v1/agents").await.1.to_string()),
        ("the ledger", service.pops().await),
    ];
    said.extend(ana.heard.into_iter().map(|frame| ("a frame to the agent", frame)));
    said.extend(eva.heard.into_iter().map(|frame| ("a frame to who follows", frame)));
    for (place, text) in said {
        for part in PLANTED {
            let at = text
                .to_lowercase()
                .find(part)
                .map(|at| text.chars().skip(at.saturating_sub(100)).take(200).collect::<String>());
            assert_eq!(at, None, "{part} is in {place}");
        }
    }
}

async fn the_digest_of_a_view_is_the_same_on_every_node(kafka: Kafka) {
    let (one, other) = tokio::join!(Service::with(&kafka, &MASKED), Service::with(&kafka, &MASKED));
    one.record(&[planted("12015550142/7"), planted("2015550142/7")]).await;
    other.keeps(&kafka.interactions, 2.0).await;
    let mut ana = one.agent("ana").await;
    one.offer(call("c-1")).await;
    let pop = ana.next_pop().await;
    other.counts("backstory_calls_total", &[], 1.0).await;
    let mut there = other.agent_showing("ana", "c-1", &pop["digest"]).await;
    there.was_told_nothing().await;
    let mut anew = other.agent("ana").await;
    assert_eq!(anew.next_pop().await["digest"], pop["digest"]);
}

async fn comments_scores_and_names_are_hidden_in_every_frame(kafka: Kafka) {
    let service = Service::with(&kafka, &[("policy.hide", "[comments, scores, names]")]).await;
    service.list(&[contact("p-1").has("mobile", ANA).named("Rita Quintela")]).await;
    let scored = |id: &str| {
        let scored = interaction(id).of("p-1").with("comments", json!("Prefers mornings"));
        scored.with("previousScore", json!(98_765_437)).with("currentScore", json!(98_765_431))
    };
    service.record(&[scored("i-1")]).await;
    let mut ana = service.agent("ana").await;
    assert_eq!(ana.welcome["hidden"], json!(["comments", "scores", "names"]));
    service.offer(call("c-1")).await;
    let mut said = vec![ana.next_pop().await];
    assert_eq!(said[0]["timeline"]["contacts"][0]["brief"]["score"], Value::Null);
    service.record(&[scored("i-2")]).await;
    said.push(ana.next_update().await);
    said.push(ana.finds(json!({ "callId": "c-1" })).await);
    said.push(service.journey(ANA).await);
    for frame in said {
        for hidden in ["Prefers mornings", "9876543", "Rita Quintela"] {
            assert!(!frame.to_string().contains(hidden), "{hidden} is in {frame}");
        }
        assert!(frame.to_string().contains("i-"), "the rest is there: {frame}");
    }
}

async fn another_teams_campaign_is_in_no_frame_and_no_count(kafka: Kafka) {
    let service = Service::with(&kafka, &[("policy.teams.vip", "[gold]")]).await;
    let person = || contact("p-1").has("mobile", ANA);
    service.list(&[person().listed_in("vip", "Very important"), person().listed_in("td-2026", "Term deposit")]).await;
    let of_vip = |id: &str| interaction(id).of("p-1").campaign("vip").channel("chat");
    service.record(&[interaction("i-1").of("p-1").campaign("td-2026"), of_vip("i-2")]).await;
    let mut ana = service.agent("ana").await;
    assert_eq!(ana.welcome["hidden"], json!(["campaigns"]));
    service.offer(call("c-1").with("campaign", json!({ "id": "vip" }))).await;
    let pop = ana.next_pop().await;
    assert_eq!(ids(&pop["timeline"]), ["i-1"]);
    assert_eq!(pop["call"]["campaign"], Value::Null);
    service.record(&[of_vip("i-3")]).await;
    ana.was_told_nothing().await;
    let found = ana.finds(json!({ "callId": "c-1", "campaign": "vip" })).await;
    for timeline in [&pop["timeline"], &found, &service.journey(ANA).await] {
        let text = timeline.to_string();
        assert!(!text.contains("vip") && !text.contains("Very important") && !text.contains("chat"), "{text}");
        assert_eq!((&timeline["total"], &timeline["contacts"][0]["interactions"]), (&json!(1), &json!(1)));
    }
}

async fn a_search_takes_the_number_as_it_is_shown_and_not_in_whole(kafka: Kafka) {
    let service = Service::with(&kafka, &MASKED).await;
    service.record(&[interaction("i-1")]).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    ana.next_pop().await;
    assert_eq!(ids(&ana.finds(json!({ "number": "…0142" })).await), ["i-1"]);
    assert_eq!(ids(&ana.finds(json!({ "callId": "c-1" })).await), ["i-1"]);
    assert_eq!(ana.searches(json!({ "number": ANA })).await["code"], "forbidden", "trying numbers finds none");
    assert_eq!(ana.searches(json!({ "number": "…0143" })).await["code"], "forbidden");
    service.offer(call("c-2").number("+13035550142")).await;
    ana.next_pop().await;
    assert_eq!(ana.searches(json!({ "number": "…0142" })).await["code"], "ambiguous");
}

async fn a_reveal_without_the_scope_is_refused_whosever_call_it_is(kafka: Kafka) {
    let service = Service::with(&kafka, &MASKED).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    ana.next_pop().await;
    service.offer(call("c-2").to("ben")).await;
    for (call_id, agent_id) in
        [("c-1", Value::Null), ("c-2", json!("ben")), ("c-2", Value::Null), ("none", Value::Null)]
    {
        ana.says(json!({ "type": "reveal", "request": 9, "callId": call_id, "agentId": agent_id })).await;
        let refused = ana.next("error").await;
        assert_eq!((&refused["request"], &refused["code"]), (&json!(9), &json!("forbidden")), "{refused}");
    }
    service.counts("backstory_audit_records_total", &[("reason", "reveal")], 4.0).await;
}
