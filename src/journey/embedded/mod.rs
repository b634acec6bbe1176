//! The embedded store: one SQLite file, one writer, a few readers.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::catalogue::InUse;
use super::store::{LookUp, Offset, StoreError, Written};
use super::{Change, Journey};

mod in_use;
mod read;
mod write;

const SCHEMA: &str = include_str!("schema.sql");
const SCHEMA_VERSION: i64 = 1;
/// "BkSt": tells our files from other programs' (`PRAGMA application_id`).
const APPLICATION_ID: i64 = 0x426b_5374;
/// An import beside the service holds the file for one batch at a time; this is many of them.
const BUSY_TIMEOUT: Duration = Duration::from_secs(20);
/// The page cache of each reading connection, in KiB; the file itself is mapped.
const CACHE_KIB: i64 = 8 * 1024;
const MMAP_BYTES: i64 = 8 << 30;
const STATEMENTS_MAX: usize = 64;

/// An open SQLite file.
pub struct Embedded {
    path: PathBuf,
    writer: Mutex<write::Writer>,
    readers: Mutex<Vec<Connection>>,
    reader_permits: Arc<Semaphore>,
    words: read::Words,
}

impl Embedded {
    pub fn open(path: &Path, readers: usize) -> Result<Self, StoreError> {
        let cannot = |reason: String| StoreError::CannotOpen { path: path.display().to_string(), reason };
        let writer = connect(path).map_err(|error| cannot(readable(&error)))?;
        prepare_file(&writer).map_err(cannot)?;
        let writer = write::Writer::new(writer)?;
        let connections = (0..readers).map(|_| connect(path)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            path: path.to_owned(),
            writer: Mutex::new(writer),
            readers: Mutex::new(connections),
            reader_permits: Arc::new(Semaphore::new(readers)),
            words: read::Words::default(),
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for a free reader: no more look-ups at a time than `journey.lookups_max`.
    pub async fn reader_permit(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        Arc::clone(&self.reader_permits).acquire_owned().await.map_err(|_| StoreError::Stopped)
    }

    pub fn look_up(&self, look_up: &LookUp) -> Result<Journey, StoreError> {
        self.read(|connection| read::look_up(connection, &self.words, look_up))
    }

    pub fn in_use(&self) -> Result<InUse, StoreError> {
        self.read(in_use::in_use)
    }

    fn read<T>(&self, question: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let connection = self.readers.lock().pop();
        // Permits and readers are as many, so this opens another only for a caller without a permit.
        let connection = connection.map_or_else(|| connect(&self.path), Ok)?;
        let answer = question(&connection)?;
        self.readers.lock().push(connection);
        Ok(answer)
    }

    pub fn write(&self, changes: &[Change], offsets: &[Offset]) -> Result<Written, StoreError> {
        self.writer.lock().write(changes, offsets)
    }

    pub fn offsets(&self, cluster: &str) -> Result<Vec<Offset>, StoreError> {
        self.writer.lock().offsets(cluster)
    }

    /// How many interactions and contacts are kept (counts every row: for people, not for the way of a call).
    pub fn size(&self) -> Result<(u64, u64), StoreError> {
        self.writer.lock().size()
    }
}

/// One `serve` per file: the lock lives as long as this value.
pub struct ServeLock(#[allow(dead_code, reason = "held, not read")] File);

impl ServeLock {
    pub fn take(path: &Path) -> Result<Self, StoreError> {
        let lock_path = PathBuf::from(format!("{}.serve-lock", path.display()));
        let cannot = |reason: String| StoreError::CannotOpen { path: lock_path.display().to_string(), reason };
        let file = File::create(&lock_path).map_err(|e| cannot(e.to_string()))?;
        file.try_lock()
            .map_err(|_| cannot("another backstory serves from this store; give each its own journey.store".into()))?;
        Ok(Self(file))
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "mmap_size", MMAP_BYTES)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    // A batch that was answered for survives a power cut: its offsets are in it.
    connection.pragma_update(None, "synchronous", "full")?;
    // Else a statement whose plan might depend on a bound value (a partial index) is compiled anew for each value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(connection)
}

/// What a person can do about it.
fn readable(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => "this is not a SQLite file; name another one, or move it away".into(),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen) => {
            "the file cannot be opened for writing; its folder must be there, and the service's user may write in it"
                .into()
        }
        _ => error.to_string(),
    }
}

/// Makes the tables in a new file; refuses files that are somebody else's or newer than this program.
fn prepare_file(connection: &Connection) -> Result<(), String> {
    let say = |error: rusqlite::Error| readable(&error);
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(say);
    let version = pragma("user_version")?;
    match (pragma("application_id")?, version) {
        (APPLICATION_ID, SCHEMA_VERSION) => {}
        (APPLICATION_ID, _) => {
            return Err(format!(
                "the store has version {version}, this program knows {SCHEMA_VERSION}; use the release that wrote it"
            ));
        }
        _ => {
            let tables: i64 =
                connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(say)?;
            if tables > 0 {
                return Err("this SQLite file belongs to another program; name another one".into());
            }
        }
    }
    connection.pragma_update(None, "journal_mode", "wal").map_err(say)?;
    if version == 0 {
        make_tables(connection).map_err(say)?;
    }
    Ok(())
}

/// Two processes may open a new file at once (a service and an import): the second finds the tables made.
fn make_tables(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let made: Option<i64> = connection
        .query_row("SELECT 1 FROM sqlite_schema WHERE name = 'interactions'", params![], |row| row.get(0))
        .optional()?;
    if made.is_none() {
        connection.execute_batch(SCHEMA)?;
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        connection.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    }
    connection.execute_batch("COMMIT")
}

#[cfg(test)]
mod tests;
