//! How much is looked at for an event, counted: no event costs more because many agents are on its call.

use super::super::sorted::looked_at;
use super::*;

/// More than the sets that one event goes out of and into again, with what is read of each.
const EVENT_LOOKS_AT_MAX: u64 = 25;

fn on_one_call(agents: usize) -> OpenCalls {
    let mut calls = OpenCalls::new(CallLimits { agents_per_call_max: 1_000_000, ..CallLimits::of_tests(1_000_000) });
    (0..agents).for_each(|nth| _ = hear(&mut calls, &format!("agent-{nth}"), Offered, 0));
    calls
}

fn work(doing: impl FnOnce()) -> u64 {
    let before = looked_at();
    doing();
    looked_at() - before
}

#[test]
fn an_event_on_a_call_with_10_000_agents_looks_at_no_more_than_on_a_call_with_one() {
    let mut calls = on_one_call(10_000);
    // The first takes the offers back; from then on there is nothing to take.
    hear(&mut calls, "agent-0", Connected, 1);
    let (states, agents) = ([Offered, Connected, WrapUp, Ended], ["agent-0", "agent-7777", "another"]);
    for (agent, state, seconds) in agents
        .iter()
        .flat_map(|agent| (2..9).map(move |nth| (agent, nth)))
        .flat_map(|(agent, nth)| states.map(|state| (agent, state, nth)))
    {
        let looked_at = work(|| _ = hear(&mut calls, agent, state, seconds));
        assert!(looked_at <= EVENT_LOOKS_AT_MAX, "{agent} {state:?}: {looked_at}");
    }
    let asked = work(|| {
        calls.visible(&key("agent-7777"), at(50));
        calls.over(&key("agent-1"), at(50));
        calls.newest_visible_of("agent-7777", at(50));
    });
    assert!(asked <= EVENT_LOOKS_AT_MAX, "{asked}");
}

#[test]
fn what_takes_offers_back_costs_as_much_as_there_are_and_once() {
    let mut calls = on_one_call(10_000);
    let mut taken = 0;
    let first = work(|| taken = hear(&mut calls, "agent-1", Connected, 3).taken.len());
    assert_eq!(taken, 9_999);
    assert!(first <= 10_000 * 5, "{first}");
    let second = work(|| taken = hear(&mut calls, "agent-2", Connected, 4).taken.len());
    assert_eq!(taken, 0);
    assert!(second <= EVENT_LOOKS_AT_MAX, "{second}");
}

#[test]
fn twice_as_many_agents_on_one_call_make_twice_the_work_of_all_its_events() {
    let all = |agents: usize| {
        work(|| {
            let mut calls = on_one_call(agents);
            for (state, seconds) in [(Connected, 1), (WrapUp, 2), (Ended, 3)] {
                (0..agents).for_each(|nth| _ = hear(&mut calls, &format!("agent-{nth}"), state, seconds));
            }
            assert_eq!(calls.expire(at(7300)).len(), agents);
        })
    };
    let (half, whole) = (all(1000), all(2000));
    assert!(whole <= half * 2 + 100, "{half}, then {whole}");
}

#[test]
fn one_agent_with_many_calls_costs_as_much_an_event_as_many_agents_with_one() {
    let all = |id: fn(usize) -> (String, String)| {
        work(|| {
            let mut calls = OpenCalls::new(CallLimits::of_tests(1_000_000));
            for (nth, state) in (0..5000).flat_map(|nth| [(nth, Connected), (nth, Ended)]) {
                let (agent, call_id) = id(nth);
                let heard = Call { call_id: call_id.into(), ..event(&agent, state, 0) };
                calls.apply(heard, at(0), at(100));
            }
        })
    };
    let (one, many) = (all(|nth| ("ana".into(), format!("c-{nth}"))), all(|nth| (format!("a-{nth}"), "c-1".into())));
    assert!(one <= many + 100 && many <= one * 2, "{one}, {many}");
}
