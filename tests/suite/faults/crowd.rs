//! Many agents at once, and some who do not read.

use std::time::Duration;

use super::dialler::{CUSTOMERS, LONG_INTERACTIONS, publish_a_long_history, publish_history};
use super::node::Node;
use super::{Scene, a_while, parameter};
use crate::harness::Kafka;
use crate::history::Limits;

on_kafka![
    a_thousand_agents_who_come_back_at_once_have_their_calls_again,
    agents_who_read_slowly_hold_up_nobody_and_miss_nothing,
];

async fn a_thousand_agents_who_come_back_at_once_have_their_calls_again(kafka: Kafka) {
    let agents = usize::try_from(parameter("FAULTS_AGENTS", 1000)).unwrap();
    let mut scene = Scene::of(kafka, 2, agents, &[("http.heartbeat", "25s")]).await;
    scene.dialler.offers_one_to_each();
    scene.dialler.finish().await;
    scene.office.settles(Limits::default()).await.holds("before the crowd leaves");
    // Half of them were there, and the other half shall see that nothing happened.
    scene.nodes[0].line.cut();
    scene.office.some_are_away().await;
    let counted = scene.keeps_its_promises("a crowd comes back").await;
    assert!(counted.calls == agents && counted.reconnects >= agents / 2, "{counted}");
    assert_eq!(
        counted.pops - counted.repeats,
        agents,
        "each was shown once, though half of them changed the node: {counted}"
    );
}

async fn agents_who_read_slowly_hold_up_nobody_and_miss_nothing(kafka: Kafka) {
    let settings = [("http.outbox_frames_max", "8"), ("http.write_timeout", "500ms"), ("http.heartbeat", "25s")];
    publish_history(&kafka).await;
    publish_a_long_history(&kafka).await;
    let node = Node::start(&kafka, &settings).await;
    node.keeps(CUSTOMERS, LONG_INTERACTIONS).await;
    // Past the line, which would read for them.
    let address = node.address().await;
    let mut scene = Scene::at(&kafka, vec![node], vec![address], 12).await;
    scene.dialler.lets_the_first_call_those_with_long_histories(3);
    scene.office.lets_the_first_read_slowly(3, Duration::from_secs(1));
    scene.while_calls_go_on(async |_, _| tokio::time::sleep(a_while()).await).await;
    // They come back, and find what was dropped for later news.
    scene.office.lets_all_read_at_once();
    scene.office.all_move_on();
    let slow = scene.nodes[0].metric("backstory_sessions_closed_total", "code=\"3001\"").await;
    scene.keeps_its_promises("some read slowly").await;
    assert!(slow > 0.0, "nobody was too slow for the service");
}
