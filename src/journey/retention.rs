//! Removes, in the background and a little at a time, what is older than `journey.retention`, and removals of long ago.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::removal::REMEMBERED;
use super::{Store, StoreError};
use crate::metrics::Metrics;

/// Between two times that everything is looked at.
const EVERY: Duration = Duration::from_secs(3600);
/// No clock that is right stamps a removal so far ahead.
const STAMPED_AHEAD_MAX: TimeDelta = TimeDelta::days(1);
/// Between two steps: whoever records or looks up goes first.
const PAUSE: Duration = Duration::from_millis(20);

/// What one step came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub removed: u64,
    pub next: Next,
}

/// Where the next step begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Behind this contact.
    After(Option<String>),
    /// Everything was looked at.
    End,
}

/// What began earlier is too old. `None`: nothing is.
pub fn before(retention: Option<Duration>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    now.checked_sub_signed(TimeDelta::from_std(retention?).ok()?)
}

/// Runs until stopped: at once, and then every hour.
pub async fn run(store: Store, retention: Option<Duration>, metrics: Arc<Metrics>, stop: CancellationToken) {
    let mut every = tokio::time::interval(EVERY);
    let keep = async {
        loop {
            every.tick().await;
            let now = Utc::now();
            if let Err(error) = forget_removals(&store, now).await {
                warn!(%error, "cannot forget removals of long ago, trying again later");
            }
            let Some(before) = before(retention, now) else { continue };
            match sweep(&store, before, &metrics).await {
                Ok(0) => {}
                Ok(removed) => info!(removed, "removed interactions older than journey.retention"),
                Err(error) => warn!(%error, "cannot remove what is older than journey.retention, trying again later"),
            }
        }
    };
    stop.run_until_cancelled(keep).await;
}

/// Those that nothing can come late for any more; and those of a clock that runs ahead, which would hold for years.
pub async fn forget_removals(store: &Store, now: DateTime<Utc>) -> Result<(), StoreError> {
    while store.forget_removals(now - REMEMBERED, now + STAMPED_AHEAD_MAX).await? {
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

async fn sweep(store: &Store, before: DateTime<Utc>, metrics: &Metrics) -> Result<u64, StoreError> {
    let (mut removed, mut after) = (0, None);
    loop {
        let step = store.expire(before, after).await?;
        metrics.expired(step.removed);
        removed += step.removed;
        match step.next {
            Next::End => return Ok(removed),
            Next::After(contact) => after = contact,
        }
        tokio::time::sleep(PAUSE).await;
    }
}
