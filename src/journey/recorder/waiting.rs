//! A recorder whose store fails waits, says why and where, counts it, and says when it goes on.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::Utc;
use tracing::{error, info};

use super::Recorder;
use crate::journey::StoreError;
use crate::journey::keep::NotKept;
use crate::metrics::recorders::{self, Wait};

/// The first wait; doubled up to the second, which is how long a store that works again may stay unnoticed.
const WAIT_MIN: Duration = Duration::from_millis(250);
const WAIT_MAX: Duration = Duration::from_secs(5);
/// The same reason is said again only after this time.
const SAY_AGAIN: Duration = Duration::from_secs(60);

/// What operators are to look at, as all places name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attention {
    /// The store is away or full.
    RecorderWaiting,
    /// The store takes hardly any record.
    StoreRefuses,
    /// The store does not take an erasure.
    ErasureRefused,
}

impl Attention {
    fn of(error: &NotKept) -> Self {
        match error {
            NotKept::Store(_) | NotKept::NotOwned => Self::RecorderWaiting,
            NotKept::StoreRefuses(_) => Self::StoreRefuses,
            NotKept::ErasureRefused(_) => Self::ErasureRefused,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::RecorderWaiting => "recorder_waiting",
            Self::StoreRefuses => "store_refuses",
            Self::ErasureRefused => "erasure_refused",
        }
    }
}

pub struct Waiting<'a> {
    recorder: &'a Recorder,
    /// What fails, for the log.
    what: &'static str,
    /// The first offset of each partition that is not kept yet.
    next: BTreeMap<i32, i64>,
    wait: Duration,
    since: Option<(Instant, recorders::Waiting)>,
    said: Option<(Instant, String)>,
}

impl<'a> Waiting<'a> {
    pub fn new(recorder: &'a Recorder, what: &'static str) -> Self {
        Self { recorder, what, next: BTreeMap::new(), wait: WAIT_MIN, since: None, said: None }
    }

    /// Where it waits: the first offset of each partition.
    pub fn at(self, next: BTreeMap<i32, i64>) -> Self {
        Self { next, ..self }
    }

    /// Until it is time to try again.
    pub async fn after(&mut self, error: &NotKept) {
        let (metrics, topic) = (&self.recorder.metrics.recorders, &self.recorder.topic);
        metrics.store_failed(topic);
        // The reason first: who sees that it waits finds it.
        self.say(error.to_string());
        let (why, code) = (why(error), Attention::of(error).code());
        match &self.since {
            Some((_, waiting)) => waiting.because(why, code),
            None => {
                let (topic, next) = (topic.clone(), self.next.clone());
                let waiting = metrics.begins_to_wait(Wait { topic, since: Utc::now(), why, code, next });
                self.since = Some((Instant::now(), waiting));
            }
        }
        tokio::time::sleep(self.wait).await;
        self.wait = (self.wait * 2).min(WAIT_MAX);
    }

    fn say(&mut self, reason: String) {
        if self.said.as_ref().is_some_and(|(at, said)| *said == reason && at.elapsed() < SAY_AGAIN) {
            return;
        }
        error!(
            kafka.topic = self.recorder.topic,
            store = self.recorder.store.describe(),
            error = reason,
            "{}; waiting until it can: nothing is lost while Kafka keeps the records",
            self.what
        );
        self.said = Some((Instant::now(), reason));
    }

    /// It worked.
    pub fn end(self) {
        if let Some((since, _)) = self.since {
            let waited_ms = since.elapsed().as_millis() as u64;
            info!(
                kafka.topic = self.recorder.topic,
                store = self.recorder.store.describe(),
                waited_ms,
                "recording goes on"
            );
        }
    }
}

/// In a few words, without addresses and values, which what a server says may hold; the log has the whole reason.
fn why(error: &NotKept) -> String {
    let error = match error {
        NotKept::Store(error) | NotKept::StoreRefuses(error) | NotKept::ErasureRefused(error) => error,
        NotKept::NotOwned => return error.to_string(),
    };
    match error {
        StoreError::Unreachable(_) => "PostgreSQL cannot be reached".to_owned(),
        StoreError::Postgres(error) => match error.code() {
            Some(state) => format!("PostgreSQL answers with SQLSTATE {}", state.code()),
            None => "the connection to PostgreSQL was lost".to_owned(),
        },
        StoreError::Sqlite(_) => {
            let reason = error.to_string();
            reason.split_once(';').map_or(reason.as_str(), |(brief, _)| brief).to_owned()
        }
        _ => "the store failed".to_owned(),
    }
}
