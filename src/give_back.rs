//! Memory that was needed once goes back to the system.
//!
//! The allocator keeps what is freed for a second, in case it is needed again, and gives it back when somebody frees a page after that.
//! On a node that has become quiet nobody does: a burst of large timelines would stay in memory until the next one.

use std::hint::black_box;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(1);
/// Large enough to be a page of its own. It is never written to, so it takes no memory.
const PAGE_BYTES: usize = 4 << 20;

/// Frees a page now and then, until stopped.
pub async fn run(stop: CancellationToken) {
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        drop(black_box(Vec::<u8>::with_capacity(PAGE_BYTES)));
    }
}
