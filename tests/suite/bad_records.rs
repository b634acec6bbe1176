//! Records of the topic of calls that nobody can use: each is a counted, named result and never in the way of the next.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::process::Process;
use crate::harness::{ANA, Agent, Kafka, Service, call, seconds_ago, until_within};

on_both_brokers![
    a_record_that_cannot_be_read_is_counted_by_its_reason,
    a_key_without_a_value_is_refused,
    an_event_of_another_time_is_refused_or_stale,
    a_state_that_nobody_knows_changes_nothing,
    odd_but_usable_records_pop,
    cloud_events_are_opened,
    the_envelopes_time_stands_in_for_a_missing_one,
    a_broken_cloud_event_is_refused,
];

on_kafka![
    a_record_of_10_mb_is_refused_and_delays_nothing,
    a_flood_of_bad_records_is_counted_and_does_not_flood_the_log
];

/// A service with an agent, and what is published past them.
struct Desk {
    service: Service,
    ana: Agent,
    calls: usize,
}

impl Desk {
    async fn open(kafka: &Kafka) -> Self {
        let service = Service::start(kafka).await;
        let ana = service.agent("ana").await;
        Self { service, ana, calls: 0 }
    }

    async fn refused(&self, reason: &str) -> f64 {
        let labels = [("topic", &*self.service.kafka.calls), ("reason", reason)];
        self.service.metric("backstory_records_refused_total", &labels).await
    }

    /// The call behind the bad record, in the same partition, pops.
    async fn the_next_call_pops(&mut self) {
        self.calls += 1;
        let call_id = format!("good-{}", self.calls);
        self.service.offer(call(&call_id)).await;
        assert_eq!(self.ana.next_pop().await["call"]["callId"], call_id.as_str());
    }

    /// The record is counted under this reason and no other, and the next call pops.
    async fn refuses(&mut self, reason: &str, value: impl AsRef<[u8]>) {
        let (before, all) = (self.refused(reason).await, self.all_refused().await);
        self.service.hear_bytes("ana", value).await;
        assert_eq!(self.all_refused().await, all + 1.0, "expected {reason}");
        assert_eq!(self.refused(reason).await, before + 1.0, "expected {reason}");
        self.the_next_call_pops().await;
    }

    async fn all_refused(&self) -> f64 {
        self.service.metric("backstory_records_refused_total", &[]).await
    }
}

async fn a_record_that_cannot_be_read_is_counted_by_its_reason(kafka: Kafka) {
    let mut desk = Desk::open(&kafka).await;
    let with = |field: &str, value: Value| call("bad").with(field, value).event("offered").to_string();
    let without = |field: &str| call("bad").event_without("offered", field).to_string();
    let records: Vec<(&str, Vec<u8>)> = vec![
        ("not_json", b"hello".to_vec()),
        ("not_json", b"{\"callId\":\"c-1\"".to_vec()),
        ("not_json", b"\xff\xfe\xfd".to_vec()),
        (
            "not_json",
            br#"{"callId":"?","state":"offered"}"#.iter().map(|&b| if b == b'?' { 0xc3 } else { b }).collect(),
        ),
        ("not_json", "[".repeat(200_000).into_bytes()),
        ("not_json", format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)).into_bytes()),
        ("not_object", b"[1, 2]".to_vec()),
        ("not_object", b"\"offered\"".to_vec()),
        ("not_object", b"null".to_vec()),
        ("missing_field", b"{}".to_vec()),
        ("missing_field", without("callId").into()),
        ("missing_field", without("state").into()),
        ("missing_field", without("agentId").into()),
        ("missing_field", with("agentId", Value::Null).into()),
        ("missing_field", without("direction").into()),
        ("empty_field", with("agentId", json!("")).into()),
        ("empty_field", with("agentId", json!("  ")).into()),
        ("empty_field", with("callId", json!("")).into()),
        ("field_too_long", with("agentId", json!("a".repeat(513))).into()),
        ("field_too_long", with("to", json!("1".repeat(100_000))).into()),
        ("wrong_type", with("callId", json!(17.5)).into()),
        ("wrong_type", with("callId", json!(true)).into()),
        ("wrong_type", with("to", json!({"number": "1"})).into()),
        ("nul_in_field", with("callId", json!("c\0d")).into()),
        ("nul_in_field", with("to", json!("1201 \0 555")).into()),
        ("wrong_type", with("direction", json!("sideways")).into()),
        ("wrong_type", with("campaign", json!("td-2026")).into()),
        ("wrong_type", with("at", json!(1_763_758_800)).into()),
        ("bad_time", with("at", json!("2026-11-20T21:00:00")).into()),
        ("bad_time", with("at", json!("yesterday")).into()),
        ("too_large", with("note", json!("x".repeat(1_100_000))).into()),
    ];
    for (reason, value) in records {
        desk.refuses(reason, value).await;
    }
    desk.ana.was_told_nothing().await;
}

async fn a_key_without_a_value_is_refused(kafka: Kafka) {
    let mut desk = Desk::open(&kafka).await;
    desk.service.kafka.publish_nothing(&kafka.calls, "ana").await;
    desk.the_next_call_pops().await;
    assert_eq!(desk.refused("no_value").await, 1.0);
}

async fn an_event_of_another_time_is_refused_or_stale(kafka: Kafka) {
    let mut desk = Desk::open(&kafka).await;
    let at = |time: &str| call("bad").with("at", json!(time)).event("offered").to_string();
    desk.refuses("from_future", at("2099-01-01T00:00:00Z")).await;
    for (nth, time) in ["1970-01-01T00:00:00Z", "-0001-01-01T00:00:00Z"].into_iter().enumerate() {
        desk.service.hear_bytes("ana", at(time)).await;
        let stale = desk.service.metric("backstory_calls_total", &[("result", "stale")]).await;
        assert_eq!(stale, nth as f64 + 1.0, "{time}");
        desk.the_next_call_pops().await;
    }
    desk.ana.was_told_nothing().await;
}

async fn a_state_that_nobody_knows_changes_nothing(kafka: Kafka) {
    let mut desk = Desk::open(&kafka).await;
    desk.service.hear("ana", &call("c-1").event("parked")).await;
    assert_eq!(desk.service.metric("backstory_calls_total", &[("result", "unknown_state")]).await, 1.0);
    desk.the_next_call_pops().await;
    assert_eq!(desk.all_refused().await, 0.0, "it is data, not an error");
}

async fn odd_but_usable_records_pop(kafka: Kafka) {
    let mut desk = Desk::open(&kafka).await;
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let unknown_field_of_great_depth =
        call("deep").event("offered").to_string().replacen('{', &format!("{{\"x\":{deep},"), 1);
    for (call_id, value) in [
        ("unknown field", call("unknown field").with("music", json!("Vivaldi")).event("offered").to_string()),
        ("deep", unknown_field_of_great_depth),
        ("with an offset", call("with an offset").with("at", json!(in_lisbon_time())).event("offered").to_string()),
        ("без времени", call("без времени").event_without("offered", "at").to_string()),
        ("spaces", format!("\n\t {}  \n", call("spaces").event("offered"))),
    ] {
        desk.service.hear_bytes("ana", value).await;
        let pop = desk.ana.next_pop().await;
        assert_eq!(pop["call"]["callId"], call_id);
        assert_eq!(pop["announce"], true, "{call_id}");
    }
}

fn in_lisbon_time() -> String {
    seconds_ago(5).with_timezone(&chrono_tz::Europe::Lisbon).to_rfc3339()
}

/// `ce_…` headers of a CloudEvent in binary mode.
fn binary_headers(version: &'static str) -> Vec<(&'static str, &'static str)> {
    vec![("ce_specversion", version), ("ce_type", "call"), ("ce_source", "/switch"), ("ce_id", "1")]
}

fn envelope(data: &Value) -> Value {
    json!({ "specversion": "1.0", "type": "call", "source": "/switch", "id": "1", "datacontenttype": "application/json", "data": data })
}

type Headers<'a> = &'a [(&'a str, &'a str)];

const STRUCTURED: Headers = &[("content-type", "application/cloudevents+json; charset=UTF-8")];

async fn cloud_events_are_opened(kafka: Kafka) {
    let mut desk = Desk::open(&kafka).await;
    let publisher = desk.service.kafka.clone();
    publisher.publish_with_headers(&kafka.calls, STRUCTURED, &envelope(&call("structured").event("offered"))).await;
    assert_eq!(desk.ana.next_pop().await["call"]["callId"], "structured");

    let mut headers = binary_headers("1.0");
    headers.push(("content-type", "application/json"));
    publisher.publish_with_headers(&kafka.calls, &headers, &call("binary").event("offered")).await;
    let pop = desk.ana.next_pop().await;
    assert_eq!((&pop["call"]["callId"], &pop["call"]["number"]), (&json!("binary"), &json!(ANA)));
}

async fn the_envelopes_time_stands_in_for_a_missing_one(kafka: Kafka) {
    let mut desk = Desk::open(&kafka).await;
    let publisher = desk.service.kafka.clone();
    let time = seconds_ago(300).to_rfc3339();
    let mut headers = binary_headers("1.0");
    headers.push(("ce_time", &time));
    let mut structured = envelope(&call("structured").event_without("offered", "at"));
    structured["time"] = json!(time);
    for (call_id, headers, value) in
        [("binary", &*headers, &call("binary").event_without("offered", "at")), ("structured", STRUCTURED, &structured)]
    {
        publisher.publish_with_headers(&kafka.calls, headers, value).await;
        let pop = desk.ana.next_pop().await;
        assert_eq!((&pop["call"]["callId"], &pop["announce"]), (&json!(call_id), &json!(false)), "five minutes old");
    }
}

async fn a_broken_cloud_event_is_refused(kafka: Kafka) {
    let mut desk = Desk::open(&kafka).await;
    let publisher = desk.service.kafka.clone();
    let event = call("bad").event("offered");
    let mut old = envelope(&event);
    old["specversion"] = json!("0.3");
    let mut in_xml = envelope(&event);
    in_xml["datacontenttype"] = json!("application/xml");
    let mut bad_time = binary_headers("1.0");
    bad_time.push(("ce_time", "noon"));
    let mut without_data = envelope(&event);
    without_data.as_object_mut().unwrap().remove("data");
    let batch = [("content-type", "application/cloudevents-batch+json")];
    let cases: [(&str, Headers, Value); 6] = [
        ("bad_cloud_event", STRUCTURED, old),
        ("bad_cloud_event", STRUCTURED, in_xml),
        ("bad_cloud_event", STRUCTURED, json!({ "specversion": 1 })),
        ("bad_cloud_event", &batch, json!([envelope(&event)])),
        ("missing_field", STRUCTURED, without_data),
        ("bad_time", &bad_time, event.clone()),
    ];
    for (reason, headers, value) in cases {
        let refused = desk.refused(reason).await;
        publisher.publish_with_headers(&kafka.calls, headers, &value).await;
        desk.the_next_call_pops().await;
        assert_eq!(desk.refused(reason).await, refused + 1.0, "{reason}: {value}");
    }
    let mut old = binary_headers("0.3");
    old.push(("content-type", "application/json"));
    publisher.publish_with_headers(&kafka.calls, &old, &event).await;
    desk.the_next_call_pops().await;
    assert_eq!(desk.refused("bad_cloud_event").await, 5.0);
}

async fn a_record_of_10_mb_is_refused_and_delays_nothing(kafka: Kafka) {
    let mut desk = Desk::open(&kafka).await;
    let note = json!("x".repeat(10_000_000));
    desk.refuses("too_large", call("large").with("note", note.clone()).event("offered").to_string()).await;

    let large = crate::harness::interaction("large").with("comments", note).json().to_string();
    desk.service.kafka.publish(&kafka.interactions, "large", large).await;
    desk.service.record(&[crate::harness::interaction("behind it")]).await;
    assert_eq!(desk.ana.next_update().await["interactions"][0]["interactionId"], "behind it");
    let labels = [("topic", &*kafka.interactions), ("reason", "too_large")];
    desk.service.counts("backstory_records_refused_total", &labels, 1.0).await;
    desk.the_next_call_pops().await;
}

async fn a_flood_of_bad_records_is_counted_and_does_not_flood_the_log(kafka: Kafka) {
    const BAD: u64 = 500;
    let folder = tempfile::tempdir().unwrap();
    let service = Process::serve(&kafka, &format!("sqlite:{}", folder.path().join("journey.db").display()));
    service.becomes_ready().await;
    for topic in [&kafka.calls, &kafka.interactions] {
        let bad = (0..BAD).map(|nth| (format!("bad-{nth}"), Some(json!({ "state": "offered" }))));
        kafka.publish_many(topic, bad.collect()).await;
    }
    let lines_of = |topic: &str| -> Vec<Value> {
        let log = service.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["kafka.topic"] == topic && line["reason"] == "missing_field").collect()
    };
    for topic in [&kafka.calls, &kafka.interactions] {
        // The last of them are said although nothing more comes: ten seconds later.
        let lines = until_within(Duration::from_secs(60), "a line for the last of them", async || {
            let lines = lines_of(topic);
            let times: u64 = lines.iter().map(|line| line["times"].as_u64().unwrap()).sum();
            (times == BAD).then_some(lines)
        })
        .await;
        assert!(lines.len() <= 4, "{lines:?}");
        assert_eq!((&lines[0]["times"], &lines[0]["kafka.last_offset"]), (&json!(1), &json!(null)), "at once");
        let last = lines.last().unwrap();
        assert!(last["kafka.offset"].is_i64() && last["kafka.last_offset"].is_i64(), "{last}");
    }
    let lines = (lines_of(&kafka.calls).len() + lines_of(&kafka.interactions).len()) as f64;
    let suppressed = service.metric("backstory_log_suppressed_total", "").await;
    assert!((2.0 * BAD as f64 - lines..2.0 * BAD as f64).contains(&suppressed), "{suppressed} and {lines} lines");
}
