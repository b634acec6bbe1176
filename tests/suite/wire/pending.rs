//! Floods of connections that never become sessions: they make room for each other, and agents come in.

use std::net::{IpAddr, Ipv4Addr};

use super::raw::Raw;
use super::still_serves;
use crate::harness::{Kafka, Service};

on_the_embedded_broker![
    silent_connections_make_room_for_agents_and_never_take_all,
    silent_web_sockets_make_room_as_silent_connections_do,
    thousands_of_connections_from_one_address_do_not_lock_an_agent_out,
    sessions_never_make_room_for_strangers,
];

/// From so many addresses that none has many.
async fn flood(service: &Service, connections: u32) -> Vec<Raw> {
    let mut flood = Vec::new();
    for nth in 0..connections {
        let [_, _, high, low] = nth.to_be_bytes();
        let from = IpAddr::V4(Ipv4Addr::new(127, 1, high, low.max(1)));
        flood.push(Raw::from(from, service.socket_address()).await.expect("the service listens"));
    }
    flood
}

async fn silent_connections_make_room_for_agents_and_never_take_all(kafka: Kafka) {
    let bounds = [("http.connections_max", "100"), ("http.pending_max", "20"), ("http.header_timeout", "600s")];
    let service = Service::with(&kafka, &bounds).await;
    let mut ana = service.agent("ana").await;
    let mut silent = flood(&service, 150).await;
    still_serves(&service, &mut ana).await;
    service.counts("backstory_connections_refused_total", &[("reason", "pending")], 130.0).await;
    silent[0].is_closed().await;
    let open = service.metric("backstory_connections", &[]).await;
    assert!(open <= 30.0, "{open} are open, of agents and of those that may be pending");
}

async fn silent_web_sockets_make_room_as_silent_connections_do(kafka: Kafka) {
    let bounds = [("http.pending_max", "10"), ("http.hello_timeout", "600s")];
    let service = Service::with(&kafka, &bounds).await;
    let mut ana = service.agent("ana").await;
    let mut silent = flood(&service, 30).await;
    for raw in &mut silent[20..] {
        assert!(raw.shakes_hands("").await.starts_with("http/1.1 101"));
    }
    let _more = flood(&service, 30).await;
    silent[29].is_closed().await;
    still_serves(&service, &mut ana).await;
}

async fn thousands_of_connections_from_one_address_do_not_lock_an_agent_out(kafka: Kafka) {
    let service = Service::with(&kafka, &[("http.header_timeout", "600s")]).await;
    let mut ana = service.agent("ana").await;
    let one = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));
    let mut flood = Vec::new();
    for _ in 0..6000 {
        // A refusal may be heard while connecting.
        flood.extend(Raw::from(one, service.socket_address()).await.ok());
    }
    still_serves(&service, &mut ana).await;
    let refused = service.metric("backstory_connections_refused_total", &[("reason", "rate")]).await;
    assert!(refused > 1000.0, "{refused} were refused before anything was read");
    let open = service.metric("backstory_connections", &[]).await;
    assert!(open < 1010.0, "{open}");
}

async fn sessions_never_make_room_for_strangers(kafka: Kafka) {
    let bounds = [("http.connections_max", "12"), ("http.pending_max", "5")];
    let service = Service::with(&kafka, &bounds).await;
    let mut agents = Vec::new();
    for nth in 0..10 {
        agents.push(service.agent(&format!("agent-{nth}")).await);
    }
    let _silent = flood(&service, 60).await;
    // Two connections are left, and go round among strangers: one more agent still has its turn.
    agents.push(service.agent("comes").await);
    for agent in &mut agents {
        agent.was_told_nothing().await;
    }
    assert_eq!(service.metric("backstory_sessions", &[]).await, 11.0);
}
