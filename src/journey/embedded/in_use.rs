//! What the interactions in the embedded store carry that a catalogue may have words for, and how many carry it.

use rusqlite::{Connection, Row};
use serde::de::DeserializeOwned;

use crate::journey::catalogue::InUse;
use crate::journey::store::StoreError;

// Grouped by id before the texts are joined: a scan of the table sorts small integers alone.
const CAMPAIGNS_AND_OUTCOMES: &str = "
    SELECT campaigns.text, outcomes.text, used.interactions
    FROM (SELECT campaign, outcome, count(*) AS interactions FROM interactions GROUP BY campaign, outcome) AS used
    LEFT JOIN words AS campaigns ON campaigns.id = used.campaign
    LEFT JOIN words AS outcomes ON outcomes.id = used.outcome";

const CHANNELS_AND_MODES: &str = "
    SELECT channels.text, modes.text, used.interactions
    FROM (SELECT channel, mode, count(*) AS interactions FROM interactions GROUP BY channel, mode) AS used
    JOIN words AS channels ON channels.id = used.channel
    LEFT JOIN words AS modes ON modes.id = used.mode";

const AGENTS: &str = "
    SELECT agents.text, used.interactions
    FROM (SELECT agent, count(*) AS interactions FROM interactions WHERE agent IS NOT NULL GROUP BY agent) AS used
    JOIN words AS agents ON agents.id = used.agent";

pub fn in_use(connection: &Connection) -> Result<InUse, StoreError> {
    // One snapshot for all statements.
    let transaction = connection.unchecked_transaction()?;
    Ok(InUse {
        campaigns_and_outcomes: rows(&transaction, CAMPAIGNS_AND_OUTCOMES, |row| {
            Ok(((part(row, 0)?, part(row, 1)?), count(row, 2)?))
        })?,
        channels_and_modes: rows(&transaction, CHANNELS_AND_MODES, |row| {
            Ok(((row.get(0)?, row.get(1)?), count(row, 2)?))
        })?,
        agents: rows(&transaction, AGENTS, |row| {
            Ok((serde_json::from_str(&row.get::<_, String>(0)?)?, count(row, 1)?))
        })?,
    })
}

fn rows<T>(
    connection: &Connection,
    sql: &str,
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    connection.prepare(sql)?.query_and_then([], read)?.collect()
}

/// Kept as the JSON that the record carried it in.
fn part<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<Option<T>, StoreError> {
    Ok(row.get::<_, Option<String>>(column)?.map(|json| serde_json::from_str(&json)).transpose()?)
}

fn count(row: &Row<'_>, column: usize) -> Result<u64, StoreError> {
    Ok(row.get::<_, i64>(column)?.unsigned_abs())
}
