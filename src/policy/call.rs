//! A call as somebody may see it.

use std::borrow::Cow;

use smol_str::SmolStr;

use super::Fields;
use super::digits::Secrets;
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
        if let Some(shown) = self.digits {
            let leads = leads.iter().map(SmolStr::as_str).filter(|lead| is_address(lead));
            let secrets = Secrets::of(leads.chain(call.number.as_deref()), shown);
            seen.number = call.number.as_deref().map(|number| self.address(number).into());
            seen.parent_call_id = seen.parent_call_id.map(|id| secrets.text(&id).into());
            seen.campaign = seen.campaign.map(|Campaign { id, name }| Campaign {
                id: secrets.text(&id).into_owned(),
                name: name.map(|name| secrets.text(&name).into_owned()),
            });
        }
        Cow::Owned(seen)
    }
}
