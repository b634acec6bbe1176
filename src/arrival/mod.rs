//! 1 hear: a record of the topic `calls` becomes a `CallEvent`, or the reason why it cannot.

use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::journey::{Campaign, Direction, parts};
use crate::kafka::Record;
use crate::record::{self, Field, Holds, Marks, Refusal, text};

mod cloud_event;

/// What a call is doing, in the order in which it does. Ties of `at` are decided by this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// Ringing: the pop goes out now, not at the answer.
    Offered,
    Connected,
    WrapUp,
    Ended,
}

/// One event of a call at one agent. Record of the topic `calls`, key `agentId`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallEvent {
    #[serde(deserialize_with = "record::id")]
    pub call_id: SmolStr,
    /// offered, connected, wrap_up or ended; an unknown one is data, not an error: it changes nothing.
    #[serde(deserialize_with = "known_state")]
    #[schemars(with = "String")]
    pub state: Option<CallState>,
    #[serde(deserialize_with = "record::id")]
    pub agent_id: SmolStr,
    pub direction: Direction,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "record::optional_id")]
    pub from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "record::optional_id")]
    pub to: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "parts::campaign")]
    pub campaign: Option<Campaign>,
    /// The call that this one came out of (transfer, consultation).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "record::optional_id")]
    pub parent_call_id: Option<SmolStr>,
    /// When it happened; absent: the record's own time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<DateTime<Utc>>,
}

const CALL: &[Field] = &[
    ("callId", Holds::Id, true),
    ("state", Holds::Text, true),
    ("agentId", Holds::Id, true),
    ("direction", Holds::OneOf(Direction::NAMES), true),
    ("from", Holds::Id, false),
    ("to", Holds::Id, false),
    ("campaign", Holds::Object, false),
    ("campaign.id", Holds::Id, false),
    ("campaign.name", Holds::Text, false),
    ("parentCallId", Holds::Id, false),
    ("at", Holds::Time, false),
];

fn known_state<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<CallState>, D::Error> {
    let name = String::deserialize(deserializer)?;
    Ok(match name.as_str() {
        "offered" => Some(CallState::Offered),
        "connected" => Some(CallState::Connected),
        "wrap_up" => Some(CallState::WrapUp),
        "ended" => Some(CallState::Ended),
        _ => None,
    })
}

/// What was heard of a call: the event, when it happened, and how long ago.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    pub event: CallEvent,
    /// `None`: a state that this version does not know.
    pub state: Option<CallState>,
    pub at: DateTime<Utc>,
    /// When the record was appended, where the broker says so, else `at`: what age is counted from.
    pub since: DateTime<Utc>,
    /// What was done to the record so that it could be used.
    pub marks: Marks,
}

impl CallEvent {
    /// The customer's number, as given: the caller of an inbound call, the dialled one of the others.
    pub fn customer(&self) -> Option<&str> {
        match self.direction {
            Direction::Inbound => self.from.as_deref(),
            Direction::Outbound | Direction::ManualOutbound => self.to.as_deref(),
        }
    }
}

/// Bounds of what is believed.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub record_bytes_max: usize,
    pub future_max: chrono::TimeDelta,
}

/// Reads a record: our own schema, bare or within a CloudEvent. Pure; what panics is refused like anything else that cannot be read.
pub fn decode(record: &Record, limits: Limits, now: DateTime<Utc>) -> Result<Heard, Refusal> {
    catch_unwind(AssertUnwindSafe(|| try_decode(record, limits, now))).unwrap_or(Err(Refusal::Panicked))
}

fn try_decode(record: &Record, limits: Limits, now: DateTime<Utc>) -> Result<Heard, Refusal> {
    fail::fail_point!("arrival::decode", record.mentions("panics when it is read"), |_| Err(Refusal::Panicked));
    let value = record.value.as_deref().filter(|value| !value.is_empty()).ok_or(Refusal::NoValue)?;
    if value.len() > limits.record_bytes_max {
        return Err(Refusal::TooLarge);
    }
    let (value, time) = cloud_event::unwrap(value, &record.headers)?;
    let mut marks = Marks::default();
    let mut event: CallEvent = record::read(&value, CALL, &mut marks)?;
    what_may_be_kept(&mut event, &mut marks)?;
    let at = event.at.or(time).or(record.time).ok_or(Refusal::Missing("at"))?;
    if at > now + limits.future_max {
        return Err(Refusal::FromFuture);
    }
    let since = record.time.filter(|_| record.appended).unwrap_or(at);
    Ok(Heard { state: event.state, event, at, since, marks })
}

fn what_may_be_kept(event: &mut CallEvent, marks: &mut Marks) -> Result<(), Refusal> {
    text::required_id("callId", &mut event.call_id)?;
    text::required_id("agentId", &mut event.agent_id)?;
    for (name, number) in [("from", &mut event.from), ("to", &mut event.to)] {
        number.as_mut().map_or(Ok(()), |number| text::id(name, number))?;
    }
    if let Some(parent) = &mut event.parent_call_id {
        text::id("parentCallId", parent)?;
    }
    event.parent_call_id.take_if(|parent| parent.trim().is_empty());
    if let Some(campaign) = &mut event.campaign {
        text::id("campaign.id", &mut campaign.id)?;
        text::optional_label("campaign.name", &mut campaign.name, marks);
    }
    event.campaign.take_if(|campaign| campaign.id.trim().is_empty());
    Ok(())
}

#[cfg(test)]
mod tests;
