//! `backstory call`: publishes call events, one by hand or a file of them at a steady rate.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value};
use smol_str::{SmolStr, format_smolstr};
use tokio::time::{Instant, sleep, sleep_until};

use super::Common;
use super::import::lines::{Line, Lines};
use super::output::{counted, note, say};
use super::progress::Progress;
use super::publish::Publisher;
use super::service::BrokersOf;
use crate::arrival::{self, CallEvent, CallState};
use crate::journey::{Campaign, Direction};
use crate::kafka::Record;
use crate::record::Refusal;

/// A call event is a few hundred bytes.
const LINE_BYTES_MAX: usize = 1 << 20;
/// Lines that cannot be published are named up to this many.
const NAMED_MAX: u64 = 20;

/// Publish a call event, as a telephone system would
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  A call to this customer rings at agent ana's, and ends after 30 seconds:
    backstory call --agent ana --to +12015550100 --end-after 30
  A customer calls:
    backstory call --agent ana --direction inbound --from +12015550100
  Plays a file of call events, 50 a second:
    backstory call --file calls.jsonl --rate 50")]
pub struct Args {
    /// Id of the agent who gets the call
    #[arg(long, short, value_name = "ID", required_unless_present = "file")]
    agent: Option<String>,

    /// Number that is called: the customer's, unless the call is inbound
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    to: Option<String>,

    /// Number that calls: the customer's, where the call is inbound
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    from: Option<String>,

    /// inbound, outbound (dialled by the dialler) or manual_outbound (dialled by the agent)
    #[arg(long, default_value = "outbound", value_parser = direction)]
    direction: Direction,

    /// What the call does: offered (it rings), connected, wrap_up or ended
    #[arg(long, default_value = "offered", value_parser = state)]
    state: CallState,

    /// Id of the call; events with the same id are one call [default: a new one]
    #[arg(long, value_name = "ID")]
    call_id: Option<String>,

    /// Id of the campaign that the call belongs to
    #[arg(long, value_name = "ID")]
    campaign: Option<String>,

    /// Publish the end of the call after so many seconds, and wait for it
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    end_after: Option<Duration>,

    /// Play this file of call events (JSON Lines) in its order, each with `at` set to the moment
    #[arg(long, short, conflicts_with_all = ["agent", "to", "from", "state", "direction", "call_id", "campaign", "end_after"])]
    file: Option<PathBuf>,

    /// How many events of the file to publish in a second
    #[arg(long, default_value_t = 10.0, requires = "file", value_parser = rate)]
    rate: f64,

    #[command(flatten)]
    brokers: BrokersOf,
}

fn direction(name: &str) -> Result<Direction, String> {
    Direction::of_name(name).ok_or_else(|| format!("write one of {}", Direction::NAMES.join(", ")))
}

fn state(name: &str) -> Result<CallState, String> {
    serde_json::from_value(name.into()).map_err(|_| "write one of offered, connected, wrap_up, ended".into())
}

/// A number of seconds, fractions allowed, up to a day.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.0..=86_400.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "write seconds from 0 to 86400, such as 30 or 0.5".into())
}

/// Events a second.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok().filter(|rate| (0.001..=1_000_000.0).contains(rate));
    rate.ok_or_else(|| "write events a second, from 0.001 to 1000000".into())
}

pub async fn run(common: &Common, args: Args) -> anyhow::Result<ExitCode> {
    let event = if args.file.is_none() { Some(event(&args)?) } else { None };
    let brokers = args.brokers.find(common).await?;
    let mut publisher = Publisher::open(&brokers, &brokers.topics().calls)?;
    match (&args.file, event) {
        (Some(file), _) => play(&mut publisher, file, args.rate).await,
        (None, Some(mut event)) => {
            publish(&mut publisher, &event).await?;
            if let Some(after) = args.end_after {
                note(&format!("ending it in {} s", after.as_secs_f64()));
                sleep(after).await;
                event.state = Some(CallState::Ended);
                event.at = Some(Utc::now());
                publish(&mut publisher, &event).await?;
            }
            Ok(ExitCode::SUCCESS)
        }
        (None, None) => bail!("name an agent or a file"),
    }
}

fn event(args: &Args) -> anyhow::Result<CallEvent> {
    let agent_id = args.agent.clone().context("--agent is missing")?;
    match (args.direction, &args.from, &args.to) {
        (Direction::Inbound, None, _) => bail!("an inbound call needs --from: the customer's number"),
        (Direction::Outbound | Direction::ManualOutbound, _, None) => {
            bail!("an outbound call needs --to: the customer's number")
        }
        _ => {}
    }
    if matches!(args.state, CallState::WrapUp | CallState::Ended) && args.call_id.is_none() {
        bail!("this state needs --call-id: the id with which the call was offered");
    }
    let call_id = args.call_id.as_ref().map(SmolStr::from);
    Ok(CallEvent {
        call_id: call_id.unwrap_or_else(|| format_smolstr!("call-{:012x}", rand::random::<u64>() >> 16)),
        state: Some(args.state),
        agent_id: agent_id.into(),
        direction: args.direction,
        from: args.from.clone(),
        to: args.to.clone(),
        campaign: args.campaign.clone().map(|id| Campaign { id, name: None }),
        parent_call_id: None,
        at: Some(Utc::now()),
    })
}

async fn publish(publisher: &mut Publisher, event: &CallEvent) -> anyhow::Result<()> {
    let json = serde_json::to_value(event)?;
    let placed = publisher.publish_and_wait(&event.agent_id, json.to_string().as_bytes()).await?;
    say(&format!(
        "{} {} for agent {}: partition {}, offset {}",
        json["state"].as_str().unwrap_or_default(),
        event.call_id,
        event.agent_id,
        placed.partition,
        placed.offset
    ));
    Ok(())
}

/// Plays a file at a steady rate: one that fell behind catches up, so that the mean is what was asked for.
async fn play(publisher: &mut Publisher, path: &Path, rate: f64) -> anyhow::Result<ExitCode> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut progress = Progress::of_bytes(file.metadata()?.len(), "events");
    let mut lines = Lines::new(BufReader::new(file), LINE_BYTES_MAX);
    let (started, mut published, mut refused) = (Instant::now(), 0, 0);
    while let Some(line) = lines.next_line()? {
        let mut event = match readable(&line) {
            Ok(event) => event,
            Err(refusal) => {
                refused += 1;
                if refused <= NAMED_MAX {
                    note(&format!("{}:{}: not published: {refusal}", path.display(), lines.number()));
                }
                continue;
            }
        };
        sleep_until(started + Duration::from_secs_f64(published as f64 / rate)).await;
        event.insert("at".into(), Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true).into());
        let key = event.get("agentId").and_then(Value::as_str).map(str::to_owned);
        publisher.publish(key.as_deref(), &serde_json::to_vec(&event)?).await?;
        published += 1;
        progress.at(lines.position(), published);
    }
    let acknowledged = publisher.finish().await?;
    let took = progress.finish().as_secs_f64();
    let per_second = acknowledged as f64 / took.max(0.001);
    say(&format!(
        "{} published in {took:.1} s ({per_second:.1} a second), {refused} refused",
        counted(acknowledged, "event")
    ));
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the service would refuse is refused here, where the line can be named. Its own `at` does not matter.
fn readable(line: &Line<'_>) -> Result<Map<String, Value>, Refusal> {
    let Line::Whole(bytes) = line else { return Err(Refusal::TooLarge) };
    let mut event: Map<String, Value> = serde_json::from_slice(bytes).map_err(|_| Refusal::NotJson)?;
    event.remove("at");
    let now = Utc::now();
    let value = serde_json::to_vec(&event).map_err(|_| Refusal::NotJson)?;
    let record = Record::of(value, now);
    let limits = arrival::Limits { record_bytes_max: LINE_BYTES_MAX, future_max: TimeDelta::zero() };
    arrival::decode(&record, limits, now).map(|_| event)
}
