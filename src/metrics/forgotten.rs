//! Calls that a node forgets before they are too old, because there are more than its limits allow.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::Labels;

#[derive(Default)]
pub struct ForgottenCalls {
    /// By `calls.known_max`.
    known: Counter,
    /// By the limits of one call id and of one agent.
    over_limit: Family<Labels<1>, Counter>,
}

impl ForgottenCalls {
    pub fn register(&self, registry: &mut Registry) {
        let forgotten = "Calls forgotten because more than calls.known_max were known";
        registry.register("calls_forgotten", forgotten, self.known.clone());
        let over_limit =
            "Calls forgotten because a call id had more agents, or an agent more open calls, than its limit";
        registry.register("calls_over_limit", over_limit, self.over_limit.clone());
    }

    fn counter(&self, limit: &'static str) -> Counter {
        match limit {
            "known" => self.known.clone(),
            _ => self.over_limit.get_or_create(&[("limit", limit.to_owned())]).clone(),
        }
    }

    /// One more, by the limit of this name.
    pub fn add(&self, limit: &'static str) {
        self.counter(limit).inc();
    }

    pub fn all(&self, limit: &'static str) -> u64 {
        self.counter(limit).get()
    }
}
