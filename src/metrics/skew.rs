//! How far this machine's clock is from those of the call events.

use std::time::{Duration, Instant};

/// The smallest difference between our clock and the events' own in the last minutes: what no delay explains.
#[derive(Default)]
pub struct Skew {
    since: Option<Instant>,
    smallest: Option<f64>,
    smallest_before: Option<f64>,
}

impl Skew {
    const WINDOW: Duration = Duration::from_secs(300);

    pub fn see(&mut self, behind_seconds: f64) {
        if self.since.is_none_or(|since| since.elapsed() > Self::WINDOW) {
            *self = Self { since: Some(Instant::now()), smallest: None, smallest_before: self.smallest };
        }
        self.smallest = Some(self.smallest.map_or(behind_seconds, |smallest| smallest.min(behind_seconds)));
    }

    pub fn seconds(&self) -> f64 {
        [self.smallest, self.smallest_before].into_iter().flatten().reduce(f64::min).unwrap_or_default()
    }
}
