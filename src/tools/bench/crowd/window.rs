//! One window of ordinary calls to ordinary agents: how long their pops take, and what the node takes for them.

use std::sync::Arc;

use hdrhistogram::Histogram;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Args;
use super::files::ordinary_numbers;
use super::site::cpu_us;
use crate::tools::bench::agents;
use crate::tools::bench::load::{Load, Plan};
use crate::tools::bench::nodes::node::Node;
use crate::tools::bench::push::collect;

/// Who get ordinary calls.
pub const AGENTS: u32 = 20;

pub struct Window {
    pub took: Histogram<u64>,
    pub without_timeline: u64,
    /// Pops that did not arrive, and calls that Kafka did not take.
    pub lost: u64,
    pub cpu_us_a_call: f64,
}

impl Window {
    /// Of a length; the first tenth is not counted.
    pub async fn of_length(node: &Node, args: &Args) -> anyhow::Result<Self> {
        Self::run(node, Plan::new(AGENTS, args.rate, args.window / 10, args.window, ordinary_numbers())).await
    }

    /// Each window has agents of its own: those of the one before would first be shown the calls that ended a moment ago.
    pub async fn run(node: &Node, mut plan: Plan) -> anyhow::Result<Self> {
        anyhow::ensure!(plan.calls > plan.warm, "no call falls into a window: raise --rate or --window");
        let first_agent = AGENTS * rand::random_range(0..u32::MAX / AGENTS);
        plan.first_agent = first_agent;
        let plan = Arc::new(plan);
        let agents = first_agent..first_agent + AGENTS;
        let seated = agents::connect_those(&[node.service.entrance()], agents, &[]).await?;
        let load = Arc::new(Load::open(&node.brokers, Arc::clone(&plan))?);
        let (sender, pops) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let reading = agents::read_all(seated, &plan, &sender, &stop);
        drop(sender);
        let before = cpu_us(node)?;
        let publishing = std::thread::Builder::new().name("bench-load".into()).spawn({
            let load = Arc::clone(&load);
            move || load.offer_all()
        })?;
        let tally = collect(&load, &plan, pops).await?;
        let took_us = cpu_us(node)? - before;
        load.stop();
        publishing.join().map_err(|_| anyhow::anyhow!("publishing ended early"))?;
        load.end_all(&tally);
        let unpublished = load.unpublished().await;
        stop.cancel();
        let broken = reading.await;
        anyhow::ensure!(broken == 0, "{broken} connections of ordinary agents broke");
        Ok(Self {
            without_timeline: tally.without_timeline,
            lost: tally.lost() + unpublished,
            cpu_us_a_call: took_us / plan.calls as f64,
            took: tally.took,
        })
    }

    pub fn ms(&self, quantile: f64) -> f64 {
        self.took.value_at_quantile(quantile) as f64 / 1000.0
    }
}
