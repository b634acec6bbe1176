//! A timeline as somebody may see it: what goes out is masked, however much was read for it; and what is behind a mask that is given back.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::{SmolStr, format_smolstr};

use super::Fields;
use super::digits::{MASK, Secrets};
use super::mask::{Ids, Mask};
use crate::journey::timeline::{ChannelCount, Content, Day, Timeline};
use crate::journey::{Cursor, Interaction, Journey};

impl Fields {
    /// The timeline of a journey that was divided; `whole` is that, or the journey before. Nothing is copied where nothing is kept back.
    pub fn shown<'j>(&self, whole: &Journey, timeline: Timeline<&'j Interaction>) -> Timeline<Cow<'j, Interaction>> {
        let Timeline { period, sources, mut content } = timeline;
        let borrowed = |day: Day<&'j Interaction>| Day {
            date: day.date,
            interactions: day.interactions.into_iter().map(Cow::Borrowed).collect(),
        };
        let days = std::mem::take(&mut content.days).into_iter().map(borrowed).collect();
        let mut content = content.with(days);
        self.keep_back(&mut content);
        if let Some(shown) = self.digits {
            let secrets = self.secrets(whole, shown);
            self.mask(whole, &secrets, &mut content);
        }
        Timeline { period, sources, content }
    }

    fn keep_back(&self, content: &mut Content<Cow<'_, Interaction>>) {
        for contact in &mut content.contacts {
            if self.no_names {
                contact.name = None;
            }
            if self.no_scores {
                (contact.brief.score, contact.brief.score_change) = (None, None);
            }
        }
        for one in content.days.iter_mut().flat_map(|day| &mut day.interactions) {
            let has_score = one.previous_score.is_some() || one.current_score.is_some();
            if (self.no_comments && one.comments.is_some()) || (self.no_scores && has_score) {
                self.keep_back_of(one.to_mut());
            }
        }
    }

    pub(super) fn keep_back_of(&self, one: &mut Interaction) {
        if self.no_comments {
            one.comments = None;
        }
        if self.no_scores {
            (one.previous_score, one.current_score) = (None, None);
        }
    }

    fn mask(&self, whole: &Journey, secrets: &Secrets, content: &mut Content<Cow<'_, Interaction>>) {
        let mask = self.mask_of(whole, secrets, content);
        content.number = self.address(&content.number);
        content.contacts.iter_mut().for_each(|contact| mask.contact(contact));
        for campaign in &mut content.campaigns {
            mask.campaigns.show_text(&mut campaign.id);
            mask.optional(&mut campaign.name);
        }
        mask_channels(secrets, &mut content.channels);
        if let Some(older) = &mut content.older {
            self.mask_place(whole, &mask, older);
        }
        for one in content.days.iter_mut().flat_map(|day| &mut day.interactions) {
            mask.interaction(self, one.to_mut());
        }
    }

    /// A page that goes on in the middle of a moment says so by the id that is shown; where there is none, it begins with the moment.
    fn mask_place(&self, whole: &Journey, mask: &Mask<'_>, place: &mut Cursor) {
        let Some(id) = place.id.clone().filter(|id| !id.is_empty()) else { return };
        let look = |id: &str| mask.secrets.text(id).into_owned();
        if look(&id) == id.as_str() {
            return;
        }
        let shown = mask.interactions.shown(&id).cloned();
        let of_moment = || {
            let all = self.ids_of_moment(whole, place.at.timestamp_millis(), Some(&id), look);
            all.into_iter().find_map(|(one, shown)| (one.interaction_id == id).then_some(shown))
        };
        *place = Cursor { id: shown.or_else(of_moment), ..Cursor::in_front_of(place.at) };
        place.id.get_or_insert_default();
    }

    fn mask_of<'s>(&self, whole: &Journey, secrets: &'s Secrets, content: &Content<Cow<'_, Interaction>>) -> Mask<'s> {
        let page = || content.days.iter().flat_map(|day| &day.interactions).map(|one| -> &Interaction { one });
        let contacts = content.contacts.iter().map(|contact| contact.contact_id.as_str());
        let campaigns = content.campaigns.iter().map(|campaign| campaign.id.as_str());
        let last_agents = content.contacts.iter().filter_map(|contact| contact.brief.last_agent.as_deref());
        let agents = page().filter_map(|one| one.agent.as_deref()).chain(last_agents).map(|agent| agent.id.as_str());
        let on_page = page().filter_map(|one| one.campaign.as_deref()).map(|campaign| campaign.id.as_str());
        Mask {
            secrets,
            interactions: self.interaction_ids(whole, secrets, page()),
            contacts: Ids::of(contacts, page().filter_map(|one| one.contact_id.as_deref()), secrets),
            campaigns: Ids::of(campaigns, on_page, secrets),
            agents: Ids::of(agents, std::iter::empty(), secrets),
        }
    }

    /// Of a page. Of the moments with an id that is masked, the earlier ids are masked, too, as they may look the same.
    pub(super) fn interaction_ids<'i>(
        &self,
        whole: &Journey,
        secrets: &Secrets,
        page: impl Iterator<Item = &'i Interaction>,
    ) -> Ids {
        let mut looks: FxHashMap<&str, Cow<'_, str>> = FxHashMap::default();
        let mut last_of: BTreeMap<i64, &str> = BTreeMap::new();
        for one in page {
            let id = one.interaction_id.as_str();
            let masked = secrets.text(id);
            if matches!(masked, Cow::Owned(_)) {
                let last = last_of.entry(one.started_at.timestamp_millis()).or_insert(id);
                *last = (*last).max(id);
            }
            looks.insert(id, masked);
        }
        let mut all = Ids::default();
        for (millis, last) in last_of {
            let look =
                |id: &str| looks.get(id).cloned().map(Cow::into_owned).unwrap_or_else(|| secrets.text(id).into());
            for (one, shown) in self.ids_of_moment(whole, millis, Some(last), look) {
                if looks.contains_key(one.interaction_id.as_str()) {
                    all.insert(one.interaction_id.clone(), shown);
                }
            }
        }
        all
    }

    /// The masked ids among a millisecond's interactions, in the order of the ids, as they are shown. Others' are not counted.
    fn ids_of_moment<'w>(
        &self,
        whole: &'w Journey,
        millis: i64,
        last: Option<&str>,
        looks: impl Fn(&str) -> String,
    ) -> Vec<(&'w Interaction, SmolStr)> {
        let at = |one: &Interaction| one.started_at.timestamp_millis();
        let from = whole.interactions.partition_point(|one| at(one) > millis);
        let rest = &whole.interactions[from..];
        let moment = &rest[..rest.partition_point(|one| at(one) >= millis)];
        let is_asked = |one: &&Interaction| last.is_none_or(|last| one.interaction_id.as_str() <= last);
        let mut theirs: Vec<&Interaction> =
            moment.iter().filter(is_asked).filter(|one| !self.is_of_others(one)).collect();
        theirs.sort_by(|a, b| a.interaction_id.cmp(&b.interaction_id));
        let mark = base_36(millis);
        let mut alike: FxHashMap<String, usize> = FxHashMap::default();
        let shown = |one: &'w Interaction| {
            let look = looks(&one.interaction_id);
            if look == one.interaction_id {
                return None;
            }
            let nth = *alike.entry(look.clone()).and_modify(|nth| *nth += 1).or_insert(1);
            let shown = format_smolstr!("{look}~{mark}");
            Some((one, if nth == 1 { shown } else { format_smolstr!("{shown}.{nth}") }))
        };
        theirs.into_iter().filter_map(shown).collect()
    }

    /// The id of an interaction of this moment that is shown as `shown_id`. `None`: there is none, or this is not how it is shown.
    pub fn interaction_id(&self, whole: &Journey, shown_id: &str, at: DateTime<Utc>) -> Option<SmolStr> {
        self.behind(whole, shown_id, |secrets| {
            let all = self.ids_of_moment(whole, at.timestamp_millis(), None, |id| secrets.text(id).into());
            all.into_iter().find(|(_, shown)| shown == shown_id).map(|(one, _)| one.interaction_id.clone())
        })
    }

    /// The id of a campaign of the journey that is shown as `shown_id`, by the numbering of all of its campaigns.
    pub fn campaign_id(&self, whole: &Journey, shown_id: &str) -> Option<String> {
        let listed = whole.contacts.iter().flat_map(|contact| &contact.listed);
        let touched = whole.interactions.iter().filter_map(|one| one.campaign.as_deref());
        let ids = listed.chain(touched).map(|campaign| campaign.id.as_str()).filter(|id| !self.hides_campaign(id));
        let id =
            self.behind(whole, shown_id, |secrets| Ids::of(ids, std::iter::empty(), secrets).behind(shown_id).cloned());
        id.map(String::from)
    }

    /// The channel of the journey that is shown as `shown`: of several that look the same, the one used last.
    pub fn channel(&self, whole: &Journey, shown: &str) -> Option<String> {
        let theirs = whole.interactions.iter().filter(|one| !self.is_of_others(one));
        let channel = self.behind(whole, shown, |secrets| {
            let mut known = FxHashSet::default();
            let mut channels = theirs.map(|one| &one.channel).filter(|channel| known.insert(channel.as_str()));
            channels.find(|channel| secrets.text(channel) == shown).cloned()
        });
        channel.map(String::from)
    }

    /// What is shown as `shown`: masked, as `find` finds it, or as it is. Never by what is not shown: who could try whole numbers
    /// would find the one behind the mask.
    fn behind(&self, whole: &Journey, shown: &str, find: impl FnOnce(&Secrets) -> Option<SmolStr>) -> Option<SmolStr> {
        let Some(digits) = self.digits else { return Some(shown.into()) };
        let secrets = self.secrets(whole, digits);
        let masked = if shown.contains(MASK) { find(&secrets) } else { None };
        masked.or_else(|| matches!(secrets.text(shown), Cow::Borrowed(_)).then(|| shown.into()))
    }

    /// The address of an interaction that is shown under this id, in whole.
    pub fn address_behind(&self, journey: &Journey, shown_id: &str) -> Option<String> {
        let shown_as_it_is =
            journey.interactions.iter().find(|one| one.interaction_id == shown_id && !self.is_of_others(one));
        let Some(digits) = self.digits else { return shown_as_it_is.map(|one| one.address.to_string()) };
        let secrets = self.secrets(journey, digits);
        if let Some(one) = shown_as_it_is.filter(|_| matches!(secrets.text(shown_id), Cow::Borrowed(_))) {
            return Some(one.address.to_string());
        }
        let all = self.ids_of_moment(journey, moment_of(shown_id)?, None, |id| secrets.text(id).into());
        all.into_iter().find(|(_, shown)| shown == shown_id).map(|(one, _)| one.address.to_string())
    }
}

/// Channels that look the same are one.
fn mask_channels(secrets: &Secrets, channels: &mut Vec<ChannelCount>) {
    let mut places: FxHashMap<String, usize> = FxHashMap::default();
    let mut all: Vec<ChannelCount> = Vec::with_capacity(channels.len());
    for ChannelCount { channel, interactions } in channels.drain(..) {
        let channel = secrets.text(&channel).into_owned();
        let place = *places.entry(channel.clone()).or_insert(all.len());
        match all.get_mut(place) {
            Some(alike) => alike.interactions += interactions,
            None => all.push(ChannelCount { channel, interactions }),
        }
    }
    all.sort_by_key(|channel| std::cmp::Reverse(channel.interactions));
    *channels = all;
}

fn base_36(number: i64) -> String {
    let mut left = number.unsigned_abs();
    let mut digits = Vec::new();
    while left > 0 || digits.is_empty() {
        digits.extend(char::from_digit((left % 36) as u32, 36));
        left /= 36;
    }
    digits.extend((number < 0).then_some('-'));
    digits.into_iter().rev().collect()
}

/// The milliseconds that a masked interaction id ends with.
fn moment_of(shown_id: &str) -> Option<i64> {
    let (_, mark) = shown_id.rsplit_once('~')?;
    i64::from_str_radix(mark.split_once('.').map_or(mark, |(mark, _)| mark), 36).ok()
}
