//! The benchmark of the store: measures everything it has a budget for, and cleans up.

use std::process::Command;

use serde_json::Value;

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
