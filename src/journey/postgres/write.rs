//! Writing to PostgreSQL: idempotent, the newest `updatedAt` wins, a batch is one transaction of few statements. Rows are
//! locked in the order of their keys, so that two who write at once wait for each other and do not block each other.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use deadpool_postgres::{ClientWrapper, Transaction};

use super::behind::Moved;
use super::millis;
use crate::journey::erasure::{HashKey, Subject};
use crate::journey::store::{Commit, StoreError, WriteBatch, Written};
use crate::journey::{Change, Contact, NoIds};

const UPSERT_LISTINGS: &str = include_str!("upsert_listings.sql");

pub async fn write(
    client: &mut ClientWrapper,
    no_ids: &NoIds,
    given: &WriteBatch,
    commit: Commit,
) -> Result<Written, StoreError> {
    let changes = &given.changes[..];
    let mut batch = Batch::begin(client, no_ids).await?;
    batch.pass(&given.fences).await?;
    let key = batch.enter(changes).await?;
    given.panic_if_asked();
    // Interactions and contacts do not depend on each other; within each, a run of one kind is written at once.
    for run in changes.chunk_by(|a, b| Run::of(a) == Run::of(b)) {
        match Run::of(&run[0]) {
            Run::Interactions => {
                let run = batch.without_the_erased(run, &key).await?;
                batch.interactions(&run, &key).await?;
            }
            Run::Contacts => {
                let run = batch.without_the_erased(run, &key).await?;
                batch.contacts(&run, &key).await?;
            }
            Run::RemovedContacts => batch.remove_contacts(run, &key).await?,
            Run::Erasures => batch.erase(run, &key).await?,
        }
    }
    batch.set_aside(&given.set_aside).await?;
    let written = std::mem::take(&mut batch.written);
    batch.end(commit).await?;
    Ok(written)
}

#[derive(PartialEq, Eq)]
enum Run {
    Interactions,
    Contacts,
    RemovedContacts,
    Erasures,
}

impl Run {
    fn of(change: &Change) -> Self {
        match change {
            Change::Interaction(_) | Change::RemoveInteraction(_) => Self::Interactions,
            Change::Contact(_) => Self::Contacts,
            Change::RemoveContact(_) => Self::RemovedContacts,
            Change::Erase(_) => Self::Erasures,
        }
    }
}

/// Whose and where an interaction was, or is.
pub(super) type Place = (Option<String>, String);

/// One transaction.
pub(super) struct Batch<'a> {
    pub(super) transaction: Transaction<'a>,
    pub(super) written: Written,
    pub(super) moved: Moved,
    pub(super) no_ids: &'a NoIds,
}

impl<'a> Batch<'a> {
    pub(super) async fn begin(client: &'a mut ClientWrapper, no_ids: &'a NoIds) -> Result<Self, StoreError> {
        let transaction = client.transaction().await?;
        Ok(Self { transaction, written: Written::default(), moved: Moved::default(), no_ids })
    }

    async fn contacts(&mut self, run: &[Change], key: &HashKey) -> Result<(), StoreError> {
        let puts =
            || run.iter().filter_map(|change| if let Change::Contact(put) = change { Some(&**put) } else { None });
        let listing = |put: &'_ Contact| (put.contact_id.clone(), put.listing().1.to_owned());
        let given: BTreeSet<(String, String)> = puts().map(listing).collect();
        let subjects = given.iter().map(|(contact_id, campaign_id)| Subject::Listing(contact_id, campaign_id));
        let removals = self.removals(key, subjects).await?;
        let mut nets: BTreeMap<(&str, &str), &Contact> = BTreeMap::new();
        for put in puts() {
            let (contact_id, campaign_id) = put.listing();
            let removed_at = removals.get(&Subject::Listing(contact_id, campaign_id));
            if removed_at.is_some_and(|removed_at| contact_updated_at(put) <= *removed_at) {
                self.written.removed_since += 1;
                continue;
            }
            let first = !nets.contains_key(&(contact_id, campaign_id));
            self.written.known += u64::from(!first);
            let newest = nets.entry((contact_id, campaign_id)).or_insert(put);
            if contact_updated_at(put) >= contact_updated_at(newest) {
                *newest = put;
            }
        }
        let puts: Vec<&Contact> = nets.into_values().collect();
        let ids: Vec<&str> = puts
            .iter()
            .flat_map(|put| std::iter::once(&put.contact_id).chain(&put.merged_into))
            .map(String::as_str)
            .collect();
        self.moves(&ids).await?;
        let changed = self.upsert_listings(&puts).await?;
        let changed: Vec<&Contact> = puts
            .iter()
            .copied()
            .filter(|put| {
                let (contact_id, campaign_id) = put.listing();
                changed.contains(&(contact_id.to_owned(), campaign_id.to_owned()))
            })
            .collect();
        self.written.known += (puts.len() - changed.len()) as u64;
        self.written.changed += changed.len() as u64;
        self.put_addresses(&changed).await?;
        for put in changed {
            let led = [Some(&put.contact_id), put.merged_into.as_ref()];
            self.written.touched.extend(led.into_iter().flatten().cloned());
            self.written.touched.extend(put.addresses.iter().map(|known| known.address.clone()));
        }
        Ok(())
    }

    /// The keys of those that were new or newer, in themselves or in their addresses.
    async fn upsert_listings(&self, puts: &[&Contact]) -> Result<HashSet<(String, String)>, StoreError> {
        let statement = self.transaction.prepare_cached(UPSERT_LISTINGS).await?;
        // One text a listing, as the table's addresses are put together for comparing.
        let addresses = |put: &&Contact| {
            let known: BTreeMap<_, _> =
                put.addresses.iter().map(|known| (&known.address, known.mode.as_deref().unwrap_or_default())).collect();
            known.into_iter().map(|(address, mode)| format!("{address}\n{mode}")).collect::<Vec<_>>().join("\n")
        };
        let rows = self
            .transaction
            .query(
                &statement,
                &[
                    &puts.iter().map(|put| put.listing().0).collect::<Vec<_>>(),
                    &puts.iter().map(|put| put.listing().1).collect::<Vec<_>>(),
                    &puts.iter().map(|put| put.campaign.as_ref()?.name.as_deref()).collect::<Vec<_>>(),
                    &puts.iter().map(|put| put.name.as_deref()).collect::<Vec<_>>(),
                    &puts.iter().map(|put| put.time_zone.as_deref()).collect::<Vec<_>>(),
                    &puts.iter().map(|put| put.merged_into.as_deref()).collect::<Vec<_>>(),
                    &puts.iter().map(|put| put.listed_at.map(millis)).collect::<Vec<_>>(),
                    &puts.iter().map(|put| contact_updated_at(put)).collect::<Vec<_>>(),
                    &puts.iter().map(addresses).collect::<Vec<_>>(),
                ],
            )
            .await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }

    async fn put_addresses(&self, puts: &[&Contact]) -> Result<(), StoreError> {
        let (contacts, campaigns): (Vec<&str>, Vec<&str>) = puts.iter().map(|put| put.listing()).unzip();
        self.remove_addresses(&contacts, &campaigns).await?;
        let mut rows: Vec<(&str, &str, &str, Option<&str>)> = Vec::new();
        for put in puts {
            let (contact_id, campaign_id) = put.listing();
            rows.extend(
                put.addresses
                    .iter()
                    .map(|known| (known.address.as_str(), contact_id, campaign_id, known.mode.as_deref())),
            );
        }
        rows.sort_unstable();
        self.execute(
            "INSERT INTO backstory.addresses (address, contact_id, campaign_id, mode)
             SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING",
            &[
                &rows.iter().map(|row| row.0).collect::<Vec<_>>(),
                &rows.iter().map(|row| row.1).collect::<Vec<_>>(),
                &rows.iter().map(|row| row.2).collect::<Vec<_>>(),
                &rows.iter().map(|row| row.3).collect::<Vec<_>>(),
            ],
        )
        .await
    }

    pub(super) async fn remove_listings(&mut self, contacts: &[&str], campaigns: &[&str]) -> Result<bool, StoreError> {
        self.moves(contacts).await?;
        let statement = self
            .transaction
            .prepare_cached(
                "DELETE FROM backstory.listings
                 WHERE (contact_id, campaign_id) IN (SELECT * FROM unnest($1::text[], $2::text[])) RETURNING contact_id",
            )
            .await?;
        let removed = self.transaction.query(&statement, &[&contacts, &campaigns]).await?;
        self.remove_addresses(contacts, campaigns).await?;
        for row in &removed {
            self.written.touched.insert(row.try_get(0)?);
        }
        Ok(!removed.is_empty())
    }

    async fn remove_addresses(&self, contacts: &[&str], campaigns: &[&str]) -> Result<(), StoreError> {
        self.execute(
            "DELETE FROM backstory.addresses WHERE (contact_id, campaign_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))",
            &[&contacts, &campaigns],
        )
        .await
    }

    pub(super) async fn execute(
        &self,
        sql: &str,
        values: &[&(dyn tokio_postgres::types::ToSql + Sync)],
    ) -> Result<(), StoreError> {
        let statement = self.transaction.prepare_cached(sql).await?;
        self.transaction.execute(&statement, values).await?;
        Ok(())
    }
}

fn contact_updated_at(contact: &Contact) -> DateTime<Utc> {
    millis(contact.updated_at.unwrap_or_default())
}
