//! A journey as somebody may see it. What is kept from them is not in it, so that no count made of it says that there is more.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::Fields;
use super::digits::Secrets;
use crate::journey::{Agent, Campaign, Interaction, Journey, KnownContact, Outcome};

impl Fields {
    /// The journey itself where nothing is kept from them: that costs nothing.
    pub fn journey<'j>(&self, journey: &'j Journey) -> Cow<'j, Journey> {
        if self.is_open() {
            return Cow::Borrowed(journey);
        }
        let mut seen = journey.clone();
        self.divide(&mut seen);
        for interaction in &mut seen.interactions {
            if self.no_comments {
                interaction.comments = None;
            }
            if self.no_scores {
                (interaction.previous_score, interaction.current_score) = (None, None);
            }
        }
        if self.no_names {
            seen.contacts.iter_mut().for_each(|contact| contact.name = None);
        }
        if let Some(shown) = self.digits {
            // Of what other teams see, too: a comment may name any of the person's numbers.
            Mask::of(&self.secrets(journey, shown), &seen).journey(self, &mut seen);
        }
        Cow::Owned(seen)
    }

    /// The address of an interaction that is shown under this id, in whole.
    pub fn address_behind(&self, journey: &Journey, shown_id: &str) -> Option<String> {
        let seen = self.journey(journey);
        let nth = seen.interactions.iter().position(|one| one.interaction_id == shown_id)?;
        // What belongs to others is not in what is seen; the order of the rest is the same.
        let mut theirs = journey.interactions.iter().filter(|one| !self.is_of_others(one));
        theirs.nth(nth).map(|one| one.address.to_string())
    }

    /// Whether it is among what they may see.
    pub fn lets_see(&self, interaction: &Interaction) -> bool {
        !self.is_of_others(interaction)
    }

    fn is_of_others(&self, interaction: &Interaction) -> bool {
        interaction.campaign.as_deref().is_some_and(|campaign| self.hides_campaign(&campaign.id))
    }

    /// Takes out what belongs to other teams, and contacts of whom nothing is left.
    fn divide(&self, journey: &mut Journey) {
        if self.divided.is_none() {
            return;
        }
        let hidden = |campaign: &Campaign| self.hides_campaign(&campaign.id);
        let of_others = |one: &Interaction| self.is_of_others(one);
        let mut touched: BTreeSet<SmolStr> =
            journey.interactions.iter().filter(|one| of_others(one)).filter_map(|one| one.contact_id.clone()).collect();
        journey.interactions.retain(|one| !of_others(one));
        for contact in &mut journey.contacts {
            let before = contact.listed.len();
            contact.listed.retain(|campaign| !hidden(campaign));
            if contact.listed.len() < before {
                touched.insert(contact.contact_id.as_str().into());
            }
        }
        let kept: BTreeSet<&str> = journey.interactions.iter().filter_map(|one| one.contact_id.as_deref()).collect();
        journey.contacts.retain(|KnownContact { contact_id, listed, .. }| {
            !touched.contains(contact_id.as_str()) || !listed.is_empty() || kept.contains(contact_id.as_str())
        });
    }

    /// The customer's number, and every address that leads to one of the people behind it.
    fn secrets(&self, journey: &Journey, shown: u8) -> Secrets {
        let leads = journey.leads.iter().map(SmolStr::as_str).filter(|lead| is_address(lead));
        let touched = journey.interactions.iter().map(|interaction| interaction.address.as_str());
        let mut all: Vec<&str> = leads.chain(touched).chain([journey.number.as_str()]).collect();
        all.sort_unstable();
        all.dedup();
        Secrets::of(all.into_iter(), shown)
    }
}

/// Among contacts' ids, which are anything.
pub(super) fn is_address(lead: &str) -> bool {
    lead.contains('@') || lead.strip_prefix('+').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Ids that hold what is masked → as they are shown. Two that look the same then are told apart by their order, which every
/// node has alike; a digest would be no mask, as whoever knows the last digits tries the others in a second.
struct Ids(FxHashMap<SmolStr, SmolStr>);

impl Ids {
    fn of<'a>(ids: impl Iterator<Item = &'a str>, secrets: &Secrets) -> Self {
        let mut alike: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for id in ids {
            if let Cow::Owned(shown) = secrets.text(id) {
                alike.entry(shown).or_default().insert(id);
            }
        }
        let mut all = FxHashMap::default();
        for (shown, ids) in alike {
            for (nth, id) in ids.into_iter().enumerate() {
                let shown = if nth == 0 { shown.as_str().into() } else { format!("{shown}~{}", nth + 1).into() };
                all.insert(id.into(), shown);
            }
        }
        Self(all)
    }

    fn shown(&self, id: &str) -> Option<&SmolStr> {
        self.0.get(id)
    }

    fn show(&self, id: &mut SmolStr) {
        if let Some(shown) = self.0.get(id.as_str()) {
            id.clone_from(shown);
        }
    }
}

/// What is masked in one journey.
struct Mask<'s> {
    secrets: &'s Secrets,
    interactions: Ids,
    contacts: Ids,
    campaigns: Ids,
    agents: Ids,
}

impl<'s> Mask<'s> {
    fn of(secrets: &'s Secrets, journey: &Journey) -> Self {
        let all = || journey.interactions.iter();
        let contacts = journey.contacts.iter().map(|contact| contact.contact_id.as_str());
        let listed = journey.contacts.iter().flat_map(|contact| &contact.listed).map(|campaign| campaign.id.as_str());
        let campaigns = all().filter_map(|one| one.campaign.as_deref()).map(|campaign| campaign.id.as_str());
        let agents = all().filter_map(|one| one.agent.as_deref()).map(|agent| agent.id.as_str());
        Self {
            secrets,
            interactions: Ids::of(all().map(|one| one.interaction_id.as_str()), secrets),
            contacts: Ids::of(all().filter_map(|one| one.contact_id.as_deref()).chain(contacts), secrets),
            campaigns: Ids::of(listed.chain(campaigns), secrets),
            agents: Ids::of(agents, secrets),
        }
    }

    fn journey(&self, fields: &Fields, journey: &mut Journey) {
        journey.number = fields.address(&journey.number);
        for contact in &mut journey.contacts {
            if let Some(shown) = self.contacts.shown(&contact.contact_id) {
                contact.contact_id = shown.to_string();
            }
            self.optional(&mut contact.name);
            contact.listed.iter_mut().for_each(|campaign| self.campaign(campaign));
        }
        for interaction in &mut journey.interactions {
            self.interaction(fields, interaction);
        }
    }

    fn interaction(&self, fields: &Fields, one: &mut Interaction) {
        one.address = fields.address(&one.address).into();
        self.interactions.show(&mut one.interaction_id);
        if let Some(contact_id) = &mut one.contact_id {
            self.contacts.show(contact_id);
        }
        if let Some(comments) = &mut one.comments
            && let Cow::Owned(masked) = self.secrets.comment(comments)
        {
            *comments = masked.into();
        }
        for text in [Some(&mut one.channel), one.mode.as_mut()].into_iter().flatten() {
            if let Cow::Owned(masked) = self.secrets.text(text) {
                *text = masked.into();
            }
        }
        rewrite(&mut one.campaign, |campaign: &mut Campaign| self.campaign(campaign));
        rewrite(&mut one.outcome, |outcome: &mut Outcome| self.outcome(outcome));
        rewrite(&mut one.agent, |agent: &mut Agent| {
            if let Some(shown) = self.agents.shown(&agent.id) {
                agent.id = shown.to_string();
            }
            self.optional(&mut agent.name);
        });
    }

    fn campaign(&self, campaign: &mut Campaign) {
        if let Some(shown) = self.campaigns.shown(&campaign.id) {
            campaign.id = shown.to_string();
        }
        self.optional(&mut campaign.name);
    }

    fn outcome(&self, outcome: &mut Outcome) {
        if let Cow::Owned(masked) = self.secrets.text(&outcome.code) {
            outcome.code = masked;
        }
        [&mut outcome.label, &mut outcome.parent, &mut outcome.telephony]
            .into_iter()
            .for_each(|text| self.optional(text));
    }

    fn optional(&self, text: &mut Option<String>) {
        if let Some(Cow::Owned(masked)) = text.as_deref().map(|text| self.secrets.text(text)) {
            *text = Some(masked);
        }
    }
}

/// What many share is copied only where it changes.
fn rewrite<T: Clone + PartialEq>(shared: &mut Option<Arc<T>>, change: impl FnOnce(&mut T)) {
    let Some(before) = shared else { return };
    let mut after = T::clone(before);
    change(&mut after);
    if after != **before {
        *before = Arc::new(after);
    }
}
