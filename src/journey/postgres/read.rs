//! Looking a number up in PostgreSQL: one statement, one round trip; where many people are behind it, or in many campaigns, two.

use std::error::Error;
use std::sync::Arc;

use deadpool_postgres::ClientWrapper;
use smol_str::SmolStr;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type, accepts};

use super::behind;
use super::people::People;
use crate::journey::store::{LookUp, StoreError};
use crate::journey::{Agent, Campaign, Direction, Interaction, Journey, NoIds, Outcome, OutcomeClass, Source};

const JOURNEY: &str = include_str!("journey.sql");
const INTERACTIONS: &str = include_str!("interactions.sql");
/// Those of a handful of listings; what is repeated in each row must be less than the row.
const PEOPLE_BYTES_MAX: i32 = 1024;

const INTERACTION_ID: usize = 0;
const PEOPLE: usize = 23;

pub async fn look_up(client: &ClientWrapper, no_ids: &NoIds, look_up: &LookUp) -> Result<Journey, StoreError> {
    let (number, from) = (&look_up.number, &look_up.from);
    let statement = client.prepare_cached(JOURNEY).await?;
    let mut rows = client.query(&statement, &[number, from, &PEOPLE_BYTES_MAX]).await?;
    let people = rows.first().map(|row| text_if_any(row, PEOPLE)).transpose()?.flatten();
    let is_alone = people.is_some_and(|people| people.len() > PEOPLE_BYTES_MAX as usize);
    let mut people = People::of(people.map(behind::read).transpose()?.unwrap_or_default(), no_ids);
    people.addresses.insert(number.clone());
    if is_alone {
        let statement = client.prepare_cached(INTERACTIONS).await?;
        rows = client.query(&statement, &[number, from]).await?;
    }
    let mut interactions = Vec::with_capacity(rows.len());
    let mut parts = Parts::default();
    for row in &rows {
        interactions.extend(interaction(row, &people, &look_up.sources, &mut parts)?);
    }
    let People { contacts, current, addresses } = people;
    let mut leads: Vec<SmolStr> = current.into_keys().chain(addresses).map(SmolStr::from).collect();
    // A record that removes an interaction names nothing but its id.
    leads.extend(interactions.iter().map(|interaction| interaction.interaction_id.clone()));
    let mut journey = Journey { number: number.clone(), leads, contacts, interactions };
    journey.sort();
    Ok(journey)
}

/// What rows said before: most say the same.
#[derive(Default)]
struct Parts {
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
    let Some(interaction_id) = text_if_any(row, INTERACTION_ID)? else { return Ok(None) };
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
    Ok(Some(Interaction {
        interaction_id: interaction_id.into(),
        source,
        contact_id,
        address: address.into(),
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
        comments: text_if_any(row, 21)?.map(SmolStr::from),
        updated_at: Some(row.try_get(22)?),
    }))
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
