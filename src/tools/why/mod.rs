//! `backstory why`: what became of a call at an agent, over all nodes, from the topics of calls and pops.

use std::process::ExitCode;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use chrono_tz::Tz;

use super::Common;
use super::output::{Colors, counted, note, say};
use super::service::BrokersOf;
use crate::arrival::Limits;
use crate::config::{Settings, Span};
use crate::kafka::{Brokers, read_window};
use crate::push::ledger::record::Line;
use crate::push::open_calls::CallLimits;

mod explain;
mod find;
mod ledger;
mod of_pop;
mod sentences;
mod stages;
mod story;
mod text;
mod told;

use explain::{Facts, LEDGER_REACH, explain};
use find::{Asked, Found, Pair};
use ledger::Ledger;
use story::Story;
use told::Told;

/// Nothing is known of what was asked.
const EXIT_UNKNOWN: u8 = 3;

/// Say why an agent got a screen pop for a call, or none: "why did ana see nothing when that call came?"
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  What became of a call, at each agent it was offered to:
    backstory why c-4711
  The last calls of an agent, and why one of them showed nothing:
    backstory why ana
    backstory why ana --call c-4711 --time-zone Europe/Lisbon
  The calls of a customer's number within the last three hours (matched against the topic of calls; the ledger holds no numbers):
    backstory why \"(201) 555-0142\" --since 3h

Exit code: 0 if there is an answer for every call shown, be it good or bad; 3 if nothing is known of one, or nothing was found; 1 if \
the brokers cannot be read.")]
pub struct Args {
    /// Id of a call, id of an agent, or the customer's number
    #[arg(value_name = "CALL|AGENT|NUMBER", allow_hyphen_values = true)]
    who: String,

    /// Only this call
    #[arg(long, value_name = "ID")]
    call: Option<String>,

    /// Only this agent
    #[arg(long, value_name = "ID")]
    agent: Option<String>,

    /// How far to look back, such as 30m, 3h or 2d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = span)]
    since: Span,

    /// How many calls to show, newest first
    #[arg(long, value_name = "N", default_value_t = 5)]
    limit: usize,

    /// Time zone of the times (IANA name, such as Europe/Lisbon)
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: Tz,

    /// Print one JSON object a call instead: callId, agentId, at, verdict, text, todo, stages, pops
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    brokers: BrokersOf,
}

fn span(text: &str) -> Result<Span, String> {
    text.parse().map_err(str::to_owned)
}

pub async fn run(common: &Common, args: Args) -> anyhow::Result<ExitCode> {
    let settings = common.settings_without_kafka()?;
    let brokers = args.brokers.find(common).await?;
    let stories = stories(&settings, &brokers, &args).await?;
    let colors = Colors::of_stdout();
    for (nth, story) in stories.iter().enumerate() {
        if args.json {
            say(&serde_json::to_string(story)?);
        } else {
            let gap = if nth == 0 { "" } else { "\n" };
            say(&format!("{gap}{}", text::story(story, args.time_zone, colors)));
        }
    }
    let known = !stories.is_empty() && stories.iter().all(|story| story.verdict.is_known());
    Ok(if known { ExitCode::SUCCESS } else { ExitCode::from(EXIT_UNKNOWN) })
}

async fn stories(settings: &Settings, brokers: &Brokers, args: &Args) -> anyhow::Result<Vec<Story>> {
    let now = Utc::now();
    let asked = Asked {
        // An agent's other ids stand for the one that events and sessions are kept by.
        who: settings.aliases.agent(args.who.clone()),
        call_id: args.call.clone(),
        agent_id: args.agent.clone().map(|id| settings.aliases.agent(id)),
        region: settings.calls.default_region.unwrap_or(settings.journey.default_region).0,
    };
    let mut found = Found::new(asked);
    let reader = Reader { settings, brokers, window: *args.since };
    reader.calls(|told| found.look_at(told)).await?;
    let mut pairs = found.pairs();
    if pairs.len() > args.limit {
        note(&format!(
            "{} found: the newest {} are shown (--limit, --call)",
            counted(pairs.len() as u64, "call"),
            args.limit
        ));
        pairs.truncate(args.limit);
    }
    let mut told = std::mem::take(&mut found.refused);
    if !pairs.is_empty() {
        reader
            .calls(|one| {
                if pairs.iter().any(|pair| one.is_of(&pair.call_id)) {
                    told.push(one);
                }
            })
            .await?;
    }
    let ledger = reader.ledger(&found, &pairs).await?;
    let limits = CallLimits {
        open_max: TimeDelta::from_std(*settings.calls.open_max)?,
        keep_after_end: TimeDelta::from_std(*settings.calls.keep_after_end)?,
        known_max: settings.calls.known_max,
        agents_per_call_max: settings.calls.agents_per_call_max,
        open_per_agent_max: settings.calls.open_per_agent_max,
    };
    let facts = Facts { told: &told, ledger: &ledger, limits, now };
    let mut stories: Vec<Story> =
        pairs.iter().map(|Pair { call_id, agent_id }| explain(call_id, agent_id, &facts)).collect();
    if args.call.is_none() && args.agent.is_none() {
        stories.extend(explain::of_refused(&found, &facts));
        stories.sort_by_key(|story| std::cmp::Reverse(story.at));
    }
    if stories.is_empty() {
        stories.push(explain::of_nothing(&found, &facts));
    }
    Ok(stories)
}

struct Reader<'a> {
    settings: &'a Settings,
    brokers: &'a Brokers,
    window: Duration,
}

impl Reader<'_> {
    /// Every record of the topic of calls within the window.
    async fn calls(&self, mut take: impl FnMut(Told)) -> anyhow::Result<()> {
        let now = Utc::now();
        let since = now - TimeDelta::from_std(self.window)?;
        let limits = Limits {
            record_bytes_max: self.settings.kafka.record_bytes_max,
            future_max: TimeDelta::from_std(*self.settings.calls.future_max)?,
        };
        let topic = &self.brokers.topics().calls;
        let there = read_window(self.brokers, topic, self.window, |record| {
            if record.time.is_none_or(|time| time >= since) {
                take(Told::read(record, limits, &self.settings.aliases, now));
            }
        })
        .await?;
        anyhow::ensure!(there, "there is no topic {topic}; `backstory check` says more");
        Ok(())
    }

    /// The ledger's lines of the window and a little before it; of pops, those of these calls.
    async fn ledger(&self, found: &Found, pairs: &[Pair]) -> anyhow::Result<Ledger> {
        let mut ledger = Ledger::default();
        let who = &found.asked().who;
        let mut unreadable = 0;
        let window = self.window + LEDGER_REACH.to_std()?;
        let topic = &self.brokers.topics().pops;
        let there = read_window(self.brokers, topic, window, |record| {
            let Some(value) = record.value else { return };
            match Line::decode(&value) {
                Some(Line::Pop(pop)) => {
                    let wanted = pairs.iter().any(|pair| pair.call_id == pop.call_id)
                        || pop.call_id == *who
                        || pop.agent_id == *who;
                    if wanted {
                        ledger.take(Line::Pop(pop));
                    }
                }
                Some(line) => ledger.take(line),
                None => unreadable += 1,
            }
        })
        .await?;
        if !there {
            note(&format!(
                "there is no topic {topic}: make it with `backstory check --create`, so that nodes have a ledger"
            ));
        }
        if unreadable > 0 {
            note(&format!("{} of {topic} could not be read: a later version wrote them", counted(unreadable, "line")));
        }
        Ok(ledger)
    }
}

#[cfg(test)]
mod tests;
