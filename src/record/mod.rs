//! What a record must be before anybody reads it, what of it may be stored, and the reasons for which one is set aside.
//!
//! A reason names the field, never its value: values are people's numbers and names.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde_json::Value;
use smol_str::{SmolStr, ToSmolStr as _};

mod marks;
pub mod repair;
pub mod text;
pub mod times;

pub use marks::{Mark, Marks};
pub use text::{ID_BYTES_MAX, KEY_BYTES_MAX};
pub use times::Times;

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
    #[error("the time in the field {0} is not between 1980 and 2099")]
    TimeOutOfRange(&'static str),
    #[error("the time in the field {0} is more than a day later than the record")]
    AfterItsRecord(&'static str),
    #[error("the field {0} is empty")]
    Empty(&'static str),
    #[error("the field {0} is a placeholder such as null, and no id")]
    NoId(&'static str),
    #[error("the field {0} is longer than {1} bytes")]
    TooLong(&'static str, usize),
    #[error("the field {0} has a NUL character within")]
    Nul(&'static str),
    #[error("reading it panicked: this is a bug of backstory's, please report it")]
    Panicked,
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
            Self::TimeOutOfRange(_) => "time_out_of_range",
            Self::AfterItsRecord(_) | Self::FromFuture => "from_future",
            Self::Empty(_) => "empty_field",
            Self::NoId(_) => "no_id",
            Self::TooLong(..) => "field_too_long",
            Self::BadCloudEvent => "bad_cloud_event",
            Self::NoAddress => "no_address",
            Self::BadShape => "bad_shape",
            Self::Nul(_) => "nul_in_field",
            Self::Panicked => "panicked",
        }
    }

    /// The field that is wrong, where it is one.
    pub fn field(self) -> Option<&'static str> {
        match self {
            Self::Missing(field)
            | Self::WrongType(field)
            | Self::BadTime(field)
            | Self::TimeOutOfRange(field)
            | Self::AfterItsRecord(field)
            | Self::Empty(field)
            | Self::NoId(field)
            | Self::TooLong(field, _)
            | Self::Nul(field) => Some(field),
            Self::NoAddress => Some("address"),
            Self::FromFuture => Some("at"),
            Self::NoValue
            | Self::TooLarge
            | Self::NotJson
            | Self::NotObject
            | Self::BadCloudEvent
            | Self::BadShape
            | Self::Panicked => None,
        }
    }
}

/// What a field of a record must hold, for naming the one that does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    Text,
    /// Text, or a whole number, which is its digits.
    Id,
    Time,
    Number,
    Truth,
    Object,
    List,
    OneOf(&'static [&'static str]),
}

/// A field, what it holds, and whether it must be there. Names are dotted for fields of fields.
pub type Field = (&'static str, Holds, bool);

/// Reads a value typed; only where that fails is it looked at again, for what can be repaired and for the field that is wrong.
pub fn read<T: DeserializeOwned>(value: &[u8], fields: &[Field], marks: &mut Marks) -> Result<T, Refusal> {
    let value = repair::bare(value);
    let typed = |value: &[u8]| if is_object(value) { serde_json::from_slice(value).ok() } else { None };
    if let Some(read) = typed(value) {
        return Ok(read);
    }
    let Some(repaired) = repair::halves_replaced(value) else { return read_untyped(value, fields) };
    let read = typed(&repaired).map_or_else(|| read_untyped(&repaired, fields), Ok)?;
    marks.set(Mark::HalfCharacters);
    Ok(read)
}

/// Of a field that is there twice the last one holds, as in most languages.
fn read_untyped<T: DeserializeOwned>(value: &[u8], fields: &[Field]) -> Result<T, Refusal> {
    let json = serde_json::from_slice::<Value>(value).ok().filter(Value::is_object);
    json.and_then(|json| serde_json::from_value(json).ok()).ok_or_else(|| what_is_wrong(value, fields))
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
        Holds::Id => value.is_string() || value.is_i64() || value.is_u64(),
        Holds::Time => value.as_str().is_some_and(|text| text.parse::<chrono::DateTime<chrono::Utc>>().is_ok()),
        Holds::Number => value.is_number(),
        Holds::Truth => value.is_boolean(),
        Holds::Object => value.is_object(),
        Holds::List => value.is_array(),
        Holds::OneOf(names) => value.as_str().is_some_and(|text| names.contains(&text)),
    }
}

/// Where an id belongs, a whole number is its digits. Of a larger number some are lost: it is refused.
pub fn id<'de, T: text::Text, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(Id).map(|id| id.as_str().into())
}

/// As above, where the field may be absent or null.
pub fn optional_id<'de, T: text::Text, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_option(OptionalId).map(|id| id.map(|id| id.as_str().into()))
}

/// As above, a list of them; gaps in it are none.
pub fn ids<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    struct One(#[serde(deserialize_with = "id")] String);
    let ids = Option::<Vec<Option<One>>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(ids.into_iter().flatten().map(|one| one.0).collect())
}

struct Id;

impl Visitor<'_> for Id {
    type Value = SmolStr;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id")
    }

    fn visit_str<E>(self, text: &str) -> Result<SmolStr, E> {
        Ok(text.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<SmolStr, E> {
        Ok(number.to_smolstr())
    }

    fn visit_i64<E>(self, number: i64) -> Result<SmolStr, E> {
        Ok(number.to_smolstr())
    }
}

struct OptionalId;

impl<'de> Visitor<'de> for OptionalId {
    type Value = Option<SmolStr>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id or null")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(Id).map(Some)
    }
}
