//! What the ledger hears: what happens at sessions, and what the way of a call knows of its pops beside that.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Happened;
use super::record::LookedUp;
use crate::push::MissingCode;
use crate::push::open_calls::CallKey;
use crate::push::session::Session;

/// What is known of a pop before it is sent: the event, the look-up, what is missing.
#[derive(Debug, Clone)]
pub struct Context {
    /// Where the event stands in the topic of calls, and when it happened.
    pub partition: i32,
    pub offset: i64,
    pub at: DateTime<Utc>,
    pub heard_at: DateTime<Utc>,
    pub age_ms: i64,
    pub look_up: Option<LookedUp>,
    pub missing: Option<MissingCode>,
    pub announced: bool,
}

impl Context {
    /// The timeline is there, and no source is missing in it.
    pub fn is_whole(&self) -> bool {
        let silent = self.look_up.iter().flat_map(|look_up| &look_up.sources).any(|line| line.missing.is_some());
        self.missing.is_none() && !silent
    }
}

/// What the way of a call says of a pop at a session, beside what happens at the session itself.
pub enum Said {
    /// About to be put into the outbox.
    Pop(Arc<Context>),
    /// About to follow: what the pop lacked.
    Update { whole: bool },
    /// The client shows it already, or more.
    Known,
    /// Nowhere to put it: the call is over, or the session is closed.
    Gone { over: bool },
    /// Older than `calls.open_max`: not shown.
    Stale(Arc<Context>),
}

/// Everything that the ledger hears, in its order.
pub enum Heard {
    Happened(Happened),
    Said { at: DateTime<Utc>, key: Arc<CallKey>, session: Arc<Session>, said: Said },
}
