//! Timelines that somebody asks for: an agent's search, and the HTTP API.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use smol_str::SmolStr;
use tokio::sync::oneshot::error::TryRecvError;

use super::searches::{By, Running, Subject, Turn as Place};
use super::{Way, views};
use crate::auth::Scope;
use crate::journey::encoded::{EncodedTimeline, Raw};
use crate::journey::permits::{Purpose, Turn};
use crate::journey::sources::{Known, LookingUp};
use crate::journey::timeline::Ask;
use crate::journey::{Cursor, Journey, Keep};
use crate::phone;
use crate::policy::Fields;
use crate::push::session::Session;
use crate::push::{Call, Encoded, RequestId, Search};

/// The texts of one search together, which are kept while it waits: many times what an id, a campaign and a channel have.
const SEARCH_BYTES_MAX: usize = 4096;

/// After a search that took some time, the agent's next one waits for so many times as long, so that costly ones, one after the other,
/// leave most of a core to others. Nobody notices that of an ordinary one.
const PAUSES: u32 = 3;
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Why a search is not answered: the code and text of the `error` frame.
type Refused = (&'static str, &'static str);

const TOO_LONG: Refused = ("bad_frame", "The texts of this search are too long.");
const BUSY: Refused = ("busy", "Too much is being asked for right now; try again.");
const REPLACED: Refused = ("replaced", "A newer search took this one's place.");

/// Why a timeline cannot be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimelineFailure {
    BadMonths,
    /// Too many others were before it.
    Busy,
    Failed,
}

/// Gives a search its place among those that wait, and lets it wait there. Called in the order in which searches came.
pub(super) fn take_in(way: &Arc<Way>, session: &Arc<Session>, search: Search) {
    if bytes_of(&search) > SEARCH_BYTES_MAX {
        way.metrics.crowd.searched(TOO_LONG.0);
        // Not with its request: that may be what is too long.
        return say(
            way,
            session,
            &Encoded::Error { request: None, code: TOO_LONG.0, text: TOO_LONG.1.into() }.encode(),
        );
    }
    let of = match &search.call_id {
        Some(call_id) => By::Call(call_id.clone()),
        None => By::Number(search.number.as_deref().unwrap_or_default().trim().to_owned()),
    };
    match way.searches.enter(&session.agent_id, Subject { session: session.id.clone(), of }) {
        Ok(turn) => _ = way.tasks.spawn(answer(Arc::clone(way), Arc::clone(session), search, turn)),
        Err(_) => refuse(way, session, &search.request, BUSY),
    }
}

fn bytes_of(Search { request, call_id, number, campaign, channel, .. }: &Search) -> usize {
    let request = if let RequestId::Text(text) = request { text.len() } else { 0 };
    request + [call_id, number, campaign, channel].into_iter().flatten().map(String::len).sum::<usize>()
}

fn error(request: &RequestId, (code, text): Refused) -> String {
    Encoded::Error { request: Some(request), code, text: text.into() }.encode()
}

fn refuse(way: &Way, session: &Session, request: &RequestId, refused: Refused) {
    way.metrics.crowd.searched(refused.0);
    say(way, session, &error(request, refused));
}

fn say(way: &Way, session: &Session, frame: &str) {
    way.agents().say(session, frame.to_owned(), Utc::now());
}

/// The search runs until its answer has left for the client.
fn send_answer(
    way: &Way,
    session: &Session,
    request: &RequestId,
    (came, frame): (&'static str, String),
    running: Arc<Running>,
) {
    if way.agents().answer(session, frame, running, Utc::now()) {
        way.metrics.crowd.searched(came);
    } else {
        refuse(way, session, request, BUSY);
    }
}

/// Answers a search with a `timeline` frame, or with an `error` that a person understands.
async fn answer(way: Arc<Way>, session: Arc<Session>, search: Search, mut turn: Place) {
    let request = search.request.clone();
    // What may not be searched for is refused, and audited, without waiting.
    let mut number = way.searched_number(&session, &search, Utc::now());
    if let Err(refused) = number {
        way.tell_searched(&session, search.call_id.as_deref(), None, Some(refused.0));
        return refuse(&way, &session, &request, refused);
    }
    let (session, running) = match turn.try_recv() {
        Ok(running) => (session, running),
        Err(TryRecvError::Closed) => return refuse(&way, &session, &request, REPLACED),
        Err(TryRecvError::Empty) => {
            // A session that ends meanwhile is not kept for its answer.
            let waits = Arc::downgrade(&session);
            drop(session);
            let turn = turn.await;
            let Some(session) = waits.upgrade() else { return };
            let Ok(running) = turn else { return refuse(&way, &session, &request, REPLACED) };
            // The call may be over by now.
            number = way.searched_number(&session, &search, Utc::now());
            (session, running)
        }
    };
    let began = Instant::now();
    let found = way.search(&session, search, number).await;
    let pause = (began.elapsed() * PAUSES).min(PAUSE_MAX);
    let running = Arc::new(running);
    let paused = Arc::clone(&running);
    way.tasks.spawn(async move {
        tokio::time::sleep(pause).await;
        drop(paused);
    });
    let came = found.as_ref().err().map_or("timeline", |refused| refused.0);
    let frame = match found {
        Ok(timeline) => Encoded::Timeline { request: &request, timeline: Raw(&timeline) }.encode(),
        Err(refused) => error(&request, refused),
    };
    send_answer(&way, &session, &request, (came, frame), running);
}

impl Way {
    /// A timeline for a search; only of the customers of the agent's own calls, and of agents that the session follows, unless
    /// the token says more.
    async fn search(
        self: &Arc<Self>,
        session: &Session,
        search: Search,
        number: Result<String, Refused>,
    ) -> Result<String, Refused> {
        let now = Utc::now();
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
        self.timeline(number, ask, session.fields(), Purpose::Search).await.map_err(|failure| match failure {
            TimelineFailure::BadMonths => ("bad_months", "The period is 3, 6, 9 or 12 months."),
            TimelineFailure::Busy => BUSY,
            TimelineFailure::Failed => ("failed", "The history could not be read; the operators have been told."),
        })
    }

    fn searched_number(&self, session: &Session, search: &Search, now: DateTime<Utc>) -> Result<String, Refused> {
        const FORBIDDEN: Refused = ("forbidden", "This number belongs to none of your calls.");
        const ALIKE: Refused = ("ambiguous", "Several of your calls' numbers end like this: say which call it is.");
        const NO_NUMBER: Refused = ("no_number", "This call carries no number, so there is no history to show.");
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
    pub async fn timeline(
        self: &Arc<Self>,
        number: String,
        ask: Ask,
        fields: Fields,
        purpose: Purpose,
    ) -> Result<String, TimelineFailure> {
        if !matches!(ask.months, 3 | 6 | 9 | 12) {
            return Err(TimelineFailure::BadMonths);
        }
        // Somebody asked and waits: longer than a pop does, but not for ever.
        let most = *self.settings.journey.statement_timeout;
        let turn = tokio::time::timeout(most, self.sources.turn(purpose)).await.map_err(|_| TimelineFailure::Busy)?;
        let mut asked = Asked { number, ask, fields, is_unmasked: false };
        loop {
            let look_up = self.look_up_page(&asked, &turn).await;
            match self.encode(look_up, asked, turn.clone()).await {
                // What was given back is masked: only now it is known what it stands for. That happens once.
                Some(Answer::AskAgain(unmasked)) => asked = unmasked,
                Some(Answer::Timeline(timeline)) => return Ok(timeline),
                None => return Err(TimelineFailure::Failed),
            }
        }
    }

    async fn look_up_page(&self, asked: &Asked, turn: &Turn) -> LookingUp {
        let Asked { number, ask, .. } = asked;
        let (before, page) = (asked.before(), asked.page());
        let mut look_up = self.look_up_pages(number, ask.months, (before.as_ref(), &[page]), ask.now, turn);
        _ = tokio::time::timeout(*self.settings.journey.statement_timeout, self.finish(&mut look_up)).await;
        look_up
    }

    pub(super) fn encoded(&self, look_up: &LookingUp, asked: &Asked) -> Option<Answer> {
        let Known { journey, sources } = self.known(look_up, asked.ask.now);
        let (journey, fields) = (journey?, &asked.fields);
        let divided = fields.divided(&journey);
        if let Some(unmasked) = asked.unmasked(&divided) {
            return Some(Answer::AskAgain(unmasked));
        }
        let ask = Ask { before: asked.before(), ..asked.ask.clone() };
        let (timeline, _) = views::timeline_of(&divided, fields, sources, &ask);
        EncodedTimeline::of(timeline).map(EncodedTimeline::into_json).map(Answer::Timeline).ok()
    }
}

/// What somebody asks for who may see these fields.
#[derive(Clone)]
pub(super) struct Asked {
    number: String,
    ask: Ask,
    fields: Fields,
    /// What the asker gave back of what is masked was replaced by what it stands for.
    is_unmasked: bool,
}

pub(super) enum Answer {
    /// Its JSON.
    Timeline(String),
    AskAgain(Asked),
}

impl Asked {
    /// Where its page begins, as far as that is known: a place within a moment, told by a masked id, is looked for in all of the moment.
    fn before(&self) -> Option<Cursor> {
        let before = self.ask.before.clone()?;
        let is_masked = self.fields.masks_numbers() && !self.is_unmasked && before.id.is_some();
        Some(if is_masked { Cursor::in_front_of(before.at) } else { before })
    }

    /// What the page holds.
    fn page(&self) -> Keep {
        let Self { ask, fields, .. } = self.clone();
        Arc::new(move |interaction| ask.matches(interaction) && fields.lets_see(interaction))
    }

    /// The same of what the masks stand for that were given back; `None` where none was.
    fn unmasked(&self, divided: &Journey) -> Option<Self> {
        let Self { ask, fields, .. } = self;
        if !fields.masks_numbers() || self.is_unmasked {
            return None;
        }
        // What stands for nothing finds nothing: a number that somebody guesses is not confirmed.
        let nothing = || Some(String::new());
        let campaign = ask.campaign.as_deref().and_then(|shown| fields.campaign_id(divided, shown).or_else(nothing));
        let channel = ask.channel.as_deref().and_then(|shown| fields.channel(divided, shown).or_else(nothing));
        // Only a place that was given out: by guesses that compare with a masked id one could find the number in it.
        let is_there = |id: &SmolStr| divided.interactions.iter().any(|one| one.interaction_id == *id);
        let place = |before: &Cursor| Cursor {
            id: before.id.as_deref().map(|id| match id {
                "" => SmolStr::default(),
                shown => fields.interaction_id(divided, shown, before.at).filter(|id| is_there(id)).unwrap_or_default(),
            }),
            ..before.clone()
        };
        let before = ask.before.as_ref().map(place);
        if (&campaign, &channel, &before) == (&ask.campaign, &ask.channel, &self.before()) {
            return None;
        }
        Some(Self { ask: Ask { campaign, channel, before, ..ask.clone() }, is_unmasked: true, ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Identity;
    use crate::config::{Layers, load_without_kafka};
    use crate::journey::Interaction;
    use crate::journey::timeline::Limits;
    use crate::policy::FieldPolicy;

    #[test]
    fn a_guess_at_a_masked_id_begins_a_page_like_any_other_guess() {
        let layers = Layers::new(None, &[("policy.number_digits".into(), "4".into())]).unwrap();
        let policy = FieldPolicy::of(&load_without_kafka(&layers).unwrap().policy);
        let at: DateTime<Utc> = "2026-11-18T10:30:23Z".parse().unwrap();
        let one = |id: &str| -> Interaction {
            let value = serde_json::json!({ "interactionId": id, "source": "data_cloud", "address": "+12015550142",
                                            "channel": "voice", "startedAt": at });
            serde_json::from_value(value).unwrap()
        };
        let journey = Journey {
            number: "+12015550142".into(),
            interactions: vec![one("12015550142/0"), one("plain")],
            ..Journey::default()
        };
        let begins = |id: &str| {
            let limits = Limits { contacts_max: 20, campaigns_max: 100, interactions_max: 500, bytes_max: 1 << 24 };
            let ask = Ask {
                now: at,
                months: 12,
                time_zone: chrono_tz::Tz::UTC,
                campaign: None,
                channel: None,
                before: Some(Cursor { at, id: Some(id.into()) }),
                limits,
            };
            let fields = policy.fields(&Identity::unverified("ana".into()));
            let asked = Asked { number: journey.number.clone(), ask, fields, is_unmasked: false };
            asked.unmasked(&journey).map_or_else(|| asked.before(), |asked| asked.before()).unwrap()
        };
        for guess in ["1", "12", "1201", "13", "9", "12015550142/0"] {
            assert_eq!(begins(guess), Cursor::in_front_of(at), "{guess}");
        }
        assert_eq!(begins("plain").id.as_deref(), Some("plain"), "what was given out holds");
    }
}
