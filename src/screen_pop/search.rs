//! Timelines that somebody asks for: an agent's search, and the HTTP API.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Way, views};
use crate::auth::Scope;
use crate::journey::encoded::{EncodedTimeline, Raw};
use crate::journey::sources::Known;
use crate::journey::timeline::Ask;
use crate::journey::{Cursor, Keep};
use crate::phone;
use crate::policy::Fields;
use crate::push::session::Session;
use crate::push::{Call, Encoded, Search};

/// Why a timeline cannot be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimelineFailure {
    BadMonths,
    Failed,
}

/// Answers a search with a `timeline` frame, or with an `error` that a person understands.
pub(super) async fn answer(way: Arc<Way>, session: Arc<Session>, search: Search) {
    let request = search.request.clone();
    let frame = match way.search(&session, search).await {
        Ok(timeline) => Encoded::Timeline { request: &request, timeline: Raw(&timeline) }.encode(),
        Err((code, text)) => Encoded::Error { request: Some(&request), code, text: text.into() }.encode(),
    };
    way.agents().say(&session, frame, Utc::now());
}

impl Way {
    /// A timeline for a search; only of the customers of the agent's own calls, and of agents that the session follows, unless
    /// the token says more.
    async fn search(&self, session: &Session, search: Search) -> Result<String, (&'static str, &'static str)> {
        let now = Utc::now();
        let number = self.searched_number(session, &search, now);
        self.tell_searched(
            session,
            search.call_id.as_deref(),
            number.clone().ok(),
            number.as_ref().err().map(|no| no.0),
        );
        let number = number?;
        let months = search.months.unwrap_or(self.settings.journey.period_months.get());
        let ask = Ask {
            months,
            time_zone: session.time_zone,
            campaign: search.campaign,
            channel: search.channel,
            before: search.before.map(|at| Cursor { at, id: search.before_id }),
            ..self.default_ask(now)
        };
        self.timeline(number, ask, &session.fields()).await.map_err(|failure| match failure {
            TimelineFailure::BadMonths => ("bad_months", "The period is 3, 6, 9 or 12 months."),
            TimelineFailure::Failed => ("failed", "The history could not be read; the operators have been told."),
        })
    }

    fn searched_number(
        &self,
        session: &Session,
        search: &Search,
        now: DateTime<Utc>,
    ) -> Result<String, (&'static str, &'static str)> {
        const FORBIDDEN: (&str, &str) = ("forbidden", "This number belongs to none of your calls.");
        const ALIKE: (&str, &str) =
            ("ambiguous", "Several of your calls' numbers end like this: say which call it is.");
        const NO_NUMBER: (&str, &str) = ("no_number", "This call carries no number, so there is no history to show.");
        let own: Vec<Call> = self.agents().calls_for(session, now).into_iter().map(|seen| seen.call).collect();
        if let Some(call_id) = &search.call_id {
            let call = own
                .iter()
                .find(|call| call.call_id == *call_id)
                .ok_or(("forbidden", "This call is none of yours, or it is over."))?;
            return self.customer(call).map_err(|_| NO_NUMBER);
        }
        let given = search.number.as_deref().ok_or(("bad_frame", "A search names a call or a number."))?;
        let fields = session.fields();
        let any_number = session.identity().scopes.has(Scope::JourneySearch);
        if fields.masks_numbers() {
            // As it is shown; otherwise only for whoever may ask for any number: an agent who could try whole ones would find the
            // one behind the mask.
            let mut alike: Vec<_> = own.iter().filter_map(|call| call.number.as_deref()).collect();
            alike.retain(|number| fields.address(number) == given.trim());
            alike.sort();
            alike.dedup();
            match alike.as_slice() {
                [number] => return Ok((*number).to_owned()),
                [] if any_number => {}
                [] => return Err(FORBIDDEN),
                _ => return Err(ALIKE),
            }
        }
        let number = phone::address(given, self.settings.journey.default_region.0).ok_or(NO_NUMBER)?;
        if any_number {
            return Ok(number);
        }
        own.iter().any(|call| call.number.as_deref() == Some(&number)).then_some(number).ok_or(FORBIDDEN)
    }

    /// A timeline's JSON, as `GET /v1/journeys/{number}` and searches give it to somebody who may see these fields.
    pub async fn timeline(&self, number: String, ask: Ask, fields: &Fields) -> Result<String, TimelineFailure> {
        if !matches!(ask.months, 3 | 6 | 9 | 12) {
            return Err(TimelineFailure::BadMonths);
        }
        let page = page_of(&ask, fields);
        let mut look_up = self.look_up_pages(&number, ask.months, ask.before.as_ref(), &[page], ask.now);
        // Somebody asked and waits: longer than a pop does, but not for ever.
        _ = tokio::time::timeout(*self.settings.journey.statement_timeout, self.finish(&mut look_up)).await;
        let Known { journey, sources } = self.known(&look_up, ask.now);
        let journey = journey.ok_or(TimelineFailure::Failed)?;
        let divided = fields.divided(&journey);
        let (timeline, _) = views::timeline_of(&divided, fields, sources, &ask);
        let timeline = EncodedTimeline::of(timeline);
        timeline.map(EncodedTimeline::into_json).map_err(|_| TimelineFailure::Failed)
    }
}

/// What an answer shows.
fn page_of(ask: &Ask, fields: &Fields) -> Keep {
    let (ask, fields) = (ask.clone(), fields.clone());
    Arc::new(move |interaction| ask.matches(interaction) && fields.lets_see(interaction))
}
