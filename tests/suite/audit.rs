//! Who saw whose journey, when and why: written down for whatever somebody saw, read back by `backstory audit`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use chrono::Utc;
use serde_json::{Value, json};

use crate::harness::{ANA, BEN, Kafka, Service, call, ids, interaction, until, until_within};

on_both_brokers![
    whatever_somebody_saw_is_in_the_audit_with_why,
    the_audit_is_read_back_by_agent_number_reason_and_time,
];
on_the_embedded_broker![
    the_file_is_written_beside_the_topic_and_goes_on_where_it_was_moved_away,
    a_file_that_cannot_be_written_is_counted_and_delays_no_pop,
];
on_kafka![the_topic_of_the_audit_is_made_with_its_retention];

/// What `backstory audit` prints, and how it exits.
fn audit(service: &Service, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backstory"));
    command.arg("audit").args(arguments);
    if service.kafka.embedded {
        command.args(["--url", &format!("http://{}", service.address())]);
    }
    for (key, value) in
        service.kafka.settings().into_iter().filter(|(key, _)| *key != "kafka.brokers" || !service.kafka.embedded)
    {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    let ran = command.output().expect("backstory audit");
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(!errors.contains("error:"), "{errors}");
    (ran.status.code().unwrap(), String::from_utf8(ran.stdout).unwrap())
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect()
}

/// The records, once there are so many.
async fn records(service: &Service, arguments: &[&str], at_least: usize) -> Vec<Value> {
    let arguments = [&["--json", "--show-numbers"], arguments].concat();
    until_within(Duration::from_secs(60), &format!("{at_least} records of {arguments:?}"), async || {
        let found = lines(&audit(service, &arguments).1);
        (found.len() >= at_least).then_some(found)
    })
    .await
}

async fn whatever_somebody_saw_is_in_the_audit_with_why(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.record(&[interaction("i-1")]).await;
    let mut ana = service.agent("ana").await;
    let mut eva = service.agent("eva").await;
    service.offer(call("c-1")).await;
    ana.next_pop().await;
    eva.says(json!({ "type": "subscribe", "agents": ["ana"] })).await;
    eva.next_pop().await;
    assert_eq!(ids(&ana.finds(json!({ "callId": "c-1" })).await), ["i-1"]);
    assert_eq!(ana.searches(json!({ "number": BEN })).await["code"], "forbidden");
    ana.says(json!({ "type": "reveal", "request": 1, "callId": "c-1", "interactionId": "i-1" })).await;
    ana.next("error").await;
    service.journey(ANA).await;

    let all = records(&service, &[], 7).await;
    let of = |record: &Value| {
        let told = ["reason", "agent", "callId", "ofAgent", "number", "interactionId", "refused"];
        told.map(|field| record[field].as_str().unwrap_or("-").to_owned()).join(" ")
    };
    let mut told: Vec<String> = all.iter().map(of).collect();
    told.sort();
    let mut expected = [
        format!("call ana c-1 - {ANA} - -"),
        "supervision eva - ana - - -".into(),
        format!("supervision eva c-1 ana {ANA} - -"),
        format!("search ana c-1 - {ANA} - -"),
        "search ana - - - - forbidden".into(),
        format!("reveal ana c-1 - {ANA} i-1 forbidden"),
        format!("api - - - {ANA} - -"),
    ];
    expected.sort();
    assert_eq!(told, expected);
    for record in all.iter().filter(|record| record["agent"] == "ana") {
        assert_eq!((&record["session"], &record["node"]), (&ana.welcome["session"], &ana.welcome["node"]));
    }
    for reason in ["call", "supervision", "search", "reveal", "api"] {
        assert!(service.metric("backstory_audit_records_total", &[("reason", reason)]).await >= 1.0, "{reason}");
    }
}

async fn the_audit_is_read_back_by_agent_number_reason_and_time(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    let mut ben = service.agent("ben").await;
    service.offer(call("c-1")).await;
    ana.next_pop().await;
    let between = records(&service, &[], 1).await[0]["at"].as_str().unwrap().to_owned();
    until("another millisecond", async || (Utc::now().to_rfc3339() > between).then_some(())).await;
    service.offer(call("c-2").to("ben").number(BEN)).await;
    ben.next_pop().await;
    records(&service, &[], 2).await;
    for (asked, call_id) in [
        (&["--agent", "ana"][..], "c-1"),
        (&["--number", "(202) 555-0143"], "c-2"),
        (&["--call", "c-2", "--reason", "call"], "c-2"),
        (&["--until", &Utc::now().to_rfc3339(), "--agent", "ben"], "c-2"),
    ] {
        let found = records(&service, asked, 1).await;
        assert_eq!((found.len(), &found[0]["callId"]), (1, &json!(call_id)), "{asked:?}");
    }
    let earlier = records(&service, &["--since", "2h", "--agent", "ana"], 1).await;
    assert_eq!(earlier.len(), 1);
    assert_eq!(audit(&service, &["--agent", "ana", "--until", "1h", "--since", "2h"]).0, 3, "nothing of that time");
    let (code, table) = audit(&service, &["--agent", "ana"]);
    assert!(code == 0 && table.contains("…0142") && !table.contains("201555"), "{table}");
}

fn told(path: &Path) -> Vec<Value> {
    lines(&std::fs::read_to_string(path).unwrap_or_default())
}

async fn the_file_is_written_beside_the_topic_and_goes_on_where_it_was_moved_away(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let (path, moved) = (folder.path().join("audit.jsonl"), folder.path().join("audit.jsonl.1"));
    let service = Service::with(&kafka, &[("audit.file", path.to_str().unwrap())]).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    ana.next_pop().await;
    until("the first record", async || (told(&path).len() == 1).then_some(())).await;
    std::fs::rename(&path, &moved).unwrap();
    service.offer(call("c-2")).await;
    ana.next_pop().await;
    until("the second record", async || (told(&path).len() == 1).then_some(())).await;
    assert_eq!((&told(&moved)[0]["callId"], &told(&path)[0]["callId"]), (&json!("c-1"), &json!("c-2")));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "its owner's alone");
    let (_, table) = audit(&service, &["--file", path.to_str().unwrap()]);
    assert!(table.contains("c-2") && !table.contains("c-1"), "{table}");
    assert_eq!(records(&service, &[], 2).await.len(), 2, "the topic has both");
}

async fn a_file_that_cannot_be_written_is_counted_and_delays_no_pop(kafka: Kafka) {
    let service = Service::with(&kafka, &[("audit.file", "/dev/full")]).await;
    let mut ana = service.agent("ana").await;
    for nth in 1..=3 {
        service.offer(call(&format!("c-{nth}"))).await;
        ana.next_pop().await;
    }
    service.counts("backstory_audit_lost_total", &[("place", "file")], 3.0).await;
    assert_eq!(records(&service, &[], 3).await.len(), 3, "the topic has all of them");
}

async fn the_topic_of_the_audit_is_made_with_its_retention(kafka: Kafka) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backstory"));
    command.args(["check", "--create", "--json", "--partitions", "1", "--set", "audit.retention=3d"]);
    let topic = format!("made-{}", kafka.audit);
    let settings = kafka.settings().into_iter().filter(|(key, _)| *key != "kafka.topics.audit");
    for (key, value) in settings.chain([("kafka.topics.audit", topic.clone())]) {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    let kept = until("the topic to be known", async || {
        let said = command.output().expect("backstory check");
        let found = lines(&String::from_utf8(said.stdout).unwrap());
        found
            .into_iter()
            .find(|one| one["check"] == format!("topic {topic}") && one["text"].to_string().contains("kept"))
    })
    .await;
    assert!(kept["text"].as_str().unwrap().contains("kept for 3 days") && kept["state"] == "ok", "{kept}");
}
