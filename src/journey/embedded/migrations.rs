//! The tables' versions: each a file, applied once, in order, when the store is opened.

use rusqlite::Connection;

/// The first is version 1.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_journey.sql"),
    include_str!("migrations/0002_erasure.sql"),
    include_str!("migrations/0003_time_zone.sql"),
];
/// The version that this program reads and writes.
pub const KNOWN: i64 = MIGRATIONS.len() as i64;
/// "BkSt": tells our files from other programs' (`PRAGMA application_id`).
pub const APPLICATION_ID: i64 = 0x426b_5374;

/// `None`: the file is not ours, or new.
pub fn applied(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok(if pragma("application_id")? == APPLICATION_ID { Some(pragma("user_version")?) } else { None })
}

/// Two processes may open a file at once (a service and an import): the second finds the tables made.
pub fn apply(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let first = applied(connection)?.unwrap_or_default();
    for sql in MIGRATIONS.iter().skip(usize::try_from(first).unwrap_or_default()) {
        connection.execute_batch(sql)?;
    }
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", KNOWN)?;
    connection.execute_batch("COMMIT")
}
