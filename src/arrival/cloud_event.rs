//! The Kafka binding of CloudEvents 1.0, structured and binary: takes the call out of the envelope.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::record::{Refusal, is_object};

/// The data, and the envelope's time where it has one.
type Unwrapped<'a> = (Cow<'a, [u8]>, Option<DateTime<Utc>>);

/// A record in structured mode: the value is the envelope.
#[derive(Deserialize)]
struct Envelope<'a> {
    specversion: String,
    #[serde(default)]
    datacontenttype: Option<String>,
    #[serde(default)]
    time: Option<DateTime<Utc>>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

/// A record that is no CloudEvent is its own data.
pub fn unwrap<'a>(value: &'a [u8], headers: &[(String, Vec<u8>)]) -> Result<Unwrapped<'a>, Refusal> {
    let header = |name: &str| {
        let found = headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.and_then(|(_, value)| std::str::from_utf8(value).ok())
    };
    let content_type = header("content-type").map(str::to_ascii_lowercase).unwrap_or_default();
    if content_type.starts_with("application/cloudevents") {
        return structured(value, &content_type);
    }
    if ["ce_specversion", "ce_type", "ce_source", "ce_id"].iter().all(|name| header(name).is_some()) {
        require(header("ce_specversion") == Some("1.0") && (content_type.is_empty() || is_json(&content_type)))?;
        let time = header("ce_time").map(|time| time.parse().map_err(|_| Refusal::BadTime("ce_time"))).transpose()?;
        return Ok((Cow::Borrowed(value), time));
    }
    Ok((Cow::Borrowed(value), None))
}

fn structured<'a>(value: &'a [u8], content_type: &str) -> Result<Unwrapped<'a>, Refusal> {
    // `application/cloudevents-batch` and other formats than JSON are none that Kafka's binding has for us.
    require(is_json(content_type) && !content_type.contains("-batch"))?;
    let envelope: Envelope<'a> = serde_json::from_slice(value)
        .map_err(|error| if error.is_data() { Refusal::BadCloudEvent } else { Refusal::NotJson })?;
    require(
        is_object(value) && envelope.specversion == "1.0" && envelope.datacontenttype.as_deref().is_none_or(is_json),
    )?;
    let data = envelope.data.ok_or(Refusal::Missing("data"))?;
    Ok((Cow::Borrowed(data.get().as_bytes()), envelope.time))
}

fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type.ends_with("/json") || media_type.ends_with("+json")
}

fn require(condition: bool) -> Result<(), Refusal> {
    if condition { Ok(()) } else { Err(Refusal::BadCloudEvent) }
}
