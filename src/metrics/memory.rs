//! What is held in memory for sessions and of stores, in bytes, and what had to go where a bound was reached.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Labels;

/// What happens where a frame does not fit into an outbox.
#[derive(Debug, Clone, Copy)]
pub enum OutboxFull {
    /// The session is closed as slow.
    Closed,
    /// An answer is not sent.
    Refused,
}

#[derive(Default, Clone)]
pub struct Memory {
    pub outbox_bytes: Gauge,
    outbox_full: Family<Labels<2>, Counter>,
    pub unacknowledged_bytes: Gauge,
    unacknowledged_dropped: Counter,
    pub outline_bytes: Gauge,
    outlines_dropped: Counter,
    dictionary_bytes: Gauge,
}

impl Memory {
    pub(super) fn register(&self, registry: &mut Registry) {
        let bytes = "Bytes of frames that wait for sessions or are being written to them";
        registry.register("outbox_bytes", bytes, self.outbox_bytes.clone());
        let full = "Frames that did not fit into an outbox, by the limit and by what followed: the session was closed, or the answer refused";
        registry.register("outbox_full", full, self.outbox_full.clone());
        let bytes = "Bytes of pops and updates that are kept to be sent again until they are acknowledged";
        registry.register("unacknowledged_bytes", bytes, self.unacknowledged_bytes.clone());
        let dropped = "Pops that are not sent again because http.unacknowledged_bytes_max was reached";
        registry.register("unacknowledged_dropped", dropped, self.unacknowledged_dropped.clone());
        let bytes = "Bytes kept of timelines on screens, to send differences and to find them by address";
        registry.register("outline_bytes", bytes, self.outline_bytes.clone());
        let dropped = "Calls whose next change brings a whole timeline because calls.outlines_bytes_max was reached";
        registry.register("outlines_dropped", dropped, self.outlines_dropped.clone());
        let bytes = "Bytes of texts that repeat in interactions, kept in memory for the stores in SQLite";
        registry.register("dictionary_bytes", bytes, self.dictionary_bytes.clone());
    }

    /// `limit` is the name of the setting.
    pub fn outbox_full(&self, limit: &'static str, what: OutboxFull) {
        let result = match what {
            OutboxFull::Closed => "closed",
            OutboxFull::Refused => "refused",
        };
        self.outbox_full.get_or_create(&[("limit", limit.to_owned()), ("result", result.to_owned())]).inc();
    }

    /// As it is at this moment.
    pub fn dictionary(&self, bytes: usize) {
        self.dictionary_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    pub fn unacknowledged_dropped(&self) {
        self.unacknowledged_dropped.inc();
    }

    pub fn outlines_dropped(&self) {
        self.outlines_dropped.inc();
    }
}
