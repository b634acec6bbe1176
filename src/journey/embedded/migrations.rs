//! The tables' versions: each a file, applied once, in order, when the store is opened.

use rusqlite::Connection;

/// The first is version 1.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_journey.sql"), include_str!("migrations/0002_erasure.sql")];
/// The version that this program reads and writes.
pub const KNOWN: i64 = MIGRATIONS.len() as i64;
/// "BkSt": tells our files from other programs' (`PRAGMA application_id`).
pub const APPLICATION_ID: i64 = 0x426b_5374;

pub fn applied(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Two processes may open a file at once (a service and an import): the second finds the tables made.
pub fn apply(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let first = applied(connection)?;
    for sql in MIGRATIONS.iter().skip(usize::try_from(first).unwrap_or_default()) {
        connection.execute_batch(sql)?;
    }
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", KNOWN)?;
    connection.execute_batch("COMMIT")
}
