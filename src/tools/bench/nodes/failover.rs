//! A node dies, and its agents come back to another one: how long the last of them is without its call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use chrono::{SecondsFormat, Utc};
use serde_json::json;
use tokio::sync::{Barrier, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::files::LONG_NUMBER;
use super::node::{Node, Site};
use crate::tools::agent::Heard;
use crate::tools::bench::agents::{self, Seated};
use crate::tools::output::{note, thousands};
use crate::tools::publish::Publisher;
use crate::tools::trust::Entrance;

/// As the element waits: doubling, with the upper half left to chance.
const BACKOFF_FIRST_MS: u64 = 500;
const BACKOFF_MAX_MS: u64 = 15_000;
/// Whoever has no call by then has lost it.
const LIMIT: Duration = Duration::from_secs(120);

pub async fn last_call_again(site: &Site<'_>, agents: u32) -> anyhow::Result<Duration> {
    let mut dying = Node::start(site, "failover", "dying").await?;
    let other = Node::start_on(site, &dying.brokers.topics().calls, "journey").await?;
    let seated = agents::connect(&[dying.service.entrance()], agents, &[]).await?;
    note(&format!("{} agents lose their node", thousands(agents.into())));
    let (entrance, all_have_theirs) = (other.service.entrance(), Arc::new(Barrier::new(seated.len() + 1)));
    let (sender, mut again) = mpsc::unbounded_channel();
    let mut working = JoinSet::new();
    for seated in seated {
        let agent = seated.agent;
        let (entrance, sender, all) = (entrance.clone(), sender.clone(), Arc::clone(&all_have_theirs));
        working.spawn(async move {
            let first = has_its_call(seated).await;
            all.wait().await;
            // The barrier is passed before the node dies; reading on tells when it has.
            if let Some(mut seated) = first {
                while let Heard::Frame(_) = seated.socket.next().await {}
            }
            comes_back(&entrance, agent).await;
            _ = sender.send(Instant::now());
        });
    }
    drop(sender);
    offer_one_each(&dying, agents).await?;
    timeout(LIMIT, all_have_theirs.wait()).await.context("not every agent was shown its call")?;
    let died = Instant::now();
    dying.kill()?;
    let mut last = Duration::ZERO;
    let mut back = 0;
    while let Ok(Some(at)) = timeout(LIMIT.saturating_sub(died.elapsed()), again.recv()).await {
        last = last.max(at.saturating_duration_since(died));
        back += 1;
    }
    ensure!(back == agents, "only {back} of {agents} agents had their calls again within {} s", LIMIT.as_secs());
    Ok(last)
}

async fn offer_one_each(node: &Node, agents: u32) -> anyhow::Result<()> {
    let mut publisher = Publisher::open_for_many(&node.brokers, &node.brokers.topics().calls)?;
    for nth in 0..agents {
        let agent_id = format!("bench-{nth}");
        let event = json!({
            "callId": format!("open-{nth}"), "state": "offered", "agentId": agent_id, "direction": "outbound",
            "from": "+12125550100", "to": LONG_NUMBER, "at": Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
        });
        publisher.publish(Some(&agent_id), event.to_string().as_bytes()).await?;
    }
    publisher.finish().await?;
    Ok(())
}

/// Reads to its pop; `None` where the line broke before.
async fn has_its_call(mut seated: Seated) -> Option<Seated> {
    loop {
        let Heard::Frame(frame) = seated.socket.next().await else { return None };
        if frame.head.r#type == "pop" {
            // A line that breaks here is noticed by the next read.
            _ = seated.socket.acknowledge(&frame.head, "received", Duration::ZERO).await;
            _ = seated.socket.acknowledge(&frame.head, "rendered", frame.at.elapsed()).await;
            return Some(seated);
        }
    }
}

/// As after a reload, with nothing on the screen.
async fn comes_back(entrance: &Entrance, agent: u32) {
    for attempt in 0.. {
        let ceiling = BACKOFF_MAX_MS.min(BACKOFF_FIRST_MS << u32::min(attempt, 10));
        tokio::time::sleep(Duration::from_millis(rand::random_range(ceiling / 2..=ceiling))).await;
        if let Ok(seated) = agents::seat(entrance, agent, None).await
            && has_its_call(seated).await.is_some()
        {
            return;
        }
    }
}
