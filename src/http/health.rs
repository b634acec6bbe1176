//! Alive, ready, and what is the matter with which part. Readiness depends on neither Kafka nor the store: all nodes share these, and
//! agents would lose what they have on the screen.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Service, Shared, bearer};
use crate::auth::Scope;
use crate::journey::Store;
use crate::metrics::recorders::Wait;

const READY: &str = "ready";
const DRAINING: &str = "draining";
const READING: &str = "reading the replay window";

/// For the main address, where only operators see the parts.
pub fn routes() -> Router<Arc<Service>> {
    Router::new().route("/livez", get(livez)).route("/readyz", get(readyz_of_parts_for_operators))
}

/// For the admin address: as open as the metrics.
pub fn admin_routes() -> Router<Arc<Service>> {
    Router::new().route("/livez", get(livez)).route("/readyz", get(readyz))
}

async fn livez() -> &'static str {
    "alive\n"
}

async fn readyz_of_parts_for_operators(service: Shared, query: RawQuery, headers: HeaderMap) -> Response {
    if is_verbose(&query)
        && let Err(refusal) = bearer::may(&service, &headers, Some(Scope::Operate)).await
    {
        return refusal;
    }
    readyz(service, query, headers).await
}

/// Ready once every open call is known, until the drain begins. `?verbose`: with a line for each part, or as JSON.
async fn readyz(State(service): Shared, query: RawQuery, headers: HeaderMap) -> Response {
    let status = if service.drain.is_cancelled() {
        DRAINING
    } else if service.ready.is_cancelled() {
        READY
    } else {
        READING
    };
    let code = if status == READY { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    if !is_verbose(&query) {
        return (code, format!("{status}\n")).into_response();
    }
    let health = Health { status, parts: parts(&service, status, Utc::now()) };
    let accepts = headers.get(header::ACCEPT).and_then(|accepts| accepts.to_str().ok());
    if accepts.is_some_and(|accepts| accepts.contains("application/json")) {
        return (code, Json(health)).into_response();
    }
    (code, health.text()).into_response()
}

fn is_verbose(RawQuery(query): &RawQuery) -> bool {
    query.iter().flat_map(|query| query.split('&')).any(|part| part.split('=').next() == Some("verbose"))
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    parts: Vec<Part>,
}

/// One part of the service. Never holds an address or a name of a person.
#[derive(Debug, Serialize)]
struct Part {
    part: String,
    state: PartState,
    text: String,
    /// The attention code.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<DateTime<Utc>>,
    /// The first offset of each partition that is not kept yet.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    next: BTreeMap<i32, i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum PartState {
    Ok,
    /// Agents still get their pops.
    Degraded,
    /// The node is not ready because of it.
    NotReady,
}

impl Health {
    fn text(&self) -> String {
        let lines = self.parts.iter().map(Part::line);
        std::iter::once(format!("{}\n", self.status)).chain(lines).collect()
    }
}

impl Part {
    fn of(part: impl Into<String>, state: PartState, text: impl Into<String>) -> Self {
        Self { part: part.into(), state, text: text.into(), code: None, since: None, next: BTreeMap::new() }
    }

    /// Erasures that could not be read: recording goes on behind them, so they must be published again.
    fn erasures(unread: u64) -> Option<Self> {
        let text = format!(
            "{unread} could not be read since the start, and the people they name are not erased; `backstory check --set-aside` lists them"
        );
        let part = Self::of("erasures", PartState::Degraded, text);
        (unread > 0).then_some(Self { code: Some("erasure_refused"), ..part })
    }

    fn waiting(wait: Wait, now: DateTime<Utc>) -> Self {
        let Wait { topic, since, why, code, next } = wait;
        let mut text = format!("waiting since {}, {why}", clock(since, now));
        if !next.is_empty() {
            let offsets: Vec<_> = next.iter().map(|(partition, offset)| format!("{partition}/{offset}")).collect();
            text = format!("{text}; next offset {}", offsets.join(", "));
        }
        let part = Self::of(format!("recorder {topic}"), PartState::Degraded, text);
        Self { code: Some(code), since: Some(since), next, ..part }
    }

    fn line(&self) -> String {
        let mark = match self.state {
            PartState::Ok => "[+]",
            PartState::Degraded => "[!]",
            PartState::NotReady => "[-]",
        };
        let code = self.code.map(|code| format!(" ({code})")).unwrap_or_default();
        format!("{mark} {}: {}{code}\n", self.part, self.text)
    }
}

fn parts(service: &Service, status: &str, now: DateTime<Utc>) -> Vec<Part> {
    let mut parts = Vec::new();
    if status == DRAINING {
        parts.push(Part::of("service", PartState::NotReady, "draining"));
    }
    let is_caught_up = service.ready.is_cancelled();
    let (state, text) = if is_caught_up { (PartState::Ok, "caught up") } else { (PartState::NotReady, READING) };
    parts.push(Part::of("calls", state, text));
    for (store, currency, _) in service.way.sources.stores() {
        let kind = match store {
            Store::Embedded(_) => "SQLite",
            Store::Postgres(_) => "PostgreSQL",
        };
        let text = currency.as_of(now).map_or_else(
            || "recorded topics were not read to their ends yet".to_owned(),
            |as_of| format!("current as of {}", clock(as_of, now)),
        );
        parts.push(Part::of(format!("store {kind}"), PartState::Ok, text));
    }
    let waiting = service.way.metrics.recorders.waiting();
    let topics = &service.way.settings.kafka.topics;
    let are_recorded = service.way.sources.stores().next().is_some();
    for topic in [&topics.interactions, &topics.contacts, &topics.erasures].into_iter().filter(|_| are_recorded) {
        if !waiting.iter().any(|wait| wait.topic == *topic) {
            parts.push(Part::of(format!("recorder {topic}"), PartState::Ok, "not waiting"));
        }
    }
    parts.extend(waiting.into_iter().map(|wait| Part::waiting(wait, now)));
    parts.extend(Part::erasures(service.way.metrics.recorders.erasures_unread()));
    parts
}

/// UTC; with its date where that is not today's.
fn clock(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let is_today = at.date_naive() == now.date_naive();
    at.format(if is_today { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_waiting_recorder_is_a_line_with_its_reason_and_position() {
        let wait = Wait {
            topic: "contacts".into(),
            since: time("2026-12-01T02:13:40Z"),
            why: "PostgreSQL cannot be reached".into(),
            code: "recorder_waiting",
            next: [(3, 88_121)].into(),
        };
        let line = |wait: &Wait, now: &str| Part::waiting(wait.clone(), time(now)).line();
        assert_eq!(
            line(&wait, "2026-12-01T23:00:00Z"),
            "[!] recorder contacts: waiting since 02:13:40, PostgreSQL cannot be reached; next offset 3/88121 (recorder_waiting)\n"
        );
        let unknown = Wait { next: BTreeMap::new(), ..wait };
        assert_eq!(
            line(&unknown, "2026-12-02T01:00:00Z"),
            "[!] recorder contacts: waiting since 2026-12-01 02:13:40, PostgreSQL cannot be reached (recorder_waiting)\n"
        );
    }

    #[test]
    fn verbose_is_a_word_of_the_query() {
        let verbose = |query: &str| is_verbose(&RawQuery(Some(query.into())));
        assert!(verbose("verbose") && verbose("a=1&verbose=1") && verbose("verbose="));
        assert!(!verbose("") && !verbose("verbosely") && !verbose("a=verbose") && !is_verbose(&RawQuery(None)));
    }
}
