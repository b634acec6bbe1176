//! The tables' versions: each a file, applied once, in order, in a transaction of its own.

use deadpool_postgres::ClientWrapper;
use tokio_postgres::error::SqlState;

use super::{behind, is};
use crate::journey::store::StoreError;

/// Name and text, the first is version 1.
const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_journey", include_str!("migrations/0001_journey.sql")),
    ("0002_erasure", include_str!("migrations/0002_erasure.sql")),
    ("0003_behind", include_str!("migrations/0003_behind.sql")),
    ("0004_time_zone", include_str!("migrations/0004_time_zone.sql")),
];
/// The version that has everything of which is put together who is behind an address.
const BEHIND: i32 = 4;
/// The version that this program reads and writes.
pub const KNOWN: i32 = MIGRATIONS.len() as i32;

/// The version of the tables that are there; 0 for none.
pub async fn applied(client: &ClientWrapper) -> Result<i32, StoreError> {
    match client.query_one("SELECT coalesce(max(version), 0) FROM backstory.migrations", &[]).await {
        Ok(row) => Ok(row.try_get(0)?),
        Err(error) if is(&error, &SqlState::UNDEFINED_TABLE) || is(&error, &SqlState::INVALID_SCHEMA_NAME) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

pub fn what_to_do(applied: i32) -> String {
    if applied > KNOWN {
        format!("its tables have version {applied}, this program knows {KNOWN}: use the release that made them")
    } else if applied == 0 {
        "it holds no tables of Backstory's: make them with `backstory migrate`".into()
    } else {
        format!("its tables have version {applied}, this program needs {KNOWN}: run `backstory migrate`")
    }
}

pub async fn apply(client: &mut ClientWrapper, address: &str) -> Result<Vec<&'static str>, StoreError> {
    client
        .batch_execute(
            "CREATE SCHEMA IF NOT EXISTS backstory;
             CREATE TABLE IF NOT EXISTS backstory.migrations (
               version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())",
        )
        .await?;
    let first = applied(client).await?;
    if first > KNOWN {
        return Err(StoreError::CannotOpen { path: address.to_owned(), reason: what_to_do(first) });
    }
    let mut done = Vec::new();
    for (version, (name, sql)) in (1..).zip(MIGRATIONS).skip(first.unsigned_abs() as usize) {
        let transaction = client.transaction().await?;
        // Of two that migrate at once, one waits here for the other.
        let mine = "INSERT INTO backstory.migrations (version, name) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        if transaction.execute(mine, &[&version, name]).await? == 1 {
            transaction.batch_execute(sql).await?;
            if version == BEHIND {
                behind::put_all(&transaction).await?;
            }
            transaction.commit().await?;
            done.push(*name);
        }
    }
    Ok(done)
}
