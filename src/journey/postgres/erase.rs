//! Erasing a person from PostgreSQL, and keeping out who was erased.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use deadpool_postgres::GenericClient;

use super::write::Batch;
use crate::journey::erasure::{Erasure, HashKey, Holdings, Subject};
use crate::journey::store::{StoreError, Written};
use crate::journey::{Change, NoIds, Removal};

/// $1 contact ids: they, and whom they were merged with, either way. $2 placeholders in small letters, which join nobody.
pub(super) const CONTACTS: &str = concat!(
    "
    WITH RECURSIVE people (contact_id) AS (
      SELECT unnest($1::text[])
      UNION
      SELECT merged.contact_id
      FROM people
      CROSS JOIN LATERAL (
        SELECT merged_into AS contact_id FROM backstory.listings
        WHERE contact_id = people.contact_id AND merged_into IS NOT NULL
          AND ",
    bare!("merged_into"),
    " <> ALL ($2)
        UNION ALL
        SELECT contact_id FROM backstory.listings
        WHERE merged_into = people.contact_id
          AND ",
    bare!("merged_into"),
    " <> ALL ($2)
      ) AS merged
    )
    SELECT contact_id FROM people"
);

/// $1 contact ids, $2 further addresses: what nobody else is listed with or was reached on.
const ADDRESSES: &str = "
    SELECT own.address
    FROM (
      SELECT unnest($2::text[]) AS address
      UNION SELECT address FROM backstory.addresses WHERE contact_id = ANY ($1)
      UNION SELECT address FROM backstory.interactions
            WHERE coalesce(contact_id, address) = ANY ($1) AND contact_id IS NOT NULL
    ) AS own
    WHERE NOT EXISTS (SELECT 1 FROM backstory.addresses AS other
                      WHERE other.address = own.address AND other.contact_id <> ALL ($1))
      AND NOT EXISTS (SELECT 1 FROM backstory.reached AS other
                      WHERE other.address = own.address AND other.contact_id <> ALL ($1))";

/// $1 contact ids, $2 addresses, $3 until when.
const INTERACTIONS: &str = "
    SELECT interaction_id FROM backstory.interactions
    WHERE coalesce(contact_id, address) = ANY ($1) AND contact_id IS NOT NULL AND least(started_at, updated_at) <= $3
    UNION ALL
    SELECT interaction_id FROM backstory.interactions
    WHERE coalesce(contact_id, address) = ANY ($2) AND contact_id IS NULL AND least(started_at, updated_at) <= $3";

/// $1 contact ids, $2 until when.
const LISTINGS: &str =
    "SELECT contact_id, campaign_id FROM backstory.listings WHERE contact_id = ANY ($1) AND updated_at <= $2";

/// What is kept of the person, and would go.
pub async fn holdings(client: &impl GenericClient, no_ids: &NoIds, erasure: &Erasure) -> Result<Holdings, StoreError> {
    let rows = client.query(CONTACTS, &[&erasure.contact_ids, &no_ids.all()]).await?;
    let contacts: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let rows = client.query(ADDRESSES, &[&contacts, &erasure.addresses]).await?;
    let addresses: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let rows = client.query(INTERACTIONS, &[&contacts, &addresses, &erasure.erased_at]).await?;
    let interactions = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let rows = client.query(LISTINGS, &[&contacts, &erasure.erased_at]).await?;
    let listing = |row: &tokio_postgres::Row| Ok((row.try_get(0)?, row.try_get(1)?));
    let listings = rows.iter().map(listing).collect::<Result<_, tokio_postgres::Error>>()?;
    Ok(Holdings {
        contact_ids: contacts.into_iter().collect(),
        addresses: addresses.into_iter().collect(),
        interactions,
        listings,
    })
}

impl Batch<'_> {
    /// Writers of ordinary batches pass together; one that erases or removes waits for them, and they for it. What they ask afterwards is
    /// answered with what it wrote.
    pub(super) async fn enter(&self, changes: &[Change]) -> Result<HashKey, StoreError> {
        let takes_back = |change: &Change| {
            matches!(change, Change::Erase(_) | Change::RemoveInteraction(_) | Change::RemoveContact(_))
        };
        let sql = if changes.iter().any(takes_back) {
            "SELECT key FROM backstory.erasure_key FOR UPDATE"
        } else {
            "SELECT key FROM backstory.erasure_key FOR SHARE"
        };
        let statement = self.transaction.prepare_cached(sql).await?;
        Ok(HashKey::new(self.transaction.query_one(&statement, &[]).await?.try_get(0)?))
    }

    /// Leaves out what is of somebody who was erased since.
    pub(super) async fn without_the_erased<'c>(
        &mut self,
        changes: &'c [Change],
        key: &HashKey,
    ) -> Result<Cow<'c, [Change]>, StoreError> {
        let subjects: BTreeSet<Vec<u8>> =
            changes.iter().filter_map(|change| Some(key.hash(change.subject()?.0))).collect();
        let statement = self
            .transaction
            .prepare_cached("SELECT hash, erased_at FROM backstory.erased WHERE hash = ANY ($1)")
            .await?;
        let rows = self.transaction.query(&statement, &[&subjects.into_iter().collect::<Vec<_>>()]).await?;
        if rows.is_empty() {
            return Ok(Cow::Borrowed(changes));
        }
        let erased: HashMap<Vec<u8>, DateTime<Utc>> = rows
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect::<Result<_, tokio_postgres::Error>>()?;
        let is_erased = |(subject, at): (Subject<'_>, DateTime<Utc>)| {
            erased.get(&key.hash(subject)).is_some_and(|erased_at| at <= *erased_at)
        };
        let left: Vec<Change> =
            changes.iter().filter(|change| !change.subject().is_some_and(is_erased)).cloned().collect();
        self.written.kept_out += (changes.len() - left.len()) as u64;
        Ok(Cow::Owned(left))
    }

    pub(super) async fn erase(&mut self, run: &[Change], key: &HashKey) -> Result<(), StoreError> {
        for change in run {
            let Change::Erase(erasure) = change else { continue };
            let holdings = holdings(&self.transaction, self.no_ids, erasure).await?;
            let before = Written { touched: BTreeSet::new(), ..self.written.clone() };
            let gone = |id: &String| Change::RemoveInteraction(Removal::of(id));
            self.interactions(&holdings.interactions.iter().map(gone).collect::<Vec<_>>(), key).await?;
            let (contacts, campaigns): (Vec<&str>, Vec<&str>) =
                holdings.listings.iter().map(|(contact, campaign)| (contact.as_str(), campaign.as_str())).unzip();
            self.remove_listings(&contacts, &campaigns).await?;
            // It counts as one change, not as those that it led to.
            self.written = Written { touched: std::mem::take(&mut self.written.touched), ..before };
            self.written.removed.interactions += holdings.interactions.len() as u64;
            self.written.removed.listings += holdings.listings.len() as u64;
            if self.remember(&holdings, erasure.erased_at, key).await? || !holdings.is_empty() {
                self.written.changed += 1;
            } else {
                self.written.known += 1;
            }
        }
        Ok(())
    }

    async fn remember(&self, holdings: &Holdings, erased_at: DateTime<Utc>, key: &HashKey) -> Result<bool, StoreError> {
        let hashes: Vec<Vec<u8>> = holdings.subjects().map(|subject| key.hash(subject)).collect();
        let sql = "INSERT INTO backstory.erased AS kept (hash, erased_at) SELECT unnest($1::bytea[]), $2
                   ON CONFLICT (hash) DO UPDATE SET erased_at = excluded.erased_at WHERE kept.erased_at < excluded.erased_at";
        Ok(self.transaction.execute(sql, &[&hashes, &erased_at]).await? > 0)
    }
}
