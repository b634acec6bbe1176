//! Why a token does not let anybody in.

/// What is wrong with a token. The texts name no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refused {
    Missing,
    TooLong,
    /// Not three parts, not JSON, or of no algorithm that is known: `none` is among these.
    Malformed,
    /// Signed in a way that the settings, or the key, do not allow.
    Algorithm,
    /// Nobody can say: the keys, or news of them, cannot be had right now.
    KeysMissing,
    UnknownKey,
    Signature,
    /// A claim that must be there is not, or has another type.
    Claims,
    Expired,
    NotYetValid,
    Audience,
    Issuer,
    NoAgent,
    AnotherAgent,
    /// Never issued here, redeemed before, or too old.
    Ticket,
}

impl Refused {
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::KeysMissing => "keys_missing",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Claims => "claims",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Audience => "audience",
            Self::Issuer => "issuer",
            Self::NoAgent => "no_agent",
            Self::AnotherAgent => "another_agent",
            Self::Ticket => "ticket",
        }
    }

    /// For a person; short enough for the reason of a close frame.
    pub fn text(self) -> &'static str {
        match self {
            Self::Missing => "a token is needed",
            Self::TooLong => "the token is too long",
            Self::Malformed => "this is no signed token (JWT) of a kind that is known here",
            Self::Algorithm => "the token is signed in a way that is not accepted here",
            Self::KeysMissing => "the keys that tokens are verified with cannot be had right now, come back later",
            Self::UnknownKey => "no key is known here that the token could be signed with",
            Self::Signature => "the signature of the token is wrong",
            Self::Claims => "exp, aud or iss is missing in the token, or a claim has the wrong type",
            Self::Expired => "the token has expired, come back with a fresh one",
            Self::NotYetValid => "the token is not valid yet",
            Self::Audience => "the token is for another service",
            Self::Issuer => "the token is of another issuer",
            Self::NoAgent => "the token names no agent",
            Self::AnotherAgent => "the token is another agent's",
            Self::Ticket => "the ticket was redeemed before, is too old, or is another node's",
        }
    }

    /// A key that is not known here may be a new one of the provider.
    pub(super) fn may_be_of_a_new_key(self) -> bool {
        matches!(self, Self::UnknownKey | Self::KeysMissing)
    }
}
