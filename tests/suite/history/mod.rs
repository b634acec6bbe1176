//! What happened, and whether it may: every call event that was produced and every frame that an agent received are written
//! down with their times, and held against the promises afterwards.
//!
//! The checker knows the rules of the protocol and the model of a screen, and nothing of the service: it decides by what was
//! published and by what arrived. `check` names the rules, `screen` is what an agent sees, `planted` holds that each rule
//! finds what it is for.

mod check;
mod digests;
mod ledger;
mod order;
mod screen;

mod planted;

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use serde_json::Value;

pub use check::{Counted, Limits, Verdict};
pub use screen::Screen;

/// In the order in which a call goes through them: ties of `at` are decided by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    Offered,
    Connected,
    WrapUp,
    Ended,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Connected => "connected",
            Self::WrapUp => "wrap_up",
            Self::Ended => "ended",
        }
    }
}

/// A call event that Kafka has taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub call_id: String,
    pub agent_id: String,
    pub state: State,
    pub at: DateTime<Utc>,
    pub partition: i32,
    pub offset: i64,
}

impl Event {
    /// What decides between two events of one call at one agent.
    pub fn rank(&self) -> (DateTime<Utc>, State) {
        (self.at, self.state)
    }
}

/// One place to work at, whose screen outlives its sessions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Desk {
    pub agent_id: String,
    pub nth: usize,
}

#[derive(Debug, Clone)]
pub enum Entry {
    Published(Event),
    /// A session was welcomed.
    Opened {
        desk: Desk,
        session: String,
        node: String,
        /// How many calls the desk said to show already.
        showing: usize,
    },
    /// A frame about a call.
    Frame {
        desk: Desk,
        session: String,
        frame: Value,
    },
    Closed {
        session: String,
    },
}

/// The record of one test; shared by everyone who does something in it.
pub struct History {
    began: Instant,
    began_at: DateTime<Utc>,
    entries: Mutex<Vec<(Duration, Entry)>>,
}

impl Default for History {
    fn default() -> Self {
        Self { began: Instant::now(), began_at: Utc::now(), entries: Mutex::default() }
    }
}

impl History {
    pub fn add(&self, entry: Entry) {
        let mut entries = self.entries.lock();
        // Under the lock: times grow with the entries.
        let at = self.began.elapsed();
        entries.push((at, entry));
    }

    /// Everything until now, held against the promises.
    pub fn judge(&self, limits: Limits) -> Verdict {
        let entries = self.entries.lock().clone();
        check::judge(&entries, self.began_at, self.began.elapsed(), limits)
    }
}
