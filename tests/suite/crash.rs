//! A service that is killed while it records loses and doubles nothing, on either store.
//!
//! More than CI's rounds: `CRASH_INTERACTIONS=1000000 CRASH_ROUNDS=20 make test-rust TESTS=crash::`

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt as _;
use serde_json::{Value, json};

use crate::harness::postgres::client;
use crate::harness::process::Process;
use crate::harness::{Kafka, until_within};

on_kafka_with_both_stores![a_service_that_is_killed_while_it_records_loses_and_doubles_nothing];

/// How long one life is at most.
const LIFE_MILLIS: u64 = 3000;
/// For so many interactions.
const PATIENCE: Duration = Duration::from_secs(120);
const INTERACTIONS: usize = 30_000;

fn number(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Address and time of the newest version, by interaction.
type Kept = BTreeMap<String, (String, DateTime<Utc>)>;

async fn a_service_that_is_killed_while_it_records_loses_and_doubles_nothing(kafka: Kafka) {
    let (interactions, rounds) = (number("CRASH_INTERACTIONS", INTERACTIONS), number("CRASH_ROUNDS", 4));
    let folder = tempfile::tempdir().unwrap();
    let store = kafka.database.clone();
    let store = store.unwrap_or_else(|| format!("sqlite:{}", folder.path().join("journey.db").display()));
    let publishing = tokio::spawn({
        let kafka = kafka.clone();
        async move { publish(&kafka, interactions).await }
    });
    for _ in 0..rounds {
        let mut life = Process::serve(&kafka, &store);
        let millis = rand::rng().random_range(100..LIFE_MILLIS);
        tokio::time::sleep(Duration::from_millis(millis)).await;
        assert!(life.is_alive(), "it lived until it was killed: {}", life.log());
        life.kill();
    }
    let expected = publishing.await.unwrap();
    let _last = Process::serve(&kafka, &store);
    let patience = PATIENCE * interactions.div_ceil(INTERACTIONS) as u32;
    until_within(patience, "the store to hold what the topic says", async || {
        (count(&store).await == expected.len()).then_some(())
    })
    .await;
    until_within(patience, "the newest version of each", async || (kept(&store).await == expected).then_some(())).await;
}

/// Interactions with corrections, older versions that come late, and removals among them; what must be kept of them.
async fn publish(kafka: &Kafka, interactions: usize) -> Kept {
    let begin = Utc::now() - TimeDelta::days(30);
    let mut expected = Kept::new();
    let mut records = Vec::new();
    for nth in 0..interactions {
        let id = format!("i-{nth}");
        let versions: &[i64] = match nth % 10 {
            0 => &[1, 2],
            1 => &[2, 1],
            _ => &[1],
        };
        for &version in versions {
            let address = format!("+1201555{:04}", (nth as i64 * 7 + version) % 10_000);
            let at = DateTime::from_timestamp_millis((begin + TimeDelta::seconds(version)).timestamp_millis()).unwrap();
            records.push((id.clone(), Some(record(&id, &address, nth, at))));
            if expected.get(&id).is_none_or(|(_, newest): &(String, DateTime<Utc>)| at > *newest) {
                expected.insert(id.clone(), (address, at));
            }
        }
        if nth % 10 == 2 {
            expected.remove(&id);
            records.push((id, None));
        }
    }
    kafka.publish_many(&kafka.interactions, records).await;
    expected
}

fn record(id: &str, address: &str, nth: usize, updated_at: DateTime<Utc>) -> Value {
    json!({ "interactionId": id, "source": "campaign_manager", "contactId": format!("c-{}", nth % 5000), "address": address,
            "channel": "voice", "startedAt": "2026-11-01T10:00:00Z", "outcome": { "code": "NI" }, "comments": "Not now.",
            "updatedAt": updated_at })
}

async fn count(store: &str) -> usize {
    let sql = "SELECT count(*) FROM";
    let count: i64 = match store.strip_prefix("sqlite:") {
        Some(path) => {
            let Ok(file) = rusqlite::Connection::open(path) else { return 0 };
            file.query_row(&format!("{sql} interactions"), [], |row| row.get(0)).unwrap_or_default()
        }
        None => {
            let server = client(&store.parse().unwrap()).await;
            server.query_one(&format!("{sql} backstory.interactions"), &[]).await.unwrap().get(0)
        }
    };
    count.unsigned_abs() as usize
}

async fn kept(store: &str) -> Kept {
    match store.strip_prefix("sqlite:") {
        Some(path) => {
            let file = rusqlite::Connection::open(path).unwrap();
            let mut statement = file.prepare("SELECT interaction_id, address, updated_at FROM interactions").unwrap();
            let rows = statement.query_map([], |row| {
                let at = DateTime::from_timestamp_millis(row.get(2)?).unwrap();
                Ok((row.get(0)?, (row.get(1)?, at)))
            });
            rows.unwrap().map(Result::unwrap).collect()
        }
        None => {
            let server = client(&store.parse().unwrap()).await;
            let sql = "SELECT interaction_id, address, updated_at FROM backstory.interactions";
            let rows = server.query(sql, &[]).await.unwrap();
            rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect()
        }
    }
}
