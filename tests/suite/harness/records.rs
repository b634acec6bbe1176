//! The records that tests publish: each begins as something ordinary and says only what it has of its own.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value, json};

/// Two customers, and the household that they share.
pub const ANA: &str = "+12015550142";
pub const BEN: &str = "+12025550143";
pub const HOME: &str = "+12035550144";
/// The company's own number.
const OURS: &str = "+12125550100";

pub fn days_ago(days: i64) -> DateTime<Utc> {
    Utc::now() - TimeDelta::days(days)
}

pub fn seconds_ago(seconds: i64) -> DateTime<Utc> {
    Utc::now() - TimeDelta::seconds(seconds)
}

fn written(at: DateTime<Utc>) -> Value {
    json!(at.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// A call that events tell of.
#[derive(Clone)]
pub struct Call {
    call_id: String,
    agent_id: String,
    direction: &'static str,
    customer: String,
    at: Option<DateTime<Utc>>,
    fields: Map<String, Value>,
}

/// An outbound call of Ana's number to the agent `ana`, at this moment.
pub fn call(call_id: &str) -> Call {
    Call {
        call_id: call_id.into(),
        agent_id: "ana".into(),
        direction: "outbound",
        customer: ANA.into(),
        at: None,
        fields: Map::new(),
    }
}

impl Call {
    pub fn to(mut self, agent_id: &str) -> Self {
        self.agent_id = agent_id.into();
        self
    }

    /// The customer's, whoever called.
    pub fn number(mut self, number: &str) -> Self {
        self.customer = number.into();
        self
    }

    pub fn direction(mut self, direction: &'static str) -> Self {
        self.direction = direction;
        self
    }

    pub fn inbound(self) -> Self {
        self.direction("inbound")
    }

    pub fn at(mut self, at: DateTime<Utc>) -> Self {
        self.at = Some(at);
        self
    }

    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.fields.insert(field.into(), value);
        self
    }

    pub fn agent_id(&self) -> &str {
        &self.agent_id
    }

    /// The event that it came into this state: now, unless it says when.
    pub fn event(&self, state: &str) -> Value {
        let (from, to) = if self.direction == "inbound" { (&*self.customer, OURS) } else { (OURS, &*self.customer) };
        let at = self.at.unwrap_or_else(Utc::now);
        let mut event = json!({
            "callId": self.call_id, "state": state, "agentId": self.agent_id, "direction": self.direction,
            "from": from, "to": to, "at": written(at),
        });
        event.as_object_mut().unwrap().extend(self.fields.clone());
        event
    }

    pub fn event_without(&self, state: &str, field: &str) -> Value {
        let mut event = self.event(state);
        event.as_object_mut().unwrap().remove(field);
        event
    }
}

/// A record of the topic `interactions`.
#[derive(Clone)]
pub struct Interaction(Value);

/// A call to Ana's number, yesterday, from the campaign manager.
pub fn interaction(interaction_id: &str) -> Interaction {
    let (started, ended) = (days_ago(1), days_ago(1) + TimeDelta::seconds(90));
    Interaction(json!({
        "interactionId": interaction_id, "source": "campaign_manager", "address": ANA, "channel": "voice",
        "mode": "mobile", "direction": "outbound", "startedAt": written(started), "endedAt": written(ended),
    }))
}

impl Interaction {
    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.0[field] = value;
        self
    }

    /// Whose it is.
    pub fn of(self, contact_id: &str) -> Self {
        self.with("contactId", json!(contact_id))
    }

    pub fn on(self, address: &str) -> Self {
        self.with("address", json!(address))
    }

    pub fn channel(self, channel: &str) -> Self {
        self.with("channel", json!(channel))
    }

    pub fn campaign(self, id: &str) -> Self {
        self.with("campaign", json!({ "id": id }))
    }

    pub fn in_data_cloud(self) -> Self {
        self.with("source", json!("data_cloud"))
    }

    pub fn started(self, at: DateTime<Utc>) -> Self {
        self.with("startedAt", written(at)).with("endedAt", Value::Null)
    }

    pub fn days_ago(self, days: i64) -> Self {
        self.started(days_ago(days))
    }

    pub fn updated(self, at: DateTime<Utc>) -> Self {
        self.with("updatedAt", written(at))
    }

    pub fn key(&self) -> &str {
        self.0["interactionId"].as_str().unwrap()
    }

    pub fn json(&self) -> &Value {
        &self.0
    }
}

/// A record of the topic `contacts`.
#[derive(Clone)]
pub struct Contact(Value);

pub fn contact(contact_id: &str) -> Contact {
    Contact(json!({ "contactId": contact_id, "addresses": [] }))
}

impl Contact {
    pub fn has(mut self, mode: &str, address: &str) -> Self {
        self.0["addresses"].as_array_mut().unwrap().push(json!({ "mode": mode, "address": address }));
        self
    }

    pub fn named(mut self, name: &str) -> Self {
        self.0["name"] = json!(name);
        self
    }

    pub fn in_zone(mut self, name: &str) -> Self {
        self.0["timeZone"] = json!(name);
        self
    }

    pub fn listed_in(mut self, id: &str, name: &str) -> Self {
        self.0["campaign"] = json!({ "id": id, "name": name });
        self
    }

    pub fn updated(mut self, at: DateTime<Utc>) -> Self {
        self.0["updatedAt"] = written(at);
        self
    }

    pub fn key(&self) -> String {
        let id = self.0["contactId"].as_str().unwrap();
        self.0["campaign"]["id"].as_str().map_or(id.to_owned(), |campaign| format!("{id}/{campaign}"))
    }

    pub fn json(&self) -> &Value {
        &self.0
    }
}
