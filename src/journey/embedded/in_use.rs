//! What the interactions in the embedded store carry that a catalogue may have words for, and how many carry it.

use std::collections::HashMap;

use rusqlite::Connection;
use serde::de::DeserializeOwned;

use crate::journey::catalogue::InUse;
use crate::journey::store::StoreError;

// Grouped by id before the texts are joined: a scan of the table sorts small integers alone. Texts that interactions keep themselves
// (0) are added one by one.
const CAMPAIGNS_AND_OUTCOMES: &str = "
    SELECT campaigns.text, outcomes.text, used.interactions
    FROM (SELECT campaign, outcome, count(*) AS interactions FROM interactions
          WHERE campaign IS NOT 0 AND outcome IS NOT 0 GROUP BY campaign, outcome) AS used
    LEFT JOIN words AS campaigns ON campaigns.id = used.campaign
    LEFT JOIN words AS outcomes ON outcomes.id = used.outcome
    UNION ALL
    SELECT coalesce(campaigns.text, own.campaign), coalesce(outcomes.text, own.outcome), 1
    FROM own_texts AS own JOIN interactions ON interactions.interaction_id = own.interaction_id
    LEFT JOIN words AS campaigns ON campaigns.id = interactions.campaign
    LEFT JOIN words AS outcomes ON outcomes.id = interactions.outcome
    WHERE own.campaign IS NOT NULL OR own.outcome IS NOT NULL";

const CHANNELS_AND_MODES: &str = "
    SELECT channels.text, modes.text, used.interactions
    FROM (SELECT channel, mode, count(*) AS interactions FROM interactions
          WHERE channel IS NOT 0 AND mode IS NOT 0 GROUP BY channel, mode) AS used
    JOIN words AS channels ON channels.id = used.channel
    LEFT JOIN words AS modes ON modes.id = used.mode
    UNION ALL
    SELECT coalesce(channels.text, own.channel), coalesce(modes.text, own.mode), 1
    FROM own_texts AS own JOIN interactions ON interactions.interaction_id = own.interaction_id
    LEFT JOIN words AS channels ON channels.id = interactions.channel
    LEFT JOIN words AS modes ON modes.id = interactions.mode
    WHERE own.channel IS NOT NULL OR own.mode IS NOT NULL";

const AGENTS: &str = "
    SELECT agents.text, NULL, used.interactions
    FROM (SELECT agent, count(*) AS interactions FROM interactions WHERE agent IS NOT NULL GROUP BY agent) AS used
    JOIN words AS agents ON agents.id = used.agent
    UNION ALL
    SELECT agent, NULL, 1 FROM own_texts WHERE agent IS NOT NULL";

/// Two texts, and how many carry both.
type Texts = HashMap<(Option<String>, Option<String>), u64>;

pub fn in_use(connection: &Connection) -> Result<InUse, StoreError> {
    // One snapshot for all statements.
    let transaction = connection.unchecked_transaction()?;
    let campaigns_and_outcomes = texts(&transaction, CAMPAIGNS_AND_OUTCOMES)?.into_iter();
    let channels_and_modes = texts(&transaction, CHANNELS_AND_MODES)?.into_iter();
    let agents = texts(&transaction, AGENTS)?.into_iter();
    Ok(InUse {
        campaigns_and_outcomes: campaigns_and_outcomes
            .map(|((campaign, outcome), count)| Ok(((part(campaign)?, part(outcome)?), count)))
            .collect::<Result<_, StoreError>>()?,
        channels_and_modes: channels_and_modes
            .map(|((channel, mode), count)| ((channel.unwrap_or_default(), mode), count))
            .collect(),
        agents: agents
            .filter_map(|((agent, _), count)| Some(part(agent).transpose()?.map(|agent| (agent, count))))
            .collect::<Result<_, _>>()?,
    })
}

/// A text may be kept both for many interactions and with one of its own.
fn texts(connection: &Connection, sql: &str) -> Result<Texts, StoreError> {
    let mut all = Texts::new();
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        *all.entry((row.get(0)?, row.get(1)?)).or_default() += row.get::<_, i64>(2)?.unsigned_abs();
    }
    Ok(all)
}

/// Kept as the JSON that the record carried it in.
fn part<T: DeserializeOwned>(json: Option<String>) -> Result<Option<T>, StoreError> {
    Ok(json.map(|json| serde_json::from_str(&json)).transpose()?)
}
