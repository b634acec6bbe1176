//! Who a session or a request belongs to, and what it may: by the identity provider's tokens, or, where none is configured and
//! the service binds to loopback only, by what `hello` says.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;
use tracing::debug;

use crate::config::{Aliases, Settings};
use crate::metrics::Metrics;
use crate::push::{CloseCode, Hello};
use crate::record::ID_BYTES_MAX;

mod identity;
mod keyring;
mod keys;
mod refused;
mod tickets;
mod token;

pub use identity::{Identity, Scope, Scopes};
use keyring::Keyring;
pub use keyring::{NoKeys, Provider};
pub use keys::{BadKeys, KeySet, SigningAlgorithm};
pub use refused::Refused;
use tickets::Tickets;
pub use token::{Rules, TOKEN_BYTES_MAX};

/// Whom this service believes.
pub enum Authority {
    /// Everybody who reaches it, which is this machine: `hello` names the agent.
    Nobody,
    Tokens(Box<Tokens>),
}

/// The identity provider's tokens, and tickets for them.
pub struct Tokens {
    rules: Rules,
    keyring: Keyring,
    tickets: Tickets,
    metrics: Arc<Metrics>,
}

/// Stands for a token once, for a short time.
pub struct Ticket {
    pub ticket: String,
    pub expires_at: DateTime<Utc>,
}

impl Authority {
    pub fn of(settings: &Settings, metrics: &Arc<Metrics>) -> anyhow::Result<Self> {
        let auth = &settings.auth;
        if !auth.is_configured() {
            return Ok(Self::Nobody);
        }
        Ok(Self::Tokens(Box::new(Tokens {
            rules: Rules::of(auth, Arc::clone(&settings.aliases)),
            keyring: Keyring::open(auth, Arc::clone(metrics))?,
            tickets: Tickets::new(*auth.ticket_lifetime, auth.tickets_max),
            metrics: Arc::clone(metrics),
        })))
    }

    pub fn tokens(&self) -> Option<&Tokens> {
        match self {
            Self::Nobody => None,
            Self::Tokens(tokens) => Some(tokens),
        }
    }

    /// Keeps the keys current, until it is dropped.
    pub async fn keep_keys(&self) {
        match self {
            Self::Nobody => std::future::pending().await,
            Self::Tokens(tokens) => tokens.keyring.keep().await,
        }
    }

    /// Whom a `hello` speaks for; `bearer` is the token of the handshake's `Authorization` header.
    pub async fn identify(
        &self,
        hello: &Hello,
        bearer: Option<&str>,
        aliases: &Aliases,
    ) -> Result<Identity, CloseCode> {
        match self {
            Self::Nobody => unverified(hello, aliases),
            Self::Tokens(tokens) => Ok(tokens.of_hello(hello, bearer, aliases).await?),
        }
    }

    /// How long a session may still go on; `None`: for ever.
    pub fn remaining(&self, identity: &Identity, now: DateTime<Utc>) -> Option<Duration> {
        let leeway = TimeDelta::seconds(i64::try_from(self.tokens()?.rules.leeway_seconds()).unwrap_or(0));
        let ends = identity.expires_at? + leeway;
        Some((ends - now).to_std().unwrap_or_default())
    }
}

/// Where nobody is asked for a token.
fn unverified(hello: &Hello, aliases: &Aliases) -> Result<Identity, CloseCode> {
    match &hello.agent {
        // A token that nobody verifies must not look as if it had been.
        _ if hello.token.is_some() || hello.ticket.is_some() => Err(CloseCode::NoAuthentication),
        Some(agent) if !agent.trim().is_empty() && agent.len() <= ID_BYTES_MAX => {
            Ok(Identity::unverified(aliases.agent(agent.clone())))
        }
        _ => Err(CloseCode::NoAgent),
    }
}

impl Tokens {
    async fn of_hello(&self, hello: &Hello, bearer: Option<&str>, aliases: &Aliases) -> Result<Identity, Refused> {
        let identity = match (hello.token.as_deref().or(bearer), &hello.ticket) {
            (_, Some(ticket)) if hello.token.is_none() => self.redeem(ticket)?,
            (token, _) => self.identity(token).await?,
        };
        // Whoever names an agent beside the token is told where it is another one, and not shown another's calls.
        match hello.agent.clone().map(|agent| aliases.agent(agent)) {
            Some(named) if named != identity.agent_id => Err(self.refuse(Refused::AnotherAgent)),
            _ => Ok(identity),
        }
    }

    /// Whom a token speaks for.
    pub async fn identity(&self, token: Option<&str>) -> Result<Identity, Refused> {
        let Some(token) = token else { return Err(self.refuse(Refused::Missing)) };
        let asked = Instant::now();
        let first = self.rules.identity(token, &self.keyring.keys());
        let Err(refused) = first else { return first };
        if !refused.may_be_of_a_new_key() {
            return Err(self.refuse(refused));
        }
        let is_certain = self.keyring.look_again(asked).await;
        let again = self.rules.identity(token, &self.keyring.keys());
        again.map_err(|refused| {
            let open = refused.may_be_of_a_new_key() && !is_certain;
            self.refuse(if open { Refused::KeysMissing } else { refused })
        })
    }

    /// A fresh token for an open session; it must be the same agent's.
    pub async fn renewed(&self, token: String, agent_id: &str) -> Result<Identity, Refused> {
        let identity = self.identity(Some(&token)).await?;
        if identity.agent_id == agent_id { Ok(identity) } else { Err(self.refuse(Refused::AnotherAgent)) }
    }

    /// `None`: so many are there that no further one is to be kept.
    pub fn issue(&self, identity: Identity) -> Option<Ticket> {
        let expires_at = Utc::now() + self.tickets.lifetime();
        let ticket = self.tickets.issue(identity, Instant::now())?;
        Some(Ticket { ticket, expires_at })
    }

    fn redeem(&self, ticket: &str) -> Result<Identity, Refused> {
        self.tickets.redeem(ticket, Instant::now()).ok_or_else(|| self.refuse(Refused::Ticket))
    }

    /// Counts it; of the token nothing is said.
    fn refuse(&self, refused: Refused) -> Refused {
        debug!(reason = refused.name(), "token refused");
        self.metrics.token_refused(refused);
        refused
    }
}
