//! `GET /v1/agent`: the WebSocket handshake, after which the connection is one task of its own.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tracing::debug;

use super::listener::Peer;
use super::{Service, bearer, problem, proxies};
use crate::push::{SUBPROTOCOL, connection};

pub async fn agent(
    State(service): State<Arc<Service>>,
    Extension(Peer { held, .. }): Extension<Peer>,
    mut request: Request<Body>,
) -> Response {
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
    let http = &service.way.settings.http;
    let client = proxies::client(headers, http.forwarded_header, held.gate(), held.peer);
    // Of a proxy's client: anybody else has taken a seat with the connection.
    let seat = held.gate().is_proxy(held.peer).then(|| held.gate().seat(client)).transpose();
    let Ok(seat) = seat else {
        return problem(StatusCode::TOO_MANY_REQUESTS, "too_many", "too many connections come from this address");
    };
    let upgrade = hyper::upgrade::on(&mut request);
    let drain = service.drain.clone();
    let way = Arc::clone(&service.way);
    service.way.tasks.spawn(async move {
        let opened = || held.is_a_session();
        let session = async {
            match upgrade.await {
                Ok(upgraded) => connection::serve(TokioIo::new(upgraded), &way.door, token, drain, opened).await,
                Err(error) => debug!(%error, "the upgrade failed"),
            }
        };
        tokio::select! {
            () = held.is_sent_away() => {}
            () = session => {}
        }
        drop(seat);
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
