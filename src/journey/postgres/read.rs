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
    let mut parts = Parts::default();
    for row in &rows {
        match row.try_get(SOURCE)? {
            Some(source) => interactions.extend(interaction(row, source, &look_up.sources, &mut parts)?),
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
        let (id, name): (Option<&str>, Option<&str>) = (row.try_get(4)?, row.try_get(5)?);
        let is = |known: &Campaign| Some(known.id.as_str()) == id && known.name.as_deref() == name;
        shared(&mut self.campaigns, is, || campaign(row, 4))
    }

    fn outcome(&mut self, row: &Row) -> Result<Option<Arc<Outcome>>, tokio_postgres::Error> {
        let (code, label): (Option<&str>, Option<&str>) = (row.try_get(11)?, row.try_get(12)?);
        let (class, parent): (Option<&str>, Option<&str>) = (row.try_get(13)?, row.try_get(14)?);
        let (telephony, reached): (Option<&str>, _) = (row.try_get(15)?, row.try_get(16)?);
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
        let (id, name): (Option<&str>, Option<&str>) = (row.try_get(19)?, row.try_get(20)?);
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

/// Columns in the table's order; `None` for one of a source that is not asked for.
fn interaction(
    row: &Row,
    source: &str,
    sources: &[Source],
    parts: &mut Parts,
) -> Result<Option<Interaction>, StoreError> {
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
        campaign: parts.campaign(row)?,
        channel: row.try_get::<_, &str>(6)?.into(),
        mode: text(row, 7)?,
        direction: direction.and_then(Direction::of_name),
        started_at: row.try_get(9)?,
        ended_at: row.try_get(10)?,
        outcome: parts.outcome(row)?,
        previous_score: row.try_get(17)?,
        current_score: row.try_get(18)?,
        agent: parts.agent(row)?,
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
