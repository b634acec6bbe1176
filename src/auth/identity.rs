//! Who somebody is, and what they may.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use smol_str::SmolStr;

/// What a token may allow beyond the agent's own calls, in the words of its scope claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Scope {
    /// Any number's journey, not only those of the agent's own calls.
    JourneySearch = 1,
    /// To follow other agents' calls.
    Supervise = 1 << 1,
    /// The ledger, the audit, and metrics in detail.
    Operate = 1 << 2,
    /// One masked number at a time in full, each written into the audit.
    NumbersReveal = 1 << 3,
    /// Numbers in full where `policy` masks them.
    NumbersRead = 1 << 4,
    /// Comments where `policy` hides them.
    CommentsRead = 1 << 5,
    /// Scores where `policy` hides them.
    ScoresRead = 1 << 6,
    /// Contacts' names where `policy` hides them.
    NamesRead = 1 << 7,
}

impl Scope {
    pub const ALL: [Self; 8] = [
        Self::JourneySearch,
        Self::Supervise,
        Self::Operate,
        Self::NumbersReveal,
        Self::NumbersRead,
        Self::CommentsRead,
        Self::ScoresRead,
        Self::NamesRead,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::JourneySearch => "journey:search",
            Self::Supervise => "supervise",
            Self::Operate => "operate",
            Self::NumbersReveal => "numbers:reveal",
            Self::NumbersRead => "numbers:read",
            Self::CommentsRead => "comments:read",
            Self::ScoresRead => "scores:read",
            Self::NamesRead => "names:read",
        }
    }
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Scopes(u16);

impl Scopes {
    pub fn has(self, scope: Scope) -> bool {
        self.0 & scope as u16 != 0
    }

    /// Of a scope claim's words; those of other services are passed over.
    pub fn of<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        words.into_iter().filter_map(|word| Scope::ALL.into_iter().find(|scope| scope.name() == word)).collect()
    }

    /// In the words of the scope claim.
    pub fn names(self) -> Vec<&'static str> {
        self.iter().map(Scope::name).collect()
    }

    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<T: IntoIterator<Item = Scope>>(scopes: T) -> Self {
        Self(scopes.into_iter().fold(0, |set, scope| set | scope as u16))
    }
}

/// Somebody who is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// As call events name the agent: aliases are resolved.
    pub agent_id: String,
    pub scopes: Scopes,
    /// Whose campaigns the agent may see, where `policy.teams` divides them.
    pub teams: Arc<[SmolStr]>,
    /// When the token ends, and with it the session; `None` without authentication.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Identity {
    /// Somebody who named themselves, on the machine that the service runs on: may follow others, as everybody may be anybody.
    pub fn unverified(agent_id: String) -> Self {
        Self { agent_id, scopes: [Scope::Supervise].into_iter().collect(), teams: Arc::default(), expires_at: None }
    }
}
