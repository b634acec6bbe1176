//! Which call every agent is on, from the events alone: whatever order and however often they arrive. Pure.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use smol_str::SmolStr;

use super::{Call, EndReason};
use crate::arrival::CallState;
use crate::journey::Campaign;
use index::{ByAt, OfAgent, OfCall};
use known::Known;

mod index;
mod known;
mod limits;
mod sorted;

pub use limits::{CallLimits, Limit};

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

/// What an event changed for its own agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// The agent is on a call that was not known, or was over; or an ended one is to be shown after all, because it turns out that
    /// the agent was on it.
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
    /// The oldest calls, where more would be known than a limit allows.
    pub forgotten: Vec<Forgotten>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Forgotten {
    pub key: Arc<CallKey>,
    pub was_open: bool,
    /// `None`: it was older than `calls.open_max`.
    pub limit: Option<Limit>,
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

/// When to look at a call again: it expires, or can be forgotten. Of calls of the same moment an offer goes first: what takes
/// it back must not be forgotten before it.
type Due = (DateTime<Utc>, CallState, Arc<CallKey>);

/// Every agent's calls.
pub struct OpenCalls {
    limits: CallLimits,
    /// In boxes: a map of many has a good part of its places free.
    known: HashMap<Arc<CallKey>, Box<Known>>,
    by_call: HashMap<SmolStr, OfCall>,
    by_agent: HashMap<SmolStr, OfAgent>,
    /// One entry for each known call, by the event that holds: it does not grow with events.
    due: BTreeSet<Due>,
}

impl OpenCalls {
    pub fn new(limits: CallLimits) -> Self {
        Self { limits, known: HashMap::new(), by_call: HashMap::new(), by_agent: HashMap::new(), due: BTreeSet::new() }
    }

    /// The same limits, and no call.
    pub fn emptied(&self) -> Self {
        Self::new(self.limits)
    }

    /// Takes an event in. Costs the logarithm of what is known, and as much again for each offer that it takes back.
    pub fn apply(&mut self, call: Call, heard: impl Into<Origin>, now: DateTime<Utc>) -> Applied {
        let key = self.shared(CallKey::of(&call));
        if call.at + self.limits.open_max <= now {
            return Applied { key, change: Change::Stale, taken: Vec::new(), forgotten: Vec::new() };
        }
        let connected_at = (call.state == CallState::Connected).then_some(call.at);
        let before = self.standing(&key);
        let is_news = self.put(&key, call, heard.into());
        let taken = connected_at.map(|at| self.take_offers_back(at, &key)).unwrap_or_default();
        let forgotten = self.forget_surplus(&key);
        let change = match (before, self.standing(&key)) {
            (Some(Standing::Over(EndReason::Taken | EndReason::Retracted)), Some(Standing::Over(EndReason::Ended)))
                if self.visible(&key, now).is_some() =>
            {
                Change::Opened
            }
            _ if !is_news => Change::Superseded,
            (Some(Standing::Open), Some(Standing::Open)) => Change::Changed,
            (Some(Standing::Open), Some(Standing::Over(reason))) => Change::Ended(reason),
            (_, Some(Standing::Open)) => Change::Opened,
            _ => Change::StillOver,
        };
        Applied { key, change, taken, forgotten }
    }

    /// Keeps what the event says; `false`: a later one holds.
    fn put(&mut self, key: &Arc<CallKey>, call: Call, heard: Origin) -> bool {
        self.take_out(key);
        let is_news = match self.known.entry(Arc::clone(key)) {
            Entry::Occupied(known) => known.into_mut().hear(call, heard),
            Entry::Vacant(place) => {
                place.insert(Box::new(Known::of(call, heard)));
                self.by_agent.entry(key.agent_id.clone()).or_default().known += 1;
                true
            }
        };
        self.put_back(key);
        is_news
    }

    /// Out of the indexes, which are in the order of the events that hold.
    fn take_out(&mut self, key: &Arc<CallKey>) {
        let Some(Known { call, .. }) = self.known.get(key).map(|known| &**known) else { return };
        self.due.remove(&(call.at, call.state, Arc::clone(key)));
        let by_at: ByAt = (call.at, Arc::clone(key));
        if let Some(of_call) = self.by_call.get_mut(&key.call_id) {
            of_call.remove(&by_at);
        }
        if let Some(of_agent) = self.by_agent.get_mut(&key.agent_id) {
            of_agent.remove(&by_at);
        }
    }

    fn put_back(&mut self, key: &Arc<CallKey>) {
        let Some((at, state)) = self.known.get(key).map(|known| (known.call.at, known.call.state)) else { return };
        self.due.insert((at, state, Arc::clone(key)));
        let standing = self.standing(key);
        let of_call = self.by_call.entry(key.call_id.clone()).or_default();
        of_call.agents.insert((at, Arc::clone(key)));
        if state == CallState::Offered && standing == Some(Standing::Open) {
            of_call.put_offer(at, key);
        }
        let of_agent = self.by_agent.entry(key.agent_id.clone()).or_default();
        match standing {
            Some(Standing::Open) => of_agent.open.insert((at, Arc::clone(key))),
            Some(Standing::Over(EndReason::Ended)) => of_agent.put_ended(at, key),
            // Nobody sees it, unless another event of its own comes.
            Some(Standing::Over(_)) | None => {}
        }
    }

    /// The agent was connected then: gives back whose offers are over by that.
    fn take_offers_back(&mut self, at: DateTime<Utc>, key: &Arc<CallKey>) -> Vec<Arc<CallKey>> {
        let Some(of_call) = self.by_call.get_mut(&key.call_id) else { return Vec::new() };
        let taken = of_call.connect(at, key);
        for offer in &taken {
            if let Some(of_agent) = self.by_agent.get_mut(&offer.1.agent_id) {
                of_agent.remove(offer);
            }
        }
        taken.into_iter().map(|(_, key)| key).collect()
    }

    /// The key as it is kept, so that it is there once.
    pub fn shared(&self, key: CallKey) -> Arc<CallKey> {
        let kept = self.known.get_key_value(&key).map(|(kept, _)| Arc::clone(kept));
        kept.unwrap_or_else(|| Arc::new(key))
    }

    /// `connected` at one agent takes back the `offered` of others that have nothing later. An agent who was only ever
    /// offered the call has no wrap-up, though its own end is heard, too: another one took it, or nobody did.
    fn standing(&self, key: &CallKey) -> Option<Standing> {
        let known = self.known.get(key)?;
        let elsewhere = self.by_call.get(&key.call_id).and_then(|of_call| of_call.connected_elsewhere(&key.agent_id));
        Some(match known.call.state {
            CallState::Ended if known.was_answered() => Standing::Over(EndReason::Ended),
            CallState::Ended if elsewhere.is_some() => Standing::Over(EndReason::Taken),
            CallState::Ended if known.was_only_offered() => Standing::Over(EndReason::Retracted),
            CallState::Ended => Standing::Over(EndReason::Ended),
            CallState::Offered if elsewhere >= Some(known.call.at) => Standing::Over(EndReason::Taken),
            _ => Standing::Open,
        })
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
        let mut visible = self.newest_visible_of(agent_id, now);
        visible.reverse();
        visible
    }

    /// Calls that an agent is to see, newest first: the open ones, and as many at most that are kept for their wrap-up as may be open.
    pub fn newest_visible_of(&self, agent_id: &str, now: DateTime<Utc>) -> Vec<Visible> {
        let Some(of_agent) = self.by_agent.get(agent_id) else { return Vec::new() };
        let newest = of_agent.newest(now - self.limits.keep_after_end, self.limits.open_per_agent_max);
        newest.into_iter().filter_map(|(_, key)| self.visible(key, now)).collect()
    }

    /// Agents heard of, each with the number of its open calls.
    pub fn agents(&self) -> impl Iterator<Item = (&str, usize)> {
        self.by_agent.iter().map(|(agent_id, of_agent)| (agent_id.as_str(), of_agent.open.len()))
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
        while let Some((_, _, key)) = self.due.first().filter(|(at, ..)| *at + self.limits.open_max <= now).cloned() {
            gone.push(self.forget(key, None));
        }
        gone
    }

    /// Forgets the oldest, so that no topic fills the memory and no call id or agent takes more of it than it may.
    fn forget_surplus(&mut self, key: &CallKey) -> Vec<Forgotten> {
        let mut gone = Vec::new();
        while let Some((limit, key)) = self.surplus(key) {
            gone.push(self.forget(key, Some(limit)));
        }
        gone
    }

    /// An event adds to its own call id and its own agent, and to no others.
    fn surplus(&self, key: &CallKey) -> Option<(Limit, Arc<CallKey>)> {
        let Self { limits, by_call, by_agent, .. } = self;
        let agents = by_call.get(&key.call_id).map(|of_call| &of_call.agents);
        if let Some(agents) = agents.filter(|agents| agents.len() > limits.agents_per_call_max) {
            return agents.first().map(|(_, key)| (Limit::AgentsPerCall, Arc::clone(key)));
        }
        let open = by_agent.get(&key.agent_id).map(|of_agent| &of_agent.open);
        if let Some(open) = open.filter(|open| open.len() > limits.open_per_agent_max) {
            return open.first().map(|(_, key)| (Limit::OpenPerAgent, Arc::clone(key)));
        }
        let too_many = self.known.len() > limits.known_max;
        self.due.first().filter(|_| too_many).map(|(_, _, key)| (Limit::Known, Arc::clone(key)))
    }

    fn forget(&mut self, key: Arc<CallKey>, limit: Option<Limit>) -> Forgotten {
        let was_open = self.is_open(&key);
        self.take_out(&key);
        self.known.remove(&key);
        if let Entry::Occupied(of_call) = self.by_call.entry(key.call_id.clone())
            && of_call.get().agents.is_empty()
        {
            of_call.remove();
        }
        if let Entry::Occupied(mut of_agent) = self.by_agent.entry(key.agent_id.clone()) {
            of_agent.get_mut().known -= 1;
            if of_agent.get().known == 0 {
                of_agent.remove();
            }
        }
        Forgotten { key, was_open, limit }
    }
}

#[cfg(test)]
mod tests;
