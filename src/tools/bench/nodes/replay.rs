//! How long a node that starts reads the calls of its replay window.

use std::time::Duration;

use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::json;

use super::files::LONG_NUMBER;
use super::node::{Node, Site};
use crate::tools::output::{note, thousands};
use crate::tools::progress::Progress;
use crate::tools::publish::Publisher;

/// As many calls are one agent's.
const AGENTS: u32 = 10_000;
/// Of each call, one after the other.
const STATES: [&str; 3] = ["offered", "connected", "ended"];
const PROGRESS_EVERY: u32 = 10_000;

/// The events are those of the last half hour.
pub async fn start_to_ready(site: &Site<'_>, events: u32) -> anyhow::Result<Duration> {
    let topic = site.topics.add("calls-replay").await?;
    let (brokers, _) = crate::kafka::Brokers::open(&site.settings.kafka)?;
    note(&format!("publishing {} events to be read at a start", thousands(events.into())));
    let mut publisher = Publisher::open_for_many(&brokers, &topic)?;
    let mut progress = Progress::of_things(events.into(), "events");
    let begin = Utc::now() - TimeDelta::minutes(30);
    for nth in 0..events {
        let (call, state) = (nth / STATES.len() as u32, STATES[nth as usize % STATES.len()]);
        let agent_id = format!("bench-{}", call % AGENTS);
        let at = begin + TimeDelta::milliseconds(i64::from(nth) * 1_700_000 / i64::from(events));
        let event = json!({
            "callId": format!("replayed-{call}"), "state": state, "agentId": agent_id, "direction": "outbound",
            "from": "+12125550100", "to": LONG_NUMBER, "at": at.to_rfc3339_opts(SecondsFormat::Millis, true),
        });
        publisher.publish(Some(&agent_id), event.to_string().as_bytes()).await?;
        if nth % PROGRESS_EVERY == 0 {
            progress.at(nth.into(), nth.into());
        }
    }
    publisher.finish().await?;
    progress.finish();
    Ok(Node::start_on(site, &topic, "replay").await?.ready_after)
}
