//! How often something may happen: so many times a second in the long run, and ten times as many at once.

use std::time::Instant;

/// Seconds' worth that may come at once: a crowd that comes back is no attack.
const AT_ONCE_SECONDS: f64 = 10.0;

/// A bound of one setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    per_second: f64,
    at_once: f64,
}

impl Pace {
    pub fn per_second(times: usize) -> Self {
        let per_second = times as f64;
        Self { per_second, at_once: per_second * AT_ONCE_SECONDS }
    }

    /// The same in the long run, and no more than a second's worth at once.
    pub fn steady(times: usize) -> Self {
        let per_second = times as f64;
        Self { per_second, at_once: per_second.max(1.0) }
    }
}

/// What is left of it for one client.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    left: f64,
    at: Instant,
}

impl Budget {
    pub fn full(pace: &Pace, now: Instant) -> Self {
        Self { left: pace.at_once, at: now }
    }

    /// Whether it may happen once more now.
    pub fn take(&mut self, pace: &Pace, now: Instant) -> bool {
        self.refill(pace, now);
        let may = self.left >= 1.0;
        if may {
            self.left -= 1.0;
        }
        may
    }

    /// Nothing was taken for so long that nothing needs to be remembered.
    pub fn is_full(&mut self, pace: &Pace, now: Instant) -> bool {
        self.refill(pace, now);
        self.left >= pace.at_once
    }

    fn refill(&mut self, pace: &Pace, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + passed * pace.per_second).min(pace.at_once);
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn ten_seconds_worth_may_come_at_once_and_then_as_many_a_second_as_allowed() {
        let (pace, start) = (Pace::per_second(3), Instant::now());
        let mut budget = Budget::full(&pace, start);
        let taken = |budget: &mut Budget, now| (0..100).filter(|_| budget.take(&pace, now)).count();
        assert_eq!(taken(&mut budget, start), 30);
        assert_eq!(taken(&mut budget, start + Duration::from_secs(2)), 6);
        assert!(!budget.is_full(&pace, start + Duration::from_secs(11)));
        assert!(budget.is_full(&pace, start + Duration::from_secs(13)));
    }

    #[test]
    fn a_steady_pace_lets_a_seconds_worth_come_at_once() {
        let (pace, start) = (Pace::steady(5), Instant::now());
        let mut budget = Budget::full(&pace, start);
        assert_eq!((0..100).filter(|_| budget.take(&pace, start)).count(), 5);
    }
}
