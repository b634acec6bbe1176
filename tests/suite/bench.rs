//! The benchmark of the store: measures everything it has a budget for, and cleans up.

use std::process::Command;

use serde_json::Value;

use crate::harness::postgres;

#[test]
fn bench_journey_measures_every_budget_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_backstory"));
    command.args(["bench", "journey", "--interactions", "4000", "--lookups", "1000", "--json", "--dir"]);
    let output = command.arg(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    let measured = report["measured"].as_array().unwrap();
    assert!(measured.iter().all(|line| line["measured"].as_f64().is_some_and(|value| value > 0.0)), "{report}");
    for unit in ["µs", "times", "a second", "bytes", "MB"] {
        assert!(measured.iter().any(|line| line["unit"] == unit), "nothing in {unit}: {report}");
    }
    let all_hold = measured.iter().all(|line| line["holds"] == true);
    assert_eq!(output.status.code(), Some(i32::from(!all_hold)), "{said}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn bench_journey_measures_postgresql_in_a_database_that_is_gone_afterwards() {
    let (folder, url) = (tempfile::tempdir().unwrap(), postgres::empty_database().await);
    let mut command = Command::new(env!("CARGO_BIN_EXE_backstory"));
    command.args(["bench", "journey", "--interactions", "4000", "--lookups", "200", "--json", "--dir"]);
    let output = command.arg(folder.path()).args(["--postgres", &url]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    let of_postgres = |line: &&Value| line["what"].as_str().is_some_and(|what| what.contains("PostgreSQL"));
    let row = report["measured"].as_array().unwrap().iter().find(of_postgres).unwrap();
    assert!(row["atMost"] == 1.3 && row["measured"].as_f64().is_some_and(|ratio| ratio > 0.0), "{report}");
    assert!(report["notes"].to_string().contains("bare SELECT"), "{report}");
    let client = postgres::client(&url.parse().unwrap()).await;
    let left = "SELECT 1 FROM pg_database WHERE datname LIKE 'backstory_bench_%'";
    assert!(client.query(left, &[]).await.unwrap().is_empty(), "its database is still there");
    let touched = "SELECT 1 FROM information_schema.schemata WHERE schema_name = 'backstory'";
    assert!(client.query(touched, &[]).await.unwrap().is_empty(), "the database that was named was written to");
}
