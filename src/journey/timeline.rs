//! A journey prepared for an agent: in the period, filtered, grouped by day, newest first, counted. Pure: `now` is an argument.

use std::sync::Arc;

use chrono::{DateTime, Days, Months, NaiveDate, NaiveTime, Offset as _, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use smol_str::SmolStr;

use super::{Agent, Cursor, Interaction, Journey, Outcome, SourceState, rfc3339};
use crate::phone;

mod counts;

/// What the agent wants to see of a journey.
#[derive(Debug, Clone)]
pub struct Ask {
    pub now: DateTime<Utc>,
    /// 3, 6, 9 or 12.
    pub months: u32,
    pub time_zone: Tz,
    pub campaign: Option<String>,
    pub channel: Option<String>,
    /// Where the page begins; `None`: with the newest.
    pub before: Option<Cursor>,
    pub limits: Limits,
}

/// How much a timeline shows; the rest is counted.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub contacts_max: usize,
    /// Of campaigns, and of channels.
    pub campaigns_max: usize,
    pub interactions_max: usize,
    /// Of the interactions, about.
    pub bytes_max: usize,
}

// `I`: interactions as they are, or encoded.
/// What is shown. Counts cover the whole period, before filters and before `interactions_max`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Timeline")]
pub struct Timeline<I = Interaction> {
    /// Not part of the digest: every look-up has its own.
    pub period: Period,
    /// Not part of the digest: it moves while nothing changes.
    pub sources: Vec<SourceState>,
    #[serde(flatten)]
    pub content: Content<I>,
}

/// What makes two timelines the same to the one who reads them.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Content")]
pub struct Content<I = Interaction> {
    pub number: String,
    /// The number could not be read: it was looked up as given, and other ways of writing it were not. Absent: false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub number_as_given: bool,
    /// IANA name; days follow it.
    #[serde(serialize_with = "zone_name")]
    #[schemars(with = "String")]
    pub time_zone: Tz,
    /// The people behind the number: who was reached last comes first, then by id. More than one: candidates, nobody guesses.
    pub contacts: Vec<ContactSummary>,
    /// How many more there are. Absent: 0.
    #[serde(skip_serializing_if = "is_zero")]
    pub more_contacts: usize,
    /// By id; those that were used last, and of the others the first ones.
    pub campaigns: Vec<CampaignCount>,
    /// How many more there are. Absent: 0.
    #[serde(skip_serializing_if = "is_zero")]
    pub more_campaigns: usize,
    /// Those of the chosen campaign, most interactions first.
    pub channels: Vec<ChannelCount>,
    /// How many more there are. Absent: 0.
    #[serde(skip_serializing_if = "is_zero")]
    pub more_channels: usize,
    /// Newest first, each with its interactions newest first.
    pub days: Vec<Day<I>>,
    /// Interactions in the period, before any filter.
    pub total: usize,
    /// Of these, how many the filters let through (page by page: still those of the whole period).
    pub matching: usize,
    /// Of these, how many are in `days`.
    pub shown: usize,
    /// More than `journey.counted_max` is kept: all these counts are lower bounds. Absent: false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub at_least: bool,
    /// Where the next page begins. Absent: nothing is older.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub older: Option<Cursor>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Period {
    pub months: u32,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContactSummary {
    pub contact_id: String,
    pub name: Option<String>,
    /// Where they are, by its IANA name, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    pub interactions: usize,
    /// More of this contact's are kept. Absent: false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub at_least: bool,
    pub last_at: Option<DateTime<Utc>>,
    pub brief: Brief,
}

/// One contact at a glance: arithmetic over the period.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Brief {
    pub last_at: Option<DateTime<Utc>>,
    pub last_channel: Option<SmolStr>,
    pub last_outcome: Option<Arc<Outcome>>,
    pub last_agent: Option<Arc<Agent>>,
    /// Outbound interactions in the last 7 days.
    pub attempts7d: usize,
    pub attempts30d: usize,
    /// From the newest back to the first success; neutral ones neither count nor break it.
    pub failures_in_a_row: usize,
    pub last_reached_at: Option<DateTime<Utc>>,
    pub last_reached_mode: Option<SmolStr>,
    pub score: Option<f64>,
    /// What the interaction that set the score changed.
    pub score_change: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CampaignCount {
    pub id: String,
    pub name: Option<String>,
    /// Is the number, through one of its contacts, listed in it?
    pub listed: bool,
    pub interactions: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChannelCount {
    pub channel: String,
    pub interactions: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "Day")]
pub struct Day<I = Interaction> {
    /// In the timeline's time zone.
    #[serde(serialize_with = "rfc3339::date")]
    #[schemars(with = "NaiveDate")]
    pub date: NaiveDate,
    pub interactions: Vec<I>,
}

impl<I> Timeline<I> {
    pub fn interactions(&self) -> impl Iterator<Item = &I> {
        self.content.days.iter().flat_map(|day| &day.interactions)
    }

    /// What stands before the content in its JSON, as an object of its own: as long, but for its closing brace.
    pub fn head(&self) -> serde_json::Result<Vec<u8>> {
        #[derive(Serialize)]
        struct Head<'a> {
            period: &'a Period,
            sources: &'a [SourceState],
        }
        serde_json::to_vec(&Head { period: &self.period, sources: &self.sources })
    }
}

impl<I> Content<I> {
    /// With these days in place of its own.
    pub fn with<T>(self, days: Vec<Day<T>>) -> Content<T> {
        let Self { number, number_as_given, time_zone, contacts, more_contacts, .. } = self;
        let Self { campaigns, more_campaigns, channels, more_channels, .. } = self;
        let Self { total, matching, shown, at_least, older, .. } = self;
        Content {
            number,
            number_as_given,
            time_zone,
            contacts,
            more_contacts,
            campaigns,
            more_campaigns,
            channels,
            more_channels,
            days,
            total,
            matching,
            shown,
            at_least,
            older,
        }
    }
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

fn zone_name<S: Serializer>(zone: &Tz, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(zone.name())
}

/// From the start of the day in the agent's time zone, so many calendar months back, clamped (31 May − 3 = 28 February).
pub fn period(now: DateTime<Utc>, months: u32, time_zone: Tz) -> Period {
    let today = now.with_timezone(&time_zone).date_naive();
    let first = today.checked_sub_months(Months::new(months)).unwrap_or(NaiveDate::MIN);
    Period { months, from: start_of(first, time_zone), to: now }
}

/// Midnight, or the first moment after it where the clocks skip midnight.
fn start_of(date: NaiveDate, time_zone: Tz) -> DateTime<Utc> {
    let midnight = date.and_time(NaiveTime::MIN);
    (0..=24 * 4)
        .filter_map(|quarters| midnight.checked_add_signed(TimeDelta::minutes(15 * quarters)))
        .find_map(|moment| time_zone.from_local_datetime(&moment).earliest())
        .map_or_else(|| midnight.and_utc(), |moment| moment.with_timezone(&Utc))
}

/// The earliest moment any time zone's period can start: what a look-up for all of an agent's sessions must reach back to.
pub fn earliest(now: DateTime<Utc>, months: u32) -> DateTime<Utc> {
    now.checked_sub_months(Months::new(months))
        .and_then(|then| then.checked_sub_days(Days::new(3)))
        .unwrap_or(DateTime::<Utc>::MIN_UTC)
}

/// Prepares what `ask` wants of a journey that the catalogue has resolved, whose interactions come newest first.
pub fn prepare<'a>(journey: &'a Journey, sources: Vec<SourceState>, ask: &Ask) -> Timeline<&'a Interaction> {
    let period = period(ask.now, ask.months, ask.time_zone);
    let in_period = journey.interactions.partition_point(|interaction| interaction.started_at >= period.from);
    let interactions = &journey.interactions[..in_period];
    let matching: Vec<&Interaction> = interactions.iter().filter(|interaction| ask.matches(interaction)).collect();
    let unread = journey.unread.as_ref().filter(|unread| unread.at >= period.from);
    let (page, older) = page(&matching, unread, ask);
    let (contacts, more_contacts) = counts::contacts(&journey.contacts, interactions, ask);
    let (campaigns, more_campaigns) = counts::campaigns(&journey.contacts, interactions, ask.limits.campaigns_max);
    let of_campaign = interactions.iter().filter(|interaction| ask.is_of_campaign(interaction));
    let (channels, more_channels) = counts::channels(of_campaign, ask.limits.campaigns_max);
    let content = Content {
        number: journey.number.clone(),
        number_as_given: phone::is_as_given(&journey.number),
        time_zone: ask.time_zone,
        contacts,
        more_contacts: journey.more_contacts + more_contacts,
        campaigns,
        more_campaigns,
        channels,
        more_channels,
        days: days(page, ask.time_zone),
        total: interactions.len(),
        matching: matching.len(),
        shown: page.len(),
        at_least: journey.at_least,
        older,
    };
    Timeline { period, sources, content }
}

impl Ask {
    /// Whether the filters let it through.
    pub fn matches(&self, interaction: &Interaction) -> bool {
        self.is_of_campaign(interaction) && self.channel.as_deref().is_none_or(|channel| interaction.channel == channel)
    }

    fn is_of_campaign(&self, interaction: &Interaction) -> bool {
        let id = interaction.campaign.as_ref().map(|campaign| campaign.id.as_str());
        self.campaign.as_deref().is_none_or(|wanted| id == Some(wanted))
    }
}

/// The page, and where the next one begins. It ends at `interactions_max`, before it has too many bytes, and where it is not known
/// what follows.
fn page<'a, 'b>(
    matching: &'b [&'a Interaction],
    unread: Option<&Cursor>,
    ask: &Ask,
) -> (&'b [&'a Interaction], Option<Cursor>) {
    let place = |cursor: &Cursor| matching.partition_point(|interaction| !cursor.is_before(interaction));
    let first = ask.before.as_ref().map_or(0, place);
    let known = unread.map_or(matching.len(), place).max(first);
    let most = known.min(first.saturating_add(ask.limits.interactions_max));
    let (mut end, mut bytes) = (first, 0);
    while end < most && !matching[end].is_light {
        bytes += matching[end].bytes();
        if bytes > ask.limits.bytes_max && end > first {
            break;
        }
        end += 1;
    }
    let older = match matching.get(end) {
        Some(next) if end < known => {
            Some(if end > first { Cursor::behind(matching[end - 1]) } else { Cursor::in_front_of(next.started_at) })
        }
        // Where it could not be read on from here, there is no going on.
        _ => unread.filter(|unread| ask.before.as_ref() != Some(unread)).cloned(),
    };
    (&matching[first..end], older)
}

fn days<'a>(interactions: &[&'a Interaction], time_zone: Tz) -> Vec<Day<&'a Interaction>> {
    let mut days: Vec<Day<&Interaction>> = Vec::new();
    for &interaction in interactions {
        let date = date_in(time_zone, interaction.started_at);
        match days.last_mut() {
            Some(day) if day.date == date => day.interactions.push(interaction),
            _ => days.push(Day { date, interactions: vec![interaction] }),
        }
    }
    days
}

/// Records may say any time that there is: at the very end of it, a zone's own date may be beyond, and it is UTC's.
fn date_in(time_zone: Tz, moment: DateTime<Utc>) -> NaiveDate {
    let utc = moment.naive_utc();
    utc.checked_add_offset(time_zone.offset_from_utc_datetime(&utc).fix()).unwrap_or(utc).date()
}

#[cfg(test)]
mod tests;
