//! Reads what a topic holds of the last so much time, once: for commands that look back.

use std::time::Duration;

use anyhow::{Context as _, bail};
use prometheus_client::metrics::counter::Counter;
use rdkafka::consumer::Consumer as _;

use super::consumer::{Consumer, Heard, Start};
use super::{ASK_TIMEOUT, Brokers, Record};

/// Nothing at all is heard for so long: the brokers are gone.
const SILENCE_MAX: Duration = Duration::from_secs(20);
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// Gives every record of the last so much time to `take`, each partition in its order; `false` where there is no such topic.
pub async fn read_window(
    brokers: &Brokers,
    topic: &str,
    window: Duration,
    mut take: impl FnMut(Record),
) -> anyhow::Result<bool> {
    if !exists(brokers, topic).await? {
        return Ok(false);
    }
    let mut consumer = Consumer::start(brokers, topic, Start::Window(window), Counter::default())?;
    loop {
        let heard = tokio::time::timeout(SILENCE_MAX, consumer.next()).await;
        match heard.with_context(|| format!("the brokers stopped answering while {topic} was read"))? {
            Some(Heard::Record(record)) => take(record),
            Some(Heard::Gap { .. }) => {}
            Some(Heard::CaughtUp) => break,
            Some(Heard::Unreachable) | None => {
                bail!("the brokers do not answer for {topic}; `backstory check` says more")
            }
        }
    }
    consumer.close(CLOSE_LIMIT).await;
    Ok(true)
}

async fn exists(brokers: &Brokers, topic: &str) -> anyhow::Result<bool> {
    let (brokers, topic) = (brokers.clone(), topic.to_owned());
    let asked = tokio::task::spawn_blocking(move || {
        brokers.ask(|client| {
            // All of them: asked for by its name, a topic may be made by the asking.
            let metadata = client.fetch_metadata(None, ASK_TIMEOUT)?;
            Ok(metadata.topics().iter().any(|found| found.name() == topic && !found.partitions().is_empty()))
        })
    });
    asked.await?.context("the brokers do not answer; `backstory check` says more")
}
