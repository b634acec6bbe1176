//! The answers where a pop was sent, or was about to be: what the agent saw, how late, and what was missing.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};

use super::explain::taken_from;
use super::ledger::Ledger;
use super::sentences::{Answer, MEND_CLOCKS, answer, span};
use super::story::Verdict;
use super::told::Step;
use crate::push::MissingCode;
use crate::push::ledger::record::{Outcome, Pop, Silence};
use crate::tools::output::counted;

const BACK_IN_TIME: &str =
    "the page was closed or reloaded, or the line broke; back in time, the agent was sent the call again as a new pop";
const LOOK_AT_THE_LINE: &str = "look at the agent's network and computer (a tab that sleeps, a line that loses packets); the bounds are http.outbox_frames_max and http.write_timeout";

/// A pop that came later than this is explained.
const LATE: TimeDelta = TimeDelta::seconds(2);

/// From what became of it at the session where it came furthest.
pub fn answer_of(pop: &Pop, own: &[&Step<'_>], all: &[Step<'_>], ledger: &Ledger) -> Answer {
    let agent = &pop.agent_id;
    let session = format!("session {} on {}", pop.session, pop.node);
    match pop.outcome {
        _ if pop.rendered_at.is_some() || pop.received_at.is_some() => seen(pop, own, all, ledger),
        Outcome::Rendered | Outcome::Received | Outcome::Known => seen(pop, own, all, ledger),
        Outcome::Sent => answer(
            Verdict::Sent,
            format!("it was sent to {agent} ({session}), and is not acknowledged yet"),
            "ask again in a moment; a client of your own that never acknowledges looks like this, too",
        ),
        Outcome::GivenUp => answer(
            Verdict::NotAcknowledged,
            format!(
                "it was sent to {agent} {} ({session}) and never acknowledged, so it was given up",
                counted(u64::from(pop.resends) + 1, "time")
            ),
            "the line or the desktop stood still: look at the agent's network and computer; a client of your own must send `ack`",
        ),
        Outcome::SessionClosed if pop.sent_at.is_none() => answer(
            Verdict::NotAcknowledged,
            format!("{agent}'s {session} ended before it could be sent there"),
            BACK_IN_TIME,
        ),
        Outcome::SessionClosed => answer(
            Verdict::NotAcknowledged,
            format!("it was sent to {agent} ({session}), and the session ended before it acknowledged"),
            BACK_IN_TIME,
        ),
        Outcome::OutboxFull => answer(
            Verdict::Slow,
            format!("{agent}'s client did not read what it was sent, so {session} was closed as slow"),
            LOOK_AT_THE_LINE,
        ),
        Outcome::Waiting => answer(
            Verdict::Slow,
            format!("it waits in the outbox of {session}: {agent}'s client does not read what it is sent"),
            LOOK_AT_THE_LINE,
        ),
        Outcome::Over => answer(
            Verdict::Over,
            format!("the call was over, or another agent's, before its pop was ready for {agent}"),
            look_up_took(pop)
                .map_or("", |_| "if it rang for longer than that, look at the look-up: backstory_lookup_seconds"),
        ),
        Outcome::Stale => answer(
            Verdict::Stale,
            format!(
                "the event was {} old when it was heard: older than calls.open_max, so the call counts as over",
                span(TimeDelta::milliseconds(pop.age_ms))
            ),
            MEND_CLOCKS,
        ),
        Outcome::Unknown => answer(
            Verdict::Unknown,
            "the ledger has a pop whose outcome only a later version of Backstory knows",
            "ask with the version that the nodes run",
        ),
    }
}

/// It is on the screen, or in the client: what the agent saw, and when.
fn seen(pop: &Pop, own: &[&Step<'_>], all: &[Step<'_>], ledger: &Ledger) -> Answer {
    let agent = &pop.agent_id;
    let first = own.first().map_or(pop.event.at, |step| step.told.time);
    let shown_at = pop.rendered_at.or(pop.received_at).unwrap_or(pop.at);
    let after = span(shown_at - first);
    let mut text = match pop.outcome {
        Outcome::Known if pop.sent_at.is_none() => {
            format!("{agent} had it on the screen already when this session opened")
        }
        _ if pop.rendered_at.is_some() => format!("{agent} saw it, {after} after the event came"),
        _ => format!("{agent}'s client has it, {after} after the event came; that it was drawn was not acknowledged"),
    };
    text += &without_history(pop);
    if !pop.announced && pop.sent_at.is_some() {
        _ = write!(text, "; it was shown without being announced, because {}", unannounced(pop));
    }
    if shown_at - first > LATE && pop.sent_at.is_some() {
        text += &late(pop, first, ledger);
    }
    if pop.resends > 0 {
        _ = write!(text, "; it had to be sent {}", counted(u64::from(pop.resends) + 1, "time"));
    }
    if let Some(taken) = taken_from(agent, all) {
        let after = span(taken.told.time - first);
        _ = write!(text, "; then {} took the call, {after} after it was offered", taken.agent_id);
    }
    Answer { verdict: Verdict::Seen, text, todo: history_todo(pop) }
}

fn unannounced(pop: &Pop) -> String {
    if pop.age_ms > 1000 {
        format!("the event was {} old when it was heard (calls.age_max)", span(TimeDelta::milliseconds(pop.age_ms)))
    } else {
        "it was not new any more".into()
    }
}

/// What it was that came between the event and the screen.
fn late(pop: &Pop, first: DateTime<Utc>, ledger: &Ledger) -> String {
    let session = ledger.sessions_of(&pop.agent_id).into_iter().find(|line| line.session == pop.session);
    let opened_at = session.map(|line| line.opened_at).filter(|opened_at| *opened_at > first);
    let sent_at = pop.sent_at.unwrap_or(pop.at);
    if let Some(opened_at) = opened_at {
        return format!(": the agent connected only {} after it", span(opened_at - first));
    }
    if pop.heard_at - first > LATE {
        return format!(": {} heard it only {} after it", pop.node, span(pop.heard_at - first));
    }
    if let Some(took) = look_up_took(pop).filter(|took| *took > LATE) {
        return format!(": the look-up took {}", span(took));
    }
    let acknowledged = pop.rendered_at.or(pop.received_at);
    match acknowledged {
        Some(shown_at) if shown_at - sent_at > LATE => {
            format!(": it was sent in time, and the client took {} to show it", span(shown_at - sent_at))
        }
        _ => String::new(),
    }
}

fn look_up_took(pop: &Pop) -> Option<TimeDelta> {
    pop.look_up.as_ref().map(|look_up| TimeDelta::microseconds((look_up.ms * 1000.0) as i64))
}

/// The names of the sources that said nothing in time, and why.
fn silent(pop: &Pop, why: Silence) -> Vec<&'static str> {
    let sources = pop.look_up.iter().flat_map(|look_up| &look_up.sources);
    sources.filter(|line| line.missing == Some(why)).map(|line| line.source.name()).collect()
}

/// What was sent in the place of the timeline, or of a part of it.
fn without_history(pop: &Pop) -> String {
    let (late, failed) = (silent(pop, Silence::Timeout), silent(pop, Silence::Failed));
    let waited = look_up_took(pop).map(|took| format!(" within {}", span(took))).unwrap_or_default();
    let mut text = match pop.missing {
        Some(MissingCode::NoNumber) => {
            return "; without a history, because the call carries no number (anonymous, empty or an extension)".into();
        }
        Some(MissingCode::InboundNeedsDataCloud) => {
            return "; without a history, because for inbound calls it comes from Data Cloud, and journey.source is campaign_manager".into();
        }
        Some(_) => "; first without a history".to_owned(),
        None if late.is_empty() && failed.is_empty() => return String::new(),
        None => "; first without a part of the history".to_owned(),
    };
    if !late.is_empty() {
        _ = write!(text, ": {} did not answer{waited}", late.join(" and "));
    }
    if !failed.is_empty() {
        _ = write!(text, ": {} failed", failed.join(" and "));
    }
    if pop.missing == Some(MissingCode::Timeout) {
        text += ", and the agent read that it takes longer than usual";
    }
    match (pop.followed_at, pop.sent_at) {
        (Some(followed_at), Some(sent_at)) => {
            _ = write!(text, "; the rest followed {} later", span(followed_at - sent_at));
        }
        _ => text += "; the rest has not followed",
    }
    text
}

fn history_todo(pop: &Pop) -> Option<String> {
    let todo = if !silent(pop, Silence::Failed).is_empty() || pop.missing == Some(MissingCode::Failed) {
        "the node's log says why the look-up failed; `backstory check` tries the store out"
    } else if !silent(pop, Silence::Timeout).is_empty() || pop.missing == Some(MissingCode::Timeout) {
        "look at the store: backstory_lookup_seconds says how often it is slow; a pop waits journey.lookup_timeout for it"
    } else {
        match pop.missing {
            Some(MissingCode::InboundNeedsDataCloud) => "set journey.source to both, or to data_cloud",
            Some(MissingCode::NoNumber) => {
                "if the call has one, see that the telephone system writes it: `from` of inbound calls, `to` of others"
            }
            _ => return None,
        }
    };
    Some(todo.into())
}
