//! What becomes of each pop at each session, told once, where it happens. Never waits, and knows nothing of who reads it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use super::open_calls::CallKey;
use super::session::Session;
use super::{CloseCode, EndReason};
use crate::metrics::Metrics;

mod kept;
pub mod record;
mod said;

use kept::Kept;
use record::{Line, NodeState, Pop};
use said::Heard;
pub use said::{Context, Said};

/// What waits for the next turn, up to so much: several seconds of the largest load that was measured.
const HEARD_MAX: usize = 100_000;

/// Something that happened at a session.
pub struct Happened {
    pub at: DateTime<Utc>,
    pub session: Arc<Session>,
    pub what: Happening,
}

pub enum Happening {
    SessionOpened,
    /// Without a code where the client left by itself, or the line broke.
    SessionClosed {
        code: Option<CloseCode>,
    },
    /// Of one call; `key` names whose it is, which for a supervisor's session is not the session's agent.
    Call {
        key: Arc<CallKey>,
        /// The frame's: grows within a session, and is the same where a frame is sent again.
        version: u64,
        what: CallHappening,
    },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CallHappening {
    /// Written to the socket. `resend` counts from 1; 0 is the first time.
    Sent { frame: CallFrame, bytes: usize, resend: u8 },
    /// Not sent: the client came with it on its screen.
    Known,
    /// The client has the frame; milliseconds by its own clock, since it arrived there.
    Received { ms: Option<f64> },
    /// The client has shown it.
    Rendered { ms: Option<f64> },
    /// A pop was sent again as often as it may be, and nobody said that it was received.
    GivenUp,
    /// Never written: the outbox was full, and a later frame of the same call makes it unnecessary.
    Superseded { frame: CallFrame },
    /// Never written: the outbox was full, and the session is closed as slow.
    OutboxFull { frame: CallFrame },
    /// The call is over for this session, which showed it; the frame that says so comes as `Sent`.
    Ended { reason: EndReason },
}

/// Which frame of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallFrame {
    Pop,
    Update,
    Ended,
}

impl Happening {
    pub fn name(&self) -> &'static str {
        match self {
            Self::SessionOpened => "session_opened",
            Self::SessionClosed { .. } => "session_closed",
            Self::Call { what, .. } => what.name(),
        }
    }
}

impl CallHappening {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sent { resend: 0, .. } => "sent",
            Self::Sent { .. } => "sent_again",
            Self::Known => "known",
            Self::Received { .. } => "received",
            Self::Rendered { .. } => "rendered",
            Self::GivenUp => "given_up",
            Self::Superseded { .. } => "superseded",
            Self::OutboxFull { .. } => "outbox_full",
            Self::Ended { .. } => "ended",
        }
    }
}

/// Where all of it is told. What is heard waits until a turn puts it together; where too much waits, it is lost, and counted.
pub struct Ledger {
    metrics: Arc<Metrics>,
    heard: Mutex<Vec<Heard>>,
    lost: AtomicU64,
    kept: Mutex<Kept>,
}

impl Ledger {
    /// One that keeps nothing yet.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        let kept = Mutex::new(Kept::new(String::new(), String::new(), Utc::now(), 0));
        Self { metrics, heard: Mutex::default(), lost: AtomicU64::new(0), kept }
    }

    /// Keeps so many pops, as those of this node, which starts now and hears calls of this topic.
    pub fn keeping(self, pops_max: usize, node: &str, topic: &str) -> Self {
        Self { kept: Mutex::new(Kept::new(node.to_owned(), topic.to_owned(), Utc::now(), pops_max)), ..self }
    }

    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Called with locks held: must not wait, nor ask `Agents` anything.
    pub fn happened(&self, happened: Happened) {
        self.metrics.happened(happened.what.name());
        self.hear(Heard::Happened(happened));
    }

    /// What the way of a call knows, beside what happens at a session.
    pub fn said(&self, key: &Arc<CallKey>, session: &Arc<Session>, said: Said, at: DateTime<Utc>) {
        self.hear(Heard::Said { at, key: Arc::clone(key), session: Arc::clone(session), said });
    }

    fn hear(&self, heard: Heard) {
        let mut waiting = self.heard.lock();
        if waiting.len() < HEARD_MAX {
            waiting.push(heard);
        } else {
            self.lost.fetch_add(1, Ordering::Relaxed);
            self.metrics.ledger_lost("not_taken_in", 1);
        }
    }

    /// Puts together what was heard since the last turn; gives back the lines to write.
    pub fn turn(&self, now: DateTime<Utc>) -> Vec<Line> {
        let heard = std::mem::take(&mut *self.heard.lock());
        self.kept.lock().turn(heard, now)
    }

    /// That this node is alive; `lost` are lines that were given back and could not be written.
    pub fn alive(&self, state: NodeState, lost: u64, every_ms: u64, now: DateTime<Utc>) -> Line {
        self.kept.lock().alive(state, lost + self.lost.load(Ordering::Relaxed), every_ms, now)
    }

    /// The last hour's pops of a call, an agent, or all, newest first.
    pub fn find(&self, call_id: Option<&str>, agent_id: Option<&str>, limit: usize) -> Vec<Pop> {
        self.kept.lock().find(call_id, agent_id, limit)
    }
}
