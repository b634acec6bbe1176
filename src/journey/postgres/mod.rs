//! The store for several nodes: PostgreSQL, or whatever speaks its protocol. Look-ups and writing have connections of their own.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::LookUp;
use super::catalogue::InUse;
use super::erasure::{Erasure, Holdings};
use super::store::{Commit, StoreError, WriteBatch, Written};
use super::{Journey, NoIds, Source};
use crate::config::url_without_password;
pub use address::Address;

/// A text as [`NoIds`](super::NoIds) compares it, in SQL: without blanks around, in small letters.
macro_rules! bare {
    ($text:literal) => {
        concat!("lower(btrim(", $text, ", E' \\t\\n\\r\\f\\u000b\\u00a0\\u3000\\u200b\\ufeff'))")
    };
}

mod address;
mod behind;
mod erase;
mod first_rows;
mod free;
mod in_use;
mod interactions;
mod migrations;
mod people;
mod read;
mod removed;
mod retention;
mod set_aside;
mod strands;
pub mod tables;
mod tls;
mod write;

/// Time to reach the server and be let in.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A batch is many rows, and may wait for another writer's.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);
/// For a batch that gave way to another one.
const WRITE_TRIES_MAX: usize = 10;
/// What not every server that speaks PostgreSQL's protocol knows. Compiling what takes a millisecond takes PostgreSQL a hundred; and a
/// node that was lost in the middle of a transaction must not keep its locks for longer than a batch may take.
const IF_KNOWN: [&str; 2] = ["SET jit = off", "SET idle_in_transaction_session_timeout = '60s'"];
/// Rows of our tables are found by index. A plan that was made while a table was empty reads it from end to end, and PostgreSQL keeps
/// that plan until it counts the rows, which on a new database is a minute of ever longer batches.
const BY_INDEX: &str = "SET enable_seqscan = off";
/// Two recorders, and what an administrator asks beside them.
const WRITERS_MAX: usize = 4;

/// A PostgreSQL that need not answer yet: connections are made when they are needed, and again when they were lost.
pub struct Postgres {
    address: Address,
    readers: Pool,
    writers: Pool,
    no_ids: Arc<NoIds>,
}

/// How many look-ups at a time, and how long each may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub lookups_max: usize,
    pub statement_timeout: Duration,
}

impl Postgres {
    pub fn new(url: &str, limits: Limits, no_ids: Arc<NoIds>) -> Result<Self, StoreError> {
        let address = read(url)?;
        let readers = pool(&address, limits.lookups_max, limits.statement_timeout, &[BY_INDEX])?;
        let writers = pool(&address, WRITERS_MAX, WRITE_TIMEOUT, &[BY_INDEX])?;
        Ok(Self { address, readers, writers, no_ids })
    }

    /// As it may be shown: without the password.
    pub fn address(&self) -> &str {
        self.address.shown()
    }

    /// Whether it answers and holds tables that this program works with.
    pub async fn ready(&self) -> Result<(), StoreError> {
        let client = self.writers.get().await.map_err(unreachable)?;
        match migrations::refusal(migrations::tables(&client).await?) {
            None => self.warm_up().await,
            Some(reason) => Err(StoreError::CannotOpen { path: self.address().to_owned(), reason }),
        }
    }

    /// Connects and prepares, so that the first call does not wait for it.
    async fn warm_up(&self) -> Result<(), StoreError> {
        let nobody = LookUp::whole(String::new(), DateTime::UNIX_EPOCH, Source::ALL.to_vec());
        let all = (0..self.readers.status().max_size).map(|_| self.look_up(&nobody));
        futures_util::future::try_join_all(all).await.map(drop)
    }

    /// Makes the tables, or brings them to what this program knows; says what was done.
    pub async fn migrate(&self) -> Result<Vec<&'static str>, StoreError> {
        let mut client = self.writers.get().await.map_err(unreachable)?;
        migrations::apply(&mut client, self.address(), &self.no_ids).await
    }

    pub async fn look_up(&self, look_up: &LookUp) -> Result<Journey, StoreError> {
        let client = self.readers.get().await.map_err(unreachable)?;
        match read::look_up(&client, &self.no_ids, look_up).await {
            // The server went away while nobody asked: the next connection may find it back.
            Err(StoreError::Postgres(error)) if error.is_closed() => {
                drop(client);
                let client = self.fresh_reader().await?;
                read::look_up(&client, &self.no_ids, look_up).await
            }
            journey => journey,
        }
    }

    /// Connections that were lost with the one before are taken out of the way.
    async fn fresh_reader(&self) -> Result<Object, StoreError> {
        self.readers.retain(|client, _| !client.is_closed());
        self.readers.get().await.map_err(unreachable)
    }

    /// After many rows at once: the server plans by what it last counted.
    pub async fn count_anew(&self) -> Result<(), StoreError> {
        let client = self.writers.get().await.map_err(unreachable)?;
        let sql = "ANALYZE backstory.interactions, backstory.reached, backstory.listings, backstory.addresses, backstory.behind";
        Ok(client.batch_execute(sql).await?)
    }

    /// Reads every row, so it may take its time.
    pub async fn in_use(&self) -> Result<InUse, StoreError> {
        in_use::in_use(&*self.writers.get().await.map_err(unreachable)?).await
    }

    /// What is kept of a person, and would go with this erasure.
    pub async fn holdings(&self, erasure: &Erasure) -> Result<Holdings, StoreError> {
        erase::holdings(&self.writers.get().await.map_err(unreachable)?, &self.no_ids, erasure).await
    }

    pub async fn write(&self, batch: &WriteBatch, commit: Commit) -> Result<Written, StoreError> {
        let mut tries = 1;
        loop {
            let mut client = self.writers.get().await.map_err(unreachable)?;
            match write::write(&mut client, &self.no_ids, batch, commit).await {
                Err(StoreError::Postgres(error)) if gave_way(&error) && tries < WRITE_TRIES_MAX => tries += 1,
                written => return written,
            }
        }
    }
}

/// Says in the log what TLS does not verify.
fn read(url: &str) -> Result<Address, StoreError> {
    let address =
        Address::read(url).map_err(|reason| StoreError::CannotOpen { path: url_without_password(url), reason })?;
    address.say_if_weak();
    Ok(address)
}

/// One connection by itself.
pub async fn connect(url: &str) -> Result<Client, StoreError> {
    let Address { mut config, tls, .. } = read(url)?;
    let connected = config.connect_timeout(CONNECT_TIMEOUT).connect(tls).await;
    let (client, connection) = connected.map_err(refused)?;
    tokio::spawn(connection);
    Ok(client)
}

/// For tables that are somebody else's: how they are read is for the server to plan.
fn reader_pool(address: &Address, limits: Limits) -> Result<Pool, StoreError> {
    pool(address, limits.lookups_max, limits.statement_timeout, &[])
}

/// `settings` are set where the server knows them.
fn pool(
    address: &Address,
    size: usize,
    timeout: Duration,
    settings: &'static [&'static str],
) -> Result<Pool, StoreError> {
    let Address { mut config, tls, .. } = address.clone();
    config.application_name("backstory").connect_timeout(CONNECT_TIMEOUT);
    let manager = Manager::from_config(config, tls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
    // A statement of its own rather than a startup option, which poolers refuse.
    let limit = format!("SET statement_timeout = {}", timeout.as_millis());
    let limit_statements = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
        let limit = limit.clone();
        Box::pin(async move {
            client.batch_execute(&limit).await.map_err(HookError::Backend)?;
            for setting in IF_KNOWN.iter().chain(settings) {
                match client.batch_execute(setting).await {
                    Err(error) if !is(&error, &SqlState::UNDEFINED_OBJECT) => return Err(HookError::Backend(error)),
                    _ => {}
                }
            }
            Ok(())
        })
    });
    Pool::builder(manager)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .create_timeout(Some(CONNECT_TIMEOUT))
        .post_create(limit_statements)
        .build()
        .map_err(|error| StoreError::CannotOpen { path: address.shown().to_owned(), reason: error.to_string() })
}

fn unreachable(error: deadpool_postgres::PoolError) -> StoreError {
    match error {
        deadpool_postgres::PoolError::Backend(error) => refused(error),
        deadpool_postgres::PoolError::Timeout(_) => StoreError::Unreachable("no answer in time".into()),
        other => StoreError::Unreachable(other.to_string()),
    }
}

fn refused(error: tokio_postgres::Error) -> StoreError {
    if error.as_db_error().is_some() { StoreError::Postgres(error) } else { StoreError::Unreachable(reason(&error)) }
}

/// What a person can act on. What the server says of data repeats values, and so may what a trigger raises: only of its own troubles
/// its words are shown, of anything else the code.
pub fn reason(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) if is_its_own_trouble(said.code()) => {
            format!("{} (SQLSTATE {})", said.message(), said.code().code())
        }
        Some(said) => format!("PostgreSQL refuses a value (SQLSTATE {})", said.code().code()),
        None => tls::reason(error).unwrap_or_else(|| {
            let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
            format!("{error}{}", cause.unwrap_or_default())
        }),
    }
}

/// Whether the server refuses what it was given: a value, a constraint, a size, or what a trigger raises by whatever code. A row that is
/// there already is no refusal: it is tried again.
pub fn refuses_a_value(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|state| !is_its_own_trouble(state) && *state != SqlState::UNIQUE_VIOLATION)
}

/// Classes of SQLSTATE that say nothing of what was sent: connections, transactions, rights and tables, resources, what an operator does,
/// damage.
fn is_its_own_trouble(state: &SqlState) -> bool {
    let is_damage = *state == SqlState::DATA_CORRUPTED || *state == SqlState::INDEX_CORRUPTED;
    const CLASSES: [&str; 15] =
        ["08", "0A", "25", "26", "28", "3D", "3F", "40", "42", "53", "55", "57", "58", "72", "F0"];
    is_damage || CLASSES.contains(&&state.code()[..2])
}

/// Of two that waited for each other, the server has stopped this one.
fn gave_way(error: &tokio_postgres::Error) -> bool {
    is(error, &SqlState::T_R_DEADLOCK_DETECTED) || is(error, &SqlState::T_R_SERIALIZATION_FAILURE)
}

fn is(error: &tokio_postgres::Error, state: &SqlState) -> bool {
    error.code() == Some(state)
}

/// The stores keep milliseconds: what is finer would make one timeline two.
fn millis(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(time.timestamp_millis()).unwrap_or(time)
}
