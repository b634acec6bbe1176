//! Which times of a record are believed. They are held against the record's own time, never against a node's clock, so that replays
//! and nodes agree.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Mark, Marks, Refusal};

/// 1980-01-01T00:00:00Z: no contact centre's history is older.
pub const EARLIEST: DateTime<Utc> = at_second(315_532_800);
/// 2100-01-01T00:00:00Z.
const END: DateTime<Utc> = at_second(4_102_444_800);
/// An interaction that starts later after its own record has a wrong clock or a wrong year.
const STARTS_AHEAD_MAX: TimeDelta = TimeDelta::days(1);

const fn at_second(second: i64) -> DateTime<Utc> {
    match DateTime::from_timestamp(second, 0) {
        Some(at) => at,
        None => DateTime::UNIX_EPOCH,
    }
}

/// What a record's times are held against.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// The record's own time: Kafka's timestamp; for files the start of the import. `None` where that is not known.
    own: Option<DateTime<Utc>>,
    /// Stands in for an absent `updatedAt`.
    stand_in: Option<DateTime<Utc>>,
    /// `kafka.record_ahead_max`.
    ahead_max: TimeDelta,
}

impl Times {
    /// Of a record of Kafka.
    pub fn of_record(time: Option<DateTime<Utc>>, ahead_max: TimeDelta) -> Self {
        let own = believed(time);
        Self { own, stand_in: own, ahead_max }
    }

    /// Of a file that was last changed then.
    pub fn of_file(import_began: DateTime<Utc>, changed: DateTime<Utc>, ahead_max: TimeDelta) -> Self {
        Self { own: believed(Some(import_began)), stand_in: believed(Some(changed)), ahead_max }
    }

    /// The record's own time.
    pub fn own(&self) -> Option<DateTime<Utc>> {
        self.own
    }

    pub fn starts(&self, name: &'static str, at: DateTime<Utc>) -> Result<DateTime<Utc>, Refusal> {
        let at = required(name, at)?;
        match self.own {
            Some(own) if at > own + STARTS_AHEAD_MAX => Err(Refusal::AfterItsRecord(name)),
            _ => Ok(at),
        }
    }

    /// What decides between two records of one id.
    pub fn updated(
        &self,
        name: &'static str,
        at: Option<DateTime<Utc>>,
        otherwise: Option<DateTime<Utc>>,
        marks: &mut Marks,
    ) -> DateTime<Utc> {
        let stand_in = self.stand_in.or(otherwise).unwrap_or(EARLIEST);
        match (at, self.own) {
            (Some(at), Some(own)) if at > own + self.ahead_max => {
                marks.set(Mark::Ahead(name));
                own
            }
            _ => optional(name, at, marks).unwrap_or(stand_in),
        }
    }
}

/// A time that a record cannot do without.
pub fn required(name: &'static str, at: DateTime<Utc>) -> Result<DateTime<Utc>, Refusal> {
    believed(Some(at)).ok_or(Refusal::TimeOutOfRange(name))
}

/// `None` for one that is not believed, which is marked.
pub fn optional(name: &'static str, at: Option<DateTime<Utc>>, marks: &mut Marks) -> Option<DateTime<Utc>> {
    let believed = believed(at);
    if at.is_some() && believed.is_none() {
        marks.set(Mark::TimeLeftOut(name));
    }
    believed
}

/// In milliseconds, as every store keeps times.
fn believed(at: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    let at = DateTime::from_timestamp_millis(at?.timestamp_millis())?;
    (EARLIEST..END).contains(&at).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    const AHEAD_MAX: TimeDelta = TimeDelta::minutes(5);

    #[test]
    fn times_are_held_against_the_record_and_not_against_a_clock() {
        let times = Times::of_record(Some(at("2026-11-20T12:00:00Z")), AHEAD_MAX);
        assert_eq!(times.starts("startedAt", at("2026-11-21T12:00:00Z")), Ok(at("2026-11-21T12:00:00Z")));
        let late = times.starts("startedAt", at("2026-11-21T12:00:01Z"));
        assert_eq!(late, Err(Refusal::AfterItsRecord("startedAt")));
        let (mut marks, given) = (Marks::default(), Some(at("2026-11-20T12:05:00Z")));
        assert_eq!(Some(times.updated("updatedAt", given, None, &mut marks)), given);
        assert_eq!(marks, Marks::default());
        let ahead = times.updated("updatedAt", Some(at("2026-11-20T12:05:00.001Z")), None, &mut marks);
        assert_eq!((ahead, marks.iter().next()), (at("2026-11-20T12:00:00Z"), Some(Mark::Ahead("updatedAt"))));
    }

    #[test]
    fn a_record_whose_own_time_is_unknown_is_held_against_the_century_alone() {
        for unknown in [None, Some(DateTime::UNIX_EPOCH), Some(at("+58851-01-01T00:00:00Z"))] {
            let times = Times::of_record(unknown, AHEAD_MAX);
            assert!(times.starts("startedAt", at("2099-12-31T00:00:00Z")).is_ok());
            for out in ["1979-12-31T23:59:59Z", "2100-01-01T00:00:00Z"] {
                assert_eq!(times.starts("startedAt", at(out)), Err(Refusal::TimeOutOfRange("startedAt")));
            }
            let mut marks = Marks::default();
            assert_eq!(times.updated("updatedAt", None, Some(EARLIEST), &mut marks), EARLIEST);
        }
    }

    #[test]
    fn an_optional_time_that_nobody_can_mean_is_left_out_and_said() {
        let mut marks = Marks::default();
        assert_eq!(optional("endedAt", Some(at("0001-01-01T00:00:00Z")), &mut marks), None);
        assert_eq!(marks.iter().collect::<Vec<_>>(), [Mark::TimeLeftOut("endedAt")]);
        assert_eq!(
            optional("endedAt", Some(at("2016-12-31T23:59:60.5Z")), &mut marks),
            Some(at("2017-01-01T00:00:00.5Z"))
        );
    }
}
