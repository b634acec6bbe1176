//! What of a journey somebody may see at all. What is kept from them is not in it, so that no count made of it says that there is more.

use std::borrow::Cow;

use rustc_hash::FxHashSet;

use super::Fields;
use super::digits::Secrets;
use crate::journey::{Campaign, Interaction, Journey, KnownContact};

impl Fields {
    /// The journey without what belongs to other teams, and without contacts of whom nothing is left then.
    pub fn divided<'j>(&self, journey: &'j Journey) -> Cow<'j, Journey> {
        let hidden = |campaign: &Campaign| self.hides_campaign(&campaign.id);
        let of_others = |one: &&Interaction| self.is_of_others(one);
        let listed_by_others = |contact: &&KnownContact| contact.listed.iter().any(hidden);
        if self.divided.is_none()
            || (!journey.interactions.iter().any(|one| of_others(&one))
                && !journey.contacts.iter().any(|contact| listed_by_others(&contact)))
        {
            return Cow::Borrowed(journey);
        }
        let Journey { contacts, interactions, .. } = journey;
        let mut touched: FxHashSet<&str> =
            interactions.iter().filter(of_others).filter_map(|one| one.contact_id.as_deref()).collect();
        touched.extend(contacts.iter().filter(listed_by_others).map(|contact| contact.contact_id.as_str()));
        let theirs: Vec<&Interaction> = interactions.iter().filter(|one| !of_others(one)).collect();
        let kept: FxHashSet<&str> = theirs.iter().filter_map(|one| one.contact_id.as_deref()).collect();
        let contact = |contact: &KnownContact| {
            let listed: Vec<Campaign> = contact.listed.iter().filter(|campaign| !hidden(campaign)).cloned().collect();
            let id = contact.contact_id.as_str();
            let stays = !touched.contains(id) || !listed.is_empty() || kept.contains(id);
            stays.then(|| KnownContact { listed, ..contact.clone() })
        };
        let contacts = contacts.iter().filter_map(contact).collect();
        let interactions = theirs.into_iter().cloned().collect();
        let (number, leads, unread) = (journey.number.clone(), journey.leads.clone(), journey.unread.clone());
        // Of those who were not read, nobody knows whose they are: they are not told apart from those of others.
        Cow::Owned(Journey {
            number,
            leads,
            contacts,
            interactions,
            at_least: journey.at_least,
            unread,
            more_contacts: 0,
        })
    }

    /// Whether it is among what they may see.
    pub fn lets_see(&self, interaction: &Interaction) -> bool {
        !self.is_of_others(interaction)
    }

    pub(super) fn is_of_others(&self, interaction: &Interaction) -> bool {
        interaction.campaign.as_deref().is_some_and(|campaign| self.hides_campaign(&campaign.id))
    }

    /// The customer's number, and every address that leads to one of the people behind it. Those of all interactions, as masked ids
    /// must look the same on every page; hardly one leads nowhere.
    pub(super) fn secrets(&self, journey: &Journey, shown: u8) -> Secrets {
        let leads = journey.leads.iter().map(|lead| lead.as_str()).filter(|lead| is_address(lead));
        let touched = journey.interactions.iter().map(|interaction| interaction.address.as_str());
        let mut known = FxHashSet::default();
        let all = std::iter::once(journey.number.as_str()).chain(leads).chain(touched);
        Secrets::of(all.filter(|address| known.insert(*address)), shown)
    }
}

/// Among contacts' ids, which are anything.
pub(super) fn is_address(lead: &str) -> bool {
    lead.contains('@') || lead.strip_prefix('+').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
}
