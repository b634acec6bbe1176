//! A Kafka that wants TLS and to know who comes: who is let in, what the documented rights are enough for, and that a missing one is
//! named with the command that gives it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use backstory::config::{Layers, load};
use backstory::kafka::Brokers;
use serde_json::json;
use tempfile::TempDir;

use crate::harness::process::Process;
use crate::harness::secure::{PASSWORD, Secure, documented};
use crate::harness::{HOME, Kafka, call, holds, interaction, until, until_within};

/// `{"alg":"none"}` for the user `backstory`: what a broker takes that was told to verify nothing.
const TOKEN: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJiYWNrc3RvcnkiLCJpYXQiOjE3MDAwMDAwMDAsImV4cCI6NDEwMjQ0NDgwMH0.";

type Settings = Vec<(String, String)>;

fn settings(of: &[(&str, &str)]) -> Settings {
    of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// SASL over TLS, with this mechanism and password.
fn sasl(secure: &Secure, mechanism: &str, password: &str) -> Settings {
    let property = |name: &str, value: &str| (format!("kafka.properties.{name}"), value.to_owned());
    vec![
        ("kafka.brokers".into(), secure.address("sasl")),
        property("security.protocol", "sasl_ssl"),
        property("ssl.ca.location", &secure.file("ca.pem")),
        property("sasl.mechanism", mechanism),
        property("sasl.username", "backstory"),
        property("sasl.password", password),
    ]
}

fn by_token(secure: &Secure, folder: &Path) -> Settings {
    let file = folder.join("token");
    fs::write(&file, TOKEN).unwrap();
    let mut all = sasl(secure, "OAUTHBEARER", "");
    all.retain(|(name, _)| !name.ends_with("sasl.username") && !name.ends_with("sasl.password"));
    all.push(("kafka.oauth_token_file".into(), file.display().to_string()));
    all
}

/// TLS, with a certificate of our own where `ending` says how it is given: as files, or as what is in them.
fn tls(secure: &Secure, ending: Option<&str>) -> Settings {
    let mut all = settings(&[
        ("kafka.brokers", &secure.address("tls")),
        ("kafka.properties.security.protocol", "ssl"),
        ("kafka.properties.ssl.ca.location", &secure.file("ca.pem")),
    ]);
    for (name, file) in [("certificate", "certified.pem"), ("key", "certified.key")] {
        all.extend(ending.map(|ending| (format!("kafka.properties.ssl.{name}.{ending}"), secure.file(file))));
    }
    all
}

fn with(mut all: Settings, name: &str, value: &str) -> Settings {
    all.retain(|(known, _)| known != name);
    all.push((name.to_owned(), value.to_owned()));
    all
}

/// The cluster's id, or why there is none.
async fn asks(settings: Settings) -> Result<String, String> {
    let asked = tokio::task::spawn_blocking(move || {
        let layers = Layers::new(None, &settings).expect("settings that can be read");
        let kafka = load(&layers).map_err(|problems| problems.to_string())?.kafka;
        Brokers::at(kafka.brokers.clone().unwrap(), &kafka).cluster_id().map_err(|error| format!("{error:#}"))
    });
    asked.await.unwrap()
}

#[test]
fn whoever_has_a_password_a_token_or_a_certificate_is_let_in() {
    holds(async {
        let Some(secure) = Secure::server("kafka") else { return };
        let folder = tempfile::tempdir().unwrap();
        let ways = [
            sasl(&secure, "PLAIN", PASSWORD),
            sasl(&secure, "SCRAM-SHA-256", PASSWORD),
            sasl(&secure, "SCRAM-SHA-512", PASSWORD),
            by_token(&secure, folder.path()),
            tls(&secure, Some("location")),
            tls(&secure, Some("pem.file")),
        ];
        let asked = futures_util::future::join_all(ways.clone().map(asks)).await;
        for (way, answer) in ways.iter().zip(asked) {
            assert!(answer.as_ref().is_ok_and(|id| !id.is_empty()), "{way:?}: {answer:?}");
        }
    });
}

#[test]
fn what_keeps_us_out_is_said_as_an_administrator_can_act_on_it_and_without_the_secret() {
    holds(async {
        let Some(secure) = Secure::server("kafka") else { return };
        let right = || sasl(&secure, "SCRAM-SHA-512", PASSWORD);
        let property = |name: &str| format!("kafka.properties.{name}");
        let another_name = secure.address("sasl").replace("127.0.0.1", "localhost");
        let ways = [
            (
                sasl(&secure, "SCRAM-SHA-512", "hunter2"),
                "does not let User:backstory in: wrong name, password or token",
            ),
            (sasl(&secure, "PLAIN", "hunter2"), "does not let User:backstory in: wrong name, password or token"),
            (
                with(right(), &property("ssl.ca.location"), &secure.file("other-ca.pem")),
                "is not accepted: it is of no authority in ssl.ca",
            ),
            (with(right(), "kafka.brokers", &another_name), "or not for this name"),
            (tls(&secure, None), "wants a certificate that it knows"),
            (
                with(right(), &property("security.protocol"), "sasl_plaintext"),
                "they hang up without a word: kafka.properties.security.protocol",
            ),
            (with(right(), "kafka.brokers", &std::env::var("KAFKA_BROKERS").unwrap()), "speaks no TLS"),
            // Said at start.
            (with(right(), &property("ssl.ca.location"), "/nowhere/ca.pem"), "ssl.ca.location failed"),
            (
                with(right(), &property("sasl.mechanism"), "GSSAPI"),
                "expected PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER",
            ),
            (with(right(), &property("sasl.mechanism"), "OAUTHBEARER"), "kafka.oauth_token_file belong together"),
            (
                with(tls(&secure, Some("location")), &property("ssl.key.location"), &secure.file("server.key")),
                "taken together",
            ),
            (with(right(), &property("sasl.pasword"), "hunter2"), "sasl.pasword"),
        ];
        let asked = futures_util::future::join_all(ways.iter().map(|(way, _)| asks(way.clone()))).await;
        for ((way, said), answer) in ways.iter().zip(asked) {
            let text = answer.expect_err(&format!("{way:?}"));
            assert!(text.contains(said), "{said}: {text}");
            assert!(!text.contains("hunter2") && !text.contains(PASSWORD), "{text}");
        }
    });
}

/// The documented commands, for these topics and groups, run as the cluster's administrator.
struct Administrator {
    folder: TempDir,
    sasl: String,
}

impl Administrator {
    fn of(secure: &Secure) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let login = format!(
            "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"admin\" password=\"{PASSWORD}\";"
        );
        let ca = secure.file("ca.pem");
        let properties = format!(
            "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.jaas.config={login}\nssl.truststore.type=PEM\nssl.truststore.location={ca}\n"
        );
        fs::write(folder.path().join("admin.properties"), properties).unwrap();
        Self { folder, sasl: secure.address("sasl") }
    }

    async fn runs(&self, commands: &str) {
        let path = format!("{}/tests/servers/kafka/bin:{}", env!("CARGO_MANIFEST_DIR"), std::env::var("PATH").unwrap());
        let mut bash = Command::new("bash");
        bash.args(["-euc", commands]).current_dir(&self.folder).env("PATH", path).env("BROKERS", &self.sasl);
        let ran = tokio::task::spawn_blocking(move || bash.output().unwrap()).await.unwrap();
        assert!(ran.status.success(), "{commands}: {}", text(&ran));
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// With this run's names in place of the documented ones.
fn named(commands: &str, kafka: &Kafka) -> String {
    let topics = [
        ("calls", &kafka.calls),
        ("interactions", &kafka.interactions),
        ("contacts", &kafka.contacts),
        ("erasures", &kafka.erasures),
        ("pops", &kafka.pops),
        ("audit", &kafka.audit),
    ];
    let group = commands.replace("--group backstory ", &format!("--group backstory-{} ", kafka.interactions));
    topics
        .iter()
        .fold(group, |text, (known, name)| text.replace(&format!("--topic {known}"), &format!("--topic {name}")))
}

fn borrowed(settings: &Settings) -> Vec<(&str, &str)> {
    settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[test]
fn the_documented_rights_are_enough_to_serve() {
    holds(async {
        let Some(secure) = Secure::server("kafka") else { return };
        let kafka = Kafka::real_with_postgres().await;
        Administrator::of(&secure).runs(&named(&documented("Kafka", "serve"), &kafka)).await;
        finds(&kafka, &secure, "nothing, as the rights are enough", |is_well, _| is_well).await;
        let folder = tempfile::tempdir().unwrap();
        let ways = [sasl(&secure, "SCRAM-SHA-512", PASSWORD), by_token(&secure, folder.path())];
        for (nth, way) in ways.iter().enumerate() {
            let service = Process::serve_with(&kafka, kafka.database.as_ref().unwrap(), &borrowed(way));
            serves(&kafka, &service, nth + 1).await;
            let log = service.log();
            for unwanted in [PASSWORD, TOKEN, "may not", "trouble", "WARN", "ERROR"] {
                assert!(!log.contains(unwanted), "{unwanted}: {log}");
            }
        }
    });
}

/// A history is kept by the group, shown with a call, and the ledger is written.
async fn serves(kafka: &Kafka, service: &Process, nth: usize) {
    service.becomes_ready().await;
    let id = format!("i-{nth}");
    let said = interaction(&id).of("p-1").on(HOME).with("comments", json!(format!("comment {nth}")));
    kafka.publish(&kafka.interactions, &id, said.json().to_string()).await;
    until("the history to be kept", async || {
        let (_, journey) = service.get(&format!("/v1/journeys/{HOME}")).await;
        journey.to_string().contains(&format!("comment {nth}")).then_some(())
    })
    .await;
    let mut ana = service.agent("ana").await;
    let offered = call(&format!("c-{nth}")).number(HOME).event("offered").to_string();
    kafka.publish(&kafka.calls, "ana", offered).await;
    while ana.next_pop().await["call"]["callId"] != format!("c-{nth}") {}
    until("the pop in the ledger", async || kafka.holds(&kafka.pops, &format!("c-{nth}")).await.then_some(())).await;
    assert_eq!(service.metric("backstory_ledger_lost_total", "").await, 0.0);
}

#[test]
fn a_right_that_is_missing_is_named_with_the_command_that_gives_it() {
    holds(async {
        let Some(secure) = Secure::server("kafka") else { return };
        let kafka = Kafka::real_with_postgres().await;
        let administrator = Administrator::of(&secure);
        let commands = documented("Kafka", "serve");
        let (first, _) = commands.split_once("\nkafka-acls.sh").unwrap();
        administrator.runs(&named(&first.replace(" --topic contacts", ""), &kafka)).await;

        let missing = [
            format!("User:backstory may not read the topic {}", kafka.contacts),
            format!("User:backstory may not write to the topic {}", kafka.pops),
            format!("User:backstory may not be in the consumer group backstory-{0}.{0}", kafka.interactions),
        ];
        let given = [&kafka.calls, &kafka.interactions, &kafka.erasures].map(|topic| format!("read the topic {topic}"));
        let findings = finds(&kafka, &secure, "what is missing and nothing that is given", |is_well, findings| {
            let has = |text: &String| findings.contains(text);
            !is_well && findings.contains("answers with 1 broker") && missing.iter().all(has) && !given.iter().any(has)
        })
        .await;
        let commands: Vec<&str> =
            findings.lines().filter_map(|line| line.split_once("→ kafka-acls.sh ")).map(|(_, rest)| rest).collect();
        let needed = commands.iter().filter(|command| !command.contains("DescribeConfigs"));
        let healing: Vec<String> = needed.map(|command| format!("kafka-acls.sh {command}")).collect();
        administrator.runs(&healing.join("\n")).await;

        finds(&kafka, &secure, "nothing, as the named commands were run", |is_well, _| is_well).await;
    });
}

/// Checks until the findings are as expected, and gives them back: the controller has topics and rights first, and the broker hears of
/// them a moment later.
async fn finds(kafka: &Kafka, secure: &Secure, what: &str, are_expected: impl Fn(bool, &str) -> bool) -> String {
    until_within(Duration::from_secs(60), &format!("a check to find {what}"), async || {
        let checked = check(kafka, secure).await;
        let findings = text(&checked);
        if !are_expected(checked.status.success(), &findings) {
            println!("not {what}: {findings}");
            return None;
        }
        Some(findings)
    })
    .await
}

/// `backstory check`, with a password.
async fn check(kafka: &Kafka, secure: &Secure) -> Output {
    let own = kafka.settings().into_iter().map(|(name, value)| (name.to_owned(), value));
    let store = ("journey.store".to_owned(), kafka.database.clone().unwrap());
    let free = ["http.listen", "http.admin_listen"].map(|name| (name.to_owned(), "127.0.0.1:0".to_owned()));
    let all = own.chain([store]).chain(free).chain(sasl(secure, "SCRAM-SHA-256", PASSWORD));
    let mut command = Command::new(env!("CARGO_BIN_EXE_backstory"));
    command.arg("check").args(all.flat_map(|(name, value)| ["--set".to_owned(), format!("{name}={value}")]));
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}
