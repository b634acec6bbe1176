//! Call events, bare or in a CloudEvent of either mode: what decodes is bounded, and decodes the same once it was encoded.
//!
//! An input is a record: lines `name: value` with its headers, an empty line, its value; or, where it begins with `{`, its
//! value alone.
#![no_main]

use backstory::arrival::{CallEvent, Limits, decode};
use backstory::kafka::Record;
use backstory::record::{ID_BYTES_MAX, Refusal};
use backstory_fuzz::{good, now};
use chrono::TimeDelta;
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits { record_bytes_max: 4096, future_max: TimeDelta::minutes(5) };

fuzz_target!(|data: &[u8]| {
    let record = record(data);
    let heard = match decode(&record, LIMITS, now()) {
        Ok(heard) => heard,
        Err(refusal) => return is_about_the_record(refusal, &record),
    };
    let CallEvent { call_id, agent_id, from, to, .. } = &heard.event;
    for text in [Some(call_id.as_str()), Some(agent_id), from.as_deref(), to.as_deref()].into_iter().flatten() {
        assert!(text.len() <= ID_BYTES_MAX, "a text of {} bytes got through", text.len());
    }
    assert!(!call_id.trim().is_empty() && !agent_id.trim().is_empty(), "an id that says nothing got through");
    assert!(heard.at <= now() + LIMITS.future_max, "an event from the future got through");
    assert_eq!(heard.state, heard.event.state);

    // A state that this version does not know is written as `null`, which is none.
    if heard.state.is_some() {
        let written = good(serde_json::to_vec(&heard.event), "it cannot be written");
        let plain = Record { headers: Vec::new(), value: Some(written), ..record };
        let limits = Limits { record_bytes_max: usize::MAX, ..LIMITS };
        let again = good(decode(&Record { time: Some(heard.at), ..plain }, limits, now()), "it cannot be read again");
        assert_eq!((again.event, again.at), (heard.event, heard.at));
    }
});

fn record(data: &[u8]) -> Record {
    let mut headers = Vec::new();
    let mut rest = data;
    while !rest.starts_with(b"{") {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let line = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { break };
        let name = String::from_utf8_lossy(&line[..colon]).into_owned();
        headers.push((name, line[colon + 1..].trim_ascii().to_vec()));
    }
    Record { headers, ..Record::of(rest.to_vec(), now()) }
}

/// It names fields, and nothing that a record holds.
fn is_about_the_record(refusal: Refusal, record: &Record) {
    let value = record.value.as_deref().unwrap_or_default();
    assert_eq!(refusal == Refusal::TooLarge, value.len() > LIMITS.record_bytes_max);
    assert!(refusal.to_string().len() < 100 && !refusal.name().is_empty());
}
