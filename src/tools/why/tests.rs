//! Why there was a pop, or none: a case for every reason, from events and lines alone.

use serde_json::{Value, json};

use super::explain::{Facts, explain, of_nothing, of_refused};
use super::find::{Asked, Found, Kind};
use super::ledger::Ledger;
use super::story::{Story, Verdict};
use super::told::Told;
use crate::arrival::Limits;
use crate::config::Aliases;
use crate::kafka::Record;
use crate::push::ledger::record::Line;
use crate::push::open_calls::CallLimits;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// The moment at which calls are offered here.
fn offered() -> DateTime<Utc> {
    "2026-11-20T21:00:00Z".parse().unwrap()
}

/// Milliseconds after it.
fn at(ms: i64) -> DateTime<Utc> {
    offered() + TimeDelta::milliseconds(ms)
}

fn text(ms: i64) -> String {
    at(ms).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// What is known in a case.
#[derive(Default)]
struct Case {
    told: Vec<Told>,
    ledger: Ledger,
}

impl Case {
    /// One node that is alive and ready, from an hour before to an hour after.
    fn with_a_node() -> Self {
        (-360..=360).fold(Self::default(), |case, nth| case.node("n-1", "ready", nth * 10_000))
    }

    fn node(self, node: &str, state: &str, ms: i64) -> Self {
        self.line(json!({ "type": "node", "node": node, "startedAt": text(-4_000_000), "state": state, "sessions": 3,
                          "lost": 0, "everyMs": 10_000, "at": text(ms) }))
    }

    fn line(mut self, line: Value) -> Self {
        self.ledger.take(Line::decode(line.to_string().as_bytes()).unwrap_or_else(|| panic!("a line: {line}")));
        self
    }

    fn session(self, agent_id: &str, opened_ms: i64, closed_ms: Option<i64>) -> Self {
        self.line(json!({ "type": "session", "node": "n-1", "session": format!("s-{agent_id}"), "agentId": agent_id,
                          "openedAt": text(opened_ms), "closedAt": closed_ms.map(text), "at": text(closed_ms.unwrap_or(opened_ms)) }))
    }

    /// A pop of `c-1` at Ana's session, heard at once; the fields say what became of it.
    fn pop(self, fields: Value) -> Self {
        let mut line = json!({ "type": "pop", "node": "n-1", "session": "s-ana", "callId": "c-1", "agentId": "ana",
            "event": { "topic": "calls", "partition": 0, "offset": 0, "at": text(0) }, "heardAt": text(2), "ageMs": 2,
            "lookUp": { "ms": 0.8, "sources": [{ "source": "campaign_manager", "rows": 3 }, { "source": "data_cloud", "rows": 0 }] },
            "announced": true, "version": 1, "bytes": 4711, "sentAt": text(5), "at": text(5), "outcome": "sent" });
        line.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        self.line(line)
    }

    fn event(self, state: &str, agent_id: &str, ms: i64) -> Self {
        self.record(
            ms,
            json!({ "callId": "c-1", "state": state, "agentId": agent_id, "direction": "outbound",
                                "to": "+12015550142", "at": text(ms) }),
        )
    }

    fn record(mut self, ms: i64, value: Value) -> Self {
        let offset = self.told.len() as i64;
        let record = Record {
            offset,
            appended: true,
            key: Some(b"ana".to_vec()),
            ..Record::of(value.to_string().into_bytes(), at(ms))
        };
        let limits = Limits { record_bytes_max: 1 << 20, future_max: TimeDelta::minutes(5) };
        self.told.push(Told::read(record, limits, &Aliases::default(), at(ms)));
        self
    }

    fn facts(&self) -> Facts<'_> {
        let limits = CallLimits::of_tests(1000);
        Facts { told: &self.told, ledger: &self.ledger, limits, now: at(600_000) }
    }

    fn why(&self, agent_id: &str) -> Story {
        explain("c-1", agent_id, &self.facts())
    }

    /// The verdict on Ana's pop, whose text holds all of this.
    fn expect(&self, verdict: Verdict, says: &[&str]) -> Story {
        let story = self.why("ana");
        assert_eq!(story.verdict, verdict, "{}", story.text);
        let all = format!("{} {}", story.text, story.todo.clone().unwrap_or_default());
        for part in says {
            assert!(all.contains(part), "{part:?} in {all:?}");
        }
        story
    }

    fn found(&self, who: &str) -> Found {
        let asked = Asked { who: who.into(), call_id: None, agent_id: None, region: rlibphonenumber::Region::US };
        let mut found = Found::new(asked);
        self.told.iter().for_each(|told| found.look_at(told.clone()));
        found
    }
}

fn ringing() -> Case {
    Case::with_a_node().event("offered", "ana", 0)
}

#[test]
fn a_pop_that_was_rendered_was_seen_and_its_stages_are_in_order() {
    let case = ringing().session("ana", -60_000, None).pop(json!({
        "outcome": "rendered", "receivedAt": text(9), "renderedAt": text(23), "renderedMs": 14.0, "at": text(23) }));
    let story = case.expect(Verdict::Seen, &["ana saw it, 23 ms after the event came"]);
    let stages: Vec<&str> = story.stages.iter().map(|stage| stage.text.as_str()).collect();
    assert_eq!(
        stages,
        [
            "ana connects: session s-ana",
            "offered (partition 0, offset 0)",
            "hears it, 2.0 ms old",
            "looks the customer up for 800 µs: campaign_manager 3 interactions, data_cloud 0 interactions",
            "sends it to session s-ana: with the timeline, announced, 4,711 bytes",
            "the client has received it",
            "it is on the agent's screen, drawn in 14 ms",
        ]
    );
    assert_eq!(story.todo, None);
}

#[test]
fn the_session_at_which_it_came_furthest_decides() {
    let case = ringing()
        .pop(json!({ "session": "s-tab", "outcome": "given_up", "resends": 3 }))
        .pop(json!({ "outcome": "rendered", "receivedAt": text(9), "renderedAt": text(23) }));
    case.expect(Verdict::Seen, &[]);
}

#[test]
fn a_supervisors_session_is_not_the_agents() {
    let seen = json!({ "session": "s-sam", "follower": "sam", "outcome": "rendered", "renderedAt": text(23) });
    let case = ringing().pop(seen);
    case.expect(Verdict::Offline, &["ana was offline"]);
}

#[test]
fn an_agent_without_a_session_while_nodes_were_alive_was_offline() {
    let case = ringing().session("ana", -3_000_000, Some(-240_000)).session("ben", -10, None);
    case.expect(Verdict::Offline, &["ana was offline", "n-1 (1 session)", "closed 4 min before", "logged in"]);
    ringing().expect(Verdict::Offline, &["None was open in the time before"]);
    ringing().session("ana", 90_000, None).expect(Verdict::Offline, &["the next one opened 90 s after"]);
}

#[test]
fn an_agent_who_connected_late_saw_it_late() {
    let case = ringing().session("ana", 40_000, None).pop(json!({
        "outcome": "rendered", "announced": false, "sentAt": text(40_010), "receivedAt": text(40_020), "renderedAt": text(40_030) }));
    case.expect(
        Verdict::Seen,
        &["40 s after the event came", "connected only 40 s after it", "without being announced"],
    );
}

#[test]
fn an_id_that_is_written_differently_is_named() {
    let case = ringing().session("Ana", -60_000, None);
    case.expect(Verdict::OtherId, &["nobody was connected as \"ana\"", "\"Ana\" was", "n-1"]);
    let as_event = Case::with_a_node().session("Ana", -60_000, None).event("offered", "ana", 0);
    let story = of_nothing(&as_event.found("ANA"), &as_event.facts());
    assert_eq!(story.verdict, Verdict::OtherId, "{}", story.text);
    assert_eq!(as_event.why("Ana").verdict, Verdict::OtherId);
}

#[test]
fn a_stale_event_is_told_with_its_age() {
    let stale = json!({ "callId": "c-1", "state": "offered", "agentId": "ana", "direction": "outbound", "at": text(-3 * 3_600_000) });
    let case = Case::with_a_node().session("ana", -60_000, None).record(0, stale);
    case.expect(Verdict::Stale, &["3 h old", "calls.open_max (2 h)", "clock"]);
    let written = case.pop(json!({ "outcome": "stale", "ageMs": 10_800_000, "sentAt": null }));
    written.expect(Verdict::Stale, &["3 h old when it was heard"]);
}

#[test]
fn a_source_that_timed_out_is_named_with_what_was_sent_and_when_the_rest_followed() {
    let seen = json!({ "outcome": "rendered", "receivedAt": text(259), "renderedAt": text(270), "sentAt": text(255), "missing": "timeout",
        "lookUp": { "ms": 250.0, "sources": [{ "source": "campaign_manager", "missing": "timeout" }, { "source": "data_cloud", "missing": "timeout" }] } });
    let case = ringing().pop(seen.clone());
    case.expect(
        Verdict::Seen,
        &[
            "first without a history",
            "campaign_manager and data_cloud did not answer within 250 ms",
            "takes longer than usual",
            "has not followed",
        ],
    );
    let mut followed = seen;
    followed["followedAt"] = json!(text(1255));
    ringing().pop(followed.clone()).expect(Verdict::Seen, &["the rest followed 1.0 s later", "lookup_timeout"]);
    followed["missing"] = Value::Null;
    followed["lookUp"]["sources"] =
        json!([{ "source": "campaign_manager", "rows": 2 }, { "source": "data_cloud", "missing": "failed" }]);
    ringing().pop(followed).expect(Verdict::Seen, &["a part of the history: data_cloud failed", "log"]);
}

#[test]
fn a_client_that_does_not_read_or_does_not_answer_is_told_apart() {
    let full = json!({ "outcome": "outbox_full", "sentAt": null });
    ringing().pop(full).expect(Verdict::Slow, &["did not read", "closed as slow", "http.outbox_frames_max"]);
    ringing().pop(json!({ "outcome": "waiting", "sentAt": null })).expect(Verdict::Slow, &["waits in the outbox"]);
    let given_up = json!({ "outcome": "given_up", "resends": 3, "at": text(22_000) });
    ringing().pop(given_up).expect(Verdict::NotAcknowledged, &["4 times", "never acknowledged"]);
    let gone = json!({ "outcome": "session_closed", "at": text(400) });
    ringing().pop(gone).expect(Verdict::NotAcknowledged, &["ended before it acknowledged"]);
    ringing().pop(json!({})).expect(Verdict::Sent, &["not acknowledged yet"]);
    let received = json!({ "outcome": "received", "receivedAt": text(9) });
    ringing().pop(received).expect(Verdict::Seen, &["client has it", "drawn was not acknowledged"]);
}

#[test]
fn a_call_that_another_agent_took_names_the_agent() {
    let offered = ringing().event("offered", "ben", 1).session("ana", -60_000, None).session("ben", -60_000, None);
    let taken = offered.event("connected", "ben", 300);
    taken.expect(Verdict::Taken, &["ben took the call 300 ms after"]);
    let seen = taken.pop(json!({ "outcome": "rendered", "receivedAt": text(9), "renderedAt": text(23) }));
    let story = seen.expect(Verdict::Seen, &["then ben took the call, 300 ms after it was offered"]);
    assert!(
        story
            .stages
            .iter()
            .any(|stage| stage.text.contains("connected to ben") && stage.text.contains("takes the offer back"))
    );
}

#[test]
fn a_call_that_was_taken_before_its_offer_came_was_never_open() {
    let case = Case::with_a_node().event("connected", "ben", 300).event("offered", "ana", 301);
    let late = json!({ "callId": "c-1", "state": "offered", "agentId": "ana", "direction": "outbound", "at": text(0) });
    case.expect(Verdict::Offline, &[]);
    let case = Case::with_a_node().event("connected", "ben", 300).record(301, late);
    case.expect(Verdict::Taken, &["ben"]);
}

#[test]
fn a_call_without_a_number_is_seen_without_a_history() {
    let seen = json!({ "outcome": "rendered", "renderedAt": text(23), "receivedAt": text(9), "missing": "no_number", "lookUp": null });
    ringing().pop(seen).expect(Verdict::Seen, &["carries no number", "`from` of inbound calls"]);
}

#[test]
fn an_event_that_cannot_be_read_is_found_by_agent_and_by_call() {
    let case = Case::with_a_node()
        .record(0, json!({ "callId": "c-1", "state": "offered", "agentId": "ana", "direction": "sideways" }));
    case.expect(Verdict::Refused, &["offset 0", "direction has the wrong type or an unknown value", "schema"]);
    let stories = of_refused(&case.found("ana"), &case.facts());
    assert_eq!(stories.len(), 1);
    assert_eq!((stories[0].verdict, stories[0].agent_id.as_deref()), (Verdict::Refused, Some("ana")));
    assert!(!stories[0].text.contains("sideways"), "values are in no text");
    assert_eq!(case.found("ben").refused.len(), 0);
}

#[test]
fn an_event_that_never_came_is_told_from_one_to_another_agent() {
    Case::with_a_node().expect(Verdict::NoEvent, &["nothing was published of it", "telephone system"]);
    let to_ben = Case::with_a_node().event("offered", "ben", 0);
    to_ben.expect(Verdict::NoEvent, &["its events are to ben"]);
    let idle = Case::with_a_node().session("zoe", -60_000, None).event("offered", "ben", 0);
    let story = of_nothing(&idle.found("zoe"), &idle.facts());
    assert_eq!((story.verdict, story.agent_id.as_deref()), (Verdict::NoEvent, Some("zoe")));
    assert!(story.text.contains("nothing was published") && story.text.contains("is connected"), "{}", story.text);
}

#[test]
fn a_node_that_was_starting_gone_or_silent_is_named() {
    let starting = Case::default().event("offered", "ana", 0).session("ana", -500, None).node("n-1", "starting", -1000);
    let starting = starting.node("n-1", "ready", 4000).event("ended", "ana", 3000);
    starting.expect(Verdict::NotReady, &["replay window", "ready 4.0 s after", "when the call was over"]);

    let in_time = Case::default().event("offered", "ana", 0).node("n-1", "starting", -1000).node("n-1", "ready", 20);
    in_time.expect(Verdict::Offline, &["ana was offline"]);

    let stopped =
        Case::default().node("n-1", "ready", -30_000).node("n-1", "stopped", -20_000).event("offered", "ana", 0);
    let restarted = stopped
        .line(json!({ "type": "node", "node": "n-2", "startedAt": text(15_000), "state": "starting", "sessions": 0,
                                         "lost": 0, "everyMs": 10_000, "at": text(15_000) }));
    restarted.expect(Verdict::NodeGone, &["no node was alive", "n-1 was stopped 20 s before", "n-2 came 15 s after"]);

    let died = Case::default().node("n-1", "ready", -8000).session("ana", -60_000, None).event("offered", "ana", 0);
    died.expect(Verdict::NodeGone, &["n-1", "last line 8.0 s before"]);

    let other_left = (-3..3).fold(Case::default(), |case, nth| case.node("n-2", "ready", nth * 10_000));
    let other_left =
        other_left.node("n-1", "ready", -120_000).session("ana", -600_000, None).event("offered", "ana", 0);
    other_left.expect(Verdict::NodeGone, &["s-ana was on n-1, which was gone", "n-2 (0 sessions)"]);
}

#[test]
fn what_the_ledger_does_not_know_is_not_made_up() {
    Case::default().event("offered", "ana", 0).expect(Verdict::Unknown, &["no node has written to the ledger"]);
    let later = Case::default()
        .event("offered", "ana", 0)
        .line(json!({ "type": "node", "node": "n-1", "startedAt": text(50_000),
        "state": "ready", "sessions": 0, "lost": 0, "everyMs": 10_000, "at": text(60_000) }));
    later.expect(Verdict::Unknown, &["60 s before the ledger's first line"]);
    let ended = Case::default().node("n-1", "ready", -3_600_000).event("offered", "ana", 0);
    ended.expect(Verdict::Unknown, &["60 min after the ledger's last line"]);
    let holes = ringing()
        .line(json!({ "type": "node", "node": "n-1", "startedAt": text(-4_000_000), "state": "ready", "sessions": 0,
        "lost": 7, "everyMs": 10_000, "at": text(5) }));
    holes.expect(Verdict::Unknown, &["7 lines of the ledger could not be written"]);
    let session = ringing().session("ana", -60_000, None);
    session.expect(Verdict::Unknown, &["was open, and the ledger says nothing"]);
}

#[test]
fn a_call_is_found_by_its_id_its_agent_and_its_number_however_it_is_written() {
    let case = Case::with_a_node().event("offered", "ana", 0).event("offered", "ben", 1);
    let found = |who: &str| {
        let found = case.found(who);
        (found.kind(), found.pairs().iter().map(|pair| pair.agent_id.clone()).collect::<Vec<_>>())
    };
    let both = vec!["ben".to_owned(), "ana".to_owned()];
    assert_eq!(found("c-1"), (Some(Kind::Call), both.clone()), "newest first");
    assert_eq!(found("ana"), (Some(Kind::Agent), vec!["ana".to_owned()]));
    assert_eq!(found("(201) 555-0142"), (Some(Kind::Number), both));
    assert_eq!(found("+12025550143"), (None, vec![]));
}
