//! Looking a number up in PostgreSQL: one statement, one round trip; where many people are behind it, or in many campaigns, two. Where
//! more is kept than a page shows, further ones follow.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use deadpool_postgres::ClientWrapper;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql, Type, accepts};

use super::behind;
use super::people::{Listing, People};
use super::strands::Strands;
use crate::journey::LookUp;
use crate::journey::reading::{self, Key, Strand};
use crate::journey::store::StoreError;
use crate::journey::{Agent, Campaign, Direction, Interaction, Journey, NoIds, Outcome, OutcomeClass, Source};

const JOURNEY: &str = include_str!("journey.sql");
const INTERACTIONS: &str = include_str!("interactions.sql");
const CANDIDATES: &str = include_str!("candidates.sql");
const PEOPLE: &str = include_str!("people.sql");
/// $1 contact ids: those that were merged into another one, or that another one was merged into.
const MERGED: &str = "
    SELECT contact_id FROM backstory.listings WHERE contact_id = ANY ($1) AND merged_into IS NOT NULL
    UNION
    SELECT merged_into FROM backstory.listings WHERE merged_into = ANY ($1)";
/// $1 contact ids: when each was reached last.
const NEWEST: &str = "
    SELECT contact.id, newest.started_at
    FROM unnest($1::text[]) AS contact (id)
    CROSS JOIN LATERAL (
      SELECT started_at FROM backstory.interactions
      WHERE coalesce(interactions.contact_id, interactions.address) = contact.id AND interactions.contact_id IS NOT NULL
      ORDER BY started_at DESC LIMIT 1
    ) AS newest";
/// Those of a handful of listings; what is repeated in each row must be less than the row.
const PEOPLE_BYTES_MAX: i32 = 1024;
/// Of a hundred contacts, each in some campaigns.
const PEOPLE_BYTES_READ_MAX: i32 = 256 * 1024;
/// Read at once, whole; of a journey with more, what is counted is read without comments.
const AT_ONCE_MAX: usize = 100;

const INTERACTION_ID: usize = 0;
const PEOPLE_COLUMN: usize = 23;

pub async fn look_up(client: &ClientWrapper, no_ids: &NoIds, look_up: &LookUp) -> Result<Journey, StoreError> {
    let (number, from) = (&look_up.number, &look_up.from);
    let rows_max = AT_ONCE_MAX as i64 + 1;
    let statement = client.prepare_cached(JOURNEY).await?;
    let values: [&(dyn ToSql + Sync); 5] = [number, from, &PEOPLE_BYTES_MAX, &PEOPLE_BYTES_READ_MAX, &rows_max];
    let mut rows = client.query(&statement, &values).await?;
    let people = rows.first().map(|row| text_if_any(row, PEOPLE_COLUMN)).transpose()?.flatten();
    let are_many = rows.first().is_some_and(|row| row.get(PEOPLE_COLUMN + 1));
    let is_alone = people.is_some_and(|people| people.len() > PEOPLE_BYTES_MAX as usize);
    let people = People::of(people.map(behind::read).transpose()?.unwrap_or_default(), no_ids);
    if are_many || people.contacts.len() > look_up.limits.contacts_max {
        return of_many(client, no_ids, look_up).await;
    }
    if is_alone {
        let statement = client.prepare_cached(INTERACTIONS).await?;
        rows = client.query(&statement, &[number, from, &rows_max]).await?;
    }
    if rows.len() > AT_ONCE_MAX {
        return in_strands(client, look_up, people, Others::default()).await;
    }
    of_few(&rows, look_up, people)
}

/// Everything was read at once.
fn of_few(rows: &[Row], look_up: &LookUp, mut people: People) -> Result<Journey, StoreError> {
    people.addresses.insert(look_up.number.clone());
    let mut interactions = Vec::with_capacity(rows.len());
    let mut parts = Parts::default();
    for row in rows {
        interactions.extend(interaction(row, &people, &look_up.sources, &mut parts)?);
    }
    let (number, leads) = (look_up.number.clone(), leads(&people, &interactions));
    let mut journey = Journey { number, leads, contacts: people.contacts, interactions, ..Journey::default() };
    journey.sort();
    Ok(journey)
}

fn leads<'i>(people: &People, interactions: impl IntoIterator<Item = &'i Interaction>) -> Vec<SmolStr> {
    let ids = people.current.keys().chain(&people.addresses).map(SmolStr::from);
    // A record that removes an interaction names nothing but its id.
    ids.chain(interactions.into_iter().map(|interaction| interaction.interaction_id.clone())).collect()
}

/// Contacts of whom nothing but their interactions is read.
#[derive(Default)]
struct Others {
    count: usize,
    strands: Vec<Strand>,
    leads: Vec<SmolStr>,
    /// There are more of them than were looked at.
    at_least: bool,
}

/// The contacts that were reached last, and the others.
async fn of_many(client: &ClientWrapper, no_ids: &NoIds, look_up: &LookUp) -> Result<Journey, StoreError> {
    let limit = i64::try_from(look_up.limits.counted_max).unwrap_or(i64::MAX);
    let statement = client.prepare_cached(CANDIDATES).await?;
    let mut newest: BTreeMap<String, Option<DateTime<Utc>>> = BTreeMap::new();
    for row in client.query(&statement, &[&look_up.number, &no_ids.all(), &limit]).await? {
        newest.insert(row.try_get(0)?, row.try_get(1)?);
    }
    let at_least = i64::try_from(newest.len()) == Ok(limit);
    // Who was merged into another one counts as that one.
    let ids: Vec<&String> = newest.keys().collect();
    let merged = client.query(&client.prepare_cached(MERGED).await?, &[&ids]).await?;
    let merged: Vec<String> = merged.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let current = people(client, no_ids, &merged, limit).await?.current;
    // Theirs, too, are the interactions under ids that do not lead here by themselves.
    let further: Vec<&String> = current.keys().filter(|id| !newest.contains_key(*id)).collect();
    if !further.is_empty() {
        for row in client.query(&client.prepare_cached(NEWEST).await?, &[&further]).await? {
            newest.insert(row.try_get(0)?, row.try_get(1)?);
        }
    }
    let mut by_current: BTreeMap<SmolStr, (Option<DateTime<Utc>>, Vec<String>)> = BTreeMap::new();
    for (id, reached_at) in newest {
        let current = current.get(&id).cloned().unwrap_or_else(|| SmolStr::from(&id));
        let (last, ids) = by_current.entry(current).or_default();
        *last = (*last).max(reached_at);
        ids.push(id);
    }
    let mut shown: Vec<_> = by_current.into_iter().map(|(current, (last, ids))| (current, last, ids)).collect();
    shown.sort_by(|(_, a, _), (_, b, _)| b.cmp(a)); // stable: by id within a moment
    let rest = shown.split_off(look_up.limits.contacts_max.min(shown.len()));
    let shown: Vec<String> = shown.into_iter().map(|(id, ..)| id.into()).collect();
    let mut people = people(client, no_ids, &shown, limit).await?;
    let place: FxHashMap<&str, usize> = shown.iter().enumerate().map(|(nth, id)| (id.as_str(), nth)).collect();
    people.contacts.sort_by_key(|contact| place.get(contact.contact_id.as_str()).copied());
    let mut others = Others { count: rest.len(), at_least, ..Others::default() };
    for (current, last, ids) in rest {
        let own = ids.into_iter().filter(|id| !people.current.contains_key(id)).map(SmolStr::from);
        for id in own {
            if let Some(last) = last.filter(|last| *last >= look_up.from) {
                others.strands.push(Strand::of_other(id.clone(), current.clone(), last));
            }
            others.leads.push(id);
        }
    }
    in_strands(client, look_up, people, others).await
}

/// These contacts, with all that were merged with them.
async fn people(client: &ClientWrapper, no_ids: &NoIds, ids: &[String], limit: i64) -> Result<People, StoreError> {
    if ids.is_empty() {
        return Ok(People::default());
    }
    let statement = client.prepare_cached(PEOPLE).await?;
    let rows = client.query(&statement, &[&ids, &no_ids.all(), &limit]).await?;
    let listing = |row: &Row| {
        let campaign_id: Option<String> = row.try_get(2)?;
        let campaign_id = campaign_id.filter(|id| !id.is_empty());
        Ok(Listing {
            contact_id: row.try_get(0)?,
            behind: row.try_get(1)?,
            campaign: campaign_id.map(|id| Ok::<_, StoreError>(Campaign { id, name: row.try_get(3)? })).transpose()?,
            name: row.try_get(4)?,
            time_zone: row.try_get(5)?,
            merged_into: row.try_get(6)?,
            updated_at: row.try_get(7)?,
            addresses: row.try_get(8)?,
        })
    };
    Ok(People::of(rows.iter().map(listing).collect::<Result<_, StoreError>>()?, no_ids))
}

/// As much of their interactions as is counted and shown.
async fn in_strands(
    client: &ClientWrapper,
    look_up: &LookUp,
    mut people: People,
    others: Others,
) -> Result<Journey, StoreError> {
    people.addresses.insert(look_up.number.clone());
    // Those who are shown stand in their order: the first ones are counted whole.
    let place: BTreeMap<&str, usize> =
        people.contacts.iter().enumerate().map(|(nth, contact)| (contact.contact_id.as_str(), nth)).collect();
    let mut ids: Vec<(&String, &SmolStr)> = people.current.iter().collect();
    ids.sort_by_key(|(id, current)| (place.get(current.as_str()).copied(), *id));
    let mut strands: Vec<Strand> =
        ids.into_iter().map(|(id, current)| Strand::new(Key::Contact(id.into()), Some(current.clone()))).collect();
    let addresses: BTreeSet<&String> = people.addresses.iter().collect();
    strands.extend(addresses.into_iter().map(|address| Strand::new(Key::Nobody(address.into()), None)));
    strands.extend(others.strands);
    let mut journey = Journey {
        number: look_up.number.clone(),
        contacts: std::mem::take(&mut people.contacts),
        more_contacts: others.count,
        at_least: others.at_least,
        ..Journey::default()
    };
    reading::read(&mut Strands { client, look_up }, look_up, strands, &mut journey).await?;
    let of_page = journey.interactions.iter().filter(|interaction| !interaction.is_light);
    journey.leads = leads(&people, of_page);
    journey.leads.extend(others.leads);
    Ok(journey)
}

/// What rows said before: most say the same.
#[derive(Default)]
pub(super) struct Parts {
    campaigns: Vec<Arc<Campaign>>,
    outcomes: Vec<Arc<Outcome>>,
    agents: Vec<Arc<Agent>>,
}

/// Those that are compared, from the last one back: more would take longer than to read it anew.
const PARTS_COMPARED_MAX: usize = 8;

impl Parts {
    fn campaign(&mut self, row: &Row) -> Result<Option<Arc<Campaign>>, tokio_postgres::Error> {
        let (id, name) = (text_if_any(row, 4)?, text_if_any(row, 5)?);
        let is = |known: &Campaign| Some(known.id.as_str()) == id && known.name.as_deref() == name;
        shared(&mut self.campaigns, is, || campaign(row, 4))
    }

    fn outcome(&mut self, row: &Row) -> Result<Option<Arc<Outcome>>, tokio_postgres::Error> {
        let (code, label) = (text_if_any(row, 11)?, text_if_any(row, 12)?);
        let (class, parent) = (text_if_any(row, 13)?, text_if_any(row, 14)?);
        let (telephony, reached) = (text_if_any(row, 15)?, row.try_get(16)?);
        let is = |known: &Outcome| {
            Some(known.code.as_str()) == code
                && known.label.as_deref() == label
                && known.class == class.map(OutcomeClass::of_name)
                && known.parent.as_deref() == parent
                && known.telephony.as_deref() == telephony
                && known.reached == reached
        };
        shared(&mut self.outcomes, is, || outcome(row, 11))
    }

    fn agent(&mut self, row: &Row) -> Result<Option<Arc<Agent>>, tokio_postgres::Error> {
        let (id, name) = (text_if_any(row, 19)?, text_if_any(row, 20)?);
        let is = |known: &Agent| Some(known.id.as_str()) == id && known.name.as_deref() == name;
        shared(&mut self.agents, is, || agent(row, 19))
    }
}

fn shared<T, E>(
    known: &mut Vec<Arc<T>>,
    is: impl Fn(&T) -> bool,
    read: impl FnOnce() -> Result<Option<T>, E>,
) -> Result<Option<Arc<T>>, E> {
    if let Some(known) = known.iter().rev().take(PARTS_COMPARED_MAX).find(|known| is(known)) {
        return Ok(Some(Arc::clone(known)));
    }
    let part = read()?.map(Arc::new);
    known.extend(part.clone());
    Ok(part)
}

/// Columns in the table's order; `None` where there is none, for a source that is not asked for, and for somebody else's.
fn interaction(
    row: &Row,
    people: &People,
    sources: &[Source],
    parts: &mut Parts,
) -> Result<Option<Interaction>, StoreError> {
    if text_if_any(row, INTERACTION_ID)?.is_none() {
        return Ok(None);
    }
    let source = text(row, 1)?;
    let source = Source::of_name(source).ok_or(StoreError::Foreign("source"))?;
    let address = text(row, 3)?;
    let contact_id = match text_if_any(row, 2)? {
        Some(id) => match people.current.get(id) {
            Some(current) => Some(current.clone()),
            // Of somebody that only an earlier listing says it was merged with.
            None => return Ok(None),
        },
        None if !people.addresses.contains(address) => return Ok(None),
        None => None,
    };
    if !sources.contains(&source) {
        return Ok(None);
    }
    let (light, _) = light(row, sources, parts)?;
    Ok(Some(Interaction {
        contact_id,
        comments: text_if_any(row, 21)?.map(SmolStr::from),
        updated_at: Some(row.try_get(22)?),
        is_light: false,
        ..light
    }))
}

/// Columns in the table's order without the last two: an interaction without its contact, and whether its source is asked for.
pub(super) fn light(row: &Row, sources: &[Source], parts: &mut Parts) -> Result<(Interaction, bool), StoreError> {
    let source = Source::of_name(text(row, 1)?).ok_or(StoreError::Foreign("source"))?;
    let interaction = Interaction {
        interaction_id: text(row, INTERACTION_ID)?.into(),
        source,
        contact_id: None,
        address: text(row, 3)?.into(),
        campaign: parts.campaign(row)?,
        channel: text(row, 6)?.into(),
        mode: text_if_any(row, 7)?.map(SmolStr::from),
        direction: text_if_any(row, 8)?.and_then(Direction::of_name),
        started_at: row.try_get(9)?,
        ended_at: row.try_get(10)?,
        outcome: parts.outcome(row)?,
        previous_score: row.try_get(17)?,
        current_score: row.try_get(18)?,
        agent: parts.agent(row)?,
        comments: None,
        updated_at: None,
        is_light: true,
    };
    Ok((interaction, sources.contains(&source)))
}

/// A `text` as it lies in the row. For each `&str` the client library compares the type's name with those of some extensions.
struct Text<'a>(&'a str);

impl<'a> FromSql<'a> for Text<'a> {
    accepts!(TEXT);

    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(str::from_utf8(raw)?))
    }
}

fn text(row: &Row, column: usize) -> Result<&str, tokio_postgres::Error> {
    Ok(row.try_get::<_, Text<'_>>(column)?.0)
}

fn text_if_any(row: &Row, column: usize) -> Result<Option<&str>, tokio_postgres::Error> {
    Ok(row.try_get::<_, Option<Text<'_>>>(column)?.map(|text| text.0))
}

/// Id and name, from this column on.
pub(super) fn campaign(row: &Row, from: usize) -> Result<Option<Campaign>, tokio_postgres::Error> {
    let (id, name): (Option<String>, _) = (row.try_get(from)?, row.try_get(from + 1)?);
    Ok(id.map(|id| Campaign { id, name }))
}

/// Id and name, from this column on.
pub(super) fn agent(row: &Row, from: usize) -> Result<Option<Agent>, tokio_postgres::Error> {
    let (id, name): (Option<String>, _) = (row.try_get(from)?, row.try_get(from + 1)?);
    Ok(id.map(|id| Agent { id, name }))
}

/// Code, label, class, parent, telephony and reached, from this column on.
pub(super) fn outcome(row: &Row, from: usize) -> Result<Option<Outcome>, tokio_postgres::Error> {
    let Some(code) = row.try_get(from)? else { return Ok(None) };
    let class: Option<&str> = row.try_get(from + 2)?;
    Ok(Some(Outcome {
        code,
        label: row.try_get(from + 1)?,
        class: class.map(OutcomeClass::of_name),
        parent: row.try_get(from + 3)?,
        telephony: row.try_get(from + 4)?,
        reached: row.try_get(from + 5)?,
    }))
}
