//! Writing to PostgreSQL: idempotent, the newest `updatedAt` wins, a batch is one transaction of few statements. Rows are
//! locked in the order of their keys, so that two who write at once wait for each other and do not block each other.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use deadpool_postgres::{ClientWrapper, Transaction};
use smol_str::SmolStr;

use super::behind::Moved;
use super::millis;
use crate::journey::store::{StoreError, Written};
use crate::journey::{Change, Contact, Interaction};

const INSERT_INTERACTIONS: &str = include_str!("insert_interactions.sql");
const UPSERT_INTERACTIONS: &str = include_str!("upsert_interactions.sql");
const UPSERT_LISTINGS: &str = include_str!("upsert_listings.sql");

pub async fn write(client: &mut ClientWrapper, changes: &[Change]) -> Result<Written, StoreError> {
    let mut batch = Batch::begin(client).await?;
    let key = batch.enter(changes).await?;
    // Interactions and contacts do not depend on each other; within each, a run of one kind is written at once.
    for run in changes.chunk_by(|a, b| Run::of(a) == Run::of(b)) {
        match Run::of(&run[0]) {
            Run::Interactions => {
                let run = batch.without_the_erased(run, &key).await?;
                batch.interactions(&run).await?;
            }
            Run::Contacts => {
                let run = batch.without_the_erased(run, &key).await?;
                batch.contacts(&run).await?;
            }
            Run::RemovedContacts => batch.remove_contacts(run).await?,
            Run::Erasures => batch.erase(run, &key).await?,
        }
    }
    let written = std::mem::take(&mut batch.written);
    batch.commit().await?;
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
            Change::Interaction(_) | Change::RemoveInteraction { .. } => Self::Interactions,
            Change::Contact(_) => Self::Contacts,
            Change::RemoveContact { .. } => Self::RemovedContacts,
            Change::Erase(_) => Self::Erasures,
        }
    }
}

/// What several changes of one key come to.
struct Net<'a, T> {
    /// It was removed, whatever was kept.
    removed: bool,
    /// The newest of those given since.
    put: Option<&'a T>,
}

impl<T> Default for Net<'_, T> {
    fn default() -> Self {
        Self { removed: false, put: None }
    }
}

/// Whose and where an interaction was, or is.
pub(super) type Place = (Option<String>, String);

/// One transaction.
pub(super) struct Batch<'a> {
    pub(super) transaction: Transaction<'a>,
    pub(super) written: Written,
    pub(super) moved: Moved,
}

impl<'a> Batch<'a> {
    pub(super) async fn begin(client: &'a mut ClientWrapper) -> Result<Self, StoreError> {
        Ok(Self { transaction: client.transaction().await?, written: Written::default(), moved: Moved::default() })
    }

    pub(super) async fn interactions(&mut self, run: &[Change]) -> Result<(), StoreError> {
        let nets = self.net_interactions(run);
        let ids: Vec<&str> = nets.keys().copied().collect();
        let mut before = self.places(&ids).await?;
        let removed: Vec<&str> = nets.iter().filter(|(_, net)| net.removed).map(|(id, _)| *id).collect();
        if !removed.is_empty() {
            self.execute("DELETE FROM backstory.interactions WHERE interaction_id = ANY ($1)", &[&removed]).await?;
        }
        let puts: Vec<&Interaction> = nets.values().filter_map(|net| net.put).collect();
        let mut changed = self.put(INSERT_INTERACTIONS, &puts).await?;
        let kept: Vec<&Interaction> =
            puts.iter().copied().filter(|put| !changed.contains(put.interaction_id.as_str())).collect();
        // Somebody else has written these since they were looked for.
        let missed = kept.iter().map(|put| put.interaction_id.as_str()).filter(|id| !before.contains_key(*id));
        before.extend(self.places(&missed.collect::<Vec<_>>()).await?);
        changed.extend(self.put(UPSERT_INTERACTIONS, &kept).await?);
        self.written.known += (puts.len() - changed.len()) as u64;
        self.written.changed += changed.len() as u64;
        // A removal that was followed by a record counts as that record.
        for id in nets.iter().filter(|(_, net)| net.removed && net.put.is_none()).map(|(id, _)| *id) {
            if before.contains_key(id) { self.written.changed += 1 } else { self.written.known += 1 }
        }
        before.retain(|id, _| changed.contains(id) || nets.get(id.as_str()).is_some_and(|net| net.removed));
        let after: BTreeSet<Place> = puts
            .iter()
            .filter(|put| changed.contains(put.interaction_id.as_str()))
            .map(|put| (put.contact_id.as_ref().map(SmolStr::to_string), put.address.to_string()))
            .collect();
        self.reach(&after).await?;
        let left: BTreeSet<Place> = before.into_values().filter(|place| !after.contains(place)).collect();
        self.unreach(&left).await?;
        for (contact_id, address) in after.into_iter().chain(left) {
            self.written.touched.extend(contact_id);
            self.written.touched.insert(address);
        }
        Ok(())
    }

    fn net_interactions<'c>(&mut self, run: &'c [Change]) -> BTreeMap<&'c str, Net<'c, Interaction>> {
        let mut nets: BTreeMap<&str, Net<'_, Interaction>> = BTreeMap::new();
        for change in run {
            match change {
                Change::Interaction(put) => {
                    let net = nets.entry(&put.interaction_id).or_default();
                    let older = net.put.is_some_and(|other| updated_at(put) < updated_at(other));
                    self.written.known += u64::from(net.put.is_some());
                    net.put = if older { net.put } else { Some(put) };
                }
                Change::RemoveInteraction { interaction_id } => {
                    let net = nets.entry(interaction_id).or_default();
                    self.written.known += u64::from(net.put.is_some() || net.removed);
                    *net = Net { removed: true, put: None };
                }
                Change::Contact(_) | Change::RemoveContact { .. } | Change::Erase(_) => {}
            }
        }
        nets
    }

    /// Where the interactions that are kept already belong; locks them.
    async fn places(&self, ids: &[&str]) -> Result<BTreeMap<String, Place>, StoreError> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let sql =
            "SELECT interaction_id, contact_id, address FROM backstory.interactions WHERE interaction_id = ANY ($1)
                   ORDER BY interaction_id FOR UPDATE";
        let statement = self.transaction.prepare_cached(sql).await?;
        let rows = self.transaction.query(&statement, &[&ids]).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?)))).collect()
    }

    /// The ids of those that were written.
    async fn put(&self, sql: &str, puts: &[&Interaction]) -> Result<HashSet<String>, StoreError> {
        if puts.is_empty() {
            return Ok(HashSet::new());
        }
        fn column<'a, T>(puts: &[&'a Interaction], of: impl Fn(&'a Interaction) -> T) -> Vec<T> {
            puts.iter().copied().map(of).collect()
        }
        let statement = self.transaction.prepare_cached(sql).await?;
        let outcome = |of: fn(&crate::journey::Outcome) -> Option<&str>| {
            column(puts, move |put| put.outcome.as_deref().and_then(of))
        };
        let rows = self
            .transaction
            .query(
                &statement,
                &[
                    &column(puts, |put| put.interaction_id.as_str()),
                    &column(puts, |put| put.source.name()),
                    &column(puts, |put| put.contact_id.as_deref()),
                    &column(puts, |put| put.address.as_str()),
                    &column(puts, |put| put.campaign.as_ref().map(|campaign| campaign.id.as_str())),
                    &column(puts, |put| put.campaign.as_ref().and_then(|campaign| campaign.name.as_deref())),
                    &column(puts, |put| put.channel.as_str()),
                    &column(puts, |put| put.mode.as_deref()),
                    &column(puts, |put| put.direction.map(|direction| direction.name())),
                    &column(puts, |put| millis(put.started_at)),
                    &column(puts, |put| put.ended_at.map(millis)),
                    &outcome(|outcome| Some(&outcome.code)),
                    &outcome(|outcome| outcome.label.as_deref()),
                    &outcome(|outcome| outcome.class.map(|class| class.name())),
                    &outcome(|outcome| outcome.parent.as_deref()),
                    &outcome(|outcome| outcome.telephony.as_deref()),
                    &column(puts, |put| put.outcome.as_ref().and_then(|outcome| outcome.reached)),
                    &column(puts, |put| put.previous_score),
                    &column(puts, |put| put.current_score),
                    &column(puts, |put| put.agent.as_ref().map(|agent| agent.id.as_str())),
                    &column(puts, |put| put.agent.as_ref().and_then(|agent| agent.name.as_deref())),
                    &column(puts, |put| put.comments.as_deref()),
                    &column(puts, updated_at),
                ],
            )
            .await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    async fn contacts(&mut self, run: &[Change]) -> Result<(), StoreError> {
        let mut nets: BTreeMap<(&str, &str), &Contact> = BTreeMap::new();
        for change in run {
            let Change::Contact(put) = change else { continue };
            let newest = nets.entry(listing_key(put)).or_insert(put);
            if contact_updated_at(put) >= contact_updated_at(newest) {
                *newest = put;
            }
        }
        self.written.known += (run.len() - nets.len()) as u64;
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
                let (contact_id, campaign_id) = listing_key(put);
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
                    &puts.iter().map(|put| listing_key(put).0).collect::<Vec<_>>(),
                    &puts.iter().map(|put| listing_key(put).1).collect::<Vec<_>>(),
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
        let (contacts, campaigns): (Vec<&str>, Vec<&str>) = puts.iter().map(|put| listing_key(put)).unzip();
        self.remove_addresses(&contacts, &campaigns).await?;
        let mut rows: Vec<(&str, &str, &str, Option<&str>)> = Vec::new();
        for put in puts {
            let (contact_id, campaign_id) = listing_key(put);
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

    /// The key is `contactId` or `contactId/campaign id`; either part may hold a `/` of its own.
    async fn remove_contacts(&mut self, run: &[Change]) -> Result<(), StoreError> {
        for change in run {
            let Change::RemoveContact { key } = change else { continue };
            let splits = key.match_indices('/').map(|(at, _)| (&key[..at], &key[at + 1..]));
            let (contacts, campaigns): (Vec<&str>, Vec<&str>) =
                std::iter::once((key.as_str(), "")).chain(splits).unzip();
            if self.remove_listings(&contacts, &campaigns).await? {
                self.written.changed += 1;
            } else {
                self.written.known += 1;
            }
        }
        Ok(())
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

fn updated_at(interaction: &Interaction) -> DateTime<Utc> {
    millis(interaction.updated_at.unwrap_or(interaction.started_at))
}

fn contact_updated_at(contact: &Contact) -> DateTime<Utc> {
    millis(contact.updated_at.unwrap_or_default())
}

fn listing_key(contact: &Contact) -> (&str, &str) {
    (&contact.contact_id, contact.campaign.as_ref().map_or("", |campaign| campaign.id.as_str()))
}
