//! An authenticated agent on one WebSocket.

use std::sync::Arc;

use chrono_tz::Tz;
use parking_lot::Mutex;
use smol_str::{SmolStr, format_smolstr};

use super::outbox::{Outbox, OutboxLimits};
use super::to_show::ToShow;
use crate::auth::Identity;
use crate::policy::{FieldPolicy, Fields};

pub struct Session {
    pub id: SmolStr,
    pub agent_id: String,
    pub time_zone: Tz,
    pub outbox: Outbox,
    /// Calls that wait for room in it.
    pub to_show: ToShow,
    /// A fresh token changes it while the session is open; the agent stays the same.
    identity: Mutex<Arc<Identity>>,
    policy: Arc<FieldPolicy>,
}

impl Session {
    pub fn new(identity: Identity, time_zone: Tz, outbox: impl Into<OutboxLimits>) -> Self {
        let id = format_smolstr!("s-{:012x}", rand::random::<u64>() >> 16);
        let agent_id = identity.agent_id.clone();
        let identity = Mutex::new(Arc::new(identity));
        let (outbox, to_show) = (Outbox::new(outbox), ToShow::default());
        Self { id, agent_id, time_zone, outbox, to_show, identity, policy: Arc::default() }
    }

    /// One that sees what this policy lets it see.
    pub fn under(self, policy: Arc<FieldPolicy>) -> Self {
        Self { policy, ..self }
    }

    /// What it sees at this moment.
    pub fn fields(&self) -> Fields {
        if self.policy.is_open() { Fields::default() } else { self.policy.fields(&self.identity()) }
    }

    /// From now on this holds, of the same agent.
    pub fn renew(&self, identity: Identity) {
        *self.identity.lock() = Arc::new(identity);
    }

    /// Who this is, and what they may at this moment.
    pub fn identity(&self) -> Arc<Identity> {
        Arc::clone(&self.identity.lock())
    }
}
