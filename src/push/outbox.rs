//! What waits to be written to one session. Bounded, never waits, and takes no memory while nothing waits.
//!
//! A client that reads too slowly fills it. Then frames go that a later one in the same outbox makes unnecessary: whatever
//! was to be said of a call before a whole `pop` or an `ended` of it; but not an `ended` for a `pop`, nor the `pop` of a call that
//! stays on the screen after its end. What nothing replaces is never dropped: where only that waits, the session is closed as
//! slow, and comes back to a fresh start.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::CloseCode;
use super::ledger::CallFrame;
use super::open_calls::CallKey;

pub struct Outbox {
    frames_max: usize,
    waiting: Mutex<Waiting>,
    news: Notify,
}

#[derive(Default)]
struct Waiting {
    frames: VecDeque<Queued>,
    closed: Option<CloseCode>,
}

/// An encoded frame; cheap to clone.
#[derive(Debug, Clone)]
pub struct Queued {
    pub frame: Bytes,
    /// Of frames that belong to a call.
    pub about: Option<About>,
    /// Dropped with the frame: once it has been written to the socket, or thrown away.
    pub guard: Option<Guard>,
}

/// Something that is held for as long as a frame waits and is written, such as a permit.
#[derive(Clone)]
pub struct Guard {
    _held: Arc<dyn Send + Sync>,
}

impl Guard {
    pub fn of(held: impl Send + Sync + 'static) -> Self {
        Self { _held: Arc::new(held) }
    }
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Guard")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    pub key: Arc<CallKey>,
    pub version: u64,
    pub frame: CallFrame,
    /// Of an end: the call stays on the screen for its wrap-up.
    pub stays: bool,
    /// How often it was sent before.
    pub resend: u8,
}

/// What became of a frame that was put in.
#[derive(Debug)]
pub enum Put {
    Waits,
    /// It waits, and these went for it.
    InPlaceOf(Vec<About>),
    /// Nothing could go: the outbox is closed as slow.
    Full(Option<About>),
    /// It was closed before.
    Closed,
}

impl Queued {
    /// One that belongs to no call.
    pub fn plain(frame: String) -> Self {
        Self { frame: frame.into(), about: None, guard: None }
    }

    /// Holds this until the frame has been written or thrown away.
    pub fn holding(self, held: impl Send + Sync + 'static) -> Self {
        Self { guard: Some(Guard::of(held)), ..self }
    }

    pub fn of_call(key: &Arc<CallKey>, version: u64, kind: CallFrame, frame: String) -> Self {
        let about = About { key: Arc::clone(key), version, frame: kind, stays: false, resend: 0 };
        Self { frame: frame.into(), about: Some(about), guard: None }
    }

    /// The end of a call, after which it stays on the screen or not.
    pub fn end_of_call(key: &Arc<CallKey>, version: u64, stays: bool, frame: String) -> Self {
        let Self { frame, about, guard } = Self::of_call(key, version, CallFrame::Ended, frame);
        Self { frame, about: about.map(|about| About { stays, ..about }), guard }
    }
}

impl About {
    fn makes_unnecessary(&self, earlier: &Self) -> bool {
        let replaces = match self.frame {
            CallFrame::Update => false,
            // On a screen that shows the call still as open it would come a second time.
            CallFrame::Pop => earlier.frame != CallFrame::Ended,
            CallFrame::Ended => !self.stays || earlier.frame == CallFrame::Update,
        };
        replaces && self.version > earlier.version && self.key == earlier.key
    }
}

impl Outbox {
    pub fn new(frames_max: usize) -> Self {
        Self { frames_max, waiting: Mutex::default(), news: Notify::new() }
    }

    pub fn put(&self, queued: Queued) -> Put {
        let mut waiting = self.waiting.lock();
        if waiting.closed.is_some() {
            return Put::Closed;
        }
        let mut put = Put::Waits;
        if waiting.frames.len() >= self.frames_max {
            let superseded = make_room(&mut waiting.frames, queued.about.as_ref());
            if superseded.is_empty() {
                *waiting = Waiting { frames: VecDeque::new(), closed: Some(CloseCode::Slow) };
                self.news.notify_one();
                return Put::Full(queued.about);
            }
            put = Put::InPlaceOf(superseded);
        }
        waiting.frames.push_back(queued);
        self.news.notify_one();
        put
    }

    /// Puts an answer in that somebody asked for, if it fits; `false` where it does not. It never closes the outbox, and takes
    /// at most half of it: the other half stays for what happens to calls.
    pub fn offer(&self, answer: Queued) -> bool {
        let mut waiting = self.waiting.lock();
        let fits = waiting.frames.is_empty() || 2 * (waiting.frames.len() + 1) <= self.frames_max;
        let fits = fits && waiting.closed.is_none();
        if fits {
            waiting.frames.push_back(answer);
            self.news.notify_one();
        }
        fits
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.lock().frames.is_empty()
    }

    pub fn is_half_full(&self) -> bool {
        let waiting = self.waiting.lock().frames.len();
        2 * waiting >= self.frames_max
    }

    /// Whether a frame of this call waits.
    pub fn holds(&self, key: &CallKey) -> bool {
        let waiting = self.waiting.lock();
        waiting.frames.iter().filter_map(|queued| queued.about.as_ref()).any(|about| *about.key == *key)
    }

    /// Whatever waits is not written any more.
    pub fn close(&self, code: CloseCode) {
        let mut waiting = self.waiting.lock();
        let closed = waiting.closed.or(Some(code));
        *waiting = Waiting { frames: VecDeque::new(), closed };
        self.news.notify_one();
    }

    /// The next frame to write, if one waits; or why there will be none. Waiting for it may be given up at any time.
    pub async fn next(&self) -> Result<Queued, CloseCode> {
        loop {
            if let Some(next) = self.try_next() {
                return next;
            }
            // Whoever puts a frame in between leaves a permit behind.
            self.news.notified().await;
        }
    }

    pub fn try_next(&self) -> Option<Result<Queued, CloseCode>> {
        let mut waiting = self.waiting.lock();
        if let Some(code) = waiting.closed {
            return Some(Err(code));
        }
        let next = waiting.frames.pop_front();
        if waiting.frames.is_empty() {
            waiting.frames = VecDeque::new();
        }
        next.map(Ok)
    }
}

/// Drops what a later frame, among them the one that comes, makes unnecessary.
fn make_room(frames: &mut VecDeque<Queued>, coming: Option<&About>) -> Vec<About> {
    let later = frames.iter().filter_map(|queued| queued.about.as_ref()).chain(coming);
    let later: Vec<About> = later.filter(|about| about.frame != CallFrame::Update).cloned().collect();
    let mut superseded = Vec::new();
    frames.retain(|queued| {
        let dropped = queued.about.as_ref().filter(|about| later.iter().any(|later| later.makes_unnecessary(about)));
        superseded.extend(dropped.cloned());
        dropped.is_none()
    });
    superseded
}

#[cfg(test)]
mod tests;
