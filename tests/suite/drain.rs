//! The orderly end: sessions are told to come back elsewhere, and nobody is sent here any more.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Kafka, Service, call};

on_both_brokers![
    a_drained_service_tells_its_sessions_when_to_come_back,
    a_drain_ends_within_its_limit_though_a_client_does_not_answer,
];

async fn a_drained_service_tells_its_sessions_when_to_come_back(kafka: Kafka) {
    let mut service = Service::with(&kafka, &[("drain.limit", "8s")]).await;
    let (mut ana, mut ben) = (service.agent("ana").await, service.agent("ben").await);
    let mut undecided = service.socket().await;
    service.offer(call("c-1")).await;
    ana.next_pop().await;

    let agents = async {
        for agent in [&mut ana, &mut ben] {
            let goodbye = agent.next("goodbye").await;
            assert_eq!(goodbye["reason"], "drain");
            let come_back_ms = goodbye["comeBackMs"].as_u64().expect("milliseconds");
            assert!(come_back_ms <= 4000, "spread over half the limit: {goodbye}");
            assert_eq!(agent.is_closed().await, 3000);
        }
        assert_eq!(undecided.is_closed().await, 3000);
    };
    let ((), ()) = tokio::join!(service.drain(), agents);
    assert_ne!(service.readiness().await, Some(200), "nobody is sent here any more");
}

async fn a_drain_ends_within_its_limit_though_a_client_does_not_answer(kafka: Kafka) {
    let mut service = Service::with(&kafka, &[("drain.limit", "1s")]).await;
    let mut ana = service.agent("ana").await;
    // Sent and never read on: the close is not answered.
    ana.sends(Message::text(json!({ "type": "ping" }).to_string())).await;
    tokio::time::timeout(crate::harness::PATIENCE, service.drain()).await.expect("the drain ended");
}
