//! `GET /v1/agent`: the WebSocket handshake, after which the connection is one task of its own.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tracing::debug;

use super::listener::Held;
use super::{Service, bearer, problem};
use crate::push::{SUBPROTOCOL, connection};

pub async fn agent(State(service): State<Arc<Service>>, mut request: Request<Body>) -> Response {
    let headers = request.headers();
    if !has_token(headers, header::CONNECTION, "upgrade") || !has_token(headers, header::UPGRADE, "websocket") {
        return problem(
            StatusCode::UPGRADE_REQUIRED,
            "upgrade_required",
            "this is a WebSocket; ask with Upgrade: websocket",
        );
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let refusal = problem(StatusCode::UPGRADE_REQUIRED, "bad_version", "the WebSocket version is 13");
        return ([(header::SEC_WEBSOCKET_VERSION, "13")], refusal).into_response();
    }
    if !has_token(headers, header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL) {
        return problem(StatusCode::BAD_REQUEST, "bad_subprotocol", "name the subprotocol backstory.v1");
    }
    let Some(accept) = headers.get(header::SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes())) else {
        return problem(StatusCode::BAD_REQUEST, "bad_handshake", "the handshake has no Sec-WebSocket-Key");
    };
    if service.drain.is_cancelled() {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "draining", "this node is going away; ask another");
    }
    let token = bearer::token(headers).map(str::to_owned);
    let upgrade = hyper::upgrade::on(&mut request);
    let drain = service.drain.clone();
    let way = Arc::clone(&service.way);
    let held = request.extensions().get::<Arc<Held>>().cloned();
    service.way.tasks.spawn(async move {
        match upgrade.await {
            Ok(upgraded) => connection::serve(TokioIo::new(upgraded), &way.door, token, drain).await,
            Err(error) => debug!(%error, "the upgrade failed"),
        }
        drop(held);
    });
    let headers = [
        (header::CONNECTION, HeaderValue::from_static("Upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL)),
        (header::SEC_WEBSOCKET_ACCEPT, HeaderValue::from_str(&accept).unwrap_or(HeaderValue::from_static(""))),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(token))
}
