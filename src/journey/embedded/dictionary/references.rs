//! What an interaction refers to.

use std::borrow::Cow;

use rusqlite::Row;

use super::{OWN, OwnTexts, Part};
use crate::journey::Interaction;
use crate::journey::store::StoreError;

/// Refers to nothing yet: the text is not in `words`. Equal to nothing that is kept.
pub const UNKNOWN: i64 = -1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct References {
    pub source: i64,
    pub direction: Option<i64>,
    /// Channel, mode, campaign, outcome, agent.
    pub parts: [Option<i64>; 5],
}

impl References {
    /// From seven columns: source, channel, mode, direction, campaign, outcome, agent.
    pub fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        let at = |column: usize| row.get(first + column);
        Ok(Self { source: row.get(first)?, direction: at(3)?, parts: [at(1)?, at(2)?, at(4)?, at(5)?, at(6)?] })
    }

    /// All texts are in `words`.
    pub fn are_known(&self) -> bool {
        !self.parts.contains(&Some(UNKNOWN))
    }

    pub fn have_own(&self) -> bool {
        self.parts.contains(&Some(OWN))
    }

    /// Ids in `words`.
    pub fn ids(&self) -> impl Iterator<Item = i64> {
        let all = [Some(self.source), self.direction].into_iter().chain(self.parts);
        all.flatten().filter(|id| *id > OWN)
    }

    /// With those that are kept as the interaction's own already, as they are kept.
    pub fn as_kept(mut self, own: &OwnTexts, interaction: &Interaction) -> Result<Self, StoreError> {
        for part in Part::ALL {
            let kept = own.get(part);
            if kept.is_some() && kept == text(interaction, part)?.as_deref() {
                self.parts[part as usize] = Some(OWN);
            }
        }
        Ok(self)
    }
}

/// As it is kept: what has parts of its own as JSON.
pub(super) fn text(interaction: &Interaction, part: Part) -> Result<Option<Cow<'_, str>>, StoreError> {
    fn json<T: serde::Serialize>(part: Option<&T>) -> Result<Option<Cow<'_, str>>, StoreError> {
        Ok(part.map(serde_json::to_string).transpose()?.map(Cow::Owned))
    }
    match part {
        Part::Channel => Ok(Some(Cow::Borrowed(&interaction.channel))),
        Part::Mode => Ok(interaction.mode.as_deref().map(Cow::Borrowed)),
        Part::Campaign => json(interaction.campaign.as_deref()),
        Part::Outcome => json(interaction.outcome.as_deref()),
        Part::Agent => json(interaction.agent.as_deref()),
    }
}
