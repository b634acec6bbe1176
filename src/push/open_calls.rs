//! Which call every agent is on, from the events alone: whatever order and however often they arrive. Pure.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Call, EndReason};
use crate::arrival::CallState;

/// One call at one agent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallKey {
    pub agent_id: String,
    pub call_id: String,
}

impl CallKey {
    pub fn of(call: &Call) -> Self {
        Self { agent_id: call.agent_id.clone(), call_id: call.call_id.clone() }
    }
}

/// How long calls are believed in.
#[derive(Debug, Clone, Copy)]
pub struct CallLimits {
    pub open_max: TimeDelta,
    pub keep_after_end: TimeDelta,
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
    pub change: Change,
    pub taken: Vec<CallKey>,
}

/// How an agent stands to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Open,
    Over(EndReason),
}

#[derive(Debug)]
struct Known {
    /// The event that holds: greatest `at`, then state.
    call: Call,
    since: DateTime<Utc>,
    /// The latest `connected` ever heard, though a later event may hold.
    connected_at: Option<DateTime<Utc>>,
}

/// An open or just ended call, as the agent is to see it.
#[derive(Debug, Clone)]
pub struct Visible {
    pub call: Call,
    /// When it was heard of: what its age is counted from.
    pub since: DateTime<Utc>,
}

/// Every agent's calls.
pub struct OpenCalls {
    limits: CallLimits,
    known: HashMap<CallKey, Known>,
    agents_of_call: HashMap<String, Vec<String>>,
    calls_of_agent: HashMap<String, Vec<String>>,
    /// When to look at a call again: it expires, or can be forgotten.
    due: BinaryHeap<Reverse<(DateTime<Utc>, CallKey)>>,
}

impl OpenCalls {
    pub fn new(limits: CallLimits) -> Self {
        Self {
            limits,
            known: HashMap::new(),
            agents_of_call: HashMap::new(),
            calls_of_agent: HashMap::new(),
            due: BinaryHeap::new(),
        }
    }

    /// Takes an event in. `since` is what the call's age is counted from.
    pub fn apply(&mut self, call: Call, since: DateTime<Utc>, now: DateTime<Utc>) -> Applied {
        let nothing = |change| Applied { change, taken: Vec::new() };
        if call.at + self.limits.open_max <= now {
            return nothing(Change::Stale);
        }
        let key = CallKey::of(&call);
        let (at, state) = (call.at, call.state);
        let offers_before = if state == CallState::Connected { self.offers_to_others(&key) } else { Vec::new() };
        let before = self.standing(&key);
        let change = if self.put(&key, call, since) {
            match (before, self.standing(&key)) {
                (Some(Standing::Open), Some(Standing::Open)) => Change::Changed,
                (Some(Standing::Open), Some(Standing::Over(reason))) => Change::Ended(reason),
                (_, Some(Standing::Open)) => Change::Opened,
                _ => Change::StillOver,
            }
        } else {
            Change::Superseded
        };
        if state == CallState::Connected
            && let Some(known) = self.known.get_mut(&key)
        {
            known.connected_at = known.connected_at.max(Some(at));
        }
        let taken = offers_before.into_iter().filter(|key| self.standing(key) != Some(Standing::Open)).collect();
        Applied { change, taken }
    }

    /// Keeps the event if it is later than what is kept.
    fn put(&mut self, key: &CallKey, mut call: Call, since: DateTime<Utc>) -> bool {
        let connected_at = match self.known.get(key) {
            Some(known) if (known.call.at, known.call.state) >= (call.at, call.state) => return false,
            Some(known) => {
                keep_campaign_name(&mut call, &known.call);
                known.connected_at
            }
            None => {
                self.agents_of_call.entry(key.call_id.clone()).or_default().push(key.agent_id.clone());
                self.calls_of_agent.entry(key.agent_id.clone()).or_default().push(key.call_id.clone());
                None
            }
        };
        self.due.push(Reverse((call.at + self.limits.open_max, key.clone())));
        self.known.insert(key.clone(), Known { call, since, connected_at });
        true
    }

    fn offers_to_others(&self, key: &CallKey) -> Vec<CallKey> {
        let others = self.agents_of_call.get(&key.call_id).into_iter().flatten();
        others
            .filter(|agent_id| **agent_id != key.agent_id)
            .map(|agent_id| CallKey { agent_id: agent_id.clone(), call_id: key.call_id.clone() })
            .filter(|other| self.standing(other) == Some(Standing::Open))
            .collect()
    }

    /// `connected` at one agent takes back the `offered` of others that have nothing later.
    fn standing(&self, key: &CallKey) -> Option<Standing> {
        let known = self.known.get(key)?;
        Some(match known.call.state {
            CallState::Ended => Standing::Over(EndReason::Ended),
            CallState::Offered if self.connected_elsewhere(key) >= Some(known.call.at) => {
                Standing::Over(EndReason::Taken)
            }
            _ => Standing::Open,
        })
    }

    fn connected_elsewhere(&self, key: &CallKey) -> Option<DateTime<Utc>> {
        let others = self.agents_of_call.get(&key.call_id)?.iter().filter(|agent_id| **agent_id != key.agent_id);
        others
            .filter_map(|agent_id| {
                let other = CallKey { agent_id: agent_id.clone(), call_id: key.call_id.clone() };
                self.known.get(&other)?.connected_at
            })
            .max()
    }

    /// The call as the agent is to see it: open, or ended and kept for its wrap-up.
    pub fn visible(&self, key: &CallKey, now: DateTime<Utc>) -> Option<Visible> {
        let known = self.known.get(key)?;
        let seen = match self.standing(key)? {
            Standing::Open => true,
            Standing::Over(EndReason::Ended) => now < known.call.at + self.limits.keep_after_end,
            Standing::Over(_) => false,
        };
        seen.then(|| Visible { call: known.call.clone(), since: known.since })
    }

    pub fn is_open(&self, key: &CallKey) -> bool {
        self.standing(key) == Some(Standing::Open)
    }

    /// Calls that an agent is to see, oldest first.
    pub fn visible_of(&self, agent_id: &str, now: DateTime<Utc>) -> Vec<Visible> {
        let calls = self.calls_of_agent.get(agent_id).into_iter().flatten();
        let keys = calls.map(|call_id| CallKey { agent_id: agent_id.to_owned(), call_id: call_id.clone() });
        let mut visible: Vec<Visible> = keys.filter_map(|key| self.visible(&key, now)).collect();
        visible.sort_by_key(|seen| seen.call.at);
        visible
    }

    /// Agents heard of, each with the number of its open calls.
    pub fn agents(&self) -> impl Iterator<Item = (&str, usize)> {
        self.calls_of_agent.iter().map(|(agent_id, calls)| {
            let key = |call_id: &String| CallKey { agent_id: agent_id.clone(), call_id: call_id.clone() };
            (agent_id.as_str(), calls.iter().filter(|call_id| self.is_open(&key(call_id))).count())
        })
    }

    /// The name of the call's campaign, once a timeline told it.
    pub fn name_campaign(&mut self, key: &CallKey, name: &str) {
        let campaign = self.known.get_mut(key).and_then(|known| known.call.campaign.as_mut());
        if let Some(campaign) = campaign {
            campaign.name.get_or_insert_with(|| name.to_owned());
        }
    }

    /// Forgets what is older than `calls.open_max`; gives back the calls among them whose end was never heard.
    pub fn expire(&mut self, now: DateTime<Utc>) -> Vec<(CallKey, bool)> {
        let mut gone = Vec::new();
        while self.due.peek().is_some_and(|Reverse((at, _))| *at <= now) {
            let Some(Reverse((_, key))) = self.due.pop() else { break };
            let old = self.known.get(&key).is_some_and(|known| known.call.at + self.limits.open_max <= now);
            if old {
                let was_open = self.is_open(&key);
                self.forget(&key);
                gone.push((key, was_open));
            }
        }
        gone
    }

    fn forget(&mut self, key: &CallKey) {
        self.known.remove(key);
        let drop_from = |index: &mut HashMap<String, Vec<String>>, of: &String, what: &String| {
            if let Some(list) = index.get_mut(of) {
                list.retain(|entry| entry != what);
                if list.is_empty() {
                    index.remove(of);
                }
            }
        };
        drop_from(&mut self.agents_of_call, &key.call_id, &key.agent_id);
        drop_from(&mut self.calls_of_agent, &key.agent_id, &key.call_id);
    }
}

/// Events carry the campaign's id alone more often than not.
fn keep_campaign_name(call: &mut Call, before: &Call) {
    if let (Some(campaign), Some(known)) = (&mut call.campaign, &before.campaign)
        && campaign.id == known.id
        && campaign.name.is_none()
    {
        campaign.name.clone_from(&known.name);
    }
}

#[cfg(test)]
mod tests;
