//! Who is behind an address: what is written of it, and what a look-up reads. The pairs of address and contact say so, with the
//! listings; `behind` is these put together.

use std::collections::BTreeSet;

use deadpool_postgres::Transaction;
use serde::Deserialize;
use tokio_postgres::types::ToSql;

use super::erase::CONTACTS;
use super::people::Listing;
use super::write::{Batch, Place};
use crate::journey::store::{Commit, StoreError};
use crate::journey::{Campaign, NoIds};

const PUT: &str = include_str!("put_behind.sql");
/// Nobody is behind it any more.
const DROP: &str = concat!(
    "
    DELETE FROM backstory.behind
    WHERE address = ANY ($1)
      AND NOT EXISTS (SELECT 1 FROM backstory.addresses WHERE addresses.address = behind.address
                      AND ",
    bare!("contact_id"),
    " <> ALL ($2))
      AND NOT EXISTS (SELECT 1 FROM backstory.reached WHERE reached.address = behind.address
                      AND ",
    bare!("contact_id"),
    " <> ALL ($2))"
);
const TURN: &str = "SELECT 1 FROM backstory.behind_turn FOR UPDATE";
/// $1 contact ids: the addresses whose people they are.
const ADDRESSES: &str = "
    SELECT address FROM backstory.addresses WHERE contact_id = ANY ($1)
    UNION
    SELECT address FROM backstory.reached WHERE contact_id = ANY ($1)";
/// $1 an address, $2 how many: those that follow.
const NEXT: &str = "
    SELECT address FROM (
      SELECT address FROM backstory.addresses WHERE address > $1
      UNION
      SELECT address FROM backstory.reached WHERE address > $1
    ) AS following
    ORDER BY address LIMIT $2";
/// A row of more would be written anew for each of them that changes: who is behind such an address, a look-up reads from the tables.
const CONTACTS_MAX: i64 = 100;
/// Put together in one statement.
const ADDRESSES_AT_A_TIME: usize = 5000;

/// What a batch changes of who is behind what.
#[derive(Default)]
pub struct Moved {
    pub(super) addresses: BTreeSet<String>,
    contact_ids: BTreeSet<String>,
}

impl Batch<'_> {
    /// Before contacts are changed: they, whom they are merged with, and their addresses.
    pub(super) async fn moves(&mut self, contact_ids: &[&str]) -> Result<(), StoreError> {
        let contact_ids = texts(&self.transaction, CONTACTS, &[&contact_ids, &self.no_ids.all()]).await?;
        self.moved.addresses.extend(texts(&self.transaction, ADDRESSES, &[&contact_ids]).await?);
        self.moved.contact_ids.extend(contact_ids);
        Ok(())
    }

    /// Locks what is there already: whoever takes a place back at this moment must see that it is in use again.
    pub(super) async fn reach(&mut self, places: &BTreeSet<Place>) -> Result<(), StoreError> {
        let (addresses, contacts) = columns(places);
        if addresses.is_empty() {
            return Ok(());
        }
        let sql = "
            WITH written AS (
              INSERT INTO backstory.reached AS kept (address, contact_id) SELECT * FROM unnest($1::text[], $2::text[])
              ON CONFLICT (address, contact_id) DO UPDATE SET times = kept.times + 1
              RETURNING address, times
            )
            SELECT address FROM written WHERE times = 1";
        self.moved.addresses.extend(texts(&self.transaction, sql, &[&addresses, &contacts]).await?);
        Ok(())
    }

    /// Whoever was reached on the address by nothing else was not reached on it. The lock comes first, and the question in a
    /// statement of its own: it sees what others have written until then.
    pub(super) async fn unreach(&mut self, places: &BTreeSet<Place>) -> Result<(), StoreError> {
        let (addresses, contacts) = columns(places);
        if addresses.is_empty() {
            return Ok(());
        }
        self.execute(
            "SELECT 1 FROM backstory.reached
             WHERE (address, contact_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
             ORDER BY address, contact_id FOR UPDATE",
            &[&addresses, &contacts],
        )
        .await?;
        let sql = "
            DELETE FROM backstory.reached
            WHERE (address, contact_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
              AND NOT EXISTS (SELECT 1 FROM backstory.interactions
                              WHERE coalesce(interactions.contact_id, interactions.address) = reached.contact_id
                                AND interactions.contact_id IS NOT NULL AND interactions.address = reached.address)
            RETURNING address";
        self.moved.addresses.extend(texts(&self.transaction, sql, &[&addresses, &contacts]).await?);
        Ok(())
    }

    /// Puts together who is behind what the batch has changed, and commits. The turn comes last, so nobody who has it waits for
    /// anybody; what is asked then sees all that others, who had it before, have written.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        self.end(Commit::Yes).await
    }

    /// As above, or takes everything back.
    pub(super) async fn end(self, commit: Commit) -> Result<(), StoreError> {
        let Self { transaction, no_ids, moved: Moved { mut addresses, contact_ids }, .. } = self;
        if !addresses.is_empty() || !contact_ids.is_empty() {
            let statement = transaction.prepare_cached(TURN).await?;
            transaction.execute(&statement, &[]).await?;
            let contact_ids = contact_ids.into_iter().collect::<Vec<_>>();
            let contact_ids = texts(&transaction, CONTACTS, &[&contact_ids, &no_ids.all()]).await?;
            addresses.extend(texts(&transaction, ADDRESSES, &[&contact_ids]).await?);
            put(&transaction, no_ids, &addresses.into_iter().collect::<Vec<_>>()).await?;
        }
        match commit {
            Commit::Yes => Ok(transaction.commit().await?),
            Commit::No => Ok(transaction.rollback().await?),
        }
    }
}

/// Everything anew.
pub async fn put_all(transaction: &Transaction<'_>, no_ids: &NoIds) -> Result<(), StoreError> {
    let mut last = String::new();
    loop {
        let addresses = texts(transaction, NEXT, &[&last, &(ADDRESSES_AT_A_TIME as i64)]).await?;
        let Some(end) = addresses.last() else { return Ok(()) };
        last.clone_from(end);
        put(transaction, no_ids, &addresses).await?;
    }
}

async fn put(transaction: &Transaction<'_>, no_ids: &NoIds, addresses: &[String]) -> Result<(), StoreError> {
    for addresses in addresses.chunks(ADDRESSES_AT_A_TIME) {
        let statement = transaction.prepare_cached(PUT).await?;
        transaction.execute(&statement, &[&addresses, &no_ids.all(), &CONTACTS_MAX]).await?;
        let statement = transaction.prepare_cached(DROP).await?;
        transaction.execute(&statement, &[&addresses, &no_ids.all()]).await?;
    }
    Ok(())
}

/// The people of a row, as `put_behind.sql` writes them.
pub fn read(people: &str) -> Result<Vec<Listing>, StoreError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Kept {
        contact_id: String,
        behind: bool,
        /// `None` for a contact without a listing, empty for one that is in no campaign.
        campaign_id: Option<String>,
        campaign_name: Option<String>,
        name: Option<String>,
        time_zone: Option<String>,
        merged_into: Option<String>,
        updated_at: Option<i64>,
        addresses: Vec<String>,
    }
    let listing = |kept: Kept| Listing {
        contact_id: kept.contact_id,
        behind: kept.behind,
        campaign: kept.campaign_id.filter(|id| !id.is_empty()).map(|id| Campaign { id, name: kept.campaign_name }),
        name: kept.name,
        time_zone: kept.time_zone,
        merged_into: kept.merged_into,
        updated_at: kept.updated_at,
        addresses: kept.addresses,
    };
    Ok(serde_json::from_str::<Vec<Kept>>(people)?.into_iter().map(listing).collect())
}

/// Of places that are somebody's.
fn columns(places: &BTreeSet<Place>) -> (Vec<&str>, Vec<&str>) {
    let mut pairs: Vec<(&str, &str)> =
        places.iter().filter_map(|(contact_id, address)| Some((address.as_str(), contact_id.as_deref()?))).collect();
    pairs.sort_unstable();
    pairs.into_iter().unzip()
}

pub(super) async fn texts(
    transaction: &Transaction<'_>,
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Vec<String>, StoreError> {
    let statement = transaction.prepare_cached(sql).await?;
    let rows = transaction.query(&statement, values).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}
