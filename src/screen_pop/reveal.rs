//! A masked number in whole: one at a time, of a call that the session sees, and written into the audit before it is said.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use smol_str::SmolStr;

use super::Way;
use super::audit::text;
use super::preparing::blocking;
use super::searches::{By, Subject};
use crate::audit::{Reason, Record};
use crate::auth::Scope;
use crate::journey::permits::Purpose;
use crate::push::open_calls::Visible;
use crate::push::session::Session;
use crate::push::{Call, Encoded, Reveal};

/// Why it is not said: the code and text of the `error` frame.
type Refused = (&'static str, &'static str);

const NOT_YOURS: Refused = ("forbidden", "This call is none of yours, or it is over.");
const NO_SCOPE: Refused = ("forbidden", "You may not see whole numbers.");
const NO_NUMBER: Refused = ("no_number", "This call carries no number.");
const NO_INTERACTION: Refused = ("forbidden", "This interaction is none of this call's customer.");
const BUSY: Refused = ("busy", "Too much is being asked for right now; try again.");
const FAILED: Refused = ("failed", "The history could not be read; the operators have been told.");
const NOT_AUDITED: Refused = ("failed", "This could not be written into the audit, so the number is not shown.");

/// Answers with a `revealed` frame, or with an `error` that a person understands. Either is in the audit by then.
pub(super) async fn answer(way: Arc<Way>, session: Arc<Session>, reveal: Reveal) {
    let now = Utc::now();
    let call = call_of(&session, &reveal, way.agents().calls_for(&session, now));
    let mut said = match &call {
        Ok(_) if !session.identity().scopes.has(Scope::NumbersReveal) => Err(NO_SCOPE),
        Ok(call) => way.revealed(&session, call, reveal.interaction_id.as_deref(), now).await,
        Err(refused) => Err(*refused),
    };
    let record = record_of(&reveal, call.ok(), said.as_ref().err(), way.audit_of(Reason::Reveal, &session));
    let written = way.audit.tell_and_wait(record).await;
    if !written && said.is_ok() {
        said = Err(NOT_AUDITED);
    }
    way.agents().say(&session, frame_of(&reveal, said.as_deref()), now);
}

/// The call that is meant, if the session sees it.
fn call_of(session: &Session, reveal: &Reveal, sees: Vec<Visible>) -> Result<Call, Refused> {
    let agent_id = reveal.agent_id.as_deref().unwrap_or(&session.agent_id);
    let meant = |call: &Call| call.call_id == reveal.call_id && call.agent_id == agent_id;
    sees.into_iter().map(|seen| seen.call).find(meant).ok_or(NOT_YOURS)
}

fn record_of(reveal: &Reveal, call: Option<Call>, refused: Option<&Refused>, record: Record) -> Record {
    let of_agent = reveal.agent_id.clone().filter(|agent_id| record.agent.as_ref() != Some(agent_id));
    Record {
        call_id: text(&reveal.call_id),
        of_agent: of_agent.as_deref().and_then(text),
        number: call.and_then(|call| call.number).map(String::from),
        interaction_id: reveal.interaction_id.as_deref().and_then(text),
        refused: refused.map(|(code, _)| (*code).to_owned()),
        ..record
    }
}

fn frame_of(Reveal { request, call_id, agent_id, interaction_id }: &Reveal, said: Result<&str, &Refused>) -> String {
    let (agent_id, interaction_id) = (agent_id.as_deref(), interaction_id.as_deref());
    let frame = match said {
        Ok(number) => Encoded::Revealed { request, call_id, agent_id, interaction_id, number },
        Err((code, text)) => Encoded::Error { request: Some(request), code, text: (*text).into() },
    };
    frame.encode()
}

impl Way {
    /// The call's number, or the address of one of the interactions that the session sees in its timeline.
    async fn revealed(
        self: &Arc<Self>,
        session: &Session,
        call: &Call,
        interaction_id: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<String, Refused> {
        let Some(interaction_id) = interaction_id else {
            return call.number.as_ref().map(SmolStr::to_string).ok_or(NO_NUMBER);
        };
        let number = self.customer(call).map_err(|_| NO_NUMBER)?;
        let subject = Subject { session: session.id.clone(), of: By::Reveal(rand::random()) };
        let place = self.searches.enter(&session.agent_id, subject).map_err(|_| BUSY)?;
        let most = *self.settings.journey.statement_timeout;
        let its_turn = async { (place.await, self.sources.turn(Purpose::Reveal).await) };
        let (Ok(running), turn) = tokio::time::timeout(most, its_turn).await.map_err(|_| BUSY)? else {
            return Err(BUSY);
        };
        let mut look_up = self.look_up(&number, &[], now, &turn);
        _ = tokio::time::timeout(most, self.finish(&mut look_up)).await;
        let (way, fields, interaction_id) = (Arc::clone(self), session.fields(), interaction_id.to_owned());
        blocking(move || {
            let _until_done = (running, turn);
            let journey = way.known(&look_up, now).journey.ok_or(FAILED)?;
            fields.address_behind(&journey, &interaction_id).ok_or(NO_INTERACTION)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;
    use smol_str::format_smolstr;

    use super::*;
    use crate::arrival::CallState;
    use crate::auth::Identity;
    use crate::journey::Direction;
    use crate::push::RequestId;
    use crate::push::open_calls::{CallKey, Origin};

    fn now() -> DateTime<Utc> {
        "2026-11-20T21:00:00Z".parse().unwrap()
    }

    fn session() -> Session {
        Session::new(Identity::unverified("ana".into()), Tz::UTC, 8)
    }

    fn visible(agent_id: &str, call_id: &str) -> Visible {
        let call = Call {
            call_id: call_id.into(),
            state: CallState::Offered,
            agent_id: agent_id.into(),
            direction: Direction::Outbound,
            number: Some(format_smolstr!("+1201555{call_id}")),
            campaign: None,
            parent_call_id: None,
            at: now(),
        };
        Visible { key: Arc::new(CallKey::of(&call)), call, heard: Origin::from(now()) }
    }

    fn reveal(call_id: &str, agent_id: Option<&str>) -> Reveal {
        let agent_id = agent_id.map(str::to_owned);
        Reveal { request: RequestId::Number(7), call_id: call_id.into(), agent_id, interaction_id: None }
    }

    fn number(reveal: &Reveal) -> Result<SmolStr, Refused> {
        let sees = vec![visible("ana", "0142"), visible("ben", "0143")];
        call_of(&session(), reveal, sees).map(|call| call.number.unwrap())
    }

    #[test]
    fn only_a_call_that_the_session_sees_is_meant() {
        assert_eq!(number(&reveal("0142", None)).unwrap(), "+12015550142");
        assert_eq!(number(&reveal("0143", Some("ben"))).unwrap(), "+12015550143");
        assert_eq!(number(&reveal("0143", None)), Err(NOT_YOURS), "another agent's, whom it does not name");
        assert_eq!(number(&reveal("0144", None)), Err(NOT_YOURS));
    }

    #[test]
    fn the_audit_says_what_was_asked_for_and_what_came_of_it() {
        let asked = Reveal { interaction_id: Some("i-1".into()), ..reveal("0143", Some("ben")) };
        let at = now();
        let told = |call, refused| {
            let record = Record { agent: Some("ana".into()), ..Record::of(Reason::Reveal, "n-1", at) };
            record_of(&asked, call, refused, record)
        };
        let shown = told(Some(visible("ben", "0143").call), None);
        assert_eq!((shown.number.as_deref(), shown.of_agent.as_deref()), (Some("+12015550143"), Some("ben")));
        assert_eq!((shown.interaction_id.as_deref(), shown.refused), (Some("i-1"), None));
        let refused = told(None, Some(&NO_SCOPE));
        assert_eq!((refused.number, refused.refused.as_deref()), (None, Some("forbidden")));
    }

    #[test]
    fn the_answer_names_what_was_asked_for() {
        let asked = Reveal { interaction_id: Some("i-1".into()), ..reveal("0143", Some("ben")) };
        let frame =
            r#"{"type":"revealed","request":7,"callId":"0143","agentId":"ben","interactionId":"i-1","number":"+1"}"#;
        assert_eq!(frame_of(&asked, Ok("+1")), frame);
        assert!(frame_of(&asked, Err(&NO_SCOPE)).contains(r#""request":7,"code":"forbidden""#));
    }
}
