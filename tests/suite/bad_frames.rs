//! Clients that do not keep to the protocol: an `error` frame, or a close code that says what to do.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Kafka, Service, call};

on_the_embedded_broker![
    a_frame_that_cannot_be_used_is_answered_and_the_session_goes_on,
    a_frame_that_is_too_large_ends_the_session,
    a_frame_in_bytes_ends_the_session,
    a_frame_before_hello_ends_the_connection,
    a_connection_that_says_nothing_is_closed,
    a_hello_that_names_no_agent_is_refused,
    a_token_that_nobody_verifies_is_refused,
    an_agent_has_ten_sessions_at_most,
    an_unknown_time_zone_is_said_and_days_are_utc,
    a_page_of_a_foreign_site_does_not_get_in,
    a_client_of_another_protocol_does_not_get_in,
];

async fn a_frame_that_cannot_be_used_is_answered_and_the_session_goes_on(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    for (text, code) in [
        ("hello?", "not_json"),
        ("{\"type\":\"ping\"", "not_json"),
        ("", "not_json"),
        (r#"{"type":"dance"}"#, "unknown_type"),
        (r#"{"type":"pop"}"#, "unknown_type"),
        ("[1,2,3]", "bad_frame"),
        (r#"["ping"]"#, "bad_frame"),
        (r#"["ping", "ping"]"#, "bad_frame"),
        ("null", "bad_frame"),
        (r#"{"no":"type"}"#, "bad_frame"),
        (r#"{"type":7}"#, "bad_frame"),
        (r#"{"type":"ack","callId":"c-1"}"#, "bad_frame"),
        (r#"{"type":"ack","callId":"c-1","version":-1,"stage":"rendered"}"#, "bad_frame"),
        (r#"{"type":"search","callId":"c-1"}"#, "bad_frame"),
        (r#"{"type":"search","request":1,"callId":"c-1","before":"yesterday"}"#, "bad_frame"),
        (r#"{"type":"hello","agent":"eva"}"#, "hello_twice"),
        (r#"{"type":"authenticate","token":"abc"}"#, "no_authentication"),
    ] {
        ana.sends(Message::text(text)).await;
        let error = ana.next("error").await;
        assert_eq!(error["code"], code, "{text}");
        assert!(error["text"].as_str().unwrap().ends_with('.'), "a sentence a person understands: {error}");
    }
    let counted = service.metric("backstory_bad_frames_total", &[("code", "not_json")]).await;
    assert_eq!(counted, 3.0);
    service.offer(call("c-1")).await;
    ana.next_pop().await;
}

async fn a_frame_that_is_too_large_ends_the_session(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    ana.says(json!({ "type": "ping", "padding": "x".repeat(60 * 1024) })).await;
    ana.next("pong").await;
    ana.says(json!({ "type": "ping", "padding": "x".repeat(70 * 1024) })).await;
    assert_eq!(ana.is_closed().await, 3503);

    let mut unknown = service.socket().await;
    unknown.sends(Message::text("x".repeat(70 * 1024))).await;
    assert_eq!(unknown.is_closed().await, 3503);
}

async fn a_frame_in_bytes_ends_the_session(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    ana.sends(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(ana.is_closed().await, 3504);
}

async fn a_frame_before_hello_ends_the_connection(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    for first in [r#"{"type":"ping"}"#, r#"{"type":"search","request":1,"number":"+12015550142"}"#, "hello", "[]"] {
        let mut early = service.socket().await;
        early.sends(Message::text(first)).await;
        assert_eq!(early.is_closed().await, 3500, "{first}");
    }
}

async fn a_connection_that_says_nothing_is_closed(kafka: Kafka) {
    let service = Service::with(&kafka, &[("http.hello_timeout", "200ms")]).await;
    let mut silent = service.socket().await;
    assert_eq!(silent.is_closed().await, 3003);
}

async fn refused(service: &Service, hello: Value) -> u16 {
    let mut client = service.socket().await;
    client.says(hello).await;
    client.is_closed().await
}

async fn a_hello_that_names_no_agent_is_refused(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    for hello in [
        json!({ "type": "hello" }),
        json!({ "type": "hello", "agent": "" }),
        json!({ "type": "hello", "agent": "  " }),
        json!({ "type": "hello", "agent": "a".repeat(600) }),
    ] {
        assert_eq!(refused(&service, hello.clone()).await, 3502, "{hello}");
    }
}

async fn a_token_that_nobody_verifies_is_refused(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    assert_eq!(refused(&service, json!({ "type": "hello", "agent": "ana", "token": "eyJ" })).await, 3505);
}

async fn an_agent_has_ten_sessions_at_most(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut sessions = Vec::new();
    for _ in 0..10 {
        sessions.push(service.agent("ana").await);
    }
    assert_eq!(refused(&service, json!({ "type": "hello", "agent": "ana" })).await, 3501);
    service.agent("ben").await;
    drop(sessions.pop());
    service_has(&service, 10.0).await;
    service.agent("ana").await;
}

/// Waits until so many sessions are left: Ben's is among them.
async fn service_has(service: &Service, sessions: f64) {
    crate::harness::until("a session to be given back", async || {
        (service.metric("backstory_sessions", &[]).await < sessions).then_some(())
    })
    .await;
}

async fn an_unknown_time_zone_is_said_and_days_are_utc(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent_in("ana", "Europe/Atlantis").await;
    assert_eq!(ana.next("error").await["code"], "unknown_time_zone");
    service.offer(call("c-1")).await;
    assert_eq!(ana.next_pop().await["timeline"]["timeZone"], "UTC");
}

async fn a_page_of_a_foreign_site_does_not_get_in(kafka: Kafka) {
    let service = Service::with(&kafka, &[("http.origins", r#"["https://desktop.example"]"#)]).await;
    let address = service.address();
    let port = address.rsplit_once(':').unwrap().1;
    let own = format!("http://{address}");
    for (header, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1:1"),
        ("host", "evil.example"),
        ("host", &format!("evil.example:{port}")),
        ("host", "127.0.0.1.evil.example"),
    ] {
        let answer = service.handshake(&[(header, value)]).await.err();
        assert_eq!(answer, Some(403), "{header}: {value}");
    }
    for (header, value) in
        [("origin", &*own), ("origin", "https://desktop.example"), ("host", &format!("localhost:{port}"))]
    {
        assert!(service.handshake(&[(header, value)]).await.is_ok(), "{header}: {value}");
    }
}

async fn a_client_of_another_protocol_does_not_get_in(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let refused = service.handshake(&[("sec-websocket-protocol", "mqtt")]).await.err();
    assert_eq!(refused, Some(400));
    assert_eq!(service.get("/v1/agent").await.0, 426, "an ordinary request is told what this is");
}
