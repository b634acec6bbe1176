//! The bank's history: every pop equals what a short script in another language computes from the same files.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{Days, Utc};
use serde_json::{Value, json};

use crate::harness::{Agent, Kafka, Service, postgres};

on_kafka_with_both_stores![every_pop_of_the_bank_is_what_its_files_say];
on_kafka![s05_every_pop_is_the_same_from_tables_that_are_not_ours];

/// Calls that are offered and not ended yet.
const IN_FLIGHT_MAX: usize = 50;
pub const OF_THE_CAMPAIGN_MANAGER: i64 = 133_213;
const OF_THE_DATA_CLOUD: i64 = 112_927;

async fn every_pop_of_the_bank_is_what_its_files_say(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    if !make(folder.path(), &yesterday()) {
        return;
    }
    let service = Service::start(&kafka).await;
    let file = || format!("sqlite:{}", service.store_file().display());
    import(&kafka.database.clone().unwrap_or_else(file), folder.path());
    let kept: u64 = service.store().in_use().await.unwrap().channels_and_modes.iter().map(|(_, count)| count).sum();
    assert_eq!(kept, (OF_THE_CAMPAIGN_MANAGER + OF_THE_DATA_CLOUD).unsigned_abs(), "none refused");
    pops_are_those_of_the_files(&service, folder.path()).await;
}

/// The bank's tables as another company would have made them.
const FOREIGN_TABLES: &str = "
    CREATE SCHEMA crm;
    CREATE TABLE crm.touches AS
      SELECT interaction_id AS ref, source AS system, contact_id AS person, address AS reached_on, campaign_id AS list,
        campaign_name AS list_name, channel AS medium, mode AS kind, direction AS way, started_at AS began, ended_at AS ended,
        outcome_code AS disposition, outcome_label, outcome_class, outcome_parent, outcome_telephony, outcome_reached,
        previous_score AS score_before, current_score AS score_after, agent_id AS operator, agent_name AS operator_name,
        comments AS notes
      FROM backstory.interactions;
    CREATE TABLE crm.numbers AS SELECT DISTINCT address AS reached_on, contact_id AS person FROM backstory.addresses;
    CREATE TABLE crm.lists AS
      SELECT contact_id AS person, nullif(campaign_id, '') AS list, campaign_name AS list_name, name AS full_name,
        updated_at AS listed
      FROM backstory.listings;
    CREATE INDEX ON crm.touches (person);
    CREATE INDEX ON crm.touches (reached_on);
    CREATE INDEX ON crm.numbers (reached_on);
    CREATE INDEX ON crm.numbers (person);
    CREATE INDEX ON crm.lists (person);
    DROP SCHEMA backstory CASCADE;
    ANALYZE;";
const PEOPLE: &str = "WITH people AS (
    SELECT person FROM crm.numbers WHERE reached_on = $1
    UNION SELECT person FROM crm.touches WHERE reached_on = $1 AND person IS NOT NULL) ";
const TOUCHES: &str = "
    SELECT touches.* FROM people JOIN crm.touches ON touches.person = people.person
    WHERE system = 'SYSTEM' AND began >= $2
    UNION ALL
    SELECT * FROM crm.touches
    WHERE system = 'SYSTEM' AND began >= $2 AND person IS NULL AND reached_on = ANY (
      ARRAY[$1] || ARRAY(SELECT numbers.reached_on FROM people JOIN crm.numbers ON numbers.person = people.person))";
const LISTS: &str =
    "SELECT person, list, list_name, full_name FROM people LEFT JOIN crm.lists USING (person) ORDER BY listed DESC";
const COLUMNS: [(&str, &str); 16] = [
    ("interaction_id", "ref"),
    ("contact_id", "person"),
    ("address", "reached_on"),
    ("campaign_id", "list"),
    ("campaign_name", "list_name"),
    ("channel", "medium"),
    ("mode", "kind"),
    ("direction", "way"),
    ("started_at", "began"),
    ("ended_at", "ended"),
    ("outcome_code", "disposition"),
    ("previous_score", "score_before"),
    ("current_score", "score_after"),
    ("agent_id", "operator"),
    ("agent_name", "operator_name"),
    ("comments", "notes"),
];

async fn s05_every_pop_is_the_same_from_tables_that_are_not_ours(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    if !make(folder.path(), &yesterday()) {
        return;
    }
    let url = postgres::database().await;
    import(&url, folder.path());
    postgres::client(&url.parse().unwrap()).await.batch_execute(FOREIGN_TABLES).await.unwrap();
    let mut settings = Vec::new();
    for source in ["campaign_manager", "data_cloud"] {
        let mut set = |key: &str, value: String| settings.push((format!("journey.sources.{source}.{key}"), value));
        set("store", url.clone());
        set("interactions", format!("{PEOPLE}{}", TOUCHES.replace("SYSTEM", source)));
        set("listings", format!("{PEOPLE}{LISTS}"));
        set("columns.name", "full_name".into());
        COLUMNS.iter().for_each(|(ours, theirs)| set(&format!("columns.{ours}"), (*theirs).into()));
    }
    let settings: Vec<_> = settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let service = Service::with(&kafka, &settings).await;
    pops_are_those_of_the_files(&service, folder.path()).await;
}

fn yesterday() -> String {
    Utc::now().date_naive().checked_sub_days(Days::new(1)).unwrap().to_string()
}

async fn pops_are_those_of_the_files(service: &Service, bank: &Path) {
    let pops = pops_of(service, &bank.join("calls.jsonl")).await;
    let file = bank.join("pops.jsonl");
    let lines = pops.iter().fold(String::new(), |mut all, pop| {
        _ = writeln!(all, "{pop}");
        all
    });
    std::fs::write(&file, lines).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bank/expected.py");
    let (equal, said) = python(&script, &[bank.to_str().unwrap(), file.to_str().unwrap()]);
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
fn import(store: &str, bank: &Path) {
    let files = ["interactions.jsonl", "contacts.jsonl", "data_cloud.jsonl", "data_cloud_contacts.jsonl"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_backstory"));
    command.args(["import", "--set", &format!("journey.store={store}")]).args(files.map(|name| bank.join(name)));
    let ran = command.output().expect("backstory import");
    assert!(ran.status.success(), "{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
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
    let call = in_flight.remove(&pop["call"]["callId"].to_string());
    let call = call.unwrap_or_else(|| panic!("one pop for each call, and nothing else: {pop}"));
    publish(service, call, "ended").await;
    pop
}

async fn publish(service: &Service, mut call: Value, state: &str) {
    call["state"] = json!(state);
    call["at"] = json!(Utc::now().to_rfc3339());
    let agent = call["agentId"].as_str().unwrap().to_owned();
    service.kafka.publish(&service.kafka.calls, &agent, call.to_string()).await;
}
