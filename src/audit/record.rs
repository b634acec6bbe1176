//! What the audit writes down: records of the topic `audit`, as JSON. They hold whole numbers: they are protected data.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// That somebody saw, or asked to see, a person's journey or number. Record of the topic `audit`, and a line of `audit.file`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    pub at: DateTime<Utc>,
    pub reason: Reason,
    pub node: String,
    /// Who saw it. Absent where nobody said who they are: without authentication, over HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// On which session; absent over HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
    /// Whose call it is, or whose calls are followed from now on, where that is another agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_agent: Option<String>,
    /// Whose journey it is, in whole. Absent where somebody began to follow an agent, or asked for nobody that there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Of a reveal: the interaction whose address was asked for; absent for the call's own number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interaction_id: Option<String>,
    /// They did not see it: the code of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// Why somebody saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The customer of a call of the agent's own: its timeline was sent.
    Call,
    /// As above, of a call of an agent whom the session follows; or that it began to follow one.
    Supervision,
    /// The session searched.
    Search,
    /// A masked number was asked for in whole.
    Reveal,
    /// Somebody asked over HTTP.
    Api,
    /// From a later version of Backstory.
    #[serde(other)]
    Unknown,
}

impl Reason {
    pub const NAMES: [&str; 5] = ["call", "supervision", "search", "reveal", "api"];

    pub fn name(self) -> &'static str {
        match self {
            Self::Call => Self::NAMES[0],
            Self::Supervision => Self::NAMES[1],
            Self::Search => Self::NAMES[2],
            Self::Reveal => Self::NAMES[3],
            Self::Api => Self::NAMES[4],
            Self::Unknown => "unknown",
        }
    }
}

impl Record {
    /// One that says nothing yet but why and where.
    pub fn of(reason: Reason, node: &str, at: DateTime<Utc>) -> Self {
        let node = node.to_owned();
        let (agent, session, call_id, of_agent, number, interaction_id, refused) = Default::default();
        Self { at, reason, node, agent, session, call_id, of_agent, number, interaction_id, refused }
    }

    /// One agent's records keep their order.
    pub fn key(&self) -> &str {
        self.agent.as_deref().unwrap_or_default()
    }

    /// `None`: no record of the audit.
    pub fn decode(value: &[u8]) -> Option<Self> {
        serde_json::from_slice(value).ok()
    }
}
