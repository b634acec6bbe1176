//! What a client says on the WebSocket.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::record::is_object;

/// Chosen by the client, given back in the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RequestId {
    Number(i64),
    Text(String),
}

/// What a client says.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum ClientFrame {
    Hello(Hello),
    /// A fresh token for the open session.
    Authenticate {
        token: String,
    },
    Ack {
        call_id: SmolStr,
        /// As in the frame: absent for the agent's own calls.
        #[serde(default)]
        agent_id: Option<SmolStr>,
        version: u64,
        stage: Stage,
        #[serde(default)]
        ms: Option<f64>,
    },
    Search(Search),
    Reveal(Reveal),
    Subscribe(Subscribe),
    Ping {},
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    /// The identity provider's, where authentication is configured and the handshake carried none.
    #[serde(default)]
    pub token: Option<String>,
    /// In its place: one of `POST /v1/tickets`.
    #[serde(default)]
    pub ticket: Option<String>,
    /// Who this is, where no authentication is configured.
    #[serde(default)]
    pub agent: Option<String>,
    /// IANA name; UTC where absent.
    #[serde(default)]
    pub time_zone: Option<String>,
    #[serde(default)]
    pub showing: Vec<Showing>,
}

/// A call that the client shows already.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Showing {
    pub call_id: SmolStr,
    /// Whose call it is, where it is another agent's (`subscribe`).
    #[serde(default)]
    pub agent_id: Option<SmolStr>,
    #[serde(default)]
    pub digest: Option<String>,
    /// It is marked as over already.
    #[serde(default)]
    pub ended: bool,
}

/// The session also follows the calls of these agents, and of no others from now on.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Subscribe {
    pub agents: Vec<String>,
    /// Calls of theirs that the client shows already.
    #[serde(default)]
    pub showing: Vec<Showing>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Received,
    Rendered,
}

/// By `callId` or `number`, which must be of one of the agent's own calls unless the token says more (`journey:search`).
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Search {
    pub request: RequestId,
    #[serde(default)]
    pub call_id: Option<String>,
    #[serde(default)]
    pub number: Option<String>,
    #[serde(default)]
    pub campaign: Option<String>,
    #[serde(default)]
    pub channel: Option<String>,
    /// 3, 6, 9 or 12.
    #[serde(default)]
    pub months: Option<u32>,
    /// The next page: interactions that started earlier than this.
    #[serde(default)]
    pub before: Option<DateTime<Utc>>,
    /// With `before`: of that moment, only what comes behind this interaction.
    #[serde(default)]
    pub before_id: Option<SmolStr>,
}

/// A masked number in whole: a call's, or with `interactionId` the address of one of its timeline's interactions.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reveal {
    pub request: RequestId,
    pub call_id: String,
    /// Whose call it is, where it is another agent's (`subscribe`).
    #[serde(default)]
    pub agent_id: Option<String>,
    /// As in the timeline.
    #[serde(default)]
    pub interaction_id: Option<String>,
}

/// Why a frame from a client cannot be used; the code and text of the `error` frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadFrame(pub &'static str, pub &'static str);

impl ClientFrame {
    pub fn decode(text: &str) -> Result<Self, BadFrame> {
        #[derive(Deserialize)]
        struct Typed {
            r#type: String,
        }
        const TYPES: &[&str] = &["hello", "authenticate", "ack", "search", "reveal", "subscribe", "ping"];
        const NO_FRAME: BadFrame = BadFrame("bad_frame", "A frame is a JSON object with a type.");
        const NOT_JSON: BadFrame = BadFrame("not_json", "This frame is not JSON.");
        if !is_object(text.as_bytes()) {
            return Err(if serde_json::from_str::<IgnoredAny>(text).is_ok() { NO_FRAME } else { NOT_JSON });
        }
        serde_json::from_str(text).map_err(|_| match serde_json::from_str::<Typed>(text) {
            Ok(typed) if TYPES.contains(&typed.r#type.as_str()) => {
                BadFrame("bad_frame", "A field of this frame is missing or has the wrong type.")
            }
            Ok(_) => BadFrame("unknown_type", "This type of frame is unknown and was ignored."),
            Err(error) if error.is_data() => NO_FRAME,
            Err(_) => NOT_JSON,
        })
    }
}
