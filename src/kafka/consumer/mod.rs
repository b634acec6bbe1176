//! Reads every partition of one topic from concrete offsets, without a group, on two threads of its own: one asks
//! (partitions, watermarks, where to start), one only polls, so that no question to a dead broker delays a record.

use std::collections::HashMap;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use tokio::sync::mpsc;

use super::{Brokers, Record};

mod poller;

pub(super) use poller::copy_out;
pub use poller::{Lag, Poller};

/// Records handed over and not yet taken; librdkafka's own queue stands behind it.
const HANDED_OVER_MAX: usize = 1024;

/// Where a partition that was never read before begins.
#[derive(Debug, Clone)]
pub enum Start {
    /// At the first record of the last so much time.
    Window(Duration),
    /// At these offsets; partitions without one at their first record.
    At(HashMap<i32, Resume>),
}

/// Where reading goes on, and what was read last: that is read again, to see that it is still the same topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resume {
    pub next: i64,
    /// [`Record::fingerprint`] of the record at `next - 1`.
    pub last_record: i64,
}

/// What a consumer hears.
#[derive(Debug)]
pub enum Heard {
    Record(Record),
    /// Everything that was there has been handed over.
    CaughtUp,
    /// The brokers do not answer: what is new cannot be known.
    Unreachable,
    /// Offsets that are gone, or that belong to a topic that was made anew; reading went on at `to`.
    Gap {
        partition: i32,
        from: i64,
        to: i64,
    },
}

/// What a poller does after what was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    GoOn,
    /// Begin again where each partition was begun, as far as the records are still there, and tell when that has caught up.
    ReadAgain,
    /// Nobody listens any more.
    Stop,
}

/// Who is told what a poller hears, on the thread that polls.
pub trait Hears: Send + Sync + 'static {
    /// May wait, and keeps the next record waiting then.
    fn hear(&self, heard: Heard) -> Next;

    /// Nothing more fits for now: a poller that does not go on is not stuck.
    fn is_full(&self) -> bool {
        false
    }
}

impl Hears for mpsc::Sender<Heard> {
    fn hear(&self, heard: Heard) -> Next {
        match self.blocking_send(heard) {
            Ok(()) => Next::GoOn,
            Err(_) => Next::Stop,
        }
    }

    fn is_full(&self) -> bool {
        self.capacity() == 0
    }
}

/// A poller whose records wait until they are taken, up to a bound.
pub struct Consumer {
    poller: Poller,
    heard: mpsc::Receiver<Heard>,
}

impl Consumer {
    pub fn start(brokers: &Brokers, topic: &str, start: Start, errors: Counter) -> std::io::Result<Self> {
        let (sender, heard) = mpsc::channel(HANDED_OVER_MAX);
        Ok(Self { poller: Poller::start(brokers, topic, start, errors, sender)?, heard })
    }

    /// The next thing heard; `None`: a bug has ended the poller, and nothing more will be.
    pub async fn next(&mut self) -> Option<Heard> {
        tokio::select! {
            biased;
            heard = self.heard.recv() => heard,
            () = self.poller.over() => None,
        }
    }

    /// What is there already, without waiting.
    pub fn next_if_ready(&mut self) -> Option<Heard> {
        self.heard.try_recv().ok()
    }

    /// Records that are not kept yet, by partition: whoever keeps them [reports](Lag::kept) it.
    pub fn lag(&self) -> Lag {
        self.poller.lag().of_kept()
    }

    pub async fn close(mut self, limit: Duration) {
        self.heard.close();
        while self.heard.try_recv().is_ok() {}
        self.poller.close(limit).await;
    }
}

#[cfg(test)]
mod tests;
