//! Derives what became of a call at an agent from the call events and the ledger's lines. Pure: `now` and all the rest are arguments.

use chrono::{DateTime, TimeDelta, Utc};

use super::find::Found;
use super::ledger::Ledger;
use super::sentences::{self, Answer};
use super::story::Story;
use super::told::{Refused, Step, Told, steps};
use super::{of_pop, stages};
use crate::arrival::CallState;
use crate::push::ledger::record::{NodeState, Outcome, Pop};
use crate::push::open_calls::{CallLimits, Change};

/// Sessions are said again every ten minutes: one that is not in the ledger for so long was not there.
pub const LEDGER_REACH: TimeDelta = TimeDelta::minutes(11);

/// Everything that an answer is derived from.
pub struct Facts<'a> {
    /// Records of the topic of calls: at least all of the calls that are asked for, and those that could not be read.
    pub told: &'a [Told],
    pub ledger: &'a Ledger,
    pub limits: CallLimits,
    pub now: DateTime<Utc>,
}

/// Why this agent got a pop for this call, or none.
pub fn explain(call_id: &str, agent_id: &str, facts: &Facts<'_>) -> Story {
    let steps = steps(call_id, facts.told, facts.limits);
    let own: Vec<&Step<'_>> = steps.iter().filter(|step| step.agent_id == agent_id).collect();
    let pops = facts.ledger.pops_of(call_id, agent_id);
    let own_pops: Vec<&Pop> = pops.iter().copied().filter(|pop| pop.follower.is_none()).collect();
    let at = own.first().map(|step| step.told.time).or(pops.first().map(|pop| pop.heard_at));
    let Answer { verdict, text, todo } = match best(&own_pops) {
        Some(pop) => of_pop::answer_of(pop, &own, &steps, facts.ledger),
        None => without_pop(call_id, agent_id, &steps, facts),
    };
    Story {
        call_id: Some(call_id.to_owned()),
        agent_id: Some(agent_id.to_owned()),
        at,
        verdict,
        text,
        todo,
        stages: stages::of(agent_id, &steps, &pops, facts),
        pops: pops.into_iter().cloned().collect(),
    }
}

/// The session at which the call came furthest.
fn best<'a>(pops: &[&'a Pop]) -> Option<&'a Pop> {
    let rank = |pop: &Pop| match pop.outcome {
        _ if pop.rendered_at.is_some() => 9,
        Outcome::Rendered | Outcome::Known => 8,
        _ if pop.received_at.is_some() => 7,
        Outcome::Received => 7,
        Outcome::Sent => 6,
        Outcome::GivenUp => 5,
        Outcome::SessionClosed => 4,
        Outcome::OutboxFull | Outcome::Waiting => 3,
        Outcome::Over => 2,
        Outcome::Stale => 1,
        Outcome::Unknown => 0,
    };
    // Of equal ones the first.
    pops.iter().rev().max_by_key(|pop| rank(pop)).copied()
}

/// No node wrote that it showed the call to a session of this agent.
fn without_pop(call_id: &str, agent_id: &str, steps: &[Step<'_>], facts: &Facts<'_>) -> Answer {
    let own: Vec<&Step<'_>> = steps.iter().filter(|step| step.agent_id == agent_id).collect();
    let Some(first) = own.first() else { return without_event(call_id, agent_id, facts) };
    let opened = own.iter().find(|step| step.change == Some(Change::Opened));
    let Some(opened) = opened else { return never_opened(first, &own, steps, facts) };
    let at = opened.told.time;
    if let Some(taken) = taken_from(agent_id, steps).filter(|taken| taken.told.time - at < TimeDelta::seconds(1)) {
        return sentences::taken(agent_id, taken.agent_id, taken.told.time - at);
    }
    if !facts.ledger.reaches(at) {
        return sentences::ledger_does_not_reach(facts.ledger, at);
    }
    let nodes = facts.ledger.nodes_at(at);
    if nodes.is_empty() {
        return match facts.ledger.ended_before(at) {
            true => sentences::ledger_does_not_reach(facts.ledger, at),
            false => sentences::no_node(facts.ledger, at),
        };
    }
    let lost = facts.ledger.lost_between(at - LEDGER_REACH, at + TimeDelta::minutes(1));
    if lost > 0 {
        return sentences::lines_lost(lost);
    }
    let over = own.iter().find(|step| matches!(step.change, Some(Change::Ended(_))));
    let over_at = over.map(|step| step.told.time).or(taken_from(agent_id, steps).map(|step| step.told.time));
    if nodes.iter().any(|node| node.state == NodeState::Ready) {
        return of_sessions(agent_id, at, facts);
    }
    // Whoever starts shows the calls that are open when it is ready.
    let ready_at =
        facts.ledger.ready_after(at, None).filter(|ready_at| over_at.is_none_or(|over_at| over_at > *ready_at));
    match ready_at {
        Some(ready_at) => of_sessions(agent_id, ready_at, facts),
        None => sentences::not_ready(&nodes[0], at, facts.ledger),
    }
}

/// Nodes were alive and knew of the call, and nobody wrote of a pop: it is the sessions that tell.
fn of_sessions(agent_id: &str, at: DateTime<Utc>, facts: &Facts<'_>) -> Answer {
    let ledger = facts.ledger;
    let nodes = ledger.nodes_at(at);
    if facts.now - at < TimeDelta::seconds(2) {
        return sentences::too_soon();
    }
    let here = ledger.sessions_at(at).into_iter().find(|session| session.agent_id == agent_id);
    if let Some(session) = here {
        let node = nodes.iter().find(|node| node.line.node == session.node);
        return match node {
            Some(node) if node.fell_silent => sentences::node_fell_silent(node, at),
            Some(node) if node.state == NodeState::Starting => sentences::not_ready(node, at, ledger),
            _ => sentences::session_without_pop(session),
        };
    }
    match ledger.like(agent_id, at).first() {
        Some(session) => sentences::other_id(agent_id, session),
        None => sentences::offline(agent_id, at, &nodes, ledger),
    }
}

/// There are events, and none of them opened the call at this agent.
fn never_opened(first: &Step<'_>, own: &[&Step<'_>], steps: &[Step<'_>], facts: &Facts<'_>) -> Answer {
    if own.iter().any(|step| step.change == Some(Change::Stale)) {
        return sentences::stale(first, facts.limits.open_max);
    }
    if own.iter().all(|step| step.change.is_none()) {
        return sentences::unknown_state();
    }
    // Whoever took it said so before the offer came.
    let connected = |step: &&Step<'_>| step.state == Some(CallState::Connected) && step.told.time <= first.told.time;
    match steps.iter().filter(|step| step.agent_id != first.agent_id).find(connected) {
        Some(taken) if first.state == Some(CallState::Offered) => {
            sentences::taken(first.agent_id, taken.agent_id, TimeDelta::zero())
        }
        _ => sentences::over_before(first),
    }
}

/// The event with which another agent took the offer away from this one.
pub fn taken_from<'s, 'a>(agent_id: &str, steps: &'s [Step<'a>]) -> Option<&'s Step<'a>> {
    steps.iter().find(|step| step.taken_from.iter().any(|from| from == agent_id))
}

/// Nothing readable was published of this call to this agent.
fn without_event(call_id: &str, agent_id: &str, facts: &Facts<'_>) -> Answer {
    let refused = facts.told.iter().find_map(|told| {
        let refused = told.what.as_ref().err()?;
        (refused.names(call_id) || refused.names(agent_id)).then_some((told, refused.refusal))
    });
    match refused {
        Some((told, refusal)) => sentences::refused(told, refusal),
        None => sentences::no_event_for(call_id, agent_id, facts),
    }
}

/// Records that could not be read, and may have been meant: an answer each.
pub fn of_refused(found: &Found, facts: &Facts<'_>) -> Vec<Story> {
    let who = &found.asked().who;
    let refused = facts.told.iter().filter_map(|told| Some((told, told.what.as_ref().err()?)));
    let story = |(told, refused): (&Told, &Refused)| {
        let Answer { verdict, text, todo } = sentences::refused(told, refused.refusal);
        let stages = stages::of_refused(told, refused.refusal);
        let agent_id = refused.key.clone().filter(|key| key == who);
        Story { call_id: None, agent_id, at: Some(told.time), verdict, text, todo, stages, pops: Vec::new() }
    };
    refused.map(story).collect()
}

/// Nothing was published that fits, to the last record.
pub fn of_nothing(found: &Found, facts: &Facts<'_>) -> Story {
    let who = &found.asked().who;
    let pops: Vec<Pop> = facts.ledger.pops().cloned().collect();
    let Answer { verdict, text, todo } = sentences::nothing(found, &pops, facts);
    let known_agent = !facts.ledger.sessions_of(who).is_empty();
    let stages = Vec::new();
    Story { call_id: None, agent_id: known_agent.then(|| who.clone()), at: None, verdict, text, todo, stages, pops }
}
