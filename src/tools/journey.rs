//! `backstory journey`: asks a running service for the timeline of a number.

use std::process::ExitCode;

use anyhow::Context as _;
use chrono_tz::Tz;
use serde_json::Value;

use super::output::{Colors, note, say};
use super::service::{RunningService, TokenFile};
use super::{Common, readable};

/// Show what a running service knows about a number
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Phone number or e-mail address of the customer, written in any usual way: +12015550142, "(201) 555-0142"
    #[arg(allow_hyphen_values = true)]
    number: String,

    /// How many months to look back: 3, 6, 9 or 12 [default: the service's journey.period_months]
    #[arg(long, value_name = "M")]
    months: Option<u32>,

    /// Only interactions of this campaign (its id)
    #[arg(long, value_name = "ID")]
    campaign: Option<String>,

    /// Only interactions on this channel: voice, sms, email, chat …
    #[arg(long)]
    channel: Option<String>,

    /// Only what is older than this: with --before-id, the page that a page before it names
    #[arg(long, value_name = "TIME")]
    before: Option<String>,

    /// Of the interactions of that very moment, only those whose ids come after this one
    #[arg(long, value_name = "ID", requires = "before", allow_hyphen_values = true)]
    before_id: Option<String>,

    /// Time zone that days and hours follow (IANA name, such as Europe/Lisbon)
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: Tz,

    /// Print the timeline as the service gave it, one JSON object
    #[arg(long)]
    json: bool,

    /// Address of the service, such as http://127.0.0.1:8080 [default: http.listen of the settings]
    #[arg(long)]
    url: Option<String>,

    #[command(flatten)]
    token: TokenFile,
}

pub async fn run(common: &Common, args: Args) -> anyhow::Result<ExitCode> {
    let settings = common.settings_without_kafka()?;
    let service = RunningService::at(args.url.as_deref(), &settings, &common.trust)?.with(&args.token);
    let mut query = vec![("timeZone", args.time_zone.name().to_owned())];
    query.extend(args.months.map(|months| ("months", months.to_string())));
    query.extend(args.campaign.map(|campaign| ("campaign", campaign)));
    query.extend(args.channel.map(|channel| ("channel", channel)));
    query.extend(args.before.map(|before| ("before", before)));
    query.extend(args.before_id.map(|before_id| ("beforeId", before_id)));
    let body = service.get(&["v1", "journeys", &args.number], &query).await?;
    if args.json {
        say(&body);
        return Ok(ExitCode::SUCCESS);
    }
    let timeline: Value = serde_json::from_str(&body).context("the service's answer cannot be read")?;
    let colors = Colors::of_stdout();
    say(&colors.bold(readable::text(&timeline, "number")));
    say(&readable::timeline(&timeline, colors));
    if let Some(options) = next_page(&timeline) {
        note(&format!("older ones: the same command with {options}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// The options that ask for the page behind this one, where there is one.
fn next_page(timeline: &Value) -> Option<String> {
    let older = &timeline["older"];
    let (before, before_id) = (older["before"].as_str()?, older["beforeId"].as_str()?);
    Some(format!("--before {} --before-id {}", quoted(before), quoted(before_id)))
}

/// As a shell reads it back: an id may hold anything.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:+@/".contains(&byte);
    match word {
        word if !word.is_empty() && word.bytes().all(is_plain) => word.to_owned(),
        word => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_next_page_is_asked_for_with_options_that_a_shell_reads_back() {
        let page = |id: &str| json!({ "older": { "before": "2026-07-18T10:30:23Z", "beforeId": id } });
        let options = |id: &str| next_page(&page(id)).unwrap();
        assert_eq!(options("i-1"), "--before 2026-07-18T10:30:23Z --before-id i-1");
        assert_eq!(options("it's $HOME"), r"--before 2026-07-18T10:30:23Z --before-id 'it'\''s $HOME'");
        assert_eq!(options(""), "--before 2026-07-18T10:30:23Z --before-id ''");
        assert_eq!(next_page(&json!({ "days": [] })), None);
    }
}
