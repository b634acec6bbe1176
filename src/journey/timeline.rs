//! A journey prepared for an agent: in the period, filtered, grouped by day, newest first, counted. Pure: `now` is an argument.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Days, Months, NaiveDate, NaiveTime, Offset as _, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use smol_str::SmolStr;

use super::{Agent, Direction, Interaction, Journey, KnownContact, Outcome, OutcomeClass, SourceState, rfc3339};
use crate::phone;

/// What the agent wants to see of a journey.
#[derive(Debug, Clone)]
pub struct Ask {
    pub now: DateTime<Utc>,
    /// 3, 6, 9 or 12.
    pub months: u32,
    pub time_zone: Tz,
    pub campaign: Option<String>,
    pub channel: Option<String>,
    /// Only interactions that started earlier: the next page.
    pub before: Option<DateTime<Utc>>,
    pub interactions_max: usize,
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
    /// The people behind the number, most interactions first. More than one: candidates, nobody guesses.
    pub contacts: Vec<ContactSummary>,
    /// By id.
    pub campaigns: Vec<CampaignCount>,
    /// Those of the chosen campaign, most interactions first.
    pub channels: Vec<ChannelCount>,
    /// Newest first, each with its interactions newest first.
    pub days: Vec<Day<I>>,
    /// Interactions in the period, before any filter.
    pub total: usize,
    /// Of these, how many the filters let through (page by page: still those of the whole period).
    pub matching: usize,
    /// Of these, how many are in `days`.
    pub shown: usize,
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
        let Self { number, number_as_given, time_zone, contacts, campaigns, channels, days: _, total, matching, shown } =
            self;
        Content { number, number_as_given, time_zone, contacts, campaigns, channels, days, total, matching, shown }
    }
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
    let of_campaign = |interaction: &&Interaction| {
        ask.campaign.as_deref().is_none_or(|id| interaction.campaign.as_ref().is_some_and(|campaign| campaign.id == id))
    };
    let matching: Vec<&Interaction> = interactions
        .iter()
        .filter(of_campaign)
        .filter(|interaction| ask.channel.as_deref().is_none_or(|channel| interaction.channel == channel))
        .collect();
    let page = page(&matching, ask);
    let content = Content {
        number: journey.number.clone(),
        number_as_given: phone::is_as_given(&journey.number),
        time_zone: ask.time_zone,
        contacts: contacts(&journey.contacts, interactions, ask.now),
        campaigns: campaigns(&journey.contacts, interactions),
        channels: channels(interactions.iter().filter(of_campaign)),
        days: days(page, ask.time_zone),
        total: interactions.len(),
        matching: matching.len(),
        shown: page.len(),
    };
    Timeline { period, sources, content }
}

/// At most `interactions_max`, never ending between two of the same moment, so that `before` finds exactly the rest.
fn page<'a, 'b>(matching: &'b [&'a Interaction], ask: &Ask) -> &'b [&'a Interaction] {
    let first = ask.before.map_or(0, |before| matching.partition_point(|interaction| interaction.started_at >= before));
    let rest = &matching[first..];
    if rest.len() <= ask.interactions_max {
        return rest;
    }
    let cut_at = rest[ask.interactions_max].started_at;
    match rest.partition_point(|interaction| interaction.started_at > cut_at) {
        // So many at one moment: all of them, rather than none.
        0 => &rest[..rest.partition_point(|interaction| interaction.started_at >= cut_at)],
        whole => &rest[..whole],
    }
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

fn contacts(known: &[KnownContact], interactions: &[Interaction], now: DateTime<Utc>) -> Vec<ContactSummary> {
    let mut summaries: Vec<ContactSummary> = known
        .iter()
        .map(|contact| {
            let own = || interactions.iter().filter(|i| i.contact_id.as_deref() == Some(&contact.contact_id));
            let brief = brief(own(), now);
            ContactSummary {
                contact_id: contact.contact_id.clone(),
                name: contact.name.clone(),
                time_zone: contact.time_zone.clone(),
                interactions: own().count(),
                last_at: brief.last_at,
                brief,
            }
        })
        .collect();
    summaries.sort_by(|a, b| b.interactions.cmp(&a.interactions).then_with(|| a.contact_id.cmp(&b.contact_id)));
    summaries
}

/// Arithmetic over one contact's interactions, newest first.
fn brief<'a>(newest_first: impl Iterator<Item = &'a Interaction>, now: DateTime<Utc>) -> Brief {
    let mut brief = Brief::default();
    let mut unbroken = true;
    for interaction in newest_first {
        let class = interaction.class();
        if brief.last_at.is_none() {
            brief.last_at = Some(interaction.started_at);
            brief.last_channel = Some(interaction.channel.clone());
            brief.last_outcome = interaction.outcome.clone();
            brief.last_agent = interaction.agent.clone();
        }
        if matches!(interaction.direction, Some(Direction::Outbound | Direction::ManualOutbound)) {
            brief.attempts7d += usize::from(interaction.started_at >= now - TimeDelta::days(7));
            brief.attempts30d += usize::from(interaction.started_at >= now - TimeDelta::days(30));
        }
        unbroken &= class != OutcomeClass::Success;
        brief.failures_in_a_row += usize::from(unbroken && class == OutcomeClass::Failure);
        let reached = interaction.outcome.as_ref().and_then(|outcome| outcome.reached);
        if brief.last_reached_at.is_none() && reached.unwrap_or(class != OutcomeClass::Neutral) {
            brief.last_reached_at = Some(interaction.started_at);
            brief.last_reached_mode = interaction.mode.clone();
        }
        if brief.score.is_none() && interaction.current_score.is_some() {
            brief.score = interaction.current_score;
            brief.score_change =
                interaction.current_score.zip(interaction.previous_score).map(|(now, before)| now - before);
        }
    }
    brief
}

fn campaigns(known: &[KnownContact], interactions: &[Interaction]) -> Vec<CampaignCount> {
    let mut counts: BTreeMap<&str, CampaignCount> = BTreeMap::new();
    let listed = known.iter().flat_map(|contact| &contact.listed).map(|campaign| (campaign, true, 0));
    let touched = interactions.iter().filter_map(|i| i.campaign.as_deref()).map(|campaign| (campaign, false, 1));
    for (campaign, listed, interactions) in listed.chain(touched) {
        let entry = counts.entry(&campaign.id).or_insert_with(|| CampaignCount {
            id: campaign.id.clone(),
            name: None,
            listed: false,
            interactions: 0,
        });
        entry.listed |= listed;
        entry.interactions += interactions;
        entry.name = entry.name.take().or_else(|| campaign.name.clone());
    }
    counts.into_values().collect()
}

fn channels<'a>(interactions: impl Iterator<Item = &'a Interaction>) -> Vec<ChannelCount> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for interaction in interactions {
        *counts.entry(&interaction.channel).or_default() += 1;
    }
    let mut channels: Vec<ChannelCount> = counts
        .into_iter()
        .map(|(channel, interactions)| ChannelCount { channel: channel.to_owned(), interactions })
        .collect();
    channels.sort_by_key(|channel| std::cmp::Reverse(channel.interactions)); // stable: by name within a count
    channels
}

#[cfg(test)]
mod tests;
