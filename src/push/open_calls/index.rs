//! The calls of one id and those of one agent, in the order of their latest events. No event walks over either.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::CallKey;
use super::sorted::Sorted;

/// When the event that holds was, then the agent (among those of one call id) or the call id (among those of one agent).
pub type ByAt = (DateTime<Utc>, Arc<CallKey>);

/// Everybody at one call id.
#[derive(Debug, Default)]
pub struct OfCall {
    pub agents: Sorted<ByAt>,
    /// Offers that nobody has taken back.
    open_offers: Sorted<ByAt>,
    /// In a box: most calls never get so far.
    connected: Option<Box<Connected>>,
}

/// The latest `connected` of a call id and the latest one of any other agent: for each agent that is enough to find the latest
/// one elsewhere. It outlives the agents, so that an offer does not come back when `calls.agents_per_call_max` pushes out the
/// agent who answered.
#[derive(Debug)]
struct Connected {
    latest: ByAt,
    of_another: Option<ByAt>,
}

impl OfCall {
    /// The latest `connected` of another agent than this one.
    pub fn connected_elsewhere(&self, agent_id: &str) -> Option<DateTime<Utc>> {
        let Connected { latest, of_another } = &**self.connected.as_ref()?;
        let elsewhere = if latest.1.agent_id == agent_id { of_another.as_ref() } else { Some(latest) };
        elsewhere.map(|(at, _)| *at)
    }

    pub fn put_offer(&mut self, at: DateTime<Utc>, key: &Arc<CallKey>) {
        self.open_offers.insert((at, Arc::clone(key)));
    }

    pub fn remove(&mut self, of: &ByAt) {
        self.agents.remove(of);
        self.open_offers.remove(of);
    }

    /// An agent is connected; gives back the offers of others that this takes back.
    pub fn connect(&mut self, at: DateTime<Utc>, key: &Arc<CallKey>) -> Vec<ByAt> {
        Connected::take_in(&mut self.connected, at, key);
        let up_to_then = self.open_offers.iter().take_while(|(offered_at, _)| *offered_at <= at);
        // What is passed over is at most one: the agent's own.
        let taken: Vec<ByAt> = up_to_then.filter(|(_, offered)| offered.agent_id != key.agent_id).cloned().collect();
        for offer in &taken {
            self.open_offers.remove(offer);
        }
        taken
    }
}

impl Connected {
    fn take_in(connected: &mut Option<Box<Self>>, at: DateTime<Utc>, key: &Arc<CallKey>) {
        let new = (at, Arc::clone(key));
        let Some(connected) = connected else {
            *connected = Some(Box::new(Self { latest: new, of_another: None }));
            return;
        };
        let Self { latest, of_another } = &mut **connected;
        if latest.1.agent_id == key.agent_id {
            latest.0 = latest.0.max(at);
        } else if latest.0 < at {
            *of_another = Some(std::mem::replace(latest, new));
        } else if of_another.as_ref().is_none_or(|(other_at, _)| *other_at < at) {
            *of_another = Some(new);
        }
    }
}

/// All calls of one agent.
#[derive(Debug, Default)]
pub struct OfAgent {
    /// Open and over.
    pub known: usize,
    pub open: Sorted<ByAt>,
    /// Ended, and perhaps kept for their wrap-up.
    ended: Sorted<ByAt>,
}

impl OfAgent {
    pub fn put_ended(&mut self, at: DateTime<Utc>, key: &Arc<CallKey>) {
        self.ended.insert((at, Arc::clone(key)));
    }

    pub fn remove(&mut self, call: &ByAt) {
        _ = self.open.remove(call) || self.ended.remove(call);
    }

    /// Calls that may have to be shown, newest first: open ones, and as many at most that ended later than this.
    pub fn newest(&self, ended_after: DateTime<Utc>, ended_max: usize) -> Vec<&ByAt> {
        let ended = self.ended.iter().rev().take_while(|(at, _)| *at > ended_after).take(ended_max);
        let mut newest: Vec<&ByAt> = self.open.iter().rev().chain(ended).collect();
        newest.sort_by(|a, b| b.cmp(a));
        newest
    }
}
