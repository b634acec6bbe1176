//! Where journeys are kept: a closed set of stores with one behaviour. Waiting for one never blocks the runtime.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::catalogue::InUse;
use super::embedded::Embedded;
use super::{Change, Journey, Source};

/// What a look-up asks for.
#[derive(Debug, Clone)]
pub struct LookUp {
    /// As kept: E.164, or as given.
    pub number: String,
    /// Interactions that started earlier are left out.
    pub from: DateTime<Utc>,
    pub sources: &'static [Source],
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
    /// Contact ids and addresses whose journeys are others now, before and after the change.
    pub touched: BTreeSet<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{path}: {reason}")]
    CannotOpen { path: String, reason: String },
    #[error("the store failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("what is kept in the store cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("the store's task ended early")]
    Stopped,
}

/// The stores there are.
#[derive(Clone)]
pub enum Store {
    Embedded(Arc<Embedded>),
}

impl Store {
    /// Opens the SQLite file, making it where there is none. `readers`: look-ups at a time.
    pub fn open(path: &Path, readers: usize) -> Result<Self, StoreError> {
        Ok(Self::Embedded(Arc::new(Embedded::open(path, readers)?)))
    }

    /// The journey behind a number, newest interaction first.
    pub async fn look_up(&self, look_up: LookUp) -> Result<Journey, StoreError> {
        match self {
            Self::Embedded(store) => {
                let permit = store.reader_permit().await?;
                let store = Arc::clone(store);
                blocking(move || {
                    let journey = store.look_up(&look_up);
                    drop(permit);
                    journey
                })
                .await
            }
        }
    }

    /// Writes changes, and where they were read, in one transaction: all or nothing.
    pub async fn write(&self, changes: Arc<Vec<Change>>, offsets: Vec<Offset>) -> Result<Written, StoreError> {
        match self {
            Self::Embedded(store) => {
                let store = Arc::clone(store);
                blocking(move || store.write(&changes, &offsets)).await
            }
        }
    }

    /// Where the recorder of this cluster goes on.
    pub async fn offsets(&self, cluster: String) -> Result<Vec<Offset>, StoreError> {
        match self {
            Self::Embedded(store) => {
                let store = Arc::clone(store);
                blocking(move || store.offsets(&cluster)).await
            }
        }
    }

    /// What the kept interactions carry that a catalogue may have words for. Reads every row: for people, not for the way of a call.
    pub async fn in_use(&self) -> Result<InUse, StoreError> {
        match self {
            Self::Embedded(store) => {
                let store = Arc::clone(store);
                blocking(move || store.in_use()).await
            }
        }
    }

    /// A sentence for `/v1/info` and `check`.
    pub fn describe(&self) -> String {
        match self {
            Self::Embedded(store) => format!("sqlite:{}", store.path().display()),
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(StoreError::Stopped))
}
