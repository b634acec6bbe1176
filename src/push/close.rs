//! Why a session is closed, as the client is told.

use crate::auth::Refused;

/// Why a session is closed. 3000–3499: come back (with jitter); 3500–3999: stay away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseCode {
    Drain,
    Slow,
    Silent,
    HelloLate,
    /// The token has ended, and no fresh one came.
    TokenExpired,
    /// Whether the token is good cannot be said right now.
    KeysMissing,
    TooFast,
    HelloFirst,
    TooManySessions,
    NoAgent,
    FrameTooLarge,
    NotText,
    NoAuthentication,
    TokenNeeded,
    TokenRefused(Refused),
    /// Of a fresh one on the open socket.
    AnotherAgentsToken,
}

impl CloseCode {
    /// The code on the wire, and what it says to a person.
    pub fn wire(self) -> (u16, &'static str) {
        match self {
            Self::Drain => (3000, "the node is going away, come back"),
            Self::Slow => (3001, "frames were not read fast enough"),
            Self::Silent => (3002, "nothing was heard for two heartbeats"),
            Self::HelloLate => (3003, "the first frame did not come in time"),
            Self::TokenExpired => (3004, Refused::Expired.text()),
            Self::KeysMissing => (3006, Refused::KeysMissing.text()),
            Self::TooFast => (3005, "frames came faster than they may, come back later"),
            Self::HelloFirst => (3500, "the first frame must be hello"),
            Self::TooManySessions => (3501, "this agent has too many sessions"),
            Self::NoAgent => (3502, "hello names no agent"),
            Self::FrameTooLarge => (3503, "a frame was too large"),
            Self::NotText => (3504, "frames are text"),
            Self::NoAuthentication => (3505, "a token was sent, and no authentication is configured"),
            Self::TokenNeeded => (3506, Refused::Missing.text()),
            Self::TokenRefused(refused) => (3507, refused.text()),
            Self::AnotherAgentsToken => (3508, Refused::AnotherAgent.text()),
        }
    }
}

/// Of a token that does not let anybody in.
impl From<Refused> for CloseCode {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Missing => Self::TokenNeeded,
            Refused::Expired => Self::TokenExpired,
            Refused::KeysMissing => Self::KeysMissing,
            refused => Self::TokenRefused(refused),
        }
    }
}
