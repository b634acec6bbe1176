//! Requests that want to be read in two ways: paths that lead elsewhere, lines within lines, two lengths.

use super::raw::Raw;
use super::still_serves;
use crate::harness::{Kafka, Service};

on_the_embedded_broker![
    no_path_leads_out_of_what_was_built_in,
    nothing_that_a_request_carries_becomes_a_header_of_the_answer,
    a_request_with_two_lengths_is_answered_once_at_most,
];

async fn no_path_leads_out_of_what_was_built_in(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    // More steps up than any folder is deep; and two, which would lead from where the element is built to the project's own.
    let up = |step: &str| step.repeat(20);
    for path in [
        "/widget/../../Cargo.toml",
        "/widget/%2e%2e/%2e%2e/Cargo.toml",
        &format!("/widget/{}etc/passwd", up("../")),
        &format!("/widget/{}etc/passwd", up("%2e%2e/")),
        &format!("/widget/{}etc%2fpasswd", up("..%2f")),
        &format!("/widget/{}etc%5cpasswd", up("%2e%2e%5c")),
        &format!("/widget/{}etc\\passwd", up("..\\")),
        &format!("/widget/{}etc/passwd", up("....//")),
        &format!("/widget/{}etc/passwd", up("%252e%252e/")),
        &format!("/widget/{}etc/passwd", up("%c0%ae%c0%ae/")),
        &format!("/widget/assets/{}etc/passwd", up("../")),
        &format!("/widget/./{}etc/passwd", up("../")),
        "/widget//etc/passwd",
        "/widget/%2fetc%2fpasswd",
        "/widget/%00/etc/passwd",
        "/widget/index.html%00.js",
        &format!("/{}etc/passwd", up("../")),
        "//etc/passwd",
        "/etc/passwd",
        "file:///etc/passwd",
        &format!("http://localhost/widget/{}etc/passwd", up("../")),
    ] {
        let mut raw = Raw::to(&service).await;
        raw.says(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).await;
        let answer = String::from_utf8_lossy(&raw.rest().await).into_owned();
        assert!(answer.starts_with("HTTP/1.1 404") || answer.starts_with("HTTP/1.1 400"), "{path}: {answer}");
        assert!(!answer.contains("root:") && !answer.contains("[package]"), "{path}");
        assert!(!answer.contains("passwd"), "the path stays out of the answer: {answer}");
    }
    still_serves(&service, &mut ana).await;
}

async fn nothing_that_a_request_carries_becomes_a_header_of_the_answer(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    for request in [
        "GET /v1/journeys/%0d%0aX-Planted:%201 HTTP/1.1\r\nHost: localhost\r\n",
        "GET /widget/%0d%0aX-Planted:%201.js HTTP/1.1\r\nHost: localhost\r\n",
        "GET /v1/journeys/+12015550142?timeZone=%0d%0aX-Planted:%201 HTTP/1.1\r\nHost: localhost\r\n",
        "GET /v1/info HTTP/1.1\r\nHost: localhost%0d%0aX-Planted: 1\r\n",
        "GET /v1/info HTTP/1.1\r\nHost: localhost\rX-Planted: 1\r\n",
        "GET /v1/info HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\rX-Planted: 1\r\n",
        "GET /v1/agent HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: a\rX-Planted: 1\r\nSec-WebSocket-Protocol: backstory.v1\r\n",
        "GET /v1/agent HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: a\r\nSec-WebSocket-Protocol: backstory.v1,\rX-Planted: 1\r\n",
    ] {
        let mut raw = Raw::to(&service).await;
        raw.says(format!("{request}Connection: close\r\n\r\n")).await;
        let answer = String::from_utf8_lossy(&raw.rest().await).into_owned();
        let (head, _) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        assert!(!head.contains("Planted"), "{request}: {answer}");
        // In the body it may stand as what was asked for, with its line's end escaped.
        assert!(!answer.contains("\nX-Planted") && !answer.contains("\rX-Planted"), "{request}: {answer}");
    }
    still_serves(&service, &mut ana).await;
}

async fn a_request_with_two_lengths_is_answered_once_at_most(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    let smuggled = "GET /v1/info HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for lengths in [
        "Content-Length: 0\r\nContent-Length: 49\r\n",
        "Content-Length: 0, 49\r\n",
        "Content-Length: +0\r\n",
        "Content-Length: 0x0\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding:\x0bchunked\r\n",
    ] {
        let mut raw = Raw::to(&service).await;
        raw.says(format!("POST /livez HTTP/1.1\r\nHost: localhost\r\n{lengths}\r\n0\r\n\r\n{smuggled}")).await;
        let answer = String::from_utf8_lossy(&raw.rest().await).into_owned();
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{lengths}: {answer}");
        assert!(!answer.contains("\"version\""), "what was smuggled is not answered: {lengths}: {answer}");
    }
    still_serves(&service, &mut ana).await;
}
