//! Where the nodes of this benchmark are started, on which stores, and what their processes take.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::time::{Instant, sleep};

use crate::config::{EMBEDDED, Settings};
use crate::tools::Common;
use crate::tools::bench::journey::machine::{cpu_ticks, resident_kib};
use crate::tools::bench::journey::processes::{import_by, this_program};
use crate::tools::bench::nodes::node::{Node, Place};
use crate::tools::bench::nodes::topics::Topics;

/// The store with all journeys, by its name.
pub const STORE: &str = "journey";
pub const MASK: (&str, &str) = ("policy.number_digits", "4");
const TICK_US: f64 = 10_000.0;
const IDLE_LOOK: Duration = Duration::from_millis(250);
/// Of one core. What a node still has to do takes a whole one; the embedded broker alone takes a part of one.
const IDLE_SHARE_MAX: f64 = 0.5;
const IDLE_WAIT_MAX: Duration = Duration::from_secs(30);

pub struct Site<'a> {
    pub common: &'a Common,
    pub settings: &'a Settings,
    /// `None`: each node has the embedded broker.
    pub topics: Option<&'a Topics>,
    pub folder: &'a Path,
}

impl Site<'_> {
    pub async fn import(&self, files: &[PathBuf], store: &str) -> anyhow::Result<()> {
        self.import_by(&this_program()?, files, store).await
    }

    pub async fn import_by(&self, program: &Path, files: &[PathBuf], store: &str) -> anyhow::Result<()> {
        for file in files {
            import_by(program, file, &self.store(store)).await?;
        }
        Ok(())
    }

    fn store(&self, name: &str) -> String {
        format!("sqlite:{}", self.folder.join(format!("{name}.db")).display())
    }

    pub async fn start(&self, name: &str, more: &[(&str, &str)]) -> anyhow::Result<Node> {
        self.start_by(&this_program()?, name, STORE, more).await
    }

    /// A node on a topic of calls of its own; ready when this returns.
    pub async fn start_by(
        &self,
        program: &Path,
        name: &str,
        store: &str,
        more: &[(&str, &str)],
    ) -> anyhow::Result<Node> {
        let mut own = vec![("journey.store".to_owned(), self.store(store))];
        match self.topics {
            Some(topics) => {
                own.push(("kafka.topics.calls".to_owned(), topics.add(&format!("calls-{name}")).await?));
                own.extend(topics.settings());
            }
            None => own.push(("kafka.brokers".to_owned(), EMBEDDED.to_owned())),
        }
        own.extend(more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let place = Place { common: self.common, settings: self.settings, folder: self.folder };
        Node::start_program(program, &place, own).await.with_context(|| program.display().to_string())
    }
}

/// CPU time of a node's process, in microseconds.
pub fn cpu_us(node: &Node) -> anyhow::Result<f64> {
    let ticks = cpu_ticks(node.process_id()).context("this system has no /proc with a process's CPU time")?;
    Ok(ticks as f64 * TICK_US)
}

/// Resident memory of a node's process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Resident {
    pub mib: f64,
    /// Without pages of mapped files, such as the store's.
    pub anonymous_mib: f64,
}

pub fn resident(node: &Node) -> anyhow::Result<Resident> {
    let [all, anonymous] = resident_kib(node.process_id());
    ensure!(all > 0, "this system has no /proc with a process's memory");
    Ok(Resident { mib: all as f64 / 1024.0, anonymous_mib: anonymous as f64 / 1024.0 })
}

/// Until what was asked of a node before is done: it must not be counted as part of the next measurement.
pub async fn until_idle(node: &Node) -> anyhow::Result<()> {
    let started = Instant::now();
    while started.elapsed() < IDLE_WAIT_MAX {
        let before = cpu_us(node)?;
        sleep(IDLE_LOOK).await;
        if cpu_us(node)? - before < IDLE_SHARE_MAX * IDLE_LOOK.as_micros() as f64 {
            break;
        }
    }
    Ok(())
}
