//! The tables' versions: each a file, applied once, in order, in a transaction of its own.

use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use tokio_postgres::error::SqlState;

use super::{behind, is};
use crate::journey::NoIds;
use crate::journey::migration::{Tables, needs};
use crate::journey::store::StoreError;

/// Name and text, the first is version 1.
const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_journey", include_str!("migrations/0001_journey.sql")),
    ("0002_erasure", include_str!("migrations/0002_erasure.sql")),
    ("0003_behind", include_str!("migrations/0003_behind.sql")),
    ("0004_time_zone", include_str!("migrations/0004_time_zone.sql")),
    ("0005_removed_and_set_aside", include_str!("migrations/0005_removed_and_set_aside.sql")),
    ("0006_order_of_a_moment", include_str!("migrations/0006_order_of_a_moment.sql")),
    ("0007_one_order", include_str!("migrations/0007_one_order.sql")),
];
/// The version that has everything of which is put together who is behind an address.
const BEHIND: i32 = 4;
/// The version that this program migrates to.
const KNOWN: i32 = MIGRATIONS.len() as i32;
/// The lowest version that this program works with: raised by a release that reads or writes what a later migration adds.
const MIN: i32 = 5;

/// Statements behind one that waits for a lock wait with it, those of running nodes included: so it gives up soon, and tries again.
/// What it does itself takes as long as it takes.
const LIMIT_WAITING: &str = "SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = 0";
const TRIES_MAX: usize = 30;
const PAUSE: Duration = Duration::from_secs(1);

/// In a migration that is one such statement: an index is built while others write, which no transaction can do.
const BESIDE_WRITERS: &str = "CREATE INDEX CONCURRENTLY";
/// Held while an index is built, by whoever builds it.
const BUILDING: i64 = 0x6261_636b_7374_6f72;
/// An index that was not finished, because the program or the server went away.
const UNFINISHED: &str = "
    SELECT format('DROP INDEX CONCURRENTLY %I.%I', spaces.nspname, indexes.relname)
    FROM pg_index
    JOIN pg_class AS indexes ON indexes.oid = indexrelid
    JOIN pg_namespace AS spaces ON spaces.oid = indexes.relnamespace
    WHERE NOT indisvalid AND spaces.nspname = 'backstory'";

const BOOTSTRAP: &str = "
    CREATE SCHEMA IF NOT EXISTS backstory;
    CREATE TABLE IF NOT EXISTS backstory.migrations (
      version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
    ALTER TABLE backstory.migrations ADD COLUMN IF NOT EXISTS needs integer";
/// As JSON, a row has no `needs` if its table has no such column yet.
const TABLES: &str = "
    SELECT coalesce(max(version), 0), coalesce(max(coalesce((to_jsonb(applied) ->> 'needs')::integer, version)), 0)
    FROM backstory.migrations AS applied";

pub async fn tables(client: &ClientWrapper) -> Result<Tables, StoreError> {
    match client.query_one(TABLES, &[]).await {
        Ok(row) => Ok(Tables { version: row.try_get(0)?, needs: row.try_get(1)? }),
        Err(error) if is(&error, &SqlState::UNDEFINED_TABLE) || is(&error, &SqlState::INVALID_SCHEMA_NAME) => {
            Ok(Tables::default())
        }
        Err(error) => Err(error.into()),
    }
}

/// Why this program does not work with these tables, and what to do.
pub fn refusal(tables: Tables) -> Option<String> {
    let Tables { version, needs } = tables;
    if needs > KNOWN {
        Some(format!("its tables have version {version}, this program knows {KNOWN}: use the release that made them"))
    } else if version == 0 {
        Some("it holds no tables of Backstory's: make them with `backstory migrate`".into())
    } else if version < MIN {
        Some(format!("its tables have version {version}, this program needs {MIN}: run `backstory migrate`"))
    } else {
        None
    }
}

/// Changes nothing in tables of a later version that this program works with.
pub async fn apply(client: &mut ClientWrapper, address: &str, no_ids: &NoIds) -> Result<Vec<&'static str>, StoreError> {
    let mut done = Vec::new();
    let mut tries = 1;
    loop {
        match apply_rest(client, address, no_ids, &mut done).await {
            Err(StoreError::Postgres(error)) if is(&error, &SqlState::LOCK_NOT_AVAILABLE) && tries < TRIES_MAX => {
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
            applied => return applied.map(|()| done),
        }
    }
}

async fn apply_rest(
    client: &mut ClientWrapper,
    address: &str,
    no_ids: &NoIds,
    done: &mut Vec<&'static str>,
) -> Result<(), StoreError> {
    let before = tables(client).await?;
    if before.needs > KNOWN {
        let reason = refusal(before).unwrap_or_default();
        return Err(StoreError::CannotOpen { path: address.to_owned(), reason });
    }
    if before.version >= KNOWN {
        return Ok(());
    }
    let transaction = client.transaction().await?;
    transaction.batch_execute(LIMIT_WAITING).await?;
    transaction.batch_execute(BOOTSTRAP).await?;
    transaction.commit().await?;
    for (version, (name, sql)) in (1..).zip(MIGRATIONS).skip(before.version.unsigned_abs() as usize) {
        if sql.contains(BESIDE_WRITERS) {
            build_index(client, sql).await?;
        }
        let transaction = client.transaction().await?;
        transaction.batch_execute(LIMIT_WAITING).await?;
        // Of two that migrate at once, one waits here for the other.
        let mine = "INSERT INTO backstory.migrations (version, name, needs) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        if transaction.execute(mine, &[&version, name, &needs(version, sql)]).await? == 1 {
            if !sql.contains(BESIDE_WRITERS) {
                transaction.batch_execute(sql).await?;
            }
            if version == BEHIND {
                behind::put_all(&transaction, no_ids).await?;
            }
            transaction.commit().await?;
            done.push(*name);
        }
    }
    Ok(())
}

/// Builds an index beside those who write. Whoever waits for another one's turn must not do so in a statement: the building waits for
/// every statement that began before it.
async fn build_index(client: &ClientWrapper, sql: &str) -> Result<(), StoreError> {
    while !client.query_one("SELECT pg_try_advisory_lock($1)", &[&BUILDING]).await?.try_get::<_, bool>(0)? {
        tokio::time::sleep(PAUSE).await;
    }
    let built = async {
        client.batch_execute("SET statement_timeout = 0").await?;
        for row in client.query(UNFINISHED, &[]).await? {
            client.batch_execute(row.try_get(0)?).await?;
        }
        client.batch_execute(sql).await
    };
    let built = built.await;
    client.query_one("SELECT pg_advisory_unlock($1)", &[&BUILDING]).await?;
    Ok(built?)
}
