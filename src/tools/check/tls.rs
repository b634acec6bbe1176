//! Checks of the TLS files: whether they can be used, whom they are for, and how long.

use chrono::{DateTime, TimeDelta, Utc};

use super::Finding;
use crate::config::TlsSettings;
use crate::tls::{About, Served};

/// Enough to order, sign and roll out another one.
const SOON: TimeDelta = TimeDelta::days(21);
const CHECK: &str = "http.tls";

/// Nothing where no TLS is set.
pub fn check(settings: &TlsSettings, now: DateTime<Utc>) -> Option<Finding> {
    let files = settings.files()?;
    Some(match Served::from(&files) {
        Ok(served) => of(&served.about, files.client_ca.is_some(), now),
        Err(error) => {
            Finding::fail(CHECK, format!("{error:#}"), "mend the files; a running service keeps the old ones")
        }
    })
}

fn of(About { names, ends_at }: &About, asks_clients: bool, now: DateTime<Utc>) -> Finding {
    let ends_at = DateTime::from_timestamp(*ends_at, 0).unwrap_or_default();
    let names = if names.is_empty() { "no name".into() } else { names.join(", ") };
    let clients = if asks_clients { "; clients must show certificates" } else { "" };
    let text =
        format!("the certificate is for {names}, and expires on {}{clients}", ends_at.format("%Y-%m-%d %H:%M UTC"));
    let renew = "put a new one in its place: it is read without a restart";
    match ends_at - now {
        left if left <= TimeDelta::zero() => Finding::fail(CHECK, text.replace("expires", "expired"), renew),
        left if left < SOON => Finding::warn(CHECK, text, renew),
        _ => Finding::ok(CHECK, text),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_certificate_is_named_with_its_end_and_warned_of_before() {
        let about = About { names: vec!["a.example".into(), "192.0.2.1".into()], ends_at: 1_800_000_000 };
        let at = |days: i64| of(&about, false, DateTime::from_timestamp(1_800_000_000 - days * 86_400, 0).unwrap());
        assert_eq!(at(90).state, State::Ok);
        assert_eq!(at(90).text, "the certificate is for a.example, 192.0.2.1, and expires on 2027-01-15 08:00 UTC");
        assert_eq!((at(20).state, at(0).state), (State::Warn, State::Fail));
    }
}
