//! Masks what one journey's records carry: ids, so that they are still told apart, and texts.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::Fields;
use super::digits::Secrets;
use crate::journey::timeline::{Brief, ContactSummary};
use crate::journey::{Agent, Campaign, Interaction, Outcome};

/// Ids that hold what is masked → as they are shown. Two that look the same then are told apart by their order, which every
/// node has alike; a digest would be no mask, as whoever knows the last digits tries the others in a second.
#[derive(Default)]
pub(super) struct Ids(FxHashMap<SmolStr, SmolStr>);

impl Ids {
    /// Numbers those of `first` before the rest, so that these stay as they are whatever the rest is.
    pub fn of<'a>(
        first: impl Iterator<Item = &'a str>,
        rest: impl Iterator<Item = &'a str>,
        secrets: &Secrets,
    ) -> Self {
        let (first, rest): (BTreeSet<&str>, BTreeSet<&str>) = (first.collect(), rest.collect());
        let mut alike: FxHashMap<String, usize> = FxHashMap::default();
        let mut all = FxHashMap::default();
        for id in first.iter().chain(rest.difference(&first)) {
            if let Cow::Owned(looks) = secrets.text(id) {
                let nth = alike.entry(looks.clone()).and_modify(|nth| *nth += 1).or_insert(1);
                all.insert((*id).into(), if *nth == 1 { looks.into() } else { format!("{looks}~{nth}").into() });
            }
        }
        Self(all)
    }

    pub fn insert(&mut self, id: SmolStr, shown: SmolStr) {
        self.0.insert(id, shown);
    }

    /// As it is shown, where that is not as it is.
    pub fn shown(&self, id: &str) -> Option<&SmolStr> {
        self.0.get(id)
    }

    /// The id that is shown like this.
    pub fn behind(&self, shown: &str) -> Option<&SmolStr> {
        self.0.iter().find(|(_, looks)| *looks == shown).map(|(id, _)| id)
    }

    fn show(&self, id: &mut SmolStr) {
        if let Some(shown) = self.0.get(id.as_str()) {
            id.clone_from(shown);
        }
    }

    pub fn show_text(&self, id: &mut String) {
        if let Some(shown) = self.0.get(id.as_str()) {
            *id = shown.to_string();
        }
    }
}

/// What is masked in one timeline.
pub(super) struct Mask<'s> {
    pub secrets: &'s Secrets,
    pub interactions: Ids,
    pub contacts: Ids,
    pub campaigns: Ids,
    pub agents: Ids,
}

impl Mask<'_> {
    pub fn contact(&self, contact: &mut ContactSummary) {
        self.contacts.show_text(&mut contact.contact_id);
        self.optional(&mut contact.name);
        self.optional(&mut contact.time_zone);
        let Brief { last_channel, last_outcome, last_agent, last_reached_mode, .. } = &mut contact.brief;
        [last_channel, last_reached_mode].into_iter().flatten().for_each(|text| self.text(text));
        rewrite(last_outcome, |outcome| self.outcome(outcome));
        rewrite(last_agent, |agent| self.agent(agent));
    }

    pub fn interaction(&self, fields: &Fields, one: &mut Interaction) {
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
        [Some(&mut one.channel), one.mode.as_mut()].into_iter().flatten().for_each(|text| self.text(text));
        rewrite(&mut one.campaign, |campaign| self.campaign(campaign));
        rewrite(&mut one.outcome, |outcome| self.outcome(outcome));
        rewrite(&mut one.agent, |agent| self.agent(agent));
    }

    pub fn campaign(&self, Campaign { id, name }: &mut Campaign) {
        self.campaigns.show_text(id);
        self.optional(name);
    }

    fn agent(&self, Agent { id, name }: &mut Agent) {
        self.agents.show_text(id);
        self.optional(name);
    }

    fn outcome(&self, outcome: &mut Outcome) {
        if let Cow::Owned(masked) = self.secrets.text(&outcome.code) {
            outcome.code = masked;
        }
        [&mut outcome.label, &mut outcome.parent, &mut outcome.telephony]
            .into_iter()
            .for_each(|text| self.optional(text));
    }

    fn text(&self, text: &mut SmolStr) {
        if let Cow::Owned(masked) = self.secrets.text(text) {
            *text = masked.into();
        }
    }

    pub fn optional(&self, text: &mut Option<String>) {
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
