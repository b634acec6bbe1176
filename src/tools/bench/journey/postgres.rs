//! Look-ups in PostgreSQL beside a bare `SELECT` of the same rows, in a database of this run's own.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use chrono::{DateTime, Utc};
use hdrhistogram::Histogram;
use tokio_postgres::{Client, Row, Statement};

use super::history::{self, INTERACTIONS_EACH};
use super::look_ups::{LookUps, TOOK_NS_MAX};
use super::processes;
use crate::config::url_without_password;
use crate::journey::postgres::{self, Limits, Postgres};
use crate::journey::{Store, timeline};
use crate::tools::progress::Progress;

/// A statement that takes longer is given up.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(60);
/// Of one kind, before it is the other's turn: where both go on at a time, the system gives each of the two connections a core
/// of its own, and the one that shares it with this program is faster by the time that a core takes to wake up.
const TURN: usize = 1000;
const BARE: &str = "SELECT * FROM backstory.interactions WHERE coalesce(contact_id, address) = $1 AND started_at >= $2";

/// A database that was made for this run.
pub struct Database {
    /// Connected to the database that was named.
    server: Client,
    name: String,
    url: String,
}

impl Database {
    /// Beside the one that the URL names, which is left as it is.
    pub async fn make(url: &str) -> anyhow::Result<Self> {
        let server = connect(url).await?;
        let name = format!("backstory_bench_{:016x}", rand::random::<u64>());
        server
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await
            .context("a database for the benchmark cannot be made; name a user that may (CREATEDB) in --postgres")?;
        let url = with_database(url, &name);
        Ok(Self { server, name, url })
    }

    pub async fn remove(self) -> anyhow::Result<()> {
        let Self { server, name, url: _ } = self;
        let removed = server.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
        removed.with_context(|| format!("the database {name} cannot be removed; drop it"))
    }

    /// Makes the tables.
    pub async fn migrate(&self) -> anyhow::Result<()> {
        self.open()?.migrate().await.map(drop).context("the tables cannot be made")
    }

    pub async fn import(&self, file: &Path) -> anyhow::Result<Duration> {
        processes::import(file, &self.url).await
    }

    /// Random customers, in turns: through our look-up, and by a statement that is told the contact. Each has one connection,
    /// and has seen every customer before.
    pub async fn look_ups(&self, customers: u32, lookups: u32, now: DateTime<Utc>) -> anyhow::Result<[LookUps; 2]> {
        let bare = Bare::prepare(&self.url, timeline::earliest(now, 12)).await?;
        // As after some time of service: the server has looked over what was imported.
        bare.client.batch_execute("VACUUM (ANALYZE)").await?;
        let store = Store::Postgres(Arc::new(self.open()?));
        // Among the runtime's threads, where a service looks up, too.
        tokio::spawn(in_turns(store, bare, customers, lookups, now)).await?
    }

    fn open(&self) -> anyhow::Result<Postgres> {
        let limits = Limits { lookups_max: 1, statement_timeout: STATEMENT_TIMEOUT };
        Ok(Postgres::new(&self.url, limits, Arc::default())?)
    }
}

async fn in_turns(
    store: Store,
    bare: Bare,
    customers: u32,
    lookups: u32,
    now: DateTime<Utc>,
) -> anyhow::Result<[LookUps; 2]> {
    let ours = async |customer| {
        let (number, from) = (history::number(customer), timeline::earliest(now, 12));
        let journey = store.look_up(history::look_up(&number, from)).await?;
        anyhow::Ok(journey.interactions.len())
    };
    let mut took = [(); 2].map(|()| Histogram::new_with_bounds(1, TOOK_NS_MAX, 3));
    let [Ok(of_ours), Ok(of_bare)] = &mut took else { bail!("no histogram") };
    let mut progress = Progress::of_things(u64::from(customers) + u64::from(lookups), "look-ups");
    for customer in 0..customers {
        timed(ours(customer)).await?;
        timed(bare.select(customer)).await?;
        progress.at(customer.into(), customer.into());
    }
    for begin in (0..lookups).step_by(TURN) {
        let turn = begin..lookups.min(begin + TURN as u32);
        for _ in turn.clone() {
            of_ours.saturating_record(timed(ours(rand::random_range(0..customers))).await?);
        }
        for _ in turn {
            of_bare.saturating_record(timed(bare.select(rand::random_range(0..customers))).await?);
        }
        progress.at(u64::from(customers + begin), u64::from(customers + begin));
    }
    progress.finish();
    Ok([LookUps(of_ours.clone()), LookUps(of_bare.clone())])
}

/// Nanoseconds until all interactions of a customer were there.
async fn timed(found: impl Future<Output = anyhow::Result<usize>>) -> anyhow::Result<u64> {
    let started = Instant::now();
    let found = found.await?;
    let took = started.elapsed();
    ensure!(
        found == INTERACTIONS_EACH as usize,
        "a journey of {INTERACTIONS_EACH} interactions came back with {found}"
    );
    Ok(took.as_nanos() as u64)
}

/// What a program would do that knows the contact already.
struct Bare {
    client: Client,
    statement: Statement,
    from: DateTime<Utc>,
}

impl Bare {
    async fn prepare(url: &str, from: DateTime<Utc>) -> anyhow::Result<Self> {
        let client = connect(url).await?;
        let statement = client.prepare(BARE).await?;
        Ok(Self { client, statement, from })
    }

    async fn select(&self, customer: u32) -> anyhow::Result<usize> {
        let rows = self.client.query(&self.statement, &[&history::contact_id(customer), &self.from]).await?;
        rows.iter().try_for_each(read_all)?;
        Ok(rows.len())
    }
}

/// Every column, where it lies.
fn read_all(row: &Row) -> Result<(), tokio_postgres::Error> {
    for column in (0..9).chain(11..16).chain(19..22) {
        row.try_get::<_, Option<&str>>(column)?;
    }
    for column in [9, 10, 22] {
        row.try_get::<_, Option<DateTime<Utc>>>(column)?;
    }
    row.try_get::<_, Option<bool>>(16)?;
    for column in [17, 18] {
        row.try_get::<_, Option<f64>>(column)?;
    }
    Ok(())
}

async fn connect(url: &str) -> anyhow::Result<Client> {
    let connected = postgres::connect(url).await;
    connected.with_context(|| format!("--postgres: no connection to {}", url_without_password(url)))
}

/// The same server and user.
fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
    let (scheme, rest) = base.split_once("://").unwrap_or(("postgres", base));
    let place = rest.split_once('/').map_or(rest, |(place, _)| place);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{scheme}://{place}/{name}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_of_a_run_is_beside_the_one_that_was_named() {
        let ours = |url| with_database(url, "ours");
        assert_eq!(
            ours("postgres://ana:secret@db:5433/theirs?sslmode=disable"),
            "postgres://ana:secret@db:5433/ours?sslmode=disable"
        );
        assert_eq!(ours("postgresql://db"), "postgresql://db/ours");
    }
}
