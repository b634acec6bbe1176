//! An authenticated agent on one WebSocket.

use chrono_tz::Tz;

use super::outbox::Outbox;

pub struct Session {
    pub id: String,
    pub agent_id: String,
    pub time_zone: Tz,
    pub outbox: Outbox,
}

impl Session {
    pub fn new(agent_id: String, time_zone: Tz, outbox_frames_max: usize) -> Self {
        let id = format!("s-{:012x}", rand::random::<u64>() >> 16);
        Self { id, agent_id, time_zone, outbox: Outbox::new(outbox_frames_max) }
    }
}
