//! The one order of interactions, in stores, frames and on screen: newest first; of one moment, by id.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use smol_str::SmolStr;

use super::Interaction;

/// A place in that order, behind which a page begins. What is behind a place compares as greater.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Cursor {
    #[serde(rename = "before")]
    pub at: DateTime<Utc>,
    /// The last interaction of that moment that is before the place; `None`: all of the moment are.
    #[serde(rename = "beforeId", skip_serializing_if = "Option::is_none")]
    pub id: Option<SmolStr>,
}

impl Cursor {
    pub fn behind(interaction: &Interaction) -> Self {
        Self { at: interaction.started_at, id: Some(interaction.interaction_id.clone()) }
    }

    /// In front of everything that began at that moment: no id is empty.
    pub fn in_front_of(at: DateTime<Utc>) -> Self {
        Self { at, id: Some(SmolStr::default()) }
    }

    /// Whether the interaction is on a page that begins here.
    pub fn is_before(&self, interaction: &Interaction) -> bool {
        let same = || self.id.as_ref().is_some_and(|id| *id < interaction.interaction_id);
        interaction.started_at < self.at || (interaction.started_at == self.at && same())
    }
}

impl Ord for Cursor {
    fn cmp(&self, other: &Self) -> Ordering {
        // Where all of the moment are in front of it, a place is behind each of them.
        let id = |cursor: &'_ Self| cursor.id.clone().map_or((1, SmolStr::default()), |id| (0, id));
        other.at.cmp(&self.at).then_with(|| id(self).cmp(&id(other)))
    }
}

impl PartialOrd for Cursor {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// `Less`: `a` comes first.
pub fn newest_first(a: &Interaction, b: &Interaction) -> Ordering {
    b.started_at.cmp(&a.started_at).then_with(|| a.interaction_id.cmp(&b.interaction_id))
}
