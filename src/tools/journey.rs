//! `backstory journey`: asks a running service for the timeline of a number.

use std::process::ExitCode;

use anyhow::Context as _;
use chrono_tz::Tz;
use serde_json::Value;

use super::output::{Colors, say};
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
    let body = service.get(&["v1", "journeys", &args.number], &query).await?;
    if args.json {
        say(&body);
        return Ok(ExitCode::SUCCESS);
    }
    let timeline: Value = serde_json::from_str(&body).context("the service's answer cannot be read")?;
    let colors = Colors::of_stdout();
    say(&colors.bold(readable::text(&timeline, "number")));
    say(&readable::timeline(&timeline, colors));
    Ok(ExitCode::SUCCESS)
}
