//! Writing to the embedded store: idempotent, the newest `updatedAt` wins, data and offsets in one transaction.

use std::collections::BTreeSet;
use std::mem::take;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::{Connection, OptionalExtension, ToSql, Transaction, TransactionBehavior, params};

use tracing::warn;

use super::dictionary::{Interner, OwnTexts, References};
use super::erase::{self, Erased};
use super::readable;
use super::removed::{Became, Remembered};
use crate::journey::erasure::HashKey;
use crate::journey::store::{Commit, Offset, Removed, StoreError, WriteBatch, Written};
use crate::journey::{Change, Contact};

const UPSERT_LISTING: &str = "
    INSERT INTO listings (contact_id, campaign_id, campaign, name, time_zone, merged_into, listed_at, updated_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
    ON CONFLICT (contact_id, campaign_id) DO UPDATE SET campaign = excluded.campaign, name = excluded.name,
      time_zone = excluded.time_zone, merged_into = excluded.merged_into, listed_at = excluded.listed_at, updated_at = excluded.updated_at
    WHERE listings.updated_at <= excluded.updated_at";

const SAME_LISTING: &str = "
    SELECT 1 FROM listings WHERE contact_id = ?1 AND campaign_id = ?2
      AND (campaign, name, time_zone, merged_into, listed_at, updated_at) IS (?3, ?4, ?5, ?6, ?7, ?8)";

/// The page cache of the writing connection, in KiB: room for what a batch of an import changes in a large file. What has
/// no room is written twice.
const CACHE_KIB: i64 = 128 * 1024;
/// The write-ahead log goes into the file after so many pages for each change of a batch, which is two batches or more:
/// a page that several of them change is written there once.
const CHECKPOINT_PAGES_A_CHANGE: usize = 4;
const CHECKPOINT_PAGES_MIN: usize = 1000;

/// The one connection that writes.
pub struct Writer {
    connection: Connection,
    /// Changes in the largest batch so far.
    batch_max: usize,
    dictionary: Interner,
    key: HashKey,
}

impl Writer {
    pub fn new(connection: Connection, dictionary: Interner) -> rusqlite::Result<Self> {
        let key = erase::key(&connection)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        // What goes is overwritten, whatever it went by: a tombstone or a correction may come before the erasure of its person.
        connection.pragma_update(None, "secure_delete", true)?;
        Ok(Self { connection, batch_max: 0, dictionary, key })
    }

    pub fn write(&mut self, batch: &WriteBatch, commit: Commit) -> Result<Written, StoreError> {
        // What panics in the middle of a transaction has written nothing.
        let written = catch_unwind(AssertUnwindSafe(|| self.try_write(batch, commit)));
        let written = written.unwrap_or(Err(StoreError::Panicked));
        if written.is_ok() && batch.changes.iter().any(|change| matches!(change, Change::Erase(_))) {
            self.empty_the_log();
        }
        written
    }

    /// The write-ahead log holds what was erased until it is empty. What was written stays written where that fails.
    fn empty_the_log(&self) {
        if let Err(error) = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            warn!(error = readable(&error), "the write-ahead log holds for a while what was erased");
        }
    }

    fn try_write(&mut self, given: &WriteBatch, commit: Commit) -> Result<Written, StoreError> {
        self.expect(given.changes.len())?;
        let mut batch = self.begin()?;
        let mut written = Written::default();
        given.panic_if_asked();
        for change in &given.changes {
            *batch.write(change)?.of(&mut written) += 1;
        }
        for offset in &given.offsets {
            batch.put_offset(offset)?;
        }
        batch.set_aside(&given.set_aside)?;
        (written.touched, written.removed) = (take(&mut batch.touched), take(&mut batch.removed));
        match commit {
            Commit::Yes => batch.commit()?,
            Commit::No => batch.transaction.rollback()?,
        }
        Ok(written)
    }

    pub(super) fn begin(&mut self) -> Result<Batch<'_>, StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (erased, remembered) = (Erased::of(&transaction)?, Remembered::of(&transaction)?);
        let (touched, removed) = (BTreeSet::new(), Removed::default());
        let Self { dictionary, key, .. } = self;
        dictionary.begin(&transaction)?;
        Ok(Batch { transaction, dictionary, key, before: None, touched, erased, remembered, removed })
    }

    /// A checkpoint waits for the disk: large batches are to pay for it less often.
    fn expect(&mut self, changes: usize) -> rusqlite::Result<()> {
        if changes > self.batch_max {
            let pages = CHECKPOINT_PAGES_MIN.max(changes * CHECKPOINT_PAGES_A_CHANGE);
            self.connection.pragma_update(None, "wal_autocheckpoint", pages as i64)?;
            self.batch_max = changes;
        }
        Ok(())
    }

    pub fn offsets(&self, cluster: &str) -> Result<Vec<Offset>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT topic, kafka_partition, next_offset, last_record FROM offsets WHERE cluster = ?1",
        )?;
        let offsets = statement.query_map([cluster], |row| {
            Ok(Offset {
                cluster: cluster.to_owned(),
                topic: row.get(0)?,
                partition: row.get(1)?,
                next: row.get(2)?,
                last_record: row.get(3)?,
            })
        })?;
        Ok(offsets.collect::<Result<_, _>>()?)
    }

    pub fn size(&self) -> Result<(u64, u64), StoreError> {
        let count = |sql: &str| self.connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        let interactions = count("SELECT count(*) FROM interactions")?;
        let contacts = count("SELECT count(DISTINCT contact_id) FROM listings")?;
        Ok((interactions.unsigned_abs(), contacts.unsigned_abs()))
    }
}

/// One transaction.
pub(super) struct Batch<'a> {
    pub(super) transaction: Transaction<'a>,
    pub(super) dictionary: &'a mut Interner,
    pub(super) key: &'a HashKey,
    /// Whose and where the interaction put before was: most come contact by contact.
    before: Option<(String, String)>,
    touched: BTreeSet<String>,
    pub(super) erased: Erased,
    pub(super) remembered: Remembered,
    pub(super) removed: Removed,
}

impl Batch<'_> {
    /// Texts that nothing refers to any more go in the same transaction.
    pub(super) fn commit(self) -> Result<(), StoreError> {
        let gone = self.dictionary.settle(&self.transaction)?;
        self.transaction.commit()?;
        self.dictionary.committed(&gone);
        Ok(())
    }

    fn write(&mut self, change: &Change) -> Result<Became, StoreError> {
        if self.is_of_somebody_erased(change)? {
            return Ok(Became::KeptOut);
        }
        if self.is_removed_since(change)? {
            return Ok(Became::RemovedSince);
        }
        match change {
            Change::Interaction(interaction) => self.put_interaction(interaction).map(Became::changed),
            Change::RemoveInteraction(removal) => self.take_back_interaction(removal),
            Change::Contact(contact) => self.put_contact(contact).map(Became::changed),
            Change::Erase(erasure) => self.erase(erasure).map(Became::changed),
            Change::RemoveContact(removal) => self.take_back_listings(removal),
        }
    }

    fn is_of_somebody_erased(&self, change: &Change) -> rusqlite::Result<bool> {
        change.subject().map_or(Ok(false), |subject| self.erased.holds(&self.transaction, self.key, subject))
    }

    pub(super) fn reach(&mut self, contact_id: &str, address: &str) -> rusqlite::Result<()> {
        if self.before.as_ref().is_some_and(|(contact, at)| contact == contact_id && at == address) {
            return Ok(());
        }
        if !contact_id.is_empty() {
            let mut reach = self
                .transaction
                .prepare_cached("INSERT INTO reached (address, contact_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
            reach.execute([address, contact_id])?;
        }
        touch(&mut self.touched, [contact_id, address]);
        self.before = Some((contact_id.to_owned(), address.to_owned()));
        Ok(())
    }

    fn exists(&self, sql: &str, row: &[&dyn ToSql]) -> rusqlite::Result<bool> {
        self.transaction.prepare_cached(sql)?.exists(row)
    }

    /// Of an interaction, where it is kept.
    pub(super) fn updated_at(&self, interaction_id: &str) -> rusqlite::Result<Option<i64>> {
        let mut statement =
            self.transaction.prepare_cached("SELECT updated_at FROM interactions WHERE interaction_id = ?1")?;
        statement.query_row([interaction_id], |row| row.get(0)).optional()
    }

    pub(super) fn remove_interaction(&mut self, interaction_id: &str) -> Result<bool, StoreError> {
        let mut remove = self.transaction.prepare_cached(
            "DELETE FROM interactions WHERE interaction_id = ?1
             RETURNING contact_id, address, source, channel, mode, direction, campaign, outcome, agent",
        )?;
        let removed: Option<(String, String, References)> = remove
            .query_row([interaction_id], |row| Ok((row.get(0)?, row.get(1)?, References::read(row, 2)?)))
            .optional()?;
        let Some((contact_id, address, references)) = removed else { return Ok(false) };
        self.dictionary.count(&references, -1);
        if references.have_own() {
            OwnTexts::remove(&self.transaction, interaction_id)?;
        }
        self.before = None;
        // Whoever was reached on the address by nothing else was not reached on it.
        let mut unreach = self.transaction.prepare_cached(
            "DELETE FROM reached WHERE address = ?1 AND contact_id = ?2
               AND NOT EXISTS (SELECT 1 FROM interactions WHERE contact_id = ?2 AND address = ?1)",
        )?;
        unreach.execute([&address, &contact_id])?;
        touch(&mut self.touched, [&contact_id, &address]);
        Ok(true)
    }

    fn put_contact(&mut self, contact: &Contact) -> Result<bool, StoreError> {
        let (_, campaign_id) = contact.listing();
        let campaign_name = contact.campaign.as_ref().and_then(|campaign| campaign.name.as_deref());
        let updated_at = contact.updated_at.map_or(0, |at| at.timestamp_millis());
        let listed_at = contact.listed_at.map(|at| at.timestamp_millis());
        let Contact { contact_id, name, time_zone, merged_into, .. } = contact;
        let row: &[&dyn ToSql] =
            params![contact_id, campaign_id, campaign_name, name, time_zone, merged_into, listed_at, updated_at];
        if self.exists(SAME_LISTING, row)? && self.same_addresses(contact, campaign_id)? {
            return Ok(false);
        }
        if self.transaction.prepare_cached(UPSERT_LISTING)?.execute(row)? == 0 {
            return Ok(false);
        }
        self.remove_addresses(&contact.contact_id, campaign_id)?;
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO addresses (address, contact_id, campaign_id, mode) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        )?;
        for known in &contact.addresses {
            insert.execute(params![known.address, contact.contact_id, campaign_id, known.mode])?;
        }
        touch(&mut self.touched, [&contact.contact_id, contact.merged_into.as_deref().unwrap_or_default()]);
        for known in &contact.addresses {
            touch(&mut self.touched, [&known.address]);
        }
        Ok(true)
    }

    fn same_addresses(&self, contact: &Contact, campaign_id: &str) -> rusqlite::Result<bool> {
        let mut select = self
            .transaction
            .prepare_cached("SELECT address, mode FROM addresses WHERE contact_id = ?1 AND campaign_id = ?2")?;
        let kept =
            select.query_map([contact.contact_id.as_str(), campaign_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let kept: BTreeSet<(String, Option<String>)> = kept.collect::<rusqlite::Result<_>>()?;
        let given = contact.addresses.iter().map(|known| (known.address.clone(), known.mode.clone()));
        Ok(kept == given.collect())
    }

    pub(super) fn remove_listing(&mut self, contact_id: &str, campaign_id: &str) -> Result<bool, StoreError> {
        let mut remove =
            self.transaction.prepare_cached("DELETE FROM listings WHERE contact_id = ?1 AND campaign_id = ?2")?;
        let removed = remove.execute([contact_id, campaign_id])? > 0;
        if removed {
            self.remove_addresses(contact_id, campaign_id)?;
            touch(&mut self.touched, [contact_id]);
        }
        Ok(removed)
    }

    fn remove_addresses(&self, contact_id: &str, campaign_id: &str) -> rusqlite::Result<()> {
        let mut remove =
            self.transaction.prepare_cached("DELETE FROM addresses WHERE contact_id = ?1 AND campaign_id = ?2")?;
        remove.execute([contact_id, campaign_id]).map(drop)
    }

    fn put_offset(&self, offset: &Offset) -> rusqlite::Result<()> {
        let mut upsert = self.transaction.prepare_cached(
            "INSERT INTO offsets (cluster, topic, kafka_partition, next_offset, last_record) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET next_offset = excluded.next_offset, last_record = excluded.last_record",
        )?;
        upsert
            .execute(params![offset.cluster, offset.topic, offset.partition, offset.next, offset.last_record])
            .map(drop)
    }
}

/// Notes whose journeys a change concerns.
fn touch<const N: usize>(touched: &mut BTreeSet<String>, leads: [&str; N]) {
    for lead in leads {
        if !lead.is_empty() && !touched.contains(lead) {
            touched.insert(lead.to_owned());
        }
    }
}
