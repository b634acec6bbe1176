//! What `why` answers for one call at one agent: a verdict, in a sentence and with what to do, and the stages that led to it.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::push::ledger::record::Pop;

/// What became of a call at an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// On the agent's screen, or at least in the agent's client.
    Seen,
    /// Sent, and not acknowledged yet.
    Sent,
    /// Sent, and never acknowledged.
    NotAcknowledged,
    /// The session did not read what it was sent.
    Slow,
    /// Another agent was quicker.
    Taken,
    /// The call was over before its pop was ready, or before its first event came.
    Over,
    /// The event was older than `calls.open_max`.
    Stale,
    /// The agent had no session on any node.
    Offline,
    /// As above, but somebody was connected whose id is the same but for how it is written.
    OtherId,
    /// A node was there, and did not know the calls yet.
    NotReady,
    /// The node that had the agent's session was gone or stood still, or none was alive at all.
    NodeGone,
    /// The event could not be read.
    Refused,
    /// There is no event.
    NoEvent,
    /// The ledger does not reach that far, or has holes.
    Unknown,
}

impl Verdict {
    /// The agent was shown the call.
    pub fn is_good(self) -> bool {
        self == Self::Seen
    }

    /// There is an answer, good or bad.
    pub fn is_known(self) -> bool {
        !matches!(self, Self::Unknown | Self::NoEvent)
    }
}

/// How a stage looks: as it should be, as it should not, or neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    Good,
    Bad,
    Plain,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    pub at: DateTime<Utc>,
    /// Where; `null` for what stands in the topic of calls.
    pub node: Option<String>,
    pub mark: Mark,
    pub text: String,
}

/// The answer for one call at one agent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Story {
    /// `null` where there is no event.
    pub call_id: Option<String>,
    pub agent_id: Option<String>,
    /// When its first event came.
    pub at: Option<DateTime<Utc>>,
    pub verdict: Verdict,
    /// A sentence or two for whoever asks.
    pub text: String,
    /// What to do about it.
    pub todo: Option<String>,
    pub stages: Vec<Stage>,
    /// What the ledger has of it.
    pub pops: Vec<Pop>,
}
