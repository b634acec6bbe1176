//! Looking a number up in PostgreSQL: one statement, one round trip.

use deadpool_postgres::ClientWrapper;
use tokio_postgres::Row;

use super::people::{Listing, People};
use crate::journey::store::{LookUp, StoreError};
use crate::journey::{Agent, Campaign, Direction, Interaction, Journey, Outcome, OutcomeClass, Source};

const JOURNEY: &str = include_str!("journey.sql");

pub async fn look_up(client: &ClientWrapper, look_up: &LookUp) -> Result<Journey, StoreError> {
    let statement = client.prepare_cached(JOURNEY).await?;
    let sources: Vec<&str> = look_up.sources.iter().map(|source| source.name()).collect();
    let rows = client.query(&statement, &[&look_up.number, &look_up.from, &sources]).await?;
    let (mut interactions, mut listings) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in &rows {
        match row.try_get(0)? {
            Some(interaction_id) => interactions.push(interaction(row, interaction_id)?),
            None => listings.push(listing(row)?),
        }
    }
    let People { contacts, current, mut addresses } = People::of(listings);
    addresses.insert(look_up.number.clone());
    let mut journey = Journey { number: look_up.number.clone(), contacts, ..Journey::default() };
    for mut interaction in interactions {
        match &interaction.contact_id {
            Some(id) => match current.get(id) {
                Some(current) => interaction.contact_id = Some(current.clone()),
                // Of somebody that only an earlier listing says it was merged with.
                None => continue,
            },
            None if !addresses.contains(&interaction.address) => continue,
            None => {}
        }
        journey.interactions.push(interaction);
    }
    journey.leads = addresses;
    journey.leads.extend(current.into_keys());
    // A record that removes an interaction names nothing but its id.
    journey.leads.extend(journey.interactions.iter().map(|interaction| interaction.interaction_id.clone()));
    journey.sort();
    Ok(journey)
}

/// Who and when in the columns of an interaction, the rest behind them.
fn listing(row: &Row) -> Result<Listing, tokio_postgres::Error> {
    Ok(Listing {
        contact_id: row.try_get(2)?,
        campaign: campaign(row, 4)?.filter(|campaign| !campaign.id.is_empty()),
        updated_at: row.try_get(22)?,
        behind: row.try_get(23)?,
        name: row.try_get(24)?,
        merged_into: row.try_get(25)?,
        addresses: row.try_get(26)?,
    })
}

/// Columns in the table's order.
fn interaction(row: &Row, interaction_id: String) -> Result<Interaction, StoreError> {
    let source: &str = row.try_get(1)?;
    let direction: Option<&str> = row.try_get(8)?;
    Ok(Interaction {
        interaction_id,
        source: Source::of_name(source).ok_or(StoreError::Foreign("source"))?,
        contact_id: row.try_get(2)?,
        address: row.try_get(3)?,
        campaign: campaign(row, 4)?,
        channel: row.try_get(6)?,
        mode: row.try_get(7)?,
        direction: direction.and_then(Direction::of_name),
        started_at: row.try_get(9)?,
        ended_at: row.try_get(10)?,
        outcome: outcome(row, 11)?,
        previous_score: row.try_get(17)?,
        current_score: row.try_get(18)?,
        agent: agent(row, 19)?,
        comments: row.try_get(21)?,
        updated_at: Some(row.try_get(22)?),
    })
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
