//! The answers where no pop was sent, as one says them to somebody who was woken up by the question.

use std::fmt::Write as _;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::explain::Facts;
use super::find::Found;
use super::ledger::{Ledger, NodeThen, alike};
use super::story::Verdict;
use super::told::{Step, Told};
use crate::push::ledger::record::{NodeState, Pop, SessionLine};
use crate::record::Refusal;
use crate::tools::output::counted;

/// A verdict, why, and what to do about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub verdict: Verdict,
    pub text: String,
    pub todo: Option<String>,
}

pub fn answer(verdict: Verdict, text: impl Into<String>, todo: &str) -> Answer {
    Answer { verdict, text: text.into(), todo: (!todo.is_empty()).then(|| todo.to_owned()) }
}

const SAME_ID: &str =
    "let both say the same id, to the letter, or say in [agents.aliases] of the settings that one stands for the other";

pub const MEND_CLOCKS: &str =
    "compare the telephone system's clock with this machine's, and see whether its events are published late";

/// Before anything could be shown.
pub fn taken(agent_id: &str, by: &str, after: TimeDelta) -> Answer {
    let when = if after > TimeDelta::zero() {
        format!("{} after it was offered to {agent_id}, before anything could be shown", span(after))
    } else {
        format!("before its offer to {agent_id} came")
    };
    answer(Verdict::Taken, format!("{by} took the call {when}"), "")
}

pub fn stale(first: &Step<'_>, open_max: TimeDelta) -> Answer {
    let age = first.told.heard().map(|heard| first.told.time - heard.since).unwrap_or_default();
    let age = if age >= open_max {
        age
    } else {
        first.told.heard().map(|heard| first.told.time - heard.at).unwrap_or_default()
    };
    answer(
        Verdict::Stale,
        format!(
            "the event was {} old when it came: older than calls.open_max ({}), so the call counts as over",
            span(age),
            span(open_max)
        ),
        MEND_CLOCKS,
    )
}

pub fn over_before(first: &Step<'_>) -> Answer {
    let state = first.state.map_or("unknown", state_word);
    answer(
        Verdict::Over,
        format!(
            "the first event that came said \"{state}\": by then the call was over for this agent, or a later event held"
        ),
        "see that the telephone system publishes `offered` when it rings, keyed by agent so that events keep their order",
    )
}

/// A state, as people say it.
pub fn state_word(state: crate::arrival::CallState) -> &'static str {
    use crate::arrival::CallState::{Connected, Ended, Offered, WrapUp};
    match state {
        Offered => "offered",
        Connected => "connected",
        WrapUp => "wrap-up",
        Ended => "ended",
    }
}

pub fn unknown_state() -> Answer {
    answer(
        Verdict::Over,
        "its events carry a state that this version does not know, and changed nothing",
        "see that `state` is offered, connected, wrap_up or ended",
    )
}

pub fn ledger_does_not_reach(ledger: &Ledger, at: DateTime<Utc>) -> Answer {
    let text = match ledger.span() {
        None => "not known: no node has written to the ledger in this time".to_owned(),
        Some((first, _)) if at < first => {
            format!("not known: the event came {} before the ledger's first line", span(first - at))
        }
        Some((_, last)) => format!("not known: the event came {} after the ledger's last line", span(at - last)),
    };
    answer(
        Verdict::Unknown,
        text,
        "see that a service runs, and that the topic exists (`backstory check`); a node itself knows the last hour: GET /v1/pops on http.admin_listen",
    )
}

pub fn lines_lost(lost: u64) -> Answer {
    answer(
        Verdict::Unknown,
        format!("not known: {} of the ledger could not be written at that time", counted(lost, "line")),
        "a node itself knows the last hour: GET /v1/pops on http.admin_listen; backstory_ledger_lost_total says why lines are lost",
    )
}

pub fn too_soon() -> Answer {
    answer(Verdict::Unknown, "not known yet: the event came a moment ago", "ask again in two seconds")
}

pub fn session_without_pop(session: &SessionLine) -> Answer {
    answer(
        Verdict::Unknown,
        format!(
            "not known: the agent's session {} on {} was open, and the ledger says nothing of this call there",
            session.session, session.node
        ),
        "look into that node's log around this time: it may have ended before it wrote; GET /v1/pops on its http.admin_listen has what it keeps",
    )
}

pub fn no_node(ledger: &Ledger, at: DateTime<Utc>) -> Answer {
    let lines = ledger.node_lines();
    let before = lines.iter().rev().find(|line| line.at <= at);
    let after = lines.iter().find(|line| line.at > at);
    let mut text = String::from("no node was alive when the event came");
    if let Some(line) = before {
        let how = if line.state == NodeState::Stopped { "was stopped" } else { "was last heard of" };
        _ = write!(text, ": {} {how} {} before", line.node, span(at - line.at));
    }
    if let Some(line) = after {
        _ = write!(
            text,
            "{} {} came {} after",
            if before.is_some() { ", and" } else { ":" },
            line.node,
            span(line.started_at.max(at) - at)
        );
    }
    answer(
        Verdict::NodeGone,
        text,
        "run two nodes or more, and restart them one after the other: agents come back to the one that is there",
    )
}

pub fn node_fell_silent(node: &NodeThen<'_>, at: DateTime<Utc>) -> Answer {
    answer(
        Verdict::NodeGone,
        format!(
            "the agent's session was on {}, which wrote its last line {} before the event and was gone or stood still then",
            node.line.node,
            span(at - node.line.at)
        ),
        "look whether that machine, or the process, died or was paused (out of memory, a snapshot of the machine)",
    )
}

pub fn not_ready(node: &NodeThen<'_>, at: DateTime<Utc>, ledger: &Ledger) -> Answer {
    let mut text = format!(
        "{} had started {} before, and was still reading the replay window",
        node.line.node,
        span(at - node.line.started_at)
    );
    if let Some(ready_at) = ledger.ready_after(at, Some(&node.line.node)) {
        _ = write!(text, "; it was ready {} after the event, when the call was over", span(ready_at - at));
    }
    answer(
        Verdict::NotReady,
        text,
        "restart nodes one after the other, each when the one before says ready (GET /readyz): agents stay with those that are",
    )
}

pub fn other_id(agent_id: &str, session: &SessionLine) -> Answer {
    answer(
        Verdict::OtherId,
        format!(
            "nobody was connected as \"{agent_id}\", but \"{}\" was (session {} on {}): the event and the desktop write the id differently",
            session.agent_id, session.session, session.node
        ),
        SAME_ID,
    )
}

pub fn offline(agent_id: &str, at: DateTime<Utc>, nodes: &[NodeThen<'_>], ledger: &Ledger) -> Answer {
    let sessions = ledger.sessions_of(agent_id);
    let before = sessions.iter().rev().find(|session| session.opened_at <= at);
    let after = sessions.iter().find(|session| session.opened_at > at);
    let open = ledger.sessions_at(at);
    let sessions_of = |node: &str| open.iter().filter(|session| session.node == node).count() as u64;
    let node = |node: &NodeThen<'_>| {
        let node = node.line.node.as_str();
        format!("{node} ({})", counted(sessions_of(node), "session"))
    };
    let nodes_then: Vec<String> = nodes.iter().map(node).collect();
    if let Some(session) = before.filter(|session| session.closed_at.is_none()) {
        return answer(
            Verdict::NodeGone,
            format!(
                "{agent_id}'s session {} was on {}, which was gone by then, and the agent had not come back to another node; alive: {}",
                session.session,
                session.node,
                nodes_then.join(", ")
            ),
            "look why that node went; clients come back by themselves within seconds",
        );
    }
    let mut text = format!("{agent_id} was offline: no session on any node; alive: {}", nodes_then.join(", "));
    match before.and_then(|session| session.closed_at.map(|closed_at| (session, closed_at))) {
        Some((session, closed_at)) => {
            let code = session.close_code.map(|code| format!(" with {code}")).unwrap_or_default();
            _ = write!(
                text,
                ". The last one, {} on {}, closed{code} {} before",
                session.session,
                session.node,
                span(at - closed_at)
            );
        }
        None => text += ". None was open in the time before, either",
    }
    if let Some(session) = after {
        _ = write!(text, "; the next one opened {} after", span(session.opened_at - at));
    }
    answer(Verdict::Offline, text, "see whether the agent's desktop was open and logged in, under exactly this id")
}

pub fn refused(told: &Told, refusal: Refusal) -> Answer {
    answer(
        Verdict::Refused,
        format!("the event in partition {}, offset {}, could not be used: {refusal}", told.partition, told.offset),
        "mend what publishes it: the record stays as it is in the topic, and schemas/call.schema.json says what it must hold",
    )
}

/// Nothing was published of this call to this agent; who else has it?
pub fn no_event_for(call_id: &str, agent_id: &str, facts: &Facts<'_>) -> Answer {
    let heard = || facts.told.iter().filter_map(Told::heard);
    let of_call = || heard().filter(|heard| heard.event.call_id == call_id).map(|heard| heard.event.agent_id.as_str());
    let mut others: Vec<&str> = of_call().collect();
    others.sort_unstable();
    others.dedup();
    if let Some(like) = others.iter().find(|other| alike(other, agent_id)) {
        return answer(
            Verdict::OtherId,
            format!(
                "no event names \"{agent_id}\" for this call, but there are some for \"{like}\": the ids are written differently"
            ),
            SAME_ID,
        );
    }
    let text = match others.as_slice() {
        [] => "nothing was published of it in this time".to_owned(),
        others => format!("nothing was published of this call to {agent_id}; its events are to {}", others.join(", ")),
    };
    answer(Verdict::NoEvent, text, LOOK_AT_THE_SWITCH)
}

/// Nothing that was published fits what was asked.
pub fn nothing(found: &Found, pops: &[Pop], facts: &Facts<'_>) -> Answer {
    let who = &found.asked().who;
    let records = counted(found.records, "record");
    let mut text =
        format!("nothing was published of \"{who}\" in this time: {records} of the topic of calls were looked at");
    if let Some(like) = found.alike.iter().next() {
        let text =
            format!("no event names \"{who}\", but there are some for \"{like}\": the ids are written differently");
        return answer(Verdict::OtherId, text, SAME_ID);
    }
    if let Some(session) = facts.ledger.sessions_at(facts.now).into_iter().find(|session| session.agent_id == *who) {
        _ = write!(
            text,
            ". The agent is connected (session {} on {}), so events would be shown",
            session.session, session.node
        );
    } else if !facts.ledger.sessions_of(who).is_empty() {
        text += ". The agent was connected in this time, and is not now";
    }
    if !pops.is_empty() {
        _ = write!(
            text,
            ". The ledger has {} of it: the topic of calls does not keep its events so long",
            counted(pops.len() as u64, "pop")
        );
    }
    answer(Verdict::NoEvent, text, LOOK_AT_THE_SWITCH)
}

pub const LOOK_AT_THE_SWITCH: &str = "see that the telephone system publishes to the topic of calls (its own log, its connector); --since looks further back";

/// A time that passed, as people say it: the two largest units.
pub fn span(time: TimeDelta) -> String {
    let Ok(time) = time.abs().to_std() else { return "a moment".into() };
    let seconds = time.as_secs();
    match time {
        _ if time < Duration::from_millis(1) => format!("{} µs", time.as_micros()),
        _ if time < Duration::from_millis(10) => format!("{:.1} ms", time.as_secs_f64() * 1000.0),
        _ if time < Duration::from_secs(1) => format!("{} ms", time.as_millis()),
        _ if seconds < 10 => format!("{:.1} s", time.as_secs_f64()),
        _ if seconds < 120 => format!("{seconds} s"),
        _ if seconds < 7200 => format!("{} min", seconds / 60),
        _ if seconds < 172_800 && seconds % 3600 < 60 => format!("{} h", seconds / 3600),
        _ if seconds < 172_800 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} days", seconds / 86_400),
    }
}
