//! Records of the topic of calls, read as the service reads them, and what each of them meant when it came. Pure.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::arrival::{self, CallState, Heard, Limits};
use crate::config::Aliases;
use crate::kafka::Record;
use crate::push::Call;
use crate::push::open_calls::{CallLimits, Change, OpenCalls, Origin};
use crate::record::Refusal;

/// A record of the topic of calls.
#[derive(Debug, Clone)]
pub struct Told {
    pub partition: i32,
    pub offset: i64,
    /// The record's own time: the broker's where the topic has it, else the producer's.
    pub time: DateTime<Utc>,
    pub what: Result<Heard, Refused>,
}

/// A record that the service sets aside, with whose it may have been.
#[derive(Debug, Clone)]
pub struct Refused {
    pub refusal: Refusal,
    pub key: Option<String>,
    value: Vec<u8>,
}

impl Told {
    /// As the service would read it at the moment at which it came.
    pub fn read(record: Record, limits: Limits, aliases: &Aliases, now: DateTime<Utc>) -> Self {
        let time = record.time.unwrap_or(now);
        let decoded = arrival::decode(&record, limits, time).map(|mut heard| {
            heard.event.agent_id = aliases.agent(heard.event.agent_id);
            heard
        });
        let what = decoded.map_err(|refusal| Refused {
            refusal,
            key: record.key.and_then(|key| String::from_utf8(key).ok()),
            value: record.value.unwrap_or_default(),
        });
        Self { partition: record.partition, offset: record.offset, time, what }
    }

    pub fn heard(&self) -> Option<&Heard> {
        self.what.as_ref().ok()
    }

    fn origin(&self, heard: &Heard) -> Origin {
        Origin { since: heard.since, partition: self.partition, offset: self.offset, heard_at: self.time }
    }

    pub fn is_of(&self, call_id: &str) -> bool {
        self.heard().is_some_and(|heard| heard.event.call_id == call_id)
    }
}

impl Refused {
    /// Its key, or a text in it, says so.
    pub fn names(&self, id: &str) -> bool {
        let quoted = Value::from(id).to_string();
        let holds = |text: &str| self.value.windows(text.len()).any(|window| window == text.as_bytes());
        self.key.as_deref() == Some(id) || holds(&quoted)
    }
}

/// An event of a call, and what it changed for its agent.
#[derive(Debug, Clone)]
pub struct Step<'a> {
    pub told: &'a Told,
    pub agent_id: &'a str,
    pub state: Option<CallState>,
    /// `None`: a state that this version does not know.
    pub change: Option<Change>,
    /// Agents whose offers it took back.
    pub taken_from: Vec<String>,
}

/// The events of one call in the order in which they came, each with what it changed: by the service's own rules.
pub fn steps<'a>(call_id: &str, told: &'a [Told], limits: CallLimits) -> Vec<Step<'a>> {
    let mut events: Vec<&Told> = told.iter().filter(|told| told.is_of(call_id)).collect();
    events.sort_by_key(|told| (told.time, told.partition, told.offset));
    let mut calls = OpenCalls::new(limits);
    let step = |told: &'a Told| {
        let heard = told.heard()?;
        let mut step =
            Step { told, agent_id: &heard.event.agent_id, state: heard.state, change: None, taken_from: Vec::new() };
        if let Some(call) = call_of(heard) {
            let applied = calls.apply(call, told.origin(heard), told.time);
            step.change = Some(applied.change);
            step.taken_from = applied.taken.iter().map(|key| key.agent_id.to_string()).collect();
        }
        Some(step)
    };
    events.into_iter().filter_map(step).collect()
}

/// Without its number, which nothing here depends on.
fn call_of(heard: &Heard) -> Option<Call> {
    let event = &heard.event;
    Some(Call {
        call_id: event.call_id.clone(),
        state: heard.state?,
        agent_id: event.agent_id.clone(),
        direction: event.direction,
        number: None,
        campaign: event.campaign.clone(),
        parent_call_id: event.parent_call_id.clone(),
        at: heard.at,
    })
}
