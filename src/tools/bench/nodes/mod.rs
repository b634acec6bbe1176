//! `backstory bench nodes`: the budgets of the way from Kafka to the agent, measured on nodes that are started for it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{anyhow, bail};
use chrono::Utc;

use super::agents;
use super::journey::history::{self, INTERACTIONS_EACH};
use super::journey::machine::Machine;
use super::journey::report::{Budget, Measured, Report};
use super::journey::{Folder, processes};
use super::load::Plan;
use super::numbers;
use super::push::{Outcome, measure};
use super::report::bars;
use super::server::{Servers, Taken};
use crate::config::EMBEDDED;
use crate::kafka::Brokers;
use crate::tools::Common;
use crate::tools::call::{rate, seconds};
use crate::tools::output::{note, say, thousands};

mod failover;
pub(super) mod files;
pub(super) mod node;
mod replay;
pub(super) mod topics;

use node::{Node, Site};
use topics::Topics;

/// Of each agent, in a node that has no time to wait.
const CALLS_AT_ONCE: u64 = 3;
/// Calls a second, where how long they take is not measured.
const UNMEASURED_RATE: f64 = 1000.0;

/// Latency, CPU time, memory, start and failover of nodes that it starts itself, beside their budgets
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Needs Kafka (kafka.brokers of the settings, not the embedded one) and the right to make topics: its own, with random names, \
removed at the end. All else of the settings holds for the nodes that it starts, too.

1. A history is made up and imported into a SQLite file. A node on it gets --sessions that do nothing, then one call each whose \
timeline has about 20 KB: memory a session.
2. --events are published, and a node is started: time until it is ready.
3. A node that holds --failover agents, each on a call, is killed; they come back to another one as the element does, with half \
of each pause left to chance: time until the last of them has its call again.
4. Calls come at --rate to --agents of a node while a bare consumer reads the same topic: time from publishing to the frame, and CPU \
time of the node a call. Then three calls an agent come as fast as Kafka takes them: CPU time a call of a node that has no time to \
wait for the next one. This comes last, on brokers that have run for a while.

Give it a machine of its own, with Kafka on it or near: the differences to the bare consumer are what counts. The history and the \
store lie in --dir (about 1 GB for 1,000,000 interactions), and are removed at the end. Every agent is an open file here and one \
in the node (ulimit -n). To measure a service that runs already: backstory bench push.

Exit code: 1 if a budget is missed, or a pop was lost or came twice.")]
pub struct Args {
    /// Connected agents while latency is measured
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    agents: u32,

    /// Calls offered a second, to agents at random
    #[arg(long, value_name = "R", default_value_t = 1000.0, value_parser = rate)]
    rate: f64,

    /// Length of the measurement of latency, after a sixth of it as a warm-up
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    seconds: Duration,

    /// Interactions in the store
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(20..=100_000_000))]
    interactions: u32,

    /// Sessions while memory is measured
    #[arg(long, value_name = "N", default_value_t = 15_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    sessions: u32,

    /// Events in the replay window of a node that starts
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    events: u32,

    /// Agents of the node that dies
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    failover: u32,

    /// Folder in which everything is made
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    dir: PathBuf,

    /// Print one JSON object instead
    #[arg(long)]
    json: bool,
}

pub async fn run(common: &Common, args: Args) -> anyhow::Result<ExitCode> {
    numbers::allow_open_files(u64::from(args.agents.max(args.sessions).max(args.failover)))?;
    let settings = common.settings()?;
    if settings.kafka.brokers.as_deref() == Some(EMBEDDED) {
        bail!("the embedded broker answers by a timer: name a Kafka in kafka.brokers");
    }
    let (brokers, _) = Brokers::open(&settings.kafka)?;
    let folder = Folder::inside(&args.dir)?;
    let topics = Topics::make(&brokers, "nodes").await?;
    let site = Site { common, settings: &settings, topics: &topics, folder: &folder.0 };
    let report = tokio::select! {
        report = measure_all(&args, &site) => report,
        // Topics and folder go with the measurement.
        _ = tokio::signal::ctrl_c() => Err(anyhow!("stopped before the end")),
    };
    topics.remove().await?;
    let (report, clean) = report?;
    say(&if args.json { report.json() } else { report.text() });
    Ok(if report.all_hold() && clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The report, and whether no pop was lost or came twice.
async fn measure_all(args: &Args, site: &Site<'_>) -> anyhow::Result<(Report, bool)> {
    let customers = (args.interactions / INTERACTIONS_EACH).max(1);
    note(&format!("importing a history of {} interactions", thousands(u64::from(customers * INTERACTIONS_EACH))));
    for file in files::history(site.folder, customers, Utc::now())? {
        processes::import(&file, &site.store("journey")).await?;
    }
    let mut report = Report { machine: Machine::of(site.folder), measured: Vec::new(), notes: Vec::new() };
    let memory = memory(args, site).await?;
    let ready = replay::start_to_ready(site, args.events).await?;
    let again = failover::last_call_again(site, args.failover).await?;
    // Last: until brokers have run for a while, compiling their own code takes them longer than calls do.
    let (latency, surge) = calls(args, site, customers).await?;
    let clean = latency.clean() && surge.clean() && memory.clean();
    report.notes.push(format!("{} calls a second:\n{}", args.rate, bars(&latency.tally.took, &latency.bare)));
    for (what, outcome) in [("latency", &latency), ("at once", &surge), ("memory", &memory.outcome)] {
        let (lost, doubled) = (outcome.tally.lost(), outcome.tally.doubled);
        let bytes = thousands(outcome.tally.pop_bytes());
        report.notes.push(format!("{what}: {lost} pops lost, {doubled} doubled; {bytes} bytes each"));
    }
    rows_of_latency(args, &latency, &mut report.measured);
    report.measured.extend(cpu_a_call(format!("calls at {} a second", args.rate), &latency));
    report.measured.extend(cpu_a_call(format!("{} calls at once", thousands(surge.calls)), &surge));
    memory.rows(args, &mut report.measured);
    let within_five = |what, took: Duration| {
        let (unit, budget) = ("s", Budget::AtMost(5.0));
        Measured { what, unit, budget, value: took.as_secs_f64() }
    };
    let events = thousands(args.events.into());
    report.measured.push(within_five(format!("start to ready with {events} events in the replay window"), ready));
    let agents = thousands(args.failover.into());
    report.measured.push(within_five(format!("a node dies: the last of {agents} agents has its call again"), again));
    Ok((report, clean))
}

/// At a steady rate, and at once.
async fn calls(args: &Args, site: &Site<'_>, customers: u32) -> anyhow::Result<(Outcome, Outcome)> {
    let node = Node::start(site, "latency", "journey").await?;
    let called: Vec<String> = (0..customers).map(history::number).collect();
    let run = async |plan: Plan| {
        let agents = agents::connect(&[node.service.entrance()], args.agents, &[]).await?;
        note(&format!("{} calls to {} agents", thousands(plan.calls), thousands(args.agents.into())));
        measure(&node.brokers, Arc::new(plan), agents, false, &node.servers).await
    };
    let steady = run(Plan::new(args.agents, args.rate, args.seconds / 6, args.seconds, called.clone())).await?;
    let surge = run(Plan::at_once(args.agents, CALLS_AT_ONCE * u64::from(args.agents), called)).await?;
    Ok((steady, surge))
}

fn rows_of_latency(args: &Args, outcome: &Outcome, rows: &mut Vec<Measured>) {
    let ms = |took: &hdrhistogram::Histogram<u64>, quantile| took.value_at_quantile(quantile) as f64 / 1000.0;
    let (pop, bare) = (&outcome.tally.took, &outcome.bare);
    let stored = thousands(args.interactions.into());
    rows.push(Measured {
        what: format!(
            "pop above a bare consumer; {} calls a second, {} sessions, {stored} stored: p50",
            args.rate,
            thousands(args.agents.into())
        ),
        unit: "ms",
        budget: Budget::AtMost(0.3),
        value: ms(pop, 0.5) - ms(bare, 0.5),
    });
    rows.push(Measured {
        what: format!("the same: p99, beside twice the bare consumer's {:.2} ms and 1 ms", ms(bare, 0.99)),
        unit: "ms",
        budget: Budget::AtMost(2.0 * ms(bare, 0.99) + 1.0),
        value: ms(pop, 0.99),
    });
}

fn cpu_a_call(of: String, outcome: &Outcome) -> Option<Measured> {
    let [before, after] = outcome.server?;
    Some(Measured {
        what: format!("CPU time of the node, a call; {of}"),
        unit: "µs",
        budget: Budget::AtMost(50.0),
        value: (after.cpu_seconds - before.cpu_seconds) * 1e6 / outcome.calls.max(1) as f64,
    })
}

/// What sessions cost a node that has nothing else to do.
struct Memory {
    before: Taken,
    idle: Taken,
    outcome: Outcome,
}

async fn memory(args: &Args, site: &Site<'_>) -> anyhow::Result<Memory> {
    let node = Node::start(site, "memory", "journey").await?;
    // The first look-up and the first session take what all others share.
    node.warm_up().await?;
    let taken = async |servers: &Servers| {
        servers
            .used_at_rest()
            .await?
            .ok_or_else(|| anyhow!("this system does not tell a process's memory as Linux does"))
    };
    let before = taken(&node.servers).await?;
    let agents = agents::connect(&[node.service.entrance()], args.sessions, &[]).await?;
    let idle = taken(&node.servers).await?;
    note(&format!("a call for each of {} sessions", thousands(args.sessions.into())));
    let plan = Plan::one_each(args.sessions, UNMEASURED_RATE, files::LONG_NUMBER.to_owned());
    let outcome = measure(&node.brokers, Arc::new(plan), agents, false, &node.servers).await?;
    Ok(Memory { before, idle, outcome })
}

impl Memory {
    fn clean(&self) -> bool {
        self.outcome.clean()
    }

    fn rows(&self, args: &Args, rows: &mut Vec<Measured>) {
        let each = |taken: Taken| {
            (taken.resident_bytes - self.before.resident_bytes).max(0.0) / f64::from(args.sessions) / 1024.0
        };
        rows.push(Measured {
            what: format!("memory of the node, an idle session of {}", thousands(args.sessions.into())),
            unit: "KiB",
            budget: Budget::AtMost(6.0),
            value: each(self.idle),
        });
        if let Some([_, after]) = self.outcome.server {
            rows.push(Measured {
                what: format!("the same after a pop of {} bytes each", thousands(self.outcome.tally.pop_bytes())),
                unit: "KiB",
                budget: Budget::AtMost(8.0),
                value: each(after),
            });
        }
    }
}
