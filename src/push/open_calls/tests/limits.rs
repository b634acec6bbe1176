//! Agents on one call id and open calls of one agent: beyond the limits the same ones are kept, in whatever order they come.

use proptest::prelude::*;

use super::*;

fn within(agents_per_call_max: usize, open_per_agent_max: usize) -> OpenCalls {
    OpenCalls::new(CallLimits { agents_per_call_max, open_per_agent_max, ..CallLimits::of_tests(1000) })
}

fn call(agent: &str, call_id: &str, state: CallState, seconds: i64) -> Call {
    Call { call_id: call_id.into(), ..event(agent, state, seconds) }
}

fn applied(calls: &mut OpenCalls, call: Call) -> Applied {
    let at = call.at;
    calls.apply(call, at, super::at(100))
}

fn gone(agent: &str, call_id: &str, was_open: bool, limit: Limit) -> Forgotten {
    let key = CallKey { agent_id: agent.into(), call_id: call_id.into() };
    Forgotten { key: Arc::new(key), was_open, limit: Some(limit) }
}

#[test]
fn of_more_agents_than_one_call_may_have_those_with_the_oldest_events_go() {
    let mut calls = within(2, 10);
    hear(&mut calls, "ana", Offered, 0);
    hear(&mut calls, "ben", Offered, 0);
    let over = [gone("ana", "c-1", true, Limit::AgentsPerCall)];
    assert_eq!(hear(&mut calls, "eva", Offered, 0).forgotten, over, "of one moment the least id");
    let older = hear(&mut calls, "ana", Connected, -1);
    assert_eq!((older.change, older.forgotten), (Change::StillOver, over.to_vec()));
    assert_eq!(hear(&mut calls, "ana", Connected, 5).change, Change::Opened, "it comes back with a later event");
    assert!(!calls.knows(&key("ben")) && calls.knows(&key("eva")));
}

#[test]
fn of_more_open_calls_than_one_agent_may_have_the_oldest_goes_and_ended_ones_do_not_count() {
    let mut calls = within(10, 2);
    applied(&mut calls, call("ana", "c-1", Connected, 0));
    applied(&mut calls, call("ana", "c-2", Connected, 1));
    applied(&mut calls, call("ana", "c-2", Ended, 2));
    assert_eq!(applied(&mut calls, call("ana", "c-3", Offered, 3)).forgotten, []);
    let fourth = applied(&mut calls, call("ana", "c-4", Offered, 4));
    assert_eq!(fourth.forgotten, [gone("ana", "c-1", true, Limit::OpenPerAgent)]);
    let newest = calls.newest_visible_of("ana", at(5));
    let ids = newest.iter().map(|seen| seen.key.call_id.as_str());
    assert_eq!(ids.collect::<Vec<_>>(), ["c-4", "c-3", "c-2"], "newest first, and the ended one in its wrap-up");
    assert_eq!(calls.agents().collect::<Vec<_>>(), [("ana", 2)]);
}

#[test]
fn an_offer_that_another_agent_took_leaves_room_for_another_open_call() {
    let mut calls = within(10, 1);
    applied(&mut calls, call("ana", "c-1", Offered, 0));
    applied(&mut calls, call("ben", "c-1", Connected, 1));
    assert_eq!(applied(&mut calls, call("ana", "c-2", Offered, 2)).forgotten, []);
}

#[test]
fn an_offer_does_not_come_back_because_the_agent_who_answered_was_pushed_out() {
    let mut calls = within(2, 10);
    hear(&mut calls, "ana", Connected, 3);
    hear(&mut calls, "eva", Offered, 3);
    assert_eq!(hear(&mut calls, "ben", Offered, 4).forgotten.len(), 1);
    assert!(!calls.knows(&key("ana")) && !calls.is_open(&key("eva")) && calls.is_open(&key("ben")));
}

#[test]
fn names_of_campaigns_and_the_times_to_look_again_do_not_grow_with_the_events_of_a_call() {
    let mut calls = calls();
    for nth in 0..50 {
        let campaign = Campaign { id: format!("campaign-{nth}"), name: Some("Term deposit".into()) };
        let state = if nth % 2 == 0 { Offered } else { Connected };
        applied(&mut calls, Call { campaign: Some(campaign), ..event("ana", state, nth) });
    }
    assert_eq!(calls.known[&key("ana")].names(), known::NAMED_MAX);
    assert_eq!(calls.due.len(), 1);
    let id_only = Campaign { id: "campaign-49".into(), name: None };
    applied(&mut calls, Call { campaign: Some(id_only), ..event("ana", Ended, 60) });
    let campaign = calls.visible(&key("ana"), at(61)).unwrap().call.campaign.unwrap();
    assert_eq!(campaign.name.as_deref(), Some("Term deposit"), "the name that was learned last is known");
}

/// Agent, call, state, seconds.
type Told = (usize, usize, usize, i64);

const AGENTS: [&str; 5] = ["ana", "ben", "eva", "joe", "liv"];
const CALLS: [&str; 5] = ["c-1", "c-2", "c-3", "c-4", "c-5"];
const STATES: [CallState; 4] = [Offered, Connected, WrapUp, Ended];

fn after(calls: &mut OpenCalls, events: &[Told]) {
    for (agent, call_nth, state, seconds) in events {
        applied(calls, call(AGENTS[*agent], CALLS[*call_nth], STATES[*state], *seconds));
    }
    holds_together(calls);
}

/// What is known and what is in the indexes is the same.
fn holds_together(calls: &OpenCalls) {
    let sizes = |of: &dyn Fn(&OfAgent) -> usize| calls.by_agent.values().map(of).sum::<usize>();
    assert_eq!(calls.due.len(), calls.known.len());
    assert_eq!(calls.by_call.values().map(|of_call| of_call.agents.len()).sum::<usize>(), calls.known.len());
    assert_eq!(sizes(&|of_agent| of_agent.known), calls.known.len());
    assert_eq!(sizes(&|of_agent| of_agent.open.len()), calls.known.keys().filter(|key| calls.is_open(key)).count());
    for (key, known) in &calls.known {
        let of_call = &calls.by_call[&key.call_id];
        assert!(of_call.agents.iter().any(|(at, other)| (at, other) == (&known.call.at, key)), "{key:?}");
    }
}

/// The agents of each call, with the events that hold, and which of them are open.
fn known(calls: &OpenCalls) -> Vec<(Arc<CallKey>, CallState, DateTime<Utc>, bool)> {
    let known =
        calls.known.iter().map(|(key, known)| (Arc::clone(key), known.call.state, known.call.at, calls.is_open(key)));
    let mut known: Vec<_> = known.collect();
    known.sort();
    known
}

/// In another order, and some of them twice.
fn shuffled(events: &[Told], order: &[prop::sample::Index]) -> Vec<Told> {
    let mut shuffled = events.to_vec();
    for (nth, with) in order.iter().enumerate() {
        let len = shuffled.len();
        shuffled.swap(nth % len, with.index(len));
    }
    shuffled.extend(order.iter().take(5).map(|nth| events[nth.index(events.len())]));
    shuffled
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_agents_that_stay_on_a_call_do_not_depend_on_the_order_of_events(
        events in prop::collection::vec((0..AGENTS.len(), 0..2usize, 0..STATES.len(), 0..8i64), 1..20),
        order in prop::collection::vec(any::<prop::sample::Index>(), 20),
        agents_per_call_max in 1..5usize,
    ) {
        let (mut one, mut other) = (within(agents_per_call_max, 100), within(agents_per_call_max, 100));
        after(&mut one, &events);
        after(&mut other, &shuffled(&events, &order));
        prop_assert_eq!(known(&one), known(&other));
    }

    /// Of calls that do not end: an end leaves room that an older call might have had (`Limit`).
    #[test]
    fn the_open_calls_that_an_agent_keeps_do_not_depend_on_the_order_of_events(
        events in prop::collection::vec((0..1usize, 0..CALLS.len(), 0..3usize, 0..8i64), 1..20),
        order in prop::collection::vec(any::<prop::sample::Index>(), 20),
        open_per_agent_max in 1..5usize,
    ) {
        let (mut one, mut other) = (within(100, open_per_agent_max), within(100, open_per_agent_max));
        after(&mut one, &events);
        after(&mut other, &shuffled(&events, &order));
        prop_assert_eq!(known(&one), known(&other));
    }

    /// Whatever ends: an open call that fewer calls of its agent follow than may be open is kept by every node.
    #[test]
    fn the_newest_open_calls_of_an_agent_are_kept_whatever_ends(
        events in prop::collection::vec((0..1usize, 0..CALLS.len(), 0..STATES.len(), 0..8i64), 1..20),
        open_per_agent_max in 1..5usize,
    ) {
        let (mut all, mut some) = (within(100, 100), within(100, open_per_agent_max));
        after(&mut all, &events);
        after(&mut some, &events);
        let mut newest = known(&all);
        newest.sort_by_key(|(key, _, at, _)| std::cmp::Reverse((*at, Arc::clone(key))));
        for (key, state, at, is_open) in newest.into_iter().take(open_per_agent_max) {
            prop_assert!(some.knows(&key), "{key:?}");
            prop_assert_eq!((some.known[&key].call.state, some.known[&key].call.at), (state, at));
            prop_assert_eq!(some.is_open(&key), is_open);
        }
        prop_assert!(some.by_agent.values().all(|of_agent| of_agent.open.len() <= open_per_agent_max));
    }
}
