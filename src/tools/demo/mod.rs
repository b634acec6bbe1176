//! `backstory demo`: the service on the embedded broker, with a sample history and a dialler, to be looked at within seconds.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use chrono::Utc;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::Common;
use super::output::say;
use crate::config::{EMBEDDED, Settings};
use crate::journey::{Store, WriteBatch};
use crate::serve;

mod dialler;
mod history;
pub(super) mod random;
mod words;

/// Try it out: the service with a sample history and a dialler that offers calls, on a broker of its own; needs nothing else
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Open the address that it prints, pick an agent, and watch calls arrive. Everything is kept in memory and in a \
temporary folder, and is gone when it ends. Other commands find this service by themselves at the default address, \
else by --url:

  backstory watch --agent ana
  backstory call --agent ana --to +12015550100 --url http://127.0.0.1:8080")]
pub struct Args {
    /// Address of the page [default: http.listen of the settings]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,

    /// Keep the history in this SQLite file instead of a temporary one; the sample history is added to what is in it
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
}

pub async fn run(common: &Common, args: Args) -> anyhow::Result<ExitCode> {
    let folder = TemporaryFolder::new()?;
    let store = args.store.unwrap_or_else(|| folder.0.join("journey.db"));
    let mut common = common.clone();
    let mut set = |key: &str, value: String| common.set.push((key.into(), value));
    set("kafka.brokers", EMBEDDED.into());
    set("journey.store", format!("sqlite:{}", store.display()));
    if let Some(listen) = args.listen {
        set("http.listen", listen.to_string());
    }
    let settings = common.settings()?;
    serve::start_log(&settings)?;
    let customers = fill(&settings).await?;
    let running = serve::start(settings).await?;
    greet(&running);
    let (stop, brokers) = (CancellationToken::new(), running.brokers.clone());
    let dialler = tokio::spawn({
        let stop = stop.clone();
        async move { dialler::run(&brokers, customers, stop).await }
    });
    let told = running.is_told_to_stop().await;
    stop.cancel();
    match dialler.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => warn!("the dialler ended early: {error:#}"),
        Err(error) => warn!("the dialler ended early: {error}"),
    }
    running.drain().await;
    told.map(|()| ExitCode::SUCCESS)
}

/// Before anybody is called, so that the first call has its history.
async fn fill(settings: &Settings) -> anyhow::Result<Vec<history::Customer>> {
    let sample = history::sample(Utc::now());
    let store = Store::open(&settings.journey)?;
    store.write(WriteBatch::of(sample.changes)).await.context("the sample history could not be stored")?;
    Ok(sample.customers)
}

fn greet(running: &serve::Running) {
    say(&format!(
        "\n  The agent's page:  http://{}\n  Agents with calls: {}\n  Kafka (embedded):  {}\n\n  Ctrl-C ends it.\n",
        running.address,
        dialler::agents().join(", "),
        running.brokers.addresses()
    ));
}

/// Gone when dropped.
struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    fn new() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("backstory-demo-{:016x}", rand::random::<u64>()));
        std::fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}
