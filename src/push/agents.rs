//! Who is connected, which calls they are on, and what each session has been told. One lock, never held over an await.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use xxhash_rust::xxh3::xxh3_64;

use super::open_calls::{Applied, CallKey, CallLimits, Change, OpenCalls, Visible};
use super::prepared::{Outline, Prepared};
use super::{Call, CloseCode, Encoded, EndReason, Search, Showing, Update};
use crate::journey::encoded::EncodedTimeline;

/// Questions of sessions that wait to be answered.
const ASKS_MAX: usize = 1024;

/// An authenticated agent on one WebSocket.
pub struct Session {
    pub id: String,
    pub agent_id: String,
    pub time_zone: Tz,
    outbox: mpsc::Sender<String>,
    /// Cancelled where the outbox was full: the connection closes as slow.
    pub slow: CancellationToken,
}

impl Session {
    pub fn new(agent_id: String, time_zone: Tz, outbox: mpsc::Sender<String>) -> Self {
        let id = format!("s-{:012x}", rand::random::<u64>() >> 16);
        Self { id, agent_id, time_zone, outbox, slow: CancellationToken::new() }
    }

    /// Never waits: a session that does not read is closed, and comes back to a fresh start.
    pub fn send(&self, frame: String) -> bool {
        let sent = self.outbox.try_send(frame).is_ok();
        if !sent {
            self.slow.cancel();
        }
        sent
    }
}

/// What a session wants to know; answered in `screen_pop`.
pub struct Ask {
    pub session: Arc<Session>,
    pub what: Wanted,
}

pub enum Wanted {
    /// The calls that it does not show yet.
    OpenCalls,
    Search(Search),
}

/// What became of a pop at one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    Sent,
    /// The session shows it already.
    Known,
    /// The call ended meanwhile, or the session left.
    Gone,
    OutboxFull,
}

impl Delivery {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Known => "known",
            Self::Gone => "gone",
            Self::OutboxFull => "outbox_full",
        }
    }
}

/// What an event means here.
pub struct Decision {
    pub change: Change,
    /// To whom the call is to be shown now: the agent's sessions, where it was opened.
    pub show: Vec<Arc<Session>>,
}

/// An agent for the list of `/v1/agents`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentSummary {
    pub agent_id: String,
    pub open_calls: usize,
    pub sessions: usize,
}

/// Every agent that has a session here or a call anywhere.
pub struct Agents {
    inner: Mutex<Inner>,
    sessions_per_agent_max: usize,
    asks: mpsc::Sender<Ask>,
}

struct Inner {
    calls: OpenCalls,
    seats: HashMap<String, Vec<Seat>>,
    /// Until the replay window was read nothing is shown: a call may end on the next record.
    caught_up: bool,
}

/// A session, and what it has been told.
struct Seat {
    session: Arc<Session>,
    shown: HashMap<String, Shown>,
}

#[derive(Clone)]
struct Shown {
    version: u64,
    digest: String,
    /// Of the timeline; `None` until known for a call that the client came with.
    outline: Option<Arc<Outline>>,
}

impl Agents {
    /// The receiver gets what sessions ask.
    pub fn new(limits: CallLimits, sessions_per_agent_max: usize) -> (Self, mpsc::Receiver<Ask>) {
        let (asks, asked) = mpsc::channel(ASKS_MAX);
        let inner = Inner { calls: OpenCalls::new(limits), seats: HashMap::new(), caught_up: false };
        (Self { inner: Mutex::new(inner), sessions_per_agent_max, asks }, asked)
    }

    /// Takes an event in, and tells at once what needs no look-up: another state, an end, an offer taken by another agent.
    pub fn hear(&self, call: Call, since: DateTime<Utc>, now: DateTime<Utc>) -> Decision {
        let key = CallKey::of(&call);
        let mut inner = self.inner.lock();
        let Applied { change, taken } = inner.calls.apply(call, since, now);
        if !inner.caught_up {
            return Decision { change, show: Vec::new() };
        }
        for other in taken {
            inner.tell_end(&other, EndReason::Taken);
        }
        let mut show = Vec::new();
        match change {
            Change::Opened => show = inner.sessions_of(&key.agent_id),
            Change::Changed => inner.tell_state(&key, now),
            Change::Ended(reason) => inner.tell_end(&key, reason),
            Change::StillOver | Change::Superseded | Change::Stale => {}
        }
        Decision { change, show }
    }

    /// The replay window was read: from now on calls are shown. Gives back the sessions that wait for theirs.
    pub fn caught_up(&self) -> Vec<Arc<Session>> {
        let mut inner = self.inner.lock();
        inner.caught_up = true;
        inner.seats.values().flatten().map(|seat| Arc::clone(&seat.session)).collect()
    }

    /// Seats a session; what it shows already is told with the digests that it came with.
    pub fn join(&self, session: Arc<Session>, showing: Vec<Showing>, now: DateTime<Utc>) -> Result<(), CloseCode> {
        let mut inner = self.inner.lock();
        let visible: Vec<Visible> = inner.calls.visible_of(&session.agent_id, now);
        let caught_up = inner.caught_up;
        let seats = inner.seats.entry(session.agent_id.clone()).or_default();
        if seats.len() >= self.sessions_per_agent_max {
            return Err(CloseCode::TooManySessions);
        }
        let mut shown = HashMap::new();
        for Showing { call_id, digest } in showing {
            let known = visible.iter().find(|seen| seen.call.call_id == call_id);
            let over = known.is_none_or(|seen| seen.call.state == crate::arrival::CallState::Ended);
            if over && caught_up {
                let reason = if known.is_some() { EndReason::Ended } else { EndReason::Expired };
                session.send(Encoded::Ended { version: 1, call_id: &call_id, reason }.encode());
            }
            if known.is_some() || !caught_up {
                shown.insert(call_id, Shown { version: 1, digest: digest.unwrap_or_default(), outline: None });
            }
        }
        seats.push(Seat { session, shown });
        Ok(())
    }

    /// Asks for what only a look-up can answer. `false`: too many wait already.
    pub fn ask(&self, session: &Arc<Session>, what: Wanted) -> bool {
        self.asks.try_send(Ask { session: Arc::clone(session), what }).is_ok()
    }

    pub fn leave(&self, session: &Session) {
        let mut inner = self.inner.lock();
        if let Some(seats) = inner.seats.get_mut(&session.agent_id) {
            seats.retain(|seat| seat.session.id != session.id);
            if seats.is_empty() {
                inner.seats.remove(&session.agent_id);
            }
        }
    }

    /// Calls that an agent is to see, oldest first; none before the replay window was read.
    pub fn calls_of(&self, agent_id: &str, now: DateTime<Utc>) -> Vec<Visible> {
        let inner = self.inner.lock();
        if inner.caught_up { inner.calls.visible_of(agent_id, now) } else { Vec::new() }
    }

    pub fn call(&self, key: &CallKey, now: DateTime<Utc>) -> Option<Visible> {
        self.inner.lock().calls.visible(key, now)
    }

    pub fn name_campaign(&self, key: &CallKey, name: &str) {
        self.inner.lock().calls.name_campaign(key, name);
    }

    /// Puts a pop into a session's outbox, with the call as it stands at this moment.
    pub fn pop(
        &self,
        key: &CallKey,
        session: &Session,
        prepared: &Prepared,
        announce: bool,
        now: DateTime<Utc>,
    ) -> Delivery {
        let mut inner = self.inner.lock();
        let Some(Visible { call, .. }) = inner.calls.visible(key, now) else { return Delivery::Gone };
        let announce = announce && inner.calls.is_open(key);
        let Some(seat) = inner.seat(session) else { return Delivery::Gone };
        let digest = digest(&call, prepared.outline.content);
        let told = seat.shown.get(&key.call_id);
        let version =
            told.map_or(0, |shown| shown.version) + u64::from(told.is_none_or(|shown| shown.digest != digest));
        let known = told.is_some_and(|shown| shown.digest == digest);
        let over_and_told = call.state == crate::arrival::CallState::Ended && told.is_some();
        let shown = Shown { version, digest: digest.clone(), outline: Some(Arc::clone(&prepared.outline)) };
        seat.shown.insert(key.call_id.clone(), shown);
        if known || over_and_told {
            return Delivery::Known;
        }
        let frame = Encoded::Pop {
            version,
            digest: &digest,
            announce,
            call: &call,
            timeline: prepared.timeline.as_ref().map(EncodedTimeline::json),
            missing: prepared.missing,
        };
        if session.send(frame.encode()) { Delivery::Sent } else { Delivery::OutboxFull }
    }

    /// Calls on screen whose timelines a change concerns.
    pub fn concerned(&self, touched: &BTreeSet<String>) -> BTreeSet<CallKey> {
        let inner = self.inner.lock();
        let mut concerned = BTreeSet::new();
        for (agent_id, seats) in &inner.seats {
            for seat in seats {
                let leads_here =
                    |shown: &Shown| shown.outline.as_ref().is_some_and(|outline| !outline.leads.is_disjoint(touched));
                let calls = seat.shown.iter().filter(|(_, shown)| leads_here(shown)).map(|(call_id, _)| call_id);
                let key = |call_id: &String| CallKey { agent_id: agent_id.clone(), call_id: call_id.clone() };
                concerned.extend(calls.map(key));
            }
        }
        concerned
    }

    /// The sessions that show a call.
    pub fn showing(&self, key: &CallKey) -> Vec<Arc<Session>> {
        let inner = self.inner.lock();
        let seats = inner.seats.get(&key.agent_id).into_iter().flatten();
        let showing = seats.filter(|seat| seat.shown.contains_key(&key.call_id));
        showing.map(|seat| Arc::clone(&seat.session)).collect()
    }

    /// Puts what is new in a timeline into a session's outbox: the difference to what it shows.
    pub fn update(&self, key: &CallKey, session: &Session, prepared: &Prepared, now: DateTime<Utc>) -> Delivery {
        let mut inner = self.inner.lock();
        let Some(Visible { call, .. }) = inner.calls.visible(key, now) else { return Delivery::Gone };
        let Some(seat) = inner.seat(session) else { return Delivery::Gone };
        let Some(shown) = seat.shown.get_mut(&key.call_id) else { return Delivery::Gone };
        // One that came with a digest gets what it lacks with its pop.
        let Some(outline) = &shown.outline else { return Delivery::Known };
        let digest = digest(&call, prepared.outline.content);
        let empty = Update::of(shown.version + 1, &digest, &key.call_id);
        let Some(frame) = prepared.update_of(outline, empty) else { return Delivery::Known };
        let outline = Some(Arc::clone(&prepared.outline));
        *shown = Shown { version: shown.version + 1, digest, outline };
        if session.send(frame) { Delivery::Sent } else { Delivery::OutboxFull }
    }

    /// Ends calls whose end was never heard, and forgets old ones; gives back how many expired.
    pub fn expire(&self, now: DateTime<Utc>) -> usize {
        let mut inner = self.inner.lock();
        let gone = inner.calls.expire(now);
        let mut expired = 0;
        for (key, was_open) in gone {
            if was_open {
                expired += 1;
                inner.tell_end(&key, EndReason::Expired);
            }
            for seat in inner.seats.get_mut(&key.agent_id).into_iter().flatten() {
                seat.shown.remove(&key.call_id);
            }
        }
        expired
    }

    pub fn list(&self) -> Vec<AgentSummary> {
        let inner = self.inner.lock();
        let mut agents: HashMap<&str, AgentSummary> = HashMap::new();
        let called = inner.calls.agents().map(|(agent_id, open_calls)| (agent_id, open_calls, 0));
        let seated = inner.seats.iter().map(|(agent_id, seats)| (agent_id.as_str(), 0, seats.len()));
        for (agent_id, open_calls, sessions) in called.chain(seated) {
            let agent = agents.entry(agent_id).or_insert_with(|| AgentSummary {
                agent_id: agent_id.to_owned(),
                open_calls: 0,
                sessions: 0,
            });
            agent.open_calls += open_calls;
            agent.sessions += sessions;
        }
        let mut agents: Vec<AgentSummary> = agents.into_values().collect();
        agents.sort_by(|a, b| a.agent_id.cmp(&b.agent_id));
        agents
    }

    pub fn sessions(&self) -> usize {
        self.inner.lock().seats.values().map(Vec::len).sum()
    }
}

impl Inner {
    fn sessions_of(&self, agent_id: &str) -> Vec<Arc<Session>> {
        self.seats.get(agent_id).into_iter().flatten().map(|seat| Arc::clone(&seat.session)).collect()
    }

    fn seat(&mut self, session: &Session) -> Option<&mut Seat> {
        self.seats.get_mut(&session.agent_id)?.iter_mut().find(|seat| seat.session.id == session.id)
    }

    /// Sessions whose pop is still being prepared learn the state with it.
    fn tell_state(&mut self, key: &CallKey, now: DateTime<Utc>) {
        let Some(Visible { call, .. }) = self.calls.visible(key, now) else { return };
        for seat in self.seats.get_mut(&key.agent_id).into_iter().flatten() {
            let Some(shown) = seat.shown.get_mut(&key.call_id) else { continue };
            shown.version += 1;
            let content = shown.outline.as_ref().map(|outline| outline.content);
            shown.digest = content.map_or_else(String::new, |content| digest(&call, content));
            let frame = Update { call: Some(&call), ..Update::of(shown.version, &shown.digest, &key.call_id) };
            seat.session.send(Encoded::Update(frame).encode());
        }
    }

    fn tell_end(&mut self, key: &CallKey, reason: EndReason) {
        for seat in self.seats.get_mut(&key.agent_id).into_iter().flatten() {
            let Some(shown) = seat.shown.get_mut(&key.call_id) else { continue };
            shown.version += 1;
            seat.session.send(Encoded::Ended { version: shown.version, call_id: &key.call_id, reason }.encode());
        }
    }
}

/// Of a call and its timeline's content: the same on every node.
fn digest(call: &Call, content: u64) -> String {
    let mut bytes = serde_json::to_vec(call).unwrap_or_default();
    bytes.extend(content.to_le_bytes());
    format!("{:016x}", xxh3_64(&bytes))
}
