//! What the interactions in PostgreSQL carry that a catalogue may have words for, and how many carry it.

use deadpool_postgres::ClientWrapper;
use tokio_postgres::Row;

use super::read::{agent, campaign, outcome};
use crate::journey::catalogue::InUse;
use crate::journey::store::StoreError;

const CAMPAIGNS_AND_OUTCOMES: &str = "
    SELECT campaign_id, campaign_name, outcome_code, outcome_label, outcome_class, outcome_parent, outcome_telephony,
      outcome_reached, count(*)
    FROM backstory.interactions GROUP BY 1, 2, 3, 4, 5, 6, 7, 8";
const CHANNELS_AND_MODES: &str = "SELECT channel, mode, count(*) FROM backstory.interactions GROUP BY 1, 2";
const AGENTS: &str = "
    SELECT agent_id, agent_name, count(*) FROM backstory.interactions WHERE agent_id IS NOT NULL GROUP BY 1, 2";

pub async fn in_use(client: &ClientWrapper) -> Result<InUse, StoreError> {
    let (outcomes, modes, agents) = tokio::try_join!(
        client.query(CAMPAIGNS_AND_OUTCOMES, &[]),
        client.query(CHANNELS_AND_MODES, &[]),
        client.query(AGENTS, &[]),
    )?;
    let mut in_use = InUse::default();
    for row in &outcomes {
        in_use.campaigns_and_outcomes.push(((campaign(row, 0)?, outcome(row, 2)?), count(row, 8)?));
    }
    for row in &modes {
        in_use.channels_and_modes.push(((row.try_get(0)?, row.try_get(1)?), count(row, 2)?));
    }
    for row in &agents {
        in_use.agents.extend(agent(row, 0)?.map(|agent| count(row, 2).map(|count| (agent, count))).transpose()?);
    }
    Ok(in_use)
}

fn count(row: &Row, column: usize) -> Result<u64, tokio_postgres::Error> {
    row.try_get::<_, i64>(column).map(i64::unsigned_abs)
}
