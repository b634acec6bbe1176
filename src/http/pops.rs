//! What became of the last hour's pops on this node, for operators.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::answers::Reserved;
use super::{Shared, problem};

const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1000;

#[derive(Deserialize)]
pub struct PopsQuery {
    call: Option<String>,
    agent: Option<String>,
    limit: Option<usize>,
}

/// Newest first.
pub async fn pops(
    State(service): Shared,
    reserved: Reserved,
    query: Result<Query<PopsQuery>, QueryRejection>,
) -> Response {
    let Ok(Query(query)) = query else {
        return problem(StatusCode::BAD_REQUEST, "bad_query", "call and agent are ids, limit is a number");
    };
    let limit = query.limit.unwrap_or(LIMIT).min(LIMIT_MAX);
    let found = service.way.ledger().find(query.call.as_deref(), query.agent.as_deref(), limit);
    reserved.of(&json!({ "node": service.way.door.node, "pops": found }))
}
