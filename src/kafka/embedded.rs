//! The in-process broker for trying out: librdkafka's own, speaking the real protocol on a real socket.

use std::sync::mpsc;
use std::thread::JoinHandle;

use anyhow::Context as _;
use rdkafka::mocking::MockCluster;

const PARTITIONS: i32 = 4;
/// What it cannot do, in one line.
pub const LIMITS: &str = "the embedded broker keeps records in memory only: it forgets them on exit, and the oldest beyond 5 MiB a partition";

/// Lives until dropped; stop everything that talks to it first, or it hangs.
pub struct EmbeddedBroker {
    address: String,
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl EmbeddedBroker {
    /// Starts it on a free port of 127.0.0.1, with these topics: it cannot be asked to make any later.
    pub fn start(topics: &[&str]) -> anyhow::Result<Self> {
        let topics: Vec<String> = topics.iter().map(|&topic| topic.to_owned()).collect();
        let (started, on_start) = mpsc::channel();
        let (stop, on_stop) = mpsc::channel::<()>();
        // The cluster is not `Send`: it lives and dies on a thread of its own.
        let thread = std::thread::Builder::new().name("embedded-broker".into()).spawn(move || {
            let cluster = match cluster_with(&topics) {
                Ok(cluster) => cluster,
                Err(error) => {
                    _ = started.send(Err(error));
                    return;
                }
            };
            if started.send(Ok(cluster.bootstrap_servers())).is_ok() {
                _ = on_stop.recv(); // until the handle is dropped
            }
        })?;
        let address = on_start.recv().context("the embedded broker did not start")??;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    pub fn address(&self) -> &str {
        &self.address
    }
}

fn cluster_with(topics: &[String]) -> anyhow::Result<MockCluster<'static, rdkafka::producer::DefaultProducerContext>> {
    let cluster = MockCluster::new(1).context("the embedded broker did not start")?;
    for topic in topics {
        cluster
            .create_topic(topic, PARTITIONS, 1)
            .with_context(|| format!("the embedded broker refused the topic {topic}"))?;
    }
    Ok(cluster)
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}
