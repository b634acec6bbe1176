//! Answers that are being made or written: their bytes are bounded, for each client and in all, so that clients that ask and do not
//! read cannot fill the memory.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use serde_json::Value;

use super::gate::{Place, place};
use super::listener::Peer;
use super::{Service, problem, proxies};
use crate::auth::Identity;
use crate::config::Http;
use crate::metrics::Metrics;
use crate::metrics::wire::AnswerRefused;

/// What an answer counts before its size is known: more than a timeline of `journey.interactions_max` interactions with short
/// comments.
const ESTIMATE_BYTES: usize = 256 * 1024;
/// When a client may ask again. Most answers are written within milliseconds.
const RETRY_AFTER_SECONDS: &str = "1";

/// Whose answers are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Who {
    Agent(String),
    /// Without authentication, or for a token of no agent.
    Client(Place),
}

impl Who {
    fn of(request: &Parts, http: &Http) -> Option<Self> {
        let agent = request.extensions.get::<Identity>().map(|identity| &identity.agent_id);
        if let Some(agent_id) = agent.filter(|agent_id| !agent_id.is_empty()) {
            return Some(Self::Agent(agent_id.clone()));
        }
        let Peer { held, .. } = request.extensions.get()?;
        let client = proxies::client(&request.headers, http.forwarded_header, held.gate(), held.peer);
        Some(Self::Client(place(client)))
    }
}

/// The bounds, and what counts against them.
pub struct Answers {
    all_max: usize,
    per_identity_max: usize,
    held: Mutex<Held>,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct Held {
    all: usize,
    by: HashMap<Who, usize>,
}

impl Answers {
    pub fn new(http: &Http, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            all_max: http.answers_bytes_max,
            per_identity_max: http.answers_per_identity_bytes_max,
            held: Mutex::default(),
            metrics,
        })
    }

    /// Room for an answer whose size is not known yet.
    fn reserve(self: &Arc<Self>, who: Who) -> Result<Reserved, AnswerRefused> {
        let mut reserved = Reserved { of: Arc::clone(self), who, bytes: 0 };
        reserved.resize(ESTIMATE_BYTES)?;
        Ok(reserved)
    }

    /// Why so much more does not fit. A single answer fits, however large it is: it is bounded itself.
    fn refuse(&self, held: &Held, who: &Who, before: usize, after: usize) -> Option<AnswerRefused> {
        let over = |others: usize, max: usize| others > 0 && others + after > max;
        let of_client = held.by.get(who).copied().unwrap_or_default();
        if over(of_client - before, self.per_identity_max) {
            return Some(AnswerRefused::PerIdentity);
        }
        over(held.all - before, self.all_max).then_some(AnswerRefused::All)
    }
}

/// Room for the answer to a request, before anything is done for it.
impl FromRequestParts<Arc<Service>> for Reserved {
    type Rejection = Response;

    async fn from_request_parts(request: &mut Parts, service: &Arc<Service>) -> Result<Self, Response> {
        // The listener says of every request whose it is.
        let who = Who::of(request, &service.way.settings.http).ok_or_else(|| refusal(AnswerRefused::All))?;
        service.answers.reserve(who).map_err(refusal)
    }
}

/// Room that an answer takes until this is dropped.
pub struct Reserved {
    of: Arc<Answers>,
    who: Who,
    bytes: usize,
}

impl Reserved {
    /// The size is known now.
    pub fn resize(&mut self, bytes: usize) -> Result<(), AnswerRefused> {
        let mut held = self.of.held.lock();
        if bytes > self.bytes
            && let Some(refused) = self.of.refuse(&held, &self.who, self.bytes, bytes)
        {
            drop(held);
            self.of.metrics.wire.answer_refused(refused);
            return Err(refused);
        }
        self.set(&mut held, bytes);
        drop(held);
        self.bytes = bytes;
        Ok(())
    }

    fn set(&self, held: &mut Held, bytes: usize) {
        held.all = held.all - self.bytes + bytes;
        let of_client = held.by.entry(self.who.clone()).or_default();
        *of_client = *of_client - self.bytes + bytes;
        if *of_client == 0 {
            held.by.remove(&self.who);
        }
        self.of.metrics.wire.answer_bytes(held.all);
    }

    /// As below, of a value.
    pub fn of(self, value: &Value) -> Response {
        self.json(value.to_string())
    }

    /// JSON that counts until it was written to the socket, or its connection has ended.
    pub fn json(mut self, json: String) -> Response {
        match self.resize(json.len()) {
            Ok(()) => {
                let body = Body::from(Bytes::from_owner(Answer { json, _reserved: self }));
                ([(header::CONTENT_TYPE, "application/json")], body).into_response()
            }
            Err(refused) => refusal(refused),
        }
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let of = Arc::clone(&self.of);
        self.set(&mut of.held.lock(), 0);
    }
}

/// The connection drops it with its last byte.
struct Answer {
    json: String,
    _reserved: Reserved,
}

impl AsRef<[u8]> for Answer {
    fn as_ref(&self) -> &[u8] {
        self.json.as_bytes()
    }
}

pub fn refusal(refused: AnswerRefused) -> Response {
    let mut refusal = match refused {
        AnswerRefused::PerIdentity => problem(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_answers",
            "earlier answers to you have not been read yet (http.answers_per_identity_bytes_max); read them, and try again",
        ),
        AnswerRefused::All => {
            problem(StatusCode::SERVICE_UNAVAILABLE, "busy", "too much is being asked for right now; try again")
        }
    };
    refusal.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
    refusal
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn answers(all_max: usize, per_identity_max: usize) -> Arc<Answers> {
        let said = [
            ("http.answers_bytes_max".to_owned(), all_max.to_string()),
            ("http.answers_per_identity_bytes_max".to_owned(), per_identity_max.to_string()),
        ];
        let settings = crate::config::load_without_kafka(&crate::config::Layers::new(None, &said).unwrap()).unwrap();
        Answers::new(&settings.http, Metrics::new())
    }

    fn ana() -> Who {
        Who::Agent("ana".into())
    }

    #[test]
    fn answers_of_a_client_that_does_not_read_are_bounded_and_others_have_their_own() {
        let answers = answers(64 * MIB, MIB);
        let held: Vec<_> = (0..100).filter_map(|_| answers.reserve(ana()).ok()).collect();
        assert_eq!(held.len() * ESTIMATE_BYTES, MIB);
        assert_eq!(answers.reserve(ana()).err(), Some(AnswerRefused::PerIdentity));
        assert!(answers.reserve(Who::Agent("ben".into())).is_ok());
        drop(held);
        assert!(answers.reserve(ana()).is_ok());
        assert!(answers.held.lock().by.is_empty(), "nobody is remembered");
    }

    #[test]
    fn answers_to_everybody_are_bounded_together() {
        let answers = answers(2 * MIB, MIB);
        let held: Vec<_> = (0..100).filter_map(|nth| answers.reserve(Who::Agent(nth.to_string())).ok()).collect();
        assert_eq!(held.len() * ESTIMATE_BYTES, 2 * MIB);
        assert_eq!(answers.reserve(ana()).err(), Some(AnswerRefused::All));
    }

    #[test]
    fn the_true_size_counts_from_when_it_is_known_until_the_last_byte_has_gone() {
        let answers = answers(64 * MIB, 4 * MIB);
        let first = answers.reserve(ana()).ok().unwrap().json("x".repeat(3 * MIB));
        let second = answers.reserve(ana()).ok().unwrap();
        assert_eq!(second.json("x".repeat(2 * MIB)).status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answers.held.lock().all, 3 * MIB);
        drop(first);
        assert_eq!(answers.held.lock().all, 0);
    }

    #[test]
    fn a_single_answer_fits_however_large_it_is() {
        let answers = answers(MIB, MIB);
        let large = answers.reserve(ana()).ok().unwrap().json("x".repeat(8 * MIB));
        assert_eq!(large.status(), StatusCode::OK);
        assert_eq!(answers.reserve(ana()).err(), Some(AnswerRefused::PerIdentity));
    }

    #[test]
    fn a_refusal_says_when_to_come_again() {
        for refused in [AnswerRefused::PerIdentity, AnswerRefused::All] {
            assert_eq!(refusal(refused).headers()[header::RETRY_AFTER], "1");
        }
    }
}
