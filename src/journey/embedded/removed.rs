//! Taking back from the embedded store what tombstones name, and keeping out what comes late.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use super::Embedded;
use super::write::Batch;
use crate::journey::erasure::Subject;
use crate::journey::store::{StoreError, Written};
use crate::journey::{Change, Removal};

/// Removals that one step forgets.
const FORGOTTEN_MAX: i64 = 10_000;

/// What is remembered of removals, for one batch.
pub struct Remembered {
    /// Nothing is, and nothing need be computed.
    is_empty: bool,
}

impl Remembered {
    pub fn of(connection: &Connection) -> rusqlite::Result<Self> {
        Ok(Self { is_empty: !connection.prepare_cached("SELECT 1 FROM removed")?.exists([])? })
    }
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    Changed,
    Known,
    KeptOut,
    RemovedSince,
    Unmatched,
}

impl Became {
    pub fn changed(is_changed: bool) -> Self {
        if is_changed { Self::Changed } else { Self::Known }
    }

    pub fn of(self, written: &mut Written) -> &mut u64 {
        match self {
            Self::Changed => &mut written.changed,
            Self::Known => &mut written.known,
            Self::KeptOut => &mut written.kept_out,
            Self::RemovedSince => &mut written.removed_since,
            Self::Unmatched => &mut written.unmatched,
        }
    }
}

impl Batch<'_> {
    pub(super) fn is_removed_since(&self, change: &Change) -> rusqlite::Result<bool> {
        if self.remembered.is_empty {
            return Ok(false);
        }
        let Some((subject, updated_at)) = change.version() else { return Ok(false) };
        Ok(self.removed_at(subject)?.is_some_and(|removed_at| updated_at <= removed_at))
    }

    pub(super) fn take_back_interaction(&mut self, removal: &Removal) -> Result<Became, StoreError> {
        let mut all = TakenBack::default();
        for id in &removal.keys {
            let kept = self.updated_at(id)?;
            if self.goes(removal, Subject::Interaction(id), kept, &mut all)? {
                self.remove_interaction(id)?;
            }
        }
        Ok(all.became())
    }

    pub(super) fn take_back_listings(&mut self, removal: &Removal) -> Result<Became, StoreError> {
        let mut all = TakenBack::default();
        for (contact_id, campaign_id) in removal.listings() {
            let kept = self.listing_updated_at(contact_id, campaign_id)?;
            if self.goes(removal, Subject::Listing(contact_id, campaign_id), kept, &mut all)? {
                self.remove_listing(contact_id, campaign_id)?;
            }
        }
        Ok(all.became())
    }

    /// Whether what is kept goes; remembers the removal.
    fn goes(
        &mut self,
        removal: &Removal,
        subject: Subject<'_>,
        kept: Option<i64>,
        all: &mut TakenBack,
    ) -> Result<bool, StoreError> {
        let kept = kept.and_then(DateTime::from_timestamp_millis);
        let verdict = removal.judge(kept, self.removed_at(subject)?);
        if let Some(until) = verdict.remember {
            let mut remember = self.transaction.prepare_cached(
                "INSERT INTO removed (hash, removed_at) VALUES (?1, ?2)
                 ON CONFLICT DO UPDATE SET removed_at = excluded.removed_at",
            )?;
            remember.execute(params![self.key.hash(subject), until.timestamp_millis()])?;
            self.remembered.is_empty = false;
        }
        all.any_gone |= verdict.goes;
        all.any_repeated |= verdict.is_repeated;
        Ok(verdict.goes)
    }

    fn removed_at(&self, subject: Subject<'_>) -> rusqlite::Result<Option<DateTime<Utc>>> {
        if self.remembered.is_empty {
            return Ok(None);
        }
        let mut select = self.transaction.prepare_cached("SELECT removed_at FROM removed WHERE hash = ?1")?;
        let millis: Option<i64> = select.query_row([self.key.hash(subject)], |row| row.get(0)).optional()?;
        Ok(millis.and_then(DateTime::from_timestamp_millis))
    }

    fn listing_updated_at(&self, contact_id: &str, campaign_id: &str) -> rusqlite::Result<Option<i64>> {
        let mut select = self
            .transaction
            .prepare_cached("SELECT updated_at FROM listings WHERE contact_id = ?1 AND campaign_id = ?2")?;
        select.query_row([contact_id, campaign_id], |row| row.get(0)).optional()
    }
}

/// What became of all that one removal may name.
#[derive(Default)]
struct TakenBack {
    any_gone: bool,
    any_repeated: bool,
}

impl TakenBack {
    fn became(&self) -> Became {
        match self {
            Self { any_gone: true, .. } => Became::Changed,
            Self { any_repeated: true, .. } => Became::Known,
            _ => Became::Unmatched,
        }
    }
}

impl Embedded {
    /// One step; `false` where nothing is left to forget.
    pub fn forget_removals(&self, older: DateTime<Utc>, later: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut writer = self.writer.lock();
        let batch = writer.begin()?;
        let forgotten = batch.transaction.execute(
            "DELETE FROM removed WHERE hash IN (
               SELECT hash FROM removed WHERE removed_at < ?1 OR removed_at > ?2 LIMIT ?3)",
            params![older.timestamp_millis(), later.timestamp_millis(), FORGOTTEN_MAX],
        )?;
        batch.commit()?;
        Ok(forgotten > 0)
    }
}
