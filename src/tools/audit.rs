//! `backstory audit`: who saw whose journey, when and why, from the topic of the audit or from its file.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use comfy_table::{Table, presets};

use super::Common;
use super::output::{counted, note, say};
use super::service::BrokersOf;
use crate::audit::{Reason, Record};
use crate::config::{Settings, Span};
use crate::kafka::read_window;
use crate::phone;
use crate::policy;

/// Nothing was found.
const EXIT_UNKNOWN: u8 = 3;
/// So many of their last digits are shown.
const DIGITS: u8 = 4;
/// Of the topic, unless asked otherwise.
const SINCE: TimeDelta = TimeDelta::hours(24);
/// A record is stamped a little after what it tells of.
const STAMPED_WITHIN: TimeDelta = TimeDelta::minutes(5);

/// Say who saw whose journey, when and why
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  Who saw this customer's journey within the last 30 days:
    backstory audit --number \"(201) 555-0142\" --since 30d
  What ana had revealed on a day:
    backstory audit --agent ana --reason reveal --since 2026-11-20T00:00:00Z --until 2026-11-21T00:00:00Z
  From the file (audit.file) of a node, with whole numbers, for another program:
    backstory audit --file audit.jsonl --json --show-numbers

Exit code: 0 if something was found, 3 if nothing was, 1 if the audit cannot be read.")]
pub struct Args {
    /// Only what this agent saw
    #[arg(long, value_name = "ID")]
    agent: Option<String>,

    /// Only this customer's journey
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    number: Option<String>,

    /// Only for this call
    #[arg(long, value_name = "ID")]
    call: Option<String>,

    /// Only for this reason
    #[arg(long, value_name = "REASON", value_parser = Reason::NAMES)]
    reason: Option<String>,

    /// From when: a time such as 2026-11-20T21:00:00Z, or how far back, such as 3h or 30d [default: 24h; of a file, all]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<DateTime<Utc>>,

    /// Until when, in the same way [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<DateTime<Utc>>,

    /// Read this file (audit.file of a node) instead of the topic
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,

    /// Print whole numbers: who reads this sees what it protects
    #[arg(long)]
    show_numbers: bool,

    /// Time zone of the times (IANA name, such as Europe/Lisbon)
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: Tz,

    /// Print the records as they are, a line of JSON each
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    brokers: BrokersOf,
}

fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let span: Span = text.parse().map_err(|_| "write a time such as 2026-11-20T21:00:00Z, or 3h, or 30d".to_owned())?;
    let back = TimeDelta::from_std(*span).map_err(|error| error.to_string())?;
    Ok(Utc::now() - back)
}

pub async fn run(common: &Common, args: Args) -> anyhow::Result<ExitCode> {
    let settings = common.settings_without_kafka()?;
    let wanted = Wanted::of(&args, &settings)?;
    let mut found = Found::default();
    match &args.file {
        Some(path) => read_file(path, |value| found.take(value, &wanted))?,
        None => read_topic(common, &args, wanted.since, |value| found.take(value, &wanted)).await?,
    }
    if found.unreadable > 0 {
        note(&format!(
            "{} could not be read: torn, or a later version wrote them",
            counted(found.unreadable, "record")
        ));
    }
    let mut records = found.records;
    records.sort_by_key(|record| record.at);
    if !args.show_numbers {
        records.iter_mut().for_each(mask);
    }
    if records.is_empty() {
        note("nothing of that kind is in the audit");
        return Ok(ExitCode::from(EXIT_UNKNOWN));
    }
    if args.json {
        for record in &records {
            say(&serde_json::to_string(record)?);
        }
    } else {
        say(&table(&records, args.time_zone));
    }
    Ok(ExitCode::SUCCESS)
}

/// What is asked for.
struct Wanted {
    agent: Option<String>,
    number: Option<String>,
    call: Option<String>,
    reason: Option<String>,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl Wanted {
    fn of(args: &Args, settings: &Settings) -> anyhow::Result<Self> {
        let region = settings.journey.default_region.0;
        let number = args.number.as_deref().map(|given| {
            phone::address(given, region)
                .context("--number: nobody can be looked up by this: it is empty, anonymous or an extension")
        });
        Ok(Self {
            agent: args.agent.clone().map(|id| settings.aliases.agent(id)),
            number: number.transpose()?,
            call: args.call.clone(),
            reason: args.reason.clone(),
            since: args.since.unwrap_or(if args.file.is_some() { DateTime::UNIX_EPOCH } else { Utc::now() - SINCE }),
            until: args.until.unwrap_or(DateTime::<Utc>::MAX_UTC),
        })
    }

    fn wants(&self, record: &Record) -> bool {
        let same = |wanted: &Option<String>, said: Option<&str>| wanted.is_none() || wanted.as_deref() == said;
        (self.since..self.until).contains(&record.at)
            && same(&self.agent, record.agent.as_deref())
            && same(&self.number, record.number.as_deref())
            && same(&self.call, record.call_id.as_deref())
            && same(&self.reason, Some(record.reason.name()))
    }
}

#[derive(Default)]
struct Found {
    records: Vec<Record>,
    unreadable: u64,
}

impl Found {
    fn take(&mut self, value: &[u8], wanted: &Wanted) {
        match Record::decode(value) {
            Some(record) if wanted.wants(&record) => self.records.push(record),
            Some(_) => {}
            None => self.unreadable += 1,
        }
    }
}

fn read_file(path: &Path, mut take: impl FnMut(&[u8])) -> anyhow::Result<()> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    for line in BufReader::new(file).split(b'\n') {
        let line = line.with_context(|| format!("cannot read {}", path.display()))?;
        if !line.is_empty() {
            take(&line);
        }
    }
    Ok(())
}

async fn read_topic(
    common: &Common,
    args: &Args,
    since: DateTime<Utc>,
    mut take: impl FnMut(&[u8]),
) -> anyhow::Result<()> {
    let brokers = args.brokers.find(common).await?;
    let topic = &brokers.topics().audit;
    let window = (Utc::now() - since + STAMPED_WITHIN).to_std().unwrap_or_default();
    let there = read_window(&brokers, topic, window, |record| {
        if let Some(value) = record.value {
            take(&value);
        }
    });
    anyhow::ensure!(there.await?, "there is no topic {topic}; `backstory check --create` makes it");
    Ok(())
}

fn mask(record: &mut Record) {
    record.number = record.number.take().map(|number| policy::masked(&number, DIGITS));
}

fn table(records: &[Record], zone: Tz) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["time", "who", "why", "whose", "call", "session", "node"]);
    for record in records {
        let time = record.at.with_timezone(&zone).format("%F %T%.3f").to_string();
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
        let row = [time, text(&record.agent), why(record), text(&record.number), text(&record.call_id)];
        table.add_row(row.into_iter().chain([text(&record.session), record.node.clone()]));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// The reason, and what else there is to say of it.
fn why(record: &Record) -> String {
    let follows = record.reason == Reason::Supervision && record.call_id.is_none();
    let of =
        record.of_agent.as_ref().map(|agent| if follows { format!("follows {agent}") } else { format!("of {agent}") });
    let what = record.interaction_id.as_ref().map(|id| format!("address of {id}"));
    let refused = record.refused.as_ref().map(|code| format!("refused: {code}"));
    let details: Vec<String> = [of, what, refused].into_iter().flatten().collect();
    let reason = record.reason.name();
    if details.is_empty() { reason.to_owned() } else { format!("{reason} ({})", details.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(reason: Reason, agent: &str, number: &str, minute: u32) -> Record {
        let at = format!("2026-11-20T21:{minute:02}:00Z").parse().unwrap();
        Record { agent: Some(agent.into()), number: Some(number.into()), ..Record::of(reason, "n-1", at) }
    }

    fn wanted() -> Wanted {
        let since = "2026-11-20T21:00:00Z".parse().unwrap();
        Wanted { agent: None, number: None, call: None, reason: None, since, until: since + TimeDelta::minutes(30) }
    }

    #[test]
    fn what_is_asked_for_is_found_and_nothing_else() {
        let records = [
            record(Reason::Call, "ana", "+12015550142", 1),
            record(Reason::Reveal, "ana", "+12015550142", 2),
            record(Reason::Call, "ben", "+12025550143", 3),
            record(Reason::Call, "ana", "+12015550142", 31),
        ];
        let found = |wanted: Wanted| records.iter().filter(|record| wanted.wants(record)).count();
        assert_eq!(found(wanted()), 3, "until the end of the time");
        assert_eq!(found(Wanted { agent: Some("ana".into()), ..wanted() }), 2);
        assert_eq!(found(Wanted { number: Some("+12025550143".into()), ..wanted() }), 1);
        assert_eq!(found(Wanted { reason: Some("reveal".into()), ..wanted() }), 1);
        assert_eq!(found(Wanted { call: Some("c-1".into()), ..wanted() }), 0);
    }

    #[test]
    fn a_line_that_is_torn_hides_no_other() {
        let mut found = Found::default();
        for line in [&b"{\"at\":\"2026-11"[..], &serde_json::to_vec(&record(Reason::Api, "x", "+1", 1)).unwrap()] {
            found.take(line, &wanted());
        }
        assert_eq!((found.records.len(), found.unreadable), (1, 1));
    }

    #[test]
    fn a_table_shows_numbers_only_when_told_to() {
        let mut one = record(Reason::Reveal, "ana", "+12015550142", 1);
        (one.refused, one.interaction_id) = (Some("forbidden".into()), Some("i-1".into()));
        assert!(table(&[one.clone()], Tz::UTC).contains("+12015550142"));
        mask(&mut one);
        let shown = table(&[one], Tz::UTC);
        assert!(shown.contains("…0142") && !shown.contains("555"), "{shown}");
        assert!(shown.contains("reveal (address of i-1, refused: forbidden)"), "{shown}");
    }

    #[test]
    fn a_moment_is_a_time_or_how_far_back() {
        assert_eq!(moment("2026-11-20T21:00:00Z").unwrap().to_rfc3339(), "2026-11-20T21:00:00+00:00");
        assert!((Utc::now() - moment("3h").unwrap() - TimeDelta::hours(3)).num_minutes().abs() < 1);
        assert!(moment("yesterday").is_err());
    }
}
