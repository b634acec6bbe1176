//! What the service says on the WebSocket.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::client_frames::RequestId;
use crate::arrival::CallState;
use crate::journey::catalogue::{Channel, Mode};
use crate::journey::encoded::Raw;
use crate::journey::timeline::{CampaignCount, ChannelCount, ContactSummary, Timeline};
use crate::journey::{Campaign, Direction, Interaction, Source};

/// A call as an agent sees it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    pub call_id: SmolStr,
    pub state: CallState,
    pub agent_id: SmolStr,
    pub direction: Direction,
    /// The customer's: E.164, as given where it cannot be read, `null` where there is none.
    pub number: Option<SmolStr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<Campaign>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_call_id: Option<SmolStr>,
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
        /// Sources whose interactions are shown by their channels alone. Absent: none.
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        without_modes: &'a [Source],
        /// What the token allows beyond the agent's own calls; absent without authentication.
        #[serde(skip_serializing_if = "Option::is_none")]
        scopes: Option<Vec<&'static str>>,
        /// When the token ends, and with it the session unless a fresh one comes; absent without authentication.
        #[serde(skip_serializing_if = "Option::is_none")]
        expires_at: Option<DateTime<Utc>>,
        /// What the policy keeps from this session: numbers (masked), comments, scores, names, campaigns. Absent: nothing.
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        hidden: &'a [&'static str],
    },
    /// A fresh token holds from now on.
    Authenticated {
        expires_at: Option<DateTime<Utc>>,
        scopes: Vec<&'static str>,
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
    /// The answer to a `reveal`: that one number, in whole. The audit has it by then.
    Revealed {
        request: &'a RequestId,
        call_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        agent_id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        interaction_id: Option<&'a str>,
        number: &'a str,
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
    /// Ids of those that are gone. What newer ones push beyond the page is not among them.
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
    pub more_contacts: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaigns: Option<&'a [CampaignCount]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub more_campaigns: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<&'a [ChannelCount]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub more_channels: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matching: Option<usize>,
    /// Whether these counts are lower bounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<bool>,
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
            more_contacts: None,
            campaigns: None,
            more_campaigns: None,
            channels: None,
            more_channels: None,
            total: None,
            matching: None,
            at_least: None,
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
