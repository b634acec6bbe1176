//! What the targets share: one moment that is now, and what an address must be to be kept.

use std::fmt::Debug;

use backstory::phone;
use chrono::{DateTime, Utc};
use rlibphonenumber::Region;

/// Where numbers without a country code belong.
pub const REGION: Region = Region::US;

/// 2026-11-20 at 21:00. The same in each run: a finding must come again.
pub fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_208_400, 0).unwrap_or_default()
}

/// Of a country code and a number: what libphonenumber takes for possible. E.164 says 15, Germany and others have longer ones.
const DIGITS_MAX: usize = 3 + 17;

/// What must have worked.
#[track_caller]
pub fn good<T, E: Debug>(result: Result<T, E>, what: &str) -> T {
    let error = match result {
        Ok(value) => return value,
        Err(error) => error,
    };
    #[expect(clippy::panic, reason = "a finding is a panic")]
    {
        panic!("{what}: {error:?}")
    }
}

/// E.164, an e-mail address in lower case, or marked as given; and the same when it is read again.
#[track_caller]
pub fn is_kept(address: &str, region: Region) {
    let digits = address.strip_prefix('+').unwrap_or_default();
    let e164 = (2..=DIGITS_MAX).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if address.contains('@') {
        assert_eq!(address.to_lowercase(), address, "an e-mail address that is not in lower case");
    } else if !e164 {
        let number = address.chars().any(char::is_numeric);
        assert!(!number || phone::is_as_given(address), "{address:?} is neither E.164 nor marked as given");
    }
    assert_eq!(phone::address(address, region).as_deref(), Some(address), "read again it is another one");
}
