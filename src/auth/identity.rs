//! Who is on the other side of a session or a request, and what they may.

use chrono::{DateTime, Utc};

/// Something beyond an agent's own calls. Named in tokens as [`Scope::name`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Ask for the journey of any number, not only of the agent's own calls.
    JourneySearch,
    /// Follow the calls of other agents (`subscribe`).
    Supervise,
    /// Read the ledger, the audit and detailed metrics.
    Operate,
}

impl Scope {
    pub const ALL: [Self; 3] = [Self::JourneySearch, Self::Supervise, Self::Operate];

    pub fn name(self) -> &'static str {
        match self {
            Self::JourneySearch => "journey:search",
            Self::Supervise => "supervise",
            Self::Operate => "operate",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of [`Scope`]s.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    pub fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

/// Somebody who was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub agent_id: String,
    pub scopes: Scopes,
    /// When what proved it expires; `None` where nothing had to be proved.
    pub expires_at: Option<DateTime<Utc>>,
}
