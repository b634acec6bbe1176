//! The benchmark of costly customers and slow clients: it names every figure, on small numbers, and leaves nothing behind.

use std::process::Command;

use serde_json::Value;

use crate::harness::{Kafka, until};

on_kafka![bench_crowd_names_every_figure_and_leaves_nothing_behind];

async fn bench_crowd_names_every_figure_and_leaves_nothing_behind(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_backstory"));
    let sizes = "--pairs 1 --contacts 30 --interactions 300 --rate 40 --window 1 --settle 1s --calls 200 --labels 8";
    command.args(["bench", "crowd", "--json"]).args(sizes.split(' ')).arg("--dir").arg(folder.path());
    command.args(["--against", env!("CARGO_BIN_EXE_backstory")]);
    command.args(["--set", &format!("kafka.brokers={}", kafka.setting())]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));

    let paired = |figure: &Value| {
        for name in ["quiet", "quietAgain", "compared", "ratio", "quietRatio"] {
            assert!(figure[name].as_f64().is_some_and(|value| value > 0.0), "{name}: {figure}: {said}");
        }
        assert_eq!(figure["windows"]["quiet"].as_array().map(Vec::len), Some(1), "{figure}");
    };
    for case in ["crowd", "crowdMasked", "search"] {
        let latency = &report["latency"][case];
        paired(&latency["p50Milliseconds"]);
        paired(&latency["p99Milliseconds"]);
        assert_eq!((&latency["pops"]["compared"], &latency["lost"]), (&40.into(), &0.into()), "{latency}");
        assert!(latency["withoutTimeline"]["compared"].is_u64(), "{latency}");
    }
    assert!(report["latency"]["crowd"]["meanwhile"]["calls"].as_u64() > Some(0), "{report}");
    assert!(report["latency"]["search"]["meanwhile"]["answered with a timeline"].as_u64() > Some(0), "{report}");
    paired(&report["cpu"]["callMicroseconds"]);
    let cases = "quiet quietAgain ringing ringingMasked searching unreadAnswers unreadSessions longLabels";
    for case in cases.split(' ') {
        let memory = &report["memory"][case];
        for figure in ["quiet", "highest", "left", "above", "leftAbove", "withoutTimeline"] {
            assert!(memory[figure].is_number(), "{figure} of {case}: {report}");
        }
    }
    let labels = &report["memory"]["longLabels"]["meanwhile"];
    assert_eq!((&labels["records"], &labels["pops with timeline"]), (&8.into(), &1.into()), "{report}");

    let measured = report["measured"].as_array().unwrap();
    let all_hold = measured.iter().all(|line| line["holds"] == true);
    assert_eq!(output.status.code(), Some(i32::from(!all_hold)), "a budget, and nothing else, may be missed: {said}");
    assert_eq!(measured.len(), 2 * 3 + 1 + 2 * 6, "two budgets for each case, and one for CPU time: {report}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    until("its topics to be gone", async || (kafka.topics_like("backstory-bench-crowd-").await == 0).then_some(()))
        .await;
}
