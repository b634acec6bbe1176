//! Records whose labels are as long as a record may be, and a call of the customer they are about.

use std::time::Duration;

use anyhow::bail;
use tokio::time::{sleep, timeout};

use super::files::{LABELLED, labelled};
use super::pressure::{Pressing, Seen};
use super::ringing::{enter, event};
use crate::tools::agent::Heard;
use crate::tools::bench::nodes::node::Node;
use crate::tools::publish::Publisher;

const LABEL_BYTES: usize = 900_000;
/// Of records that are on their way: the embedded broker keeps 5 MiB a partition.
const AT_ONCE: u32 = 4;
const BETWEEN: Duration = Duration::from_millis(50);
/// Until the last record is stored.
const STORED_AFTER: Duration = Duration::from_secs(3);
const POP_WAIT: Duration = Duration::from_secs(60);
const AGENT: &str = "bench-labels";

pub fn begin(node: &Node, records: u32, pressing: &mut Pressing) -> anyhow::Result<()> {
    let brokers = node.brokers.clone();
    let entrance = node.service.entrance();
    let mut interactions = Publisher::open(&brokers, &brokers.topics().interactions)?;
    let mut calls = Publisher::open(&brokers, &brokers.topics().calls)?;
    pressing.tasks.spawn(async move {
        let mut seen = Seen::default();
        for nth in 0..records {
            let record = labelled(nth, LABEL_BYTES).to_string();
            interactions.publish(Some(&format!("labelled-{nth}")), record.as_bytes()).await?;
            if nth % AT_ONCE == AT_ONCE - 1 {
                interactions.finish().await?;
                sleep(BETWEEN).await;
            }
        }
        seen.count("records", interactions.finish().await?);
        sleep(STORED_AFTER).await;
        let mut socket = enter(&entrance, AGENT).await?;
        let call_id = format!("bench-labels-{:08x}", rand::random::<u32>());
        calls.publish_and_wait(AGENT, &event(&call_id, AGENT, LABELLED, "offered")).await?;
        let pop = timeout(POP_WAIT, async {
            loop {
                match socket.next().await {
                    Heard::Frame(frame) if frame.head.r#type == "pop" => return Ok(frame),
                    Heard::Frame(_) => {}
                    Heard::Closed { code, reason } => bail!("{AGENT}: closed ({code}): {reason}"),
                }
            }
        });
        let pop = pop.await??;
        seen.count(if pop.head.missing.is_some() { "pops without timeline" } else { "pops with timeline" }, 1);
        seen.count("bytes of the pop", pop.text.len() as u64);
        calls.publish_and_wait(AGENT, &event(&call_id, AGENT, LABELLED, "ended")).await?;
        socket.close().await;
        Ok(seen)
    });
    Ok(())
}
