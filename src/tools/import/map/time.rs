//! Times as other programs write them: any format, with an offset or in a named zone, and durations.

use std::fmt::Write as _;

use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{DateTime, FixedOffset, NaiveDateTime, NaiveTime, Offset as _, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

/// 2026-11-20 at 21:00, written in a format and read again, shows whether the format says enough.
const SAMPLE: i64 = 1_795_208_400;
/// What is tried without a format. `%.f`: with or without fractions.
const ISO_LOCAL: [&str; 2] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
/// More than a century lasts no interaction.
const DURATION_SECONDS_MAX: f64 = 3_155_760_000.0;

/// How the times of one field are written.
#[derive(Debug)]
pub struct Times {
    format: Format,
    /// Of times that carry no offset.
    zone: Option<Tz>,
}

#[derive(Debug)]
enum Format {
    /// RFC 3339, or the same without an offset.
    Iso,
    UnixMillis,
    Items(Vec<Item<'static>>),
}

/// What the clocks of the zone did at a local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clocks {
    Ran,
    /// Set back: the time came twice, and the first is meant.
    Repeated,
    /// Set forward: the time never came, and is read as if the clocks had not been set.
    Skipped,
}

impl Times {
    /// `format` in the words of strftime, or `unix_ms`.
    pub fn new(format: Option<&str>, zone: Option<Tz>) -> Result<Self, String> {
        let format = match format {
            None => Format::Iso,
            Some("unix_ms") => Format::UnixMillis,
            Some(text) => Format::Items(StrftimeItems::new(text).parse_to_owned().map_err(|_| {
                format!("{text:?} is no format of times; expected one such as \"%d/%m/%Y %H:%M:%S\", or \"unix_ms\"")
            })?),
        };
        let Format::Items(items) = &format else { return Ok(Self { format, zone }) };
        let sample = DateTime::from_timestamp(SAMPLE, 0).unwrap_or_default().fixed_offset();
        let mut written = String::new();
        if write!(written, "{}", sample.format_with_items(items.iter())).is_err() {
            return Err("the time_format has %#z, which writes no time and is not read here: expected %z".into());
        }
        let times = Self { format, zone: zone.or(Some(Tz::UTC)) };
        if times.read(&written).is_none() {
            return Err("the time_format leaves a part of the date out, or says half of the time".into());
        }
        let times = Self { zone, ..times };
        if times.read(&written).is_none() {
            return Err("the time_format has no offset: name the time_zone, such as \"Europe/Lisbon\"".into());
        }
        Ok(times)
    }

    /// `None` for what is no time of this format.
    pub fn read(&self, text: &str) -> Option<(DateTime<Utc>, Clocks)> {
        match &self.format {
            Format::Iso => match text.parse::<DateTime<Utc>>() {
                Ok(time) => Some((time, Clocks::Ran)),
                Err(_) => {
                    let local = ISO_LOCAL.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?;
                    in_zone(local, self.zone?)
                }
            },
            Format::UnixMillis => Some((DateTime::from_timestamp_millis(text.parse().ok()?)?, Clocks::Ran)),
            Format::Items(items) => {
                let mut parsed = Parsed::new();
                parse(&mut parsed, text, items.iter()).ok()?;
                if parsed.timestamp().is_some() {
                    return Some((parsed.to_naive_datetime_with_offset(0).ok()?.and_utc(), Clocks::Ran));
                }
                let local = parsed.to_naive_date().ok()?.and_time(time_of_day(&parsed)?);
                match parsed.offset() {
                    Some(seconds) => {
                        let offset = FixedOffset::east_opt(seconds)?;
                        Some((offset.from_local_datetime(&local).single()?.to_utc(), Clocks::Ran))
                    }
                    None => in_zone(local, self.zone?),
                }
            }
        }
    }
}

/// Midnight where the format has dates only.
fn time_of_day(parsed: &Parsed) -> Option<NaiveTime> {
    let dated = [parsed.hour_div_12(), parsed.hour_mod_12(), parsed.minute()].iter().all(Option::is_none);
    if dated { Some(NaiveTime::MIN) } else { parsed.to_naive_time().ok() }
}

/// Of a time that comes twice, the first; one that never comes is read with the offset that held before it.
fn in_zone(local: NaiveDateTime, zone: Tz) -> Option<(DateTime<Utc>, Clocks)> {
    match zone.from_local_datetime(&local) {
        chrono::LocalResult::Single(time) => Some((time.to_utc(), Clocks::Ran)),
        chrono::LocalResult::Ambiguous(first, _) => Some((first.to_utc(), Clocks::Repeated)),
        chrono::LocalResult::None => {
            // The longest gap so far was a day: Samoa left the 30th of December 2011 out.
            let before = (1..=25).find_map(|hours| {
                let before = local.checked_sub_signed(TimeDelta::hours(hours))?;
                zone.from_local_datetime(&before).latest()
            })?;
            let time = local.checked_sub_offset(before.offset().fix())?;
            Some((time.and_utc(), Clocks::Skipped))
        }
    }
}

/// Seconds, with fractions or without, or `[h:]mm:ss`. `None` for anything else, and for less than nothing.
pub fn duration(text: &str) -> Option<TimeDelta> {
    let parts: Vec<&str> = text.split(':').collect();
    let (last, whole) = parts.split_last().filter(|(last, whole)| whole.len() <= 2 && !last.starts_with('-'))?;
    let minutes =
        whole.iter().try_fold(0_u32, |sum, part| sum.checked_mul(60)?.checked_add(part.parse::<u32>().ok()?))?;
    let seconds = f64::from(minutes) * 60.0 + last.parse::<f64>().ok()?;
    let fits = (0.0..=DURATION_SECONDS_MAX).contains(&seconds);
    fits.then(|| TimeDelta::milliseconds((seconds * 1000.0).round() as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: Option<&str>, zone: &str, text: &str) -> Option<(String, Clocks)> {
        let zone = zone.parse().ok();
        let (time, clocks) = Times::new(format, zone).unwrap().read(text)?;
        Some((time.format("%FT%T%.fZ").to_string(), clocks))
    }

    /// Found by fuzzing: writing such a format panics.
    #[test]
    fn a_format_that_writes_no_time_is_refused() {
        assert!(Times::new(Some("%d/%m/%Y %H:%M %#z"), None).is_err_and(|text| text.contains("expected %z")));
    }

    fn plain(format: &str, zone: &str, text: &str) -> Option<String> {
        read(Some(format), zone, text).filter(|(_, clocks)| *clocks == Clocks::Ran).map(|(time, _)| time)
    }

    #[test]
    fn times_are_read_as_they_are_written() {
        for (format, zone, text, expected) in [
            ("%d/%m/%Y %H:%M:%S", "Europe/Lisbon", "09/05/2024 11:30:23", "2024-05-09T10:30:23Z"),
            ("%m/%d/%y %I:%M %p", "America/New_York", "11/20/26 09:05 PM", "2026-11-21T02:05:00Z"),
            ("%Y%m%d%H%M%S", "UTC", "20261120210000", "2026-11-20T21:00:00Z"),
            ("%d.%m.%Y", "Europe/Berlin", "20.11.2026", "2026-11-19T23:00:00Z"),
            ("%d/%b/%Y:%H:%M:%S %z", "", "20/Nov/2026:21:00:00 +0100", "2026-11-20T20:00:00Z"),
            ("%s", "Asia/Tokyo", "1795208400", "2026-11-20T21:00:00Z"),
            ("unix_ms", "", "1795208400123", "2026-11-20T21:00:00.123Z"),
        ] {
            assert_eq!(plain(format, zone, text).as_deref(), Some(expected), "{format}");
            assert_eq!(plain(format, zone, &format!("{text}?")), None, "{format}");
        }
    }

    #[test]
    fn without_a_format_times_are_of_iso_8601_and_an_offset_wins_over_the_zone() {
        let iso = |zone, text| read(None, zone, text).map(|(time, _)| time);
        assert_eq!(iso("Europe/Lisbon", "2026-07-01T12:00:00").as_deref(), Some("2026-07-01T11:00:00Z"));
        assert_eq!(iso("Europe/Lisbon", "2026-07-01 12:00:00.5").as_deref(), Some("2026-07-01T11:00:00.500Z"));
        assert_eq!(iso("Europe/Lisbon", "2026-07-01T12:00:00+02:00").as_deref(), Some("2026-07-01T10:00:00Z"));
        assert_eq!(iso("", "2026-07-01T12:00:00"), None);
    }

    #[test]
    fn a_local_time_that_comes_twice_is_the_first_and_one_that_never_comes_goes_on_as_before() {
        let lisbon = |text| read(None, "Europe/Lisbon", text).unwrap();
        assert_eq!(lisbon("2026-10-25T01:30:00"), ("2026-10-25T00:30:00Z".into(), Clocks::Repeated));
        assert_eq!(lisbon("2026-10-25T02:00:00"), ("2026-10-25T02:00:00Z".into(), Clocks::Ran));
        assert_eq!(lisbon("2026-03-29T01:30:00"), ("2026-03-29T01:30:00Z".into(), Clocks::Skipped));
        let samoa = read(None, "Pacific/Apia", "2011-12-30T12:00:00").unwrap();
        assert_eq!(samoa, ("2011-12-30T22:00:00Z".into(), Clocks::Skipped));
    }

    #[test]
    fn a_format_that_does_not_say_enough_is_refused() {
        let refused = |format, zone: &str| Times::new(Some(format), zone.parse().ok()).unwrap_err();
        assert!(refused("%d/%m/%Y %H:%M:%S", "").contains("time_zone"));
        for half in ["%d/%m", "%Y-%m-%d %I:%M", "%H:%M:%S", "soon"] {
            assert!(refused(half, "UTC").contains("leaves a part"), "{half}");
        }
        assert!(refused("%Q", "UTC").contains("no format"));
    }

    #[test]
    fn durations_are_seconds_or_clock_like() {
        let seconds = |text| duration(text).map(|duration| duration.num_milliseconds() as f64 / 1000.0);
        assert_eq!(
            ["261", "0", "1.5", "4:21", "1:04:21", "90:00"].map(seconds),
            [261.0, 0.0, 1.5, 261.0, 3861.0, 5400.0].map(Some)
        );
        for none in ["", "-5", "1:-5", "a", "1:1:1:1", "NaN", "inf", "1e300", ":5", "5:"] {
            assert_eq!(seconds(none), None, "{none}");
        }
    }
}
