//! What is too old goes, oldest first, a few rows in a transaction. Nodes that do this at once take different rows.

use chrono::{DateTime, Utc};

use super::write::Batch;
use super::{Postgres, unreachable};
use crate::journey::retention::{Next, Step};
use crate::journey::store::StoreError;
use crate::journey::{Change, Removal};

const OLDEST: &str = "
    SELECT interaction_id FROM backstory.interactions WHERE started_at < $1 ORDER BY started_at LIMIT 500
    FOR UPDATE SKIP LOCKED";

impl Postgres {
    /// Removes a step's worth of what began before that time.
    pub async fn expire(&self, before: DateTime<Utc>) -> Result<Step, StoreError> {
        let mut client = self.writers.get().await.map_err(unreachable)?;
        let mut batch = Batch::begin(&mut client, &self.no_ids).await?;
        let key = batch.enter(&[]).await?;
        let statement = batch.transaction.prepare_cached(OLDEST).await?;
        let rows = batch.transaction.query(&statement, &[&before]).await?;
        let gone = rows.iter().map(|row| Ok(Change::RemoveInteraction(Removal::of(row.try_get::<_, String>(0)?))));
        batch.interactions(&gone.collect::<Result<Vec<_>, tokio_postgres::Error>>()?, &key).await?;
        batch.commit().await?;
        let next = if rows.is_empty() { Next::End } else { Next::After(None) };
        Ok(Step { removed: rows.len() as u64, next })
    }
}
