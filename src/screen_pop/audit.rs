//! What the way tells the audit: who was shown whose journey, and why.

use chrono::{SubsecRound as _, Utc};

use super::Way;
use crate::audit::{Reason, Record};
use crate::auth::Identity;
use crate::push::open_calls::CallKey;
use crate::push::session::Session;
use crate::record::ID_BYTES_MAX;

/// What a client says, unless it is longer than any id is: nobody fills the audit with it.
pub(super) fn text(said: &str) -> Option<String> {
    (said.len() <= ID_BYTES_MAX).then(|| said.to_owned())
}

impl Way {
    /// One that says who, why and where.
    pub(super) fn audit_of(&self, reason: Reason, session: &Session) -> Record {
        let at = Utc::now().trunc_subsecs(3);
        let (agent, session) = (Some(session.agent_id.clone()), Some(session.id.to_string()));
        Record { agent, session, ..Record::of(reason, &self.door.node, at) }
    }

    /// A timeline was sent: of a call of the session's own agent, or of one whom it follows.
    pub(super) fn tell_shown(&self, key: &CallKey, session: &Session, number: Option<&str>) {
        let of_agent = (key.agent_id != session.agent_id).then(|| key.agent_id.to_string());
        let reason = if of_agent.is_some() { Reason::Supervision } else { Reason::Call };
        let (call_id, number) = (Some(key.call_id.to_string()), number.map(str::to_owned));
        self.audit.tell(Record { call_id, of_agent, number, ..self.audit_of(reason, session) });
    }

    /// Others of these agents are followed from now on.
    pub(super) fn tell_who_is_followed(&self, session: &Session, agents: &[String]) {
        for followed in agents.iter().filter(|agent_id| **agent_id != session.agent_id) {
            let of_agent = text(followed);
            self.audit.tell(Record { of_agent, ..self.audit_of(Reason::Supervision, session) });
        }
    }

    /// Somebody searched: for this number, unless it was refused, and maybe by a call.
    pub(super) fn tell_searched(
        &self,
        session: &Session,
        call_id: Option<&str>,
        number: Option<String>,
        refused: Option<&str>,
    ) {
        let (call_id, refused) = (call_id.and_then(text), refused.map(str::to_owned));
        self.audit.tell(Record { call_id, number, refused, ..self.audit_of(Reason::Search, session) });
    }

    /// A journey was given over HTTP.
    pub fn tell_asked_over_http(&self, identity: &Identity, number: String) {
        let agent = Some(identity.agent_id.clone()).filter(|agent| !agent.is_empty());
        let at = Utc::now().trunc_subsecs(3);
        self.audit.tell(Record { agent, number: Some(number), ..Record::of(Reason::Api, &self.door.node, at) });
    }
}
