//! What the service promises, held against a real Kafka and, where it can serve, against the embedded broker.
//! Tests that prove a line of the specification begin with its id.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is a test from end to end")]

/// The same promises on a real Kafka and on the embedded broker.
macro_rules! on_both_brokers {
    ($($promise:ident),* $(,)?) => { $(
        mod $promise {
            use crate::harness::Kafka;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn kafka() {
                super::$promise(Kafka::real().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded() {
                super::$promise(Kafka::embedded()).await;
            }
        }
    )* };
}

/// The same promises on every store: embedded with a real Kafka and with the embedded broker, and PostgreSQL with a real Kafka.
macro_rules! on_all_stores {
    ($($promise:ident),* $(,)?) => { $(
        mod $promise {
            use crate::harness::Kafka;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn kafka() {
                super::$promise(Kafka::real().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$promise(Kafka::real_with_postgres().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded() {
                super::$promise(Kafka::embedded()).await;
            }
        }
    )* };
}

/// Promises that the embedded broker is no judge of: replay, offsets, topics that change, large records.
macro_rules! on_kafka {
    ($($promise:ident),* $(,)?) => { $(
        mod $promise {
            use crate::harness::Kafka;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn kafka() {
                super::$promise(Kafka::real().await).await;
            }
        }
    )* };
}

/// The same promises on both stores, with a real Kafka.
macro_rules! on_kafka_with_both_stores {
    ($($promise:ident),* $(,)?) => { $(
        mod $promise {
            use crate::harness::Kafka;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$promise(Kafka::real().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$promise(Kafka::real_with_postgres().await).await;
            }
        }
    )* };
}

/// Promises that Kafka has no part in.
macro_rules! on_the_embedded_broker {
    ($($promise:ident),* $(,)?) => { $(
        mod $promise {
            use crate::harness::Kafka;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded() {
                super::$promise(Kafka::embedded()).await;
            }
        }
    )* };
}

mod harness;

mod bad_frames;
mod bad_records;
mod bank;
mod bench;
mod calls;
mod catalogue;
mod crash;
mod details;
mod drain;
mod filters;
mod http;
mod import;
mod journey;
mod live;
mod pop;
mod reconnect;
mod restart;
mod slowness;
mod sources;
mod stores;
mod troubled_postgres;
