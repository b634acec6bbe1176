//! Looking a number up in PostgreSQL: one statement, one round trip.

use std::sync::Arc;

use deadpool_postgres::ClientWrapper;
use smol_str::SmolStr;
use tokio_postgres::Row;

use super::behind;
use super::people::People;
use crate::journey::store::{LookUp, StoreError};
use crate::journey::{Agent, Campaign, Direction, Interaction, Journey, Outcome, OutcomeClass, Source};

const JOURNEY: &str = include_str!("journey.sql");
/// Of an interaction; in the row without a source, the people behind the number.
const INTERACTION_ID: usize = 0;
const SOURCE: usize = 1;

pub async fn look_up(client: &ClientWrapper, look_up: &LookUp) -> Result<Journey, StoreError> {
    let statement = client.prepare_cached(JOURNEY).await?;
    let rows = client.query(&statement, &[&look_up.number, &look_up.from]).await?;
    let (mut interactions, mut listings) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in &rows {
        match row.try_get(SOURCE)? {
            Some(source) => interactions.extend(interaction(row, source, &look_up.sources)?),
            None => listings = behind::read(row.try_get(INTERACTION_ID)?)?,
        }
    }
    let People { contacts, current, mut addresses } = People::of(listings);
    addresses.insert(look_up.number.clone());
    let mut journey = Journey { number: look_up.number.clone(), contacts, ..Journey::default() };
    for mut interaction in interactions {
        match &interaction.contact_id {
            Some(id) => match current.get(id.as_str()) {
                Some(current) => interaction.contact_id = Some(current.into()),
                // Of somebody that only an earlier listing says it was merged with.
                None => continue,
            },
            None if !addresses.contains(interaction.address.as_str()) => continue,
            None => {}
        }
        journey.interactions.push(interaction);
    }
    journey.leads = addresses;
    journey.leads.extend(current.into_keys());
    // A record that removes an interaction names nothing but its id.
    journey.leads.extend(journey.interactions.iter().map(|interaction| interaction.interaction_id.to_string()));
    journey.sort();
    Ok(journey)
}

/// Columns in the table's order; `None` for one of a source that is not asked for.
fn interaction(row: &Row, source: &str, sources: &[Source]) -> Result<Option<Interaction>, StoreError> {
    let source = Source::of_name(source).ok_or(StoreError::Foreign("source"))?;
    if !sources.contains(&source) {
        return Ok(None);
    }
    let direction: Option<&str> = row.try_get(8)?;
    Ok(Some(Interaction {
        interaction_id: row.try_get::<_, &str>(INTERACTION_ID)?.into(),
        source,
        contact_id: text(row, 2)?,
        address: row.try_get::<_, &str>(3)?.into(),
        campaign: campaign(row, 4)?.map(Arc::new),
        channel: row.try_get::<_, &str>(6)?.into(),
        mode: text(row, 7)?,
        direction: direction.and_then(Direction::of_name),
        started_at: row.try_get(9)?,
        ended_at: row.try_get(10)?,
        outcome: outcome(row, 11)?.map(Arc::new),
        previous_score: row.try_get(17)?,
        current_score: row.try_get(18)?,
        agent: agent(row, 19)?.map(Arc::new),
        comments: text(row, 21)?,
        updated_at: Some(row.try_get(22)?),
    }))
}

fn text(row: &Row, column: usize) -> Result<Option<SmolStr>, tokio_postgres::Error> {
    Ok(row.try_get::<_, Option<&str>>(column)?.map(SmolStr::new))
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
