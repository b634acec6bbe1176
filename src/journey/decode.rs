//! What a record becomes before any store sees it: the one rule for what may be kept, alike for topics, files and tools. Nothing is
//! refused that can be kept with a mark.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, OutOfRangeError, TimeDelta, Utc};
use rlibphonenumber::Region;

use super::{Agent, Campaign, Contact, ContactAddress, Direction, Interaction, NoIds, Outcome, Regions, Source};
use crate::config::Settings;
use crate::phone;
use crate::record::text::{self, Text};
use crate::record::{self, Field, Holds, Mark, Marks, Refusal, Times, times};

/// Addresses of a contact that are kept: more are not one person's.
const ADDRESSES_MAX: usize = 100;
/// Entries of `addresses` that are read to find those, repeated and unusable ones included.
const ADDRESSES_READ_MAX: usize = 1000;
/// `kafka.record_ahead_max` where nothing else is said.
const AHEAD_MAX: TimeDelta = TimeDelta::minutes(5);

const INTERACTION: &[Field] = &[
    ("interactionId", Holds::Id, true),
    ("source", Holds::OneOf(Source::NAMES), true),
    ("address", Holds::Id, true),
    ("channel", Holds::Text, true),
    ("startedAt", Holds::Time, true),
    ("contactId", Holds::Id, false),
    ("campaign", Holds::Object, false),
    ("campaign.id", Holds::Id, false),
    ("campaign.name", Holds::Text, false),
    ("mode", Holds::Text, false),
    ("direction", Holds::OneOf(Direction::NAMES), false),
    ("endedAt", Holds::Time, false),
    ("outcome", Holds::Object, false),
    ("outcome.code", Holds::Id, false),
    ("outcome.label", Holds::Text, false),
    ("outcome.parent", Holds::Text, false),
    ("outcome.telephony", Holds::Text, false),
    ("outcome.reached", Holds::Truth, false),
    ("previousScore", Holds::Number, false),
    ("currentScore", Holds::Number, false),
    ("agent", Holds::Object, false),
    ("agent.id", Holds::Id, false),
    ("agent.name", Holds::Text, false),
    ("comments", Holds::Text, false),
    ("updatedAt", Holds::Time, false),
];

const CONTACT: &[Field] = &[
    ("contactId", Holds::Id, true),
    ("addresses", Holds::List, false),
    ("name", Holds::Text, false),
    ("timeZone", Holds::Text, false),
    ("campaign", Holds::Object, false),
    ("campaign.id", Holds::Id, false),
    ("campaign.name", Holds::Text, false),
    ("listedAt", Holds::Time, false),
    ("mergedInto", Holds::Id, false),
    ("updatedAt", Holds::Time, false),
];

/// What an administrator says about reading records.
#[derive(Debug, Clone)]
pub struct Rules {
    pub regions: Regions,
    pub no_ids: Arc<NoIds>,
    /// `kafka.record_ahead_max`.
    pub ahead_max: TimeDelta,
}

impl From<Regions> for Rules {
    fn from(regions: Regions) -> Self {
        Self { regions, no_ids: Arc::default(), ahead_max: AHEAD_MAX }
    }
}

impl Rules {
    pub fn of_settings(settings: &Settings) -> Result<Self, OutOfRangeError> {
        Ok(Self {
            regions: Regions::of_settings(&settings.journey),
            no_ids: Arc::new(NoIds::with(&settings.journey.no_ids)),
            ahead_max: TimeDelta::from_std(*settings.kafka.record_ahead_max)?,
        })
    }

    /// Reads an interaction from JSON, its address as it is kept.
    pub fn interaction(&self, value: &[u8], times: Times, marks: &mut Marks) -> Result<Interaction, Refusal> {
        let mut read: Interaction = record::read(value, INTERACTION, marks)?;
        text::required_id("interactionId", &mut read.interaction_id)?;
        read.contact_id = self.id("contactId", read.contact_id, marks)?;
        text::label("channel", &mut read.channel, marks);
        if read.channel.trim().is_empty() {
            return Err(Refusal::Empty("channel"));
        }
        text::optional_label("mode", &mut read.mode, marks);
        read.campaign = shared(read.campaign, |campaign| of_campaign(campaign, marks))?;
        read.outcome = shared(read.outcome, |outcome| of_outcome(outcome, marks))?;
        read.agent = shared(read.agent, |agent| of_agent(agent, marks))?;
        text::comments("comments", &mut read.comments, marks);
        text::id("address", &mut read.address)?;
        match phone::address(&read.address, self.regions.of(read.source)) {
            Some(address) => read.address = address.into(),
            // An anonymous call of a known contact is found through the contact.
            None if read.contact_id.is_some() => {}
            None => return Err(Refusal::NoAddress),
        }
        read.started_at = times.starts("startedAt", read.started_at)?;
        read.ended_at = times::optional("endedAt", read.ended_at, marks);
        read.updated_at = Some(times.updated("updatedAt", read.updated_at, Some(read.started_at), marks));
        Ok(read)
    }

    /// Reads a contact from JSON, its addresses as they are kept.
    pub fn contact(&self, value: &[u8], times: Times, marks: &mut Marks) -> Result<Contact, Refusal> {
        let mut read: Contact = record::read(value, CONTACT, marks)?;
        text::required_id("contactId", &mut read.contact_id)?;
        if self.no_ids.has(&read.contact_id) {
            return Err(Refusal::NoId("contactId"));
        }
        read.merged_into = self.id("mergedInto", read.merged_into, marks)?;
        text::optional_label("name", &mut read.name, marks);
        text::optional_label("timeZone", &mut read.time_zone, marks);
        if read.time_zone.take_if(|name| name.parse::<chrono_tz::Tz>().is_err()).is_some() {
            marks.set(Mark::UnknownTimeZone("timeZone"));
        }
        read.campaign = match read.campaign.take() {
            Some(mut campaign) => of_campaign(&mut campaign, marks)?.then_some(campaign),
            None => None,
        };
        self.addresses(&mut read, marks)?;
        read.listed_at = times::optional("listedAt", read.listed_at, marks);
        read.updated_at = Some(times.updated("updatedAt", read.updated_at, read.listed_at, marks));
        Ok(read)
    }

    /// An id that need not be there. One that is none is left out: taken for an id it would join strangers.
    fn id<T: Text>(&self, name: &'static str, id: Option<T>, marks: &mut Marks) -> Result<Option<T>, Refusal> {
        let Some(mut id) = id else { return Ok(None) };
        text::id(name, &mut id)?;
        if self.no_ids.has(id.as_ref()) {
            marks.set(Mark::NoId(name));
            return Ok(None);
        }
        Ok(Some(id))
    }

    /// Each once, those that nobody can be looked up by left out.
    fn addresses(&self, contact: &mut Contact, marks: &mut Marks) -> Result<(), Refusal> {
        let mut kept: Vec<ContactAddress> = Vec::new();
        let mut seen = BTreeSet::new();
        for (nth, mut known) in std::mem::take(&mut contact.addresses).into_iter().enumerate() {
            if nth == ADDRESSES_READ_MAX || kept.len() == ADDRESSES_MAX {
                marks.set(Mark::AddressesLeftOut(ADDRESSES_MAX));
                break;
            }
            match text::id("addresses", &mut known.address) {
                Err(Refusal::TooLong(..)) => {
                    marks.set(Mark::AddressTooLong);
                    continue;
                }
                read => read?,
            }
            let Some(address) = phone::address(&known.address, self.regions.general) else { continue };
            if seen.insert(address.clone()) {
                text::optional_label("addresses.mode", &mut known.mode, marks);
                kept.push(ContactAddress { address, ..known });
            }
        }
        contact.addresses = kept;
        Ok(())
    }
}

/// Interactions share their parts. `rule` tells whether the part says anything.
fn shared<T: Clone>(
    part: Option<Arc<T>>,
    rule: impl FnOnce(&mut T) -> Result<bool, Refusal>,
) -> Result<Option<Arc<T>>, Refusal> {
    let Some(mut part) = part else { return Ok(None) };
    Ok(rule(Arc::make_mut(&mut part))?.then_some(part))
}

/// Without an id it is no campaign: in a contact's record it would be the contact itself.
fn of_campaign(campaign: &mut Campaign, marks: &mut Marks) -> Result<bool, Refusal> {
    text::id("campaign.id", &mut campaign.id)?;
    text::optional_label("campaign.name", &mut campaign.name, marks);
    Ok(!campaign.id.trim().is_empty())
}

fn of_outcome(outcome: &mut Outcome, marks: &mut Marks) -> Result<bool, Refusal> {
    text::id("outcome.code", &mut outcome.code)?;
    text::optional_label("outcome.label", &mut outcome.label, marks);
    text::optional_label("outcome.parent", &mut outcome.parent, marks);
    text::optional_label("outcome.telephony", &mut outcome.telephony, marks);
    Ok(true)
}

fn of_agent(agent: &mut Agent, marks: &mut Marks) -> Result<bool, Refusal> {
    text::id("agent.id", &mut agent.id)?;
    text::optional_label("agent.name", &mut agent.name, marks);
    Ok(true)
}

impl Interaction {
    /// Reads one by the rules that hold where no settings say more. `at` is the record's own time.
    pub fn read(value: &[u8], regions: impl Into<Regions>, at: DateTime<Utc>) -> Result<Self, Refusal> {
        let rules = Rules::from(regions.into());
        rules.interaction(value, Times::of_record(Some(at), rules.ahead_max), &mut Marks::default())
    }
}

impl Contact {
    /// As above.
    pub fn read(value: &[u8], region: Region, at: DateTime<Utc>) -> Result<Self, Refusal> {
        let rules = Rules::from(Regions::from(region));
        rules.contact(value, Times::of_record(Some(at), rules.ahead_max), &mut Marks::default())
    }
}
