//! What is too old, found contact by contact: a contact's interactions stand together, the oldest last.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use super::Embedded;
use super::write::Writer;
use crate::journey::retention::{Next, Step};
use crate::journey::store::StoreError;

/// Contacts that one step looks at.
const CONTACTS_MAX: usize = 1000;
/// Interactions that one step removes.
const REMOVED_MAX: usize = 500;

impl Embedded {
    /// Looks at the contacts behind this one, and removes a step's worth of what began before that time.
    pub fn expire(&self, before: DateTime<Utc>, after: Option<String>) -> Result<Step, StoreError> {
        let (with_old, last) = self.read(|connection| contacts(connection, before, after.clone()))?;
        let removed = if with_old.is_empty() { 0 } else { self.writer.lock().expire(&with_old, before)? };
        let next = match last {
            _ if removed == REMOVED_MAX => Next::After(after), // there may be more of them
            Some(last) => Next::After(Some(last)),
            None => Next::End,
        };
        Ok(Step { removed: removed as u64, next })
    }
}

/// Those of the next contacts that have something too old, and the last one looked at; `None` where there was none left.
fn contacts(
    connection: &Connection,
    before: DateTime<Utc>,
    after: Option<String>,
) -> Result<(Vec<String>, Option<String>), StoreError> {
    let next = |sql: &str, after: &str| -> rusqlite::Result<Option<String>> {
        connection.prepare_cached(sql)?.query_row([after], |row| row.get(0)).optional()
    };
    let mut old =
        connection.prepare_cached("SELECT 1 FROM interactions WHERE contact_id = ?1 AND started_at < ?2 LIMIT 1")?;
    let (mut with_old, mut last) = (Vec::new(), after);
    for _ in 0..CONTACTS_MAX {
        let found = match &last {
            // Nobody's stand first, under the empty name.
            None => next("SELECT contact_id FROM interactions WHERE contact_id >= ?1 ORDER BY contact_id LIMIT 1", "")?,
            Some(last) => {
                next("SELECT contact_id FROM interactions WHERE contact_id > ?1 ORDER BY contact_id LIMIT 1", last)?
            }
        };
        let Some(found) = found else { return Ok((with_old, None)) };
        if old.exists(params![found, before.timestamp_millis()])? {
            with_old.push(found.clone());
        }
        last = Some(found);
    }
    Ok((with_old, last))
}

impl Writer {
    /// In one transaction; how many went.
    fn expire(&mut self, contacts: &[String], before: DateTime<Utc>) -> Result<usize, StoreError> {
        let mut batch = self.begin()?;
        let mut old: Vec<String> = Vec::new();
        for contact_id in contacts {
            let left = REMOVED_MAX - old.len();
            let mut select = batch.transaction.prepare_cached(
                "SELECT interaction_id FROM interactions WHERE contact_id = ?1 AND started_at < ?2 LIMIT ?3",
            )?;
            let found =
                select.query_map(params![contact_id, before.timestamp_millis(), left as i64], |row| row.get(0))?;
            old.extend(found.collect::<rusqlite::Result<Vec<_>>>()?);
        }
        for interaction_id in &old {
            batch.remove_interaction(interaction_id)?;
        }
        batch.commit()?;
        Ok(old.len())
    }
}
