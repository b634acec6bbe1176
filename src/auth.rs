//! Who a session belongs to. No authentication can be configured yet: the service binds to loopback only, and `hello` names the agent.

use crate::push::{CloseCode, Hello};
use crate::record::TEXT_BYTES_MAX;

/// The agent that a `hello` speaks for.
pub fn agent_of(hello: &Hello) -> Result<String, CloseCode> {
    match &hello.agent {
        // A token that nobody verifies must not look as if it had been.
        _ if hello.token.is_some() => Err(CloseCode::NoAuthentication),
        Some(agent) if !agent.trim().is_empty() && agent.len() <= TEXT_BYTES_MAX => Ok(agent.clone()),
        _ => Err(CloseCode::NoAgent),
    }
}
