//! What attackers say on a WebSocket: each ends with an answer or the connection, and a good agent notices nothing.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::raw::Raw;
use super::still_serves;
use crate::harness::{Agent, Kafka, Service, until};

on_the_embedded_broker![
    a_bomb_of_fragments_ends_the_session,
    a_frame_that_claims_to_be_huge_ends_the_session_before_it_is_read,
    a_string_of_a_megabyte_ends_the_session,
    json_that_is_nested_deeply_is_answered_and_the_session_goes_on,
    text_that_is_no_utf_8_ends_the_session,
    frames_without_a_mask_end_the_session,
    compression_is_not_accepted_and_a_compressed_frame_ends_the_session,
];

async fn mallory(service: &Service) -> Raw {
    let mut raw = Raw::to(service).await;
    raw.says_hello("mallory").await;
    raw
}

async fn two(kafka: &Kafka) -> (Service, Agent, Raw) {
    let service = Service::start(kafka).await;
    let ana = service.agent("ana").await;
    let mallory = mallory(&service).await;
    (service, ana, mallory)
}

async fn a_bomb_of_fragments_ends_the_session(kafka: Kafka) {
    let (service, mut ana, mut mallory) = two(&kafka).await;
    mallory.says_frame(0x01, &[b'x'; 1000]).await;
    for _ in 0..100 {
        mallory.says_frame(0x00, &[b'x'; 1000]).await;
    }
    // What was sent behind the end may reset the line before the reason is read: it is counted in any case.
    mallory.is_closed().await;
    service.counts("backstory_sessions_closed_total", &[("code", "3503")], 1.0).await;
    still_serves(&service, &mut ana).await;
}

async fn a_frame_that_claims_to_be_huge_ends_the_session_before_it_is_read(kafka: Kafka) {
    let (service, mut ana, mut mallory) = two(&kafka).await;
    mallory.says([&[0x81, 0xff][..], &(1_u64 << 62).to_be_bytes(), &[0; 4]].concat()).await;
    assert_eq!(mallory.close_code().await, Some(3503));
    still_serves(&service, &mut ana).await;
}

async fn a_string_of_a_megabyte_ends_the_session(kafka: Kafka) {
    let (service, mut ana, mut mallory) = two(&kafka).await;
    let text = json!({ "type": "search", "request": 1, "number": "1".repeat(1 << 20) }).to_string();
    mallory.says_frame(0x81, text.as_bytes()).await;
    mallory.is_closed().await;
    service.counts("backstory_sessions_closed_total", &[("code", "3503")], 1.0).await;
    still_serves(&service, &mut ana).await;
}

async fn json_that_is_nested_deeply_is_answered_and_the_session_goes_on(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    let mut eve = service.agent("eve").await;
    let deep = 30_000;
    for text in [
        format!("{{\"type\":\"ping\",\"x\":{}{}}}", "[".repeat(deep), "]".repeat(deep)),
        format!("{}1{}", "{\"a\":".repeat(9000), "}".repeat(9000)),
        "[".repeat(60_000),
        format!("{{\"type\":\"search\",\"request\":{}", "[".repeat(deep)),
    ] {
        eve.sends(Message::text(text)).await;
        let code = eve.next("error").await["code"].clone();
        assert!(code == "not_json" || code == "bad_frame", "{code}");
    }
    still_serves(&service, &mut ana).await;
}

async fn text_that_is_no_utf_8_ends_the_session(kafka: Kafka) {
    let (service, mut ana, mut mallory) = two(&kafka).await;
    mallory.says_frame(0x81, &[b'{', 0xff, 0xfe, 0xc0, 0xaf, b'}']).await;
    mallory.is_closed().await;
    still_serves(&service, &mut ana).await;
    until("ana alone to be left", async || (service.metric("backstory_sessions", &[]).await == 1.0).then_some(()))
        .await;
}

async fn frames_without_a_mask_end_the_session(kafka: Kafka) {
    let (service, mut ana, mut mallory) = two(&kafka).await;
    mallory.says([&[0x81, 15][..], br#"{"type":"ping"}"#].concat()).await;
    let said = mallory.rest().await;
    assert!(!String::from_utf8_lossy(&said).contains("pong"), "it is not answered");
    still_serves(&service, &mut ana).await;
}

async fn compression_is_not_accepted_and_a_compressed_frame_ends_the_session(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    let mut bomb = Raw::to(&service).await;
    let head = bomb.shakes_hands("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n").await;
    assert!(head.starts_with("http/1.1 101") && !head.contains("sec-websocket-extensions"), "{head}");
    bomb.is_welcomed("mallory").await;
    bomb.says_frame(0xc1, &[0xaa, 0x56, 0x2a, 0xa9, 0x2c, 0x48, 0x55, 0xb2, 0x52, 0x2a, 0xc8]).await;
    bomb.is_closed().await;
    still_serves(&service, &mut ana).await;
}
