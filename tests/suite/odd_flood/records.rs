//! What the flood consists of: ordinary records on every topic, and among them, at equal distances, odd ones.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::odd::KINDS;
use crate::harness::{Kafka, call, contact, interaction};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    Interactions,
    Contacts,
    Erasures,
    Calls,
}

impl Topic {
    pub const RECORDED: [Self; 3] = [Self::Interactions, Self::Contacts, Self::Erasures];

    pub fn name(self, kafka: &Kafka) -> &str {
        match self {
            Self::Interactions => &kafka.interactions,
            Self::Contacts => &kafka.contacts,
            Self::Erasures => &kafka.erasures,
            Self::Calls => &kafka.calls,
        }
    }
}

pub struct Record {
    pub topic: Topic,
    pub key: Vec<u8>,
    pub value: Option<Vec<u8>>,
    pub becomes: Becomes,
}

/// What must become of a record.
pub enum Becomes {
    /// It is kept.
    Interaction { id: String, address: String },
    /// It is kept.
    Listing { id: String, address: String },
    /// This interaction and this listing go, or are kept out.
    Erasure { interaction: String, listing: String },
    /// This listener receives a pop.
    Pop { listener: usize, call_id: String },
    /// It removes nothing, and is counted.
    Unmatched,
    /// It is set aside for this reason.
    SetAside(&'static str),
    /// It is set aside because the store rejects it, with this SQLSTATE on PostgreSQL.
    Rejected { sqlstate: &'static str },
    /// Nothing that this test looks at.
    Nothing,
}

impl Record {
    pub fn new(topic: Topic, key: &str, value: &Value) -> Self {
        Self { topic, key: key.into(), value: Some(value.to_string().into()), becomes: Becomes::Nothing }
    }

    pub fn becomes(self, becomes: Becomes) -> Self {
        Self { becomes, ..self }
    }

    pub fn set_aside(self, reason: &'static str) -> Self {
        self.becomes(Becomes::SetAside(reason))
    }

    pub fn rejected(self, sqlstate: &'static str) -> Self {
        self.becomes(Becomes::Rejected { sqlstate })
    }
}

/// How many records there are, and one of how many is odd.
#[derive(Clone, Copy)]
pub struct Mix {
    pub records: usize,
    pub odd_every: usize,
    /// Agents who receive some of the calls.
    pub listeners: usize,
}

/// Calls that listeners receive.
const POPS: usize = 20;
const CALLS_EVERY: usize = 50;
/// People who are erased, at most: each erasure has PostgreSQL to itself for a moment.
const ERASURES: usize = 50;
const ERASURES_EVERY_MIN: usize = 1000;

impl Mix {
    /// The nth of the flood.
    pub fn record(self, nth: usize) -> Record {
        if nth % self.odd_every == self.odd_every - 1 {
            let odd = nth / self.odd_every;
            return KINDS[odd % KINDS.len()](odd);
        }
        // Somebody is recorded, listed and erased.
        match nth % (self.records / ERASURES).max(ERASURES_EVERY_MIN) {
            500 => self.interaction(nth, &format!("erased-{nth}"), &format!("+1404{:07}", 2_000_000 + nth)),
            501 => listing(nth, &format!("erased-{}", nth - 1), &format!("+1404{:07}", 2_000_000 + nth - 1)),
            550 => erasure(nth - 50),
            _ if nth % CALLS_EVERY == 7 => self.call(nth),
            _ if nth % CALLS_EVERY < 3 => listing(nth, &self.person(nth), &self.number(nth)),
            _ => self.interaction(nth, &self.person(nth), &self.number(nth)),
        }
    }

    /// Each person has about ten interactions, spread over the whole flood, and one number.
    fn nth_person(self, nth: usize) -> usize {
        nth % ((self.records / 10) | 1)
    }

    fn person(self, nth: usize) -> String {
        format!("person-{}", self.nth_person(nth))
    }

    pub fn number(self, nth: usize) -> String {
        format!("+1201{:07}", 2_000_000 + self.nth_person(nth))
    }

    fn interaction(self, nth: usize, contact_id: &str, address: &str) -> Record {
        let id = format!("i-{nth}");
        let one = interaction(&id).of(contact_id).on(address).started(started_at(nth)).updated(before_the_flood());
        Record::new(Topic::Interactions, &id, one.json()).becomes(Becomes::Interaction { id, address: address.into() })
    }

    fn call(self, nth: usize) -> Record {
        let (call_id, nth_call) = (format!("call-{nth}"), nth / CALLS_EVERY);
        let popped_every = (self.records / CALLS_EVERY / POPS).max(1);
        let (agent_id, becomes) = if nth_call % popped_every == 0 {
            let nth_listener = nth_call / popped_every % self.listeners;
            (listener(nth_listener), Becomes::Pop { listener: nth_listener, call_id: call_id.clone() })
        } else {
            (format!("agent-{}", nth_call % 1000), Becomes::Nothing)
        };
        let event = call(&call_id).to(&agent_id).number(&self.number(nth)).event("offered");
        Record::new(Topic::Calls, &agent_id, &event).becomes(becomes)
    }
}

/// The agent id of a listener.
pub fn listener(nth: usize) -> String {
    format!("listener-{nth}")
}

fn started_at(nth: usize) -> DateTime<Utc> {
    Utc::now() - TimeDelta::days(1) - TimeDelta::minutes((nth % 40_000) as i64)
}

fn before_the_flood() -> DateTime<Utc> {
    Utc::now() - TimeDelta::hours(1)
}

fn listing(nth: usize, contact_id: &str, address: &str) -> Record {
    let one = contact(contact_id).has("mobile", address).named(&format!("Name {nth}")).updated(before_the_flood());
    let becomes = Becomes::Listing { id: contact_id.into(), address: address.into() };
    Record::new(Topic::Contacts, contact_id, one.json()).becomes(becomes)
}

/// Of whom the nth interaction is.
fn erasure(nth: usize) -> Record {
    let listing = format!("erased-{nth}");
    let value = json!({ "erasureId": listing, "contactIds": [listing], "erasedAt": Utc::now() });
    let record = Record::new(Topic::Erasures, &listing, &value);
    record.becomes(Becomes::Erasure { interaction: format!("i-{nth}"), listing })
}
