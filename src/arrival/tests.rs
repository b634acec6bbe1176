//! What is heard in a record, and why one is refused.

use chrono::{TimeDelta, TimeZone as _};
use serde_json::{Value, json};

use super::*;

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, 21, 0, 10).unwrap()
}

fn limits() -> Limits {
    Limits { record_bytes_max: 1024, future_max: TimeDelta::minutes(5) }
}

fn record(value: impl Into<Vec<u8>>) -> Record {
    Record { offset: 7, ..Record::of(value.into(), now() - TimeDelta::seconds(1)) }
}

fn offered() -> Value {
    json!({"callId": "c-1", "state": "offered", "agentId": "ana", "direction": "outbound", "from": "+12125550100",
           "to": "+12015550142", "campaign": {"id": "td-2026"}, "parentCallId": null, "at": "2026-11-20T21:00:00Z"})
}

fn with(field: &str, value: Value) -> Value {
    let mut call = offered();
    call[field] = value;
    call
}

fn refusal_of(value: &Value) -> Refusal {
    decode(&record(value.to_string()), limits(), now()).unwrap_err()
}

#[test]
fn s02_the_customer_is_the_caller_of_an_inbound_call_and_the_dialled_number_of_the_others() {
    for (direction, customer) in
        [("inbound", "+12125550100"), ("outbound", "+12015550142"), ("manual_outbound", "+12015550142")]
    {
        let heard = decode(&record(with("direction", json!(direction)).to_string()), limits(), now()).unwrap();
        assert_eq!(heard.event.customer(), Some(customer), "{direction}");
    }
}

#[test]
fn an_unknown_state_is_data_and_an_unknown_field_is_ignored() {
    let mut call = with("state", json!("parked"));
    call["music"] = json!("Vivaldi");
    assert_eq!(decode(&record(call.to_string()), limits(), now()).unwrap().state, None);
}

#[test]
fn every_unusable_record_has_a_reason_that_names_the_field_and_not_its_value() {
    let without = |field: &str| {
        let mut call = offered();
        call.as_object_mut().unwrap().remove(field);
        call
    };
    assert_eq!(refusal_of(&without("callId")), Refusal::Missing("callId"));
    assert_eq!(refusal_of(&without("agentId")), Refusal::Missing("agentId"));
    assert_eq!(refusal_of(&with("agentId", json!("  "))), Refusal::Empty("agentId"));
    assert_eq!(refusal_of(&with("agentId", json!(7.5))), Refusal::WrongType("agentId"));
    assert_eq!(refusal_of(&with("agentId", json!("a\0b"))), Refusal::Nul("agentId"));
    assert_eq!(refusal_of(&with("direction", json!("sideways"))), Refusal::WrongType("direction"));
    assert_eq!(refusal_of(&with("campaign", json!("td-2026"))), Refusal::WrongType("campaign"));
    assert_eq!(refusal_of(&with("at", json!("2026-11-20T21:00:00"))), Refusal::BadTime("at"));
    assert_eq!(refusal_of(&with("at", json!("2099-01-01T00:00:00Z"))), Refusal::FromFuture);
    assert_eq!(refusal_of(&with("callId", json!("c".repeat(600)))), Refusal::TooLong("callId", 512));
    assert_eq!(refusal_of(&json!([offered()])), Refusal::NotObject);
    let nameless = json!(["c-1", "offered", "ana", "outbound", "+12125550100", "+12015550142", null, null, null]);
    assert_eq!(refusal_of(&nameless), Refusal::NotObject);
    assert_eq!(decode(&record("{"), limits(), now()), Err(Refusal::NotJson));
    assert_eq!(decode(&record(vec![0xff, 0xfe]), limits(), now()), Err(Refusal::NotJson));
    assert_eq!(decode(&record(vec![b' '; 1025]), limits(), now()), Err(Refusal::TooLarge));
    assert_eq!(decode(&Record { value: None, ..record("") }, limits(), now()), Err(Refusal::NoValue));
    assert_eq!(decode(&record("[".repeat(1000)), limits(), now()), Err(Refusal::NotJson));
}

#[test]
fn an_event_without_a_time_takes_its_records_time() {
    let heard = decode(&record(with("at", Value::Null).to_string()), limits(), now()).unwrap();
    assert_eq!(heard.at, now() - TimeDelta::seconds(1));
}

#[test]
fn age_is_counted_from_the_brokers_append_time_where_the_topic_has_it() {
    let appended = Record { appended: true, ..record(offered().to_string()) };
    let heard = decode(&appended, limits(), now()).unwrap();
    assert_eq!((heard.at, heard.since), (now() - TimeDelta::seconds(10), now() - TimeDelta::seconds(1)));
    let created = decode(&record(offered().to_string()), limits(), now()).unwrap();
    assert_eq!(created.since, created.at);
}

fn headers(pairs: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect()
}

#[test]
fn a_cloud_event_is_unwrapped_in_both_modes_and_lends_its_time() {
    let call = with("at", Value::Null);
    let envelope = json!({"specversion": "1.0", "type": "call.offered", "source": "/dialler", "id": "1",
                          "time": "2026-11-20T20:59:59Z", "datacontenttype": "application/json", "data": call});
    let content_type = headers(&[("Content-Type", "application/CloudEvents+json; charset=UTF-8")]);
    let structured = Record { headers: content_type, ..record(envelope.to_string()) };
    let ce = [
        ("ce_specversion", "1.0"),
        ("ce_type", "t"),
        ("ce_source", "s"),
        ("ce_id", "1"),
        ("ce_time", "2026-11-20T20:59:59Z"),
    ];
    let binary = Record { headers: headers(&ce), ..record(call.to_string()) };
    for record in [structured, binary] {
        let heard = decode(&record, limits(), now()).unwrap();
        assert_eq!(heard.event.call_id, "c-1");
        assert_eq!(heard.at, now() - TimeDelta::seconds(11));
    }
}

#[test]
fn a_cloud_event_of_another_version_or_format_or_in_a_batch_is_refused() {
    let refused = |content_type: &str, value: Value| {
        let record = Record { headers: headers(&[("content-type", content_type)]), ..record(value.to_string()) };
        decode(&record, limits(), now()).unwrap_err()
    };
    let envelope =
        |version: &str| json!({"specversion": version, "type": "t", "source": "s", "id": "1", "data": offered()});
    assert_eq!(refused("application/cloudevents+json", envelope("0.3")), Refusal::BadCloudEvent);
    assert_eq!(refused("application/cloudevents+avro", envelope("1.0")), Refusal::BadCloudEvent);
    assert_eq!(refused("application/cloudevents-batch+json", json!([envelope("1.0")])), Refusal::BadCloudEvent);
    let nameless = json!(["1.0", "application/json", null, offered()]);
    assert_eq!(refused("application/cloudevents+json", nameless), Refusal::BadCloudEvent);
    assert_eq!(refused("application/cloudevents+json", json!({"specversion": "1.0"})), Refusal::Missing("data"));
}
