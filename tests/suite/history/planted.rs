//! Bugs planted in a history that was right: each rule finds its own, and nothing else is found.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::check::{Rule, judge};
use super::{Desk, Entry, Event, Limits, State, Verdict};

struct Story {
    began_at: DateTime<Utc>,
    entries: Vec<Entry>,
    offset: i64,
}

fn ana() -> Desk {
    Desk { agent_id: "ana".into(), nth: 0 }
}

impl Story {
    /// Two calls of Ana's: one that ended, one that goes on; and a reconnect to another node between them.
    fn told() -> Self {
        let began_at = DateTime::from_timestamp_millis(1_795_000_000_000).unwrap();
        let mut story = Self { began_at, entries: Vec::new(), offset: 0 };
        story.opens("s-1", "n-1", 0);
        story.publishes("c-1", State::Offered, 0);
        story.frame("s-1", story.pop("c-1", "offered", 0, 1));
        story.publishes("c-1", State::Connected, 1);
        story.frame("s-1", story.update("c-1", "connected", 1, 2));
        story.closes("s-1");
        story.opens("s-2", "n-2", 1);
        story.publishes("c-1", State::Ended, 2);
        story.frame("s-2", json!({ "type": "ended", "version": 2, "callId": "c-1", "reason": "ended" }));
        story.publishes("c-2", State::Offered, 3);
        story.frame("s-2", story.pop("c-2", "offered", 3, 1));
        story
    }

    fn at(&self, second: i64) -> DateTime<Utc> {
        self.began_at + TimeDelta::seconds(second)
    }

    fn opens(&mut self, session: &str, node: &str, showing: usize) {
        self.entries.push(Entry::Opened { desk: ana(), session: session.into(), node: node.into(), showing });
    }

    fn closes(&mut self, session: &str) {
        self.entries.push(Entry::Closed { session: session.into() });
    }

    fn publishes(&mut self, call_id: &str, state: State, second: i64) {
        let (call_id, agent_id, at) = (call_id.into(), "ana".into(), self.at(second));
        self.entries.push(Entry::Published(Event { call_id, agent_id, state, at, partition: 0, offset: self.offset }));
        self.offset += 1;
    }

    fn frame(&mut self, session: &str, frame: Value) {
        self.entries.push(Entry::Frame { desk: ana(), session: session.into(), frame });
    }

    fn pop(&self, call_id: &str, state: &str, second: i64, version: u64) -> Value {
        json!({ "type": "pop", "version": version, "digest": digest(call_id, state, second), "announce": true,
                "call": { "callId": call_id, "state": state, "at": self.at(second) }, "timeline": { "days": [] } })
    }

    fn update(&self, call_id: &str, state: &str, second: i64, version: u64) -> Value {
        json!({ "type": "update", "version": version, "digest": digest(call_id, state, second), "callId": call_id,
                "call": { "callId": call_id, "state": state, "at": self.at(second) } })
    }

    fn nth_frame(&self, nth: usize) -> usize {
        let frames = self.entries.iter().enumerate().filter(|(_, entry)| matches!(entry, Entry::Frame { .. }));
        frames.map(|(at, _)| at).nth(nth).unwrap()
    }

    fn without_frame(mut self, nth: usize) -> Self {
        self.entries.remove(self.nth_frame(nth));
        self
    }

    fn with_frame_twice(mut self, nth: usize, change: impl FnOnce(&mut Value)) -> Self {
        let at = self.nth_frame(nth);
        let mut again = self.entries[at].clone();
        if let Entry::Frame { frame, .. } = &mut again {
            change(frame);
        }
        self.entries.insert(at + 1, again);
        self
    }

    fn judged(&self) -> Verdict {
        let timed: Vec<_> = self
            .entries
            .iter()
            .enumerate()
            .map(|(nth, entry)| (Duration::from_secs(nth as u64), entry.clone()))
            .collect();
        judge(&timed, self.began_at, Duration::from_secs(60), Limits::default())
    }

    fn breaks(&self) -> Vec<Rule> {
        self.judged().rules().into_iter().collect()
    }
}

fn digest(call_id: &str, state: &str, second: i64) -> String {
    format!("{call_id}/{state}/{second}")
}

#[test]
fn a_history_in_which_all_went_well_passes_and_is_counted() {
    let verdict = Story::told().judged();
    let counted = verdict.holds("all went well");
    assert_eq!((counted.events, counted.calls, counted.desks, counted.nodes), (4, 2, 1, 2));
    assert_eq!((counted.sessions, counted.reconnects, counted.kept), (2, 1, 1));
    assert_eq!((counted.frames, counted.pops, counted.updates, counted.ends, counted.repeats), (4, 2, 1, 1, 0));
}

#[test]
fn a_dropped_pop_is_found() {
    // Of the call that is open: it is missing on the screen, too.
    assert_eq!(Story::told().without_frame(3).breaks(), [Rule::NotShown, Rule::Lost]);
    let mut over = Story::told().without_frame(2).without_frame(1).without_frame(0);
    over.entries.retain(|entry| !matches!(entry, Entry::Opened { session, .. } if session == "s-1"));
    assert_eq!(over.breaks(), [Rule::Lost], "of a call that has ended meanwhile");
}

#[test]
fn a_dropped_update_is_found() {
    let mut story = Story::told();
    story.publishes("c-2", State::Connected, 4);
    assert_eq!(story.breaks(), [Rule::NotShown]);
}

#[test]
fn a_frame_that_is_sent_twice_is_counted_and_one_that_is_shown_twice_is_found() {
    let repeated = Story::told().with_frame_twice(3, |_| {}).judged();
    assert_eq!((repeated.counted.repeats, repeated.found.len()), (1, 0), "the screen drops it by its version");
    assert_eq!(Story::told().with_frame_twice(3, |pop| pop["version"] = json!(2)).breaks(), [Rule::Doubled]);
}

#[test]
fn a_call_that_is_sent_again_though_the_session_came_with_it_is_found() {
    let mut story = Story::told();
    story.publishes("c-2", State::Connected, 4);
    story.frame("s-2", story.update("c-2", "connected", 4, 2));
    story.closes("s-2");
    story.opens("s-3", "n-1", 1);
    assert_eq!(story.breaks(), []);
    story.frame("s-3", story.pop("c-2", "connected", 4, 1));
    assert_eq!(story.breaks(), [Rule::Doubled]);
}

#[test]
fn a_call_that_is_announced_again_is_found() {
    let mut story = Story::told();
    story.publishes("c-2", State::Connected, 4);
    story.frame("s-2", story.pop("c-2", "connected", 4, 2));
    assert_eq!(story.breaks(), [Rule::Doubled]);
    if let Some(Entry::Frame { frame, .. }) = story.entries.last_mut() {
        frame["announce"] = json!(false);
    }
    assert_eq!(story.breaks(), [], "shown anew without ceremony, it may be");
}

#[test]
fn an_ended_call_that_is_shown_as_open_is_found() {
    assert_eq!(Story::told().without_frame(2).breaks(), [Rule::ShownThoughOver], "its end was never told");
    let mut story = Story::told();
    story.frame("s-2", story.update("c-1", "connected", 1, 3));
    assert_eq!(
        story.breaks(),
        [Rule::ShownThoughOver, Rule::OutOfOrder],
        "it is opened again by what was heard before"
    );
}

#[test]
fn a_call_that_another_agent_took_is_over() {
    let mut story = Story::told();
    let (call_id, agent_id, at) = ("c-2".into(), "ben".into(), story.at(5));
    let taken = Event { call_id, agent_id, state: State::Connected, at, partition: 1, offset: 0 };
    story.entries.push(Entry::Published(taken));
    assert_eq!(story.breaks(), [Rule::ShownThoughOver]);
    story.frame("s-2", json!({ "type": "ended", "version": 2, "callId": "c-2", "reason": "taken" }));
    assert_eq!(story.breaks(), []);
}

#[test]
fn a_version_that_goes_back_is_found() {
    let earlier = |pop: &mut Value| {
        pop["version"] = json!(1);
        pop["digest"] = json!("another");
    };
    assert_eq!(Story::told().with_frame_twice(1, earlier).breaks(), [Rule::VersionWentBack]);
}

#[test]
fn an_event_that_is_told_after_a_later_one_of_its_agent_is_found() {
    let mut story = Story::told();
    story.publishes("c-2", State::Connected, 4);
    story.publishes("c-3", State::Offered, 5);
    // Whoever has heard of c-3 has heard that c-2 was connected.
    story.frame("s-2", story.pop("c-3", "offered", 5, 1));
    story.frame("s-2", story.update("c-2", "offered", 3, 2));
    story.frame("s-2", story.update("c-2", "connected", 4, 3));
    assert_eq!(story.breaks(), [Rule::OutOfOrder]);
}

#[test]
fn a_state_that_nobody_published_is_found() {
    let mut story = Story::told();
    story.frame("s-2", story.pop("c-of-ben", "offered", 3, 1));
    assert_eq!(story.breaks(), [Rule::ShownThoughOver, Rule::OutOfOrder]);
}

#[test]
fn another_digest_on_another_node_is_found() {
    let mut story = Story::told();
    story.closes("s-2");
    story.opens("s-3", "n-3", 1);
    let mut pop = story.pop("c-2", "offered", 3, 1);
    pop["announce"] = json!(false);
    pop["digest"] = json!("another");
    story.frame("s-3", pop);
    assert_eq!(story.breaks(), [Rule::DigestsDiffer]);
}
