//! Taking back from PostgreSQL what tombstones name, and keeping out what comes late.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::write::Batch;
use super::{Postgres, unreachable};
use crate::journey::Change;
use crate::journey::erasure::{HashKey, Subject};
use crate::journey::store::StoreError;

/// Up to when each was removed; those that never were are not in it.
pub type Removals<'a> = HashMap<Subject<'a>, DateTime<Utc>>;

type Listing<'a> = (&'a str, &'a str);

impl Batch<'_> {
    pub(super) async fn removals<'s>(
        &self,
        key: &HashKey,
        subjects: impl Iterator<Item = Subject<'s>>,
    ) -> Result<Removals<'s>, StoreError> {
        let subjects: HashMap<Vec<u8>, Subject<'s>> = subjects.map(|subject| (key.hash(subject), subject)).collect();
        if subjects.is_empty() {
            return Ok(Removals::new());
        }
        let sql = "SELECT hash, removed_at FROM backstory.removed WHERE hash = ANY ($1)";
        let statement = self.transaction.prepare_cached(sql).await?;
        let rows = self.transaction.query(&statement, &[&subjects.keys().collect::<Vec<_>>()]).await?;
        let mut removals = Removals::new();
        for row in rows {
            if let Some(subject) = subjects.get(row.try_get::<_, &[u8]>(0)?) {
                removals.insert(*subject, row.try_get(1)?);
            }
        }
        Ok(removals)
    }

    pub(super) async fn remember_removals<'s>(
        &self,
        key: &HashKey,
        removals: impl Iterator<Item = (Subject<'s>, DateTime<Utc>)>,
    ) -> Result<(), StoreError> {
        let removals: BTreeMap<Vec<u8>, DateTime<Utc>> =
            removals.map(|(subject, until)| (key.hash(subject), until)).collect();
        if removals.is_empty() {
            return Ok(());
        }
        let (hashes, until): (Vec<Vec<u8>>, Vec<DateTime<Utc>>) = removals.into_iter().unzip();
        self.execute(
            "INSERT INTO backstory.removed AS kept (hash, removed_at) SELECT * FROM unnest($1::bytea[], $2::timestamptz[])
             ON CONFLICT (hash) DO UPDATE SET removed_at = excluded.removed_at WHERE kept.removed_at < excluded.removed_at",
            &[&hashes, &until],
        )
        .await
    }

    /// What became of one removal.
    pub(super) fn count_removal(&mut self, any_gone: bool, any_repeated: bool) {
        let became = match (any_gone, any_repeated) {
            (true, _) => &mut self.written.changed,
            (false, true) => &mut self.written.known,
            (false, false) => &mut self.written.unmatched,
        };
        *became += 1;
    }

    pub(super) async fn remove_contacts(&mut self, run: &[Change], key: &HashKey) -> Result<(), StoreError> {
        let removals =
            || run.iter().filter_map(|change| if let Change::RemoveContact(it) = change { Some(it) } else { None });
        let named: BTreeSet<Listing<'_>> = removals().flat_map(|removal| removal.listings()).collect();
        let mut kept = self.kept_listings(&named).await?;
        let subject = |(contact_id, campaign_id)| Subject::Listing(contact_id, campaign_id);
        let mut removed_at = self.removals(key, named.iter().copied().map(subject)).await?;
        let (mut gone, mut remember) = (BTreeSet::new(), Removals::new());
        for removal in removals() {
            let (mut any_gone, mut any_repeated) = (false, false);
            for listing in removal.listings() {
                let verdict = removal.judge(kept.get(&listing).copied(), removed_at.get(&subject(listing)).copied());
                if verdict.goes {
                    kept.remove(&listing);
                    gone.insert(listing);
                }
                if let Some(until) = verdict.remember {
                    removed_at.insert(subject(listing), until);
                    remember.insert(subject(listing), until);
                }
                any_gone |= verdict.goes;
                any_repeated |= verdict.is_repeated;
            }
            self.count_removal(any_gone, any_repeated);
        }
        let (contacts, campaigns): (Vec<&str>, Vec<&str>) = gone.into_iter().unzip();
        self.remove_listings(&contacts, &campaigns).await?;
        self.remember_removals(key, remember.into_iter()).await
    }

    /// When each that is kept was last changed; locks them.
    async fn kept_listings<'l>(
        &self,
        named: &BTreeSet<Listing<'l>>,
    ) -> Result<BTreeMap<Listing<'l>, DateTime<Utc>>, StoreError> {
        let (contacts, campaigns): (Vec<&str>, Vec<&str>) = named.iter().copied().unzip();
        let sql = "SELECT contact_id, campaign_id, updated_at FROM backstory.listings
                   WHERE (contact_id, campaign_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
                   ORDER BY contact_id, campaign_id FOR UPDATE";
        let statement = self.transaction.prepare_cached(sql).await?;
        let rows = self.transaction.query(&statement, &[&contacts, &campaigns]).await?;
        let mut kept: BTreeMap<(String, String), DateTime<Utc>> = BTreeMap::new();
        for row in &rows {
            kept.insert((row.try_get(0)?, row.try_get(1)?), row.try_get(2)?);
        }
        let found = |listing: &Listing<'l>| Some((*listing, *kept.get(&(listing.0.to_owned(), listing.1.to_owned()))?));
        Ok(named.iter().filter_map(found).collect())
    }
}

impl Postgres {
    /// One step; `false` where nothing is left to forget.
    pub async fn forget_removals(&self, older: DateTime<Utc>, later: DateTime<Utc>) -> Result<bool, StoreError> {
        let client = self.writers.get().await.map_err(unreachable)?;
        let sql = "DELETE FROM backstory.removed WHERE hash IN (
                     SELECT hash FROM backstory.removed WHERE removed_at < $1 OR removed_at > $2 LIMIT 10000
                     FOR UPDATE SKIP LOCKED)";
        Ok(client.execute(sql, &[&older, &later]).await? > 0)
    }
}
