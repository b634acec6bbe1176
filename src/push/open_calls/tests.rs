//! Which event decides, whatever order they arrive in.

use chrono::{TimeDelta, TimeZone as _};

use super::*;
use crate::journey::Direction;

mod limits;
mod work;

fn at(seconds: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, 21, 0, 0).unwrap() + TimeDelta::seconds(seconds)
}

fn calls() -> OpenCalls {
    at_most(1000)
}

fn at_most(known_max: usize) -> OpenCalls {
    OpenCalls::new(CallLimits::of_tests(known_max))
}

fn event(agent: &str, state: CallState, seconds: i64) -> Call {
    Call {
        call_id: "c-1".into(),
        state,
        agent_id: agent.into(),
        direction: Direction::Outbound,
        number: Some("+12015550142".into()),
        campaign: None,
        parent_call_id: None,
        at: at(seconds),
    }
}

fn key(agent: &str) -> CallKey {
    CallKey { agent_id: agent.into(), call_id: "c-1".into() }
}

fn forgotten(agent: &str, was_open: bool) -> Forgotten {
    Forgotten { key: Arc::new(key(agent)), was_open, limit: Some(Limit::Known) }
}

fn hear(calls: &mut OpenCalls, agent: &str, state: CallState, seconds: i64) -> Applied {
    calls.apply(event(agent, state, seconds), at(seconds), at(100))
}

use CallState::{Connected, Ended, Offered, WrapUp};

#[test]
fn a_call_goes_from_offered_to_ended() {
    let mut calls = calls();
    assert_eq!(hear(&mut calls, "ana", Offered, 0).change, Change::Opened);
    assert_eq!(hear(&mut calls, "ana", Connected, 5).change, Change::Changed);
    assert_eq!(hear(&mut calls, "ana", WrapUp, 50).change, Change::Changed);
    assert_eq!(hear(&mut calls, "ana", Ended, 60).change, Change::Ended(EndReason::Ended));
    assert_eq!(hear(&mut calls, "ana", Ended, 60).change, Change::Superseded);
    assert_eq!(hear(&mut calls, "ana", Offered, 70).change, Change::Opened, "a later offer opens it again");
}

/// Every order of these events leaves every agent with the same calls.
fn in_every_order(events: &[(&str, CallState, i64)], open: &[&str]) {
    fn permute<'a>(
        rest: &mut Vec<(&'a str, CallState, i64)>,
        taken: &mut Vec<usize>,
        events: &[(&'a str, CallState, i64)],
        open: &[&str],
    ) {
        if taken.len() == events.len() {
            let mut calls = calls();
            for (agent, state, seconds) in rest.iter() {
                hear(&mut calls, agent, *state, *seconds);
            }
            for agent in ["ana", "ben", "eva"] {
                assert_eq!(calls.is_open(&key(agent)), open.contains(&agent), "{agent} after {rest:?}");
            }
            return;
        }
        for nth in 0..events.len() {
            if !taken.contains(&nth) {
                taken.push(nth);
                rest.push(events[nth]);
                permute(rest, taken, events, open);
                rest.pop();
                taken.pop();
            }
        }
    }
    permute(&mut Vec::new(), &mut Vec::new(), events, open);
}

#[test]
fn the_order_of_arrival_means_nothing() {
    in_every_order(&[("ana", Offered, 0), ("ana", Connected, 5), ("ana", WrapUp, 50), ("ana", Ended, 60)], &[]);
    in_every_order(&[("ana", Offered, 0), ("ana", Ended, 0), ("ana", Offered, 10)], &["ana"]);
}

#[test]
fn a_call_offered_to_several_is_taken_by_one() {
    in_every_order(&[("ana", Offered, 0), ("ben", Offered, 0), ("ben", Connected, 3)], &["ben"]);
    in_every_order(&[("ana", Offered, 0), ("ben", Offered, 0), ("ben", Connected, 3), ("ben", Ended, 9)], &[]);
    let mut calls = calls();
    hear(&mut calls, "ana", Offered, 0);
    hear(&mut calls, "ben", Offered, 0);
    assert_eq!(hear(&mut calls, "ben", Connected, 3).taken, vec![Arc::new(key("ana"))]);
    assert!(calls.visible(&key("ana"), at(100)).is_none(), "an offer that was taken is not kept for wrap-up");
}

#[test]
fn a_transfer_after_the_answer_opens_and_a_conference_ends_nobody() {
    in_every_order(&[("ana", Connected, 3), ("ben", Offered, 9)], &["ana", "ben"]);
    in_every_order(&[("ana", Connected, 3), ("ben", Connected, 5), ("eva", Connected, 7)], &["ana", "ben", "eva"]);
}

#[test]
fn an_ended_call_is_kept_for_its_wrap_up() {
    let mut calls = calls();
    hear(&mut calls, "ana", Connected, 0);
    hear(&mut calls, "ana", Ended, 60);
    assert!(calls.visible(&key("ana"), at(60 + 119)).is_some());
    assert!(calls.visible(&key("ana"), at(60 + 120)).is_none());
}

#[test]
fn a_call_whose_end_was_never_heard_expires_and_everything_is_forgotten() {
    let mut calls = calls();
    hear(&mut calls, "ana", Offered, 0);
    hear(&mut calls, "ben", Ended, 0);
    assert_eq!(calls.expire(at(7199)), vec![]);
    let mut gone = calls.expire(at(7200));
    gone.sort();
    let expired = |agent, was_open| Forgotten { limit: None, ..forgotten(agent, was_open) };
    assert_eq!(gone, vec![expired("ana", true), expired("ben", false)]);
    assert!(calls.known.is_empty() && calls.by_call.is_empty() && calls.by_agent.is_empty() && calls.due.is_empty());
}

#[test]
fn an_event_of_long_ago_is_stale() {
    let mut calls = calls();
    let change = calls.apply(event("ana", Offered, -7300), at(0), at(0)).change;
    assert_eq!(change, Change::Stale);
}

#[test]
fn beyond_the_most_that_may_be_known_the_oldest_is_forgotten_first() {
    let mut calls = at_most(2);
    hear(&mut calls, "ana", Offered, 0);
    hear(&mut calls, "ben", Ended, 1);
    hear(&mut calls, "ana", Connected, 2);
    assert_eq!(hear(&mut calls, "eva", Connected, 3).forgotten, [forgotten("ben", false)], "by its latest event");
    let older = hear(&mut calls, "ben", Offered, 1);
    assert_eq!((older.change, older.forgotten), (Change::StillOver, vec![forgotten("ben", false)]));
    assert_eq!((calls.known.len(), calls.by_agent.len()), (2, 2));
}

#[test]
fn what_takes_an_offer_back_is_not_forgotten_before_it() {
    for order in [["ana", "ben"], ["ben", "ana"]] {
        let mut calls = at_most(2);
        for agent in order {
            hear(&mut calls, agent, if agent == "ana" { Offered } else { Connected }, 3);
        }
        let mut later = event("eva", Connected, 5);
        later.call_id = "c-2".into();
        assert_eq!(calls.apply(later, at(5), at(100)).forgotten, [forgotten("ana", false)]);
        assert!(calls.is_open(&key("ben")));
    }
}

#[test]
fn an_offer_that_another_agent_answered_leaves_no_wrap_up_though_its_own_end_is_heard() {
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [3, 0, 2, 1]] {
        let mut calls = calls();
        let events = [("ana", Offered, 0), ("ben", Offered, 0), ("ben", Connected, 3), ("ana", Ended, 4)];
        for (agent, state, seconds) in order.map(|nth| events[nth]) {
            hear(&mut calls, agent, state, seconds);
        }
        assert!(calls.visible(&key("ana"), at(5)).is_none(), "{order:?}");
        assert!(matches!(calls.over(&key("ana"), at(5)), Some(Over { reason: EndReason::Taken, call: None })));
    }
}

#[test]
fn an_offer_that_ends_and_that_nobody_answered_is_retracted_and_leaves_no_wrap_up() {
    let mut calls = calls();
    hear(&mut calls, "ana", Offered, 0);
    hear(&mut calls, "ben", Offered, 0);
    assert_eq!(hear(&mut calls, "ana", Ended, 4).change, Change::Ended(EndReason::Retracted));
    assert!(matches!(calls.over(&key("ana"), at(5)), Some(Over { reason: EndReason::Retracted, call: None })));
    assert!(calls.newest_visible_of("ana", at(5)).is_empty());
    assert_eq!(hear(&mut calls, "ben", Connected, 5).taken, vec![], "what is over is not taken");
    assert!(matches!(calls.over(&key("ana"), at(5)), Some(Over { reason: EndReason::Taken, .. })));
}

#[test]
fn whoever_was_on_a_call_keeps_it_for_the_wrap_up_in_whatever_order_that_is_heard() {
    for was_on_it in [Connected, WrapUp] {
        for order in [[0, 1, 2], [0, 2, 1], [2, 0, 1], [2, 1, 0], [1, 2, 0], [1, 0, 2]] {
            let mut calls = calls();
            let events = [(Offered, 0), (was_on_it, 3), (Ended, 4)];
            for (state, seconds) in order.map(|nth| events[nth]) {
                hear(&mut calls, "ana", state, seconds);
            }
            let over = calls.over(&key("ana"), at(5));
            assert!(matches!(over, Some(Over { reason: EndReason::Ended, call: Some(_) })), "{order:?}");
        }
    }
}

#[test]
fn an_end_alone_is_no_offer_that_was_taken_back() {
    let mut calls = calls();
    assert_eq!(hear(&mut calls, "ana", Ended, 4).change, Change::StillOver);
    assert!(matches!(calls.over(&key("ana"), at(5)), Some(Over { reason: EndReason::Ended, call: Some(_) })));
}

#[test]
fn an_answer_that_is_heard_after_the_end_shows_the_call_for_its_wrap_up() {
    let late = |now| {
        let mut calls = calls();
        hear(&mut calls, "ana", Offered, 0);
        hear(&mut calls, "ana", Ended, 4);
        calls.apply(event("ana", Connected, 3), at(3), now).change
    };
    assert_eq!(late(at(5)), Change::Opened);
    assert_eq!(late(at(4 + 120)), Change::Superseded, "the wrap-up is over");
}
