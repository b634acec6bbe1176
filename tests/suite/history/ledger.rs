//! What was published, and which calls that leaves open: the rule of "which event decides", said a second time. Pure.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Event, State};

/// A call at an agent.
pub type Key = (String, String);

/// How an agent stands to a call, by everything that was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Open,
    Ended,
    /// Offered, and another agent connected.
    Taken,
}

/// All events, and when each was taken by Kafka.
#[derive(Default)]
pub struct Ledger {
    /// By agent and call.
    events: BTreeMap<Key, Vec<(Duration, Event)>>,
    /// Every `connected`: agent, its own time, and when Kafka had it; by call.
    connected: HashMap<String, Vec<(String, DateTime<Utc>, Duration)>>,
}

impl Ledger {
    pub fn add(&mut self, at: Duration, event: &Event) {
        if event.state == State::Connected {
            let of_call = self.connected.entry(event.call_id.clone()).or_default();
            of_call.push((event.agent_id.clone(), event.at, at));
        }
        let key = (event.agent_id.clone(), event.call_id.clone());
        self.events.entry(key).or_default().push((at, event.clone()));
    }

    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.events.keys()
    }

    pub fn calls_of(&self, agent_id: &str) -> impl Iterator<Item = &Key> {
        self.events.keys().filter(move |(agent, _)| agent == agent_id)
    }

    pub fn events_of(&self, key: &Key) -> impl Iterator<Item = &Event> {
        self.events.get(key).into_iter().flatten().map(|(_, event)| event)
    }

    /// The event that holds.
    pub fn holding(&self, key: &Key) -> Option<&Event> {
        self.events_of(key).max_by_key(|event| event.rank())
    }

    pub fn standing(&self, key: &Key) -> Option<Standing> {
        let holding = self.holding(key)?;
        Some(match holding.state {
            _ if self.taken_from(key).is_some() => Standing::Taken,
            State::Ended => Standing::Ended,
            _ => Standing::Open,
        })
    }

    fn connected_elsewhere(&self, key: &Key) -> impl Iterator<Item = &(String, DateTime<Utc>, Duration)> {
        self.connected.get(&key.1).into_iter().flatten().filter(|(agent_id, ..)| *agent_id != key.0)
    }

    /// When Kafka had what took the agent's offer back: another one connected. An agent who never did has no wrap-up either,
    /// though the end is told to it, too.
    fn taken_from(&self, key: &Key) -> Option<Duration> {
        let holding = self.holding(key)?;
        if self.events_of(key).any(|event| event.state == State::Connected) {
            return None;
        }
        let takes = |at: DateTime<Utc>| match holding.state {
            State::Offered => at >= holding.at,
            State::Ended => true,
            State::Connected | State::WrapUp => false,
        };
        self.connected_elsewhere(key).filter(|(_, at, _)| takes(*at)).map(|(.., had)| *had).min()
    }

    /// Its end takes the offer back: there is no wrap-up.
    fn was_only_offered(&self, key: &Key) -> bool {
        let was = |states: &[State]| self.events_of(key).any(|event| states.contains(&event.state));
        was(&[State::Offered]) && !was(&[State::Connected, State::WrapUp])
    }

    /// When Kafka had the first end of a call.
    fn ends(&self, key: &Key) -> Option<Duration> {
        let of_key = self.events.get(key).into_iter().flatten();
        of_key.filter(|(_, event)| event.state == State::Ended).map(|(had, _)| *had).min()
    }

    /// When Kafka had the first event of a call.
    pub fn begins(&self, key: &Key) -> Option<Duration> {
        self.events.get(key)?.iter().map(|(at, _)| *at).min()
    }

    /// Until when a call is shown to an agent who connects: `None` while it is open.
    pub fn visible_until(&self, key: &Key, began_at: DateTime<Utc>, keep: Duration) -> Option<Duration> {
        let holding = self.holding(key)?;
        match self.standing(key)? {
            Standing::Open => None,
            // An offer that is heard after what took it back is never shown.
            Standing::Taken => self.taken_from(key),
            Standing::Ended if self.was_only_offered(key) => self.ends(key),
            Standing::Ended => {
                let until = holding.at + TimeDelta::from_std(keep).unwrap_or(TimeDelta::MAX) - began_at;
                Some(until.to_std().unwrap_or_default())
            }
        }
    }

    /// For whoever looks into a promise that was broken.
    pub fn tell(&self, key: &Key) -> String {
        let of_key = self.events.get(key).into_iter().flatten();
        let events = of_key.map(|(at, event)| {
            format!("{:.3} s {} of {}", at.as_secs_f64(), event.state.name(), event.at.format("%T%.3f"))
        });
        format!("{} at {} ({})", key.1, key.0, events.collect::<Vec<_>>().join(", "))
    }
}
