//! Takes apart what placeholders joined before they were known to be no ids: interactions that were kept under one are nobody's, and
//! contacts that were merged into one are themselves again.

use rusqlite::{Connection, OptionalExtension, params};
use tracing::info;
use xxhash_rust::xxh3::xxh3_64;

use super::Embedded;
use super::write::Writer;
use crate::journey::NoIds;
use crate::journey::store::{Freed, StoreError};

/// In `meta`: a hash of the placeholders that the store was freed of.
const FREED_OF: &str = "freed_of";

impl Embedded {
    pub fn free_the_joined(&self) -> Result<Freed, StoreError> {
        self.writer.lock().free(&self.no_ids)
    }
}

impl Writer {
    /// Where it was not done yet with these placeholders: it looks at every contact.
    pub fn free_once(&mut self, no_ids: &NoIds) -> Result<(), StoreError> {
        let wanted = xxh3_64(no_ids.all().join("\n").as_bytes()).cast_signed();
        let sql = "SELECT value FROM meta WHERE name = ?1";
        let batch = self.begin()?;
        let done: Option<i64> = batch.transaction.query_row(sql, [FREED_OF], |row| row.get(0)).optional()?;
        drop(batch);
        if done == Some(wanted) {
            return Ok(());
        }
        let Freed { interactions, merges } = self.free(no_ids)?;
        if interactions + merges > 0 {
            info!(interactions, merges, "took apart what placeholders instead of ids had joined");
        }
        let batch = self.begin()?;
        batch.transaction.execute(
            "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
            params![FREED_OF, wanted],
        )?;
        batch.commit()
    }

    fn free(&mut self, no_ids: &NoIds) -> Result<Freed, StoreError> {
        let batch = self.begin()?;
        let connection = &batch.transaction;
        let mut interactions = 0;
        let mut after = String::new();
        // Nobody's interactions stand under the empty id.
        while let Some(contact_id) = next_contact(connection, &after)? {
            if no_ids.has(&contact_id) {
                connection.execute("DELETE FROM reached WHERE contact_id = ?1", [&contact_id])?;
                let nobodys = "UPDATE OR IGNORE interactions SET contact_id = '' WHERE contact_id = ?1";
                interactions += connection.execute(nobodys, [&contact_id])? as u64;
            }
            after = contact_id;
        }
        let merges = connection.execute(
            "UPDATE listings SET merged_into = NULL WHERE merged_into IS NOT NULL AND is_no_id(merged_into)",
            params![],
        )?;
        batch.commit()?;
        Ok(Freed { interactions, merges: merges as u64 })
    }
}

fn next_contact(connection: &Connection, after: &str) -> rusqlite::Result<Option<String>> {
    let mut next = connection
        .prepare_cached("SELECT contact_id FROM interactions WHERE contact_id > ?1 ORDER BY contact_id LIMIT 1")?;
    next.query_row([after], |row| row.get(0)).optional()
}
