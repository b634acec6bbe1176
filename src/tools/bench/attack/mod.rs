//! `backstory bench attack`: what good agents notice while strangers knock: quiet and attacked windows by turns, in one run.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::json;

use super::load::Plan;
use super::push::{Outcome, measure};
use super::server::Servers;
use super::{agents, numbers, report};
use crate::tools::Common;
use crate::tools::call::{rate, seconds};
use crate::tools::output::{note, say};
use crate::tools::service::RunningService;

pub mod strangers;
mod told;
mod windows;

use strangers::Strangers;
use told::Told;
use windows::Windows;

/// What strangers may add to the p99 of good agents' pops.
const RATIO_MAX: f64 = 1.1;

/// What agents notice of 500 bad connections a second: pops with and without them, by turns, in one run
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Needs a running service on a real Kafka, as `bench push` does, and with it agents and calls as that makes them. In every second \
window a process of its own opens --bad connections a second to the same address, a fifth of each kind: those that say nothing, half \
a request header, bytes that are no HTTP, a WebSocket whose first frame names nobody, and the beginning of a TLS handshake that is \
none. In the quiet windows it has closed them all. Windows come as quiet, attacked, attacked, quiet, so that what \
changes steadily meanwhile is in both; the first fifth of each is not counted.

The strangers come from this machine's address, as the agents do. With its own limits the service turns most of them away by \
http.handshakes_per_second_per_address_max; raise that (and http.connections_per_address_max) to see what serving every one costs.

Run it on another machine than the service: on the same, what the strangers do themselves is measured, too, though their process \
has the lowest priority. Of a p99 only one pop in a hundred tells: take long runs, or several.

Exit code: 1 if the p99 with strangers is more than a tenth above that without, a pop was lost or came twice, or a connection broke.")]
pub struct Args {
    /// Connected good agents
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    agents: u32,

    /// Calls offered a second, to agents at random
    #[arg(long, value_name = "R", default_value_t = 200.0, value_parser = rate)]
    rate: f64,

    /// Bad connections a second
    #[arg(long, value_name = "R", default_value_t = 500.0, value_parser = rate)]
    bad: f64,

    /// Length of a window
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    window: Duration,

    /// How many windows, half of them quiet
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u32).range(4..=1000))]
    windows: u32,

    /// Address of the service, such as http://127.0.0.1:8080 [default: http.listen of the settings]
    #[arg(long)]
    url: Option<String>,

    /// Print one JSON object instead; times in microseconds
    #[arg(long)]
    json: bool,
}

pub async fn run(common: &Common, args: Args) -> anyhow::Result<ExitCode> {
    numbers::allow_open_files(u64::from(args.agents))?;
    let settings = common.settings_without_kafka()?;
    let service = RunningService::at(args.url.as_deref(), &settings, &common.trust)?;
    let info = service.info().await?;
    if info.embedded_broker {
        bail!("this service runs on the embedded broker, which answers by a timer: nothing can be measured on it");
    }
    let warmup = args.window;
    let plan = Plan::new(args.agents, args.rate, warmup, args.window * args.windows, numbers::numbers(None)?);
    let windows = Windows::of(&plan, args.windows);
    if windows.each == 0 {
        bail!("no call falls into a window: raise --rate or --window");
    }
    let seated =
        agents::connect(&[service.entrance()], args.agents, &[]).await.context("not every agent could connect")?;
    note(&format!("{} agents connected to node {} (version {})", args.agents, info.node, info.version));
    let plan = Arc::new(plan);
    let strangers = Strangers::start(common, &service, args.bad)?;
    let (brokers, servers) = (info.brokers(&settings), Servers::of(Vec::new()));
    let measuring = measure(&brokers, Arc::clone(&plan), seated, false, &servers);
    let (outcome, came) = tokio::try_join!(measuring, windows.rule(&plan, strangers))?;
    let told = tell(&args, &outcome, &windows, came)?;
    say(&if args.json { told.json() } else { told.text() });
    Ok(if told.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(args: &Args, outcome: &Outcome, windows: &Windows, came: strangers::Came) -> anyhow::Result<Told> {
    let (mut quiet, mut attacked) = (report::histogram()?, report::histogram()?);
    for (call, took_us) in outcome.tally.each() {
        match windows.counts_as(call) {
            Some(windows::Kind::Quiet) => quiet.saturating_record(took_us),
            Some(windows::Kind::Attacked) => attacked.saturating_record(took_us),
            None => {}
        }
    }
    let wrong = json!({
        "lost": outcome.tally.lost(), "doubled": outcome.tally.doubled,
        "unpublished": outcome.unpublished, "connectionsLost": outcome.connections_lost,
    });
    Ok(Told {
        agents: args.agents,
        rate: args.rate,
        bad: args.bad,
        quiet,
        attacked,
        clean: outcome.clean(),
        wrong,
        came,
    })
}
