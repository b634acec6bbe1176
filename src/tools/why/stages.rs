//! The stages of a call at an agent, over the topic of calls and all nodes, in the order of time.

use chrono::{DateTime, TimeDelta, Utc};

use super::explain::Facts;
use super::sentences::{span, state_word};
use super::story::{Mark, Stage};
use super::told::{Step, Told};
use crate::push::EndReason;
use crate::push::ledger::record::{NodeState, Outcome, Pop, SessionLine, Silence, SourceLine};
use crate::push::open_calls::Change;
use crate::record::Refusal;
use crate::tools::output::{counted, thousands};

/// What happened to sessions and nodes so long before the call and after it belongs to its story.
const AROUND: TimeDelta = TimeDelta::minutes(2);
/// An event that is older than this when it comes is said to be.
const OLD: TimeDelta = TimeDelta::seconds(1);

fn stage(at: DateTime<Utc>, node: Option<&str>, mark: Mark, text: String) -> Stage {
    Stage { at, node: node.map(str::to_owned), mark, text }
}

pub fn of(agent_id: &str, steps: &[Step<'_>], pops: &[&Pop], facts: &Facts<'_>) -> Vec<Stage> {
    let mut stages: Vec<Stage> = steps.iter().filter_map(|step| of_event(agent_id, step)).collect();
    stages.extend(pops.iter().flat_map(|pop| of_pop(pop)));
    let own = || steps.iter().filter(|step| step.agent_id == agent_id).map(|step| step.told.time);
    if let Some((from, to)) = own().min().zip(own().max()) {
        let near = |at: DateTime<Utc>| (from - AROUND..=to + AROUND).contains(&at);
        for session in facts.ledger.sessions_of(agent_id) {
            stages.extend(of_session(session).into_iter().filter(|stage| near(stage.at)));
        }
        stages.extend(of_nodes(facts).into_iter().filter(|stage| near(stage.at)));
    }
    // What is equally late stays in the order in which it was said.
    stages.sort_by_key(|stage| stage.at);
    stages
}

/// An event of the agent's own, or one of another agent's that matters to this one.
fn of_event(agent_id: &str, step: &Step<'_>) -> Option<Stage> {
    let own = step.agent_id == agent_id;
    let took = step.taken_from.iter().any(|from| from == agent_id);
    if !own && !took && step.state != Some(crate::arrival::CallState::Connected) {
        return None;
    }
    let told = step.told;
    let state = step.state.map_or("an unknown state", state_word);
    let mut text = format!("{state}{} (partition {}, offset {})", to(own, step.agent_id), told.partition, told.offset);
    if let Some(behind) = told.heard().map(|heard| told.time - heard.at).filter(|behind| behind.abs() >= OLD) {
        let way = if behind > TimeDelta::zero() { "earlier" } else { "later" };
        text += &format!(", of {} {way}", span(behind));
    }
    let (mark, what) = match step.change {
        _ if took => (Mark::Plain, "takes the offer back"),
        None => (Mark::Bad, "changes nothing: this version does not know it"),
        Some(Change::Stale) => (Mark::Bad, "too old: counts as over"),
        Some(Change::Superseded) => (Mark::Plain, "changes nothing: a later event holds, or it is a repetition"),
        Some(Change::StillOver) => (Mark::Plain, "changes nothing: it is not open here"),
        Some(Change::Ended(EndReason::Taken)) => (Mark::Plain, "another agent has the call"),
        Some(Change::Ended(EndReason::Retracted)) => (Mark::Plain, "takes the offer back; nobody had answered"),
        Some(Change::Opened | Change::Changed | Change::Ended(_)) => (Mark::Plain, ""),
    };
    if !what.is_empty() {
        text += &format!("; {what}");
    }
    Some(stage(told.time, None, mark, text))
}

/// A record that nobody could use.
pub fn of_refused(told: &Told, refusal: Refusal) -> Vec<Stage> {
    let text = format!("refused (partition {}, offset {}): {refusal}", told.partition, told.offset);
    vec![stage(told.time, None, Mark::Bad, text)]
}

fn to(own: bool, agent_id: &str) -> String {
    if own { String::new() } else { format!(" to {agent_id}") }
}

fn of_session(session: &SessionLine) -> Vec<Stage> {
    let SessionLine { session: id, node, agent_id, opened_at, closed_at, close_code, .. } = session;
    let mut stages = vec![stage(*opened_at, Some(node), Mark::Plain, format!("{agent_id} connects: session {id}"))];
    stages.extend(closed_at.map(|at| {
        let text = match close_code {
            Some(code) => format!("session {id} is closed by the service with {code}"),
            None => format!("session {id} ends: the client left, or the line broke"),
        };
        stage(at, Some(node), Mark::Plain, text)
    }));
    stages
}

/// Starts, ends and silences; not that all is well.
fn of_nodes(facts: &Facts<'_>) -> Vec<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    let lines = facts.ledger.node_lines();
    for (nth, line) in lines.iter().enumerate() {
        let before = lines[..nth].iter().rev().find(|before| before.node == line.node);
        let (mark, text) = match (before.map(|before| before.state), line.state) {
            (None, NodeState::Starting) => (Mark::Plain, "starts, and reads the replay window"),
            (Some(NodeState::Starting), NodeState::Ready) => (Mark::Plain, "is ready"),
            (Some(NodeState::Ready | NodeState::Starting), NodeState::Draining) => {
                (Mark::Plain, "drains: sends its agents elsewhere")
            }
            (_, NodeState::Stopped) => (Mark::Plain, "has stopped"),
            _ => continue,
        };
        stages.push(stage(line.at, Some(&line.node), mark, text.to_owned()));
    }
    for (nth, line) in lines.iter().enumerate().filter(|(_, line)| line.state != NodeState::Stopped) {
        let after = lines[nth + 1..].iter().find(|after| after.node == line.node);
        let missed = TimeDelta::milliseconds((line.every_ms * 5 / 2).cast_signed());
        let silent_for = after.map_or(facts.now, |after| after.at) - line.at;
        if silent_for > missed {
            let text = match after {
                Some(_) => format!("says nothing for {}", span(silent_for)),
                None => "is not heard of again".into(),
            };
            stages.push(stage(line.at, Some(&line.node), Mark::Bad, text));
        }
    }
    stages
}

fn of_pop(pop: &Pop) -> Vec<Stage> {
    let node = Some(pop.node.as_str());
    let age = TimeDelta::milliseconds(pop.age_ms);
    let mut stages = vec![stage(pop.heard_at, node, Mark::Plain, format!("hears it, {} old", span(age)))];
    let mut add = |at: DateTime<Utc>, mark: Mark, text: String| stages.push(stage(at, node, mark, text));
    let first_sent = pop.sent_at.unwrap_or(pop.at);
    if let Some(look_up) = &pop.look_up {
        let sources: Vec<String> = look_up.sources.iter().map(said).collect();
        let whole = look_up.sources.iter().all(|line| line.missing.is_none());
        let waited = span(TimeDelta::microseconds((look_up.ms * 1000.0) as i64));
        let mark = if whole { Mark::Good } else { Mark::Bad };
        add(first_sent, mark, format!("looks the customer up for {waited}: {}", sources.join(", ")));
    }
    if let Some(at) = pop.sent_at {
        let what = if pop.missing.is_some() { "without a timeline" } else { "with the timeline" };
        let announced = if pop.announced { "announced" } else { "not announced" };
        let follower =
            pop.follower.as_ref().map(|agent| format!(" of {agent}, who follows this agent")).unwrap_or_default();
        let text = format!("sends it to session {}{follower}: {what}, {announced}, {}", pop.session, bytes(pop.bytes));
        add(at, Mark::Good, text);
    }
    if pop.resends > 0 {
        let times = counted(u64::from(pop.resends), "time");
        add(
            pop.received_at.or(pop.rendered_at).unwrap_or(pop.at),
            Mark::Bad,
            format!("has sent it again {times}, unacknowledged"),
        );
    }
    if let Some(at) = pop.received_at {
        add(at, Mark::Good, "the client has received it".into());
    }
    if let Some(at) = pop.rendered_at {
        let took =
            pop.rendered_ms.map(|ms| format!(", drawn in {}", span(TimeDelta::microseconds((ms * 1000.0) as i64))));
        add(at, Mark::Good, format!("it is on the agent's screen{}", took.unwrap_or_default()));
    }
    if let Some(at) = pop.followed_at {
        add(at, Mark::Good, "the rest of the history follows".into());
    }
    if let Some((mark, text)) = end(pop) {
        add(pop.at, mark, text);
    }
    stages
}

/// How it ended, where no other stage says it.
fn end(pop: &Pop) -> Option<(Mark, String)> {
    let session = &pop.session;
    Some(match pop.outcome {
        Outcome::Known => (Mark::Good, format!("session {session} came with it on the screen")),
        Outcome::Waiting => (Mark::Bad, format!("waits in the outbox of session {session}, which does not read")),
        Outcome::Over => (Mark::Plain, "the call is over before the pop is ready".into()),
        Outcome::OutboxFull => (Mark::Bad, format!("session {session} does not read, and is closed as slow")),
        Outcome::GivenUp => (Mark::Bad, format!("gives up: session {session} never acknowledged")),
        Outcome::SessionClosed if pop.sent_at.is_none() => {
            (Mark::Bad, format!("session {session} ends before it is sent"))
        }
        Outcome::SessionClosed => (Mark::Bad, format!("session {session} ends without having acknowledged")),
        Outcome::Stale => (Mark::Bad, "too old: counts as over".into()),
        Outcome::Sent | Outcome::Received | Outcome::Rendered | Outcome::Unknown => return None,
    })
}

fn said(line: &SourceLine) -> String {
    let name = line.source.name();
    match (line.rows, line.missing) {
        (_, Some(Silence::Timeout)) => format!("{name} has not answered"),
        (_, Some(Silence::Failed)) => format!("{name} failed"),
        (_, Some(Silence::Unknown)) => format!("{name} gave nothing"),
        (rows, None) => format!("{name} {}", counted(rows.unwrap_or_default(), "interaction")),
    }
}

fn bytes(bytes: u64) -> String {
    if bytes < 10_000 { format!("{} bytes", thousands(bytes)) } else { format!("{} KB", thousands(bytes / 1000)) }
}
