//! The bank's history: every pop equals what a short script in another language computes from the same files.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{Days, Utc};
use serde_json::{Value, json};

use crate::harness::{Agent, Kafka, Service};

on_kafka![every_pop_of_the_bank_is_what_its_files_say];

/// Calls that are offered and not ended yet.
const IN_FLIGHT_MAX: usize = 50;
pub const OF_THE_CAMPAIGN_MANAGER: i64 = 133_213;
const OF_THE_DATA_CLOUD: i64 = 112_927;

async fn every_pop_of_the_bank_is_what_its_files_say(kafka: Kafka) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let service = Service::start(&kafka).await;
    let out = service.folder().join("bank");
    let until = Utc::now().date_naive().checked_sub_days(Days::new(1)).unwrap().to_string();
    if !make(&out, &until) {
        return;
    }
    import(&service, &out);

    let pops = pops_of(&service, &out.join("calls.jsonl")).await;
    let file = service.folder().join("pops.jsonl");
    std::fs::write(
        &file,
        pops.iter().fold(String::new(), |mut all, pop| {
            _ = writeln!(all, "{pop}");
            all
        }),
    )
    .unwrap();
    let (equal, said) = python(&root.join("tests/bank/expected.py"), &[out.to_str().unwrap(), file.to_str().unwrap()]);
    assert!(equal && said.contains("1000 pops compared, 0 differ"), "{said}");
}

/// Writes the bank's files, with its last day on this one; false where there is nothing to make them of.
pub fn make(out: &Path, until: &str) -> bool {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    if !data.exists() {
        eprintln!("skipped: {} is not there, so there is no bank to compare with", data.display());
        return false;
    }
    let (made, said) = python(&data.join("bank_interactions.py"), &[out.to_str().unwrap(), "--until", until]);
    assert!(made, "{said}");
    true
}

fn python(script: &Path, arguments: &[&str]) -> (bool, String) {
    let ran = Command::new("python3").arg(script).args(arguments).output().expect("python3");
    let said = [ran.stdout, ran.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    (ran.status.success(), said)
}

/// By the command that an administrator uses, beside the running service.
fn import(service: &Service, out: &Path) {
    let files = ["interactions.jsonl", "contacts.jsonl", "data_cloud.jsonl", "data_cloud_contacts.jsonl"];
    let store = format!("journey.store=sqlite:{}", service.store_file().display());
    let mut command = Command::new(env!("CARGO_BIN_EXE_backstory"));
    command.args(["import", "--set", &store]).args(files.map(|name| out.join(name)));
    let ran = command.output().expect("backstory import");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{}{said}", String::from_utf8_lossy(&ran.stdout));
    let store = rusqlite::Connection::open(service.store_file()).unwrap();
    let kept: i64 = store.query_row("SELECT count(*) FROM interactions", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, OF_THE_CAMPAIGN_MANAGER + OF_THE_DATA_CLOUD, "none refused: {said}");
}

/// Offers each call at this moment, ends it after its pop, a few at a time; the pops.
async fn pops_of(service: &Service, calls: &PathBuf) -> Vec<Value> {
    let text = std::fs::read_to_string(calls).unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let offered: Vec<Value> = events.filter(|event| event["state"] == "offered").collect();
    let mut agents: HashMap<String, Agent> = HashMap::new();
    for call in &offered {
        let id = call["agentId"].as_str().unwrap();
        if !agents.contains_key(id) {
            agents.insert(id.to_owned(), service.agent_in(id, "Europe/Lisbon").await);
        }
    }
    // Whose pops are awaited; one agent's may overtake each other.
    let mut awaited = VecDeque::new();
    let mut in_flight = HashMap::new();
    let mut pops = Vec::new();
    for call in offered {
        if awaited.len() == IN_FLIGHT_MAX {
            pops.push(next_pop(service, &mut agents, &mut awaited, &mut in_flight).await);
        }
        publish(service, call.clone(), "offered").await;
        awaited.push_back(call["agentId"].as_str().unwrap().to_owned());
        in_flight.insert(call["callId"].to_string(), call);
    }
    while !awaited.is_empty() {
        pops.push(next_pop(service, &mut agents, &mut awaited, &mut in_flight).await);
    }
    pops
}

/// A pop of the agent who waits longest; its call is ended.
async fn next_pop(
    service: &Service,
    agents: &mut HashMap<String, Agent>,
    awaited: &mut VecDeque<String>,
    in_flight: &mut HashMap<String, Value>,
) -> Value {
    let agent = agents.get_mut(&awaited.pop_front().unwrap()).unwrap();
    let pop = loop {
        let frame = agent.next_frame().await;
        // Ends of earlier calls come between.
        if frame["type"] != "ended" {
            break frame;
        }
    };
    let call = in_flight.remove(&pop["call"]["callId"].to_string()).expect("one pop for each call");
    publish(service, call, "ended").await;
    pop
}

async fn publish(service: &Service, mut call: Value, state: &str) {
    call["state"] = json!(state);
    call["at"] = json!(Utc::now().to_rfc3339());
    let agent = call["agentId"].as_str().unwrap().to_owned();
    service.kafka.publish(&service.kafka.calls, &agent, call.to_string()).await;
}
