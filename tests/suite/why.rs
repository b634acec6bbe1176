//! "Why did the agent see nothing when that call came?": `backstory why`, asked of a real Kafka that real nodes wrote to.

use std::process::Command;
use std::time::Duration;

use backstory::config::{Layers, load};
use backstory::journey::{Change, Interaction, WriteBatch};
use backstory::kafka::{Brokers, read_window};
use chrono::Utc;
use rlibphonenumber::Region;
use serde_json::{Value, json};

use crate::harness::{ANA, Agent, BEN, Kafka, Service, call, contact, interaction, seconds_ago, until, until_within};

on_both_brokers![
    a_pop_that_was_seen_is_told_stage_by_stage,
    an_agent_without_a_session_on_any_node_was_offline,
    a_call_is_found_by_the_number_however_it_is_written,
    the_last_hours_pops_are_kept_in_each_node,
];
on_kafka![
    an_agent_who_connected_under_another_id_is_named,
    a_stale_event_is_told_with_its_age,
    a_source_that_timed_out_is_named_with_when_the_rest_followed,
    a_client_that_does_not_read_is_told,
    a_client_that_never_acknowledges_is_told,
    a_session_that_ended_before_it_acknowledged_is_told,
    a_call_that_another_agent_took_is_told,
    a_call_without_a_number_is_told,
    an_event_that_cannot_be_read_is_told_without_its_content,
    an_event_that_never_came_is_not_known,
    an_event_while_no_node_was_alive_is_told_and_so_is_who_saw_it_late,
    stages_come_from_all_nodes,
    nothing_is_made_up_where_there_is_no_ledger,
    no_number_name_or_comment_is_in_the_ledger,
    the_topic_of_the_ledger_is_made_with_its_retention,
];

/// What `backstory why` says, and how it exits.
fn why(service: &Service, arguments: &[&str]) -> (i32, Vec<Value>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backstory"));
    command.args(["why", "--json", "--limit", "100"]).args(arguments);
    // The embedded broker is found by asking its service.
    if service.kafka.embedded {
        command.args(["--url", &format!("http://{}", service.address())]);
    }
    for (key, value) in
        service.kafka.settings().into_iter().filter(|(key, _)| *key != "kafka.brokers" || !service.kafka.embedded)
    {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    let ran = command.output().expect("backstory why");
    let said = String::from_utf8(ran.stdout).unwrap();
    let stories = said.lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect();
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(!errors.contains("error:"), "{errors}");
    (ran.status.code().unwrap(), stories)
}

/// The one answer, once it is this verdict.
async fn answer(service: &Service, arguments: &[&str], verdict: &str) -> Value {
    let mut last = Value::Null;
    let what = format!("{verdict} of {arguments:?}");
    let found = until_within(Duration::from_secs(60), &what, async || {
        let (code, mut stories) = why(service, arguments);
        assert!(stories.len() <= 1, "{stories:?}");
        last = stories.pop()?;
        eprintln!("{code} {}: {}", last["verdict"], last["text"]);
        let known = !["unknown", "no_event"].contains(&last["verdict"].as_str()?);
        assert_eq!(code, if known { 0 } else { 3 }, "{last}");
        (last["verdict"] == verdict).then(|| last.clone())
    });
    found.await
}

fn says(answer: &Value, parts: &[&str]) {
    let said = format!("{} {}", answer["text"].as_str().unwrap(), answer["todo"].as_str().unwrap_or_default());
    for part in parts {
        assert!(said.contains(part), "{part:?} in {said:?}");
    }
}

fn stages(answer: &Value) -> String {
    let stages = answer["stages"].as_array().unwrap().iter().map(|stage| stage["text"].as_str().unwrap());
    stages.collect::<Vec<_>>().join("\n")
}

/// As the element does.
async fn sees(agent: &mut Agent, pop: &Value) {
    for stage in ["received", "rendered"] {
        agent
            .says(json!({ "type": "ack", "callId": pop["call"]["callId"], "version": pop["version"], "stage": stage, "ms": 14 }))
            .await;
    }
    agent.was_told_nothing().await;
}

async fn a_pop_that_was_seen_is_told_stage_by_stage(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.record(&[interaction("i-1"), interaction("i-2")]).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    let pop = ana.next_pop().await;
    sees(&mut ana, &pop).await;

    let seen = answer(&service, &["c-1"], "seen").await;
    says(&seen, &["ana saw it"]);
    assert_eq!((&seen["callId"], &seen["agentId"]), (&json!("c-1"), &json!("ana")));
    for stage in [
        "offered (partition",
        "hears it",
        "campaign_manager 2 interactions",
        "with the timeline, announced",
        "the client has received it",
        "on the agent's screen, drawn in 14 ms",
    ] {
        assert!(stages(&seen).contains(stage), "{stage}: {}", stages(&seen));
    }
    let record = &seen["pops"][0];
    assert_eq!((&record["node"], &record["session"]), (&ana.welcome["node"], &ana.welcome["session"]));
    assert_eq!((&record["version"], &record["renderedMs"]), (&pop["version"], &json!(14.0)));
    assert!(record["bytes"].as_u64().unwrap() > 500, "{record}");
}

async fn an_agent_without_a_session_on_any_node_was_offline(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let ben = service.agent("ben").await;
    service.offer(call("c-1")).await;
    let offline = answer(&service, &["c-1", "--agent", "ana"], "offline").await;
    says(&offline, &["ana was offline", ben.welcome["node"].as_str().unwrap(), "logged in"]);
}

async fn a_call_is_found_by_the_number_however_it_is_written(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.offer(call("c-ben").to("ben").number(BEN)).await;
    service.offer(call("c-ana").number("tel:+1-201-555-0142")).await;
    let found = answer(&service, &["(201) 555-0142"], "offline").await;
    assert_eq!(found["callId"], "c-ana");
}

async fn the_last_hours_pops_are_kept_in_each_node(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    for call_id in ["c-1", "c-2"] {
        service.offer(call(call_id)).await;
        let pop = ana.next_pop().await;
        sees(&mut ana, &pop).await;
    }
    until("both to be kept as seen", async || {
        let (_, kept) = service.get_admin("/v1/pops").await;
        let pops = kept["pops"].as_array().unwrap();
        (pops.len() == 2 && pops.iter().all(|pop| pop["outcome"] == "rendered")).then_some(())
    })
    .await;
    let ids = async |query: &str| {
        let (status, kept) = service.get_admin(&format!("/v1/pops{query}")).await;
        assert_eq!(status, 200, "{kept}");
        kept["pops"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pop| pop["callId"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids("").await, ["c-2", "c-1"], "newest first");
    assert_eq!(ids("?call=c-1").await, ["c-1"]);
    assert_eq!(ids("?agent=ana&limit=1").await, ["c-2"]);
    assert!(ids("?agent=ben").await.is_empty());
    assert_eq!(service.get_admin("/v1/pops?limit=many").await.0, 400);
    assert_eq!(service.get("/v1/pops").await.0, 404, "operators' alone");
}

async fn an_agent_who_connected_under_another_id_is_named(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let _ana = service.agent("CORP\\Ana").await;
    service.offer(call("c-1")).await;
    says(&answer(&service, &["c-1"], "other_id").await, &["CORP\\Ana", "differently"]);
}

async fn a_stale_event_is_told_with_its_age(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let _ana = service.agent("ana").await;
    service.offer(call("c-1").at(seconds_ago(3 * 3600 + 30))).await;
    says(&answer(&service, &["ana"], "stale").await, &["3 h old", "calls.open_max", "clock"]);
}

async fn a_source_that_timed_out_is_named_with_when_the_rest_followed(kafka: Kafka) {
    let service = Service::with(&kafka, &[("journey.lookup_timeout", "1ms"), ("journey.interactions_max", "5")]).await;
    let read = |nth: i64| {
        let value = interaction(&format!("i-{nth}")).started(seconds_ago(60 + nth)).json().to_string();
        Change::Interaction(Box::new(Interaction::read(value.as_bytes(), Region::US, Utc::now()).unwrap()))
    };
    service.store().write(WriteBatch::of((0..30_000).map(read).collect())).await.unwrap();
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1").number(ANA)).await;
    let pop = ana.next_pop().await;
    assert_eq!(pop["missing"]["code"], "timeout");
    ana.next_update().await;
    sees(&mut ana, &pop).await;
    let seen = answer(&service, &["c-1"], "seen").await;
    let late = "first without a history: campaign_manager and data_cloud did not answer within";
    says(&seen, &[late, "takes longer than usual", "the rest followed", "journey.lookup_timeout"]);
    assert!(stages(&seen).contains("without a timeline"), "{}", stages(&seen));
}

async fn a_client_that_does_not_read_is_told(kafka: Kafka) {
    let settings = [("http.outbox_frames_max", "2"), ("http.write_timeout", "10s")];
    let service = Service::with(&kafka, &settings).await;
    let comments = json!("A long letter. ".repeat(200));
    let read = |nth: i64| {
        let value = interaction(&format!("i-{nth}")).on(BEN).with("comments", comments.clone()).days_ago(nth % 300 + 1);
        Change::Interaction(Box::new(
            Interaction::read(value.json().to_string().as_bytes(), Region::US, Utc::now()).unwrap(),
        ))
    };
    service.store().write(WriteBatch::of((0..500).map(read).collect())).await.unwrap();
    let _does_not_read =
        service.socket_with_a_small_window().await.says_hello(json!({ "type": "hello", "agent": "ben" })).await;
    // The first fills the line, the next two the outbox.
    let full = [("result", "outbox_full")];
    for nth in 1.. {
        service.offer(call(&format!("c-{nth}")).to("ben").number(BEN)).await;
        service.counts("backstory_pops_total", &[], f64::from(nth)).await;
        if service.metric("backstory_pops_total", &full).await > 0.0 {
            break;
        }
        assert!(nth < 200, "the outbox of a session that does not read was never full");
    }
    until_within(Duration::from_secs(60), "the session to be closed", async || {
        (service.metric("backstory_sessions", &[]).await == 0.0).then_some(())
    })
    .await;
    let slow = until("a pop that was not read", async || {
        let (_, stories) = why(&service, &["ben"]);
        stories.into_iter().find(|story| story["verdict"] == "slow" && story["pops"][0]["outcome"] == "outbox_full")
    })
    .await;
    says(&slow, &["did not read", "http.outbox_frames_max"]);
    assert!(stages(&slow).contains("is closed by the service with 3001"), "{}", stages(&slow));
}

async fn a_client_that_never_acknowledges_is_told(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await.that_never_acknowledges();
    service.offer(call("c-1")).await;
    ana.next_pop().await;
    answer(&service, &["c-1"], "sent").await;
    let given_up = answer(&service, &["c-1"], "not_acknowledged").await;
    says(&given_up, &["sent to ana 4 times", "never acknowledged", "given up"]);
}

async fn a_session_that_ended_before_it_acknowledged_is_told(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await.that_never_acknowledges();
    service.offer(call("c-1")).await;
    ana.next_pop().await;
    drop(ana);
    says(&answer(&service, &["c-1"], "not_acknowledged").await, &["ended before it acknowledged"]);
}

async fn a_call_that_another_agent_took_is_told(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let (mut ana, mut ben) = (service.agent("ana").await, service.agent("ben").await);
    service.offer(call("c-1").at(seconds_ago(20))).await;
    let pop = ana.next_pop().await;
    sees(&mut ana, &pop).await;
    service.connect(call("c-1").to("ben").at(seconds_ago(10))).await;
    ben.next_pop().await;
    says(&answer(&service, &["c-1", "--agent", "ana"], "seen").await, &["then ben took the call"]);

    service.connect(call("c-2").to("ben").at(seconds_ago(10))).await;
    service.offer(call("c-2").at(seconds_ago(20))).await;
    says(
        &answer(&service, &["ana", "--call", "c-2"], "taken").await,
        &["ben took the call before its offer to ana came"],
    );
}

async fn a_call_without_a_number_is_told(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1").inbound().number("anonymous")).await;
    let pop = ana.next_pop().await;
    sees(&mut ana, &pop).await;
    says(&answer(&service, &["c-1"], "seen").await, &["carries no number", "`from` of inbound calls"]);
}

async fn an_event_that_cannot_be_read_is_told_without_its_content(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let _ana = service.agent("ana").await;
    service.hear("ana", &call("c-1").direction("sideways to +12015550142").event("offered")).await;
    for who in ["ana", "c-1"] {
        let refused = answer(&service, &[who], "refused").await;
        says(&refused, &["direction has the wrong type or an unknown value", "schema"]);
        assert!(!refused.to_string().contains("sideways") && !refused.to_string().contains("2015550142"), "{refused}");
    }
}

async fn an_event_that_never_came_is_not_known(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let _zoe = service.agent("zoe").await;
    service.offer(call("c-1")).await;
    let silent = until("zoe's session to be in the ledger", async || {
        let (code, stories) = why(&service, &["zoe"]);
        assert_eq!((code, stories.len()), (3, 1));
        stories.into_iter().find(|story| story["text"].as_str().unwrap().contains("is connected"))
    })
    .await;
    assert_eq!(silent["verdict"], "no_event");
    says(&silent, &["nothing was published of \"zoe\"", "telephone system"]);
    says(&answer(&service, &["c-1", "--agent", "zoe"], "no_event").await, &["its events are to ana"]);
}

async fn an_event_while_no_node_was_alive_is_told_and_so_is_who_saw_it_late(kafka: Kafka) {
    let mut service = Service::start(&kafka).await;
    service.drain().await;
    let event = call("c-1").event("offered");
    kafka.publish(&kafka.calls, "ana", event.to_string()).await;
    let gone = answer(&service, &["c-1"], "node_gone").await;
    says(&gone, &["no node was alive when the event came", "was stopped", "run two nodes"]);
    let service = service.start_again().await;
    answer(&service, &["c-1"], "node_gone").await;

    let mut ana = service.agent("ana").await;
    let pop = ana.next_pop().await;
    sees(&mut ana, &pop).await;
    says(&answer(&service, &["c-1"], "seen").await, &["the agent connected only"]);
}

async fn stages_come_from_all_nodes(kafka: Kafka) {
    let (here, there) = (Service::start(&kafka).await, Service::start(&kafka).await);
    let mut desks = vec![here.agent("ana").await, there.agent("ana").await];
    here.offer(call("c-1")).await;
    for ana in &mut desks {
        let pop = ana.next_pop().await;
        sees(ana, &pop).await;
    }
    let both = until("both nodes' pops to be in the ledger", async || {
        let seen = answer(&here, &["c-1"], "seen").await;
        (seen["pops"].as_array().unwrap().len() == 2).then_some(seen)
    })
    .await;
    for ana in &desks {
        let hears = |stage: &&Value| {
            stage["node"] == ana.welcome["node"] && stage["text"].as_str().unwrap().contains("on the agent's screen")
        };
        assert_eq!(both["stages"].as_array().unwrap().iter().filter(hears).count(), 1, "{both}");
    }
}

async fn nothing_is_made_up_where_there_is_no_ledger(kafka: Kafka) {
    kafka.delete_topic(&kafka.pops).await;
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    let pop = ana.next_pop().await;
    sees(&mut ana, &pop).await;
    let unknown = answer(&service, &["c-1"], "unknown").await;
    says(&unknown, &["not known", "backstory check", "GET /v1/pops"]);
    let (_, kept) = service.get_admin("/v1/pops?call=c-1").await;
    assert_eq!(kept["pops"][0]["outcome"], "rendered", "the node itself knows");
}

async fn no_number_name_or_comment_is_in_the_ledger(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.list(&[contact("p-1").has("mobile", ANA).named("Ana Sousa").listed_in("td", "Term deposit")]).await;
    service.record(&[interaction("i-1").of("p-1").with("comments", json!("Not interested now."))]).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    let pop = ana.next_pop().await;
    assert!(pop.to_string().contains("Not interested now.") && pop.to_string().contains("Ana Sousa"));
    sees(&mut ana, &pop).await;
    answer(&service, &["c-1"], "seen").await;

    let set: Vec<(String, String)> = kafka.settings().into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let settings = load(&Layers::new(None, &set).unwrap()).unwrap().kafka;
    let brokers = Brokers::at(settings.brokers.clone().unwrap(), &settings);
    let mut lines = Vec::new();
    let hour = Duration::from_secs(3600);
    read_window(&brokers, &kafka.pops, hour, |record| lines.push(String::from_utf8(record.value.unwrap()).unwrap()))
        .await
        .unwrap();
    for kind in ["pop", "session", "node"] {
        assert!(lines.iter().any(|line| line.contains(&format!("\"type\":\"{kind}\""))), "{kind} in {lines:?}");
    }
    for secret in ["2015550142", "Sousa", "interested", "p-1", "i-1"] {
        assert!(lines.iter().all(|line| !line.contains(secret)), "{secret} in {lines:?}");
    }
}

async fn the_topic_of_the_ledger_is_made_with_its_retention(kafka: Kafka) {
    kafka.delete_topic(&kafka.pops).await;
    let check = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_backstory"));
        command.args(["check", "--json", "--set", "ledger.retention=3d"]).args(arguments);
        for (key, value) in kafka.settings() {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        let said = String::from_utf8(command.output().expect("backstory check").stdout).unwrap();
        let findings = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        findings.into_iter().find(|finding| finding["check"] == format!("topic {}", kafka.pops)).expect("a finding")
    };
    let says = |found: &Value, text: &str| found["text"].as_str().unwrap().contains(text);
    // What was deleted is still known for a moment.
    let missing =
        until("the topic to be gone", async || Some(check(&[])).filter(|found| says(found, "no such topic"))).await;
    assert_eq!(missing["state"], "warn", "pops go out without it: {missing}");
    assert!(says(&missing, "backstory why"), "{missing}");
    until("the topic to be made", async || Some(check(&["--create"])).filter(|found| says(found, "made"))).await;
    let kept = until("the topic to be known", async || Some(check(&[])).filter(|found| found["state"] == "ok")).await;
    assert!(says(&kept, "kept for 3 days"), "{kept}");
}
