//! How much and how fast, by address and by session: beyond a limit there is a clear end, and others notice nothing.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::json;
use tokio::time::timeout;

use super::raw::Raw;
use super::still_serves;
use crate::harness::{Kafka, PATIENCE, Service, call};

on_the_embedded_broker![
    slow_headers_end_and_hold_up_nobody,
    a_connection_that_is_kept_alive_ends_when_nothing_moves,
    a_slow_first_frame_ends_and_holds_up_nobody,
    an_address_has_so_many_connections_and_others_have_their_own,
    an_address_comes_so_often_and_others_have_their_own,
    clients_of_a_trusted_proxy_are_bounded_each_and_nobody_else_says_who_they_are,
    headers_and_bodies_that_are_too_large_are_refused,
    a_session_that_says_too_much_too_fast_is_closed_and_may_come_back,
];

pub const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

async fn slow_headers_end_and_hold_up_nobody(kafka: Kafka) {
    let service = Service::with(&kafka, &[("http.header_timeout", "300ms")]).await;
    let mut ana = service.agent("ana").await;
    let mut slow = Vec::new();
    for half in ["", "G", "GET /v1/agent HTTP/1.1\r\nHost: localhost\r\nX-Slow: "] {
        let mut raw = Raw::to(&service).await;
        raw.says(half).await;
        slow.push(raw);
    }
    // The second header of a connection is timed like the first.
    let mut second = Raw::to(&service).await;
    second.says("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(second.head().await.starts_with("http/1.1 200"));
    second.says("GET /livez HTTP/1.1\r\n").await;
    slow.push(second);
    still_serves(&service, &mut ana).await;
    for raw in &mut slow {
        raw.is_closed().await;
    }
    // One byte at a time gains nothing: the header as a whole has its time.
    let mut dripping = Raw::to(&service).await;
    let drip = async {
        loop {
            dripping.says("G").await;
            if timeout(std::time::Duration::from_millis(50), dripping.0.readable()).await.is_ok() {
                return;
            }
        }
    };
    timeout(PATIENCE, drip).await.expect("it is closed");
}

async fn a_connection_that_is_kept_alive_ends_when_nothing_moves(kafka: Kafka) {
    let service = Service::with(&kafka, &[("http.idle_timeout", "200ms"), ("http.header_timeout", "600s")]).await;
    let mut kept = Raw::to(&service).await;
    kept.says("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(kept.head().await.starts_with("http/1.1 200"));
    kept.is_closed().await;
}

async fn a_slow_first_frame_ends_and_holds_up_nobody(kafka: Kafka) {
    let service = Service::with(&kafka, &[("http.hello_timeout", "300ms")]).await;
    let mut ana = service.agent("ana").await;
    let mut slow = Vec::new();
    for half in [&[][..], &[0x81], &[0x81, 0xfe, 0x10, 0x00, 0, 0, 0, 0, b'{']] {
        let mut raw = Raw::to(&service).await;
        assert!(raw.shakes_hands("").await.starts_with("http/1.1 101"));
        raw.says(half).await;
        slow.push(raw);
    }
    still_serves(&service, &mut ana).await;
    for raw in &mut slow {
        assert_eq!(raw.close_code().await, Some(3003));
    }
}

async fn an_address_has_so_many_connections_and_others_have_their_own(kafka: Kafka) {
    let service = Service::with(&kafka, &[("http.connections_per_address_max", "50")]).await;
    let mut ana = service.agent("ana").await;
    let mut crowd = Vec::new();
    for _ in 0..100 {
        crowd.extend(Raw::from(OTHER, service.socket_address()).await.ok());
    }
    let refused = [("reason", "per_address")];
    service.counts_exactly("backstory_connections_refused_total", &refused, 50.0).await;
    still_serves(&service, &mut ana).await;
    drop(crowd);
    crate::harness::until("the address to be let in again", async || {
        let mut raw = Raw::from(OTHER, service.socket_address()).await.ok()?;
        raw.says("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        raw.head().await.starts_with("http/1.1 200").then_some(())
    })
    .await;
}

async fn an_address_comes_so_often_and_others_have_their_own(kafka: Kafka) {
    let service = Service::with(&kafka, &[("http.handshakes_per_second_per_address_max", "5")]).await;
    let mut ana = service.agent("ana").await;
    for _ in 0..200 {
        drop(Raw::from(OTHER, service.socket_address()).await);
    }
    service.counts("backstory_connections_refused_total", &[("reason", "rate")], 100.0).await;
    still_serves(&service, &mut ana).await;
}

async fn clients_of_a_trusted_proxy_are_bounded_each_and_nobody_else_says_who_they_are(kafka: Kafka) {
    let one = ("http.connections_per_address_max", "1");
    let service = Service::with(&kafka, &[one, ("http.trusted_proxies", r#"["127.0.0.1/32"]"#)]).await;
    let of = async |client: &str| service.handshake(&[("x-forwarded-for", client)]).await;
    let mut first = of("192.0.2.1").await.unwrap();
    assert_eq!(of("192.0.2.1").await.err(), Some(429));
    // What a client wrote itself stands before what the proxy adds, and means nothing.
    assert_eq!(of("203.0.113.5, 192.0.2.1").await.err(), Some(429));
    let second = of("192.0.2.2").await.unwrap();
    let hello = json!({ "type": "hello", "agent": "ana", "timeZone": "UTC" });
    let mut second = second.says_hello(hello).await;
    service.offer(call("c-1")).await;
    second.next_pop().await;
    // From elsewhere, the header says nothing.
    let mut direct = Raw::from(OTHER, service.socket_address()).await.unwrap();
    assert!(direct.shakes_hands("X-Forwarded-For: 192.0.2.3\r\n").await.starts_with("http/1.1 101"));
    // This address has its one connection; being refused may be heard while connecting.
    if let Ok(mut again) = Raw::from(OTHER, service.socket_address()).await {
        assert_eq!(again.shakes_hands("X-Forwarded-For: 192.0.2.4\r\n").await, "");
    }
    first.says(json!({ "type": "hello" })).await;
    first.is_closed().await;
    crate::harness::until("the client's seat to be given back", async || of("192.0.2.1").await.ok().map(drop)).await;
}

async fn headers_and_bodies_that_are_too_large_are_refused(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    let mut raw = Raw::to(&service).await;
    raw.says(format!("GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Large: {}\r\n\r\n", "x".repeat(40_000))).await;
    assert!(raw.head().await.starts_with("http/1.1 431"));
    raw.is_closed().await;
    let mut many = Raw::to(&service).await;
    many.says(format!("GET /livez HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X-Many: 1\r\n".repeat(200))).await;
    assert!(many.head().await.starts_with("http/1.1 431"));
    let mut raw = Raw::to(&service).await;
    raw.says("POST /v1/info HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n").await;
    assert!(raw.head().await.starts_with("http/1.1 413"));
    raw.is_closed().await;
    still_serves(&service, &mut ana).await;
}

async fn a_session_that_says_too_much_too_fast_is_closed_and_may_come_back(kafka: Kafka) {
    let service = Service::with(&kafka, &[("http.frames_per_second_max", "5")]).await;
    let mut ana = service.agent("ana").await;
    for _ in 0..40 {
        ana.says(json!({ "type": "ping" })).await;
        ana.next("pong").await;
    }
    let mut eve = service.agent("eve").await;
    for _ in 0..1000 {
        eve.says(json!({ "type": "ping" })).await;
    }
    assert_eq!(eve.is_closed().await, 3005);
    // Frames below the protocol count like others.
    let mut raw = Raw::to(&service).await;
    raw.says_hello("mallory").await;
    for _ in 0..1000 {
        raw.says_frame(0x89, b"").await;
    }
    assert!(matches!(raw.close_code().await, Some(3005) | None));
    assert_eq!(service.metric("backstory_sessions_closed_total", &[("code", "3005")]).await, 2.0);
    still_serves(&service, &mut ana).await;
}
