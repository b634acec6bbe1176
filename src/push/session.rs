//! An authenticated agent on one WebSocket.

use chrono_tz::Tz;
use parking_lot::Mutex;

use super::outbox::Outbox;
use crate::auth::{Scope, Scopes};

pub struct Session {
    pub id: String,
    pub agent_id: String,
    pub time_zone: Tz,
    pub outbox: Outbox,
    scopes: Mutex<Scopes>,
}

impl Session {
    pub fn new(agent_id: String, scopes: Scopes, time_zone: Tz, outbox_frames_max: usize) -> Self {
        let id = format!("s-{:012x}", rand::random::<u64>() >> 16);
        Self { id, agent_id, time_zone, outbox: Outbox::new(outbox_frames_max), scopes: Mutex::new(scopes) }
    }

    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.lock().has(scope)
    }
}
