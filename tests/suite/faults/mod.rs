//! What goes wrong in a contact centre, and what its agents see of it: the right calls, each once, and no ended one as open.
//!
//! Each test lets diallers and agents go on while something breaks, writes down every event and every frame (`history`), and
//! holds them against the promises once all has settled. It prints what it counted.
//!
//! CI runs each for a few seconds. Longer, with `make test-rust TESTS=faults::` and these variables:
//!
//! | variable | what it sets | default |
//! | --- | --- | --- |
//! | `FAULTS_ROUNDS` | how often a test breaks what it breaks | 1 |
//! | `FAULTS_SECONDS` | how long calls go on around each break | 2 |
//! | `FAULTS_HEARTBEAT_SECONDS` | `http.heartbeat` of the nodes | 1 |
//! | `FAULTS_PAUSE_SECONDS` | how long a node stands still and a line is broken: more than two heartbeats | 3 |
//! | `FAULTS_AGENTS` | agents that come back at once | 1000 |
//! | `FAULTS_CALLS_A_SECOND` | call events a second | 60 |

mod broker;
mod clocks;
mod crowd;
mod desk;
mod dialler;
mod lines;
mod node;
mod nodes;
mod own_broker;
mod records;
mod stores;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::harness::Kafka;
use crate::history::{History, Limits};
use desk::Office;
use dialler::{Clock, Dialler};
use node::Node;

fn parameter(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn rounds() -> u64 {
    parameter("FAULTS_ROUNDS", 1)
}

fn a_while() -> Duration {
    Duration::from_secs(parameter("FAULTS_SECONDS", 2))
}

/// Longer than it takes either side to notice that the other one is silent.
fn pause() -> Duration {
    Duration::from_secs(parameter("FAULTS_PAUSE_SECONDS", 3))
}

/// Nodes, agents and a dialler, and the record of what they do.
struct Scene {
    nodes: Vec<Node>,
    office: Office,
    dialler: Dialler,
}

impl Scene {
    /// With twelve agents, spread over so many nodes that know some history.
    async fn with_nodes(kafka: Kafka, nodes: usize) -> Self {
        Self::of(kafka, nodes, 12, &[]).await
    }

    async fn of(kafka: Kafka, nodes: usize, agents: usize, settings: &[(&str, &str)]) -> Self {
        dialler::publish_history(&kafka).await;
        let starting = (0..nodes).map(|_| Node::start(&kafka, settings));
        let nodes: Vec<Node> = futures_util::future::join_all(starting).await;
        Self::on(&kafka, nodes, agents).await
    }

    async fn on(kafka: &Kafka, nodes: Vec<Node>, agents: usize) -> Self {
        let lines = nodes.iter().map(|node| node.line.address).collect();
        Self::at(kafka, nodes, lines, agents).await
    }

    /// With agents who call the nodes at these addresses.
    async fn at(kafka: &Kafka, nodes: Vec<Node>, addresses: Vec<SocketAddr>, agents: usize) -> Self {
        let history = Arc::new(History::default());
        let agents: Vec<String> = (0..agents).map(|nth| format!("agent-{nth}")).collect();
        let office = Office::open(&agents, addresses, &history).await;
        let dialler = Dialler::of(kafka, agents, &history, Clock::Right);
        Self { nodes, office, dialler }
    }

    /// Calls for a while, and this beside them.
    async fn while_calls_go_on<T>(&mut self, fault: impl AsyncFnOnce(&mut [Node], &Office) -> T) -> T {
        let Self { nodes, office, dialler, .. } = self;
        let done = std::sync::atomic::AtomicBool::new(false);
        let calls = async {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                dialler.works(Duration::from_millis(200)).await;
            }
        };
        let fault = async {
            tokio::time::sleep(a_while() / 2).await;
            let result = fault(nodes, office).await;
            tokio::time::sleep(a_while() / 2).await;
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            result
        };
        tokio::join!(calls, fault).1
    }

    /// When all that was published is known to all who are to know it, nothing was lost, doubled or shown though it was over.
    async fn keeps_its_promises(mut self, test: &str) -> crate::history::Counted {
        self.dialler.finish().await;
        let verdict = self.office.settles(Limits::default()).await;
        let counted = verdict.holds(test).clone();
        assert!(counted.calls > 0 && counted.pops > 0, "{test}: nothing happened");
        counted
    }
}
