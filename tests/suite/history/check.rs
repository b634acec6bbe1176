//! The rules, one function each: nothing lost, nothing doubled to the screen, nothing shown as open that is over, versions that
//! grow, events in their order, digests that are the same on every node.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::digests::Digests;
use super::ledger::{Key, Ledger, Standing};
use super::order::{Place, Session};
use super::screen::{Effect, Screen, call_id};
use super::{Desk, Entry};

/// What a history is held against beside the protocol's own rules.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// `calls.keep_after_end` of the nodes.
    pub keep_after_end: Duration,
    /// A session that was open for as long as this while a call was to be seen must have shown it. Not a demand on speed: a
    /// line that is dead and does not know it yet needs this time to be noticed.
    pub time_to_see: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { keep_after_end: Duration::from_secs(120), time_to_see: Duration::from_secs(20) }
    }
}

/// What is wrong. Those of the first kind may still come right while a test waits; the others never do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// An open call is not on its agent's screen, or in another state.
    NotShown,
    /// A call that is over is on the screen as an open one.
    ShownThoughOver,
    /// Nobody ever saw a call that was to be seen.
    Lost,
    /// A call was announced, or shown with the same content, though it was on the screen.
    Doubled,
    VersionWentBack,
    OutOfOrder,
    DigestsDiffer,
}

impl Rule {
    fn may_come_right(self) -> bool {
        matches!(self, Self::NotShown | Self::ShownThoughOver | Self::Lost)
    }
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Counted {
    pub events: usize,
    pub calls: usize,
    pub desks: usize,
    pub nodes: usize,
    pub sessions: usize,
    pub reconnects: usize,
    pub frames: usize,
    pub pops: usize,
    pub updates: usize,
    pub ends: usize,
    /// Frames that came a second time, and were dropped by the screen.
    pub repeats: usize,
    /// Calls that a session was not told of again, because it came with them.
    pub kept: usize,
    pub contents: usize,
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, calls, desks, nodes, sessions, reconnects, .. } = self;
        write!(f, "{events} events of {calls} calls; {desks} desks, {sessions} sessions on {nodes} nodes, ")?;
        let Self { frames, pops, updates, ends, repeats, kept, contents, .. } = self;
        write!(f, "{reconnects} reconnects with {kept} calls on the screen; {frames} frames: {pops} pops, ")?;
        write!(f, "{updates} updates, {ends} ends, {repeats} repeats; {contents} contents")
    }
}

#[derive(Debug, Default)]
pub struct Verdict {
    pub counted: Counted,
    pub found: Vec<(Rule, String)>,
}

impl Verdict {
    /// Nothing is wrong that waiting could mend.
    pub fn is_settled(&self) -> bool {
        !self.found.iter().any(|(rule, _)| rule.may_come_right())
    }

    /// Says what was counted; fails where something is wrong.
    pub fn holds(&self, test: &str) -> &Counted {
        let found: Vec<String> = self.found.iter().take(20).map(|(rule, what)| format!("  {rule:?}: {what}")).collect();
        println!("{test}: {}", self.counted);
        assert!(found.is_empty(), "{test}: {} promises broken:\n{}", self.found.len(), found.join("\n"));
        &self.counted
    }

    pub fn rules(&self) -> BTreeSet<Rule> {
        self.found.iter().map(|(rule, _)| *rule).collect()
    }
}

/// When a session was there, on whose desk.
struct Span {
    desk: Desk,
    from: Duration,
    to: Option<Duration>,
}

#[derive(Default)]
struct Judge {
    ledger: Ledger,
    verdict: Verdict,
    digests: Digests,
    screens: BTreeMap<Desk, Screen>,
    sessions: HashMap<String, Session>,
    spans: BTreeMap<String, Span>,
    nodes: BTreeSet<String>,
    /// By agent and call: somebody saw it.
    seen: BTreeSet<Key>,
}

pub fn judge(entries: &[(Duration, Entry)], began_at: DateTime<Utc>, now: Duration, limits: Limits) -> Verdict {
    let mut judge = Judge::default();
    // First what was published: an acknowledgement of Kafka's may come after the frame that it led to.
    for (at, entry) in entries {
        if let Entry::Published(event) = entry {
            judge.ledger.add(*at, event);
            judge.verdict.counted.events += 1;
        }
    }
    for (at, entry) in entries {
        judge.read(*at, entry);
    }
    judge.screens_are_right();
    judge.nothing_is_lost(began_at, now, limits);
    let counted = &mut judge.verdict.counted;
    counted.calls = judge.ledger.keys().count();
    counted.desks = judge.screens.len();
    counted.nodes = judge.nodes.len();
    counted.sessions = judge.spans.len();
    counted.reconnects = counted.sessions - counted.desks;
    counted.contents = judge.digests.count();
    judge.verdict.found.sort();
    judge.verdict
}

impl Judge {
    fn find(&mut self, rule: Rule, what: String) {
        self.verdict.found.push((rule, what));
    }

    fn read(&mut self, at: Duration, entry: &Entry) {
        match entry {
            Entry::Published(_) => {}
            Entry::Opened { desk, session, node, showing } => {
                self.nodes.insert(node.clone());
                self.verdict.counted.kept += showing;
                self.screens.entry(desk.clone()).or_default().begin_session();
                self.spans.insert(session.clone(), Span { desk: desk.clone(), from: at, to: None });
            }
            Entry::Closed { session } => {
                if let Some(span) = self.spans.get_mut(session) {
                    span.to = Some(at);
                }
            }
            Entry::Frame { desk, session, frame } => self.frame(desk, session, frame),
        }
    }

    fn frame(&mut self, desk: &Desk, session: &str, frame: &Value) {
        let counted = &mut self.verdict.counted;
        counted.frames += 1;
        match frame["type"].as_str() {
            Some("pop") => counted.pops += 1,
            Some("update") => counted.updates += 1,
            _ => counted.ends += 1,
        }
        let read = self.sessions.entry(session.to_owned()).or_default();
        match read.place(frame) {
            Place::Next => {}
            Place::Repeated => {
                counted.repeats += 1;
                return;
            }
            Place::VersionWentBack => {
                let text = format!("{} of {} at {} in {session}", frame["version"], call_id(frame), desk.agent_id);
                return self.find(Rule::VersionWentBack, text);
            }
        }
        if let Some(disorder) = read.disorder(desk, frame, &self.ledger) {
            self.find(Rule::OutOfOrder, disorder);
        }
        if let Some(differs) = self.digests.differs(session, frame) {
            self.find(Rule::DigestsDiffer, differs);
        }
        self.show(desk, frame);
    }

    fn show(&mut self, desk: &Desk, frame: &Value) {
        let effect = self.screens.entry(desk.clone()).or_default().apply(frame);
        let (agent_id, call_id) = (desk.agent_id.clone(), call_id(frame).to_owned());
        if let Effect::ShownAgain { same_content } = effect {
            if same_content {
                self.find(Rule::Doubled, format!("{call_id} at {agent_id} came again with what was on the screen"));
            } else if frame["announce"] == true {
                self.find(Rule::Doubled, format!("{call_id} at {agent_id} was announced, though on the screen"));
            }
        }
        if frame["type"] == "pop" {
            self.seen.insert((agent_id, call_id));
        }
    }

    /// At the end every screen shows its agent's open calls, in their states, and no other ones.
    fn screens_are_right(&mut self) {
        let connected: BTreeSet<&Desk> =
            self.spans.values().filter(|span| span.to.is_none()).map(|span| &span.desk).collect();
        let mut found = Vec::new();
        for desk in connected {
            let Some(screen) = self.screens.get(desk) else { continue };
            let agent_id = &desk.agent_id;
            for key in self.ledger.calls_of(agent_id) {
                if self.ledger.standing(key) != Some(Standing::Open) {
                    continue;
                }
                let holding = self.ledger.holding(key).map(|event| event.state.name());
                match screen.open().find(|shown| shown.call_id == key.1) {
                    None => found.push((Rule::NotShown, format!("{} at {agent_id}", key.1))),
                    Some(shown) if shown.call["state"].as_str() != holding => {
                        let text = format!("{} at {agent_id}: {} for {holding:?}", key.1, shown.call["state"]);
                        found.push((Rule::NotShown, text));
                    }
                    Some(_) => {}
                }
            }
            for shown in screen.open() {
                let call_id = &shown.call_id;
                let standing = self.ledger.standing(&(agent_id.clone(), call_id.clone()));
                if standing != Some(Standing::Open) {
                    let text = format!("{call_id} at {agent_id}: {} for {standing:?}", shown.call["state"]);
                    found.push((Rule::ShownThoughOver, text));
                }
            }
        }
        self.verdict.found.extend(found);
    }

    /// Whoever was there while a call was to be seen saw it.
    fn nothing_is_lost(&mut self, began_at: DateTime<Utc>, now: Duration, limits: Limits) {
        let mut found = Vec::new();
        for key in self.ledger.keys().filter(|key| !self.seen.contains(*key)) {
            let (Some(begins), until) =
                (self.ledger.begins(key), self.ledger.visible_until(key, began_at, limits.keep_after_end))
            else {
                continue;
            };
            let until = until.unwrap_or(now).min(now);
            let was_there = self.spans.values().filter(|span| span.desk.agent_id == key.0).any(|span| {
                let (from, to) = (span.from.max(begins), span.to.unwrap_or(now).min(until));
                // One that is still there when the test has settled had all the time it needed.
                to > from && (to - from >= limits.time_to_see || (span.to.is_none() && until == now))
            });
            if was_there {
                found.push((Rule::Lost, self.ledger.tell(key)));
            }
        }
        self.verdict.found.extend(found);
    }
}
