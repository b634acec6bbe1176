//! A PostgreSQL database of the test's own on the server of `make test`, its tables made.

use std::str::FromStr as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use backstory::config::{Layers, load_without_kafka};
use backstory::journey::Store;
use tokio_postgres::{Client, Config, NoTls};

/// The server's own database, where others are made.
fn server() -> Config {
    let Ok(url) = std::env::var("DATABASE_URL") else {
        panic!(
            "DATABASE_URL is not set: run the tests by `make test`, or by `tests/servers/with.sh kafka postgres -- cargo test`"
        );
    };
    Config::from_str(&url).expect("DATABASE_URL is a URL of a PostgreSQL")
}

pub async fn client(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.expect("PostgreSQL answers");
    tokio::spawn(connection);
    client
}

/// The URL of a database that holds nothing.
pub async fn empty_database() -> String {
    static NTH: AtomicUsize = AtomicUsize::new(0);
    let name = format!("test_{}_{:08x}", NTH.fetch_add(1, Ordering::Relaxed), rand::random::<u32>());
    client(&server()).await.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a database is made");
    let url = std::env::var("DATABASE_URL").unwrap();
    let (place, _) = url.rsplit_once('/').expect("a URL ends with its database");
    format!("{place}/{name}")
}

/// The URL of a database with Backstory's tables.
pub async fn database() -> String {
    let url = empty_database().await;
    let Store::Postgres(store) = open(&url) else { unreachable!() };
    store.migrate().await.expect("the tables are made");
    url
}

/// As the settings would open it.
pub fn open(store: &str) -> Store {
    let layers = Layers::new(None, &[("journey.store".into(), store.into())]).expect("settings that can be read");
    Store::open(&load_without_kafka(&layers).expect("settings that can be used").journey).expect("a store")
}

/// The URL, and the line to its server, through which it leads.
pub async fn through_a_line(url: &str) -> (String, super::Proxy) {
    let config = Config::from_str(url).unwrap();
    let host = match &config.get_hosts()[0] {
        tokio_postgres::config::Host::Tcp(host) => host.clone(),
        other => panic!("{other:?} is no host"),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let proxy = super::Proxy::to(format!("{host}:{port}")).await;
    (url.replace(&format!("{host}:{port}"), &proxy.address.to_string()), proxy)
}
