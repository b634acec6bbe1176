//! `backstory bench`: measures a running service from outside, for sizing a deployment, and the store by itself.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Common;
use super::call::{rate, seconds};
use super::output::{note, say};
use super::progress::Progress;
use super::service::RunningService;
use crate::kafka::Brokers;

mod agents;
mod bare;
mod journey;
mod load;
mod numbers;
mod report;

use agents::Pop;
use load::{Load, Plan};
use report::{Report, Tally};

/// After the last call was published, for the last pops to be read.
const LAST_POPS_WAIT: Duration = Duration::from_secs(5);

/// Measure a running service, or the store by itself
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Push(PushArgs),
    Journey(journey::Args),
}

/// Time from publishing a call to its frame on an agent's WebSocket
#[derive(Debug, clap::Args)]
#[command(after_help = "\
How to size a deployment with it:

1. Load a history as large as yours (backstory import), and point --numbers at a file of your customers' numbers.

2. Run this on another machine than the service, with as many agents as one node will hold, and the calls a \
second of your busiest hour: agents × calls an hour ÷ 3600. Every call is published twice: offered, and ended \
once its pop was read.

3. Look at p99 and max. The line \"bare consumer\" is what Kafka and this machine take by themselves, measured \
in the same run; the difference is what the service adds: decide, look up, prepare, encode, push.

4. Raise agents or rate until p99 is no longer what you want; give a node half of that.

What is measured: a clock of this process is read right before a call is handed to the Kafka client, and again \
when its frame was read from the socket (or its record by the bare consumer). Calls of the warm-up are not \
counted. Agents are named bench-0, bench-1 …; afterwards all calls are ended. Every agent is an open file here \
and one in the service (ulimit -n). On the embedded broker the numbers mean nothing: it answers by a timer.

Exit code: 1 if a pop was lost or came twice, or a connection broke.")]
struct PushArgs {
    /// Connected agents, a WebSocket each
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    agents: u32,

    /// Calls offered a second, to agents at random
    #[arg(long, value_name = "R", default_value_t = 50.0, value_parser = rate)]
    rate: f64,

    /// Length of the measurement
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    seconds: Duration,

    /// Load before the measurement, not counted
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    warmup: Duration,

    /// Customers' numbers: JSON Lines with `address`, `addresses` or `to` (interactions, contacts or calls), taken at random
    /// [default: numbers that nobody has, +1 201 555 0100 and on]
    #[arg(long, value_name = "FILE")]
    numbers: Option<PathBuf>,

    /// Address of the service, such as http://127.0.0.1:8080 [default: http.listen of the settings]
    #[arg(long)]
    url: Option<String>,

    /// Print one JSON object instead; times in microseconds
    #[arg(long)]
    json: bool,
}

pub async fn run(common: &Common, args: Args) -> anyhow::Result<ExitCode> {
    match args.what {
        What::Push(args) => push(common, args).await,
        What::Journey(args) => journey::run(args).await,
    }
}

async fn push(common: &Common, args: PushArgs) -> anyhow::Result<ExitCode> {
    numbers::allow_open_files(u64::from(args.agents))?;
    let numbers = numbers::numbers(args.numbers.as_deref())?;
    let settings = common.settings_without_kafka()?;
    let service = RunningService::at(args.url.as_deref(), &settings)?;
    let info = service.info().await?;
    if info.embedded_broker {
        note("this service runs on the embedded broker, which answers by a timer: its times mean nothing");
    }
    let brokers = info.brokers(&settings);
    let plan = Plan::new(args.agents, args.rate, args.warmup, args.seconds, numbers);
    if plan.calls == plan.warm {
        bail!("no call falls into the measurement: raise --rate or --seconds");
    }
    let url = service.web_socket_url();
    let agents = agents::connect(&url, args.agents).await.context("not every agent could connect")?;
    note(&format!("{} agents connected to node {} (version {})", agents.len(), info.node, info.version));
    let outcome = measure(&brokers, plan, agents, info.embedded_broker).await?;
    let report = Report { agents: args.agents, rate: args.rate, seconds: args.seconds, outcome };
    say(&if args.json { report.json() } else { report.text() });
    Ok(if report.outcome.clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What one run found.
pub struct Outcome {
    pub tally: Tally,
    pub bare: hdrhistogram::Histogram<u64>,
    /// Records that Kafka did not take.
    pub unpublished: u64,
    pub connections_lost: u64,
}

impl Outcome {
    /// Two calls of one agent within a look-up's time may overtake each other: counted, and no fault.
    fn clean(&self) -> bool {
        let tally = &self.tally;
        tally.lost() + tally.doubled + self.unpublished + self.connections_lost == 0
    }
}

async fn measure(
    brokers: &Brokers,
    plan: Plan,
    agents: Vec<agents::Seated>,
    embedded: bool,
) -> anyhow::Result<Outcome> {
    let plan = Arc::new(plan);
    let bare = bare::start(brokers, Arc::clone(&plan), embedded).await.context("the bare consumer did not start")?;
    let load = Arc::new(Load::open(brokers, Arc::clone(&plan))?);
    let (sender, pops) = mpsc::unbounded_channel();
    let stop = CancellationToken::new();
    let reading = agents::read_all(agents, &plan, &sender, &stop);
    drop(sender);
    let publishing = std::thread::Builder::new().name("bench-load".into()).spawn({
        let load = Arc::clone(&load);
        move || load.offer_all()
    })?;
    let tally = collect(&load, &plan, pops).await?;
    load.stop();
    publishing.join().map_err(|_| anyhow::anyhow!("publishing ended early"))?;
    load.end_all(&tally);
    let unpublished = load.unpublished().await;
    stop.cancel();
    let connections_lost = reading.await;
    let bare = bare.finish().await?;
    Ok(Outcome { tally, bare, unpublished, connections_lost })
}

/// Reads pops until all are there, or none can be expected any more.
async fn collect(load: &Load, plan: &Plan, mut pops: mpsc::UnboundedReceiver<Pop>) -> anyhow::Result<Tally> {
    let mut tally = Tally::new(plan)?;
    let mut progress = Progress::of_things(plan.calls, "pops");
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    let mut all_published_at = None;
    loop {
        tokio::select! {
            pop = pops.recv() => {
                let Some(pop) = pop else { break };
                if tally.add(plan, &pop) {
                    load.end(pop.call);
                }
            }
            _ = tick.tick() => {
                progress.at(plan.published.load(Ordering::Relaxed), tally.read);
                if plan.published.load(Ordering::Relaxed) >= plan.calls {
                    let since = *all_published_at.get_or_insert_with(Instant::now);
                    if tally.complete() || since.elapsed() > LAST_POPS_WAIT {
                        break;
                    }
                }
            }
        }
    }
    progress.finish();
    Ok(tally)
}
