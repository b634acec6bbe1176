//! What tests say: a service, a Kafka, agents on their sockets, and the records that are published.

mod agent;
mod kafka;
pub mod papers;
pub mod postgres;
pub mod process;
pub mod provider;
mod proxy;
mod records;
pub mod rejecting;
pub mod secure;
mod service;
pub mod shelf;
mod timeline;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

pub use agent::Agent;
pub use kafka::{GroupOffsets, Kafka};
pub use proxy::Proxy;
pub use records::{ANA, BEN, Call, Contact, HOME, Interaction, call, contact, days_ago, interaction, seconds_ago};
pub use service::Service;
pub use timeline::{briefs, campaigns, channels, days, ids};

/// How long anything may take before a test fails: far beyond what it takes.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// Runs a test. A Kafka client that is dropped while its group rebalances may never close, and a runtime waits for it: like
/// the service's own, this one does not.
pub fn holds(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let held = catch_unwind(AssertUnwindSafe(|| runtime.block_on(test)));
    runtime.shutdown_background();
    held.unwrap_or_else(|failure| resume_unwind(failure));
}

/// Looks until there is something to see.
pub async fn until<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    until_within(PATIENCE, what, look).await
}

/// As above, for what takes longer by its nature.
pub async fn until_within<T>(patience: Duration, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < deadline, "waited {patience:?} for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
