//! What is counted where many ask at the same time: searches by their answers, look-ups that run and wait.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Labels;
use crate::journey::permits::{Load, Purpose};

#[derive(Default)]
pub struct Crowd {
    searches: Family<Labels<1>, Counter>,
    running: Family<Labels<1>, Gauge>,
    waiting: Family<Labels<1>, Gauge>,
}

impl Crowd {
    pub(super) fn register(&self, registry: &mut Registry) {
        let searches = "Searches of agents by how they were answered: timeline, or the code of the error";
        registry.register("searches", searches, self.searches.clone());
        let running = "Look-ups that run, by what they are for; those for pops once for each place";
        registry.register("lookups_running", running, self.running.clone());
        let waiting = "Look-ups that wait for a permit, by what they are for";
        registry.register("lookups_waiting", waiting, self.waiting.clone());
    }

    /// `answer` is one of a closed set: `timeline`, or the code of an error.
    pub fn searched(&self, answer: &'static str) {
        self.searches.get_or_create(&[("answer", answer.to_owned())]).inc();
    }

    /// As it is at this moment.
    pub fn lookups(&self, load: &[(Purpose, Load)]) {
        for (purpose, Load { running, waiting }) in load {
            let labels = [("purpose", purpose.name().to_owned())];
            let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
            self.running.get_or_create(&labels).set(gauge(*running));
            self.waiting.get_or_create(&labels).set(gauge(*waiting));
        }
    }
}
