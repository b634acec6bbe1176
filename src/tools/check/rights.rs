//! Checks of what the brokers allow us: the rights of a service that can be tried out without changing anything are.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::Finding;
use crate::kafka::{ASK_TIMEOUT, Brokers, Right, Told, is_denial};

const POLL: Duration = Duration::from_millis(100);

/// What is not allowed, and the command that allows it.
pub fn denied(brokers: &Brokers, check: &str, right: Right<'_>) -> Finding {
    let (what, command) = brokers.denial(right);
    Finding::fail(check, what, command)
}

/// As above, for what a service can do without.
pub fn warned(brokers: &Brokers, check: &str, right: Right<'_>) -> Finding {
    let (what, command) = brokers.denial(right);
    Finding::warn(check, what, command)
}

/// Whether brokers that show us no such topic would show it to others. Asked for by its name, a topic may be made by the asking
/// where brokers are set up so; they are not for those who may not see it.
pub async fn is_hidden(brokers: &Brokers, topic: &str) -> bool {
    let name = topic.to_owned();
    let brokers = brokers.clone();
    let asked = tokio::task::spawn_blocking(move || {
        brokers.ask(|client| {
            let metadata = client.fetch_metadata(Some(&name), ASK_TIMEOUT)?;
            let error = metadata.topics().iter().find_map(|topic| topic.error());
            error.map_or(Ok(()), |error| Err(KafkaError::MetadataFetch(error.into())))
        })
    });
    asked.await.is_ok_and(|asked| asked.is_err_and(|error| is_denied(&error)))
}

/// Reads what comes first in the topic, which it leaves as it is.
pub async fn read(brokers: &Brokers, check: &str, topic: &str) -> Option<Finding> {
    let name = topic.to_owned();
    let tried = ask(brokers, None, move |client| {
        let mut first = TopicPartitionList::new();
        first.add_partition_offset(&name, 0, Offset::Beginning)?;
        client.assign(&first)?;
        // librdkafka asks for the group, too, which has a name here and is not joined.
        wait_for(client, RDKafkaErrorCode::TopicAuthorizationFailed, ASK_TIMEOUT)
    });
    let error = tried.await.err()?;
    is_denied(&error).then(|| denied(brokers, check, Right::Read(topic)))
}

/// Asks how far the group is, without joining it.
pub async fn share(brokers: &Brokers, group: &str, topic: &str) -> Finding {
    let check = format!("group {group}");
    let name = topic.to_owned();
    let tried = ask(brokers, Some(group), move |client| {
        let mut partitions = TopicPartitionList::new();
        partitions.add_partition(&name, 0);
        match client.committed_offsets(partitions, ASK_TIMEOUT) {
            Ok(_) => Ok(()),
            // Why nobody answers is told beside it.
            Err(error) => wait_for(client, RDKafkaErrorCode::GroupAuthorizationFailed, POLL).and(Err(error)),
        }
    });
    match tried.await {
        Ok(()) => Finding::ok(&check, "may be asked"),
        Err(error) if is_denied(&error) => denied(brokers, &check, Right::Group(group)),
        Err(error) => Finding::fail(&check, format!("{error:#}"), "see that the brokers keep __consumer_offsets"),
    }
}

/// Until there is a record or the end, or nothing was said for long.
fn wait_for(client: &BaseConsumer<Told>, denial: RDKafkaErrorCode, limit: Duration) -> KafkaResult<()> {
    let until = Instant::now() + limit;
    while Instant::now() < until {
        match client.poll(POLL) {
            Some(Err(error)) if error.rdkafka_error_code() == Some(denial) => return Err(error),
            Some(Ok(_) | Err(KafkaError::PartitionEOF(_))) => break,
            Some(Err(_)) | None => {}
        }
    }
    Ok(())
}

async fn ask(
    brokers: &Brokers,
    group: Option<&str>,
    question: impl FnOnce(&BaseConsumer<Told>) -> KafkaResult<()> + Send + 'static,
) -> anyhow::Result<()> {
    let (brokers, group) = (brokers.clone(), group.map(str::to_owned));
    tokio::task::spawn_blocking(move || brokers.ask_as_reader(group.as_deref(), question)).await?
}

pub fn is_denied(error: &anyhow::Error) -> bool {
    error.downcast_ref::<KafkaError>().is_some_and(is_denial)
}
