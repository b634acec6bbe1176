//! The only broker stops, in order and at once, and starts again: what agents see stays, and what was sent meanwhile comes.

use super::dialler::{CUSTOMERS, INTERACTIONS_EACH, customer, publish_history};
use super::node::Node;
use super::own_broker::OwnBroker;
use super::{Scene, rounds};
use crate::harness::{Kafka, interaction, postgres};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_stops_and_starts_again_costs_no_call() {
    let Some(broker) = OwnBroker::start().await else { return };
    let kafka = Kafka::of_its_own(broker.address()).await;
    publish_history(&kafka).await;
    let nodes = vec![Node::start(&kafka, &[]).await, Node::start(&kafka, &[]).await];
    let mut scene = Scene::on(&kafka, nodes, 12).await;
    for round in 0..rounds() {
        // Every other time it is killed.
        scene
            .while_calls_go_on(async |_, _| {
                broker.stops(round % 2 == 1).await;
                broker.starts_again().await;
            })
            .await;
        scene.while_calls_go_on(async |_, office| office.all_move_on()).await;
    }
    scene.keeps_its_promises("the broker stops and starts").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_share_a_store_keep_what_comes_after_their_broker_came_back() {
    let Some(broker) = OwnBroker::start().await else { return };
    let kafka = Kafka::of_its_own(broker.address()).await.with_store(postgres::database().await);
    publish_history(&kafka).await;
    let nodes = vec![Node::start(&kafka, &[]).await, Node::start(&kafka, &[]).await];
    for round in 1..=rounds() {
        broker.stops(true).await;
        broker.starts_again().await;
        for nth in 0..CUSTOMERS {
            let one = interaction(&format!("after-{nth}-{round}")).on(&customer(nth));
            kafka.publish(&kafka.interactions, one.key(), one.json().to_string()).await;
        }
        for node in &nodes {
            for nth in 0..CUSTOMERS {
                node.keeps(nth, INTERACTIONS_EACH + i64::try_from(round).unwrap()).await;
            }
        }
    }
}
