//! What a key without a value takes back, and how long that is remembered.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::record::{KEY_BYTES_MAX, Refusal, repair, text};

/// So long a removal holds against records that come late; after it, only what is newer can still be on its way.
pub const REMEMBERED: TimeDelta = TimeDelta::days(30);
/// A key may be split between contact and campaign at so many of its slashes: half of them from its beginning, half from its end.
const SPLITS_MAX: usize = 4;

/// Takes back what a key names. It holds against records whose `updatedAt` is not later than `at`, whenever they come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// What the key may name: the text as it stands, and the id within it.
    pub keys: Vec<String>,
    /// When. `None`: whatever is there goes, and nothing is remembered.
    pub at: Option<RemovedAt>,
}

/// The own time of the record that removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemovedAt {
    pub at: DateTime<Utc>,
    /// What came before it goes, too, where its source stamped it up to so much later.
    pub ahead_max: TimeDelta,
}

/// What a removal does to one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// What is kept goes.
    pub goes: bool,
    /// Up to when it holds against what comes late; `None`: it is remembered already, or not at all.
    pub remember: Option<DateTime<Utc>>,
    /// It came before.
    pub is_repeated: bool,
}

impl Removal {
    pub fn of(key: impl Into<String>) -> Self {
        Self { keys: vec![key.into()], at: None }
    }

    /// Reads the key of a tombstone. Placeholders such as `null` are taken as they stand, so that what was once kept under them
    /// can be removed.
    pub fn read(key: Option<&[u8]>, id_field: &str, at: Option<RemovedAt>) -> Result<Self, Refusal> {
        let key = key.filter(|key| !key.is_empty()).ok_or(Refusal::NoValue)?;
        if key.len() > KEY_BYTES_MAX {
            return Err(Refusal::TooLong("key", KEY_BYTES_MAX));
        }
        let text = |key| str::from_utf8(key).map_err(|_| Refusal::WrongType("key"));
        let key = repair::bare(without_schema_number(key));
        let mut keys = vec![text(key)?.to_owned()];
        keys.extend(within(&keys[0], id_field));
        if keys.iter().any(|key| text::without_padding(key).contains('\0')) {
            return Err(Refusal::Nul("key"));
        }
        // As ids are kept, too.
        keys.extend(keys.iter().map(|key| text::bare(key).into_owned()).collect::<Vec<_>>());
        keys.retain(|key| !key.is_empty() && !key.contains('\0'));
        if keys.is_empty() {
            return Err(Refusal::NoValue);
        }
        keys.sort();
        keys.dedup();
        Ok(Self { keys, at })
    }

    /// The listings that the keys may name: contact id and campaign id; the latter is empty for the contact itself.
    pub fn listings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.keys.iter().flat_map(|key| std::iter::once((key.as_str(), "")).chain(splits(key)))
    }

    /// `kept`: when what is kept was last changed; `remembered`: up to when an earlier removal holds.
    pub fn judge(&self, kept: Option<DateTime<Utc>>, remembered: Option<DateTime<Utc>>) -> Verdict {
        let Some(RemovedAt { at, ahead_max }) = self.at else {
            return Verdict { goes: kept.is_some(), remember: None, is_repeated: false };
        };
        let is_repeated = remembered.is_some_and(|remembered| at <= remembered);
        // A repeated removal finds nothing but what came after it.
        let until = if is_repeated { at } else { at + ahead_max };
        let goes = kept.is_some_and(|kept| kept <= until);
        let holds_until = kept.filter(|_| goes).map_or(at, |kept| kept.max(at));
        let remember = Some(holds_until).filter(|until| remembered.is_none_or(|remembered| remembered < *until));
        Verdict { goes, remember, is_repeated }
    }
}

/// The key in one that is JSON: a text in quotes, the payload of Connect's envelope, or an object with the id's field, and for a listing
/// with its campaign's. An object that says more may name something else, and names nothing here.
fn within(key: &str, id_field: &str) -> Option<String> {
    if !key.trim_start().starts_with(['"', '{']) {
        return None;
    }
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    };
    let json: Value = serde_json::from_str(key).ok()?;
    let payload = json.get("payload").unwrap_or(&json);
    let Value::Object(fields) = payload else { return text(payload) };
    let mut campaign_id = None;
    for (name, value) in fields {
        match name.as_str() {
            _ if name == id_field => {}
            "campaignId" | "campaign_id" => campaign_id = Some(text(value)?),
            "campaign" => campaign_id = Some(value.get("id").and_then(text).or_else(|| text(value))?),
            _ => return None,
        }
    }
    let id = fields.get(id_field).and_then(text)?;
    Some(campaign_id.map_or_else(|| id.clone(), |campaign_id| format!("{id}/{campaign_id}")))
}

/// Either part may hold slashes of its own.
fn splits(key: &str) -> impl Iterator<Item = (&str, &str)> {
    let slashes = || key.match_indices('/').map(|(at, _)| at);
    let first: Vec<usize> = slashes().take(SPLITS_MAX / 2).collect();
    let beyond = first.last().copied();
    let last = key.rmatch_indices('/').map(|(at, _)| at).take(SPLITS_MAX / 2);
    let last = last.filter(move |at| beyond.is_some_and(|beyond| *at > beyond)).collect::<Vec<_>>();
    first.into_iter().chain(last).map(|at| (&key[..at], &key[at + 1..]))
}

/// Whether a value is none, in any of the ways that clients send "no value".
pub fn is_no_value(value: Option<&[u8]>) -> bool {
    let Some(value) = value else { return true };
    let value = repair::bare(without_schema_number(value)).trim_ascii();
    match value {
        b"" | b"null" | b"\"\"" => true,
        envelope => is_empty_envelope(envelope),
    }
}

/// A schema registry's serializers put a zero and the schema's number before what they write.
fn without_schema_number(bytes: &[u8]) -> &[u8] {
    if bytes.len() >= 5 && bytes[0] == 0 { &bytes[5..] } else { bytes }
}

/// Connect's `{"schema":…,"payload":null}`, however long its schema is.
fn is_empty_envelope(value: &[u8]) -> bool {
    // Cheap for the many that are none.
    let Some(fields) = value.strip_prefix(b"{").map(<[u8]>::trim_ascii_start) else { return false };
    if !(fields.starts_with(b"\"schema\"") || fields.starts_with(b"\"payload\"")) {
        return false;
    }
    let Ok(Value::Object(fields)) = serde_json::from_slice(value) else { return false };
    let of_envelope = |name: &String| ["payload", "schema", "headers"].contains(&name.as_str());
    fields.get("payload") == Some(&Value::Null) && fields.keys().all(of_envelope)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(key: &str) -> Vec<String> {
        Removal::read(Some(key.as_bytes()), "contactId", None).unwrap().keys
    }

    #[test]
    fn a_key_names_its_text_and_the_id_within() {
        assert_eq!(keys("p-1"), ["p-1"]);
        assert_eq!(keys("p-1 \0"), ["p-1", "p-1 "]);
        assert_eq!(keys("p-1  "), ["p-1", "p-1  "]);
        assert_eq!(keys("NULL"), ["NULL"], "placeholders stand for themselves");
        assert_eq!(keys(r#""k2-1""#), [r#""k2-1""#, "k2-1"]);
        for json in
            [r#"{"contactId":"p-1"}"#, r#"{"schema":{"type":"string"},"payload":"p-1"}"#, r#"{"contactId":"p-1 "}"#]
        {
            assert!(keys(json).contains(&"p-1".to_owned()), "{json}");
        }
        assert!(keys(r#"{"schema":{},"payload":{"contactId":17}}"#).contains(&"17".to_owned()));
        for listing in [r#"{"contactId":"p","campaignId":"td"}"#, r#"{"campaign":{"id":"td"},"contactId":"p"}"#] {
            let keys = keys(listing);
            assert!(keys.contains(&"p/td".to_owned()) && !keys.contains(&"p".to_owned()), "{keys:?}");
        }
        assert_eq!(keys(r#"{"contactId":"p","tenant":"t"}"#).len(), 1, "it may be another tenant's");
        assert_eq!(keys("\0\0\0\0\u{7}p-1"), ["p-1"], "behind the number of a schema");
    }

    #[test]
    fn a_key_is_bounded_and_says_something() {
        let read = |key: &[u8]| Removal::read(Some(key), "contactId", None).map(|removal| removal.keys);
        assert_eq!(read(&[b'/'; 1101]), Err(Refusal::TooLong("key", 1100)));
        assert!(read(&[b'/'; 1100]).is_ok());
        assert_eq!((read(b""), read(b"\0\0")), (Err(Refusal::NoValue), Err(Refusal::NoValue)));
        assert_eq!(read(b"a\0b"), Err(Refusal::Nul("key")));
        assert_eq!(read(b"\xff"), Err(Refusal::WrongType("key")));
        assert_eq!(read(b" "), Ok(vec![" ".to_owned()]));
    }

    #[test]
    fn a_contact_and_a_campaign_may_have_slashes_of_their_own() {
        let listings = |key: &str| {
            let removal = Removal::of(key);
            removal.listings().map(|(contact, campaign)| format!("{contact}|{campaign}")).collect::<Vec<_>>()
        };
        assert_eq!(listings("p-1"), ["p-1|"]);
        assert_eq!(listings("p-1/td"), ["p-1/td|", "p-1|td"]);
        assert_eq!(listings("a/b/c"), ["a/b/c|", "a|b/c", "a/b|c"]);
        assert_eq!(listings("a/b/c/d/e/f").len(), 5, "four splits at most");
        assert_eq!(listings("a/b/c/d/e/f")[3..], ["a/b/c/d/e|f", "a/b/c/d|e/f"]);
        assert_eq!(listings(&"/".repeat(1100)).len(), 5);
    }

    #[test]
    fn a_removal_holds_against_what_is_not_newer_and_once_against_what_is_stamped_ahead() {
        let second = |second| Some(DateTime::from_timestamp(second, 0).unwrap());
        let at = second(1000).map(|at| RemovedAt { at, ahead_max: TimeDelta::seconds(300) });
        let removal = Removal { keys: Vec::new(), at };
        let judge = |kept, remembered| {
            let Verdict { goes, remember, is_repeated } = removal.judge(kept, remembered);
            (goes, remember, is_repeated)
        };
        assert_eq!(judge(second(1000), None), (true, second(1000), false));
        assert_eq!(judge(None, None), (false, second(1000), false), "it may come late");
        assert_eq!(judge(second(1300), None), (true, second(1300), false), "stamped ahead");
        assert_eq!(judge(second(1301), None), (false, second(1000), false));
        assert_eq!(judge(second(1001), second(1000)), (false, None, true), "kept anew since");
        assert_eq!(judge(second(900), second(2000)), (true, None, true));
    }

    #[test]
    fn every_way_of_sending_nothing_is_no_value() {
        let long = format!(r#"{{"schema":{{"fields":"{}"}},"payload":null}}"#, "x".repeat(5000));
        let nothing: [Option<&[u8]>; 13] = [
            Some(long.as_bytes()),
            Some(b"\xef\xbb\xbfnull\0"),
            Some(br#"{"schema":null,"payload":null,"headers":{}}"#),
            None,
            Some(b""),
            Some(b" \n"),
            Some(b"null"),
            Some(b" null\n"),
            Some(b"\"\""),
            Some(b"\0\0\0\0\x07"),
            Some(b"\0\0\0\0\x07null"),
            Some(b"\0"),
            Some(br#"{"schema":null,"payload":null}"#),
        ];
        for value in nothing {
            assert!(is_no_value(value), "{value:?}");
        }
        for value in ["{}", "[]", "0", "false", "\"null\"", r#"{"payload":null,"contactId":"p"}"#, r#"{"payload":{}}"#]
        {
            assert!(!is_no_value(Some(value.as_bytes())), "{value}");
        }
    }
}
