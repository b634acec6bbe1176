//! A node as a process of its own, on a line of its own: it may be killed and come back elsewhere, and agents find it at the same
//! address.

use std::net::SocketAddr;
use std::process::ExitStatus;

use tempfile::TempDir;

use super::desk::SETTLING;
use super::dialler::{CUSTOMERS, INTERACTIONS_EACH, customer};
use super::parameter;
use crate::harness::process::Process;
use crate::harness::{Kafka, Proxy, until_within};

pub struct Node {
    process: Process,
    /// Between its agents and itself.
    pub line: Proxy,
    kafka: Kafka,
    store: String,
    settings: Vec<(String, String)>,
    _folder: TempDir,
}

impl Node {
    /// Ready, and with the whole history.
    pub async fn start(kafka: &Kafka, settings: &[(&str, &str)]) -> Self {
        let node = Self::starting(kafka, settings).await;
        node.process.becomes_ready().await;
        for nth in 0..CUSTOMERS {
            node.keeps(nth, INTERACTIONS_EACH).await;
        }
        node
    }

    /// Waits until so many interactions of a customer are kept.
    pub async fn keeps(&self, nth: i64, interactions: i64) {
        until_within(SETTLING, "the node to keep the history", async || {
            let path = format!("/v1/journeys/{}", customer(nth));
            (self.process.get(&path).await.1["total"] == interactions).then_some(())
        })
        .await;
    }

    /// It listens, and has perhaps not read the calls yet.
    pub async fn starting(kafka: &Kafka, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = || format!("sqlite:{}", folder.path().join("journey.db").display());
        let store = kafka.database.clone().unwrap_or_else(file);
        let heartbeat = format!("{}s", parameter("FAULTS_HEARTBEAT_SECONDS", 1));
        let own = [("http.heartbeat", heartbeat.as_str()), ("journey.lookup_timeout", "5s"), ("drain.limit", "4s")];
        let all = own.into_iter().chain(settings.iter().copied());
        let settings: Vec<_> = all.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let process = serve(kafka, &store, &settings);
        let line = Proxy::to(process.address("http.listen").await.to_string()).await;
        Self { process, line, kafka: kafka.clone(), store, settings, _folder: folder }
    }

    /// At once, as by a power cut.
    pub fn is_killed(&mut self) {
        self.process.kill();
    }

    /// Told to end; it does so in order.
    pub async fn is_told_to_end(&mut self) -> ExitStatus {
        self.process.signal("TERM");
        self.process.ends().await
    }

    /// On the same store, behind the same line; ready.
    pub async fn starts_again(&mut self) {
        self.process = serve(&self.kafka, &self.store, &self.settings);
        self.line.lead_to(self.process.address("http.listen").await.to_string());
        self.process.becomes_ready().await;
    }

    pub fn stands_still(&self) {
        self.process.signal("STOP");
    }

    pub fn goes_on(&self) {
        self.process.signal("CONT");
    }

    /// Past its line.
    pub async fn address(&self) -> SocketAddr {
        self.process.address("http.listen").await
    }

    pub async fn metric(&self, name: &str, label: &str) -> f64 {
        self.process.metric(name, label).await
    }

    pub async fn becomes_ready(&self) {
        self.process.becomes_ready().await;
    }

    pub async fn is_ready(&self) -> bool {
        self.process.get("/readyz").await.0 == 200
    }
}

fn serve(kafka: &Kafka, store: &str, settings: &[(String, String)]) -> Process {
    let settings: Vec<_> = settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    Process::serve_with(kafka, store, &settings)
}
