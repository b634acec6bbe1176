//! Which call every agent is on, from the events alone: whatever order and however often they arrive. Pure.

use std::cmp::{Ordering, Reverse};
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use smol_str::SmolStr;

use super::{Call, EndReason};
use crate::arrival::CallState;
use crate::journey::Campaign;

/// One call at one agent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallKey {
    pub agent_id: SmolStr,
    pub call_id: SmolStr,
}

impl CallKey {
    pub fn of(call: &Call) -> Self {
        Self { agent_id: call.agent_id.clone(), call_id: call.call_id.clone() }
    }
}

/// How long, and how many, calls are believed in.
#[derive(Debug, Clone, Copy)]
pub struct CallLimits {
    pub open_max: TimeDelta,
    pub keep_after_end: TimeDelta,
    pub known_max: usize,
}

/// What an event changed for its own agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// The agent is on a call that was not known, or was over.
    Opened,
    /// The call goes on in another state.
    Changed,
    /// The call is over.
    Ended(EndReason),
    /// Nothing: it is over already, and was never open here.
    StillOver,
    /// Nothing: the event was heard before, or a later one holds.
    Superseded,
    /// Nothing: the call is older than `calls.open_max`.
    Stale,
}

/// What an event changed: for its own agent, and the offers of others that it took back.
#[derive(Debug, PartialEq, Eq)]
pub struct Applied {
    pub key: Arc<CallKey>,
    pub change: Change,
    pub taken: Vec<Arc<CallKey>>,
    /// The oldest calls, where more than `calls.known_max` would be known.
    pub forgotten: Vec<Forgotten>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Forgotten {
    pub key: Arc<CallKey>,
    pub was_open: bool,
}

/// How an agent stands to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Open,
    Over(EndReason),
}

/// A call that is over, as an agent is told.
#[derive(Debug)]
pub struct Over {
    pub reason: EndReason,
    /// Where it stays on screen for its wrap-up.
    pub call: Option<Call>,
}

impl Over {
    /// Nothing is known of it any more.
    pub const EXPIRED: Self = Self { reason: EndReason::Expired, call: None };
    pub const TAKEN: Self = Self { reason: EndReason::Taken, call: None };
}

#[derive(Debug)]
struct Known {
    /// The event that holds: greatest `at`, then state.
    call: Call,
    heard: Origin,
    /// The latest `connected` ever heard, though a later event may hold.
    connected_at: Option<DateTime<Utc>>,
    /// Campaigns whose names are known, from any event of the call or from a timeline: most events carry the id alone.
    named: Vec<Campaign>,
}

impl Known {
    fn of(call: Call, heard: Origin) -> Self {
        Self { call, heard, connected_at: None, named: Vec::new() }
    }

    fn learn_name(&mut self, campaign: &Campaign) {
        if campaign.name.is_some() && !self.named.iter().any(|named| named.id == campaign.id) {
            self.named.push(campaign.clone());
        }
    }

    fn tell_name(&mut self) {
        if let Some(campaign) = self.call.campaign.as_mut().filter(|campaign| campaign.name.is_none()) {
            let named = self.named.iter().find(|named| named.id == campaign.id);
            campaign.name = named.and_then(|named| named.name.clone());
        }
    }
}

/// An open or just ended call, as the agent is to see it.
#[derive(Debug, Clone)]
pub struct Visible {
    pub key: Arc<CallKey>,
    pub call: Call,
    pub heard: Origin,
}

/// Where an event was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// What its age is counted from.
    pub since: DateTime<Utc>,
    /// In the topic of calls.
    pub partition: i32,
    pub offset: i64,
    /// By this node.
    pub heard_at: DateTime<Utc>,
}

/// As tests say it, which have no topic.
#[cfg(test)]
impl From<DateTime<Utc>> for Origin {
    fn from(since: DateTime<Utc>) -> Self {
        Self { since, partition: 0, offset: 0, heard_at: since }
    }
}

/// `at` and state of an event.
type Due = (DateTime<Utc>, CallState, Arc<CallKey>);

/// Every agent's calls.
pub struct OpenCalls {
    limits: CallLimits,
    /// In boxes: a map of many has a good part of its places free.
    known: HashMap<Arc<CallKey>, Box<Known>>,
    by_call: HashMap<SmolStr, Vec<Arc<CallKey>>>,
    by_agent: HashMap<SmolStr, Vec<Arc<CallKey>>>,
    /// When to look at a call again: it expires, or can be forgotten. Of calls of the same moment an offer goes first: what
    /// takes it back must not be forgotten before it.
    due: BinaryHeap<Reverse<Due>>,
}

impl OpenCalls {
    pub fn new(limits: CallLimits) -> Self {
        Self {
            limits,
            known: HashMap::new(),
            by_call: HashMap::new(),
            by_agent: HashMap::new(),
            due: BinaryHeap::new(),
        }
    }

    /// The same limits, and no call.
    pub fn emptied(&self) -> Self {
        Self::new(self.limits)
    }

    /// Takes an event in.
    pub fn apply(&mut self, call: Call, heard: impl Into<Origin>, now: DateTime<Utc>) -> Applied {
        let key = self.shared(CallKey::of(&call));
        if call.at + self.limits.open_max <= now {
            return Applied { key, change: Change::Stale, taken: Vec::new(), forgotten: Vec::new() };
        }
        let (at, state) = (call.at, call.state);
        let offers_before = if state == CallState::Connected { self.offers_to_others(&key) } else { Vec::new() };
        let before = self.standing(&key);
        let is_news = self.put(&key, call, heard.into());
        if state == CallState::Connected
            && let Some(known) = self.known.get_mut(&key)
        {
            known.connected_at = known.connected_at.max(Some(at));
        }
        let forgotten = self.forget_surplus();
        let change = match (before, self.standing(&key)) {
            _ if !is_news => Change::Superseded,
            (Some(Standing::Open), Some(Standing::Open)) => Change::Changed,
            (Some(Standing::Open), Some(Standing::Over(reason))) => Change::Ended(reason),
            (_, Some(Standing::Open)) => Change::Opened,
            _ => Change::StillOver,
        };
        let is_over = |key: &Arc<CallKey>| matches!(self.standing(key), Some(Standing::Over(_)));
        let taken = offers_before.into_iter().filter(is_over).collect();
        Applied { key, change, taken, forgotten }
    }

    /// Keeps the event if it is later than what is kept; what it calls its campaign, in any case.
    fn put(&mut self, key: &Arc<CallKey>, call: Call, heard: Origin) -> bool {
        let campaign = call.campaign.clone();
        let due = (call.at, call.state, Arc::clone(key));
        let mut is_news = true;
        let known = match self.known.entry(Arc::clone(key)) {
            Entry::Occupied(known) => {
                let known = known.into_mut();
                is_news = order(&known.call, &call) == Ordering::Less;
                if is_news {
                    (known.call, known.heard) = (call, heard);
                }
                known
            }
            Entry::Vacant(place) => {
                put_into(&mut self.by_call, &key.call_id, key);
                put_into(&mut self.by_agent, &key.agent_id, key);
                place.insert(Box::new(Known::of(call, heard)))
            }
        };
        if let Some(campaign) = &campaign {
            known.learn_name(campaign);
        }
        known.tell_name();
        if is_news {
            self.due.push(Reverse(due));
        }
        is_news
    }

    /// The key as it is kept, so that it is there once.
    pub fn shared(&self, key: CallKey) -> Arc<CallKey> {
        let kept = self.known.get_key_value(&key).map(|(kept, _)| Arc::clone(kept));
        kept.unwrap_or_else(|| Arc::new(key))
    }

    fn others(&self, key: &CallKey) -> impl Iterator<Item = &Arc<CallKey>> {
        self.by_call.get(&key.call_id).into_iter().flatten().filter(|other| other.agent_id != key.agent_id)
    }

    fn offers_to_others(&self, key: &CallKey) -> Vec<Arc<CallKey>> {
        self.others(key).filter(|other| self.standing(other) == Some(Standing::Open)).cloned().collect()
    }

    /// `connected` at one agent takes back the `offered` of others that have nothing later. An agent who was only ever
    /// offered what another one answered has no wrap-up, though its own end is heard, too.
    fn standing(&self, key: &CallKey) -> Option<Standing> {
        let Known { call, connected_at, .. } = &**self.known.get(key)?;
        Some(match call.state {
            CallState::Ended if connected_at.is_none() && self.connected_elsewhere(key).is_some() => {
                Standing::Over(EndReason::Taken)
            }
            CallState::Ended => Standing::Over(EndReason::Ended),
            CallState::Offered if self.connected_elsewhere(key) >= Some(call.at) => Standing::Over(EndReason::Taken),
            _ => Standing::Open,
        })
    }

    fn connected_elsewhere(&self, key: &CallKey) -> Option<DateTime<Utc>> {
        self.others(key).filter_map(|other| self.known.get(other)?.connected_at).max()
    }

    /// The call as the agent is to see it: open, or ended and kept for its wrap-up.
    pub fn visible(&self, key: &CallKey, now: DateTime<Utc>) -> Option<Visible> {
        let (key, known) = self.known.get_key_value(key)?;
        let seen = match self.standing(key)? {
            Standing::Open => true,
            Standing::Over(EndReason::Ended) => now < known.call.at + self.limits.keep_after_end,
            Standing::Over(_) => false,
        };
        seen.then(|| Visible { key: Arc::clone(key), call: known.call.clone(), heard: known.heard })
    }

    /// How the call is over for the agent; `None` while it is open.
    pub fn over(&self, key: &CallKey, now: DateTime<Utc>) -> Option<Over> {
        match self.standing(key) {
            Some(Standing::Open) => None,
            Some(Standing::Over(reason)) => {
                Some(Over { reason, call: self.visible(key, now).map(|visible| visible.call) })
            }
            None => Some(Over::EXPIRED),
        }
    }

    pub fn knows(&self, key: &CallKey) -> bool {
        self.known.contains_key(key)
    }

    pub fn is_open(&self, key: &CallKey) -> bool {
        self.standing(key) == Some(Standing::Open)
    }

    /// Calls that an agent is to see, oldest first.
    pub fn visible_of(&self, agent_id: &str, now: DateTime<Utc>) -> Vec<Visible> {
        let keys = self.by_agent.get(agent_id).into_iter().flatten();
        let mut visible: Vec<Visible> = keys.filter_map(|key| self.visible(key, now)).collect();
        visible.sort_by_key(|seen| seen.call.at);
        visible
    }

    /// Agents heard of, each with the number of its open calls.
    pub fn agents(&self) -> impl Iterator<Item = (&str, usize)> {
        let open = |keys: &[Arc<CallKey>]| keys.iter().filter(|key| self.is_open(key)).count();
        self.by_agent.iter().map(move |(agent_id, keys)| (agent_id.as_str(), open(keys)))
    }

    /// The name of the call's campaign, once a timeline told it.
    pub fn name_campaign(&mut self, key: &CallKey, name: &str) {
        let Some(known) = self.known.get_mut(key) else { return };
        if let Some(campaign) = known.call.campaign.clone() {
            known.learn_name(&Campaign { name: Some(name.to_owned()), ..campaign });
            known.tell_name();
        }
    }

    /// Forgets what is older than `calls.open_max`.
    pub fn expire(&mut self, now: DateTime<Utc>) -> Vec<Forgotten> {
        let mut gone = Vec::new();
        while self.due.peek().is_some_and(|Reverse((at, ..))| *at + self.limits.open_max <= now) {
            gone.extend(self.forget_next());
        }
        gone
    }

    /// Forgets the oldest, so that no topic fills the memory.
    fn forget_surplus(&mut self) -> Vec<Forgotten> {
        let mut gone = Vec::new();
        while self.known.len() > self.limits.known_max && !self.due.is_empty() {
            gone.extend(self.forget_next());
        }
        gone
    }

    /// The one that is due next, unless a later event holds by now.
    fn forget_next(&mut self) -> Option<Forgotten> {
        let Reverse((at, state, key)) = self.due.pop()?;
        let holds = self.known.get(&key).is_some_and(|known| (known.call.at, known.call.state) == (at, state));
        holds.then(|| {
            let was_open = self.is_open(&key);
            self.known.remove(&key);
            drop_from(&mut self.by_call, &key.call_id, &key);
            drop_from(&mut self.by_agent, &key.agent_id, &key);
            Forgotten { key, was_open }
        })
    }
}

fn put_into(index: &mut HashMap<SmolStr, Vec<Arc<CallKey>>>, of: &SmolStr, key: &Arc<CallKey>) {
    // Most calls are one agent's, most agents are on one call, and a list grows to four by itself.
    index.entry(of.clone()).or_insert_with(|| Vec::with_capacity(1)).push(Arc::clone(key));
}

fn drop_from(index: &mut HashMap<SmolStr, Vec<Arc<CallKey>>>, of: &str, key: &CallKey) {
    if let Some(keys) = index.get_mut(of) {
        keys.retain(|kept| **kept != *key);
        if keys.is_empty() {
            index.remove(of);
        }
    }
}

/// Which of two events of a call holds, whatever order they arrive in. Two that differ in nothing else are told apart by
/// what they say, so that every node believes the same one.
fn order(a: &Call, b: &Call) -> Ordering {
    fn says(call: &Call) -> (&Option<SmolStr>, Option<&str>, &Option<SmolStr>, u8) {
        let campaign = call.campaign.as_ref().map(|campaign| campaign.id.as_str());
        (&call.number, campaign, &call.parent_call_id, call.direction as u8)
    }
    (a.at, a.state).cmp(&(b.at, b.state)).then_with(|| says(a).cmp(&says(b)))
}

#[cfg(test)]
mod tests;
