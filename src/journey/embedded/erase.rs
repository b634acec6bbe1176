//! Erasing a person from the embedded store, and keeping out who was erased.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::write::Batch;
use crate::journey::erasure::{Erasure, HashKey, Holdings, Subject};
use crate::journey::store::StoreError;

/// `?1`: a JSON list of contact ids. They, and whom they were merged with, either way.
const CONTACTS: &str = "
    WITH RECURSIVE people (id) AS (
      SELECT value FROM json_each(?1)
      UNION SELECT merged_into FROM listings JOIN people ON contact_id = people.id
            WHERE merged_into IS NOT NULL AND NOT is_no_id(merged_into)
      UNION SELECT contact_id FROM listings JOIN people ON merged_into = people.id WHERE NOT is_no_id(people.id))
    SELECT id FROM people";

/// `?1` contact ids, `?2` further addresses, as JSON lists: what nobody else is listed with or was reached on.
const ADDRESSES: &str = "
    WITH own (address) AS (
      SELECT value FROM json_each(?2)
      UNION SELECT address FROM addresses WHERE contact_id IN (SELECT value FROM json_each(?1))
      UNION SELECT address FROM interactions WHERE contact_id IN (SELECT value FROM json_each(?1)))
    SELECT address FROM own
    WHERE NOT EXISTS (SELECT 1 FROM addresses AS other WHERE other.address = own.address
                      AND other.contact_id NOT IN (SELECT value FROM json_each(?1)))
      AND NOT EXISTS (SELECT 1 FROM reached AS other WHERE other.address = own.address
                      AND other.contact_id NOT IN (SELECT value FROM json_each(?1)))";

/// `?1` contact ids, `?2` addresses, `?3` until when.
const INTERACTIONS: &str = "
    SELECT interaction_id FROM interactions
    WHERE contact_id IN (SELECT value FROM json_each(?1)) AND min(started_at, updated_at) <= ?3
    UNION ALL
    SELECT interaction_id FROM interactions
    WHERE contact_id = '' AND address IN (SELECT value FROM json_each(?2)) AND min(started_at, updated_at) <= ?3";

/// `?1` contact ids, `?2` until when.
const LISTINGS: &str = "
    SELECT contact_id, campaign_id FROM listings
    WHERE contact_id IN (SELECT value FROM json_each(?1)) AND updated_at <= ?2";

/// What is kept of the person, and would go.
pub fn holdings(connection: &Connection, erasure: &Erasure) -> Result<Holdings, StoreError> {
    let until = erasure.erased_at.timestamp_millis();
    let text = |row: &Row<'_>| row.get(0);
    let asked = serde_json::to_string(&erasure.contact_ids)?;
    let contact_ids: BTreeSet<String> =
        connection.prepare_cached(CONTACTS)?.query_map([asked], text)?.collect::<Result<_, _>>()?;
    let (contacts, asked) = (serde_json::to_string(&contact_ids)?, serde_json::to_string(&erasure.addresses)?);
    let addresses: BTreeSet<String> =
        connection.prepare_cached(ADDRESSES)?.query_map([&contacts, &asked], text)?.collect::<Result<_, _>>()?;
    let places = params![contacts, serde_json::to_string(&addresses)?, until];
    let interactions = connection.prepare_cached(INTERACTIONS)?.query_map(places, text)?.collect::<Result<_, _>>()?;
    let mut statement = connection.prepare_cached(LISTINGS)?;
    let listings = statement.query_map(params![contacts, until], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let listings = listings.collect::<Result<_, _>>()?;
    Ok(Holdings { contact_ids, addresses, interactions, listings })
}

/// Who was erased, for one batch.
pub struct Erased {
    /// Nobody ever was, and nothing need be computed.
    is_empty: bool,
}

impl Erased {
    pub fn of(connection: &Connection) -> rusqlite::Result<Self> {
        Ok(Self { is_empty: !connection.prepare_cached("SELECT 1 FROM erased")?.exists([])? })
    }

    /// Whether the subject was erased at that time or later.
    pub fn holds(
        &self,
        connection: &Connection,
        key: &HashKey,
        (subject, at): (Subject<'_>, DateTime<Utc>),
    ) -> rusqlite::Result<bool> {
        if self.is_empty {
            return Ok(false);
        }
        let mut select = connection.prepare_cached("SELECT erased_at FROM erased WHERE hash = ?1")?;
        let erased_at: Option<i64> = select.query_row([key.hash(subject)], |row| row.get(0)).optional()?;
        Ok(erased_at.is_some_and(|erased_at| at.timestamp_millis() <= erased_at))
    }
}

pub fn key(connection: &Connection) -> rusqlite::Result<HashKey> {
    connection.query_row("SELECT key FROM erasure_key", [], |row| row.get(0)).map(HashKey::new)
}

impl Batch<'_> {
    /// `false` where there was nothing of the person, and nothing new to remember.
    pub(super) fn erase(&mut self, erasure: &Erasure) -> Result<bool, StoreError> {
        let holdings = holdings(&self.transaction, erasure)?;
        for interaction_id in &holdings.interactions {
            self.remove_interaction(interaction_id)?;
        }
        for (contact_id, campaign_id) in &holdings.listings {
            self.remove_listing(contact_id, campaign_id)?;
        }
        self.removed.interactions += holdings.interactions.len() as u64;
        self.removed.listings += holdings.listings.len() as u64;
        let remembered = self.remember(&holdings, erasure.erased_at)?;
        self.erased = Erased::of(&self.transaction)?;
        Ok(remembered || !holdings.is_empty())
    }

    fn remember(&self, holdings: &Holdings, erased_at: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut remember = self.transaction.prepare_cached(
            "INSERT INTO erased (hash, erased_at) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET erased_at = excluded.erased_at WHERE erased_at < excluded.erased_at",
        )?;
        let mut remembered = false;
        for subject in holdings.subjects() {
            remembered |= remember.execute(params![self.key.hash(subject), erased_at.timestamp_millis()])? > 0;
        }
        Ok(remembered)
    }
}
