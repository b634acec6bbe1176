//! The routes: what the service answers on its two addresses. The table of contents of everything reachable.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Json, Router};
use chrono::Utc;
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::auth::{Identity, Scope};
use crate::journey::Cursor;
use crate::journey::permits::Purpose;
use crate::journey::timeline::Ask;
use crate::metrics::wire::AnswerRefused;
use crate::phone;
use crate::screen_pop::{TimelineFailure, Way};

mod answers;
mod bearer;
mod gate;
mod guard;
mod health;
pub mod listener;
mod pages;
mod pops;
mod proxies;
mod tickets;
mod tls;
mod upgrade;
pub mod watched;

/// What every request may need.
pub struct Service {
    pub way: Arc<Way>,
    pub guard: Guard,
    pub answers: Arc<Answers>,
    /// Addresses of the brokers, as clients reach them.
    pub brokers: String,
    pub embedded_broker: bool,
    /// Cancelled once the replay window was read.
    pub ready: CancellationToken,
    pub drain: CancellationToken,
}

pub use answers::Answers;
use answers::Reserved;
pub use guard::Guard;
pub use tls::Tls;

type Shared = State<Arc<Service>>;

/// Page, element, WebSocket and API; where authentication is configured, what shows people is for tokens that say so.
pub fn routes(service: Arc<Service>) -> Router {
    let needs = |scope, route| needs(&service, scope, route);
    Router::new()
        .route("/", get(pages::page))
        .route("/widget", get(pages::embedded))
        .route("/widget/gallery", get(pages::gallery))
        .route("/widget/{*path}", get(pages::file))
        .route("/v1/agent", get(upgrade::agent))
        .route("/v1/agents", needs(Some(Scope::Supervise), get(agents)))
        .route("/v1/info", get(info))
        .route("/v1/journeys/{number}", needs(Some(Scope::JourneySearch), get(journey)))
        .route("/v1/tickets", needs(None, post(tickets::issue)))
        .merge(health::routes())
        .fallback(not_found)
        .layer(RequestBodyTimeoutLayer::new(*service.way.settings.http.header_timeout))
        .layer(RequestBodyLimitLayer::new(service.way.settings.http.body_bytes_max))
        .layer(middleware::from_fn_with_state(Arc::clone(&service), guard::check))
        .with_state(service)
}

/// Metrics and health checks.
pub fn admin_routes(service: Arc<Service>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/v1/pops", needs(&service, Some(Scope::Operate), get(pops::pops)))
        .merge(health::admin_routes())
        .fallback(not_found)
        .layer(RequestBodyTimeoutLayer::new(*service.way.settings.http.header_timeout))
        .layer(RequestBodyLimitLayer::new(service.way.settings.http.body_bytes_max))
        .layer(middleware::from_fn_with_state(Arc::clone(&service), guard::check))
        .with_state(service)
}

/// A route for tokens with this scope; without one, for any valid token.
fn needs(
    service: &Arc<Service>,
    scope: Option<Scope>,
    route: MethodRouter<Arc<Service>>,
) -> MethodRouter<Arc<Service>> {
    let needs = bearer::Needs { service: Arc::clone(service), scope };
    route.route_layer(middleware::from_fn_with_state(needs, bearer::check))
}

async fn metrics(State(service): Shared) -> Response {
    let sources = &service.way.sources;
    service.way.metrics.crowd.lookups(&sources.load());
    service.way.metrics.memory.dictionary(sources.stores().map(|(store, ..)| store.dictionary_bytes()).sum());
    let text = service.way.metrics.text(service.way.door.agents.sessions());
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
}

/// What pages need, for everybody; the rest for tokens, where authentication is configured.
async fn info(State(service): Shared, headers: HeaderMap) -> Response {
    let is_configured = service.way.door.authority.tokens().is_some();
    let open = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "authentication": is_configured,
        "embeddedBy": service.way.settings.http.embedded_by,
        "ready": service.ready.is_cancelled(),
    });
    if is_configured && !headers.contains_key(header::AUTHORIZATION) {
        return Json(open).into_response();
    }
    if let Err(refused) = bearer::identity(&service, &headers).await {
        return bearer::unauthorized(refused);
    }
    let topics = &service.way.settings.kafka.topics;
    let mut info = json!({
        "node": service.way.door.node,
        "brokers": service.brokers,
        "embeddedBroker": service.embedded_broker,
        "topics": { "calls": topics.calls, "interactions": topics.interactions, "contacts": topics.contacts,
                    "erasures": topics.erasures, "pops": topics.pops, "audit": topics.audit },
        "store": service.way.sources.describe(),
        "source": service.way.settings.journey.source,
    });
    if let (Value::Object(info), Value::Object(open)) = (&mut info, open) {
        info.extend(open);
    }
    Json(info).into_response()
}

/// Agents with a session here or a call anywhere: for the page to choose from.
async fn agents(State(service): Shared, reserved: Reserved) -> Response {
    reserved.of(&json!({ "agents": service.way.door.agents.list() }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JourneyQuery {
    months: Option<u32>,
    campaign: Option<String>,
    channel: Option<String>,
    time_zone: Option<String>,
    before: Option<chrono::DateTime<Utc>>,
    before_id: Option<smol_str::SmolStr>,
}

async fn journey(
    State(service): Shared,
    who: Option<Extension<Identity>>,
    reserved: Reserved,
    Path(given): Path<String>,
    query: Result<Query<JourneyQuery>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let Ok(Query(query)) = query else {
        return problem(
            StatusCode::BAD_REQUEST,
            "bad_query",
            "months is a number, before a time with a zone (RFC 3339)",
        );
    };
    let way = &service.way;
    let settings = &way.settings.journey;
    let Some(number) = phone::address(&given, settings.default_region.0) else {
        return problem(
            StatusCode::BAD_REQUEST,
            "no_number",
            "nobody can be looked up by this: it is empty, anonymous or an extension",
        );
    };
    let Ok(time_zone) = query.time_zone.as_deref().unwrap_or("UTC").parse::<Tz>() else {
        return problem(
            StatusCode::BAD_REQUEST,
            "unknown_time_zone",
            "this time zone is unknown; write one such as Europe/Lisbon",
        );
    };
    let ask = Ask {
        now: Utc::now(),
        months: query.months.unwrap_or(settings.period_months.get()),
        time_zone,
        campaign: query.campaign,
        channel: query.channel,
        before: query.before.map(|at| Cursor { at, id: query.before_id }),
        limits: way.timeline_limits(),
    };
    let identity = who.map_or_else(|| Identity::unverified(String::new()), |Extension(identity)| identity);
    match way.timeline(number.clone(), ask, way.door.policy.fields(&identity), Purpose::Api).await {
        Ok(timeline) => {
            way.tell_asked_over_http(&identity, number);
            reserved.json(timeline)
        }
        Err(TimelineFailure::Busy) => answers::refusal(AnswerRefused::All),
        Err(TimelineFailure::BadMonths) => {
            problem(StatusCode::BAD_REQUEST, "bad_months", "the period is 3, 6, 9 or 12 months")
        }
        Err(TimelineFailure::Failed) => {
            problem(StatusCode::SERVICE_UNAVAILABLE, "failed", "the store could not be read; see the log")
        }
    }
}

/// The path stays out of the text: it may carry a customer's number.
async fn not_found() -> Response {
    problem(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path")
}

/// An error a program can branch on and a person can read.
fn problem(status: StatusCode, code: &str, text: &str) -> Response {
    (status, Json(json!({ "error": { "code": code, "text": text } }))).into_response()
}
