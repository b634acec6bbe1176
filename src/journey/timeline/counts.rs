//! What is counted of a journey: of each contact, campaign and channel. Each interaction is looked at once.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use rustc_hash::FxHashMap;

use super::{Ask, Brief, CampaignCount, ChannelCount, ContactSummary};
use crate::journey::{Campaign, Direction, Interaction, KnownContact, OutcomeClass};

/// Those who were reached last, and how many others there are.
pub fn contacts(known: &[KnownContact], interactions: &[Interaction], ask: &Ask) -> (Vec<ContactSummary>, usize) {
    let mut own: FxHashMap<&str, Counting> =
        known.iter().map(|contact| (contact.contact_id.as_str(), Counting::default())).collect();
    for interaction in interactions {
        let counting = interaction.contact_id.as_deref().and_then(|id| own.get_mut(id));
        counting.into_iter().for_each(|counting| counting.take(interaction, ask.now));
    }
    let mut summaries: Vec<ContactSummary> = known
        .iter()
        .map(|contact| {
            let Counting { interactions, brief, .. } = own.remove(contact.contact_id.as_str()).unwrap_or_default();
            ContactSummary {
                contact_id: contact.contact_id.clone(),
                name: contact.name.clone(),
                time_zone: contact.time_zone.clone(),
                interactions,
                at_least: contact.at_least,
                last_at: brief.last_at,
                brief,
            }
        })
        .collect();
    summaries.sort_by(|a, b| b.last_at.cmp(&a.last_at).then_with(|| a.contact_id.cmp(&b.contact_id)));
    let more = summaries.len().saturating_sub(ask.limits.contacts_max);
    summaries.truncate(ask.limits.contacts_max);
    (summaries, more)
}

/// Arithmetic over one contact's interactions, which come newest first.
#[derive(Default)]
struct Counting {
    interactions: usize,
    brief: Brief,
    /// There was a success.
    is_broken: bool,
}

impl Counting {
    fn take(&mut self, interaction: &Interaction, now: DateTime<Utc>) {
        self.interactions += 1;
        let (brief, class) = (&mut self.brief, interaction.class());
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
        self.is_broken |= class == OutcomeClass::Success;
        brief.failures_in_a_row += usize::from(!self.is_broken && class == OutcomeClass::Failure);
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
}

/// By id: of more than `most`, those that were used last, then the first ones; and how many others there are.
pub fn campaigns(known: &[KnownContact], interactions: &[Interaction], most: usize) -> (Vec<CampaignCount>, usize) {
    let mut counts: BTreeMap<&str, (Option<DateTime<Utc>>, CampaignCount)> = BTreeMap::new();
    let listed = known.iter().flat_map(|contact| &contact.listed).map(|campaign| (campaign, None));
    let touched = interactions.iter().filter_map(|one| Some((one.campaign.as_deref()?, Some(one.started_at))));
    for (campaign, used_at) in listed.chain(touched) {
        let (last_at, count) = counts.entry(&campaign.id).or_insert_with(|| (None, uncounted(campaign)));
        count.listed |= used_at.is_none();
        count.interactions += usize::from(used_at.is_some());
        *last_at = (*last_at).max(used_at);
        if count.name.is_none() {
            count.name.clone_from(&campaign.name);
        }
    }
    let more = counts.len().saturating_sub(most);
    let mut counts: Vec<(Option<DateTime<Utc>>, CampaignCount)> = counts.into_values().collect();
    if more > 0 {
        counts.sort_by_key(|(last_at, _)| Reverse(*last_at)); // stable: by id where none was used
        counts.truncate(most);
        counts.sort_by(|(_, a), (_, b)| a.id.cmp(&b.id));
    }
    (counts.into_iter().map(|(_, count)| count).collect(), more)
}

fn uncounted(campaign: &Campaign) -> CampaignCount {
    CampaignCount { id: campaign.id.clone(), name: None, listed: false, interactions: 0 }
}

/// Most interactions first, and how many others there are.
pub fn channels<'a>(interactions: impl Iterator<Item = &'a Interaction>, most: usize) -> (Vec<ChannelCount>, usize) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for interaction in interactions {
        *counts.entry(&interaction.channel).or_default() += 1;
    }
    let more = counts.len().saturating_sub(most);
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, interactions)| Reverse(*interactions)); // stable: by name within a count
    counts.truncate(most);
    let count = |(channel, interactions): (&str, usize)| ChannelCount { channel: channel.to_owned(), interactions };
    (counts.into_iter().map(count).collect(), more)
}
