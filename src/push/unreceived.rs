//! A pop that was not acknowledged yet: kept to be sent again, within limits.

use std::sync::Arc;

use chrono::TimeDelta;

use super::ledger::CallFrame;
use super::outbox::{About, Queued};
use crate::metrics::memory::Memory;

/// A pop that was written and not acknowledged as received is sent again after each of these times, then given up after the
/// last: a client that works answers within milliseconds, one on a bad line within seconds, and what is older than a
/// quarter of a minute is no screen pop any more.
const WAITS_SECONDS: [i64; 4] = [1, 3, 9, 9];
/// Frames kept of one call to be sent again: its pop and the differences since. A call changes a few times in that time.
const UNRECEIVED_FRAMES_MAX: usize = 16;

/// A pop that nobody acknowledged yet, with the differences that followed it.
pub struct Unreceived {
    pub version: u64,
    frames: Vec<Queued>,
    resends: u8,
    held: Held,
}

/// Bytes kept to be sent again, of all sessions of the node together. A pop beyond `http.unacknowledged_bytes_max` is not sent
/// again: clients that never acknowledge must not cost a node its memory.
#[derive(Clone)]
pub struct Unacknowledged(Arc<Bound>);

struct Bound {
    bytes_max: usize,
    memory: Memory,
}

impl Unacknowledged {
    pub fn new(bytes_max: usize, memory: Memory) -> Self {
        Self(Arc::new(Bound { bytes_max, memory }))
    }

    pub fn bytes(&self) -> usize {
        usize::try_from(self.0.memory.unacknowledged_bytes.get()).unwrap_or(0)
    }
}

/// One call's share of them.
struct Held {
    all: Unacknowledged,
    bytes: usize,
}

/// What comes of a pop that is due to be sent again.
#[derive(Debug, PartialEq, Eq)]
pub enum Again {
    Sent,
    GivenUp,
    /// It was acknowledged, or another pop or the end of the call took its place.
    Settled,
}

impl Unreceived {
    pub fn of(pop: Queued, all: &Unacknowledged) -> Self {
        let version = pop.about.as_ref().map_or(0, |about| about.version);
        let held = Held { all: all.clone(), bytes: 0 };
        let mut unreceived = Self { version, frames: Vec::new(), resends: 0, held };
        if unreceived.held.more(pop.frame.len()) {
            unreceived.frames.push(pop);
        } else {
            unreceived.held.give_up();
        }
        unreceived
    }

    /// A difference without what it stands on is worth nothing: all of them are kept, or none.
    pub fn follow(&mut self, difference: &Queued) {
        if self.frames.is_empty() {
            return;
        }
        if self.frames.len() >= UNRECEIVED_FRAMES_MAX {
            self.frames = Vec::new();
            self.held.release();
        } else if self.held.more(difference.frame.len()) {
            self.frames.push(difference.clone());
        } else {
            self.frames = Vec::new();
            self.held.give_up();
        }
    }

    /// How long to wait, now that this was written, before it is sent again or given up.
    pub fn wait_after(&self, about: &About) -> Option<TimeDelta> {
        let waited_for = about.frame == CallFrame::Pop && about.version == self.version;
        WAITS_SECONDS.get(usize::from(about.resend)).filter(|_| waited_for).map(|wait| TimeDelta::seconds(*wait))
    }

    /// What to send now; `None` where it is given up.
    pub fn again(&mut self) -> Option<Vec<Queued>> {
        if usize::from(self.resends) + 1 >= WAITS_SECONDS.len() || self.frames.is_empty() {
            return None;
        }
        self.resends += 1;
        let mut frames = self.frames.clone();
        for about in frames.iter_mut().filter_map(|queued| queued.about.as_mut()) {
            about.resend = self.resends;
        }
        Some(frames)
    }
}

impl Held {
    /// `false`: that is too much.
    fn more(&mut self, bytes: usize) -> bool {
        let all = self.all.bytes() + bytes;
        self.all.0.memory.unacknowledged_bytes.inc_by(i64::try_from(bytes).unwrap_or(i64::MAX));
        self.bytes += bytes;
        all <= self.all.0.bytes_max
    }

    fn release(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.all.0.memory.unacknowledged_bytes.dec_by(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    fn give_up(&mut self) {
        self.release();
        self.all.0.memory.unacknowledged_dropped();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.release();
    }
}
