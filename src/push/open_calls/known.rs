//! What is kept of one call at one agent. Its size does not grow with the events of the call.

use std::cmp::Ordering;
use std::collections::VecDeque;

use smol_str::SmolStr;

use super::Origin;
use crate::arrival::CallState;
use crate::journey::Campaign;
use crate::push::Call;

/// Campaigns of one call whose names are remembered. Nearly every call has one; beyond these the name that was learned first goes,
/// so only of a call with more campaigns does the order of arrival decide which names are known.
pub const NAMED_MAX: usize = 4;

#[derive(Debug)]
pub struct Known {
    /// The event that holds: greatest `at`, then state.
    pub call: Call,
    pub heard: Origin,
    /// Any event ever said so, though a later one may hold.
    offered: bool,
    answered: bool,
    /// Campaigns whose names are known, from any event of the call or from a timeline: most events carry the id alone.
    named: VecDeque<Campaign>,
}

impl Known {
    pub fn of(call: Call, heard: Origin) -> Self {
        let mut known = Self { call, heard, offered: false, answered: false, named: VecDeque::new() };
        known.take_in(known.call.state, known.call.campaign.clone());
        known
    }

    /// Keeps the event if it is later than what is kept; what it says for ever, in any case. `false`: it was not later.
    pub fn hear(&mut self, call: Call, heard: Origin) -> bool {
        let (state, campaign) = (call.state, call.campaign.clone());
        let is_news = order(&self.call, &call) == Ordering::Less;
        if is_news {
            (self.call, self.heard) = (call, heard);
        }
        self.take_in(state, campaign);
        is_news
    }

    fn take_in(&mut self, state: CallState, campaign: Option<Campaign>) {
        self.offered |= state == CallState::Offered;
        self.answered |= matches!(state, CallState::Connected | CallState::WrapUp);
        if let Some(campaign) = &campaign {
            self.learn_name(campaign);
        }
        self.tell_name();
    }

    /// The agent was on the call, not only offered it.
    pub fn was_answered(&self) -> bool {
        self.answered
    }

    /// Of the agent nothing but offers and ends was ever heard.
    pub fn was_only_offered(&self) -> bool {
        self.offered && !self.answered
    }

    pub fn learn_name(&mut self, campaign: &Campaign) {
        if campaign.name.is_some() && !self.named.iter().any(|named| named.id == campaign.id) {
            if self.named.len() == NAMED_MAX {
                self.named.pop_front();
            }
            self.named.push_back(campaign.clone());
        }
    }

    pub fn tell_name(&mut self) {
        if let Some(campaign) = self.call.campaign.as_mut().filter(|campaign| campaign.name.is_none()) {
            let named = self.named.iter().find(|named| named.id == campaign.id);
            campaign.name = named.and_then(|named| named.name.clone());
        }
    }

    #[cfg(test)]
    pub fn names(&self) -> usize {
        self.named.len()
    }
}

/// Which of two events of a call holds, whatever order they arrive in. Two that differ in nothing else are told apart by
/// what they say, so that every node believes the same one.
fn order(a: &Call, b: &Call) -> Ordering {
    fn says(call: &Call) -> (&Option<SmolStr>, Option<&str>, &Option<SmolStr>, u8) {
        let campaign = call.campaign.as_ref().map(|campaign| campaign.id.as_str());
        (&call.number, campaign, &call.parent_call_id, call.direction as u8)
    }
    (a.at, a.state).cmp(&(b.at, b.state)).then_with(|| says(a).cmp(&says(b)))
}
