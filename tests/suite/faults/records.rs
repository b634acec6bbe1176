//! The topic of calls under the nodes: it grows, and holds what nobody can read.

use serde_json::json;

use super::{Scene, rounds};
use crate::harness::{Kafka, call};

on_kafka![
    partitions_that_are_added_while_calls_go_on_are_read_from_their_first_record,
    records_that_nobody_can_read_hold_up_no_call_behind_them,
];

async fn partitions_that_are_added_while_calls_go_on_are_read_from_their_first_record(kafka: Kafka) {
    let mut scene = Scene::with_nodes(kafka.clone(), 2).await;
    let mut partitions = 3;
    for _ in 0..rounds() {
        partitions += 2;
        scene.while_calls_go_on(async |_, _| kafka.grow_calls_to(partitions).await).await;
        // A dialler that starts now knows all partitions, and spreads the same agents differently over them.
        scene.dialler.finish().await;
        scene.dialler.starts_again(&kafka);
        scene.while_calls_go_on(async |_, office| office.all_move_on()).await;
    }
    scene.keeps_its_promises("partitions are added").await;
}

async fn records_that_nobody_can_read_hold_up_no_call_behind_them(kafka: Kafka) {
    let mut scene = Scene::with_nodes(kafka.clone(), 2).await;
    let poison = [
        "no JSON".to_owned(),
        "[".repeat(100_000),
        "{}".to_owned(),
        "\u{0}".to_owned(),
        json!({ "callId": 7, "state": "offered", "agentId": "agent-1" }).to_string(),
        call("c-poison").to("agent-1").event_without("offered", "direction").to_string(),
        "x".repeat(2 << 20),
    ];
    for _ in 0..rounds() {
        scene
            .while_calls_go_on(async |_, _| {
                for (nth, value) in poison.iter().enumerate() {
                    for partition in 0..3 {
                        kafka.publish_text_into(&kafka.calls, partition, &format!("poison-{nth}"), value).await;
                    }
                }
            })
            .await;
    }
    let each = (rounds() * 3 * poison.len() as u64) as f64;
    for node in &scene.nodes {
        crate::harness::until("the poison to be refused", async || {
            let refused = node.metric("backstory_records_refused_total", &kafka.calls).await;
            (refused >= each).then_some(())
        })
        .await;
    }
    scene.keeps_its_promises("poison in every partition").await;
}
