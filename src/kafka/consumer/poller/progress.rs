//! How far one partition was read, and when its client counts as stuck. Pure.

use std::time::{Duration, Instant};

use super::Resume;

/// Behind the high watermark and not moving for so long: the client is stuck (librdkafka #5153).
const PATIENCE: Duration = Duration::from_secs(15);
/// Doubled each time that a new client was of no use, up to here: some records just take long.
const PATIENCE_MAX: Duration = Duration::from_secs(600);

/// How far one partition was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    pub(super) next: i64,
    /// The record read last, where one was.
    pub(super) last: Option<Resume>,
    /// Everything before this offset is kept, as far as the reader has said.
    pub(super) kept: i64,
    /// The high watermark when it was last asked for.
    pub(super) high: i64,
    /// The end was seen, though control records may stand before `high`.
    at_end: bool,
    /// As above, since the high watermark was last asked for.
    at_end_lately: bool,
    /// When nothing was missing, or something came, for the last time.
    well_at: Instant,
    patience: Duration,
}

impl Progress {
    pub(super) fn starting(next: i64, last: Option<Resume>, high: i64, now: Instant) -> Self {
        let kept = last.map_or(next, |last| last.next);
        Self { next, last, kept, high, at_end: false, at_end_lately: false, well_at: now, patience: PATIENCE }
    }

    /// Where the client was made anew.
    pub(super) fn after(self, before: Option<&Self>) -> Self {
        let patience = before.map_or(PATIENCE, |before| (before.patience * 2).min(PATIENCE_MAX));
        let kept = before.map_or(self.kept, |before| before.kept.min(self.kept));
        Self { patience, kept, ..self }
    }

    pub(super) fn caught_up(&self) -> bool {
        self.at_end || self.next >= self.high
    }

    /// Records from this position on, as far as is known. At the end of the partition there are none, though control records may
    /// stand there.
    pub(super) fn lag_from(&self, position: i64) -> i64 {
        if self.caught_up() && position >= self.next { 0 } else { (self.high.max(self.next) - position).max(0) }
    }

    pub(super) fn read(&mut self, last: Resume, now: Instant) {
        *self = Self { next: last.next, last: Some(last), at_end: false, well_at: now, patience: PATIENCE, ..*self };
    }

    pub(super) fn reach_end(&mut self) {
        (self.at_end, self.at_end_lately) = (true, true);
    }

    /// Takes in the high watermark; `true`: the client is stuck.
    pub(super) fn look(&mut self, high: i64, now: Instant) -> bool {
        let was_caught_up = self.caught_up();
        // Something came after the end that was seen.
        self.at_end &= high <= self.high || self.at_end_lately;
        (self.high, self.at_end_lately) = (high, false);
        if was_caught_up || self.caught_up() {
            self.well_at = now;
        }
        now - self.well_at > self.patience
    }

    /// The brokers were asked for the high watermark, and did not say it: it is not the client's fault that nothing comes.
    pub(super) fn unanswered(&mut self, now: Instant) {
        (self.well_at, self.at_end_lately) = (now, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED_EVERY: Duration = Duration::from_secs(5);

    /// One partition, and a clock.
    struct Partition {
        progress: Progress,
        now: Instant,
    }

    impl Partition {
        fn starting(next: i64, high: i64) -> Self {
            let now = Instant::now();
            Self { progress: Progress::starting(next, None, high, now), now }
        }

        fn reads(&mut self, offset: i64) {
            self.progress.read(Resume { next: offset + 1, last_record: 0 }, self.now);
        }

        /// The next question, five seconds later.
        fn is_stuck(&mut self, high: i64) -> bool {
            self.now += ASKED_EVERY;
            self.progress.look(high, self.now)
        }

        fn brokers_do_not_answer(&mut self, long: Duration) {
            for _ in 0..long.as_secs() / ASKED_EVERY.as_secs() {
                self.now += ASKED_EVERY;
                self.progress.unanswered(self.now);
            }
        }

        /// After how many questions it counts as stuck, of at most so many.
        fn stuck_after(&mut self, high: i64, most: usize) -> Option<usize> {
            (1..=most).find(|_| self.is_stuck(high))
        }
    }

    #[test]
    fn a_partition_that_had_been_read_to_its_end_and_goes_no_further_counts_as_stuck() {
        let mut partition = Partition::starting(0, 0);
        partition.progress.reach_end();
        assert!(!partition.is_stuck(0));
        partition.brokers_do_not_answer(Duration::from_secs(60));
        // What is missing is found by the first question, and has 15 s from then.
        assert_eq!(partition.stuck_after(3, 10), Some(5));
    }

    #[test]
    fn one_that_was_idle_for_hours_has_as_long_as_any_other() {
        let mut partition = Partition::starting(0, 1);
        partition.reads(0);
        partition.progress.reach_end();
        assert_eq!(partition.stuck_after(1, 1000), None);
        assert_eq!(partition.stuck_after(2, 10), Some(5));
    }

    #[test]
    fn one_that_moves_or_waits_behind_control_records_is_not_stuck() {
        let mut partition = Partition::starting(0, 1000);
        assert!((0..100).all(|offset| {
            partition.reads(offset);
            !partition.is_stuck(1000)
        }));
        // A transaction of one record and its marker: the end is seen, and `high` stays beyond what can be read.
        for offset in (1000..1010).step_by(2) {
            partition.reads(offset);
            partition.progress.reach_end();
            assert_eq!(partition.stuck_after(offset + 2, 100), None);
            assert!(partition.progress.caught_up());
        }
    }

    #[test]
    fn what_was_read_and_is_not_kept_counts_and_a_control_record_does_not() {
        let Partition { mut progress, now } = Partition::starting(7, 10);
        assert_eq!(
            (progress.lag_from(progress.kept), progress.lag_from(progress.next)),
            (3, 3),
            "nothing was read yet"
        );
        for next in 8..10 {
            progress.read(Resume { next, last_record: 0 }, now);
        }
        assert_eq!((progress.lag_from(progress.kept), progress.lag_from(progress.next)), (3, 1));
        progress.reach_end();
        assert_eq!((progress.lag_from(progress.kept), progress.lag_from(progress.next)), (3, 0));
        progress.kept = 9;
        assert_eq!(progress.lag_from(progress.kept), 0);
        // Read before the high watermark was asked for again.
        progress.read(Resume { next: 11, last_record: 0 }, now);
        assert_eq!(progress.lag_from(progress.kept), 2);
    }

    #[test]
    fn a_new_client_changes_nothing_of_what_is_kept_unless_the_topic_was_made_anew() {
        let Partition { progress: mut before, now } = Partition::starting(7, 10);
        before.read(Resume { next: 9, last_record: 0 }, now);
        assert_eq!(Progress::starting(8, before.last, 10, now).after(Some(&before)).kept, 7);
        before.kept = 9;
        assert_eq!(Progress::starting(8, before.last, 10, now).after(Some(&before)).kept, 9);
        assert_eq!(Progress::starting(0, None, 3, now).after(Some(&before)).kept, 0);
    }

    #[test]
    fn a_client_made_anew_in_vain_has_twice_as_long_until_something_comes() {
        let mut partition = Partition::starting(0, 1);
        let renew = |partition: &mut Partition| {
            let before = partition.progress;
            partition.progress = Progress::starting(0, None, 1, partition.now).after(Some(&before));
        };
        assert_eq!(partition.stuck_after(1, 10), Some(4));
        renew(&mut partition);
        assert_eq!(partition.stuck_after(1, 10), Some(7));
        renew(&mut partition);
        assert_eq!(partition.stuck_after(1, 20), Some(13));
        (0..20).for_each(|_| renew(&mut partition));
        assert_eq!(partition.stuck_after(1, 1000), Some(121), "ten minutes at most");
        partition.reads(0);
        assert_eq!(partition.stuck_after(2, 10), Some(5));
    }
}
