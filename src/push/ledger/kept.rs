//! What a node knows of its pops: put together from what happens, kept for an hour, and written down when there is something to say.
//! Pure: what happens and when are arguments.
//!
//! A pop is written once where all goes well: when it is on the screen. One that is not there after a second is written as
//! it stands, and again when it is known what became of it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use smol_str::SmolStr;

use super::record::{EventPlace, Line, NodeLine, NodeState, Outcome, Pop, SessionLine};
use super::said::{Context, Heard, Said};
use super::{CallFrame, CallHappening, Happened, Happening};
use crate::push::CloseCode;
use crate::push::open_calls::CallKey;
use crate::push::session::Session;

/// A pop that nobody has acknowledged by then is written as it stands.
const WRITE_AFTER: TimeDelta = TimeDelta::seconds(1);
/// How long a pop is kept here.
const KEPT_FOR: TimeDelta = TimeDelta::hours(1);
/// An open session is written again after this time: whoever looks back need not read from its beginning.
pub const SESSION_AGAIN: TimeDelta = TimeDelta::minutes(10);

/// A call at a session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    key: Arc<CallKey>,
    session: SmolStr,
}

struct Entry {
    follower: Option<String>,
    context: Arc<Context>,
    /// Of another pop that was shown since: it holds once that one is sent.
    next: Option<Arc<Context>>,
    /// What comes next is what the pop lacked.
    rest_comes: bool,
    version: u64,
    bytes: u64,
    resends: u8,
    sent_at: Option<DateTime<Utc>>,
    received_at: Option<DateTime<Utc>>,
    rendered_at: Option<DateTime<Utc>>,
    rendered_ms: Option<f64>,
    followed_at: Option<DateTime<Utc>>,
    outcome: Outcome,
    at: DateTime<Utc>,
    /// Not written down as it is now.
    changed: bool,
}

struct Open {
    session: Arc<Session>,
    opened_at: DateTime<Utc>,
    /// It does not read, and is being closed for it.
    slow: bool,
}

/// The pops of a node's last hour, and its sessions.
pub struct Kept {
    node: String,
    /// Of calls.
    topic: String,
    started_at: DateTime<Utc>,
    pops_max: usize,
    /// In boxes: a map of many has a good part of its places free.
    pops: HashMap<Place, Box<Entry>>,
    /// In the order in which they came, to be forgotten.
    order: VecDeque<(DateTime<Utc>, Place)>,
    /// To be looked at after [`WRITE_AFTER`].
    due: VecDeque<(DateTime<Utc>, Place)>,
    /// By session, the calls that more may become of.
    unsettled: HashMap<SmolStr, Vec<Arc<CallKey>>>,
    sessions: HashMap<SmolStr, Open>,
    /// When to write each of them again.
    again: VecDeque<(DateTime<Utc>, SmolStr)>,
    lines: Vec<Line>,
}

impl Kept {
    pub fn new(node: String, topic: String, started_at: DateTime<Utc>, pops_max: usize) -> Self {
        Self {
            node,
            topic,
            started_at,
            pops_max,
            pops: HashMap::new(),
            order: VecDeque::new(),
            due: VecDeque::new(),
            unsettled: HashMap::new(),
            sessions: HashMap::new(),
            again: VecDeque::new(),
            lines: Vec::new(),
        }
    }

    /// Takes in what was heard, looks at what is due, and gives back the lines to write.
    pub fn turn(&mut self, heard: Vec<Heard>, now: DateTime<Utc>) -> Vec<Line> {
        let now = in_millis(now);
        for heard in heard {
            match heard {
                Heard::Happened(Happened { at, session, what }) => self.happened(in_millis(at), session, what),
                Heard::Said { at, key, session, said } => self.said(in_millis(at), key, &session, said),
            }
        }
        while let Some((_, place)) = self.due.pop_front_if(|(at, _)| *at <= now) {
            self.write(&place);
        }
        while let Some((_, id)) = self.again.pop_front_if(|(at, _)| *at <= now) {
            if let Some(open) = self.sessions.get(&id) {
                self.lines.push(self.session_line(&open.session, open.opened_at, now));
                self.again.push_back((now + SESSION_AGAIN, id));
            }
        }
        self.forget(now);
        std::mem::take(&mut self.lines)
    }

    /// That this node is alive.
    pub fn alive(&self, state: NodeState, lost: u64, every_ms: u64, now: DateTime<Utc>) -> Line {
        Line::Node(NodeLine {
            node: self.node.clone(),
            started_at: in_millis(self.started_at),
            state,
            sessions: self.sessions.len() as u64,
            lost,
            every_ms,
            at: in_millis(now),
        })
    }

    /// The pops of a call, an agent, or all, newest first.
    pub fn find(&self, call_id: Option<&str>, agent_id: Option<&str>, limit: usize) -> Vec<Pop> {
        let wanted =
            |key: &CallKey| call_id.is_none_or(|id| id == key.call_id) && agent_id.is_none_or(|id| id == key.agent_id);
        let places = self.order.iter().rev().map(|(_, place)| place).filter(|place| wanted(&place.key));
        places.filter_map(|place| Some(self.pop(place, self.pops.get(place)?))).take(limit).collect()
    }

    fn happened(&mut self, at: DateTime<Utc>, session: Arc<Session>, what: Happening) {
        match what {
            Happening::SessionOpened => {
                self.lines.push(self.session_line(&session, at, at));
                self.again.push_back((at + SESSION_AGAIN, session.id.clone()));
                self.sessions.insert(session.id.clone(), Open { session, opened_at: at, slow: false });
            }
            Happening::SessionClosed { code } => {
                let opened_at = self.sessions.remove(&session.id).map_or(at, |open| open.opened_at);
                let Line::Session(mut line) = self.session_line(&session, opened_at, at) else { return };
                (line.closed_at, line.close_code) = (Some(at), code.map(|code| code.wire().0));
                self.lines.push(Line::Session(line));
                let slow = code == Some(CloseCode::Slow);
                for key in self.unsettled.remove(&session.id).unwrap_or_default() {
                    self.session_gone(&Place { key, session: session.id.clone() }, slow, at);
                }
            }
            Happening::Call { key, version, what } => {
                self.of_call(Place { key, session: session.id.clone() }, version, what, at);
            }
        }
    }

    fn said(&mut self, at: DateTime<Utc>, key: Arc<CallKey>, session: &Session, said: Said) {
        let place = Place { key, session: session.id.clone() };
        match said {
            Said::Pop(context) => match self.pops.get_mut(&place) {
                Some(entry) => entry.next = Some(context),
                None => self.begin(place, session, context, Outcome::Waiting, at),
            },
            Said::Update { whole } => {
                if let Some(entry) = self.pops.get_mut(&place) {
                    entry.rest_comes = whole && entry.followed_at.is_none() && !entry.context.is_whole();
                }
            }
            Said::Known => self.not_sent(&place, Outcome::Known, at),
            Said::Gone { over: true } => self.not_sent(&place, Outcome::Over, at),
            Said::Gone { over: false } => {
                let slow = self.sessions.get(&place.session).is_some_and(|open| open.slow);
                let outcome = if slow { Outcome::OutboxFull } else { Outcome::SessionClosed };
                self.not_sent(&place, outcome, at);
            }
            Said::Stale(context) if !self.pops.contains_key(&place) => {
                self.begin(place.clone(), session, context, Outcome::Stale, at);
                self.settle(&place, Outcome::Stale, at);
            }
            Said::Stale(_) => {}
        }
    }

    fn begin(&mut self, place: Place, session: &Session, context: Arc<Context>, outcome: Outcome, at: DateTime<Utc>) {
        let follower = (session.agent_id != place.key.agent_id).then(|| session.agent_id.clone());
        let entry = Entry::new(follower, context, outcome, at);
        self.unsettled.entry(place.session.clone()).or_default().push(Arc::clone(&place.key));
        self.due.push_back((at + WRITE_AFTER, place.clone()));
        self.order.push_back((at, place.clone()));
        self.pops.insert(place, Box::new(entry));
    }

    fn of_call(&mut self, place: Place, version: u64, what: CallHappening, at: DateTime<Utc>) {
        let Some(entry) = self.pops.get_mut(&place) else { return };
        match what {
            CallHappening::Sent { frame: CallFrame::Pop, bytes, resend: 0 } => {
                let context = entry.next.take().unwrap_or_else(|| Arc::clone(&entry.context));
                **entry = Entry::new(entry.follower.take(), context, Outcome::Sent, at);
                (entry.version, entry.bytes, entry.sent_at) = (version, bytes as u64, Some(at));
                self.unsettle(place, at);
            }
            CallHappening::Sent { frame: CallFrame::Pop, resend, .. } => {
                (entry.resends, entry.changed) = (resend, true);
            }
            CallHappening::Sent { frame: CallFrame::Update, resend: 0, .. } if entry.rest_comes => {
                (entry.rest_comes, entry.followed_at, entry.changed) = (false, Some(at), true);
                if entry.outcome.is_last() {
                    self.write(&place);
                }
            }
            CallHappening::Received { .. } => entry.received(at),
            CallHappening::Rendered { ms } if entry.rendered_at.is_none() => {
                entry.received(at);
                (entry.rendered_at, entry.rendered_ms) = (Some(at), ms);
                self.settle(&place, Outcome::Rendered, at);
            }
            CallHappening::Known if entry.sent_at.is_none() => self.settle(&place, Outcome::Known, at),
            CallHappening::GivenUp => self.settle(&place, Outcome::GivenUp, at),
            CallHappening::OutboxFull { .. } => {
                let unseen = entry.received_at.is_none();
                if let Some(open) = self.sessions.get_mut(&place.session) {
                    open.slow = true;
                }
                if unseen {
                    self.settle(&place, Outcome::OutboxFull, at);
                }
            }
            CallHappening::Superseded { frame: CallFrame::Pop } if entry.outcome == Outcome::Waiting => {
                self.settle(&place, Outcome::Over, at);
            }
            CallHappening::Ended { .. } if entry.outcome == Outcome::Received => {
                self.settle(&place, Outcome::Received, at);
            }
            _ => {}
        }
    }

    /// Sent anew: more may become of it.
    fn unsettle(&mut self, place: Place, at: DateTime<Utc>) {
        let unsettled = self.unsettled.entry(place.session.clone()).or_default();
        if !unsettled.contains(&place.key) {
            unsettled.push(Arc::clone(&place.key));
            self.due.push_back((at + WRITE_AFTER, place));
        }
    }

    /// Nothing more becomes of it, and that is written down.
    fn settle(&mut self, place: &Place, outcome: Outcome, at: DateTime<Utc>) {
        if let Some(entry) = self.pops.get_mut(place) {
            if entry.outcome != outcome {
                (entry.outcome, entry.at, entry.changed) = (outcome, at, true);
            }
            self.write(place);
        }
        if let Some(unsettled) = self.unsettled.get_mut(&place.session) {
            unsettled.retain(|key| *key != place.key);
            if unsettled.is_empty() {
                self.unsettled.remove(&place.session);
            }
        }
    }

    /// What was about to be sent is not.
    fn not_sent(&mut self, place: &Place, outcome: Outcome, at: DateTime<Utc>) {
        if self.pops.get(place).is_some_and(|entry| entry.outcome == Outcome::Waiting) {
            self.settle(place, outcome, at);
        }
    }

    fn session_gone(&mut self, place: &Place, slow: bool, at: DateTime<Utc>) {
        let Some(entry) = self.pops.get(place) else { return };
        let outcome = match entry.outcome {
            Outcome::Received => Outcome::Received,
            Outcome::Waiting if slow => Outcome::OutboxFull,
            _ => Outcome::SessionClosed,
        };
        self.settle(place, outcome, at);
    }

    fn write(&mut self, place: &Place) {
        let Some(entry) = self.pops.get_mut(place) else { return };
        if std::mem::take(&mut entry.changed)
            && let Some(entry) = self.pops.get(place)
        {
            self.lines.push(Line::Pop(Box::new(self.pop(place, entry))));
        }
    }

    /// What is older than an hour, and the oldest beyond the limit.
    fn forget(&mut self, now: DateTime<Utc>) {
        while let Some((at, _)) = self.order.front() {
            if now - *at < KEPT_FOR && self.order.len() <= self.pops_max {
                break;
            }
            let Some((_, place)) = self.order.pop_front() else { break };
            self.write(&place);
            self.pops.remove(&place);
            if let Some(unsettled) = self.unsettled.get_mut(&place.session) {
                unsettled.retain(|key| *key != place.key);
            }
        }
    }

    fn session_line(&self, session: &Session, opened_at: DateTime<Utc>, at: DateTime<Utc>) -> Line {
        Line::Session(SessionLine {
            node: self.node.clone(),
            session: session.id.to_string(),
            agent_id: session.agent_id.clone(),
            opened_at,
            closed_at: None,
            close_code: None,
            at,
        })
    }

    fn pop(&self, place: &Place, entry: &Entry) -> Pop {
        let context = &entry.context;
        let Context { partition, offset, at, .. } = **context;
        Pop {
            node: self.node.clone(),
            session: place.session.to_string(),
            call_id: place.key.call_id.to_string(),
            agent_id: place.key.agent_id.to_string(),
            follower: entry.follower.clone(),
            event: EventPlace { topic: self.topic.clone(), partition, offset, at },
            heard_at: context.heard_at,
            age_ms: context.age_ms,
            look_up: context.look_up.clone(),
            missing: context.missing,
            followed_at: entry.followed_at,
            announced: context.announced && entry.follower.is_none(),
            version: entry.version,
            bytes: entry.bytes,
            sent_at: entry.sent_at,
            resends: u32::from(entry.resends),
            received_at: entry.received_at,
            rendered_at: entry.rendered_at,
            rendered_ms: entry.rendered_ms,
            outcome: entry.outcome,
            at: entry.at,
        }
    }
}

/// As lines say times.
fn in_millis(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(3)
}

impl Entry {
    fn new(follower: Option<String>, context: Arc<Context>, outcome: Outcome, at: DateTime<Utc>) -> Self {
        Self {
            follower,
            context,
            next: None,
            rest_comes: false,
            version: 0,
            bytes: 0,
            resends: 0,
            sent_at: None,
            received_at: None,
            rendered_at: None,
            rendered_ms: None,
            followed_at: None,
            outcome,
            at,
            changed: true,
        }
    }

    fn received(&mut self, at: DateTime<Utc>) {
        if self.received_at.is_none() {
            (self.received_at, self.changed) = (Some(at), true);
            if self.outcome == Outcome::Sent {
                (self.outcome, self.at) = (Outcome::Received, at);
            }
        }
    }
}

#[cfg(test)]
mod tests;
