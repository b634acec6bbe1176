//! The tables' versions: each a file, applied once, in order, when the store is opened.

use rusqlite::{Connection, OptionalExtension as _};

use crate::journey::migration::{Tables, needs};

/// The first is version 1.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_journey.sql"),
    include_str!("migrations/0002_erasure.sql"),
    include_str!("migrations/0003_time_zone.sql"),
    include_str!("migrations/0004_removed_and_set_aside.sql"),
    include_str!("migrations/0005_own_texts.sql"),
];
/// The version that this program migrates to.
pub const KNOWN: i32 = MIGRATIONS.len() as i32;
/// "BkSt": tells our files from other programs' (`PRAGMA application_id`).
pub const APPLICATION_ID: i32 = 0x426b_5374;

/// Beside `user_version`. The first builds made files without it.
const META: &str =
    "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID";

/// `None`: the file is not ours, or new.
pub fn tables(connection: &Connection) -> rusqlite::Result<Option<Tables>> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    if pragma("application_id")? != APPLICATION_ID {
        return Ok(None);
    }
    let version = pragma("user_version")?;
    let kept = if connection.table_exists(None, "meta")? {
        connection.query_row("SELECT value FROM meta WHERE name = 'needs'", [], |row| row.get(0)).optional()?
    } else {
        None
    };
    Ok(Some(Tables { version, needs: kept.unwrap_or(version) }))
}

/// Two processes may open a file at once (a service and an import): the second finds the tables made, perhaps by a later release.
pub fn apply(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let before = tables(connection)?.unwrap_or_default();
    if before.version < KNOWN {
        let mut needed = before.needs;
        for (version, sql) in (1..).zip(MIGRATIONS).skip(before.version.unsigned_abs() as usize) {
            connection.execute_batch(sql)?;
            needed = needed.max(needs(version, sql));
        }
        connection.execute_batch(META)?;
        connection.execute("INSERT OR REPLACE INTO meta (name, value) VALUES ('needs', ?1)", [needed])?;
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        connection.pragma_update(None, "user_version", KNOWN)?;
    }
    connection.execute_batch("COMMIT")
}
