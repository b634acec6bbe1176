//! What a record must be before anybody reads it, and the reasons for which one is set aside.
//!
//! A reason names the field, never its value: values are people's numbers and names.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Why a record cannot be used. Counted by [`Refusal::name`], set aside, and never in the way of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the record has a key and no value")]
    NoValue,
    #[error("the record is larger than kafka.record_bytes_max")]
    TooLarge,
    #[error("the value is not JSON")]
    NotJson,
    #[error("the value is not a JSON object")]
    NotObject,
    #[error("the field {0} is missing")]
    Missing(&'static str),
    #[error("the field {0} has the wrong type or an unknown value")]
    WrongType(&'static str),
    #[error("the field {0} is not a time with a zone (RFC 3339, such as 2026-11-20T21:00:00Z)")]
    BadTime(&'static str),
    #[error("the field {0} is not the IANA name of a time zone (such as America/New_York)")]
    UnknownTimeZone(&'static str),
    #[error("the field {0} is empty")]
    Empty(&'static str),
    #[error("the field {0} is longer than {1} bytes")]
    TooLong(&'static str, usize),
    #[error("the time is further ahead than calls.future_max")]
    FromFuture,
    #[error("the CloudEvent is not of version 1.0 with JSON data")]
    BadCloudEvent,
    #[error("the address is empty, anonymous or an extension")]
    NoAddress,
    #[error("the value does not have the shape of this kind of record")]
    BadShape,
}

impl Refusal {
    /// For metrics: one of a closed set.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoValue => "no_value",
            Self::TooLarge => "too_large",
            Self::NotJson => "not_json",
            Self::NotObject => "not_object",
            Self::Missing(_) => "missing_field",
            Self::WrongType(_) => "wrong_type",
            Self::BadTime(_) => "bad_time",
            Self::UnknownTimeZone(_) => "unknown_time_zone",
            Self::Empty(_) => "empty_field",
            Self::TooLong(..) => "field_too_long",
            Self::FromFuture => "from_future",
            Self::BadCloudEvent => "bad_cloud_event",
            Self::NoAddress => "no_address",
            Self::BadShape => "bad_shape",
        }
    }
}

/// What a field of a record must hold, for naming the one that does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    Text,
    Time,
    Number,
    Object,
    List,
    OneOf(&'static [&'static str]),
}

/// A field, what it holds, and whether it must be there. Names are dotted for fields of fields.
pub type Field = (&'static str, Holds, bool);

/// Ids and labels longer than this are no ids and labels.
pub const TEXT_BYTES_MAX: usize = 512;

/// Reads a value typed; only where that fails is it read again to find the field that is wrong.
pub fn read<T: DeserializeOwned>(value: &[u8], fields: &[Field]) -> Result<T, Refusal> {
    let read = if is_object(value) { serde_json::from_slice(value).ok() } else { None };
    read.ok_or_else(|| what_is_wrong(value, fields))
}

/// Whether what is JSON is an object. What is typed must be: serde takes a list for one whose fields have lost their names.
pub fn is_object(json: &[u8]) -> bool {
    json.trim_ascii_start().starts_with(b"{")
}

fn what_is_wrong(value: &[u8], fields: &[Field]) -> Refusal {
    let Ok(json) = serde_json::from_slice::<Value>(value) else { return Refusal::NotJson };
    if !json.is_object() {
        return Refusal::NotObject;
    }
    for &(name, holds, required) in fields {
        match at(&json, name) {
            None | Some(Value::Null) if required => return Refusal::Missing(name),
            None | Some(Value::Null) => {}
            Some(found) if fits(found, holds) => {}
            Some(Value::String(_)) if holds == Holds::Time => return Refusal::BadTime(name),
            Some(_) => return Refusal::WrongType(name),
        }
    }
    Refusal::BadShape
}

fn at<'a>(json: &'a Value, name: &str) -> Option<&'a Value> {
    name.split('.').try_fold(json, |value, part| value.get(part))
}

fn fits(value: &Value, holds: Holds) -> bool {
    match holds {
        Holds::Text => value.is_string(),
        Holds::Time => value.as_str().is_some_and(|text| text.parse::<chrono::DateTime<chrono::Utc>>().is_ok()),
        Holds::Number => value.is_number(),
        Holds::Object => value.is_object(),
        Holds::List => value.is_array(),
        Holds::OneOf(names) => value.as_str().is_some_and(|text| names.contains(&text)),
    }
}

/// An id that must say something, and not too much.
pub fn require_text(name: &'static str, text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::Empty(name));
    }
    limit_text(name, text, TEXT_BYTES_MAX)
}

pub fn limit_text(name: &'static str, text: &str, bytes_max: usize) -> Result<(), Refusal> {
    if text.len() > bytes_max { Err(Refusal::TooLong(name, bytes_max)) } else { Ok(()) }
}
