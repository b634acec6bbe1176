//! Calls of the number that many contacts share: one after the other, each at an agent who is connected.

use std::time::Duration;

use chrono::{SecondsFormat, Utc};
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::files::SHARED;
use super::pressure::{Pressing, Seen};
use crate::tools::agent::{AgentSocket, Heard, Who};
use crate::tools::bench::nodes::node::Node;
use crate::tools::publish::Publisher;
use crate::tools::trust::Entrance;

const AGENTS: u32 = 4;
/// Five calls a second: before work was bounded, one of them took all cores for seconds.
const RINGS_EVERY: Duration = Duration::from_millis(200);

pub async fn begin(node: &Node, pressing: &mut Pressing) -> anyhow::Result<()> {
    let run = format!("bench-crowd-{:08x}", rand::random::<u32>());
    for agent in 0..AGENTS {
        let name = agent_name(&run, agent);
        let socket = enter(&node.service.entrance(), &name).await?;
        pressing.tasks.spawn(read(socket, pressing.stop.clone()));
    }
    let publisher = Publisher::open(&node.brokers, &node.brokers.topics().calls)?;
    pressing.tasks.spawn(ring(publisher, run, pressing.stop.clone()));
    Ok(())
}

/// Of this run alone: others would first be shown the calls that ended a moment ago.
fn agent_name(run: &str, agent: u32) -> String {
    format!("{run}-agent-{agent}")
}

/// Waits until the agent is welcomed.
pub async fn enter(entrance: &Entrance, agent: &str) -> anyhow::Result<AgentSocket> {
    let who = Who { agent: Some(agent), token: None, time_zone: None };
    let mut socket = AgentSocket::connect(entrance, who, &[]).await?;
    match socket.next().await {
        Heard::Frame(_) => Ok(socket),
        Heard::Closed { code, reason } => anyhow::bail!("{agent}: closed ({code}): {reason}"),
    }
}

pub fn event(call_id: &str, agent: &str, number: &str, state: &str) -> Vec<u8> {
    let at = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
    let event = json!({
        "callId": call_id, "state": state, "agentId": agent, "direction": "outbound",
        "from": "+12125550100", "to": number, "at": at,
    });
    event.to_string().into_bytes()
}

/// Each call ends when the next one of its agent is offered; the last ones at the end.
async fn ring(mut publisher: Publisher, run: String, stop: CancellationToken) -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    let call_id = |call: u32| format!("{run}-{call}");
    let mut every = interval(RINGS_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut call = 0;
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = every.tick() => {}
        }
        let agent = agent_name(&run, call % AGENTS);
        if let Some(before) = call.checked_sub(AGENTS) {
            publisher.publish(Some(&agent), &event(&call_id(before), &agent, SHARED, "ended")).await?;
        }
        publisher.publish(Some(&agent), &event(&call_id(call), &agent, SHARED, "offered")).await?;
        call += 1;
    }
    for open in call.saturating_sub(AGENTS)..call {
        let agent = agent_name(&run, open % AGENTS);
        publisher.publish(Some(&agent), &event(&call_id(open), &agent, SHARED, "ended")).await?;
    }
    publisher.finish().await?;
    seen.count("calls", call.into());
    Ok(seen)
}

/// As the element does: every frame is acknowledged.
async fn read(mut socket: AgentSocket, stop: CancellationToken) -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    loop {
        let heard = tokio::select! {
            () = stop.cancelled() => break,
            heard = socket.next() => heard,
        };
        let Heard::Frame(frame) = heard else {
            seen.count("sessions closed", 1);
            return Ok(seen);
        };
        if frame.head.r#type == "pop" && !frame.is_repeated {
            seen.count(if frame.head.missing.is_some() { "pops without timeline" } else { "pops with timeline" }, 1);
        }
        if matches!(frame.head.r#type.as_str(), "pop" | "update") {
            let read_at = Instant::now();
            // A connection that breaks here is noticed by the next read.
            _ = socket.acknowledge(&frame.head, "received", Duration::ZERO).await;
            _ = socket.acknowledge(&frame.head, "rendered", read_at.elapsed()).await;
        }
    }
    socket.close().await;
    Ok(seen)
}
