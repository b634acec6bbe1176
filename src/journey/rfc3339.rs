//! Times as frames carry them: what chrono writes (RFC 3339 in UTC, fractions only where there are some), in a fraction of the
//! time: a timeline has many.

use chrono::{DateTime, Datelike as _, NaiveDate, Timelike as _, Utc};
use serde::{Serialize as _, Serializer};

/// Nanoseconds and all.
pub const BLANK: [u8; 30] = *b"0000-00-00T00:00:00.000000000Z";

pub fn time<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut text = BLANK;
    match written(time, &mut text).map(str::from_utf8) {
        Some(Ok(text)) => serializer.serialize_str(text),
        _ => time.serialize(serializer),
    }
}

/// Writes over `BLANK`. A leap second, and years of more digits, are left to chrono.
pub fn written<'a>(time: &DateTime<Utc>, text: &'a mut [u8; 30]) -> Option<&'a [u8]> {
    let naive = time.naive_utc();
    let nanos = naive.nanosecond();
    let (Ok(year @ 0..=9999), 0..1_000_000_000) = (u32::try_from(naive.year()), nanos) else { return None };
    digits(&mut text[0..4], year);
    digits(&mut text[5..7], naive.month());
    digits(&mut text[8..10], naive.day());
    digits(&mut text[11..13], naive.hour());
    digits(&mut text[14..16], naive.minute());
    digits(&mut text[17..19], naive.second());
    let end = match nanos {
        0 => 19,
        millis if millis % 1_000_000 == 0 => 23,
        micros if micros % 1_000 == 0 => 26,
        _ => 29,
    };
    if nanos > 0 {
        digits(&mut text[20..29], nanos);
    }
    text[end] = b'Z';
    Some(&text[..=end])
}

/// For fields that are left out where there is none.
pub fn optional<S: Serializer>(at: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => time(at, serializer),
        None => serializer.serialize_none(),
    }
}

pub fn date<S: Serializer>(date: &NaiveDate, serializer: S) -> Result<S::Ok, S::Error> {
    let Ok(year @ 0..=9999) = u32::try_from(date.year()) else { return date.serialize(serializer) };
    let mut text = *b"0000-00-00";
    digits(&mut text[0..4], year);
    digits(&mut text[5..7], date.month());
    digits(&mut text[8..10], date.day());
    serializer.serialize_str(str::from_utf8(&text).unwrap_or_default())
}

fn digits(places: &mut [u8], mut number: u32) {
    for place in places.iter_mut().rev() {
        *place = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value, value::Serializer};

    use super::*;

    #[test]
    fn times_and_dates_are_written_as_chrono_writes_them() {
        let seconds =
            [0, 1_763_461_823, -1, 951_782_400, -62_167_219_200, -62_167_219_201, 253_402_300_799, 253_402_300_800];
        for second in seconds {
            for nanos in [0, 1, 1_000, 120_000, 1_000_000, 123_000_000, 123_456_000, 123_456_789, 1_500_000_000] {
                let Some(at) = DateTime::from_timestamp(second, nanos) else { continue };
                assert_eq!(time(&at, Serializer).unwrap(), to_value(at).unwrap());
                assert_eq!(date(&at.date_naive(), Serializer).unwrap(), to_value(at.date_naive()).unwrap());
            }
        }
        assert_eq!(optional(&None, Serializer).unwrap(), json!(null));
        assert_eq!(optional(&Some(DateTime::UNIX_EPOCH), Serializer).unwrap(), json!("1970-01-01T00:00:00Z"));
    }
}
