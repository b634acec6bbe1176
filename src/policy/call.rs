//! A call as somebody may see it.

use std::borrow::Cow;

use smol_str::SmolStr;

use super::Fields;
use super::digits::{self, Secrets};
use super::journey::is_address;
use crate::journey::Campaign;
use crate::push::Call;

impl Fields {
    /// `leads` are those of the customer's timeline: texts of the call may hold any of the person's addresses.
    pub fn call<'c>(&self, call: &'c Call, leads: &[SmolStr]) -> Cow<'c, Call> {
        if self.is_open() {
            return Cow::Borrowed(call);
        }
        let mut seen = call.clone();
        seen.campaign = seen.campaign.filter(|campaign| !self.hides_campaign(&campaign.id));
        seen.number = seen.number.map(|number| self.address(&number).into());
        if let Some(shown) = self.digits.filter(|_| may_hold_an_address(&seen)) {
            let leads = leads.iter().map(SmolStr::as_str).filter(|lead| is_address(lead));
            let secrets = Secrets::of(leads.chain(call.number.as_deref()), shown);
            seen.parent_call_id = seen.parent_call_id.map(|id| secrets.text(&id).into());
            seen.campaign = seen.campaign.map(|Campaign { id, name }| Campaign {
                id: secrets.text(&id).into_owned(),
                name: name.map(|name| secrets.text(&name).into_owned()),
            });
        }
        Cow::Owned(seen)
    }
}

/// Whether it has a text that could: leads may be many, and most calls' texts have no digit.
fn may_hold_an_address(Call { campaign, parent_call_id, .. }: &Call) -> bool {
    let campaign = campaign.iter().flat_map(|Campaign { id, name }| [Some(id.as_str()), name.as_deref()]).flatten();
    campaign.chain(parent_call_id.as_deref()).any(digits::may_hold_an_address)
}
