//! Every kind of odd record, on every topic: what is published, and what must become of it.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::records::{Becomes, Record, Topic};
use crate::harness::rejecting::{BREAKS_THE_CHECK, marked};
use crate::harness::{BEN, call, contact, days_ago, interaction};

/// One of each kind; the argument makes it unique.
pub const KINDS: &[fn(usize) -> Record] = &[
    // Kept with a mark: an odd text, or no id where none has to be.
    |nth| interaction_with(nth, "comments", json!("Call\0back")),
    |nth| interaction_with(nth, "comments", json!("Ж".repeat(40_000))),
    |nth| interaction_with(nth, "outcome", json!({ "code": "NI", "label": "l".repeat(100_000) })),
    |nth| interaction_with(nth, "contactId", json!("")),
    |nth| interaction_with(nth, "contactId", json!(" ")),
    |nth| interaction_with(nth, "contactId", json!("NULL")),
    |nth| contact_with(nth, "mergedInto", json!("")),
    |nth| contact_with(nth, "name", json!("An\0a")),
    |nth| contact_with(nth, "addresses", (0..ADDRESSES).map(|n| json!({ "address": address(nth, n) })).collect()),
    // Interactions that cannot be kept.
    |nth| interaction_with(nth, "interactionId", json!("a\0b")).set_aside("nul_in_field"),
    |nth| interaction_with(nth, "interactionId", json!("i".repeat(600))).set_aside("field_too_long"),
    |nth| interaction_with(nth, "startedAt", json!(in_two_days())).set_aside("from_future"),
    |nth| interaction_with(nth, "startedAt", json!("1979-12-31T23:59:59Z")).set_aside("time_out_of_range"),
    |nth| interaction_with(nth, "startedAt", json!("2026-01-31T09:30:00")).set_aside("bad_time"),
    |nth| interaction_with(nth, "address", Value::Null).set_aside("missing_field"),
    |nth| interaction_with(nth, "channel", json!(7)).set_aside("wrong_type"),
    |nth| interaction_with(nth, "comments", json!("x".repeat(1_100_000))).set_aside("too_large"),
    |nth| text(Topic::Interactions, nth, "{\"interactionId\":").set_aside("not_json"),
    |nth| text(Topic::Interactions, nth, "[]").set_aside("not_object"),
    // Contacts that cannot be kept.
    |nth| contact_with(nth, "contactId", json!("null")).set_aside("no_id"),
    |nth| contact_with(nth, "mergedInto", json!("m".repeat(4096))).set_aside("field_too_long"),
    |nth| contact_with(nth, "campaign", json!({ "id": "c".repeat(4096) })).set_aside("field_too_long"),
    // Keys without a value.
    |_| removal(Topic::Interactions, &[b'/'; 900_000]).set_aside("field_too_long"),
    |_| removal(Topic::Interactions, &[b'k'; 1101]).set_aside("field_too_long"),
    |_| removal(Topic::Interactions, b"a\0b").set_aside("nul_in_field"),
    |_| removal(Topic::Interactions, b"\xff\xfe").set_aside("wrong_type"),
    |nth| removal(Topic::Interactions, id(nth).as_bytes()),
    |_| removal(Topic::Contacts, &[b'/'; 900_000]).set_aside("field_too_long"),
    |_| removal(Topic::Contacts, &[b'k'; 1101]).set_aside("field_too_long"),
    |_| removal(Topic::Contacts, b"a\0b").set_aside("nul_in_field"),
    |_| removal(Topic::Contacts, b"\xff\xfe").set_aside("wrong_type"),
    |nth| removal(Topic::Contacts, id(nth).as_bytes()),
    // What the store rejects.
    |nth| interaction_with(nth, "comments", json!(marked("22023"))).rejected("22023"),
    |nth| interaction_with(nth, "comments", json!(marked("23514"))).rejected("23514"),
    |nth| interaction_with(nth, "comments", json!(marked("54000"))).rejected("54000"),
    |nth| interaction_with(nth, "comments", json!(BREAKS_THE_CHECK)).rejected("23514"),
    |nth| contact_with(nth, "name", json!(marked("22023"))).rejected("22023"),
    |nth| contact_with(nth, "name", json!(marked("23514"))).rejected("23514"),
    |nth| contact_with(nth, "name", json!(marked("54000"))).rejected("54000"),
    // Erasures.
    |nth| erasure_of(nth, &json!(["a\0b"])).set_aside("missing_field"),
    |nth| erasure_of(nth, &json!([])).set_aside("missing_field"),
    |nth| text(Topic::Erasures, nth, "erase").set_aside("not_json"),
    |nth| removal(Topic::Erasures, id(nth).as_bytes()).set_aside("no_value"),
    // Calls.
    |nth| call_with(nth, "callId", json!("a\0b")).set_aside("nul_in_field"),
    |nth| call_with(nth, "state", Value::Null).set_aside("missing_field"),
    |nth| call_with(nth, "at", json!(in_two_days())).set_aside("from_future"),
    |nth| text(Topic::Calls, nth, "offered").set_aside("not_json"),
    |nth| removal(Topic::Calls, id(nth).as_bytes()).set_aside("no_value"),
];

/// More than are kept of one contact.
const ADDRESSES: usize = 150;

fn id(nth: usize) -> String {
    format!("odd-{nth}")
}

/// One of the numbers that only this record has.
fn address(nth: usize, n: usize) -> String {
    format!("+1305{:07}", 2_000_000 + ADDRESSES * nth + n)
}

fn in_two_days() -> DateTime<Utc> {
    Utc::now() + TimeDelta::days(2)
}

fn interaction_with(nth: usize, field: &str, value: Value) -> Record {
    let (id, address) = (id(nth), address(nth, 0));
    let one = interaction(&id).on(&address).started(days_ago(2)).with(field, value);
    Record::new(Topic::Interactions, &id, one.json()).becomes(Becomes::Interaction { id, address })
}

fn contact_with(nth: usize, field: &str, value: Value) -> Record {
    let (id, address) = (id(nth), address(nth, 0));
    let mut one = contact(&id).has("mobile", &address).json().clone();
    one[field] = value;
    Record::new(Topic::Contacts, &id, &one).becomes(Becomes::Listing { id, address })
}

fn text(topic: Topic, nth: usize, text: &str) -> Record {
    Record { topic, key: id(nth).into(), value: Some(text.into()), becomes: Becomes::Nothing }
}

fn removal(topic: Topic, key: &[u8]) -> Record {
    Record { topic, key: key.into(), value: None, becomes: Becomes::Unmatched }
}

fn erasure_of(nth: usize, contact_ids: &Value) -> Record {
    let value = json!({ "erasureId": id(nth), "contactIds": contact_ids, "erasedAt": Utc::now() });
    Record::new(Topic::Erasures, &id(nth), &value)
}

fn call_with(nth: usize, field: &str, value: Value) -> Record {
    let event = call(&id(nth)).to("nobody").number(BEN).with(field, value).event("offered");
    Record::new(Topic::Calls, &id(nth), &event)
}
