//! 3 reach: the frames on an agent's WebSocket, and the codes with which one is closed.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arrival::CallState;
use crate::journey::catalogue::{Channel, Mode};
use crate::journey::encoded::Raw;
use crate::journey::timeline::{CampaignCount, ChannelCount, ContactSummary, Timeline};
use crate::journey::{Campaign, Direction, Interaction};

pub mod agents;
pub mod connection;
pub mod ledger;
pub mod line;
pub mod open_calls;
pub mod outbox;
pub mod prepared;
pub mod seat;
mod seats;
pub mod session;
mod unreceived;

/// The subprotocol that both sides name in the handshake.
pub const SUBPROTOCOL: &str = "backstory.v1";

/// A call as an agent sees it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    pub call_id: String,
    pub state: CallState,
    pub agent_id: String,
    pub direction: Direction,
    /// The customer's: E.164, as given where it cannot be read, `null` where there is none.
    pub number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<Campaign>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_call_id: Option<String>,
    /// When it came into this state.
    pub at: DateTime<Utc>,
}

/// Why a pop carries no timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MissingCode {
    /// The store took longer than `journey.lookup_timeout`; the timeline follows as an update.
    Timeout,
    /// The call carries no number that anybody could be looked up by.
    NoNumber,
    /// Inbound calls need Data Cloud, and `journey.source` is Campaign Manager alone.
    InboundNeedsDataCloud,
    /// The store failed.
    Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Missing {
    pub code: MissingCode,
    /// For the agent to read.
    pub text: &'static str,
}

impl From<MissingCode> for Missing {
    fn from(code: MissingCode) -> Self {
        let text = match code {
            MissingCode::Timeout => "The history takes longer than usual; it follows as soon as it is there.",
            MissingCode::NoNumber => "This call carries no number, so there is no history to show.",
            MissingCode::InboundNeedsDataCloud => {
                "For inbound calls the history comes from Data Cloud, and only Campaign Manager is set up here."
            }
            MissingCode::Failed => "The history could not be read; the operators have been told.",
        };
        Self { code, text }
    }
}

/// Why a call is over for an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    Ended,
    /// Another agent has it.
    Taken,
    /// The offer was withdrawn.
    Retracted,
    /// Its end was never heard.
    Expired,
}

/// What the service says. `T` is a timeline and `I` an interaction, or either already encoded.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum ServerFrame<'a, T = Timeline, I = Interaction> {
    Welcome {
        session: &'a str,
        agent: &'a str,
        node: &'a str,
        server_time: DateTime<Utc>,
        heartbeat_seconds: u64,
        modes: &'a [Mode],
        channels: &'a [Channel],
    },
    /// A call arrived, or is there already: `announce` says whether to make something of it.
    Pop {
        /// Grows with each frame of this call on this session.
        version: u64,
        /// Of the content: equal on every node.
        digest: &'a str,
        announce: bool,
        call: &'a Call,
        timeline: Option<T>,
        #[serde(skip_serializing_if = "Option::is_none")]
        missing: Option<Missing>,
    },
    Update(Update<'a, T, I>),
    Ended {
        version: u64,
        /// Of the call as it stays on screen for its wrap-up.
        #[serde(skip_serializing_if = "Option::is_none")]
        digest: Option<&'a str>,
        call_id: &'a str,
        /// Whose call it is, where it is another agent's that the session follows.
        #[serde(skip_serializing_if = "Option::is_none")]
        agent_id: Option<&'a str>,
        reason: EndReason,
    },
    /// The answer to a search.
    Timeline {
        request: &'a RequestId,
        timeline: T,
    },
    Error {
        #[serde(skip_serializing_if = "Option::is_none")]
        request: Option<&'a RequestId>,
        code: &'static str,
        /// For a person to read.
        text: Cow<'a, str>,
    },
    Pong {},
    Goodbye {
        reason: &'static str,
        come_back_ms: u64,
    },
}

/// What changed of a call and its timeline; whatever is absent did not.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Update<'a, T = Timeline, I = Interaction> {
    pub version: u64,
    pub digest: &'a str,
    pub call_id: &'a str,
    /// Whose call it is, where it is another agent's that the session follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<&'a Call>,
    /// New or changed ones.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub interactions: &'a [I],
    /// Ids of those that are no longer in the timeline.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub removed: &'a [&'a str],
    /// The whole timeline, where it was late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeline: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts: Option<&'a [ContactSummary]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaigns: Option<&'a [CampaignCount]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<&'a [ChannelCount]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matching: Option<usize>,
}

impl<'a, T, I> Update<'a, T, I> {
    /// One that says nothing yet.
    pub fn of(version: u64, digest: &'a str, call_id: &'a str) -> Self {
        Self {
            version,
            digest,
            call_id,
            agent_id: None,
            call: None,
            interactions: &[],
            removed: &[],
            timeline: None,
            missing: None,
            contacts: None,
            campaigns: None,
            channels: None,
            total: None,
            matching: None,
        }
    }
}

/// A frame, or its timeline, as it goes out.
pub type Encoded<'a> = ServerFrame<'a, Raw<'a>, Raw<'a>>;

impl<T: Serialize, I: Serialize> ServerFrame<'_, T, I> {
    pub fn encode(&self) -> String {
        // Serialising these types to memory cannot fail; an empty frame would be dropped by every client.
        serde_json::to_string(self).unwrap_or_default()
    }
}

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
        call_id: String,
        /// As in the frame: absent for the agent's own calls.
        #[serde(default)]
        agent_id: Option<String>,
        version: u64,
        stage: Stage,
        #[serde(default)]
        ms: Option<f64>,
    },
    Search(Search),
    Subscribe(Subscribe),
    Ping {},
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    #[serde(default)]
    pub token: Option<String>,
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
    pub call_id: String,
    /// Whose call it is, where it is another agent's (`subscribe`).
    #[serde(default)]
    pub agent_id: Option<String>,
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

/// By `callId` or `number`, which must be of one of the agent's own calls.
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
        const TYPES: &[&str] = &["hello", "authenticate", "ack", "search", "subscribe", "ping"];
        serde_json::from_str(text).map_err(|_| match serde_json::from_str::<Typed>(text) {
            Ok(typed) if TYPES.contains(&typed.r#type.as_str()) => {
                BadFrame("bad_frame", "A field of this frame is missing or has the wrong type.")
            }
            Ok(_) => BadFrame("unknown_type", "This type of frame is unknown and was ignored."),
            Err(error) if error.is_data() => BadFrame("bad_frame", "A frame is a JSON object with a type."),
            Err(_) => BadFrame("not_json", "This frame is not JSON."),
        })
    }
}

/// Why a session is closed. 3000–3499: come back (with jitter); 3500–3999: stay away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseCode {
    Drain,
    Slow,
    Silent,
    HelloLate,
    HelloFirst,
    TooManySessions,
    NoAgent,
    FrameTooLarge,
    NotText,
    NoAuthentication,
}

impl CloseCode {
    /// The code on the wire, and what it says to a person.
    pub fn wire(self) -> (u16, &'static str) {
        match self {
            Self::Drain => (3000, "the node is going away, come back"),
            Self::Slow => (3001, "frames were not read fast enough"),
            Self::Silent => (3002, "nothing was heard for two heartbeats"),
            Self::HelloLate => (3003, "the first frame did not come in time"),
            Self::HelloFirst => (3500, "the first frame must be hello"),
            Self::TooManySessions => (3501, "this agent has too many sessions"),
            Self::NoAgent => (3502, "hello names no agent"),
            Self::FrameTooLarge => (3503, "a frame was too large"),
            Self::NotText => (3504, "frames are text"),
            Self::NoAuthentication => (3505, "a token was sent, and no authentication is configured"),
        }
    }
}
