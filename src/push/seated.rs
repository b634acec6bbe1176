//! A session's stay among the agents: from its hello until this is dropped, however its connection ends.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tracing::info;

use super::agents::Agents;
use super::session::Session;
use super::{CloseCode, Showing};

pub struct Seated<'a> {
    agents: &'a Agents,
    pub session: Arc<Session>,
    /// With which it is closed; none where the client left, or nothing could be said any more.
    pub code: Option<CloseCode>,
}

impl Agents {
    /// As `join`, and leaves by itself: a panic, a future that is dropped or an early return leaves no session behind.
    pub fn seat(
        &self,
        session: Arc<Session>,
        showing: Vec<Showing>,
        now: DateTime<Utc>,
    ) -> Result<Seated<'_>, CloseCode> {
        // Before it joins: what panics in there has left half of it.
        let seated = Seated { agents: self, session, code: None };
        self.join(&seated.session, showing, now)?;
        info!(agent.id = seated.session.agent_id, session.id = seated.session.id.as_str(), "session opened");
        Ok(seated)
    }
}

impl Drop for Seated<'_> {
    fn drop(&mut self) {
        let Self { agents, session, code } = self;
        if agents.leave(session, *code, Utc::now()) {
            let code = code.map_or(0, |code| code.wire().0);
            info!(agent.id = session.agent_id, session.id = session.id.as_str(), close.code = code, "session closed");
        }
    }
}
