//! Writes what the audit is told, in its order, on a thread of its own: a disk that is slow holds up nobody else.

use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use tokio::sync::{mpsc, oneshot};
use tracing::{error, info};

use super::file::AuditFile;
use super::{Audit, Told};
use crate::kafka::Writer;
use crate::metrics::Metrics;

/// Records that are written to the file together.
const BATCH_MAX: usize = 512;
/// Until what was told meanwhile is written: to wake up for each costs more than to write it.
const GATHER: Duration = Duration::from_millis(20);

pub struct Keeper {
    told: mpsc::Receiver<Told>,
    writer: Writer,
    file: Option<AuditFile>,
    metrics: Arc<Metrics>,
    /// That the file cannot be written was said, and is not said again until it can.
    troubled: bool,
}

impl Keeper {
    /// What is told to the first of these is kept by the second; `queue_max` records wait at a time.
    pub fn of(queue_max: usize, writer: Writer, file: Option<AuditFile>, metrics: &Arc<Metrics>) -> (Audit, Self) {
        let (audit, told) = Audit::new(queue_max, Arc::clone(metrics));
        (audit, Self { told, writer, file, metrics: Arc::clone(metrics), troubled: false })
    }

    /// Writes until the audit is closed, and then until Kafka has what is left, or the limit is over; then the answer comes.
    pub fn start(self, close_limit: Duration) -> io::Result<oneshot::Receiver<()>> {
        let (over, ended) = oneshot::channel();
        let keep = move || {
            self.run(close_limit);
            _ = over.send(());
        };
        thread::Builder::new().name("audit".into()).spawn(keep)?;
        Ok(ended)
    }

    fn run(mut self, close_limit: Duration) {
        let mut batch = Vec::new();
        let mut open = true;
        while open && self.told.blocking_recv_many(&mut batch, BATCH_MAX) > 0 {
            let is_full = batch.len() == BATCH_MAX;
            open = self.keep(batch.drain(..));
            if open && !is_full {
                thread::sleep(GATHER);
            }
        }
        self.writer.close(close_limit);
    }

    /// `false`: nothing more comes.
    fn keep(&mut self, batch: impl Iterator<Item = Told>) -> bool {
        let (mut lines, mut records, mut waiting, mut open) = (Vec::new(), 0, Vec::new(), true);
        for told in batch {
            let (record, written) = match told {
                Told::Record(record) => (record, None),
                Told::AndWaits(record, written) => (record, Some(written)),
                Told::Close => {
                    open = false;
                    continue;
                }
            };
            // Serialising this type to memory cannot fail.
            let line = serde_json::to_vec(&*record).unwrap_or_default();
            let taken = self.writer.write(record.key(), &line);
            lines.extend(line);
            lines.push(b'\n');
            records += 1;
            waiting.extend(written.map(|written| (written, taken)));
        }
        let filed = self.append(&lines, records);
        for (written, taken) in waiting {
            answer(written, filed.unwrap_or(taken));
        }
        open
    }

    /// Whether they are in the file; `None` where there is none.
    fn append(&mut self, lines: &[u8], records: u64) -> Option<bool> {
        let file = self.file.as_mut()?;
        match file.append(lines) {
            Ok(()) => {
                if std::mem::take(&mut self.troubled) {
                    info!("the audit's file is written again");
                }
                Some(true)
            }
            Err(error) => {
                self.metrics.audit_lost("file").inc_by(records);
                if !std::mem::replace(&mut self.troubled, true) {
                    error!(%error, "audit.file cannot be written: it lacks what is shown from now on, and nothing is revealed");
                }
                Some(false)
            }
        }
    }
}

fn answer(written: oneshot::Sender<bool>, is_written: bool) {
    // Whoever waited may have given up.
    _ = written.send(is_written);
}
