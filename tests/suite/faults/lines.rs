//! The network between an agent and a node: cut, slow, and passing one way only.

use std::time::Duration;

use super::node::Node;
use super::{Scene, pause, rounds};
use crate::harness::{Kafka, Proxy};

on_kafka![
    lines_that_are_cut_cost_no_call,
    lines_that_are_slow_cost_no_call,
    lines_on_which_one_side_is_not_heard_cost_no_call,
];

/// Each round the line of another node.
async fn with_lines_that(kafka: Kafka, test: &str, are: impl Fn(&Proxy, u64)) -> crate::history::Counted {
    let mut scene = Scene::with_nodes(kafka, 2).await;
    for round in 0..2 * rounds() {
        let broken = |nodes: &[Node]| usize::try_from(round).unwrap() % nodes.len();
        scene
            .while_calls_go_on(async |nodes, _| {
                let line = &nodes[broken(nodes)].line;
                are(line, round);
                tokio::time::sleep(pause()).await; // the fault itself, and no wait for something
                line.mend();
            })
            .await;
    }
    scene.keeps_its_promises(test).await
}

async fn lines_that_are_cut_cost_no_call(kafka: Kafka) {
    let counted = with_lines_that(kafka, "lines are cut", |line, _| line.cut()).await;
    assert!(counted.reconnects >= 6, "{counted}");
}

async fn lines_that_are_slow_cost_no_call(kafka: Kafka) {
    with_lines_that(kafka, "lines are slow", |line, _| line.delay(Duration::from_millis(300))).await;
}

async fn lines_on_which_one_side_is_not_heard_cost_no_call(kafka: Kafka) {
    let halved = |line: &Proxy, round: u64| {
        if round.is_multiple_of(2) { line.keep_the_client_unheard() } else { line.keep_the_server_unheard() }
    };
    let counted = with_lines_that(kafka, "lines are halved", halved).await;
    assert!(counted.reconnects > 0, "{counted}");
}
