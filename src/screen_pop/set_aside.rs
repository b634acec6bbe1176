//! The places of refused calls, on their way into the store, beside those that recorders set aside. No call waits for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Way;
use crate::journey::{SetAside, WriteBatch};
use crate::metrics::Metrics;

/// Places that wait for the store; further ones are counted, and are in the log alone.
const WAITING_MAX: usize = 10_000;
/// Places in one transaction.
const BATCH_MAX: usize = 1000;
/// Until a store that failed is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(2);

pub struct SetAsideQueue {
    waiting: mpsc::Sender<SetAside>,
    metrics: Arc<Metrics>,
}

impl SetAsideQueue {
    pub fn new(metrics: Arc<Metrics>) -> (Self, mpsc::Receiver<SetAside>) {
        let (waiting, receiver) = mpsc::channel(WAITING_MAX);
        (Self { waiting, metrics }, receiver)
    }

    pub fn put(&self, record: SetAside) {
        if self.waiting.try_send(record).is_err() {
            self.metrics.set_aside_lost();
        }
    }
}

/// Writes them until stopped. Where no store is recorded into, there is no place for them but the log.
pub async fn keep_set_aside(way: Arc<Way>, mut waiting: mpsc::Receiver<SetAside>, stop: CancellationToken) {
    let keep = async {
        let mut records = Vec::new();
        while waiting.recv_many(&mut records, BATCH_MAX).await > 0 {
            let batch = Arc::new(WriteBatch { set_aside: std::mem::take(&mut records), ..WriteBatch::default() });
            let Some((store, ..)) = way.sources.stores().next() else { continue };
            while store.write(Arc::clone(&batch)).await.is_err() {
                tokio::time::sleep(TRY_AGAIN).await;
            }
        }
    };
    stop.run_until_cancelled(keep).await;
}
