//! A node that is measured: this program as `serve`, on a topic of calls of its own.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::Topics;
use super::files::LONG_NUMBER;
use crate::config::Settings;
use crate::kafka::Brokers;
use crate::tools::Common;
use crate::tools::bench::server::Servers;
use crate::tools::service::{RunningService, local_url};

const START_LIMIT: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Where nodes are started, and with what.
pub struct Site<'a> {
    pub common: &'a Common,
    pub settings: &'a Settings,
    pub topics: &'a Topics,
    pub folder: &'a Path,
}

impl Site<'_> {
    /// As `journey.store` says it.
    pub fn store(&self, name: &str) -> String {
        format!("sqlite:{}", self.folder.join(format!("{name}.db")).display())
    }
}

/// Killed when dropped.
pub struct Node {
    child: Child,
    pub service: RunningService,
    pub servers: Servers,
    /// With the topic of calls that it hears.
    pub brokers: Brokers,
    /// From the start of its process.
    pub ready_after: Duration,
}

impl Node {
    /// On a topic of calls that is made for it; ready when this returns.
    pub async fn start(site: &Site<'_>, calls: &str, store: &str) -> anyhow::Result<Self> {
        let topic = site.topics.add(&format!("calls-{calls}")).await?;
        Self::start_on(site, &topic, store).await
    }

    pub async fn start_on(site: &Site<'_>, topic: &str, store: &str) -> anyhow::Result<Self> {
        let [port, admin_port] = [free_port()?, free_port()?];
        let log = site.folder.join(format!("node-{port}.log"));
        let mut command = Command::new(std::env::current_exe().context("this program's own file cannot be found")?);
        let own = [
            ("http.listen".to_owned(), format!("127.0.0.1:{port}")),
            ("http.admin_listen".to_owned(), format!("127.0.0.1:{admin_port}")),
            ("http.connections_max".to_owned(), "1000000".to_owned()),
            ("http.connections_per_address_max".to_owned(), "1000000".to_owned()),
            ("http.handshakes_per_second_max".to_owned(), "1000000".to_owned()),
            ("http.handshakes_per_second_per_address_max".to_owned(), "1000000".to_owned()),
            ("journey.store".to_owned(), site.store(store)),
            ("kafka.topics.calls".to_owned(), topic.to_owned()),
            ("log.level".to_owned(), "warn".to_owned()),
        ];
        if let Some(config) = &site.common.config {
            command.arg("--config").arg(config);
        }
        for (key, value) in site.common.set.iter().cloned().chain(own).chain(site.topics.settings()) {
            command.args(["--set", &format!("{key}={value}")]);
        }
        let is_tls = site.settings.http.tls.files().is_some();
        let started = Instant::now();
        let child = command.arg("serve").stdin(Stdio::null()).stderr(File::create(&log)?).spawn()?;
        let at = |port: u16| {
            RunningService::at(
                Some(&local_url(([127, 0, 0, 1], port).into(), is_tls)),
                site.settings,
                &site.common.trust,
            )
        };
        let service = at(port)?;
        let mut kafka = site.settings.kafka.clone();
        topic.clone_into(&mut kafka.topics.calls);
        let (brokers, _) = Brokers::open(&kafka)?;
        let servers = Servers::of(vec![at(admin_port)?]);
        let mut node = Self { child, service, servers, brokers, ready_after: Duration::ZERO };
        node.becomes_ready(started, &log).await?;
        node.ready_after = started.elapsed();
        Ok(node)
    }

    async fn becomes_ready(&mut self, started: Instant, log: &Path) -> anyhow::Result<()> {
        while self.service.get(&["readyz"], &[]).await.is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("a node did not start ({status}): {}", std::fs::read_to_string(log).unwrap_or_default());
            }
            if started.elapsed() > START_LIMIT {
                bail!("a node was not ready within {} s", START_LIMIT.as_secs());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    pub async fn warm_up(&self) -> anyhow::Result<()> {
        for _ in 0..100 {
            self.service.get(&["v1", "journeys", LONG_NUMBER], &[]).await?;
        }
        Ok(())
    }

    /// At once, as by a power cut.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        _ = self.kill();
    }
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
