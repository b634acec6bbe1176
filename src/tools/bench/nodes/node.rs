//! A node that is measured: this program as `serve`, on a topic of calls of its own.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::bail;

use super::Topics;
use super::files::LONG_NUMBER;
use crate::config::Settings;
use crate::kafka::Brokers;
use crate::tools::Common;
use crate::tools::bench::journey::processes;
use crate::tools::bench::server::Servers;
use crate::tools::service::{RunningService, local_url};

const START_LIMIT: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Of every node that is measured: all connections come from one address. Older releases have the same settings.
const SHARED: [(&str, &str); 5] = [
    ("http.connections_max", "1000000"),
    ("http.connections_per_address_max", "1000000"),
    ("http.handshakes_per_second_max", "1000000"),
    ("http.handshakes_per_second_per_address_max", "1000000"),
    ("log.level", "warn"),
];

/// What every node has from the command line, and the folder of its log.
pub struct Place<'a> {
    pub common: &'a Common,
    pub settings: &'a Settings,
    pub folder: &'a Path,
}

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
    process: NodeProcess,
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
        let place = Place { common: site.common, settings: site.settings, folder: site.folder };
        let own =
            [("journey.store".to_owned(), site.store(store)), ("kafka.topics.calls".to_owned(), topic.to_owned())];
        let own = own.into_iter().chain(site.topics.settings());
        Self::start_program(&processes::this_program()?, &place, own).await
    }

    /// This program or another release of it, with settings of its own over those of the command line.
    pub async fn start_program(
        program: &Path,
        place: &Place<'_>,
        own: impl IntoIterator<Item = (String, String)>,
    ) -> anyhow::Result<Self> {
        let [port, admin_port] = [free_port()?, free_port()?];
        let log = place.folder.join(format!("node-{port}.log"));
        let mut command = Command::new(program);
        if let Some(config) = &place.common.config {
            command.arg("--config").arg(config);
        }
        let listen = [
            ("http.listen".to_owned(), format!("127.0.0.1:{port}")),
            ("http.admin_listen".to_owned(), format!("127.0.0.1:{admin_port}")),
        ];
        let shared = SHARED.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        for (key, value) in place.common.set.iter().cloned().chain(shared).chain(listen).chain(own) {
            command.args(["--set", &format!("{key}={value}")]);
        }
        let is_tls = place.settings.http.tls.files().is_some();
        let started = Instant::now();
        let child = command.arg("serve").stdin(Stdio::null()).stderr(File::create(&log)?).spawn()?;
        let at = |port: u16| {
            let url = local_url(([127, 0, 0, 1], port).into(), is_tls);
            RunningService::at(Some(&url), place.settings, &place.common.trust)
        };
        let mut process = NodeProcess { child, log };
        let service = at(port)?;
        process.becomes_ready(&service, started).await?;
        let ready_after = started.elapsed();
        let brokers = service.info().await?.brokers(place.settings);
        Ok(Self { process, service, servers: Servers::of(vec![at(admin_port)?]), brokers, ready_after })
    }

    pub async fn warm_up(&self) -> anyhow::Result<()> {
        for _ in 0..100 {
            self.service.get(&["v1", "journeys", LONG_NUMBER], &[]).await?;
        }
        Ok(())
    }

    /// As the system numbers it.
    pub fn process_id(&self) -> u32 {
        self.process.child.id()
    }

    /// At once, as by a power cut.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill()
    }
}

/// Killed when dropped, ready or not.
struct NodeProcess {
    child: Child,
    log: PathBuf,
}

impl NodeProcess {
    async fn becomes_ready(&mut self, service: &RunningService, started: Instant) -> anyhow::Result<()> {
        while service.get(&["readyz"], &[]).await.is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("a node did not start ({status}): {}", std::fs::read_to_string(&self.log).unwrap_or_default());
            }
            if started.elapsed() > START_LIMIT {
                bail!("a node was not ready within {} s", START_LIMIT.as_secs());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        _ = self.kill();
    }
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
