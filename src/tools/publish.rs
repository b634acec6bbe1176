//! Publishing to a topic: in order, with a bound on what is not acknowledged yet, and a reason where nobody took it.

use std::collections::VecDeque;

use anyhow::{Context as _, anyhow};
use rdkafka::error::KafkaError;
use rdkafka::producer::{DeliveryFuture, FutureRecord};
use rdkafka::types::RDKafkaErrorCode;

use crate::kafka::{Brokers, Producer, Right, is_denial};

/// Records on their way at a time; each waits for all in-sync replicas.
const IN_FLIGHT_MAX: usize = 4096;

/// Properties of a producer for many records, unless the administrator's say otherwise.
const BATCHING: &[(&str, &str)] = &[("linger.ms", "20"), ("acks", "all"), ("message.timeout.ms", "30000")];

pub struct Publisher {
    producer: Producer,
    topic: String,
    denied: String,
    in_flight: VecDeque<DeliveryFuture>,
    acknowledged: u64,
}

/// Where a record came to stand.
#[derive(Debug, Clone, Copy)]
pub struct Placed {
    pub partition: i32,
    pub offset: i64,
}

impl Publisher {
    /// Each record is sent at once.
    pub fn open(brokers: &Brokers, topic: &str) -> anyhow::Result<Self> {
        Ok(Self::of(brokers.producer().context("the Kafka producer did not start")?, brokers, topic))
    }

    /// Records wait a moment for each other: for whole histories.
    pub fn open_for_many(brokers: &Brokers, topic: &str) -> anyhow::Result<Self> {
        let producer = brokers.producer_with(BATCHING).context("the Kafka producer did not start")?;
        Ok(Self::of(producer, brokers, topic))
    }

    fn of(producer: Producer, brokers: &Brokers, topic: &str) -> Self {
        let denied = brokers.denied(Right::Write(topic));
        Self { producer, topic: topic.to_owned(), denied, in_flight: VecDeque::new(), acknowledged: 0 }
    }

    /// Hands one over; waits only while [`IN_FLIGHT_MAX`] are on their way.
    pub async fn publish(&mut self, key: Option<&str>, value: &[u8]) -> anyhow::Result<()> {
        self.send(key, Some(value)).await
    }

    /// As above: a key without a value, which removes.
    pub async fn publish_tombstone(&mut self, key: &str) -> anyhow::Result<()> {
        self.send(Some(key), None).await
    }

    async fn send(&mut self, key: Option<&str>, value: Option<&[u8]>) -> anyhow::Result<()> {
        if self.in_flight.len() >= IN_FLIGHT_MAX {
            self.await_oldest().await?;
        }
        let delivery = loop {
            match self.producer.send_result(self.record(key, value)) {
                Ok(delivery) => break delivery,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) if !self.in_flight.is_empty() => {
                    self.await_oldest().await?;
                }
                Err((error, _)) => return Err(self.refused(error)),
            }
        };
        self.in_flight.push_back(delivery);
        Ok(())
    }

    /// Publishes one and waits until it is kept.
    pub async fn publish_and_wait(&mut self, key: &str, value: &[u8]) -> anyhow::Result<Placed> {
        self.publish(Some(key), value).await?;
        let mut placed = Placed { partition: -1, offset: -1 };
        while !self.in_flight.is_empty() {
            placed = self.await_oldest().await?;
        }
        Ok(placed)
    }

    /// Waits for every acknowledgement; how many there were in all.
    pub async fn finish(&mut self) -> anyhow::Result<u64> {
        while !self.in_flight.is_empty() {
            self.await_oldest().await?;
        }
        Ok(self.acknowledged)
    }

    fn record<'a>(&'a self, key: Option<&'a str>, value: Option<&'a [u8]>) -> FutureRecord<'a, str, [u8]> {
        FutureRecord { key, payload: value, ..FutureRecord::to(&self.topic) }
    }

    async fn await_oldest(&mut self) -> anyhow::Result<Placed> {
        let Some(delivery) = self.in_flight.pop_front() else { return Err(anyhow!("nothing is on its way")) };
        match delivery.await.map_err(|_| anyhow!("the Kafka producer ended early"))? {
            Ok(delivery) => {
                self.acknowledged += 1;
                Ok(Placed { partition: delivery.partition, offset: delivery.offset })
            }
            Err((error, _)) => Err(self.refused(error)),
        }
    }

    fn refused(&self, error: KafkaError) -> anyhow::Error {
        if is_denial(&error) {
            return anyhow!("{}; {} records were taken before", self.denied, self.acknowledged);
        }
        let todo = match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition) => {
                "; make it with `backstory check --create`"
            }
            Some(RDKafkaErrorCode::MessageTimedOut | RDKafkaErrorCode::AllBrokersDown) => {
                "; the brokers do not answer: `backstory check` says more"
            }
            _ => "",
        };
        anyhow!(
            "the topic {} did not take a record, after {} that it took: {error}{todo}",
            self.topic,
            self.acknowledged
        )
    }
}
