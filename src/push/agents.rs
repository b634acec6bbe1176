//! Who is connected, which calls they are on, and what each session has been told. One lock, never held over an await.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc;

use super::asks::{ASKS_MAX, Ask, Wanted};
use super::came_with::{Newcomers, go_on_taking_off, take_off_what_is_over};
use super::ledger::{CallHappening, Happened, Happening, Ledger};
use super::open_calls::{Applied, CallKey, CallLimits, Change, Limit, OpenCalls, Origin, Over, Visible};
use super::outbox::{About, Queued};
use super::outlines::Outlines;
use super::prepared::Prepared;
use super::seat::{Delivery, Moment, Seat};
use super::seats::Seats;
use super::session::Session;
use super::unreceived::{Again, Unacknowledged};
use super::{Call, CloseCode, Showing, Stage};
use anew::panic_if_asked;

mod anew;
mod forget;
mod inner;
mod list;

pub use list::AgentSummary;

/// What is due to be sent again waits so much longer where the session has much to read.
const AGAIN_LATER: TimeDelta = TimeDelta::seconds(1);

/// What an event means here.
pub struct Decision {
    pub key: Arc<CallKey>,
    pub change: Change,
    /// To whom the call is to be shown now: the sessions that see the agent's calls, where it was opened.
    pub show: Vec<Arc<Session>>,
    /// To whom it would have been, were it not too old.
    pub stale: Vec<Arc<Session>>,
    /// The limits for which the oldest calls had to be forgotten, one for each call.
    pub forgotten: Vec<Limit>,
}

/// How many sessions an agent may have, and what is kept for all of them together.
#[derive(Debug, Clone, Copy)]
pub struct SessionLimits {
    pub per_agent_max: usize,
    pub unacknowledged_bytes_max: usize,
    pub outlines_bytes_max: usize,
}

/// Every agent that has a session here or a call anywhere.
pub struct Agents {
    inner: Mutex<Inner>,
    pub ledger: Ledger,
    unacknowledged: Unacknowledged,
    outlines: Outlines,
    sessions_per_agent_max: usize,
    asks: mpsc::Sender<Ask>,
}

struct Inner {
    calls: OpenCalls,
    seats: Seats,
    /// Pops that were written, by when they are sent again unless they were received.
    unreceived: BTreeMap<(DateTime<Utc>, u64), Unreceived>,
    /// Pops that were written; tells those of one moment apart.
    written: u64,
    newcomers: Newcomers,
    /// Calls that are over and stay on screens, by when they leave them.
    wrapping_up: BTreeSet<(DateTime<Utc>, Arc<CallKey>)>,
    keep_after_end: TimeDelta,
    /// Until the replay window was read nothing is shown, and nothing expires: a call may end, or go on, on the next record.
    caught_up: bool,
    /// Calls that expired and that `expire` has not given back yet.
    expired: usize,
}

struct Unreceived {
    session: Weak<Session>,
    key: Arc<CallKey>,
    version: u64,
}

impl Agents {
    /// The receiver gets what sessions ask.
    pub fn new(limits: CallLimits, sessions: SessionLimits, ledger: Ledger) -> (Self, mpsc::Receiver<Ask>) {
        let (asks, asked) = mpsc::channel(ASKS_MAX);
        let inner = Inner {
            calls: OpenCalls::new(limits),
            seats: Seats::default(),
            unreceived: BTreeMap::new(),
            written: 0,
            newcomers: Newcomers::default(),
            wrapping_up: BTreeSet::new(),
            keep_after_end: limits.keep_after_end,
            caught_up: false,
            expired: 0,
        };
        let memory = &ledger.metrics().memory;
        let unacknowledged = Unacknowledged::new(sessions.unacknowledged_bytes_max, memory.clone());
        let outlines = Outlines::new(sessions.outlines_bytes_max, memory.clone());
        let sessions_per_agent_max = sessions.per_agent_max;
        (Self { inner: Mutex::new(inner), ledger, unacknowledged, outlines, sessions_per_agent_max, asks }, asked)
    }

    /// What a panic left behind is used until it is made anew: the next record decides that.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at(&self, now: DateTime<Utc>) -> Moment<'_> {
        Moment { now, ledger: &self.ledger, unacknowledged: &self.unacknowledged, outlines: &self.outlines }
    }

    /// Takes an event in, and tells at once what needs no look-up: another state, an end, an offer taken by another agent.
    pub fn hear(&self, call: Call, heard: impl Into<Origin>, now: DateTime<Utc>) -> Decision {
        let moment = self.at(now);
        let mut inner = self.lock();
        let Applied { key, change, taken, forgotten } = inner.calls.apply(call, heard, now);
        panic_if_asked(&key);
        let limits = forgotten.iter().filter_map(|gone| gone.limit).collect();
        if !inner.caught_up {
            return Decision { key, change, show: Vec::new(), stale: Vec::new(), forgotten: limits };
        }
        for other in taken {
            inner.seats.for_each(&other.agent_id, |seat| seat.tell_end(&other, &Over::TAKEN, &moment));
        }
        inner.forget(forgotten, &moment);
        let (mut show, mut stale) = (Vec::new(), Vec::new());
        match change {
            Change::Opened => show = inner.seats.sessions_of(&key.agent_id),
            Change::Changed => inner.tell_state(&key, &moment),
            // Never open here, but it may be on the screen of a client that comes from another node.
            Change::Ended(_) | Change::StillOver => inner.tell_end(&key, &moment),
            Change::Stale => stale = inner.seats.sessions_of(&key.agent_id),
            Change::Superseded => {}
        }
        Decision { key, change, show, stale, forgotten: limits }
    }

    /// The replay window was read: from now on calls are shown. Gives back the sessions that wait for theirs, each with
    /// the agents whose calls it sees.
    pub fn caught_up(&self, now: DateTime<Utc>) -> Vec<(Arc<Session>, Vec<String>)> {
        let moment = self.at(now);
        let mut inner = self.lock();
        inner.caught_up = true;
        inner.expire(&moment);
        let Inner { calls, seats, .. } = &mut *inner;
        seats.all_mut().for_each(|seat| take_off_what_is_over(seat, calls, &moment));
        let sees = |seat: &Seat| seat.follows.iter().chain([&seat.session.agent_id]).cloned().collect();
        seats.all().map(|seat| (Arc::clone(&seat.session), sees(seat))).collect()
    }

    /// Seats a session. Of what it shows already only what is missing or differs is told.
    pub fn join(&self, session: &Arc<Session>, showing: Vec<Showing>, now: DateTime<Utc>) -> Result<(), CloseCode> {
        let moment = self.at(now);
        let mut inner = self.lock();
        if !inner.seats.join(Arc::clone(session), self.sessions_per_agent_max) {
            return Err(CloseCode::TooManySessions);
        }
        self.ledger.happened(Happened { at: now, session: Arc::clone(session), what: Happening::SessionOpened });
        inner.comes_with(session, showing, std::slice::from_ref(&session.agent_id), &moment);
        Ok(())
    }

    /// The session follows these agents beside its own, and no others; gives back those that it did not follow yet.
    pub fn follow(
        &self,
        session: &Arc<Session>,
        agents: Vec<String>,
        showing: Vec<Showing>,
        now: DateTime<Utc>,
    ) -> Vec<String> {
        let moment = self.at(now);
        let mut inner = self.lock();
        let new = inner.seats.follow(session, agents);
        inner.comes_with(session, showing, &new, &moment);
        new
    }

    /// Asks for the calls of its agent that are open. Waits for its turn: after a node died, thousands come at once.
    pub async fn ask_for_own_calls(&self, session: &Arc<Session>) {
        let what = Wanted::OpenCalls(vec![session.agent_id.clone()]);
        // Where nobody answers any more, the node is going away.
        _ = self.asks.send(Ask { session: Arc::clone(session), what }).await;
    }

    /// Asks for what only a look-up can answer. `false`: too many wait already.
    pub fn ask(&self, session: &Arc<Session>, what: Wanted) -> bool {
        self.asks.try_send(Ask { session: Arc::clone(session), what }).is_ok()
    }

    /// A frame that belongs to no call.
    pub fn say(&self, session: &Session, frame: String, now: DateTime<Utc>) {
        let moment = self.at(now);
        if let Some(seat) = self.lock().seats.get(session) {
            seat.say(frame, &moment);
        }
    }

    /// Puts the answer to something that the session asked for into its outbox, unless it does not fit: then `false`, and the
    /// caller answers `busy`. `held` is dropped once the answer has been written or thrown away.
    pub fn answer(
        &self,
        session: &Session,
        frame: String,
        held: impl Send + Sync + 'static,
        _now: DateTime<Utc>,
    ) -> bool {
        let is_seated = self.lock().seats.get(session).is_some();
        is_seated && session.outbox.offer(Queued::plain(frame).holding(held))
    }

    /// `false`: it was not seated. What waits for it is thrown away.
    pub fn leave(&self, session: &Arc<Session>, code: Option<CloseCode>, now: DateTime<Utc>) -> bool {
        let was_seated = self.lock().seats.leave(session);
        session.outbox.close(code.unwrap_or(CloseCode::Silent));
        session.to_show.clear();
        if !was_seated {
            return false;
        }
        let what = Happening::SessionClosed { code };
        self.ledger.happened(Happened { at: now, session: Arc::clone(session), what });
        true
    }

    /// Calls that an agent is to see, oldest first; none before the replay window was read.
    pub fn calls_of(&self, agent_id: &str, now: DateTime<Utc>) -> Vec<Visible> {
        let inner = self.lock();
        if inner.caught_up { inner.calls.visible_of(agent_id, now) } else { Vec::new() }
    }

    /// Like `calls_of`, newest first.
    pub fn newest_calls_of(&self, agent_id: &str, now: DateTime<Utc>) -> Vec<Visible> {
        let inner = self.lock();
        if inner.caught_up { inner.calls.newest_visible_of(agent_id, now) } else { Vec::new() }
    }

    /// Calls that a session is to see: its agent's, then those of agents that it follows.
    pub fn calls_for(&self, session: &Session, now: DateTime<Utc>) -> Vec<Visible> {
        let mut inner = self.lock();
        if !inner.caught_up {
            return Vec::new();
        }
        let follows = inner.seats.get(session).map(|seat| seat.follows.clone()).unwrap_or_default();
        let sees = std::iter::once(&session.agent_id).chain(&follows);
        sees.flat_map(|agent_id| inner.calls.visible_of(agent_id, now)).collect()
    }

    pub fn call(&self, key: &CallKey, now: DateTime<Utc>) -> Option<Visible> {
        self.lock().calls.visible(key, now)
    }

    pub fn name_campaign(&self, key: &CallKey, name: &str) {
        self.lock().calls.name_campaign(key, name);
    }

    /// Puts a pop into a session's outbox, with the call as it stands at this moment.
    pub fn pop(
        &self,
        key: &Arc<CallKey>,
        session: &Session,
        prepared: &Prepared,
        announce: bool,
        now: DateTime<Utc>,
    ) -> Delivery {
        let mut inner = self.lock();
        let (announce, moment) = (announce && inner.calls.is_open(key), self.at(now));
        inner.with_call(key, session, &moment, |seat, call| seat.pop(key, call, prepared, announce, &moment))
    }

    /// Puts what is new in a timeline into a session's outbox: the difference to what it shows.
    pub fn update(&self, key: &Arc<CallKey>, session: &Session, prepared: &Prepared, now: DateTime<Utc>) -> Delivery {
        let mut inner = self.lock();
        let moment = self.at(now);
        inner.with_call(key, session, &moment, |seat, call| seat.update(key, call, prepared, &moment))
    }

    /// Calls on screen whose timelines a change concerns.
    pub fn concerned(&self, touched: &BTreeSet<String>) -> BTreeSet<Arc<CallKey>> {
        self.outlines.concerned(touched).0
    }

    /// The sessions that show a call.
    pub fn showing(&self, key: &CallKey) -> Vec<Arc<Session>> {
        self.lock().seats.showing(key)
    }

    /// A frame has left for the client.
    pub fn written(&self, session: &Arc<Session>, about: Option<&About>, bytes: usize, now: DateTime<Utc>) {
        let moment = self.at(now);
        let mut inner = self.lock();
        let Inner { calls, seats, unreceived, written, .. } = &mut *inner;
        let Some(seat) = seats.get(session) else { return };
        if let Some(about @ About { key, version, frame, resend, .. }) = about {
            let sent = CallHappening::Sent { frame: *frame, bytes, resend: *resend };
            seat.happened(key, *version, sent, &moment);
            if let Some(due) = seat.written(about, now) {
                *written += 1;
                let (session, key) = (Arc::downgrade(session), Arc::clone(key));
                unreceived.insert((due, *written), Unreceived { session, key, version: *version });
            }
        }
        if seat.came.has_more_to_end() && session.outbox.is_empty() {
            go_on_taking_off(seat, calls, &moment);
        }
    }

    /// The client says that it has a frame, or has shown it. `false`: that was never told, or is known already.
    pub fn acknowledge(
        &self,
        session: &Session,
        key: &CallKey,
        version: u64,
        (stage, ms): (Stage, Option<f64>),
        now: DateTime<Utc>,
    ) -> bool {
        let moment = self.at(now);
        let mut inner = self.lock();
        inner.seats.get(session).is_some_and(|seat| seat.acknowledge(key, version, stage, ms, &moment))
    }

    /// Sends pops again that were written and not received; gives back how many were given up.
    pub fn send_again(&self, now: DateTime<Utc>) -> usize {
        let moment = self.at(now);
        let mut inner = self.lock();
        let mut given_up = 0;
        while let Some(next) = inner.unreceived.first_entry().filter(|next| next.key().0 <= now) {
            let Unreceived { session, key, version } = next.remove();
            let Some(session) = session.upgrade() else { continue };
            // Half an outbox is still to be read: one more frame helps nobody, and many would close the session.
            if session.outbox.is_crowded() {
                inner.written += 1;
                let later = (now + AGAIN_LATER, inner.written);
                inner.unreceived.insert(later, Unreceived { session: Arc::downgrade(&session), key, version });
                continue;
            }
            let again = inner.seats.get(&session).map(|seat| seat.send_again(&key, version, &moment));
            given_up += usize::from(again == Some(Again::GivenUp));
        }
        given_up
    }
}

#[cfg(test)]
mod tests;
