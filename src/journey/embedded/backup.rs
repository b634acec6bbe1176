//! A copy of a store beside a running service, and a copy put back in a store's place. Every copy is whole or not there.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, ErrorCode, OptionalExtension};

use super::{ServeLock, connect, folder_of, readable, version_of};
use crate::journey::store::StoreError;

/// What SQLite keeps beside a file, by the ending of its name.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

/// What is in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    pub interactions: u64,
    pub contacts: u64,
    /// Of the file.
    pub bytes: u64,
    /// The greatest `updatedAt` among the interactions.
    pub newest_change: Option<DateTime<Utc>>,
    /// Where the recorders go on: topic, partition, the next offset that they read.
    pub offsets: Vec<(String, i32, i64)>,
}

/// What [`restore`] did.
#[derive(Debug)]
pub struct Restored {
    pub contents: Contents,
    /// The store that was in the place before.
    pub kept_as: Option<PathBuf>,
}

/// Copies the store as it is at this moment into a new file, which stands in the place of `to` once it is whole and on the
/// disk. Whoever reads and writes the store meanwhile goes on.
pub fn backup(store: &Path, to: &Path, overwrite: bool) -> Result<Contents, StoreError> {
    if !store.exists() {
        return Err(cannot(store, "there is no store; it is made by the first start of the service, or by an import"));
    }
    if same_file(store, to) {
        return Err(cannot(to, "this is the store itself; name another file for the backup"));
    }
    if to.exists() && !overwrite {
        return Err(cannot(to, "there is a file already; name another one, or say --force to replace it"));
    }
    let folder = folder_of(to).map_err(|reason| cannot(to, reason))?;
    let part = Part::beside(to, ".part");
    let source = connect(store).map_err(|error| cannot(store, readable(&error)))?;
    is_ours(&source).map_err(|reason| cannot(store, reason))?;
    source.execute("VACUUM INTO ?1", [part.0.display().to_string()]).map_err(|error| {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull | ErrorCode::CannotOpen | ErrorCode::ReadOnly) => cannot(to, readable(&error)),
            _ => cannot(store, readable(&error)),
        }
    })?;
    drop(source);
    let contents = contents(&part.0).map_err(|error| cannot(to, error.to_string()))?;
    part.take_the_place_of(to, folder).map_err(|error| cannot(to, error))?;
    Ok(contents)
}

/// Puts a copy of the backup in the store's place once it is found to be whole. The store that was there is kept beside it.
/// Fails, and leaves everything as it was, while anybody has the store open.
pub fn restore(backup: &Path, store: &Path, now: DateTime<Utc>) -> Result<Restored, StoreError> {
    if !backup.is_file() {
        return Err(cannot(backup, "there is no such file"));
    }
    if same_file(backup, store) {
        return Err(cannot(backup, "this is the store itself"));
    }
    let folder = folder_of(store).map_err(|reason| cannot(store, reason))?;
    let lock = ServeLock::try_take(store).map_err(|error| cannot(store, error))?;
    let _lock = lock.ok_or_else(|| cannot(store, "a service runs on this store; stop it, then restore"))?;
    let part = Part::beside(store, ".restoring");
    fs::copy(backup, &part.0).map_err(|error| cannot(store, error))?;
    // The copy is looked at, not the original: what was checked is what takes the place.
    check(&part.0).map_err(|reason| cannot(backup, reason))?;
    let contents = contents(&part.0).map_err(|error| cannot(backup, error.to_string()))?;
    belongs_to_whom_it_did(&part.0, store, folder).map_err(|error| cannot(store, error))?;
    let kept_as = set_aside(store, now)?;
    part.take_the_place_of(store, folder).map_err(|error| cannot(store, error))?;
    Ok(Restored { contents, kept_as })
}

fn cannot(path: &Path, reason: impl ToString) -> StoreError {
    StoreError::CannotOpen { path: path.display().to_string(), reason: reason.to_string() }
}

fn same_file(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

/// A file that is being made. Where it does not come to an end, nothing is left of it.
struct Part(PathBuf);

impl Part {
    /// Whatever an earlier run left is removed.
    fn beside(path: &Path, ending: &str) -> Self {
        let part = Self(with_ending(path, ending));
        part.remove();
        part
    }

    fn remove(&self) {
        for path in [self.0.clone()].into_iter().chain(BESIDE.map(|ending| with_ending(&self.0, ending))) {
            _ = fs::remove_file(path);
        }
    }

    /// After a power cut there is the one or the other, whole.
    fn take_the_place_of(self, path: &Path, folder: &Path) -> io::Result<()> {
        File::open(&self.0)?.sync_all()?;
        fs::rename(&self.0, path)?;
        File::open(folder)?.sync_all()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.remove();
    }
}

/// A store of Backstory's, and of a version that this program works with.
fn is_ours(connection: &Connection) -> Result<(), String> {
    version_of(connection)?.map(drop).ok_or_else(|| "this is a SQLite file, but no store of Backstory's".into())
}

/// Whether a copy can be a store, down to every row and index.
fn check(copy: &Path) -> Result<(), String> {
    const DAMAGED: &str = "this backup is damaged and nothing was changed; take another one";
    let connection = connect(copy).map_err(|error| readable(&error))?;
    is_ours(&connection)?;
    let found: Result<String, _> = connection.pragma_query_value(None, "integrity_check", |row| row.get(0));
    match found {
        Ok(found) if found == "ok" => Ok(()),
        Ok(found) => Err(format!("{DAMAGED} (SQLite says: {})", found.lines().last().unwrap_or_default())),
        Err(error) => Err(format!("{DAMAGED} (SQLite says: {error})")),
    }
}

fn contents(file: &Path) -> Result<Contents, StoreError> {
    let connection = connect(file)?;
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs);
    let newest: Option<i64> =
        connection.query_row("SELECT max(updated_at) FROM interactions", [], |row| row.get(0)).optional()?.flatten();
    let mut offsets = connection
        .prepare("SELECT topic, kafka_partition, next_offset FROM offsets ORDER BY topic, kafka_partition, cluster")?;
    let offsets =
        offsets.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect::<Result<_, _>>()?;
    Ok(Contents {
        interactions: count("SELECT count(*) FROM interactions")?,
        contacts: count("SELECT count(DISTINCT contact_id) FROM listings")?,
        bytes: count("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")?,
        newest_change: newest.and_then(DateTime::from_timestamp_millis),
        offsets,
    })
}

/// An administrator restores as root, and the service must be able to write.
fn belongs_to_whom_it_did(copy: &Path, store: &Path, folder: &Path) -> io::Result<()> {
    let before = if store.exists() { fs::metadata(store)? } else { fs::metadata(folder)? };
    for path in [copy, &ServeLock::path(store)] {
        let now = fs::metadata(path)?;
        if (now.uid(), now.gid()) != (before.uid(), before.gid()) {
            chown(path, Some(before.uid()), Some(before.gid()))?;
        }
    }
    if store.exists() { fs::set_permissions(copy, before.permissions()) } else { Ok(()) }
}

/// Gives the store a second name, so that there is a store in the place at every moment, and takes from beside it what belongs
/// to it alone.
fn set_aside(store: &Path, now: DateTime<Utc>) -> Result<Option<PathBuf>, StoreError> {
    if !store.exists() {
        return Ok(None);
    }
    let kept = with_ending(store, &now.format(".before-restore-%Y%m%dT%H%M%SZ").to_string());
    if kept.exists() {
        return Err(cannot(&kept, "there is a file already; move it away"));
    }
    into_one_file(store)?;
    let keep = || -> io::Result<()> {
        // What a damaged store could not take in goes along with it.
        for ending in BESIDE {
            let beside = with_ending(store, ending);
            if beside.exists() {
                fs::rename(beside, with_ending(&kept, ending))?;
            }
        }
        fs::hard_link(store, &kept).or_else(|_| fs::rename(store, &kept))
    };
    keep().map_err(|error| cannot(&kept, error))?;
    Ok(Some(kept))
}

/// SQLite takes what is in the log beside the file into it, and does so only for whoever has the file alone. A file that is too
/// damaged for it stays as it is.
fn into_one_file(store: &Path) -> Result<(), StoreError> {
    let done = connect(store).and_then(|alone| {
        alone.busy_timeout(std::time::Duration::ZERO)?;
        alone.pragma_update_and_check(None, "journal_mode", "delete", |row| row.get::<_, String>(0))
    });
    match done.as_ref().map_err(rusqlite::Error::sqlite_error_code) {
        Err(Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)) => Err(cannot(
            store,
            "another program has the store open (an import, a backup, a database browser); end it, then restore",
        )),
        _ => Ok(()),
    }
}
