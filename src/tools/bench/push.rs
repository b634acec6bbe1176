//! `backstory bench push`: calls through running nodes, from Kafka to the agents' sockets, beside a bare consumer of the same topic.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::agents::{self, Pop};
use super::load::{Load, Plan};
use super::report::{Report, Tally};
use super::server::{Servers, Taken, Used};
use super::{bare, numbers};
use crate::config::Settings;
use crate::kafka::Brokers;
use crate::tools::Common;
use crate::tools::call::{rate, seconds};
use crate::tools::output::{note, say};
use crate::tools::progress::Progress;
use crate::tools::service::{Info, RunningService, TokenFile};
use crate::tools::trust::{Entrance, Trust};

/// After the last call was published, for another pop to be read.
const LAST_POPS_WAIT: Duration = Duration::from_secs(5);

/// Time from publishing a call to its frame on an agent's WebSocket
#[derive(Debug, clap::Args)]
#[command(after_help = "\
How to size a deployment with it:

1. Load a history as large as yours (backstory import), and point --numbers at a file of your customers' numbers. The \
payload of a pop is its customer's timeline: no other size says anything about yours.

2. Run this on another machine than the service, with as many agents as one node will hold, and the calls a \
second of your busiest hour: agents × calls an hour ÷ 3600. Every call is published twice: offered, and ended \
once its pop was read. For several nodes name each with --url: agents are spread over them.

3. Look at p99 and max. The line \"bare consumer\" is what Kafka and this machine take by themselves, measured \
in the same run; the difference is what the service adds: decide, look up, prepare, encode, push.

4. With --admin, the nodes are asked what they took: memory a session, once all agents were connected (idle) and at the end, \
and CPU time a call (for the node that pushes it, and all others that hear it). CPU a call × calls a second is how much \
of a core the calls take; memory a session × agents, on top of what a node takes by itself, how much memory.

5. Raise agents or rate until p99 is no longer what you want; give a node half of that.

What is measured: a clock of this process is read right before a call is handed to the Kafka client, and again \
when its frame was read from the socket (or its record by the bare consumer). Calls of the warm-up are not \
counted. Agents are named bench-0, bench-1 …; afterwards all calls are ended. Every agent is an open file here \
and one in the service (ulimit -n). Where the service asks for tokens, --token-file names a file with one a line: the first is \
bench-0's, the second bench-1's, and so on. On the embedded broker the numbers mean nothing: it answers by a timer. \
What a browser takes to render is not measured here: its acknowledgements are in the service's own metric \
backstory_pop_acknowledged_seconds.

Exit code: 1 if a pop was lost or came twice, or a connection broke.")]
pub struct Args {
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

    /// Address of the service, such as http://127.0.0.1:8080; several for several nodes [default: http.listen of the settings]
    #[arg(long)]
    url: Vec<String>,

    /// Admin address of the service, such as http://127.0.0.1:8081; one for each --url [default: http.admin_listen of the
    /// settings, where no --url is given]
    #[arg(long, value_name = "URL")]
    admin: Vec<String>,

    #[command(flatten)]
    token: TokenFile,

    /// Print one JSON object instead; times in microseconds
    #[arg(long)]
    json: bool,
}

pub async fn run(common: &Common, args: Args) -> anyhow::Result<ExitCode> {
    numbers::allow_open_files(u64::from(args.agents))?;
    let numbers = numbers::numbers(args.numbers.as_deref())?;
    let settings = common.settings_without_kafka()?;
    let (nodes, servers) = places(&args, &settings, &common.trust)?;
    let tokens = args.token.tokens()?.unwrap_or_default();
    ensure!(
        tokens.is_empty() || tokens.len() >= args.agents as usize,
        "--token-file holds {} tokens for {} agents: one a line is needed, of bench-0, bench-1 …",
        tokens.len(),
        args.agents
    );
    let infos = ask_all(&nodes).await?;
    if infos[0].embedded_broker {
        note("this service runs on the embedded broker, which answers by a timer: its times mean nothing");
    }
    let plan = Plan::new(args.agents, args.rate, args.warmup, args.seconds, numbers);
    if plan.calls == plan.warm {
        bail!("no call falls into the measurement: raise --rate or --seconds");
    }
    let before = servers.used().await?;
    let entrances: Vec<Entrance> = nodes.iter().map(RunningService::entrance).collect();
    let agents = agents::connect(&entrances, args.agents, &tokens).await.context("not every agent could connect")?;
    for info in &infos {
        note(&format!("agents connected to node {} (version {})", info.node, info.version));
    }
    let idle = servers.used_at_rest().await?;
    let calls = plan.calls;
    let outcome =
        measure(&infos[0].brokers(&settings), Arc::new(plan), agents, infos[0].embedded_broker, &servers).await?;
    let taken = Used::of(before, idle, &outcome, u64::from(args.agents), calls);
    let report = Report { agents: args.agents, rate: args.rate, seconds: args.seconds, outcome, taken };
    say(&if args.json { report.json() } else { report.text() });
    Ok(if report.outcome.clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where agents connect, and where the same nodes say what they take.
fn places(args: &Args, settings: &Settings, trust: &Trust) -> anyhow::Result<(Vec<RunningService>, Servers)> {
    if args.url.is_empty() && args.admin.is_empty() {
        let nodes = vec![RunningService::at(None, settings, trust)?.with(&args.token)];
        return Ok((nodes, Servers::of(vec![RunningService::admin_of(settings, trust)?])));
    }
    ensure!(
        args.admin.is_empty() || args.admin.len() == args.url.len().max(1),
        "--admin is given {} times for {} nodes: memory and CPU time are those of all nodes, or none",
        args.admin.len(),
        args.url.len().max(1)
    );
    let at = |url: &String| Ok(RunningService::at(Some(url), settings, trust)?.with(&args.token));
    let nodes: Vec<_> = args.url.iter().map(at).collect::<anyhow::Result<_>>()?;
    let own = || anyhow::Ok(RunningService::at(None, settings, trust)?.with(&args.token));
    let nodes = if nodes.is_empty() { vec![own()?] } else { nodes };
    Ok((nodes, Servers::of(args.admin.iter().map(at).collect::<anyhow::Result<_>>()?)))
}

/// Nodes that are measured together hear the same topic.
async fn ask_all(nodes: &[RunningService]) -> anyhow::Result<Vec<Info>> {
    let mut infos: Vec<Info> = Vec::new();
    for node in nodes {
        let info = node.info().await?;
        if let Some(first) = infos.first() {
            ensure!(info.node != first.node, "{} is the node that was named before", node.base());
            ensure!(
                info.topics.calls == first.topics.calls && info.brokers == first.brokers,
                "{} hears another topic of calls than {}",
                node.base(),
                nodes[0].base()
            );
        }
        infos.push(info);
    }
    Ok(infos)
}

/// What one run found.
pub struct Outcome {
    /// The warm-up's among them.
    pub calls: u64,
    pub tally: Tally,
    pub bare: hdrhistogram::Histogram<u64>,
    /// Records that Kafka did not take.
    pub unpublished: u64,
    pub connections_lost: u64,
    /// Right before the first call, and right after the last pop; the memory, once all is at rest again.
    pub server: Option<[Taken; 2]>,
}

impl Outcome {
    /// Nothing is wrong. Two calls of one agent within a look-up's time may overtake each other: counted, and no fault.
    pub fn clean(&self) -> bool {
        let tally = &self.tally;
        tally.lost() + tally.doubled + self.unpublished + self.connections_lost == 0
    }
}

/// Lets all calls of the plan come, and reads what comes of them.
pub async fn measure(
    brokers: &Brokers,
    plan: Arc<Plan>,
    agents: Vec<agents::Seated>,
    embedded: bool,
    servers: &Servers,
) -> anyhow::Result<Outcome> {
    let bare = bare::start(brokers, Arc::clone(&plan), embedded).await.context("the bare consumer did not start")?;
    let load = Arc::new(Load::open(brokers, Arc::clone(&plan))?);
    let (sender, pops) = mpsc::unbounded_channel();
    let stop = CancellationToken::new();
    let reading = agents::read_all(agents, &plan, &sender, &stop);
    drop(sender);
    let before = servers.used().await?;
    let publishing = std::thread::Builder::new().name("bench-load".into()).spawn({
        let load = Arc::clone(&load);
        move || load.offer_all()
    })?;
    let tally = collect(&load, &plan, pops).await?;
    load.stop();
    publishing.join().map_err(|_| anyhow::anyhow!("publishing ended early"))?;
    load.end_all(&tally);
    let unpublished = load.unpublished().await;
    let after = servers.used().await?.zip(servers.used_at_rest().await?);
    let after = after.map(|(used, rest)| Taken { cpu_seconds: used.cpu_seconds, ..rest });
    let server = before.zip(after).map(<[_; 2]>::from);
    stop.cancel();
    let connections_lost = reading.await;
    let bare = bare.finish().await?;
    Ok(Outcome { calls: plan.calls, tally, bare, unpublished, connections_lost, server })
}

/// Reads pops until all are there, or none can be expected any more.
pub async fn collect(load: &Load, plan: &Plan, mut pops: mpsc::UnboundedReceiver<Pop>) -> anyhow::Result<Tally> {
    let mut tally = Tally::new(plan)?;
    let mut progress = Progress::of_things(plan.calls, "pops");
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    let mut moved_at = Instant::now();
    loop {
        tokio::select! {
            pop = pops.recv() => {
                let Some(pop) = pop else { break };
                moved_at = Instant::now();
                if tally.add(plan, &pop) {
                    load.end(pop.call);
                }
            }
            _ = tick.tick() => {
                let published = plan.published.load(Ordering::Relaxed);
                progress.at(published, tally.read);
                if published < plan.calls {
                    moved_at = Instant::now();
                } else if tally.complete() || moved_at.elapsed() > LAST_POPS_WAIT {
                    break;
                }
            }
        }
    }
    progress.finish();
    Ok(tally)
}
