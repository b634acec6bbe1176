//! Other sites' pages: on the agent's own machine, against a service that listens there, and in frames.

use super::raw::Raw;
use super::still_serves;
use crate::harness::{Kafka, Service};

on_the_embedded_broker![
    another_sites_page_on_the_agents_own_machine_reaches_nothing,
    a_request_that_says_host_or_origin_twice_is_refused,
    pages_and_answers_carry_the_headers_that_browsers_hold_others_to,
];

const PATHS: [&str; 5] = ["/", "/v1/info", "/v1/agents", "/v1/journeys/+12015550142", "/widget/customer-journey.js"];

async fn ask(service: &Service, path: &str, headers: &str) -> String {
    let mut raw = Raw::to(service).await;
    raw.says(format!("GET {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n")).await;
    String::from_utf8_lossy(&raw.rest().await).into_owned()
}

async fn another_sites_page_on_the_agents_own_machine_reaches_nothing(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    let port = service.socket_address().port();
    for headers in [
        format!("Host: 127.0.0.1:{port}\r\nOrigin: https://evil.example\r\n"),
        format!("Host: 127.0.0.1:{port}\r\nOrigin: null\r\n"),
        format!("Host: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}.evil.example\r\n"),
        format!("Host: 127.0.0.1:{port}\r\nOrigin: http://localhost:{port}\r\n"),
        // A name of theirs that leads here (DNS rebinding): the page's own origin, as its browser sees it.
        format!("Host: evil.example:{port}\r\nOrigin: http://evil.example:{port}\r\n"),
        format!("Host: evil.example:{port}\r\n"),
        format!("Host: 127.0.0.1.evil.example:{port}\r\n"),
        format!("Host: user@127.0.0.1:{port}@evil.example\r\n"),
        String::new(),
    ] {
        for path in PATHS {
            let answer = ask(&service, path, &headers).await;
            let refused = answer.starts_with("HTTP/1.1 403") || answer.starts_with("HTTP/1.1 400");
            assert!(refused, "{path} {headers}: {answer}");
            assert!(!answer.contains("node") && !answer.contains("ana"), "{answer}");
        }
        let mut socket = Raw::to(&service).await;
        socket.says(format!("GET /v1/agent HTTP/1.1\r\n{headers}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: backstory.v1\r\n\r\n")).await;
        let head = socket.head().await;
        assert!(head.starts_with("http/1.1 403") || head.starts_with("http/1.1 400"), "{headers}: {head}");
    }
    still_serves(&service, &mut ana).await;
}

async fn a_request_that_says_host_or_origin_twice_is_refused(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let own = format!("http://{}", service.socket_address());
    for headers in [
        "Host: localhost\r\nHost: evil.example\r\n".to_owned(),
        format!("Host: {}\r\nOrigin: {own}\r\nOrigin: https://evil.example\r\n", service.socket_address()),
    ] {
        let answer = ask(&service, "/v1/info", &headers).await;
        assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("said_twice"), "{headers}: {answer}");
    }
}

async fn pages_and_answers_carry_the_headers_that_browsers_hold_others_to(kafka: Kafka) {
    let service = Service::with(&kafka, &[("http.embedded_by", r#"["https://apps.example"]"#)]).await;
    for (path, name, value) in [
        ("/", "x-frame-options", "SAMEORIGIN"),
        ("/", "cross-origin-opener-policy", "same-origin"),
        ("/", "cross-origin-resource-policy", "same-origin"),
        ("/", "x-content-type-options", "nosniff"),
        ("/", "referrer-policy", "no-referrer"),
        ("/", "cache-control", "no-cache"),
        // It is there to be framed by others, and its policy says by whom.
        ("/widget", "x-frame-options", ""),
        ("/widget", "cross-origin-opener-policy", ""),
        ("/widget", "cross-origin-resource-policy", "cross-origin"),
        ("/widget/customer-journey.js", "cross-origin-resource-policy", "cross-origin"),
        ("/v1/journeys/+12015550142", "cache-control", "no-store"),
        ("/v1/journeys/+12015550142", "cross-origin-resource-policy", "same-origin"),
        ("/v1/info", "cache-control", "no-store"),
        ("/v1/info", "x-frame-options", "SAMEORIGIN"),
        ("/v1/info", "strict-transport-security", ""),
        ("/nothing", "cache-control", "no-store"),
    ] {
        assert_eq!(service.header(path, name).await, value, "{path} {name}");
    }
    let permissions = service.header("/", "permissions-policy").await;
    assert!(permissions.contains("microphone=()"), "{permissions}");
}
