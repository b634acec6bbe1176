//! What one session has been told of each call, and what it has acknowledged. Decides every frame's version.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::came_with::Came;
use super::digest::{digest, hash, hex};
use super::ledger::{CallFrame, CallHappening, Happened, Happening, Ledger};
use super::open_calls::{CallKey, Over};
use super::outbox::{About, Put, Queued};
use super::outlines::{Outlines, Slimmer};
use super::prepared::{Changed, Prepared};
use super::session::Session;
use super::shown::Shown;
use super::unreceived::{Again, Unacknowledged, Unreceived};
use super::{Call, Encoded, Stage, Update};
use crate::arrival::CallState;
use crate::journey::encoded::EncodedTimeline;

/// A session's place, and what it has been told.
pub struct Seat {
    pub session: Arc<Session>,
    /// Agents beside its own whose calls it follows.
    pub follows: BTreeSet<String>,
    pub came: Came,
    /// In boxes: most agents are on one call, and the smallest map has places for three.
    shown: HashMap<Arc<CallKey>, Box<Shown>>,
    /// Versions of calls that are known no more reach up to here; one that comes again begins above.
    base: u64,
}

/// What became of a pop at one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    Sent,
    /// An update that brings the whole timeline.
    SentWhole,
    /// The session shows it already.
    Known,
    /// The call ended meanwhile, or the session left.
    Gone,
    OutboxFull,
}

impl Delivery {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sent | Self::SentWhole => "sent",
            Self::Known => "known",
            Self::Gone => "gone",
            Self::OutboxFull => "outbox_full",
        }
    }
}

/// Now, and where what happens is told.
pub struct Moment<'a> {
    pub now: DateTime<Utc>,
    pub ledger: &'a Ledger,
    pub unacknowledged: &'a Unacknowledged,
    pub outlines: &'a Outlines,
}

/// What a client says to show when it comes.
pub struct Comes {
    pub key: Arc<CallKey>,
    pub digest: Option<u64>,
    /// It marks the call as over already.
    pub over: bool,
}

impl Seat {
    pub fn new(session: Arc<Session>) -> Self {
        Self { session, follows: BTreeSet::new(), came: Came::default(), shown: HashMap::new(), base: 0 }
    }

    pub fn is_for(&self, agent_id: &str) -> bool {
        self.session.agent_id == agent_id || self.follows.contains(agent_id)
    }

    pub fn shows(&self, key: &CallKey) -> bool {
        self.shown.contains_key(key)
    }

    /// Calls that the client came with, and was told nothing of yet.
    pub fn came_with(&self) -> Vec<Arc<CallKey>> {
        self.shown.iter().filter(|(_, shown)| shown.came()).map(|(key, _)| Arc::clone(key)).collect()
    }

    pub fn came_with_it(&self, key: &CallKey) -> bool {
        self.shown.get(key).is_some_and(|shown| shown.came())
    }

    pub fn comes(&mut self, Comes { key, digest, over }: Comes) {
        let shown = self.shown(&key);
        if shown.outline.is_none() {
            (shown.digest, shown.over) = (digest, over);
        }
    }

    /// Nothing more is said of this call, unless it comes again.
    pub fn forget(&mut self, key: &CallKey) {
        if let Some(shown) = self.shown.remove(key) {
            self.base = self.base.max(shown.last);
        }
    }

    /// All that is known is which calls the client shows: as if it had just come with them.
    pub fn begin_anew(&mut self) {
        for shown in self.shown.values_mut() {
            // Frames that are on their way have the versions up to one above the last.
            self.base = self.base.max(shown.last + 1);
            **shown = Shown { over: shown.over, ..Shown::after(self.base) };
        }
    }

    /// The call's wrap-up is over: it can only come again as a whole, and all that is needed is its versions.
    pub fn wrapped_up(&mut self, key: &CallKey) {
        if let Some(shown) = self.shown.get_mut(key).filter(|shown| shown.over) {
            (shown.outline, shown.unreceived) = (None, None);
        }
    }

    /// Keeps less of the call's timeline: its next change brings the whole one.
    pub fn slim(&mut self, key: &Arc<CallKey>, slimmer: &mut Slimmer, moment: &Moment<'_>) {
        let Some(shown) = self.shown.get_mut(key) else { return };
        if let Some(slim) = shown.outline.as_ref().and_then(|outline| outline.slimmer(slimmer)) {
            shown.outline = Some(moment.outlines.keep(key, &slim, shown.over));
        }
    }

    pub fn forget_others(&mut self, keep: impl Fn(&CallKey) -> bool) {
        let gone: Vec<_> = self.shown.keys().filter(|key| !keep(key)).cloned().collect();
        for key in gone {
            self.forget(&key);
        }
    }

    fn shown(&mut self, key: &Arc<CallKey>) -> &mut Shown {
        let base = self.base;
        self.shown.entry(Arc::clone(key)).or_insert_with(|| Box::new(Shown::after(base)))
    }

    /// The agent whose call it is, where that is not the session's own.
    fn other_agent<'k>(&self, key: &'k CallKey) -> Option<&'k str> {
        (key.agent_id != self.session.agent_id).then_some(&*key.agent_id)
    }

    /// A frame that belongs to no call.
    pub fn say(&mut self, frame: String, moment: &Moment<'_>) {
        self.put(Queued::plain(frame), moment);
    }

    /// Shows the call whole, unless it is shown so already.
    pub fn pop(
        &mut self,
        key: &Arc<CallKey>,
        call: &Call,
        prepared: &Prepared,
        announce: bool,
        moment: &Moment<'_>,
    ) -> Delivery {
        let call = &*prepared.outline.call_as(call, &prepared.outline.fields);
        let digest = digest(call, prepared.outline.content);
        let over = is_over(call);
        // What is on the screen already is not announced a second time, though it comes with news.
        let on_screen = self.shown.get(key).is_some_and(|shown| !shown.over);
        let announce = announce && key.agent_id == self.session.agent_id && !on_screen;
        let shown = self.shown(key);
        if shown.digest == Some(digest) {
            shown.outline = Some(moment.outlines.keep(key, &prepared.outline, over));
            shown.call = hash(call);
            let version = shown.last;
            self.happened(key, version, CallHappening::Known, moment);
            return Delivery::Known;
        }
        if shown.needs_no(prepared, over) {
            return Delivery::Known;
        }
        shown.is_off_screen = false;
        shown.last += 1;
        (shown.digest, shown.call, shown.over) = (Some(digest), hash(call), over);
        shown.outline = Some(moment.outlines.keep(key, &prepared.outline, over));
        let version = shown.last;
        let frame = Encoded::Pop {
            version,
            digest: &hex(digest),
            announce,
            call,
            timeline: prepared.timeline.as_ref().map(EncodedTimeline::json),
            missing: prepared.missing,
        };
        let queued = Queued::of_call(key, version, CallFrame::Pop, frame.encode());
        shown.unreceived = Some(Box::new(Unreceived::of(queued.clone(), moment.unacknowledged)));
        self.put(queued, moment)
    }

    /// The difference between what is shown and this timeline.
    pub fn update(&mut self, key: &Arc<CallKey>, call: &Call, prepared: &Prepared, moment: &Moment<'_>) -> Delivery {
        let agent_id = self.other_agent(key);
        let Some(shown) = self.shown.get_mut(key) else { return Delivery::Gone };
        // One that came with a digest gets what it lacks with its pop, and so does one whose call is open again.
        let pop_follows = shown.over && !is_over(call);
        let Some(outline) = shown.outline.as_ref().filter(|_| !pop_follows) else { return Delivery::Known };
        let call = &*prepared.outline.call_as(call, &prepared.outline.fields);
        let digest = digest(call, prepared.outline.content);
        let text = hex(digest);
        // The digest is that of the call, too: whatever became known of it (its campaign's name) goes with this.
        let told_anew = (shown.call != hash(call)).then_some(call);
        let empty = Update { agent_id, call: told_anew, ..Update::of(shown.last + 1, &text, &key.call_id) };
        let Some(Changed { frame, is_whole, outline }) = prepared.update_of(outline, empty) else {
            return Delivery::Known;
        };
        (shown.digest, shown.call) = (Some(digest), hash(call));
        shown.outline = Some(moment.outlines.keep(key, &outline, shown.over));
        match self.put_difference(key, frame, moment) {
            Delivery::Sent if is_whole => Delivery::SentWhole,
            delivery => delivery,
        }
    }

    /// The call is in another state. Where its pop is still being prepared, that brings it.
    pub fn tell_state(&mut self, key: &Arc<CallKey>, call: &Call, moment: &Moment<'_>) {
        let agent_id = self.other_agent(key);
        let Some(shown) = self.shown.get_mut(key).filter(|shown| !shown.over) else { return };
        let Some(outline) = &shown.outline else { return };
        let call = &*outline.call_as(call, &self.session.fields());
        let digest = digest(call, outline.content);
        (shown.digest, shown.call) = (Some(digest), hash(call));
        let text = hex(digest);
        let frame = Update { call: Some(call), agent_id, ..Update::of(shown.last + 1, &text, &key.call_id) };
        self.put_difference(key, Encoded::Update(frame).encode(), moment);
    }

    fn put_difference(&mut self, key: &Arc<CallKey>, frame: String, moment: &Moment<'_>) -> Delivery {
        let shown = self.shown(key);
        shown.last += 1;
        let queued = Queued::of_call(key, shown.last, CallFrame::Update, frame);
        if let Some(unreceived) = &mut shown.unreceived {
            unreceived.follow(&queued);
        }
        self.put(queued, moment)
    }

    /// The call is over; `call` is there where it stays on screen for its wrap-up.
    pub fn tell_end(&mut self, key: &Arc<CallKey>, Over { reason, call }: &Over, moment: &Moment<'_>) {
        let agent_id = self.other_agent(key);
        let Some(shown) = self.shown.get_mut(key).filter(|shown| !shown.over) else { return };
        (shown.over, shown.is_off_screen) = (true, call.is_none());
        shown.last += 1;
        shown.unreceived = None;
        let fields = self.session.fields();
        let told = shown.outline.as_ref().zip(call.as_ref());
        let told = told.map(|(outline, call)| (outline.call_as(call, &fields), outline.content));
        (shown.digest, shown.call) =
            told.map_or((None, 0), |(call, content)| (Some(digest(&call, content)), hash(&call)));
        // What leaves the screen can only come again as a whole.
        shown.outline.take_if(|_| call.is_none());
        let version = shown.last;
        // What waits may have to go for this frame: then the client shows something else than the digest says.
        let digest = shown.digest.filter(|_| !self.session.outbox.holds(key)).map(hex);
        let frame =
            Encoded::Ended { version, digest: digest.as_deref(), call_id: &key.call_id, agent_id, reason: *reason };
        let queued = Queued::end_of_call(key, version, call.is_some(), frame.encode());
        self.happened(key, version, CallHappening::Ended { reason: *reason }, moment);
        self.put(queued, moment);
    }

    fn put(&mut self, queued: Queued, moment: &Moment<'_>) -> Delivery {
        match self.session.outbox.put(queued) {
            Put::Waits => Delivery::Sent,
            Put::InPlaceOf(superseded) => {
                for about in superseded {
                    self.superseded(&about, moment);
                }
                Delivery::Sent
            }
            Put::Full(Some(About { key, version, frame, .. })) => {
                self.happened(&key, version, CallHappening::OutboxFull { frame }, moment);
                Delivery::OutboxFull
            }
            Put::Full(None) => Delivery::OutboxFull,
            Put::Closed => Delivery::Gone,
        }
    }

    /// A frame was dropped for a later one. Where that was the end of the call, the client lacks what differences would
    /// stand on: only another pop can follow.
    fn superseded(&mut self, about: &About, moment: &Moment<'_>) {
        if let Some(shown) = self.shown.get_mut(&about.key).filter(|shown| shown.over) {
            (shown.outline, shown.digest) = (None, None);
        }
        let what = CallHappening::Superseded { frame: about.frame };
        self.happened(&about.key, about.version, what, moment);
    }

    /// `false`: that call or version was never told, or is acknowledged already.
    pub fn acknowledge(
        &mut self,
        key: &CallKey,
        version: u64,
        stage: Stage,
        ms: Option<f64>,
        moment: &Moment<'_>,
    ) -> bool {
        let Some((key, _)) = self.shown.get_key_value(key) else { return false };
        let key = Arc::clone(key);
        let Some(shown) = self.shown.get_mut(&key) else { return false };
        if version < shown.first || version > shown.last {
            return false;
        }
        // Frames keep their order: whoever has a later one has this, too.
        if shown.unreceived.as_ref().is_some_and(|unreceived| version >= unreceived.version) {
            shown.unreceived = None;
        }
        let (so_far, what) = match stage {
            Stage::Received => (&mut shown.received, CallHappening::Received { ms }),
            Stage::Rendered => (&mut shown.rendered, CallHappening::Rendered { ms }),
        };
        if version <= *so_far {
            return false;
        }
        *so_far = version;
        self.happened(&key, version, what, moment);
        true
    }

    /// When to look whether the pop that was written just now has been received; `None` where nobody waits for that.
    pub fn written(&self, about: &About, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let unreceived = self.shown.get(&about.key)?.unreceived.as_ref()?;
        Some(now + unreceived.wait_after(about)?)
    }

    /// The pop of this version was not acknowledged in time.
    pub fn send_again(&mut self, key: &Arc<CallKey>, version: u64, moment: &Moment<'_>) -> Again {
        let Some(shown) = self.shown.get_mut(key) else { return Again::Settled };
        let Some(unreceived) = shown.unreceived.as_mut().filter(|unreceived| unreceived.version == version) else {
            return Again::Settled;
        };
        let Some(frames) = unreceived.again() else {
            shown.unreceived = None;
            self.happened(key, version, CallHappening::GivenUp, moment);
            return Again::GivenUp;
        };
        for queued in frames {
            self.put(queued, moment);
        }
        Again::Sent
    }

    pub fn happened(&self, key: &Arc<CallKey>, version: u64, what: CallHappening, moment: &Moment<'_>) {
        let what = Happening::Call { key: Arc::clone(key), version, what };
        moment.ledger.happened(Happened { at: moment.now, session: Arc::clone(&self.session), what });
    }
}

pub fn is_over(call: &Call) -> bool {
    call.state == CallState::Ended
}
