//! Nodes that die, stand still, go away in order and come back: their agents go on at another one.

use super::dialler::publish_history;
use super::node::Node;
use super::{Scene, pause, rounds};
use crate::harness::{Kafka, Proxy, until};

on_kafka![
    two_nodes_behave_as_one_for_agents_who_change_between_them,
    a_node_that_is_killed_and_comes_back_costs_no_call,
    a_node_that_stands_still_costs_no_call_and_shows_nothing_old_afterwards,
    a_rolling_restart_of_three_nodes_under_load_loses_no_pop,
    a_call_that_ended_before_a_node_had_caught_up_is_ended_on_the_screen,
];

/// The node that is broken in this round.
fn next(round: u64, nodes: &[Node]) -> usize {
    usize::try_from(round).unwrap() % nodes.len()
}

async fn two_nodes_behave_as_one_for_agents_who_change_between_them(kafka: Kafka) {
    let mut scene = Scene::with_nodes(kafka, 2).await;
    for _ in 0..3 * rounds() {
        scene.while_calls_go_on(async |_, office| office.all_move_on()).await;
    }
    let counted = scene.keeps_its_promises("agents change between two nodes").await;
    assert!(counted.nodes == 2 && counted.reconnects >= 36 && counted.kept > 0, "{counted}");
}

async fn a_node_that_is_killed_and_comes_back_costs_no_call(kafka: Kafka) {
    let mut scene = Scene::with_nodes(kafka, 2).await;
    for round in 0..rounds() {
        let nth = next(round, &scene.nodes);
        scene.while_calls_go_on(async |nodes, _| nodes[nth].is_killed()).await;
        scene.while_calls_go_on(async |nodes, _| nodes[nth].starts_again().await).await;
        // Some go back to it.
        scene.while_calls_go_on(async |_, office| office.all_move_on()).await;
    }
    let counted = scene.keeps_its_promises("a node is killed").await;
    assert!(counted.nodes > 2 && counted.reconnects > 0, "{counted}");
}

async fn a_node_that_stands_still_costs_no_call_and_shows_nothing_old_afterwards(kafka: Kafka) {
    let mut scene = Scene::with_nodes(kafka, 2).await;
    for round in 0..rounds() {
        let nth = next(round, &scene.nodes);
        scene
            .while_calls_go_on(async |nodes, _| {
                nodes[nth].stands_still();
                tokio::time::sleep(pause()).await; // the fault itself, and no wait for something
                nodes[nth].goes_on();
            })
            .await;
        scene.while_calls_go_on(async |_, office| office.all_move_on()).await;
    }
    let counted = scene.keeps_its_promises("a node stands still").await;
    assert!(counted.reconnects > 0, "{counted}");
}

async fn a_rolling_restart_of_three_nodes_under_load_loses_no_pop(kafka: Kafka) {
    let mut scene = Scene::with_nodes(kafka, 3).await;
    for _ in 0..rounds() {
        for nth in 0..scene.nodes.len() {
            scene
                .while_calls_go_on(async |nodes, _| {
                    let ended = nodes[nth].is_told_to_end().await;
                    assert_eq!(ended.code(), Some(0), "it ended in order");
                    nodes[nth].starts_again().await;
                })
                .await;
        }
    }
    let counted = scene.keeps_its_promises("a rolling restart").await;
    assert!(counted.nodes > 3 && counted.reconnects > 0, "{counted}");
}

/// Between the node and its brokers there is a line that is held until the agent is there.
async fn a_call_that_ended_before_a_node_had_caught_up_is_ended_on_the_screen(kafka: Kafka) {
    publish_history(&kafka).await;
    let first = Node::start(&kafka, &[]).await;
    let mut scene = Scene::on(&kafka, vec![first], 3).await;
    scene.dialler.offers_one_to_each();
    scene.dialler.finish().await;
    scene.office.settles(crate::history::Limits::default()).await.holds("before");
    scene.nodes[0].is_killed();
    scene.dialler.ends_all();
    scene.dialler.finish().await;
    let brokers = Proxy::to(kafka.setting()).await;
    brokers.hold();
    let late = Node::starting(&kafka.found_at(&brokers.address.to_string()), &[]).await;
    scene.nodes[0].line.lead_to(late.line.address.to_string());
    until("the agents to be there before the calls", async || {
        (late.metric("backstory_sessions", "").await >= 3.0).then_some(())
    })
    .await;
    assert!(!late.is_ready().await, "it has not caught up");
    brokers.mend();
    late.becomes_ready().await;
    let counted = scene.keeps_its_promises("a call ends before a node has caught up").await;
    assert!(counted.ends >= 3 && counted.kept >= 3, "{counted}");
}
