//! Who saw whose journey, when and why. Told by whoever shows it, and written by one keeper: to Kafka and, where wanted, to a file.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tracing::warn;

use crate::metrics::Metrics;

mod file;
mod keeper;
mod record;

pub use file::AuditFile;
pub use keeper::Keeper;
pub use record::{Reason, Record};

/// What must be written before somebody sees it is refused after so long.
const WRITE_WAIT: Duration = Duration::from_secs(5);

/// Where it is told. Nobody waits for that but whoever must.
pub struct Audit {
    told: mpsc::Sender<Told>,
    metrics: Arc<Metrics>,
    /// That records are lost was said, and is not said again until one has room.
    troubled: AtomicBool,
}

enum Told {
    Record(Box<Record>),
    /// The answer says whether it was written.
    AndWaits(Box<Record>, oneshot::Sender<bool>),
    /// Nothing more comes.
    Close,
}

impl Audit {
    /// `queue_max`: records that wait to be written at a time.
    fn new(queue_max: usize, metrics: Arc<Metrics>) -> (Self, mpsc::Receiver<Told>) {
        let (told, heard) = mpsc::channel(queue_max);
        (Self { told, metrics, troubled: AtomicBool::new(false) }, heard)
    }

    /// Never waits: where too many wait already it is lost, counted and said.
    pub fn tell(&self, record: Record) {
        self.metrics.audited(record.reason.name());
        let full = self.told.try_send(Told::Record(Box::new(record))).is_err();
        if full {
            self.metrics.audit_lost("queue").inc();
        }
        if self.troubled.swap(full, Ordering::Relaxed) != full && full {
            warn!("the audit is written too slowly (audit.queue_max are waiting): records of it are lost");
        }
    }

    /// Waits until it is in the file, where there is one, and else in Kafka's queue. `false`: it is not, and nothing must be shown.
    pub async fn tell_and_wait(&self, record: Record) -> bool {
        self.tell_within(WRITE_WAIT, record).await
    }

    async fn tell_within(&self, limit: Duration, record: Record) -> bool {
        self.metrics.audited(record.reason.name());
        let (written, answer) = oneshot::channel();
        let told = async {
            self.told.send(Told::AndWaits(Box::new(record), written)).await.ok()?;
            answer.await.ok()
        };
        tokio::time::timeout(limit, told).await.ok().flatten().unwrap_or(false)
    }

    /// What was told until now is still written.
    pub async fn close(&self) {
        _ = self.told.send(Told::Close).await;
    }
}

#[cfg(test)]
mod tests;
