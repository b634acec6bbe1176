//! Whose interactions are shown, and where each of the two sources is: in the store that the recorder keeps, in one of its own,
//! or in tables that are somebody else's. All are asked at once; none waits for another.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tracing::error;

use super::permits::{self, Permit, Permits, Purpose, Turn};
use super::postgres::tables::Tables;
use super::recorder::Currency;
use super::store::{Store, StoreError};
use super::{Cursor, Journey, Source, SourceMissing, SourceState};
use super::{Keep, Limits, LookUp};
use crate::config;

/// A look-up that takes longer than this is given up: its call is over, or nobody waits any more.
const GIVE_UP: Duration = Duration::from_secs(60);

/// Contacts that are read behind a number, where teams see different ones of them.
const CONTACTS_OF_TEAMS: usize = 500;

/// The sources that are shown, by where they are.
#[derive(Clone)]
pub struct Sources {
    places: Arc<Vec<Place>>,
    limits: Limits,
    /// Of everything but pops, at all places together.
    permits: Arc<Permits>,
}

/// Where one or both sources are.
struct Place {
    /// Those that are shown.
    sources: Vec<Source>,
    /// Those that are recorded, shown or not.
    keeps: Vec<Source>,
    kept: Kept,
    /// As many as it has connections.
    permits: Arc<Permits>,
}

/// What is looked up at all places.
pub struct Asked<'a> {
    pub number: &'a str,
    /// The beginning of the period.
    pub from: DateTime<Utc>,
    /// Pages are read whole, from this place on.
    pub before: Option<&'a Cursor>,
    pub pages: &'a [Keep],
}

enum Kept {
    /// Written by our recorders.
    Store(Store, Arc<Currency>),
    /// Read through the administrator's queries; nothing is written.
    Tables(Box<Tables>),
}

impl Sources {
    pub fn open(settings: &config::Journey) -> Result<Self, StoreError> {
        let shown = settings.source.sources();
        let (elsewhere, shared): (Vec<Source>, Vec<Source>) =
            Source::ALL.into_iter().partition(|source| settings.sources.of(*source).store.is_some());
        let others_max = permits::others_max(settings.lookups_max, permits::cores());
        let of_place = || Permits::new(permits::connections(settings.lookups_max), others_max);
        let mut places = Vec::new();
        if shown.iter().any(|source| shared.contains(source)) {
            places.push(Place::store(shown, shared, Store::open(settings)?, of_place()));
        }
        for source in elsewhere.into_iter().filter(|source| shown.contains(source)) {
            let own = settings.sources.of(source);
            places.push(match (&own.interactions, &own.store) {
                (None, Some(store)) => {
                    let store = Store::open(&config::Journey { store: store.clone(), ..settings.clone() })?;
                    Place::store(shown, vec![source], store, of_place())
                }
                _ => Place {
                    sources: vec![source],
                    keeps: vec![],
                    kept: Kept::Tables(Box::new(Tables::open(source, settings)?)),
                    permits: of_place(),
                },
            });
        }
        let limits = Limits {
            contacts_max: settings.contacts_max,
            counted_max: settings.counted_max,
            interactions_max: settings.interactions_max,
            bytes_max: settings.timeline_bytes_max,
        };
        Ok(Self { places: Arc::new(places), limits, permits: Permits::new(others_max, others_max) })
    }

    /// Look-ups that run and wait.
    pub fn load(&self) -> Vec<(Purpose, permits::Load)> {
        let places: Vec<_> = self.places.iter().map(|place| Arc::clone(&place.permits)).collect();
        Permits::load(&self.permits, &places)
    }

    /// Waits for the right to look something up that is not a pop's.
    pub async fn turn(&self, purpose: Purpose) -> Turn {
        Turn::wait(&self.permits, purpose).await
    }

    /// Where teams see different contacts, more of them are read: some have to be left out of what is shown.
    pub fn for_teams(self, are_divided: bool) -> Self {
        let contacts_max = if are_divided { CONTACTS_OF_TEAMS } else { 0 };
        Self { limits: Limits { contacts_max: self.limits.contacts_max.max(contacts_max), ..self.limits }, ..self }
    }

    /// The stores that our recorders write, each with how current it is, and the sources that it keeps.
    pub fn stores(&self) -> impl Iterator<Item = (&Store, &Arc<Currency>, &[Source])> {
        self.places.iter().filter_map(|place| match &place.kept {
            Kept::Store(store, currency) => Some((store, currency, place.keeps.as_slice())),
            Kept::Tables(_) => None,
        })
    }

    /// Tables that are the administrator's own, without passwords.
    pub fn tables(&self) -> Vec<String> {
        let tables = self.places.iter().filter(|place| matches!(place.kept, Kept::Tables(_)));
        tables.map(Place::describe).collect()
    }

    /// Where they are, without passwords: for `/v1/info`.
    pub fn describe(&self) -> String {
        let places: Vec<_> = self.places.iter().map(Place::describe).collect();
        places.join(", ")
    }

    /// Asks all places; [`LookingUp::finish`] waits for them.
    pub fn look_up(&self, asked: &Asked<'_>, turn: &Turn) -> LookingUp {
        let ask = |(nth, place): (usize, &Place)| {
            let places = Arc::clone(&self.places);
            let look_up = LookUp {
                number: asked.number.to_owned(),
                from: asked.from,
                sources: place.sources.clone(),
                before: asked.before.cloned(),
                pages: asked.pages.to_vec(),
                limits: self.limits,
            };
            let turn = turn.clone();
            let asked = async move {
                let permit = places[nth].permits.acquire(turn.purpose).await;
                let answer = tokio::time::timeout(GIVE_UP, places[nth].look_up(look_up, (permit, turn))).await;
                answer.unwrap_or(Err(StoreError::TimedOut))
            };
            // Whatever becomes of the look-up, the pop goes out.
            let asked = AssertUnwindSafe(asked).catch_unwind();
            asked.map(move |answer| (nth, answer.unwrap_or(Err(StoreError::Stopped)))).boxed()
        };
        let answers = self.places.iter().enumerate().map(ask).collect();
        LookingUp {
            places: Arc::clone(&self.places),
            contacts_max: self.limits.contacts_max,
            number: asked.number.to_owned(),
            began: Instant::now(),
            asked: answers,
            answers: BTreeMap::new(),
        }
    }
}

impl Place {
    fn store(shown: &[Source], keeps: Vec<Source>, store: Store, permits: Arc<Permits>) -> Self {
        let sources = keeps.iter().copied().filter(|source| shown.contains(source)).collect();
        Self { sources, keeps, kept: Kept::Store(store, Arc::new(Currency::default())), permits }
    }

    fn describe(&self) -> String {
        match &self.kept {
            Kept::Store(store, _) => store.describe(),
            Kept::Tables(tables) => format!("{} (tables of the administrator's)", tables.address()),
        }
    }

    /// The permit and the turn are given back when the work is done, even if nobody waits for it any more.
    async fn look_up(&self, look_up: LookUp, (permit, turn): (Permit, Turn)) -> Result<Journey, StoreError> {
        match &self.kept {
            Kept::Store(store, _) => store.look_up_for(turn.purpose, look_up, (permit, turn)).await,
            Kept::Tables(tables) => tables.look_up(&look_up).await,
        }
    }

    fn states(&self, answer: Option<&Answer>, now: DateTime<Utc>) -> Vec<SourceState> {
        let missing = match answer {
            Some(Answer::Journey(_)) => None,
            Some(Answer::Failed) => Some(SourceMissing::Failed),
            None => Some(SourceMissing::Timeout),
        };
        let as_of = match &self.kept {
            _ if missing.is_some() => None,
            Kept::Store(_, currency) => currency.as_of(now),
            Kept::Tables(_) => Some(now),
        };
        self.sources.iter().map(|&source| SourceState { source, as_of, missing }).collect()
    }
}

enum Answer {
    Journey(Journey),
    Failed,
}

/// A look-up that is under way.
pub struct LookingUp {
    places: Arc<Vec<Place>>,
    contacts_max: usize,
    number: String,
    began: Instant,
    asked: FuturesUnordered<BoxFuture<'static, (usize, Result<Journey, StoreError>)>>,
    answers: BTreeMap<usize, Answer>,
}

/// What the places have answered until now.
pub struct Known {
    /// `None`: no place has answered, or all failed.
    pub journey: Option<Journey>,
    pub sources: Vec<SourceState>,
}

impl Known {
    /// Nothing is missing.
    pub fn is_whole(&self) -> bool {
        self.sources.iter().all(|state| state.missing.is_none())
    }

    /// Some place could not answer; asking again later may help.
    pub fn failed(&self) -> bool {
        self.sources.iter().any(|state| state.missing == Some(SourceMissing::Failed))
    }
}

impl LookingUp {
    /// Waits for the places that have not answered. Safe to be cancelled and called again.
    pub async fn finish(&mut self) {
        while let Some((nth, answer)) = self.asked.next().await {
            let answer = match answer {
                Ok(journey) => Answer::Journey(journey),
                Err(error) => {
                    let sources: Vec<_> = self.places[nth].sources.iter().map(|source| source.name()).collect();
                    error!(%error, sources = sources.join(", "), "the look-up failed");
                    Answer::Failed
                }
            };
            self.answers.insert(nth, answer);
        }
    }

    /// How long it has been under way.
    pub fn took(&self) -> Duration {
        self.began.elapsed()
    }

    /// As if no place had answered in time.
    pub fn late(&self, now: DateTime<Utc>) -> Known {
        let mut sources: Vec<_> = self.places.iter().flat_map(|place| place.states(None, now)).collect();
        sources.sort_by_key(|state| state.source);
        Known { journey: None, sources }
    }

    /// The journeys that have come until now.
    pub fn journeys(&self) -> impl Iterator<Item = &Journey> {
        self.answers.values().filter_map(|answer| match answer {
            Answer::Journey(journey) => Some(journey),
            Answer::Failed => None,
        })
    }

    /// What is known now; a place that has not answered is missing.
    pub fn known(&self, now: DateTime<Utc>) -> Known {
        let mut sources = Vec::new();
        for (nth, place) in self.places.iter().enumerate() {
            sources.extend(place.states(self.answers.get(&nth), now));
        }
        sources.sort_by_key(|state| state.source);
        let mut journeys = self.journeys().cloned();
        let first = journeys.next();
        let journey =
            first.map(|first| journeys.fold(first, |journey, other| merge(journey, other, self.contacts_max)));
        Known { journey: journey.map(|journey| Journey { number: self.number.clone(), ..journey }), sources }
    }
}

/// Two places' answers: contacts of one id are one, and nothing else is.
fn merge(mut journey: Journey, other: Journey, contacts_max: usize) -> Journey {
    for contact in other.contacts {
        match journey.contacts.iter_mut().find(|known| known.contact_id == contact.contact_id) {
            Some(known) => known.learn([contact]),
            None => journey.contacts.push(contact),
        }
    }
    journey.leads.extend(other.leads);
    journey.interactions.extend(other.interactions);
    journey.sort();
    journey.more_contacts += other.more_contacts;
    journey.limit_contacts(contacts_max);
    journey.at_least |= other.at_least;
    // What either lacks begins behind this.
    journey.unread = [journey.unread, other.unread].into_iter().flatten().min();
    journey
}
