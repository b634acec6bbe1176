//! Who a session belongs to. No authentication can be configured yet: the service binds to loopback only, and `hello` names the agent.

use crate::config::Aliases;
use crate::push::{CloseCode, Hello};
use crate::record::TEXT_BYTES_MAX;

mod identity;

pub use identity::{Identity, Scope, Scopes};

/// Whom a `hello` speaks for.
pub fn identify(hello: &Hello, aliases: &Aliases) -> Result<Identity, CloseCode> {
    match &hello.agent {
        // A token that nobody verifies must not look as if it had been.
        _ if hello.token.is_some() => Err(CloseCode::NoAuthentication),
        Some(agent) if !agent.trim().is_empty() && agent.len() <= TEXT_BYTES_MAX => {
            Ok(Identity::unverified(aliases.agent(agent.clone())))
        }
        _ => Err(CloseCode::NoAgent),
    }
}
