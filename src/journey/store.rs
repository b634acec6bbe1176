//! Where journeys are kept: a closed set of stores with one behaviour. Waiting for one never blocks the runtime for long.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::catalogue::InUse;
use super::embedded::{self, Embedded};
use super::erasure::{Erasure, Holdings};
use super::postgres::{self, Postgres};
use super::retention::Step;
use super::{Change, Journey, Source};
use crate::config::StoreAddress;

/// What a look-up asks for.
#[derive(Debug, Clone)]
pub struct LookUp {
    /// As kept: E.164, or as given.
    pub number: String,
    /// Interactions that started earlier are left out.
    pub from: DateTime<Utc>,
    pub sources: Vec<Source>,
}

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

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// New or newer than what was kept.
    pub changed: u64,
    /// Repeated, or older than what is kept.
    pub known: u64,
    /// Of somebody who was erased since.
    pub kept_out: u64,
    /// By erasures.
    pub removed: Removed,
    /// Contact ids and addresses whose journeys are others now, before and after the change.
    pub touched: BTreeSet<String>,
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
    Postgres(#[from] tokio_postgres::Error),
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
}

// Not as the source of the error, which is printed behind it: what SQLite itself says helps nobody more.
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
        let lookups_max = settings.lookups_max;
        Ok(match &settings.store {
            StoreAddress::Postgres(url) => {
                let limits = postgres::Limits { lookups_max, statement_timeout: *settings.statement_timeout };
                Self::Postgres(Arc::new(Postgres::new(url, limits)?))
            }
            StoreAddress::Sqlite(path) => Self::Embedded(Arc::new(Embedded::open(path, lookups_max)?)),
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
        match self {
            Self::Embedded(store) => {
                let permit = store.reader_permit().await?;
                if let Some(journey) = store.look_up_at_once(&look_up)? {
                    return Ok(journey);
                }
                let store = Arc::clone(store);
                blocking(move || {
                    let journey = store.look_up(&look_up);
                    drop(permit);
                    journey
                })
                .await
            }
            Self::Postgres(store) => store.look_up(&look_up).await,
        }
    }

    /// Writes changes, and where they were read, in one transaction: all or nothing. With PostgreSQL a consumer group
    /// remembers where they were read, so `offsets` is for the embedded store alone.
    pub async fn write(&self, changes: Arc<Vec<Change>>, offsets: Vec<Offset>) -> Result<Written, StoreError> {
        match self {
            Self::Embedded(store) => {
                let store = Arc::clone(store);
                blocking(move || store.write(&changes, &offsets)).await
            }
            Self::Postgres(store) => store.write(&changes).await,
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
