//! The embedded store: one SQLite file, one writer, a few readers.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::LookUp;
use super::catalogue::InUse;
use super::erasure::{Erasure, Holdings};
use super::migration::Tables;
use super::store::{Commit, Offset, StoreError, WriteBatch, Written};
use super::{Journey, NoIds};
use dictionary::{Cache, Interner, Memory};

pub mod backup;
mod dictionary;
mod erase;
mod free;
mod in_use;
mod migrations;
mod put;
mod read;
mod reasons;
mod removed;
mod retention;
mod set_aside;
mod strands;
mod write;

pub use reasons::{code, readable, refuses_a_value};

/// An import beside the service holds the file for one batch at a time; this is many of them.
const BUSY_TIMEOUT: Duration = Duration::from_secs(20);
/// The page cache of each reading connection, in KiB; the file itself is mapped.
const CACHE_KIB: i64 = 1024;
const MMAP_BYTES: i64 = 8 << 30;
const STATEMENTS_MAX: usize = 64;
/// How long a look-up may hold up whoever asks: many times what one takes that finds its pages in memory.
const AT_ONCE: Duration = Duration::from_millis(1);
/// After so many in a row that took longer, the disk or the people asked for are such that none is waited for. One alone says less of
/// them than of a machine that had something else to do.
const LONG_MAX: u32 = 3;

/// An open SQLite file.
pub struct Embedded {
    path: PathBuf,
    writer: Mutex<write::Writer>,
    readers: Mutex<Vec<Connection>>,
    reader_permits: Arc<Semaphore>,
    texts: Arc<Cache>,
    memory: Arc<Memory>,
    no_ids: Arc<NoIds>,
    lately: Lately,
}

/// Whether look-ups took so little lately that one may be waited for.
#[derive(Default)]
struct Lately {
    long_in_a_row: AtomicU32,
}

impl Lately {
    fn was_short(&self) -> bool {
        self.long_in_a_row.load(Ordering::Relaxed) < LONG_MAX
    }

    fn took(&self, long: bool) {
        if long {
            self.long_in_a_row.fetch_add(1, Ordering::Relaxed);
        } else {
            self.long_in_a_row.store(0, Ordering::Relaxed);
        }
    }
}

impl Embedded {
    /// `dictionary_bytes_max`: of the texts that repeat, in memory.
    pub fn open(
        path: &Path,
        readers: usize,
        no_ids: Arc<NoIds>,
        dictionary_bytes_max: usize,
    ) -> Result<Self, StoreError> {
        let cannot = |reason: String| StoreError::CannotOpen { path: path.display().to_string(), reason };
        folder_of(path).map_err(cannot)?;
        let mut writer = connect(path).map_err(|error| cannot(readable(&error)))?;
        prepare_file(&writer).map_err(cannot)?;
        knows_no_ids(&writer, &no_ids)?;
        dictionary::count_once(&mut writer)?;
        let memory = Memory::new(dictionary_bytes_max);
        let texts = Arc::new(Cache::new(&memory));
        let mut writer = write::Writer::new(writer, Interner::new(&memory, Arc::clone(&texts)))?;
        writer.free_once(&no_ids)?;
        let reader = || connect(path).and_then(|reader| knows_no_ids(&reader, &no_ids).map(|()| reader));
        let connections = (0..readers).map(|_| reader()).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            path: path.to_owned(),
            writer: Mutex::new(writer),
            readers: Mutex::new(connections),
            reader_permits: Arc::new(Semaphore::new(readers)),
            texts,
            memory,
            no_ids,
            lately: Lately::default(),
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for a free reader: no more look-ups at a time than `journey.lookups_max`.
    pub async fn reader_permit(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        Arc::clone(&self.reader_permits).acquire_owned().await.map_err(|_| StoreError::Stopped)
    }

    /// A look-up that is done at once, without leaving it to another thread, which costs more than it takes. `None` where it is
    /// not, or where those before were not: then it has to be waited for.
    pub fn look_up_at_once(&self, look_up: &LookUp) -> Result<Option<Journey>, StoreError> {
        if !self.lately.was_short() {
            return Ok(None);
        }
        let journey = self.read(|connection| {
            read::look_up(connection, (&self.texts, &self.no_ids), look_up, Some(Instant::now() + AT_ONCE))
        })?;
        self.lately.took(journey.is_none());
        Ok(journey)
    }

    /// However long it takes.
    pub fn look_up(&self, look_up: &LookUp) -> Result<Journey, StoreError> {
        let began = Instant::now();
        let journey = self.read(|connection| read::look_up(connection, (&self.texts, &self.no_ids), look_up, None))?;
        if began.elapsed() < AT_ONCE {
            self.lately.took(false);
        }
        journey.ok_or(StoreError::TimedOut)
    }

    /// What is kept of a person, and would go with this erasure.
    pub fn holdings(&self, erasure: &Erasure) -> Result<Holdings, StoreError> {
        self.read(|connection| erase::holdings(connection, erasure))
    }

    pub fn in_use(&self) -> Result<InUse, StoreError> {
        self.read(in_use::in_use)
    }

    fn read<T>(&self, question: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let connection = self.readers.lock().pop();
        // Permits and readers are as many, so this opens another only for a caller without a permit.
        let connection = match connection {
            Some(connection) => connection,
            None => {
                let connection = connect(&self.path)?;
                knows_no_ids(&connection, &self.no_ids)?;
                connection
            }
        };
        let answer = question(&connection)?;
        self.readers.lock().push(connection);
        Ok(answer)
    }

    pub fn write(&self, batch: &WriteBatch, commit: Commit) -> Result<Written, StoreError> {
        self.writer.lock().write(batch, commit)
    }

    pub fn offsets(&self, cluster: &str) -> Result<Vec<Offset>, StoreError> {
        self.writer.lock().offsets(cluster)
    }

    /// What the texts that repeat take in memory.
    pub fn dictionary_bytes(&self) -> usize {
        self.memory.bytes()
    }

    /// How many interactions and contacts are kept (counts every row: for people, not for the way of a call).
    pub fn size(&self) -> Result<(u64, u64), StoreError> {
        self.writer.lock().size()
    }
}

/// One `serve` per file: the lock lives as long as this value.
pub struct ServeLock(File);

impl ServeLock {
    pub fn take(path: &Path) -> Result<Self, StoreError> {
        let cannot = |reason| StoreError::CannotOpen { path: Self::path(path).display().to_string(), reason };
        let lock = Self::try_take(path).map_err(|error| cannot(error.to_string()))?;
        lock.ok_or_else(|| cannot("another backstory serves from this store; give each its own journey.store".into()))
    }

    /// `None` while a service holds it.
    fn try_take(path: &Path) -> io::Result<Option<Self>> {
        let file = File::create(Self::path(path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn path(store: &Path) -> PathBuf {
        PathBuf::from(format!("{}.serve-lock", store.display()))
    }
}

impl Drop for ServeLock {
    fn drop(&mut self) {
        // Closed alone it would stay with a program that is being started just now, which has a copy of the file until it runs.
        _ = self.0.unlock();
    }
}

/// Where a file is or is to be.
fn folder_of(path: &Path) -> Result<&Path, String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if folder.is_dir() {
        return Ok(folder);
    }
    let missing = folder.display();
    Err(format!("there is no folder {missing}; make it (mkdir -p {missing}), or name another place"))
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "mmap_size", MMAP_BYTES)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    // Which texts are used is counted; else each row looks for all its texts, and each text that goes, for rows.
    connection.pragma_update(None, "foreign_keys", false)?;
    // A batch that was answered for survives a power cut: its offsets are in it.
    connection.pragma_update(None, "synchronous", "full")?;
    // Else a statement whose plan might depend on a bound value (a partial index) is compiled anew for each value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(connection)
}

/// Lets statements ask whether a text is no id.
fn knows_no_ids(connection: &Connection, no_ids: &Arc<NoIds>) -> rusqlite::Result<()> {
    let no_ids = Arc::clone(no_ids);
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("is_no_id", 1, flags, move |context| {
        Ok(no_ids.has(context.get_raw(0).as_str().map_err(|error| rusqlite::Error::UserFunctionError(error.into()))?))
    })
}

/// The version of a store that this program works with; `None` for what is no store of Backstory's.
fn version_of(connection: &Connection) -> Result<Option<i32>, String> {
    let known = migrations::KNOWN;
    match migrations::tables(connection).map_err(|error| readable(&error))? {
        Some(Tables { version, needs }) if needs > known => {
            Err(format!("the store has version {version}, this program knows {known}; use the release that wrote it"))
        }
        tables => Ok(tables.map(|tables| tables.version)),
    }
}

/// Makes the tables in a new file, or brings them to what this program knows; refuses files that are somebody else's, or need a
/// later program.
fn prepare_file(connection: &Connection) -> Result<(), String> {
    let say = |error: rusqlite::Error| readable(&error);
    let version = version_of(connection)?;
    if version.is_none() {
        let tables: i64 =
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(say)?;
        if tables > 0 {
            return Err("this SQLite file belongs to another program; name another one".into());
        }
    }
    connection.pragma_update(None, "journal_mode", "wal").map_err(say)?;
    if version.is_none_or(|version| version < migrations::KNOWN) {
        migrations::apply(connection).map_err(say)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
