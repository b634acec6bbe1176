//! The way of a call: heard, decided, known, prepared, pushed. Here, and nowhere else, `arrival`, `journey` and `push` meet.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use futures_util::FutureExt as _;
use smol_str::SmolStr;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use crate::arrival::{self, Heard as CallHeard};
use crate::audit::Audit;
use crate::config::{JourneySource, Settings};
use crate::journey::permits::Turn;
use crate::journey::sources::{Asked, Known, LookingUp};
use crate::journey::timeline::{self, Ask as TimelineAsk};
use crate::journey::{Cursor, Direction, Journey, Keep, SourceMissing, Sources, retention};
use crate::kafka::Record;
use crate::limited_log::RefusedRecords;
use crate::metrics::Metrics;
use crate::phone;
use crate::push::agents::{Agents, Decision};
use crate::push::asks::{Ask, Wanted};
use crate::push::connection::Door;
use crate::push::ledger::Context;
use crate::push::open_calls::{CallKey, Change, Limit, Origin, Visible};
use crate::push::prepared::Prepared;
use crate::push::seat::Delivery;
use crate::push::session::Session;
use crate::push::{Call, MissingCode};
use crate::record::Refusal;

mod after_panic;
mod audit;
mod hearing;
mod ledger;
mod live;
mod paced;
mod preparing;
mod reveal;
mod search;
mod searches;
mod set_aside;
mod views;

pub use hearing::Hearing;
pub use ledger::{Life, keep_ledger};
pub use live::{Updates, follow_changes};
use paced::{show_in_turn, show_open_calls};
pub use preparing::LongPreparations;
pub use search::TimelineFailure;
pub use searches::Searches;
pub use set_aside::{SetAsideQueue, keep_set_aside};
use views::View;

/// How often it is looked what is due.
const DUE_EVERY: Duration = Duration::from_millis(250);
const FORGOTTEN_SAID_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Everything that a call passes.
pub struct Way {
    pub sources: Sources,
    pub door: Door,
    pub metrics: Arc<Metrics>,
    pub refused: Arc<RefusedRecords>,
    pub settings: Settings,
    pub tasks: TaskTracker,
    pub audit: Audit,
    pub updates: Updates,
    pub searches: Searches,
    pub preparing: LongPreparations,
    pub set_aside: SetAsideQueue,
}

/// What became of a call event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallResult {
    Refused(Refusal),
    /// A state that this version does not know: data, no error.
    UnknownState,
    /// Being looked up for the agent's sessions.
    Announced,
    /// As above, but too old to make something of it, or only followed by sessions of others.
    Shown,
    /// Open, and no session on this node sees the agent's calls.
    NoSessionHere,
    Changed,
    Ended,
    Superseded,
    Stale,
}

impl CallResult {
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::UnknownState => "unknown_state",
            Self::Announced => "announced",
            Self::Shown => "shown",
            Self::NoSessionHere => "no_session_here",
            Self::Changed => "changed",
            Self::Ended => "ended",
            Self::Superseded => "superseded",
            Self::Stale => "stale",
        }
    }
}

/// The way itself. Waits for nothing: where a look-up has to be waited for, it goes on beside the next record.
pub fn screen_pop(way: &Arc<Way>, record: &Record, now: DateTime<Utc>) -> CallResult {
    // 1 hear
    let heard = match arrival::decode(record, way.arrival_limits(), now) {
        Ok(heard) => heard,
        Err(refusal) => return CallResult::Refused(refusal),
    };
    let since = heard.since;
    let origin = Origin { since, partition: record.partition, offset: record.offset, heard_at: now };
    way.metrics.heard((now - since).as_seconds_f64(), (now - heard.at).as_seconds_f64());
    heard.marks.iter().for_each(|mark| way.metrics.marked(&way.settings.kafka.topics.calls, mark));
    let Some(call) = way.call_of(heard) else { return CallResult::UnknownState };
    // 2 decide
    let at = call.at;
    let Decision { key, change, show, stale, forgotten } = way.agents().hear(call, origin, now);
    forgotten.into_iter().for_each(|limit| way.metrics.forgotten.add(limit.name()));
    match change {
        Change::Opened if show.is_empty() => return CallResult::NoSessionHere,
        Change::Opened => {}
        Change::Changed => return CallResult::Changed,
        Change::Ended(_) | Change::StillOver => return CallResult::Ended,
        Change::Superseded => return CallResult::Superseded,
        Change::Stale => {
            way.say_stale(&key, &stale, way.context(at, origin), now);
            return CallResult::Stale;
        }
    }
    // 3 know, 4 prepare, 5 reach
    let announced = way.young(since, now) && show.iter().any(|session| session.agent_id == key.agent_id);
    hearing::begin(&way.tasks, show_call(Arc::clone(way), key, show));
    if announced { CallResult::Announced } else { CallResult::Shown }
}

/// Whatever panics on the way, the pop goes out.
async fn show_call(way: Arc<Way>, key: Arc<CallKey>, sessions: Vec<Arc<Session>>) {
    let shown = show_with_timeline(Arc::clone(&way), Arc::clone(&key), sessions.clone());
    if AssertUnwindSafe(shown).catch_unwind().await.is_err() {
        way.show_after_panic(&key, &sessions);
    }
}

/// Looks the call's customer up, prepares a timeline for each time zone, and puts it into each session's outbox. A look-up
/// or a preparation that misses the deadline lets the pop go out without a timeline, which follows.
async fn show_with_timeline(way: Arc<Way>, key: Arc<CallKey>, sessions: Vec<Arc<Session>>) {
    let now = Utc::now();
    let seen = way.updates.seen();
    let Some(Visible { call, heard, .. }) = way.agents().call(&key, now) else {
        way.say_over(&key, &sessions, now);
        return way.metrics.pop("gone");
    };
    let context = Context { announced: way.young(heard.since, now), ..way.context(call.at, heard) };
    let customer = match way.customer(&call) {
        Ok(number) => number,
        Err(code) => {
            way.name_campaign(&key, None);
            let context = Context { missing: Some(code), ..context };
            return way
                .reach(&key, &sessions, (context, None), |view| Prepared::missing(code, seen, view.fields.clone()));
        }
    };
    let deadline = tokio::time::Instant::now() + *way.settings.journey.lookup_timeout;
    let mut look_up = way.look_up(&customer, &views::pages(&sessions), now, &Turn::of_pop());
    let finished = tokio::time::timeout_at(deadline, way.finish(&mut look_up)).await.is_ok();
    let (took, late) = (look_up.took(), look_up.late(now));
    let reach = |known: &Known, prepare: &dyn Fn(&View) -> Prepared| {
        let look_up = Some(ledger::looked_up(took, known));
        let context = Context { look_up, missing: missing(known), ..context.clone() };
        way.reach(&key, &sessions, (context, Some(&customer)), prepare);
    };
    let mut preparing = Box::pin(way.prepare(&key, &sessions, look_up, (seen, now)));
    let mut done = if let Ok(done) = tokio::time::timeout_at(deadline, &mut preparing).await {
        reach(&done.known, &done.preparer(&way, &key));
        done
    } else {
        reach(&late, &|view| Prepared::missing(MissingCode::Timeout, seen, view.fields.clone()));
        let done = (&mut preparing).await;
        way.send_updates(&key, &sessions, &done);
        done
    };
    if !finished {
        way.finish(&mut done.look_up).await;
        done = way.prepare(&key, &sessions, done.look_up, (seen, now)).await;
        way.send_updates(&key, &sessions, &done);
    }
    let failed = done.known.failed();
    drop((done, preparing));
    // What was kept between the look-up and the pop was announced to nobody.
    if way.updates.seen() != seen {
        live::update_call(Arc::clone(&way), Arc::clone(&key)).await;
    }
    if failed {
        live::ask_again(way, key).await;
    }
}

/// Why there is no timeline at all, where there is none.
fn missing(known: &Known) -> Option<MissingCode> {
    let late = known.sources.iter().any(|state| state.missing == Some(SourceMissing::Timeout));
    let code = if late { MissingCode::Timeout } else { MissingCode::Failed };
    known.journey.is_none().then_some(code)
}

/// Answers sessions: open calls after `hello`, and searches.
pub async fn answer(way: Arc<Way>, mut asks: mpsc::Receiver<Ask>, stop: CancellationToken) {
    loop {
        let ask = tokio::select! {
            () = stop.cancelled() => return,
            ask = asks.recv() => ask,
        };
        match ask {
            None => return,
            Some(Ask { session, what: Wanted::OpenCalls(agents) }) => {
                way.tell_who_is_followed(&session, &agents);
                show_open_calls(&way, &session, &agents);
            }
            // At once: what has to wait does so where it holds up no other session.
            Some(Ask { session, what: Wanted::Search(search) }) => search::take_in(&way, &session, search),
            Some(Ask { session, what: Wanted::Reveal(reveal) }) => {
                way.tasks.spawn(reveal::answer(Arc::clone(&way), session, reveal));
            }
        }
    }
}

/// Does what is due by now: pops that nobody acknowledged are sent again, calls whose end was never heard end.
pub async fn keep_time(way: Arc<Way>, stop: CancellationToken) {
    let mut every = tokio::time::interval(DUE_EVERY);
    let (mut said, mut said_at) = ([0; 3], DateTime::UNIX_EPOCH);
    loop {
        tokio::select! {
            () = stop.cancelled() => return way.refused.end(),
            _ = every.tick() => {}
        }
        let now = Utc::now();
        way.metrics.pops_given_up(way.agents().send_again(now));
        for _ in 0..way.agents().expire(now) {
            way.metrics.call("expired");
        }
        way.refused.flush(Instant::now());
        let forgotten = Limit::ALL.map(|limit| way.metrics.forgotten.all(limit.name()));
        if forgotten != said && now - said_at >= FORGOTTEN_SAID_EVERY {
            let [known, agents, open] = [0, 1, 2].map(|nth| forgotten[nth] - said[nth]);
            warn!(
                calls.over_known_max = known,
                calls.over_agents_per_call_max = agents,
                calls.over_open_per_agent_max = open,
                "more calls than the limits allow: the oldest were forgotten"
            );
            (said, said_at) = (forgotten, now);
        }
    }
}

impl Way {
    fn agents(&self) -> &Agents {
        &self.door.agents
    }

    fn arrival_limits(&self) -> arrival::Limits {
        let future_max = TimeDelta::from_std(*self.settings.calls.future_max).unwrap_or(TimeDelta::MAX);
        arrival::Limits { record_bytes_max: self.settings.kafka.record_bytes_max, future_max }
    }

    /// Young enough to be announced.
    fn young(&self, since: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        (now - since).to_std().is_ok_and(|age| age <= *self.settings.calls.age_max) || since > now
    }

    fn call_of(&self, heard: CallHeard) -> Option<Call> {
        let CallHeard { event, state, at, .. } = heard;
        let region = self.settings.calls.default_region.unwrap_or(self.settings.journey.default_region);
        let number = event.customer().and_then(|given| phone::address(given, region.0)).map(SmolStr::from);
        Some(Call {
            state: state?,
            number,
            at,
            call_id: event.call_id,
            agent_id: self.settings.aliases.agent(event.agent_id),
            direction: event.direction,
            campaign: event.campaign,
            parent_call_id: event.parent_call_id,
        })
    }

    /// Whom to look up, or why nobody.
    fn customer(&self, call: &Call) -> Result<String, MissingCode> {
        if call.direction == Direction::Inbound && self.settings.journey.source == JourneySource::CampaignManager {
            return Err(MissingCode::InboundNeedsDataCloud);
        }
        call.number.as_ref().map(SmolStr::to_string).ok_or(MissingCode::NoNumber)
    }

    /// What was kept in these months is read; `pages` whole, from `before` on.
    fn look_up_pages(
        &self,
        number: &str,
        months: u32,
        (before, pages): (Option<&Cursor>, &[Keep]),
        now: DateTime<Utc>,
        turn: &Turn,
    ) -> LookingUp {
        let earliest = timeline::earliest(now, months);
        let kept = retention::before(self.settings.journey.retention.map(|retention| *retention), now);
        let from = kept.map_or(earliest, |kept| kept.max(earliest));
        self.sources.look_up(&Asked { number, from, before, pages }, turn)
    }

    /// For timelines of calls.
    fn look_up(&self, number: &str, pages: &[Keep], now: DateTime<Utc>, turn: &Turn) -> LookingUp {
        self.look_up_pages(number, self.settings.journey.period_months.get(), (None, pages), now, turn)
    }

    /// Waits for all sources.
    async fn finish(&self, look_up: &mut LookingUp) {
        look_up.finish().await;
        self.metrics.looked_up(look_up.took().as_secs_f64());
    }

    /// What is known now, in the administrator's words.
    fn known(&self, look_up: &LookingUp, now: DateTime<Utc>) -> Known {
        let mut known = look_up.known(now);
        if let Some(journey) = &mut known.journey {
            self.settings.catalogue.resolve(journey);
        }
        known
    }

    /// Call events carry the campaign's id; agents read its name.
    fn name_campaign(&self, key: &CallKey, journey: Option<&Journey>) {
        let Some(Visible { call, .. }) = self.agents().call(key, Utc::now()) else { return };
        let Some(campaign) = call.campaign.filter(|campaign| campaign.name.is_none()) else { return };
        let recorded = journey.and_then(|journey| journey.campaign_name(&campaign.id));
        if let Some(name) = recorded.or_else(|| self.settings.catalogue.campaign_name(&campaign.id)) {
            self.agents().name_campaign(key, name);
        }
    }

    fn default_ask(&self, now: DateTime<Utc>) -> TimelineAsk {
        TimelineAsk {
            now,
            months: self.settings.journey.period_months.get(),
            time_zone: Tz::UTC,
            campaign: None,
            channel: None,
            before: None,
            limits: self.timeline_limits(),
        }
    }

    pub fn timeline_limits(&self) -> timeline::Limits {
        let journey = &self.settings.journey;
        timeline::Limits {
            contacts_max: journey.contacts_max,
            campaigns_max: journey.campaigns_max,
            interactions_max: journey.interactions_max,
            bytes_max: journey.timeline_bytes_max,
        }
    }

    /// Into each session's outbox; where many calls come at once, as it reads.
    fn reach(
        self: &Arc<Self>,
        key: &Arc<CallKey>,
        sessions: &[Arc<Session>],
        (context, customer): (Context, Option<&str>),
        prepare: impl Fn(&View) -> Prepared,
    ) {
        let (announce, at) = (context.announced, context.at);
        let said = self.say_pops(key, context);
        views::for_each(sessions, prepare, |session, prepared| {
            said(session, None);
            if session.outbox.is_crowded() {
                self.metrics.pop("deferred");
                return show_in_turn(self, session, [(at, Arc::clone(key))]);
            }
            let delivery = self.agents().pop(key, session, prepared, announce, Utc::now());
            said(session, Some(delivery));
            if delivery == Delivery::Sent && prepared.timeline.is_some() {
                self.tell_shown(key, session, customer);
            }
            match (delivery, prepared.missing) {
                (Delivery::Sent, Some(_)) => self.metrics.pop("sent_without_timeline"),
                (delivery, _) => self.metrics.pop(delivery.name()),
            }
        });
    }
}
