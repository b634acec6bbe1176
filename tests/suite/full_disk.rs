//! A disk that is full delays recording and nothing else: pops go on, the log says what to do, and nothing is lost or doubled.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::harness::process::{Process, arguments, in_file_systems_of_its_own, passed_over};
use crate::harness::{ANA, Kafka, call, contact, days_ago, ids, interaction, until_within};

on_kafka![a_full_disk_delays_recording_and_nothing_else];

/// With the ballast gone there is room for everything, and for SQLite's log of it.
const DISK: &str = "mount -t tmpfs -o size=64m tmpfs \"$0\"";
/// On each number fewer than one answer shows.
const NUMBERS: usize = 20;
const ON_EACH: usize = 400;
const PATIENCE: Duration = Duration::from_secs(60);

fn number(nth: usize) -> String {
    format!("+12025550{nth:03}")
}

async fn a_full_disk_delays_recording_and_nothing_else(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = match in_file_systems_of_its_own(DISK, folder.path()) {
        Ok(command) => command,
        Err(why) => return passed_over("a_full_disk_delays_recording_and_nothing_else", &why),
    };
    let store = format!("sqlite:{}", folder.path().join("journey.db").display());
    let mut service = Process::start(command.arg(env!("CARGO_BIN_EXE_backstory")).args(arguments(&kafka, &store)));
    service.becomes_ready().await;
    kafka.publish(&kafka.contacts, "c-ana", contact("c-ana").has("mobile", ANA).json().to_string()).await;
    for (id, days) in [("i-1", 1), ("i-2", 2)] {
        let one = interaction(id).of("c-ana").days_ago(days);
        kafka.publish(&kafka.interactions, id, one.json().to_string()).await;
    }
    let kept = async |service: &Process| service.metric("backstory_records_recorded_total", "result=\"changed\"").await;
    until_within(PATIENCE, "the first records to be kept", async || (kept(&service).await == 3.0).then_some(())).await;

    let ballast = service.sees(folder.path()).join("ballast");
    fill(&ballast);
    let published = publish_many(&kafka).await;
    let waiting = format!("topic=\"{}\"", kafka.interactions);
    let waits = async |service: &Process| service.metric("backstory_recorders_waiting", &waiting).await == 1.0;
    until_within(PATIENCE, "the recorder to wait", async || waits(&service).await.then_some(())).await;
    assert!(service.said("the disk is full; make room there") > 0, "{}", service.log());
    assert!(service.metric("backstory_store_failures_total", &waiting).await > 0.0);

    let mut ana = service.agent("ana").await;
    for call_id in ["c-1", "c-2", "c-3"] {
        kafka.publish(&kafka.calls, "ana", call(call_id).number(ANA).event("offered").to_string()).await;
        let pop = ana.next_pop().await;
        assert_eq!((&pop["call"]["callId"], ids(&pop["timeline"])), (&json!(call_id), vec!["i-1", "i-2"]));
    }
    // More at a time than there are connections to the store, so that all of them read.
    let paths: Vec<_> = (0..64).map(|nth| format!("/v1/journeys/{}", number(nth % NUMBERS))).collect();
    for (status, answer) in futures_util::future::join_all(paths.iter().map(|path| service.get(path))).await {
        assert_eq!(status, 200, "{answer}");
    }
    let (status, health) = service.get("/readyz?verbose").await;
    let part = format!("[!] recorder {}: waiting since ", kafka.interactions);
    assert!(status == 200 && health.as_str().unwrap().contains(&part), "pops are what readiness is about: {health}");
    assert!(health.as_str().unwrap().contains("the disk is full; next offset "), "{health}");
    assert!(waits(&service).await && service.is_alive());

    fs::remove_file(&ballast).unwrap();
    let all = (3 + published) as f64;
    until_within(PATIENCE, "everything to be kept", async || (kept(&service).await == all).then_some(())).await;
    assert!(!waits(&service).await);
    assert_eq!(service.said("recording goes on"), 1, "{}", service.log());
    assert_eq!(service.metric("backstory_records_recorded_total", "result=\"known\"").await, 0.0, "nothing came twice");
    for nth in 0..NUMBERS {
        let (_, timeline) = service.get(&format!("/v1/journeys/{}", number(nth))).await;
        let mut found: Vec<_> = ids(&timeline).into_iter().map(str::to_owned).collect();
        let mut expected: Vec<_> = (0..ON_EACH).map(|of| format!("i-{nth}-{of}")).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    }
    assert!(service.is_alive());
}

/// Takes all the room that there is.
fn fill(ballast: &Path) {
    let mut file = File::create(ballast).unwrap();
    for block in [1 << 20, 4096] {
        while file.write_all(&vec![0; block]).is_ok() {}
    }
}

/// Larger than what a file or its log may have room for in itself.
async fn publish_many(kafka: &Kafka) -> usize {
    let comments = "Not now. ".repeat(100);
    let all = (0..NUMBERS).flat_map(|nth| (0..ON_EACH).map(move |of| (nth, of)));
    let records: Vec<_> = all
        .map(|(nth, of)| {
            let one = interaction(&format!("i-{nth}-{of}")).on(&number(nth)).started(days_ago(of as i64 % 90));
            let one = one.with("comments", json!(comments));
            (one.key().to_owned(), Some(one.json().clone()))
        })
        .collect();
    let published = records.len();
    kafka.publish_many(&kafka.interactions, records).await;
    published
}
