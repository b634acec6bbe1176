//! `backstory bench attack`: quiet and attacked windows in one run, and strangers from a process of their own.

use std::process::Command;

use serde_json::Value;

use crate::harness::Kafka;
use crate::harness::process::Process;

on_kafka![bench_attack_measures_pops_with_and_without_strangers_in_one_run];

async fn bench_attack_measures_pops_with_and_without_strangers_in_one_run(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("store.db").display());
    let node = Process::serve(&kafka, &store);
    node.becomes_ready().await;
    let url = format!("http://{}", node.address("http.listen").await);
    let mut command = Command::new(env!("CARGO_BIN_EXE_backstory"));
    command.args(["bench", "attack", "--agents", "20", "--rate", "40", "--bad", "200"]);
    command.args(["--window", "1", "--windows", "4", "--json", "--url", &url]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    assert_eq!((&report["quiet"]["count"], &report["attacked"]["count"]), (&64.into(), &64.into()), "{report}");
    assert!(report["ratio"].as_f64().is_some_and(|ratio| ratio > 0.0), "{report}");
    assert_eq!(report["wrong"], serde_json::json!({ "lost": 0, "doubled": 0, "unpublished": 0, "connectionsLost": 0 }));
    assert!(report["strangers"]["opened"].as_u64().is_some_and(|opened| opened > 200), "{report}");
    assert_eq!(output.status.success(), report["holds"] == true, "the budget, and nothing else, may be missed");
}
