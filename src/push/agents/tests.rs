//! What sessions are told, acknowledged or not, by the frames that a client of the tests' own reads from their outboxes.

use std::pin::pin;

use chrono::{TimeDelta, TimeZone as _};
use chrono_tz::Tz;
use futures_util::future::poll_immediate;

use super::*;
use crate::arrival::CallState::{self, Connected, Ended, Offered, WrapUp};
use crate::auth::Identity;
use crate::journey::Direction;
use crate::metrics::Metrics;

mod came_with;
mod client;
mod interleavings;
mod kept;
mod policy;
mod prepared;
mod supervisor;

use client::{Client, Read};
use prepared::timeline_of;

fn at(seconds: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, 21, 0, 0).unwrap() + TimeDelta::seconds(seconds)
}

fn key(agent_id: &str, call_id: &str) -> Arc<CallKey> {
    Arc::new(CallKey { agent_id: agent_id.into(), call_id: call_id.into() })
}

fn event(agent_id: &str, call_id: &str, state: CallState, seconds: i64) -> Call {
    Call {
        call_id: call_id.into(),
        state,
        agent_id: agent_id.into(),
        direction: Direction::Outbound,
        number: Some("+12015550142".into()),
        campaign: None,
        parent_call_id: None,
        at: at(seconds),
    }
}

fn sessions() -> SessionLimits {
    SessionLimits { per_agent_max: 10, unacknowledged_bytes_max: 64 << 20, outlines_bytes_max: 256 << 20 }
}

/// A desk with its agents, who have caught up. Time stands still unless a test moves it.
struct Desk {
    agents: Agents,
    asks: mpsc::Receiver<Ask>,
    outbox_frames_max: usize,
    now: DateTime<Utc>,
}

impl Desk {
    fn new() -> Self {
        Self::with(64, 1000)
    }

    fn with(outbox_frames_max: usize, known_max: usize) -> Self {
        Self::within(CallLimits::of_tests(known_max), outbox_frames_max)
    }

    fn within(limits: CallLimits, outbox_frames_max: usize) -> Self {
        let (agents, asks) = Agents::new(limits, sessions(), Ledger::new(Metrics::new()));
        agents.caught_up(at(100));
        Self { agents, asks, outbox_frames_max, now: at(100) }
    }

    /// Shows the agent's calls, as they are after `hello`.
    fn joins(&self, agent_id: &str, showing: Vec<Showing>) -> Client {
        let session = Arc::new(Session::new(Identity::unverified(agent_id.into()), Tz::UTC, self.outbox_frames_max));
        self.agents.join(&session, showing, self.now).unwrap();
        Client::of(session)
    }

    /// The event is heard, and what it opens is popped at once, with a timeline of so many interactions.
    fn hears(&self, event: Call, interactions: usize) {
        let heard = self.agents.hear(event, self.now, self.now);
        for session in heard.show {
            self.pops(&heard.key, &session, interactions);
        }
    }

    fn pops(&self, key: &Arc<CallKey>, session: &Session, interactions: usize) -> Delivery {
        self.agents.pop(key, session, &timeline_of(interactions), true, self.now)
    }

    fn updates(&self, key: &Arc<CallKey>, interactions: usize) {
        for session in self.agents.showing(key) {
            self.agents.update(key, &session, &timeline_of(interactions), self.now);
        }
    }

    fn acknowledges(&self, client: &Client, call_id: &str, version: u64, stage: Stage) -> bool {
        let key = key(&client.session.agent_id, call_id);
        self.agents.acknowledge(&client.session, &key, version, (stage, Some(1.0)), self.now)
    }

    /// After so many seconds more, what is due is done; gives back how many pops were given up.
    fn waits(&mut self, seconds: i64) -> usize {
        self.now += TimeDelta::seconds(seconds);
        self.agents.expire(self.now);
        self.agents.send_again(self.now)
    }

    fn reads(&self, client: &mut Client) -> Vec<String> {
        client.reads_all(&self.agents, self.now)
    }

    fn happened(&self, what: &str) -> u64 {
        let text = self.agents.ledger.metrics().text(0);
        let series = format!("backstory_session_happenings_total{{what=\"{what}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&series)).map_or(0, |count| count.parse().unwrap())
    }
}

#[test]
fn a_pop_that_nobody_acknowledges_is_sent_again_after_1_3_and_9_seconds_and_then_given_up() {
    let mut desk = Desk::new();
    let mut ana = desk.joins("ana", vec![]);
    desk.hears(event("ana", "c-1", Offered, 0), 3);
    assert_eq!(desk.reads(&mut ana), ["pop 1"]);
    for wait in [1, 3, 9] {
        assert_eq!(desk.waits(wait - 1), 0);
        assert_eq!(desk.reads(&mut ana), [""; 0], "not before {wait} s");
        assert_eq!(desk.waits(1), 0);
        assert_eq!(desk.reads(&mut ana), ["pop 1"], "after {wait} s, as it was");
    }
    assert_eq!(desk.waits(8), 0);
    assert_eq!(desk.waits(1), 1, "given up");
    assert_eq!(desk.waits(1000), 0);
    assert_eq!(desk.reads(&mut ana), [""; 0]);
    assert_eq!((desk.happened("sent"), desk.happened("sent_again"), desk.happened("given_up")), (1, 3, 1));
}

#[test]
fn a_pop_is_not_sent_again_before_it_was_written() {
    let mut desk = Desk::new();
    let mut ana = desk.joins("ana", vec![]);
    desk.hears(event("ana", "c-1", Offered, 0), 3);
    desk.waits(1000);
    assert_eq!(desk.reads(&mut ana), ["pop 1"], "once: it waited in the outbox");
}

#[test]
fn an_acknowledgement_of_the_pop_or_of_anything_after_it_ends_the_waiting_and_gives_its_memory_back() {
    for (version, stage) in [(1, Stage::Received), (1, Stage::Rendered), (2, Stage::Received)] {
        let mut desk = Desk::new();
        let mut ana = desk.joins("ana", vec![]);
        desk.hears(event("ana", "c-1", Offered, 0), 300);
        desk.hears(event("ana", "c-1", Connected, 1), 300);
        assert_eq!(desk.reads(&mut ana), ["pop 1", "update 2"]);
        assert!(desk.agents.unacknowledged.bytes() > 10_000);
        assert!(desk.acknowledges(&ana, "c-1", version, stage));
        assert_eq!(desk.agents.unacknowledged.bytes(), 0);
        assert_eq!(desk.waits(1000), 0);
        assert_eq!(desk.reads(&mut ana), [""; 0]);
    }
}

#[test]
fn a_pop_is_sent_again_with_the_differences_that_followed_it() {
    let mut desk = Desk::new();
    let mut ana = desk.joins("ana", vec![]);
    desk.hears(event("ana", "c-1", Offered, 0), 3);
    desk.hears(event("ana", "c-1", Connected, 1), 3);
    desk.updates(&key("ana", "c-1"), 4);
    assert_eq!(desk.reads(&mut ana), ["pop 1", "update 2", "update 3"]);
    desk.waits(1);
    assert_eq!(desk.reads(&mut ana), ["pop 1", "update 2", "update 3"]);
    desk.hears(event("ana", "c-1", Ended, 9), 3);
    desk.waits(1000);
    assert_eq!(desk.reads(&mut ana), ["ended 4"], "a call that is over is not popped again");
    assert_eq!(desk.agents.unacknowledged.bytes(), 0);
}

#[test]
fn what_was_never_told_cannot_be_acknowledged_and_nothing_twice() {
    let mut desk = Desk::new();
    let mut ana = desk.joins("ana", vec![]);
    assert!(!desk.acknowledges(&ana, "c-1", 1, Stage::Received));
    desk.hears(event("ana", "c-1", Offered, 0), 3);
    desk.reads(&mut ana);
    assert!(!desk.acknowledges(&ana, "c-1", 0, Stage::Received));
    assert!(!desk.acknowledges(&ana, "c-1", 2, Stage::Received));
    assert!(!desk.acknowledges(&ana, "c-2", 1, Stage::Received));
    desk.waits(1);
    assert_eq!(desk.reads(&mut ana), ["pop 1"], "none of these stopped it");
    assert!(desk.acknowledges(&ana, "c-1", 1, Stage::Received));
    assert!(!desk.acknowledges(&ana, "c-1", 1, Stage::Received), "a client that shows it once says it twice");
    assert!(desk.acknowledges(&ana, "c-1", 1, Stage::Rendered));
    assert_eq!((desk.happened("received"), desk.happened("rendered")), (1, 1));
}

#[test]
fn clients_that_never_acknowledge_do_not_cost_the_node_its_memory() {
    let mut desk = Desk::new();
    let (interactions, all) = (2000, 400);
    let mut clients: Vec<Client> = (0..all).map(|nth| desk.joins(&format!("agent-{nth}"), vec![])).collect();
    for client in &mut clients {
        desk.hears(event(&client.session.agent_id.clone(), "c-1", Offered, 0), interactions);
        desk.reads(client);
    }
    let kept = desk.agents.unacknowledged.bytes();
    assert!((32 << 20..=64 << 20).contains(&kept), "{kept} bytes are kept to be sent again");
    let given_up = desk.waits(1);
    assert!(given_up > 0 && given_up < all, "{given_up} were not kept, and are given up when they are due");
}

#[test]
fn a_call_that_was_forgotten_and_comes_again_has_a_greater_version() {
    let mut desk = Desk::new();
    let mut ana = desk.joins("ana", vec![]);
    desk.hears(event("ana", "c-1", Offered, 0), 3);
    desk.hears(event("ana", "c-1", Connected, 1), 3);
    assert_eq!(desk.reads(&mut ana), ["pop 1", "update 2"]);
    desk.now = at(7300);
    assert_eq!(desk.agents.expire(desk.now), 1);
    assert_eq!(desk.reads(&mut ana), ["ended 3"]);
    desk.hears(event("ana", "c-1", WrapUp, 7290), 3);
    assert_eq!(desk.reads(&mut ana), ["pop 4"]);
}

#[test]
fn an_open_call_that_had_to_be_forgotten_is_ended_on_the_screen_and_comes_back_when_it_is_heard_of() {
    let desk = Desk::with(64, 2);
    let mut ana = desk.joins("ana", vec![]);
    desk.hears(event("ana", "c-1", Offered, 0), 3);
    for nth in 1..=2 {
        let decision = desk.agents.hear(event("ben", &format!("b-{nth}"), Offered, nth), desk.now, desk.now);
        assert_eq!(decision.forgotten, vec![Limit::Known; usize::from(nth == 2)]);
    }
    assert_eq!(desk.reads(&mut ana), ["pop 1", "ended 2"]);
    desk.hears(event("ana", "c-1", Connected, 9), 3);
    assert_eq!(desk.reads(&mut ana), ["pop 3"]);
}

#[test]
fn what_exceeds_the_limits_of_a_call_or_an_agent_is_ended_on_the_screen_also_where_the_same_event_takes_it_back() {
    let desk = Desk::within(CallLimits { open_per_agent_max: 1, ..CallLimits::of_tests(1000) }, 64);
    let mut ana = desk.joins("ana", vec![]);
    desk.hears(event("ana", "c-1", Offered, 0), 3);
    desk.hears(event("ana", "c-2", Offered, 1), 3);
    let told = ana.reads_texts(&desk.agents, desk.now);
    assert!(told.len() == 3 && told[1].contains("\"callId\":\"c-1\"") && told[1].contains("expired"), "{told:?}");

    let desk = Desk::within(CallLimits { agents_per_call_max: 1, ..CallLimits::of_tests(1000) }, 64);
    let mut ana = desk.joins("ana", vec![]);
    desk.hears(event("ana", "c-1", Offered, 0), 3);
    let decision = desk.agents.hear(event("ben", "c-1", Connected, 1), desk.now, desk.now);
    assert_eq!(decision.forgotten, [Limit::AgentsPerCall]);
    let told = ana.reads_texts(&desk.agents, desk.now);
    assert!(told.len() == 2 && told[1].contains("\"reason\":\"taken\""), "{told:?}");
}

#[test]
fn an_offer_that_is_taken_back_leaves_the_screen_and_comes_back_ended_if_it_turns_out_to_have_been_answered() {
    let desk = Desk::new();
    let mut ana = desk.joins("ana", vec![]);
    desk.hears(event("ana", "c-1", Offered, 90), 3);
    desk.hears(event("ana", "c-1", Ended, 95), 3);
    let told = ana.reads_texts(&desk.agents, desk.now);
    assert!(told.len() == 2 && told[1].contains("\"reason\":\"retracted\""), "{told:?}");
    assert!(desk.agents.calls_of("ana", desk.now).is_empty());
    desk.hears(event("ana", "c-1", Connected, 93), 3);
    let told = ana.reads_texts(&desk.agents, desk.now);
    assert!(told.len() == 1 && told[0].contains("\"state\":\"ended\""), "{told:?}");
}

#[test]
fn a_client_that_shows_a_call_as_ended_is_told_nothing_of_it_unless_something_differs() {
    let desk = Desk::new();
    let mut ana = desk.joins("ana", vec![]);
    desk.hears(event("ana", "c-1", Connected, 50), 3);
    desk.reads(&mut ana);
    desk.hears(event("ana", "c-1", Ended, 90), 3);
    desk.reads(&mut ana);
    let mut back = desk.joins("ana", ana.showing());
    assert_eq!(desk.pops(&key("ana", "c-1"), &back.session, 3), Delivery::Known);
    assert_eq!(desk.reads(&mut back), [""; 0]);
    desk.updates(&key("ana", "c-1"), 4);
    assert_eq!(desk.reads(&mut back), ["update 1"], "it is followed through its wrap-up");

    let mut later = desk.joins("ana", ana.showing());
    assert_eq!(desk.pops(&key("ana", "c-1"), &later.session, 4), Delivery::Sent);
    assert_eq!(desk.reads(&mut later), ["pop 1"], "its timeline has changed meanwhile");
}

#[test]
fn a_session_that_reads_slowly_loses_only_what_later_frames_replace() {
    let desk = Desk::with(4, 1000);
    let mut ana = desk.joins("ana", vec![]);
    desk.hears(event("ana", "c-1", Offered, 0), 3);
    desk.hears(event("ana", "c-1", Connected, 1), 3);
    desk.hears(event("ana", "c-1", Ended, 2), 3);
    desk.hears(event("ana", "c-2", Offered, 3), 3);
    desk.hears(event("ana", "c-3", Offered, 4), 3);
    assert_eq!(desk.reads(&mut ana), ["pop 1", "ended 3", "pop 1", "pop 1"]);
    assert_eq!(desk.happened("superseded"), 1);
    desk.updates(&key("ana", "c-1"), 4);
    assert_eq!(desk.reads(&mut ana), [""; 0], "of what it never got, no difference");
}

#[test]
fn however_slowly_a_session_reads_it_is_shown_what_stays_after_its_end_and_not_what_another_agent_took() {
    let desk = Desk::with(4, 1000);
    let mut ana = desk.joins("ana", vec![]);
    desk.hears(event("ana", "stays", Connected, 0), 3);
    desk.hears(event("ana", "stays", Ended, 1), 3);
    desk.hears(event("ana", "taken", Offered, 2), 3);
    desk.hears(event("ben", "taken", Connected, 3), 3);
    desk.hears(event("ana", "c-1", Offered, 4), 3);
    assert_eq!(desk.reads(&mut ana), ["pop 1", "ended 2", "ended 2", "pop 1"]);
}

#[test]
fn a_call_on_the_screen_that_was_said_to_be_over_is_not_popped_again_before_that_was_said() {
    let mut desk = Desk::with(4, 1000);
    let mut ana = desk.joins("ana", vec![came_with::shows("c-1")]);
    desk.waits(10);
    desk.hears(event("ana", "c-2", Offered, 0), 3);
    desk.hears(event("ana", "c-2", Connected, 1), 3);
    desk.hears(event("ana", "c-1", Offered, 2), 3);
    desk.hears(event("ana", "c-2", Ended, 3), 3);
    assert_eq!(desk.reads(&mut ana), ["ended 1", "pop 2", "pop 2", "ended 4"]);
}

#[test]
fn a_session_for_which_more_calls_come_and_end_than_fit_comes_back_to_all_of_them() {
    let desk = Desk::with(8, 1000);
    let mut ana = desk.joins("ana", vec![]);
    for nth in 0..8 {
        desk.hears(event("ana", &format!("c-{nth}"), Connected, nth), 3);
        desk.hears(event("ana", &format!("c-{nth}"), Ended, nth), 3);
    }
    assert!(matches!(ana.reads(&desk.agents, desk.now), Read::Closed(CloseCode::Slow)));
    assert_eq!(desk.agents.calls_of("ana", desk.now).len(), 8);
}

#[test]
fn a_session_whose_outbox_holds_only_what_nothing_replaces_is_closed_as_slow() {
    let desk = Desk::with(2, 1000);
    let mut ana = desk.joins("ana", vec![]);
    for nth in 0..3 {
        desk.hears(event("ana", &format!("c-{nth}"), Offered, nth), 3);
    }
    assert!(matches!(ana.reads(&desk.agents, desk.now), Read::Closed(CloseCode::Slow)));
    assert_eq!(desk.happened("outbox_full"), 1);
}

#[tokio::test]
async fn whoever_comes_while_many_wait_for_their_calls_waits_too_and_is_not_sent_away() {
    let mut desk = Desk::new();
    let ana = desk.joins("ana", vec![]);
    while desk.agents.ask(&ana.session, Wanted::OpenCalls(vec![])) {}
    let mut asking = pin!(desk.agents.ask_for_own_calls(&ana.session));
    assert!(poll_immediate(asking.as_mut()).await.is_none(), "there is no room");
    desk.asks.recv().await.unwrap();
    asking.await;
    desk.asks.close();
    let mut last = None;
    while let Some(ask) = desk.asks.recv().await {
        last = Some(ask.what);
    }
    assert!(matches!(last, Some(Wanted::OpenCalls(agents)) if agents == ["ana"]));
}
