//! `POST /v1/tickets`: in place of a token, one use, a short time, at this node.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;

use super::{Shared, problem};
use crate::auth::Identity;

/// For the agent of the request's token.
pub async fn issue(State(service): Shared, identity: Option<Extension<Identity>>) -> Response {
    let (Some(tokens), Some(Extension(identity))) = (service.way.door.authority.tokens(), identity) else {
        let text = "no authentication is configured: hello names the agent, and no ticket is needed";
        return problem(StatusCode::NOT_FOUND, "no_authentication", text);
    };
    let Some(issued) = tokens.issue(identity) else {
        let text = "too many tickets wait to be redeemed (auth.tickets_max); try again";
        return problem(StatusCode::SERVICE_UNAVAILABLE, "too_many_tickets", text);
    };
    let ticket = json!({ "ticket": issued.ticket, "expiresAt": issued.expires_at });
    (StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(ticket)).into_response()
}
