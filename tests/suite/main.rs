//! What the service promises, held against a real Kafka and, where it can serve, against the embedded broker.
//! Tests that prove a line of the specification begin with its id.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is a test from end to end")]

/// Each promise once for each place, in a module of its own that the place's test is named in.
macro_rules! promises_on {
    ($places:tt: $($promise:ident),* $(,)?) => { $( promises_on!(@ $promise $places); )* };
    (@ $promise:ident [$($place:ident = $kafka:expr),*]) => {
        mod $promise {
            $(
                #[test]
                fn $place() {
                    crate::harness::holds(async { super::$promise($kafka).await });
                }
            )*
        }
    };
}

/// On a real Kafka and on the embedded broker.
macro_rules! on_both_brokers {
    ($($promises:tt)*) => {
        promises_on! { [kafka = crate::harness::Kafka::real().await, embedded = crate::harness::Kafka::embedded()]: $($promises)* }
    };
}

/// On every store: embedded with a real Kafka and with the embedded broker, and PostgreSQL with a real Kafka.
macro_rules! on_all_stores {
    ($($promises:tt)*) => {
        promises_on! {
            [kafka = crate::harness::Kafka::real().await, postgres = crate::harness::Kafka::real_with_postgres().await, embedded = crate::harness::Kafka::embedded()]:
            $($promises)*
        }
    };
}

/// What the embedded broker is no judge of: replay, offsets, topics that change, large records.
macro_rules! on_kafka {
    ($($promises:tt)*) => {
        promises_on! { [kafka = crate::harness::Kafka::real().await]: $($promises)* }
    };
}

/// On both stores, with a real Kafka.
macro_rules! on_kafka_with_both_stores {
    ($($promises:tt)*) => {
        promises_on! { [sqlite = crate::harness::Kafka::real().await, postgres = crate::harness::Kafka::real_with_postgres().await]: $($promises)* }
    };
}

/// On both stores by themselves.
macro_rules! on_both_stores {
    ($($promises:tt)*) => {
        promises_on! {
            [sqlite = crate::harness::shelf::Shelf::sqlite(), postgres = crate::harness::shelf::Shelf::postgres().await]:
            $($promises)*
        }
    };
}

/// What Kafka has no part in.
macro_rules! on_the_embedded_broker {
    ($($promises:tt)*) => {
        promises_on! { [embedded = crate::harness::Kafka::embedded()]: $($promises)* }
    };
}

mod harness;
mod history;

mod acknowledgements;
mod audit;
mod autobahn;
mod backup;
mod bad_frames;
mod bad_records;
mod bad_stores;
mod bank;
mod behind;
mod bench;
mod bench_crowd;
mod bench_push;
mod calls;
mod catalogue;
mod crash;
mod crowding;
mod details;
mod discretion;
mod drain;
mod erase;
mod faults;
mod fences;
mod filters;
mod full_disk;
mod http;
mod import;
mod journey;
mod lag;
mod live;
mod migrations;
mod odd_flood;
mod odd_records;
mod paced;
mod panics;
mod policy;
mod pop;
mod rebalance;
mod reconnect;
mod rejecting_store;
mod removals;
mod restart;
mod retention;
mod secure_kafka;
mod secure_postgres;
mod shared_numbers;
mod slowness;
mod sources;
mod stores;
mod supervisors;
mod tokens;
mod troubled_postgres;
mod why;
mod wire;
