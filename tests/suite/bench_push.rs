//! The benchmarks of the way of a call: each measures what it says, on small numbers, and leaves nothing behind.

use std::process::{Command, Output};

use serde_json::Value;

use crate::harness::process::Process;
use crate::harness::{Kafka, until};

on_kafka![
    bench_push_measures_calls_through_several_nodes_and_what_they_take,
    bench_nodes_measures_every_budget_and_leaves_nothing_behind,
];

async fn backstory(arguments: Vec<String>) -> (Output, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backstory"));
    command.args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    (output, report)
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

async fn bench_push_measures_calls_through_several_nodes_and_what_they_take(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let store = |nth| format!("sqlite:{}", folder.path().join(format!("{nth}.db")).display());
    let nodes = [Process::serve(&kafka, &store(1)), Process::serve(&kafka, &store(2))];
    let mut arguments = words("bench push --agents 20 --rate 40 --seconds 2 --warmup 0.5 --json");
    for node in &nodes {
        node.becomes_ready().await;
        let (main, admin) = (node.address("http.listen").await, node.address("http.admin_listen").await);
        arguments.extend(["--url".into(), format!("http://{main}"), "--admin".into(), format!("http://{admin}")]);
    }
    let (output, report) = backstory(arguments).await;
    assert!(output.status.success(), "{report}");
    assert_eq!((&report["sent"], &report["lost"], &report["doubled"]), (&80.into(), &0.into(), &0.into()), "{report}");
    assert!(report["popBytes"].as_u64().is_some_and(|bytes| bytes > 100), "{report}");
    for figure in ["callCpuMicroseconds", "idleSessionBytes", "sessionBytes"] {
        assert!(report[figure].is_number(), "{figure}: {report}");
    }
    for node in &nodes {
        assert!(node.metric("backstory_pops_total", "result=\"sent\"").await > 0.0, "each has some of the agents");
    }
}

async fn bench_nodes_measures_every_budget_and_leaves_nothing_behind(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let sizes = "--agents 20 --rate 40 --seconds 2 --interactions 400 --sessions 40 --events 3000 --failover 20";
    let mut arguments = words(&format!("bench nodes --json {sizes} --dir"));
    arguments.push(folder.path().display().to_string());
    arguments.extend(["--set".into(), format!("kafka.brokers={}", kafka.setting())]);
    let (output, report) = backstory(arguments).await;
    let measured = report["measured"].as_array().unwrap();
    let units: Vec<&str> = measured.iter().filter_map(|line| line["unit"].as_str()).collect();
    assert_eq!(units, ["ms", "ms", "µs", "µs", "KiB", "KiB", "s", "s"], "{report}");
    assert!(measured.iter().all(|line| line["measured"].is_number()), "{report}");
    let all_hold = measured.iter().all(|line| line["holds"] == true);
    assert_eq!(output.status.code(), Some(i32::from(!all_hold)), "a budget, and nothing else, may be missed: {report}");
    for run in ["latency", "at once"] {
        assert!(report["notes"].to_string().contains(&format!("{run}: 0 pops lost, 0 doubled")), "{report}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    until("its topics to be gone", async || (kafka.topics_like("backstory-bench-nodes-").await == 0).then_some(()))
        .await;
}
