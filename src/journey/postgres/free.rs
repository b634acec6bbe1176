//! Takes apart what placeholders joined before they were known to be no ids: interactions that were kept under one are nobody's, and
//! contacts that were merged into one are themselves again. Nodes go on meanwhile.

use super::behind::texts;
use super::write::Batch;
use super::{Postgres, unreachable};
use crate::journey::store::{Freed, StoreError};

/// It looks at every row of a table.
const TAKES_ITS_TIME: &str = "SET LOCAL statement_timeout = 0";
/// $1 placeholders in small letters. As `NoIds` compares them.
const PLACEHOLDERS: &str = concat!(
    "
    SELECT DISTINCT contact_id FROM backstory.interactions
    WHERE contact_id IS NOT NULL AND ",
    bare!("contact_id"),
    " = ANY ($1)"
);
/// $1 ids: some of the interactions that are kept under them, by index.
const NOBODYS: &str = "
    UPDATE backstory.interactions SET contact_id = NULL
    WHERE interaction_id IN (
      SELECT interaction_id FROM backstory.interactions
      WHERE coalesce(contact_id, address) = ANY ($1) AND contact_id IS NOT NULL LIMIT 5000)
    RETURNING address";
const UNREACHED: &str = "DELETE FROM backstory.reached WHERE contact_id = ANY ($1) RETURNING address";
const UNMERGED: &str = concat!(
    "
    UPDATE backstory.listings SET merged_into = NULL
    WHERE merged_into IS NOT NULL AND ",
    bare!("merged_into"),
    " = ANY ($1)
    RETURNING contact_id"
);
/// $1 placeholders in small letters: what is listed under them leads to nobody.
const LISTED: &str = concat!(
    "
    SELECT DISTINCT address FROM backstory.addresses
    WHERE ",
    bare!("contact_id"),
    " = ANY ($1)"
);

impl Postgres {
    pub async fn free_the_joined(&self) -> Result<Freed, StoreError> {
        let mut freed = Freed::default();
        let none = self.no_ids.all();
        let mut client = self.writers.get().await.map_err(unreachable)?;
        let mut batch = Batch::begin(&mut client, &self.no_ids).await?;
        batch.execute(TAKES_ITS_TIME, &[]).await?;
        let ids = texts(&batch.transaction, PLACEHOLDERS, &[&none]).await?;
        let contacts = texts(&batch.transaction, UNMERGED, &[&none]).await?;
        batch.moves(&contacts.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        batch.moved.addresses.extend(texts(&batch.transaction, LISTED, &[&none]).await?);
        batch.moved.addresses.extend(texts(&batch.transaction, UNREACHED, &[&ids]).await?);
        batch.commit().await?;
        freed.merges = contacts.len() as u64;
        loop {
            let mut batch = Batch::begin(&mut client, &self.no_ids).await?;
            let addresses = texts(&batch.transaction, NOBODYS, &[&ids]).await?;
            let some = addresses.len() as u64;
            batch.moved.addresses.extend(addresses);
            batch.commit().await?;
            freed.interactions += some;
            if some == 0 {
                return Ok(freed);
            }
        }
    }
}
