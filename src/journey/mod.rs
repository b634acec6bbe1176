//! 2 know: the words of a journey (interaction, contact, campaign, outcome) as records carry them and as they are kept.

use std::cmp::Reverse;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rustc_hash::{FxHashMap, FxHashSet};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use erasure::Subject;

use crate::phone;
use crate::record;

pub mod catalogue;
mod decode;
pub mod embedded;
pub mod encoded;
pub mod erasure;
pub mod keep;
mod look_up;
mod migration;
mod no_ids;
pub mod order;
pub(crate) mod parts;
pub mod permits;
pub mod postgres;
mod reading;
pub mod recorder;
mod removal;
pub mod retention;
mod rfc3339;
mod set_aside;
mod source;
pub mod sources;
pub mod store;
pub mod timeline;

pub use catalogue::Catalogue;
pub use decode::Rules;
pub use erasure::Erasure;
pub use look_up::{Keep, Limits, LookUp};
pub use no_ids::NoIds;
pub use order::Cursor;
pub use removal::{Removal, RemovedAt};
pub use set_aside::SetAside;
pub use source::{Regions, Source, SourceMissing, SourceState};
pub use sources::Sources;
pub use store::{Store, StoreError, WriteBatch};

/// Who turned to whom. `manual_outbound`: dialled by the agent, not by the dialler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Inbound,
    Outbound,
    ManualOutbound,
}

impl Direction {
    pub const NAMES: &[&str] = &["inbound", "outbound", "manual_outbound"];

    pub fn name(self) -> &'static str {
        match self {
            Self::Inbound => Self::NAMES[0],
            Self::Outbound => Self::NAMES[1],
            Self::ManualOutbound => Self::NAMES[2],
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Inbound, Self::Outbound, Self::ManualOutbound].into_iter().find(|direction| direction.name() == name)
    }
}

/// How an outcome counts. Unknown is never a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeClass {
    Success,
    Failure,
    #[default]
    #[serde(other)]
    Neutral,
}

impl OutcomeClass {
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Neutral => "neutral",
        }
    }

    /// An unknown one is neutral.
    pub fn of_name(name: &str) -> Self {
        [Self::Success, Self::Failure].into_iter().find(|class| class.name() == name).unwrap_or_default()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Campaign {
    #[serde(deserialize_with = "record::id")]
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Agent {
    #[serde(deserialize_with = "record::id")]
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// How an interaction ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// The disposition or wrap-up code, as the source writes it.
    #[serde(deserialize_with = "record::id")]
    pub code: String,
    /// What people read; the code where nobody gave a label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// success, failure or neutral; an unknown one counts as neutral.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub class: Option<OutcomeClass>,
    /// The group of outcomes it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The dialler's own result: busy, no answer …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telephony: Option<String>,
    /// Was a person spoken to?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<bool>,
}

// Journeys are read by the thousand a second: what interactions have in common they share, and short texts need no room of their own.
/// One touch between contact and company on one channel. Record of the topic `interactions`, key `interactionId`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Interaction {
    #[serde(deserialize_with = "record::id")]
    pub interaction_id: SmolStr,
    pub source: Source,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "record::optional_id")]
    pub contact_id: Option<SmolStr>,
    /// E.164 or e-mail; as given where it can be read as neither.
    #[serde(deserialize_with = "record::id")]
    pub address: SmolStr,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "parts::shared_campaign")]
    pub campaign: Option<Arc<Campaign>>,
    /// voice, sms, email, chat, or any other: data.
    pub channel: SmolStr,
    /// Which of the contact's addresses was used (home, work, mobile, office …): data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<SmolStr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    #[serde(serialize_with = "rfc3339::time")]
    #[schemars(with = "DateTime<Utc>")]
    pub started_at: DateTime<Utc>,
    /// As recorded. One before the start is kept and counted, and nothing is calculated from it.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "rfc3339::optional")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub ended_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "parts::outcome")]
    pub outcome: Option<Arc<Outcome>>,
    /// Before this interaction; absent is not 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_score: Option<f64>,
    /// As the agent left it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_score: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "parts::agent")]
    pub agent: Option<Arc<Agent>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comments: Option<SmolStr>,
    /// The newest one of an interaction holds; absent: the record's own time.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "rfc3339::optional")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub updated_at: Option<DateTime<Utc>>,
    /// Read to be counted: without `comments` and `updatedAt`, whatever is kept of them.
    #[serde(skip)]
    pub is_light: bool,
}

impl Interaction {
    /// How many bytes its texts have, roughly: what a frame that shows it is long.
    pub fn bytes(&self) -> usize {
        const AROUND: usize = 400;
        AROUND + self.interaction_id.len() + self.comments.as_deref().map_or(0, str::len)
    }

    /// Failure, success or neutral; without an outcome, or with one of no class, neutral.
    pub fn class(&self) -> OutcomeClass {
        self.outcome.as_ref().and_then(|outcome| outcome.class).unwrap_or_default()
    }
}

/// An address of a contact, and which one it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContactAddress {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    #[serde(deserialize_with = "record::id")]
    pub address: String,
}

/// That a contact has these addresses and, with a campaign, is listed in it, whether or not it was ever called.
/// Record of the topic `contacts`, key `contactId` or `contactId/campaign id`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    #[serde(deserialize_with = "record::id")]
    pub contact_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "parts::addresses")]
    pub addresses: Vec<ContactAddress>,
    /// Where they are, by its IANA name: `America/New_York`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "parts::campaign")]
    pub campaign: Option<Campaign>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed_at: Option<DateTime<Utc>>,
    /// The contact that goes on in this one's place; this id keeps resolving.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "record::optional_id")]
    pub merged_into: Option<String>,
    /// The newest one of a key holds; absent: the record's own time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<DateTime<Utc>>,
}

impl Contact {
    /// Contact id and campaign id; the latter is empty for the contact itself.
    pub fn listing(&self) -> (&str, &str) {
        (&self.contact_id, self.campaign.as_ref().map_or("", |campaign| campaign.id.as_str()))
    }

    /// The record's key: one record for each listing.
    pub fn key(&self) -> String {
        match &self.campaign {
            Some(campaign) => format!("{}/{}", self.contact_id, campaign.id),
            None => self.contact_id.clone(),
        }
    }
}

/// One change to what is kept.
#[derive(Debug, Clone)]
pub enum Change {
    Interaction(Box<Interaction>),
    RemoveInteraction(Removal),
    Contact(Box<Contact>),
    RemoveContact(Removal),
    Erase(Box<Erasure>),
}

impl Change {
    /// How many of its addresses are numbers that could not be read.
    pub fn addresses_as_given(&self) -> usize {
        match self {
            Self::Interaction(interaction) => usize::from(phone::is_as_given(&interaction.address)),
            Self::Contact(contact) => {
                contact.addresses.iter().filter(|known| phone::is_as_given(&known.address)).count()
            }
            Self::RemoveInteraction(_) | Self::RemoveContact(_) | Self::Erase(_) => 0,
        }
    }

    /// What takes it back where that is not older, and when it was last changed; `None` for what adds nothing.
    pub fn version(&self) -> Option<(Subject<'_>, DateTime<Utc>)> {
        match self {
            Self::Interaction(interaction) => {
                let updated_at = interaction.updated_at.unwrap_or(interaction.started_at);
                Some((Subject::Interaction(&interaction.interaction_id), updated_at))
            }
            Self::Contact(contact) => {
                let (contact_id, campaign_id) = contact.listing();
                Some((Subject::Listing(contact_id, campaign_id), contact.updated_at.unwrap_or_default()))
            }
            Self::RemoveInteraction(_) | Self::RemoveContact(_) | Self::Erase(_) => None,
        }
    }

    /// Whose record it is, and of when; `None` for what adds nothing.
    pub fn subject(&self) -> Option<(Subject<'_>, DateTime<Utc>)> {
        match self {
            Self::Interaction(interaction) => Some(Subject::of_interaction(interaction)),
            Self::Contact(contact) => Some(Subject::of_contact(contact)),
            Self::RemoveInteraction(_) | Self::RemoveContact(_) | Self::Erase(_) => None,
        }
    }
}

/// A contact behind a number, and the campaigns that it is listed in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KnownContact {
    pub contact_id: String,
    pub name: Option<String>,
    pub time_zone: Option<String>,
    pub listed: Vec<Campaign>,
    /// More of its interactions are kept than were read.
    pub at_least: bool,
}

impl KnownContact {
    pub fn of(contact_id: impl Into<String>) -> Self {
        Self { contact_id: contact_id.into(), ..Self::default() }
    }

    /// Takes in what is said of it elsewhere or was earlier: what is known already stands, and of all that is said, the first.
    pub fn learn(&mut self, said: impl IntoIterator<Item = Self>) {
        for Self { name, time_zone, listed, at_least, .. } in said {
            self.name = self.name.take().or(name);
            self.time_zone = self.time_zone.take().or(time_zone);
            self.at_least |= at_least;
            self.listed.extend(listed);
        }
        let mut known = FxHashSet::default();
        self.listed.retain(|campaign| known.insert(campaign.id.clone()));
    }
}

/// What was read of the people behind a number, newest interaction first. Everything, where no limit was reached.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Journey {
    pub number: String,
    /// Every contact id and address that leads into it, earlier ids included; one may be there twice.
    pub leads: Vec<SmolStr>,
    /// Those who were reached last; at most [`Limits::contacts_max`].
    pub contacts: Vec<KnownContact>,
    /// How many more there are.
    pub more_contacts: usize,
    /// Those beyond the pages that were asked for may be [light](Interaction::is_light).
    pub interactions: Vec<Interaction>,
    /// More is kept than was read: counts of it are lower bounds.
    pub at_least: bool,
    /// What is behind this place may be missing; what is in front of it is all there, on the pages that were asked for.
    pub unread: Option<Cursor>,
}

impl Journey {
    pub fn sort(&mut self) {
        self.interactions.sort_by(order::newest_first);
    }

    /// Those who were reached last stay; the others are counted. Interactions are in their order by now.
    pub fn limit_contacts(&mut self, most: usize) {
        if self.contacts.len() <= most {
            return;
        }
        let mut last: FxHashMap<&str, DateTime<Utc>> = FxHashMap::default();
        for interaction in &self.interactions {
            if let Some(contact_id) = &interaction.contact_id {
                last.entry(contact_id).or_insert(interaction.started_at);
            }
        }
        let place = |contact: &KnownContact| Reverse(last.get(contact.contact_id.as_str()).copied());
        self.contacts.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.contact_id.cmp(&b.contact_id)));
        self.more_contacts += self.contacts.len() - most;
        self.contacts.truncate(most);
    }

    /// What its records call a campaign.
    pub fn campaign_name(&self, id: &str) -> Option<&str> {
        let listed = self.contacts.iter().flat_map(|contact| &contact.listed);
        let touched = self.interactions.iter().filter_map(|interaction| interaction.campaign.as_deref());
        listed.chain(touched).filter(|campaign| campaign.id == id).find_map(|campaign| campaign.name.as_deref())
    }
}
