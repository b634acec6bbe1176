//! The store of the journeys is slow, fails, and is gone: calls are shown without what is missing, which follows.

use super::dialler::publish_history;
use super::node::Node;
use super::{Scene, rounds};
use crate::harness::{Kafka, postgres};

on_kafka![a_store_that_is_slow_costs_no_call, a_store_that_fails_and_is_gone_costs_no_call,];

/// Two nodes on one PostgreSQL, each with a line of its own to it.
async fn with_a_store_that(kafka: Kafka, test: &str, is: impl Fn(&crate::harness::Proxy)) {
    let database = postgres::database().await;
    publish_history(&kafka).await;
    let (mut nodes, mut lines) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let (url, line) = postgres::through_a_line(&database).await;
        let settings = [("journey.lookup_timeout", "250ms")];
        nodes.push(Node::start(&kafka.clone().with_store(url), &settings).await);
        lines.push(line);
    }
    let mut scene = Scene::on(&kafka, nodes, 12).await;
    for _ in 0..rounds() {
        scene.while_calls_go_on(async |_, _| is(&lines[0])).await;
        scene.while_calls_go_on(async |_, office| office.all_move_on()).await;
        scene.while_calls_go_on(async |_, _| lines[0].mend()).await;
    }
    scene.keeps_its_promises(test).await;
}

async fn a_store_that_is_slow_costs_no_call(kafka: Kafka) {
    with_a_store_that(kafka, "a store is slow", |line| line.hold()).await;
}

async fn a_store_that_fails_and_is_gone_costs_no_call(kafka: Kafka) {
    with_a_store_that(kafka, "a store is gone", |line| line.cut()).await;
}
