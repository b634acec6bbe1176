//! Who sits where: sessions by their agent, and those that follow other agents' calls.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use smol_str::SmolStr;

use super::open_calls::CallKey;
use super::seat::Seat;
use super::session::Session;

#[derive(Default)]
pub struct Seats {
    by_agent: HashMap<String, Vec<Seat>>,
    /// By the agent that is followed, and their ids.
    followers: HashMap<String, BTreeMap<SmolStr, Arc<Session>>>,
}

impl Seats {
    /// `false`: the agent has as many as it may.
    pub fn join(&mut self, session: Arc<Session>, sessions_per_agent_max: usize) -> bool {
        // Most agents have one session, and a list grows to four by itself.
        let seats = self.by_agent.entry(session.agent_id.clone()).or_insert_with(|| Vec::with_capacity(1));
        let fits = seats.len() < sessions_per_agent_max;
        if fits {
            seats.push(Seat::new(session));
        }
        fits
    }

    /// `false`: it was not seated.
    pub fn leave(&mut self, session: &Session) -> bool {
        let Some(seat) = self.get(session) else { return false };
        for agent_id in std::mem::take(&mut seat.follows) {
            self.unfollow(&agent_id, session);
        }
        if let Some(seats) = self.by_agent.get_mut(&session.agent_id) {
            seats.retain(|seat| seat.session.id != session.id);
            if seats.is_empty() {
                self.by_agent.remove(&session.agent_id);
            }
        }
        true
    }

    pub fn get(&mut self, session: &Session) -> Option<&mut Seat> {
        find(&mut self.by_agent, session)
    }

    /// Follows these agents and no others; gives back those that are new.
    pub fn follow(&mut self, session: &Arc<Session>, agents: Vec<String>) -> Vec<String> {
        let agents: BTreeSet<String> = agents.into_iter().collect();
        let Some(seat) = self.get(session) else { return Vec::new() };
        let before = std::mem::replace(&mut seat.follows, agents.clone());
        let sees = |agent_id: &str| agent_id == session.agent_id || agents.contains(agent_id);
        seat.forget_others(|key| sees(&key.agent_id));
        session.to_show.keep_only(sees);
        for gone in before.difference(&agents) {
            self.unfollow(gone, session);
        }
        let new: Vec<String> = agents.difference(&before).cloned().collect();
        for agent_id in &new {
            let followers = self.followers.entry(agent_id.clone()).or_default();
            followers.insert(session.id.clone(), Arc::clone(session));
        }
        new
    }

    fn unfollow(&mut self, agent_id: &str, session: &Session) {
        if let Some(followers) = self.followers.get_mut(agent_id) {
            followers.remove(&session.id);
            if followers.is_empty() {
                self.followers.remove(agent_id);
            }
        }
    }

    /// Each session that sees this agent's calls: its own, and its followers'.
    pub fn for_each(&mut self, agent_id: &str, mut tell: impl FnMut(&mut Seat)) {
        self.by_agent.get_mut(agent_id).into_iter().flatten().for_each(&mut tell);
        for follower in self.followers.get(agent_id).into_iter().flat_map(BTreeMap::values) {
            find(&mut self.by_agent, follower).into_iter().for_each(&mut tell);
        }
    }

    pub fn sessions_of(&self, agent_id: &str) -> Vec<Arc<Session>> {
        let own = self.by_agent.get(agent_id).into_iter().flatten().map(|seat| &seat.session);
        own.chain(self.followers.get(agent_id).into_iter().flat_map(BTreeMap::values)).cloned().collect()
    }

    pub fn showing(&mut self, key: &CallKey) -> Vec<Arc<Session>> {
        let mut showing = Vec::new();
        self.for_each(&key.agent_id, |seat| {
            if seat.shows(key) {
                showing.push(Arc::clone(&seat.session));
            }
        });
        showing
    }

    pub fn all(&self) -> impl Iterator<Item = &Seat> {
        self.by_agent.values().flatten()
    }

    pub fn all_mut(&mut self) -> impl Iterator<Item = &mut Seat> {
        self.by_agent.values_mut().flatten()
    }

    /// Agents with the number of their own sessions.
    pub fn agents(&self) -> impl Iterator<Item = (&str, usize)> {
        self.by_agent.iter().map(|(agent_id, seats)| (agent_id.as_str(), seats.len()))
    }
}

fn find<'s>(by_agent: &'s mut HashMap<String, Vec<Seat>>, session: &Session) -> Option<&'s mut Seat> {
    by_agent.get_mut(&session.agent_id)?.iter_mut().find(|seat| seat.session.id == session.id)
}
