//! What becomes of each pop at each session, told once, where it happens. Never waits, and knows nothing of who reads it.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::open_calls::CallKey;
use super::session::Session;
use super::{CloseCode, EndReason};
use crate::metrics::Metrics;

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

/// Where all of it is told.
pub struct Ledger {
    metrics: Arc<Metrics>,
}

impl Ledger {
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics }
    }

    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Called with locks held: must not wait, nor ask `Agents` anything.
    pub fn happened(&self, happened: Happened) {
        self.metrics.happened(happened.what.name());
    }
}
