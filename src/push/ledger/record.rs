//! What the ledger writes down: lines of the topic `pops`, as JSON. No numbers, names, comments or tokens are in them.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::journey::Source;
use crate::push::MissingCode;

/// A line of the topic `pops`. Its key is one per thing: a later line with the same key says what became of the same thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Line {
    Pop(Box<Pop>),
    Session(SessionLine),
    Node(NodeLine),
}

impl Line {
    /// `callId/agentId/session`, `session/ID` or `node/ID`.
    pub fn key(&self) -> String {
        match self {
            Self::Pop(pop) => format!("{}/{}/{}", pop.call_id, pop.agent_id, pop.session),
            Self::Session(line) => format!("session/{}", line.session),
            Self::Node(line) => format!("node/{}", line.node),
        }
    }

    /// `None`: no line that this version knows.
    pub fn decode(value: &[u8]) -> Option<Self> {
        serde_json::from_slice(value).ok()
    }
}

/// What became of one call at one session of its agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pop {
    pub node: String,
    pub session: String,
    pub call_id: String,
    pub agent_id: String,
    /// The session's own agent, where that one only follows this agent's calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follower: Option<String>,
    /// The call event that held when it was sent.
    pub event: EventPlace,
    /// When this node heard that event.
    pub heard_at: DateTime<Utc>,
    /// How old the event was then; negative where its clock runs ahead of this node's.
    pub age_ms: i64,
    /// Absent where nobody was looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_up: Option<LookedUp>,
    /// Why the pop carried no timeline: what the agent read was a sentence about this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<MissingCode>,
    /// When a timeline, or the part of it that was missing, followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub followed_at: Option<DateTime<Utc>>,
    /// Whether the client was told to make something of it.
    pub announced: bool,
    /// Version and bytes of the frame that was sent last.
    #[serde(default)]
    pub version: u64,
    #[serde(default)]
    pub bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<DateTime<Utc>>,
    /// Times that it was sent again, because nobody acknowledged it.
    #[serde(default)]
    pub resends: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rendered_at: Option<DateTime<Utc>>,
    /// From receipt to the screen, as the client says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rendered_ms: Option<f64>,
    pub outcome: Outcome,
    /// When that was so.
    pub at: DateTime<Utc>,
}

/// Where an event stands in the topic of calls, and when it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventPlace {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub at: DateTime<Utc>,
}

/// A look-up of the customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LookedUp {
    /// How long the pop waited for it.
    pub ms: f64,
    pub sources: Vec<SourceLine>,
}

/// What one source said, or why it said nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceLine {
    pub source: Source,
    /// Interactions that it gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Silence>,
}

/// Why a source said nothing in time for the pop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Silence {
    Timeout,
    Failed,
    #[serde(other)]
    Unknown,
}

/// How far a pop came, or why nobody saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// In the session's outbox, behind what the session has not read yet.
    Waiting,
    /// Written to the socket, and not acknowledged yet.
    Sent,
    /// The client has it.
    Received,
    /// The agent has it on the screen.
    Rendered,
    /// The client said that it shows it already.
    Known,
    /// The call was over, or another agent's, before the pop could be sent.
    Over,
    /// The session did not read, and was closed as slow: it comes back to a fresh start.
    OutboxFull,
    /// Sent again and again, and never acknowledged.
    GivenUp,
    /// The session ended before it acknowledged.
    SessionClosed,
    /// The event was older than `calls.open_max`.
    Stale,
    /// From a later version of Backstory.
    #[serde(other)]
    Unknown,
}

impl Outcome {
    /// Nothing more will become of it.
    pub fn is_last(self) -> bool {
        !matches!(self, Self::Waiting | Self::Sent | Self::Received)
    }
}

/// A session: written when it opens, every ten minutes while it is open, and when it closes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionLine {
    pub node: String,
    pub session: String,
    pub agent_id: String,
    pub opened_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<DateTime<Utc>>,
    /// With which the service closed it; absent where the client left or the line broke.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close_code: Option<u16>,
    pub at: DateTime<Utc>,
}

/// That a node is alive: written every `ledger.alive_every`, and when its state changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeLine {
    pub node: String,
    pub started_at: DateTime<Utc>,
    pub state: NodeState,
    pub sessions: u64,
    /// Lines that this node could not write since its start: what they would have said is missing here.
    pub lost: u64,
    /// The next line follows within this time; where none does, the node is gone or stands still.
    pub every_ms: u64,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// It reads the replay window, and shows nothing yet.
    Starting,
    Ready,
    /// It sends its sessions elsewhere.
    Draining,
    /// Its last line: it ended in order.
    Stopped,
    #[serde(other)]
    Unknown,
}
