//! Phone numbers, names, comments and tokens are in no log, however much is logged, and in no metric; passwords are in nothing that
//! commands print.

use std::process::Command;

use chrono::Utc;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::process::Process;
use crate::harness::{Agent, Kafka, call, contact, interaction, until};

on_kafka_with_both_stores![what_an_agent_may_read_is_in_no_log_and_no_metric];

/// Each is planted once or more often; parts of them, so that another way of writing hides none.
const SECRETS: [&str; 6] = ["2015550187", "2025550188", "Quintela", "prefers mornings", "eyJhbGciOiJ", "quintela@"];

const NUMBER: &str = "+12015550187";
const ANOTHER: &str = "+12025550188";
const TOKEN: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbmEifQ.";

async fn what_an_agent_may_read_is_in_no_log_and_no_metric(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("journey.db").display());
    let store = kafka.database.clone().unwrap_or(store);
    let service = Process::serve_with(&kafka, &store, &[("log.level", "trace"), ("journey.lookup_timeout", "5s")]);
    service.becomes_ready().await;

    record_a_customer(&kafka, &service).await;
    talk_about_the_customer(&kafka, &service).await;
    publish_what_cannot_be_used(&kafka, &service).await;
    for path in [&format!("/v1/journeys/{NUMBER}"), "/v1/journeys/tel:2015550187?months=5", "/+12015550187"] {
        service.get(path).await;
    }
    erase_the_customer(&kafka, &service).await;
    let (log, metrics) = (service.log(), service.metrics().await);

    assert!(log.contains("session opened") && log.contains("call heard"), "the log tells what happened: {log}");
    for secret in SECRETS {
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(secret)).collect();
        assert!(lines.is_empty(), "{secret} is in {} lines of the log, such as {}", lines.len(), lines[0]);
        assert!(!metrics.contains(secret), "{secret} is in {metrics}");
    }
}

/// Standing where they belong, and where somebody mistyped what is around them.
#[test]
fn no_command_prints_a_password_of_the_settings() {
    const PASSWORD: &str = "s3cretQuintela";
    let broken = format!("[kafka.properties]\n\"sasl.password\" = \"{PASSWORD}\n");
    let settings = |port: &str| {
        format!(
            "[http]\nlisten = \"127.0.0.1:1\"\nadmin_listen = \"127.0.0.1:{port}\"\n\
             [journey]\nstore = \"postgres://ana:{PASSWORD}@127.0.0.1:1/journey\"\n\
             [kafka]\nbrokers = \"127.0.0.1:1\"\n[kafka.properties]\n\"security.protocol\" = \"sasl_plaintext\"\n\
             \"sasl.mechanism\" = \"PLAIN\"\n\"sasl.username\" = \"ana\"\n\"sasl.password\" = \"{PASSWORD}\"\n"
        )
    };
    let folder = tempfile::tempdir().unwrap();
    // With good ones the last two would begin to work.
    let commands = [&["check"][..], &["config"], &["journey", NUMBER], &["why", NUMBER], &["serve"], &["migrate"]];
    let files = [(broken, &commands[..]), (settings("none"), &commands), (settings("1"), &commands[..4])];
    for (nth, (text, commands)) in files.into_iter().enumerate() {
        let file = folder.path().join(format!("{nth}.toml"));
        std::fs::write(&file, text).unwrap();
        for command in commands {
            let mut backstory = Command::new(env!("CARGO_BIN_EXE_backstory"));
            let ran = backstory.args(*command).arg("--config").arg(&file).output().expect("it can be run");
            let printed = [ran.stdout, ran.stderr].concat();
            let printed = String::from_utf8_lossy(&printed);
            assert!(!printed.trim().is_empty() && !printed.contains(PASSWORD), "{command:?} with {nth}: {printed}");
        }
    }
}

async fn record_a_customer(kafka: &Kafka, service: &Process) {
    let customer = contact("p-1").has("mobile", NUMBER).has("email", "quintela@example.com").named("Rita Quintela");
    kafka.publish(&kafka.contacts, "p-1", customer.json().to_string()).await;
    let said = interaction("i-1").of("p-1").on(NUMBER).with("comments", json!("She prefers mornings."));
    kafka.publish(&kafka.interactions, "i-1", said.json().to_string()).await;
    until("the comment to be kept", async || {
        let (_, journey) = service.get(&format!("/v1/journeys/{NUMBER}")).await;
        let journey = journey.to_string();
        (journey.contains("She prefers mornings.") && journey.contains("Rita Quintela")).then_some(())
    })
    .await;
}

/// A pop, a search of the agent's own, a forbidden one, and frames that cannot be used.
async fn talk_about_the_customer(kafka: &Kafka, service: &Process) {
    let address = service.address("http.listen").await;
    let token = json!({ "type": "hello", "token": TOKEN });
    let mut stranger = Agent::connect(address, &[("authorization", &format!("Bearer {TOKEN}"))]).await.unwrap();
    stranger.says(token).await;
    assert_eq!(stranger.is_closed().await, 3505);

    let mut ana = service.agent("ana").await;
    let offered = call("c-1").number(NUMBER);
    kafka.publish(&kafka.calls, "ana", offered.event("offered").to_string()).await;
    assert!(ana.next_pop().await.to_string().contains("Rita Quintela"));
    ana.searches(json!({ "callId": "c-1" })).await;
    assert_eq!(ana.searches(json!({ "number": ANOTHER })).await["code"], "forbidden");
    for frame in [
        json!({ "type": "search", "request": 1, "number": NUMBER, "before": "Rita Quintela" }),
        json!({ "type": "authenticate", "token": TOKEN }),
        json!({ "type": NUMBER }),
    ] {
        ana.says(frame).await;
        ana.next("error").await;
    }
    ana.sends(Message::text(format!("not JSON: {NUMBER} {TOKEN}"))).await;
    ana.next("error").await;
    ana.sends(Message::binary(NUMBER.as_bytes().to_vec())).await;
    ana.is_closed().await;
}

async fn publish_what_cannot_be_used(kafka: &Kafka, service: &Process) {
    let calls = [
        format!("{{\"callId\": \"{NUMBER}"),
        call("c-2").with("state", json!({ "of": NUMBER })).event("offered").to_string(),
        call("c-2").with("direction", json!("Rita Quintela")).event("offered").to_string(),
        call("c-2").with("at", json!(NUMBER)).event("offered").to_string(),
    ];
    for record in calls {
        kafka.publish(&kafka.calls, NUMBER, record).await;
    }
    refused(service, &kafka.calls, 4.0).await;
    let records = [
        interaction("i-2").with("comments", json!(["She prefers mornings."])),
        interaction("i-2").with("startedAt", json!("Rita Quintela")),
        interaction("i-2").with("source", json!(ANOTHER)),
    ];
    for record in records {
        kafka.publish(&kafka.interactions, NUMBER, record.json().to_string()).await;
    }
    refused(service, &kafka.interactions, 3.0).await;
    let unreadable = interaction("i-3").on("20255501880000000 Quintela");
    kafka.publish(&kafka.interactions, "i-3", unreadable.json().to_string()).await;
    until("the number to be counted as given", async || {
        (service.metric("backstory_addresses_as_given_total", &kafka.interactions).await >= 1.0).then_some(())
    })
    .await;
}

async fn erase_the_customer(kafka: &Kafka, service: &Process) {
    let erasure = json!({ "erasureId": "er-1", "contactIds": ["p-1"], "addresses": [NUMBER], "erasedAt": Utc::now() });
    kafka.publish(&kafka.erasures, "er-1", erasure.to_string()).await;
    until("the customer to be forgotten", async || {
        let (_, journey) = service.get(&format!("/v1/journeys/{NUMBER}")).await;
        (journey["total"] == 0).then_some(())
    })
    .await;
}

/// So many records of the topic were refused.
async fn refused(service: &Process, topic: &str, records: f64) {
    until(&format!("{records} refused records of {topic}"), async || {
        (service.metric("backstory_records_refused_total", topic).await >= records).then_some(())
    })
    .await;
}
