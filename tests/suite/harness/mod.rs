//! What tests say: a service, a Kafka, agents on their sockets, and the records that are published.

mod agent;
mod kafka;
pub mod postgres;
pub mod process;
mod proxy;
mod records;
mod service;
pub mod shelf;
mod timeline;

use std::time::{Duration, Instant};

pub use agent::Agent;
pub use kafka::Kafka;
pub use proxy::Proxy;
pub use records::{ANA, BEN, Call, Contact, HOME, Interaction, call, contact, days_ago, interaction, seconds_ago};
pub use service::Service;
pub use timeline::{briefs, campaigns, channels, days, ids};

/// How long anything may take before a test fails: far beyond what it takes.
pub const PATIENCE: Duration = Duration::from_secs(15);

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
