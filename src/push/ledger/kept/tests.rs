//! What is written of a pop, and when; what is kept, and for how long.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::*;
use crate::auth::Identity;
use crate::journey::Source;
use crate::push::CloseCode;
use crate::push::ledger::record::{LookedUp, Silence, SourceLine};

fn at(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_795_000_000_000 + ms).unwrap()
}

struct Desk {
    kept: Kept,
    session: Arc<Session>,
    heard: Vec<Heard>,
}

impl Desk {
    fn new() -> Self {
        Self::keeping(1000)
    }

    fn keeping(pops_max: usize) -> Self {
        let session = Arc::new(Session::new(Identity::unverified("ana".into()), Tz::UTC, 8));
        Self { kept: Kept::new("n-1".into(), "calls".into(), at(0), pops_max), session, heard: Vec::new() }
    }

    fn key(call_id: &str) -> Arc<CallKey> {
        Arc::new(CallKey { agent_id: "ana".into(), call_id: call_id.into() })
    }

    fn said(&mut self, ms: i64, call_id: &str, said: Said) {
        let session = Arc::clone(&self.session);
        self.heard.push(Heard::Said { at: at(ms), key: Self::key(call_id), session, said });
    }

    fn about_to_pop(&mut self, ms: i64, call_id: &str, silent: Option<Silence>) {
        let source =
            |source, missing: Option<Silence>| SourceLine { source, rows: missing.is_none().then_some(3), missing };
        let sources = vec![source(Source::CampaignManager, silent), source(Source::DataCloud, None)];
        let context = Context {
            partition: 1,
            offset: 7,
            at: at(ms),
            heard_at: at(ms),
            age_ms: 2,
            look_up: Some(LookedUp { ms: 0.5, sources }),
            missing: None,
            announced: true,
        };
        self.said(ms, call_id, Said::Pop(Arc::new(context)));
    }

    fn happens(&mut self, ms: i64, call_id: &str, what: CallHappening) {
        self.tell(ms, Happening::Call { key: Self::key(call_id), version: 1, what });
    }

    fn tell(&mut self, ms: i64, what: Happening) {
        self.heard.push(Heard::Happened(Happened { at: at(ms), session: Arc::clone(&self.session), what }));
    }

    fn is_sent(&mut self, ms: i64, call_id: &str) {
        self.about_to_pop(ms, call_id, None);
        self.happens(ms + 1, call_id, SENT);
    }

    fn lines(&mut self, ms: i64) -> Vec<Line> {
        self.kept.turn(std::mem::take(&mut self.heard), at(ms))
    }

    /// Outcomes of the pops that are written now.
    fn written(&mut self, ms: i64) -> Vec<Outcome> {
        let pops = self.lines(ms).into_iter().filter_map(|line| match line {
            Line::Pop(pop) => Some(pop.outcome),
            _ => None,
        });
        pops.collect()
    }

    fn only(&self) -> Pop {
        let found = self.kept.find(None, None, 10);
        assert_eq!(found.len(), 1);
        found[0].clone()
    }
}

const SENT: CallHappening = CallHappening::Sent { frame: CallFrame::Pop, bytes: 4711, resend: 0 };
const RECEIVED: CallHappening = CallHappening::Received { ms: None };
const RENDERED: CallHappening = CallHappening::Rendered { ms: Some(14.0) };

#[test]
fn a_pop_that_is_seen_at_once_is_written_once() {
    let mut desk = Desk::new();
    desk.is_sent(0, "c-1");
    desk.happens(5, "c-1", RECEIVED);
    assert_eq!(desk.written(6), []);
    desk.happens(20, "c-1", RENDERED);
    assert_eq!(desk.written(50), [Outcome::Rendered]);
    assert_eq!(desk.written(5000), []);
    let pop = desk.only();
    assert_eq!((pop.sent_at, pop.received_at, pop.rendered_at), (Some(at(1)), Some(at(5)), Some(at(20))));
    assert_eq!((pop.bytes, pop.rendered_ms, pop.event.offset), (4711, Some(14.0), 7));
}

#[test]
fn a_pop_that_is_not_acknowledged_is_written_as_it_stands_and_when_it_is_given_up() {
    let mut desk = Desk::new();
    desk.is_sent(0, "c-1");
    assert_eq!(desk.written(900), []);
    assert_eq!(desk.written(1100), [Outcome::Sent]);
    desk.happens(1100, "c-1", CallHappening::Sent { frame: CallFrame::Pop, bytes: 4711, resend: 1 });
    assert_eq!(desk.written(1200), []);
    desk.happens(13_000, "c-1", CallHappening::GivenUp);
    assert_eq!(desk.written(13_001), [Outcome::GivenUp]);
    assert_eq!(desk.only().resends, 1);
}

#[test]
fn what_waits_in_an_outbox_or_fills_it_is_written() {
    let mut desk = Desk::new();
    desk.about_to_pop(0, "c-1", None);
    assert_eq!(desk.written(1100), [Outcome::Waiting]);
    desk.happens(2000, "c-1", CallHappening::OutboxFull { frame: CallFrame::Pop });
    assert_eq!(desk.written(2001), [Outcome::OutboxFull]);
}

#[test]
fn a_session_that_ends_leaves_its_unacknowledged_pops_unseen() {
    let mut desk = Desk::new();
    desk.tell(0, Happening::SessionOpened);
    desk.is_sent(10, "c-1");
    desk.is_sent(10, "c-2");
    desk.happens(20, "c-2", RENDERED);
    desk.tell(30, Happening::SessionClosed { code: Some(CloseCode::Slow) });
    let lines = desk.lines(40);
    let session = lines.iter().find_map(|line| match line {
        Line::Session(line) if line.closed_at.is_some() => Some(line),
        _ => None,
    });
    let session = session.expect("the session's end");
    assert_eq!((session.opened_at, session.closed_at, session.close_code), (at(0), Some(at(30)), Some(3001)));
    let outcome = |call_id: &str| desk.kept.find(Some(call_id), None, 1)[0].outcome;
    assert_eq!((outcome("c-1"), outcome("c-2")), (Outcome::SessionClosed, Outcome::Rendered));
}

#[test]
fn what_a_slow_session_was_not_sent_is_its_slowness_and_no_end_of_the_call() {
    let mut desk = Desk::new();
    desk.tell(0, Happening::SessionOpened);
    desk.about_to_pop(10, "waits", None);
    desk.about_to_pop(20, "full", None);
    desk.happens(20, "full", CallHappening::OutboxFull { frame: CallFrame::Pop });
    desk.about_to_pop(30, "after", None);
    desk.said(31, "after", Said::Gone { over: false });
    desk.tell(40, Happening::SessionClosed { code: Some(CloseCode::Slow) });
    assert_eq!(desk.written(50), [Outcome::OutboxFull; 3]);
    desk.about_to_pop(60, "left", None);
    desk.said(61, "left", Said::Gone { over: false });
    assert_eq!(desk.written(70), [Outcome::SessionClosed]);
}

#[test]
fn the_rest_of_a_history_is_written_when_it_follows() {
    let mut desk = Desk::new();
    desk.about_to_pop(0, "c-1", Some(Silence::Timeout));
    desk.happens(1, "c-1", SENT);
    desk.happens(20, "c-1", RENDERED);
    assert_eq!(desk.written(50), [Outcome::Rendered]);
    let update = CallHappening::Sent { frame: CallFrame::Update, bytes: 100, resend: 0 };
    desk.happens(100, "c-1", update);
    assert_eq!(desk.written(150), [], "another state of the call");
    desk.said(200, "c-1", Said::Update { whole: false });
    desk.happens(201, "c-1", update);
    desk.said(300, "c-1", Said::Update { whole: true });
    desk.happens(301, "c-1", update);
    assert_eq!(desk.written(350), [Outcome::Rendered]);
    assert_eq!(desk.only().followed_at, Some(at(301)));
    desk.said(400, "c-1", Said::Update { whole: true });
    desk.happens(401, "c-1", update);
    assert_eq!(desk.written(450), [], "news, and nothing that the pop lacked");
}

#[test]
fn a_call_that_is_over_or_stale_before_it_is_sent_is_written() {
    let mut desk = Desk::new();
    desk.about_to_pop(0, "c-1", None);
    desk.said(1, "c-1", Said::Gone { over: true });
    assert_eq!(desk.written(2), [Outcome::Over]);
    desk.about_to_pop(10, "c-2", None);
    let Some(Heard::Said { said: Said::Pop(context), .. }) = desk.heard.pop() else { panic!("it was said") };
    desk.said(10, "c-2", Said::Stale(context));
    assert_eq!(desk.written(11), [Outcome::Stale]);
}

#[test]
fn what_was_looked_up_since_is_not_said_of_the_pop_before() {
    let mut desk = Desk::new();
    desk.about_to_pop(0, "c-1", Some(Silence::Timeout));
    desk.happens(1, "c-1", SENT);
    desk.about_to_pop(10, "c-1", None);
    desk.happens(20, "c-1", RENDERED);
    assert_eq!(desk.written(50), [Outcome::Rendered]);
    assert!(desk.only().look_up.unwrap().sources[0].missing.is_some());
}

#[test]
fn a_call_that_is_opened_again_is_another_pop_of_the_same_key() {
    let mut desk = Desk::new();
    desk.is_sent(0, "c-1");
    desk.happens(10, "c-1", RENDERED);
    assert_eq!(desk.written(1100), [Outcome::Rendered]);
    desk.is_sent(5000, "c-1");
    assert_eq!(desk.written(5010), []);
    assert_eq!(desk.only().rendered_at, None);
    desk.happens(5020, "c-1", RENDERED);
    assert_eq!(desk.written(5030), [Outcome::Rendered]);
    assert_eq!(desk.only().sent_at, Some(at(5001)));
}

#[test]
fn an_hour_is_kept_and_no_more_than_the_limit() {
    let mut desk = Desk::keeping(2);
    for (nth, call_id) in ["c-1", "c-2", "c-3"].iter().enumerate() {
        desk.is_sent(nth as i64 * 10, call_id);
    }
    assert_eq!(desk.written(30), [Outcome::Sent], "what is forgotten is written before");
    let kept = |desk: &Desk| desk.kept.find(None, None, 10).into_iter().map(|pop| pop.call_id).collect::<Vec<_>>();
    assert_eq!(kept(&desk), ["c-3", "c-2"]);
    desk.lines(3_600_015);
    assert_eq!(kept(&desk), ["c-3"]);
    assert_eq!(desk.kept.pops.len(), 1);
    assert!(desk.kept.find(None, Some("ben"), 10).is_empty());
}

#[test]
fn an_open_session_is_written_again_every_ten_minutes() {
    let mut desk = Desk::new();
    desk.tell(0, Happening::SessionOpened);
    assert_eq!(desk.lines(1).len(), 1);
    assert_eq!(desk.lines(599_000).len(), 0);
    let again = desk.lines(600_001);
    let [Line::Session(line)] = again.as_slice() else { panic!("one line: {again:?}") };
    assert_eq!((line.opened_at, line.at), (at(0), at(600_001)));
    desk.tell(700_000, Happening::SessionClosed { code: None });
    assert_eq!(desk.lines(700_001).len(), 1);
    assert_eq!(desk.lines(1_300_000).len(), 0);
    let Line::Node(alive) = desk.kept.alive(NodeState::Ready, 0, 10_000, at(1_300_000)) else {
        panic!("a node's line")
    };
    assert_eq!(alive.sessions, 0);
}
