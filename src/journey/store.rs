//! Where journeys are kept: a closed set of stores with one behaviour. Waiting for one never blocks the runtime for long.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;

use super::catalogue::InUse;
use super::embedded::{self, Embedded};
use super::erasure::{Erasure, Holdings};
use super::permits::{self, Purpose};
use super::postgres::{self, Postgres};
use super::retention::Step;
use super::{Change, Journey, LookUp, NoIds, SetAside};
use crate::config::StoreAddress;

/// Where the recorder goes on reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offset {
    pub cluster: String,
    pub topic: String,
    pub partition: i32,
    pub next: i64,
    /// Hash of the record before it.
    pub last_record: i64,
}

/// What is written in one transaction: all of it or nothing.
#[derive(Debug, Clone, Default)]
pub struct WriteBatch {
    pub changes: Vec<Change>,
    /// Where the changes were read, for a node's own store.
    pub offsets: Vec<Offset>,
    /// Records that are passed over.
    pub set_aside: Vec<SetAside>,
    /// The fences of the partitions that the changes were read from, for a store that nodes share.
    pub fences: Vec<Fence>,
}

impl WriteBatch {
    pub fn of(changes: Vec<Change>) -> Arc<Self> {
        Arc::new(Self { changes, ..Self::default() })
    }

    /// Where tests let writing fail in its middle; without failpoints, nothing.
    pub(super) fn panic_if_asked(&self) {
        let _asks = |change: &Change| match change {
            Change::Interaction(one) => one.comments.as_deref() == Some("panics when it is written"),
            _ => false,
        };
        fail::fail_point!("store::write", self.changes.iter().any(_asks), |_| ());
    }

    /// Nothing would be written.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.offsets.is_empty() && self.set_aside.is_empty()
    }
}

/// That a member of a consumer group owns a partition. Who owns it next has a greater generation, and what is written under a
/// smaller one is refused from then on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    pub group: String,
    pub partition: i32,
    pub generation: i64,
}

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// New or newer than what was kept.
    pub changed: u64,
    /// Repeated, or older than what is kept.
    pub known: u64,
    /// Of somebody who was erased since.
    pub kept_out: u64,
    /// Not newer than a removal of what they are about.
    pub removed_since: u64,
    /// Removals of what is not kept, and that did not come before.
    pub unmatched: u64,
    /// By erasures.
    pub removed: Removed,
    /// Contact ids and addresses whose journeys are others now, before and after the change.
    pub touched: BTreeSet<String>,
}

impl Written {
    /// Of a further batch.
    pub fn join(&mut self, other: Self) {
        self.changed += other.changed;
        self.known += other.known;
        self.kept_out += other.kept_out;
        self.removed_since += other.removed_since;
        self.unmatched += other.unmatched;
        self.removed.interactions += other.removed.interactions;
        self.removed.listings += other.removed.listings;
        self.touched.extend(other.touched);
    }
}

/// Whether a transaction is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    Yes,
    No,
}

/// What placeholders had joined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Freed {
    /// Interactions that are nobody's now.
    pub interactions: u64,
    /// Listings that are merged into nothing now.
    pub merges: u64,
}

/// What erasures took out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    pub interactions: u64,
    pub listings: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{path}: {reason}")]
    CannotOpen { path: String, reason: String },
    #[error("the store failed: {}", embedded::readable(.0))]
    Sqlite(rusqlite::Error),
    #[error("the store failed: {}", postgres::reason(.0))]
    Postgres(tokio_postgres::Error),
    #[error("PostgreSQL cannot be reached: {0}")]
    Unreachable(String),
    #[error("the column {0} holds what Backstory never wrote there")]
    Foreign(&'static str),
    #[error("what is kept in the store cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("no answer in time")]
    TimedOut,
    #[error("{0}")]
    Tables(String),
    #[error("the store's task ended early")]
    Stopped,
    #[error("writing it panicked: this is a bug of backstory's, please report it")]
    Panicked,
    #[error("another node has taken the partition over")]
    Fenced,
}

impl StoreError {
    /// Whether the store refuses what it was given. Anything else is the store's own trouble, and passes.
    pub fn concerns_record(&self) -> bool {
        match self {
            Self::Sqlite(error) => embedded::refuses_a_value(error),
            Self::Postgres(error) => postgres::refuses_a_value(error),
            Self::Panicked => true,
            Self::CannotOpen { .. }
            | Self::Unreachable(_)
            | Self::Foreign(_)
            | Self::Unreadable(_)
            | Self::TimedOut
            | Self::Tables(_)
            | Self::Stopped
            | Self::Fenced => false,
        }
    }

    /// What the store calls its reason, without values: an SQLSTATE, or SQLite's number.
    pub fn code(&self) -> Option<String> {
        match self {
            Self::Sqlite(error) => embedded::code(error),
            Self::Postgres(error) => error.code().map(|state| state.code().to_owned()),
            _ => None,
        }
    }
}

// Not as the sources of the error, which are printed behind it: what the stores themselves say helps nobody more, and PostgreSQL
// repeats values in it.
impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error)
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// The stores there are.
#[derive(Clone)]
pub enum Store {
    Embedded(Arc<Embedded>),
    Postgres(Arc<Postgres>),
}

impl Store {
    /// Opens the SQLite file, making it where there is none; or gets ready to reach PostgreSQL, which may answer later.
    pub fn open(settings: &crate::config::Journey) -> Result<Self, StoreError> {
        let lookups_max = permits::connections(settings.lookups_max);
        let no_ids = Arc::new(NoIds::with(&settings.no_ids));
        Ok(match &settings.store {
            StoreAddress::Postgres(url) => {
                let limits = postgres::Limits { lookups_max, statement_timeout: *settings.statement_timeout };
                Self::Postgres(Arc::new(Postgres::new(url, limits, no_ids)?))
            }
            StoreAddress::Sqlite(path) => {
                Self::Embedded(Arc::new(Embedded::open(path, lookups_max, no_ids, settings.dictionary_bytes_max)?))
            }
        })
    }

    /// Whether it can be used now: it answers, and its tables are those that this program knows.
    pub async fn ready(&self) -> Result<(), StoreError> {
        match self {
            Self::Embedded(_) => Ok(()),
            Self::Postgres(store) => store.ready().await,
        }
    }

    /// The journey behind a number, newest interaction first.
    pub async fn look_up(&self, look_up: LookUp) -> Result<Journey, StoreError> {
        self.look_up_for(Purpose::Pop, look_up, ()).await
    }

    /// As above. Only a pop is tried at once: what others search for must not count as how long pops take. `held` is dropped when
    /// the work is done, even if nobody waits for it any more.
    pub async fn look_up_for(
        &self,
        purpose: Purpose,
        look_up: LookUp,
        held: impl Send + 'static,
    ) -> Result<Journey, StoreError> {
        match self {
            Self::Embedded(store) => {
                let permit = store.reader_permit().await?;
                if purpose == Purpose::Pop
                    && let Some(journey) = store.look_up_at_once(&look_up)?
                {
                    return Ok(journey);
                }
                let store = Arc::clone(store);
                blocking(move || {
                    let journey = store.look_up(&look_up);
                    drop((permit, held));
                    journey
                })
                .await
            }
            Self::Postgres(store) => store.look_up(&look_up).await,
        }
    }

    /// Writes a batch in one transaction: all or nothing. With PostgreSQL a consumer group remembers where it was read.
    pub async fn write(&self, batch: Arc<WriteBatch>) -> Result<Written, StoreError> {
        self.write_or_try(batch, Commit::Yes).await
    }

    /// Whether the store would take a batch: writes it and takes it back.
    pub async fn would_take(&self, batch: Arc<WriteBatch>) -> Result<(), StoreError> {
        self.write_or_try(batch, Commit::No).await.map(drop)
    }

    async fn write_or_try(&self, batch: Arc<WriteBatch>, commit: Commit) -> Result<Written, StoreError> {
        match self {
            Self::Embedded(store) => {
                let store = Arc::clone(store);
                blocking(move || store.write(&batch, commit)).await
            }
            Self::Postgres(store) => {
                // What panics in the middle of a transaction has written nothing.
                let write = AssertUnwindSafe(store.write(&batch, commit)).catch_unwind();
                write.await.unwrap_or(Err(StoreError::Panicked))
            }
        }
    }

    /// Begins an ownership of a partition of the group: what others write for it from now on under an earlier one is refused.
    pub async fn claim(&self, group: &str, partition: i32) -> Result<Option<Fence>, StoreError> {
        match self {
            Self::Embedded(_) => Ok(None),
            Self::Postgres(store) => store.claim(group, partition).await.map(Some),
        }
    }

    /// The records that were set aside, newest first.
    pub async fn set_aside(&self) -> Result<Vec<SetAside>, StoreError> {
        match self {
            Self::Embedded(store) => {
                let store = Arc::clone(store);
                blocking(move || store.set_aside()).await
            }
            Self::Postgres(store) => store.set_aside().await,
        }
    }

    /// Takes apart what placeholders joined, and says how much it was.
    pub async fn free_the_joined(&self) -> Result<Freed, StoreError> {
        match self {
            Self::Embedded(store) => {
                let store = Arc::clone(store);
                blocking(move || store.free_the_joined()).await
            }
            Self::Postgres(store) => store.free_the_joined().await,
        }
    }

    /// Forgets some of the removals that are older than this, or stamped later than that; `false` where none is left.
    pub async fn forget_removals(&self, older: DateTime<Utc>, later: DateTime<Utc>) -> Result<bool, StoreError> {
        match self {
            Self::Embedded(store) => {
                let store = Arc::clone(store);
                blocking(move || store.forget_removals(older, later)).await
            }
            Self::Postgres(store) => store.forget_removals(older, later).await,
        }
    }

    /// Where the recorder of this cluster goes on.
    pub async fn offsets(&self, cluster: String) -> Result<Vec<Offset>, StoreError> {
        match self {
            Self::Embedded(store) => {
                let store = Arc::clone(store);
                blocking(move || store.offsets(&cluster)).await
            }
            Self::Postgres(_) => Ok(Vec::new()),
        }
    }

    /// What the kept interactions carry that a catalogue may have words for. Reads every row: for people, not for the way of a call.
    pub async fn in_use(&self) -> Result<InUse, StoreError> {
        match self {
            Self::Embedded(store) => {
                let store = Arc::clone(store);
                blocking(move || store.in_use()).await
            }
            Self::Postgres(store) => store.in_use().await,
        }
    }

    /// One step of removing what began before that time; `after` is where the step before ended.
    pub async fn expire(&self, before: DateTime<Utc>, after: Option<String>) -> Result<Step, StoreError> {
        match self {
            Self::Embedded(store) => {
                let store = Arc::clone(store);
                blocking(move || store.expire(before, after)).await
            }
            Self::Postgres(store) => store.expire(before).await,
        }
    }

    /// What is kept of a person, and would go with this erasure.
    pub async fn holdings(&self, erasure: Erasure) -> Result<Holdings, StoreError> {
        match self {
            Self::Embedded(store) => {
                let store = Arc::clone(store);
                blocking(move || store.holdings(&erasure)).await
            }
            Self::Postgres(store) => store.holdings(&erasure).await,
        }
    }

    /// What the texts that repeat take in the memory of this program.
    pub fn dictionary_bytes(&self) -> usize {
        match self {
            Self::Embedded(store) => store.dictionary_bytes(),
            Self::Postgres(_) => 0,
        }
    }

    /// Where it is, without its password: for `/v1/info` and `check`.
    pub fn describe(&self) -> String {
        match self {
            Self::Embedded(store) => format!("sqlite:{}", store.path().display()),
            Self::Postgres(store) => store.address().to_owned(),
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(StoreError::Stopped))
}
