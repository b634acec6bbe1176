//! What waits to be written to one session. Bounded, never waits, and takes no memory while nothing waits.
//!
//! A client that reads too slowly fills it. Then frames go that a later one in the same outbox makes unnecessary: whatever
//! was to be said of a call before a whole `pop` or an `ended` of it; but not an `ended` for a `pop`, nor the `pop` of a call that
//! stays on the screen after its end. What nothing replaces is never dropped: where only that waits, the session is closed as
//! slow, and comes back to a fresh start. So it is with its bytes. An outbox in which nothing waits takes any frame, but for what
//! `outboxes` says.

use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::CloseCode;
use super::ledger::CallFrame;
use super::open_calls::CallKey;
use super::outboxes::{Held, Outboxes, SMALL_BYTES, Share};
use crate::metrics::memory::OutboxFull;

/// Bounds of one outbox, and of all together.
#[derive(Clone)]
pub struct OutboxLimits {
    pub frames_max: usize,
    pub bytes_max: usize,
    pub all: Arc<Outboxes>,
}

/// As tests say it that are about something else.
#[cfg(test)]
impl From<usize> for OutboxLimits {
    fn from(frames_max: usize) -> Self {
        Self { frames_max, bytes_max: 16 << 20, all: Outboxes::new(128 << 20, Default::default()) }
    }
}

pub struct Outbox(Arc<Shared>);

/// Reached through the session, and where all outboxes together hold too much.
pub struct Shared {
    frames_max: usize,
    bytes_max: usize,
    held: Arc<Held>,
    waiting: Mutex<Waiting>,
    news: Notify,
    /// A frame went, or the outbox was closed.
    room: Notify,
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
    /// Of one that waits or is being written.
    _share: Option<Arc<Share>>,
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
        Self { frame: frame.into(), about: None, guard: None, _share: None }
    }

    /// Holds this until the frame has been written or thrown away.
    pub fn holding(self, held: impl Send + Sync + 'static) -> Self {
        Self { guard: Some(Guard::of(held)), ..self }
    }

    pub fn of_call(key: &Arc<CallKey>, version: u64, kind: CallFrame, frame: String) -> Self {
        let about = About { key: Arc::clone(key), version, frame: kind, stays: false, resend: 0 };
        Self { frame: frame.into(), about: Some(about), guard: None, _share: None }
    }

    /// The end of a call, after which it stays on the screen or not.
    pub fn end_of_call(key: &Arc<CallKey>, version: u64, stays: bool, frame: String) -> Self {
        let queued = Self::of_call(key, version, CallFrame::Ended, frame);
        Self { about: queued.about.map(|about| About { stays, ..about }), ..queued }
    }
}

impl Outbox {
    pub fn new(limits: impl Into<OutboxLimits>) -> Self {
        let OutboxLimits { frames_max, bytes_max, all } = limits.into();
        Self(Arc::new_cyclic(|shared| Shared {
            frames_max,
            bytes_max,
            held: Held::of(&all, shared.clone()),
            waiting: Mutex::default(),
            news: Notify::new(),
            room: Notify::new(),
        }))
    }

    pub fn put(&self, queued: Queued) -> Put {
        let shared = &*self.0;
        let bytes = queued.frame.len();
        shared.held.all().make_room(bytes, &shared.held);
        let mut waiting = shared.waiting.lock();
        if waiting.closed.is_some() {
            return Put::Closed;
        }
        let mut put = Put::Waits;
        if shared.reached(&waiting, bytes).is_some() {
            let superseded = make_room(&mut waiting.frames, queued.about.as_ref());
            if let Some(limit) = shared.reached(&waiting, bytes) {
                shared.held.all().memory.outbox_full(limit, OutboxFull::Closed);
                shared.close(&mut waiting, CloseCode::Slow);
                return Put::Full(queued.about);
            }
            put = Put::InPlaceOf(superseded);
        }
        shared.push(&mut waiting, queued);
        put
    }

    /// Puts an answer in that somebody asked for, if it fits; `false` where it does not. It never closes the outbox, and takes
    /// at most half of it: the other half stays for what happens to calls.
    pub fn offer(&self, answer: Queued) -> bool {
        let shared = &*self.0;
        let bytes = answer.frame.len();
        let mut waiting = shared.waiting.lock();
        if waiting.closed.is_some() {
            return false;
        }
        let (frames, held) = (waiting.frames.len() + 1, shared.held.bytes() + bytes);
        let limit = match shared.reached(&waiting, bytes) {
            None if frames > 1 && 2 * frames > shared.frames_max => Some(FRAMES),
            None if frames > 1 && held > shared.bytes_max / 2 => Some(BYTES),
            reached => reached,
        };
        match limit {
            Some(limit) => shared.held.all().memory.outbox_full(limit, OutboxFull::Refused),
            None => shared.push(&mut waiting, answer),
        }
        limit.is_none()
    }

    pub fn is_empty(&self) -> bool {
        self.0.waiting.lock().frames.is_empty()
    }

    pub fn is_half_full(&self) -> bool {
        self.0.is_half_full(&self.0.waiting.lock())
    }

    /// Half full, so that another pop is better put in later. A small one is simply full soon.
    pub fn is_crowded(&self) -> bool {
        self.0.frames_max >= CROWDED_FRAMES_MIN && self.is_half_full()
    }

    /// Whether a frame of this call waits.
    pub fn holds(&self, key: &CallKey) -> bool {
        let waiting = self.0.waiting.lock();
        waiting.frames.iter().filter_map(|queued| queued.about.as_ref()).any(|about| *about.key == *key)
    }

    /// Whatever waits is not written any more.
    pub fn close(&self, code: CloseCode) {
        self.0.close(&mut self.0.waiting.lock(), code);
    }

    /// Waits until it is less than half full; `false` where it was closed.
    pub async fn has_room(&self) -> bool {
        loop {
            let mut more = pin!(self.0.room.notified());
            more.as_mut().enable();
            {
                let waiting = self.0.waiting.lock();
                if waiting.closed.is_some() {
                    return false;
                }
                if !self.0.is_half_full(&waiting) {
                    return true;
                }
            }
            more.await;
        }
    }

    /// The next frame to write, if one waits; or why there will be none. Waiting for it may be given up at any time.
    pub async fn next(&self) -> Result<Queued, CloseCode> {
        loop {
            if let Some(next) = self.try_next() {
                return next;
            }
            // Whoever puts a frame in between leaves a permit behind.
            self.0.news.notified().await;
        }
    }

    pub fn try_next(&self) -> Option<Result<Queued, CloseCode>> {
        let mut waiting = self.0.waiting.lock();
        if let Some(code) = waiting.closed {
            return Some(Err(code));
        }
        let next = waiting.frames.pop_front();
        if waiting.frames.is_empty() {
            waiting.frames = VecDeque::new();
        }
        self.0.room.notify_waiters();
        next.map(Ok)
    }
}

/// Half of fewer frames is hardly anything that could be kept free.
const CROWDED_FRAMES_MIN: usize = 8;

const FRAMES: &str = "http.outbox_frames_max";
const BYTES: &str = "http.outbox_bytes_max";
const ALL_BYTES: &str = "http.outboxes_bytes_max";

impl Shared {
    /// The limit that one more frame of this size would exceed.
    fn reached(&self, waiting: &Waiting, bytes: usize) -> Option<&'static str> {
        let nothing_waits = waiting.frames.is_empty();
        if waiting.frames.len() >= self.frames_max {
            Some(FRAMES)
        } else if !nothing_waits && self.held.bytes() + bytes > self.bytes_max {
            Some(BYTES)
        } else if self.held.all().lack(bytes) && !(nothing_waits && bytes <= SMALL_BYTES) {
            Some(ALL_BYTES)
        } else {
            None
        }
    }

    fn push(&self, waiting: &mut Waiting, queued: Queued) {
        let share = Share::of(&self.held, queued.frame.len());
        waiting.frames.push_back(Queued { _share: Some(Arc::new(share)), ..queued });
        self.news.notify_one();
    }

    fn is_half_full(&self, waiting: &Waiting) -> bool {
        2 * waiting.frames.len() >= self.frames_max
            || (!waiting.frames.is_empty() && 2 * self.held.bytes() >= self.bytes_max)
    }

    fn close(&self, waiting: &mut Waiting, code: CloseCode) {
        let closed = waiting.closed.or(Some(code));
        *waiting = Waiting { frames: VecDeque::new(), closed };
        self.news.notify_one();
        self.room.notify_waiters();
    }

    /// For others, where all outboxes together hold too much. One that has nothing but the frame on its way has nothing to give.
    pub(super) fn make_way(&self) {
        let mut waiting = self.waiting.lock();
        if !waiting.frames.is_empty() {
            self.held.all().memory.outbox_full(ALL_BYTES, OutboxFull::Closed);
            self.close(&mut waiting, CloseCode::Slow);
        }
    }
}

/// The latest versions of a call's frames that make earlier ones unnecessary.
#[derive(Default)]
struct Latest {
    pop: u64,
    ended: u64,
    /// The call stays on the screen after it.
    ended_and_stays: u64,
}

impl Latest {
    fn see(&mut self, about: &About) {
        let latest = match about.frame {
            CallFrame::Update => return,
            CallFrame::Pop => &mut self.pop,
            CallFrame::Ended if about.stays => &mut self.ended_and_stays,
            CallFrame::Ended => &mut self.ended,
        };
        *latest = about.version.max(*latest);
    }

    fn makes_unnecessary(&self, earlier: &About) -> bool {
        // On a screen that shows the call still as open, a pop after its end would come a second time.
        let popped = earlier.version < self.pop && earlier.frame != CallFrame::Ended;
        let stays = earlier.version < self.ended_and_stays && earlier.frame == CallFrame::Update;
        popped || stays || earlier.version < self.ended
    }
}

/// Drops what a later frame, among them the one that comes, makes unnecessary.
fn make_room(frames: &mut VecDeque<Queued>, coming: Option<&About>) -> Vec<About> {
    let mut latest: HashMap<Arc<CallKey>, Latest> = HashMap::new();
    for about in frames.iter().filter_map(|queued| queued.about.as_ref()).chain(coming) {
        latest.entry(Arc::clone(&about.key)).or_default().see(about);
    }
    let mut superseded = Vec::new();
    frames.retain(|queued| {
        let dropped = queued.about.as_ref().filter(|about| latest[&about.key].makes_unnecessary(about));
        superseded.extend(dropped.cloned());
        dropped.is_none()
    });
    superseded
}

#[cfg(test)]
mod tests;
