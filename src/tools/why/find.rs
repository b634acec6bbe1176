//! Finds the calls that are asked about in the topic of calls: by call, agent or number. What is read is kept only where it matters.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::ledger::alike;
use super::told::Told;
use crate::phone;

/// Records that could not be read, up to so many.
const REFUSED_MAX: usize = 1000;
/// Ids that are like the one that is asked for, up to so many.
const ALIKE_MAX: usize = 20;

/// A call at an agent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    pub call_id: String,
    pub agent_id: String,
}

/// Whom or what somebody asks about.
pub struct Asked {
    pub who: String,
    /// Only this call.
    pub call_id: Option<String>,
    /// Only this agent.
    pub agent_id: Option<String>,
    /// Where a number without a country code belongs.
    pub region: rlibphonenumber::Region,
}

/// What `who` turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Call,
    Agent,
    Number,
}

/// What the first reading of the topic finds.
pub struct Found {
    asked: Asked,
    number: Option<String>,
    /// By what `who` may be, the calls, each with the time of its newest event.
    by_call: BTreeMap<Pair, DateTime<Utc>>,
    by_agent: BTreeMap<Pair, DateTime<Utc>>,
    by_number: BTreeMap<Pair, DateTime<Utc>>,
    /// Records that could not be read, and may have been meant.
    pub refused: Vec<Told>,
    /// Agents of events whose ids are like `who`.
    pub alike: BTreeSet<String>,
    pub records: u64,
}

impl Found {
    pub fn new(asked: Asked) -> Self {
        let number = phone::address(&asked.who, asked.region);
        Self {
            asked,
            number,
            by_call: BTreeMap::new(),
            by_agent: BTreeMap::new(),
            by_number: BTreeMap::new(),
            refused: Vec::new(),
            alike: BTreeSet::new(),
            records: 0,
        }
    }

    pub fn look_at(&mut self, told: Told) {
        self.records += 1;
        let who = self.asked.who.as_str();
        let heard = match &told.what {
            Ok(heard) => heard,
            Err(refused) => {
                let named = [Some(who), self.asked.call_id.as_deref(), self.asked.agent_id.as_deref()];
                if self.refused.len() < REFUSED_MAX && named.into_iter().flatten().any(|id| refused.names(id)) {
                    self.refused.push(told);
                }
                return;
            }
        };
        let event = &heard.event;
        let pair = || Pair { call_id: event.call_id.to_string(), agent_id: event.agent_id.to_string() };
        let note = |pairs: &mut BTreeMap<Pair, DateTime<Utc>>| {
            let newest = pairs.entry(pair()).or_insert(told.time);
            *newest = told.time.max(*newest);
        };
        if event.call_id == who {
            note(&mut self.by_call);
        }
        if event.agent_id == who {
            note(&mut self.by_agent);
        } else if self.alike.len() < ALIKE_MAX && alike(&event.agent_id, who) {
            self.alike.insert(event.agent_id.to_string());
        }
        let same_number = |given: &str| phone::address(given, self.asked.region) == self.number;
        if self.number.is_some() && event.customer().is_some_and(same_number) {
            note(&mut self.by_number);
        }
    }

    /// An id of a call, else of an agent, else a number.
    pub fn kind(&self) -> Option<Kind> {
        [(&self.by_call, Kind::Call), (&self.by_agent, Kind::Agent), (&self.by_number, Kind::Number)]
            .into_iter()
            .find(|(pairs, _)| !pairs.is_empty())
            .map(|(_, kind)| kind)
    }

    pub fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Newest first, those that are asked for.
    pub fn pairs(&self) -> Vec<Pair> {
        let Asked { who, call_id, agent_id, .. } = &self.asked;
        let pairs = match self.kind() {
            Some(Kind::Call) => &self.by_call,
            Some(Kind::Agent) => &self.by_agent,
            Some(Kind::Number) => &self.by_number,
            None => return self.named_outright().into_iter().collect(),
        };
        let wanted = |pair: &&Pair| {
            call_id.as_ref().is_none_or(|id| *id == pair.call_id)
                && agent_id.as_ref().is_none_or(|id| *id == pair.agent_id)
        };
        let mut pairs: Vec<(&Pair, &DateTime<Utc>)> = pairs.iter().filter(|(pair, _)| wanted(pair)).collect();
        pairs.sort_by_key(|(_, at)| std::cmp::Reverse(**at));
        if pairs.is_empty() {
            let outright = match (self.kind(), call_id, agent_id) {
                (Some(Kind::Call), _, Some(agent_id)) => Some((who, agent_id)),
                (Some(Kind::Agent), Some(call_id), _) => Some((call_id, who)),
                _ => None,
            };
            return outright.into_iter().map(|(call_id, agent_id)| pair(call_id, agent_id)).collect();
        }
        pairs.into_iter().map(|(pair, _)| pair.clone()).collect()
    }

    /// There is no such event, but both a call and an agent are named.
    fn named_outright(&self) -> Option<Pair> {
        let Asked { who, call_id, agent_id, .. } = &self.asked;
        match (call_id, agent_id) {
            (Some(call_id), Some(agent_id)) => Some(pair(call_id, agent_id)),
            (None, Some(agent_id)) => Some(pair(who, agent_id)),
            (Some(call_id), None) => Some(pair(call_id, who)),
            (None, None) => None,
        }
    }
}

fn pair(call_id: &str, agent_id: &str) -> Pair {
    Pair { call_id: call_id.to_owned(), agent_id: agent_id.to_owned() }
}
