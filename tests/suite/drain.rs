//! The orderly end: sessions are told to come back elsewhere, and nobody is sent here any more.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::process::Process;
use crate::harness::{Kafka, Service, call};

on_both_brokers![
    a_drained_service_tells_its_sessions_when_to_come_back,
    a_drain_ends_within_its_limit_though_a_client_does_not_answer,
    sessions_come_back_spread_over_time,
];

on_kafka![a_process_that_is_told_to_stop_exits_with_0, a_process_that_is_told_twice_leaves_at_once];

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

async fn sessions_come_back_spread_over_time(kafka: Kafka) {
    const AGENTS: usize = 20;
    let mut service = Service::with(&kafka, &[("drain.limit", "20s")]).await;
    let mut agents = Vec::new();
    for nth in 0..AGENTS {
        agents.push(service.agent(&format!("agent-{nth}")).await);
    }
    let goodbyes = async {
        let mut come_back = Vec::new();
        for agent in &mut agents {
            come_back.push(agent.next("goodbye").await["comeBackMs"].as_u64().expect("milliseconds"));
            assert_eq!(agent.is_closed().await, 3000);
        }
        come_back.sort_unstable();
        come_back
    };
    let ((), come_back) = tokio::join!(service.drain(), goodbyes);
    // That all twenty fall into one half of the ten seconds has a chance of one in half a million.
    assert!(come_back[0] < 5000 && come_back[AGENTS - 1] > 5000, "{come_back:?}");
}

async fn a_process_that_is_told_to_stop_exits_with_0(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::serve(&kafka, &format!("sqlite:{}", folder.path().join("journey.db").display()));
    process.becomes_ready().await;
    let mut ana = process.agent("ana").await;
    process.signal("TERM");
    assert_eq!(ana.next("goodbye").await["reason"], "drain");
    assert_eq!(ana.is_closed().await, 3000);
    assert_eq!(process.ends().await.code(), Some(0), "{}", process.log());
    assert_eq!(process.said("\"drained\""), 1, "{}", process.log());
}

async fn a_process_that_is_told_twice_leaves_at_once(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::serve(&kafka, &format!("sqlite:{}", folder.path().join("journey.db").display()));
    process.becomes_ready().await;
    // The close is not answered, so that the drain has something to wait for.
    let _does_not_read = process.agent("ana").await;
    process.signal("TERM");
    process.signal("INT");
    assert_eq!(process.ends().await.code(), Some(130), "{}", process.log());
    assert_eq!(process.said("\"drained\""), 0, "{}", process.log());
}
