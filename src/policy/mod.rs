//! Who may see which fields, by the settings' `policy` and by what somebody's token says. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use smol_str::SmolStr;

use crate::auth::{Identity, Scope};
use crate::config::{Hide, Policy};

mod call;
mod digits;
mod journey;
mod mask;
mod numbers;
#[cfg(test)]
mod tests;
mod timeline;
mod words;

pub use digits::masked;

/// Campaign → the teams that may see its interactions and listings.
pub type Teams = BTreeMap<String, BTreeSet<String>>;

/// What the settings keep from those who lack the scope for it.
#[derive(Debug, Default)]
pub struct FieldPolicy {
    number_digits: Option<u8>,
    hide: Vec<Hide>,
    teams: Arc<Teams>,
}

impl FieldPolicy {
    pub fn of(settings: &Policy) -> Self {
        let Policy { number_digits, hide, teams } = settings;
        Self { number_digits: number_digits.map(|digits| digits.get()), hide: hide.clone(), teams: Arc::clone(teams) }
    }

    /// Everybody sees everything.
    pub fn is_open(&self) -> bool {
        self.number_digits.is_none() && self.hide.is_empty() && self.teams.is_empty()
    }

    /// What somebody sees.
    pub fn fields(&self, identity: &Identity) -> Fields {
        if self.is_open() {
            return Fields::default();
        }
        let lacks = |scope| !identity.scopes.has(scope);
        let hides = |what, scope| self.hide.contains(&what) && lacks(scope);
        Fields {
            digits: self.number_digits.filter(|_| lacks(Scope::NumbersRead)),
            no_comments: hides(Hide::Comments, Scope::CommentsRead),
            no_scores: hides(Hide::Scores, Scope::ScoresRead),
            no_names: hides(Hide::Names, Scope::NamesRead),
            divided: Divided::of(&self.teams, &identity.teams),
        }
    }
}

/// What somebody sees of journeys and calls; by default, everything. Two who see the same compare equal.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields {
    /// Numbers are masked down to so many of their last digits.
    digits: Option<u8>,
    no_comments: bool,
    no_scores: bool,
    no_names: bool,
    /// Campaigns are kept from those of other teams.
    divided: Option<Divided>,
}

#[derive(Debug, Clone)]
struct Divided {
    by: Arc<Teams>,
    teams: Arc<[SmolStr]>,
}

impl PartialEq for Divided {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.by, &other.by) && self.teams == other.teams
    }
}

impl Divided {
    /// `None` where these teams may see every campaign.
    fn of(by: &Arc<Teams>, teams: &Arc<[SmolStr]>) -> Option<Self> {
        let divided = Self { by: Arc::clone(by), teams: Arc::clone(teams) };
        by.keys().any(|campaign| divided.hides(campaign)).then_some(divided)
    }

    fn hides(&self, campaign_id: &str) -> bool {
        self.by.get(campaign_id).is_some_and(|may| !self.teams.iter().any(|team| may.contains(team.as_str())))
    }
}

impl Fields {
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    pub fn masks_numbers(&self) -> bool {
        self.digits.is_some()
    }

    fn hides_campaign(&self, campaign_id: &str) -> bool {
        self.divided.as_ref().is_some_and(|divided| divided.hides(campaign_id))
    }

    /// What is kept from somebody, in words for a screen to say it.
    pub fn hidden(&self) -> Vec<&'static str> {
        let words = [
            ("numbers", self.masks_numbers()),
            ("comments", self.no_comments),
            ("scores", self.no_scores),
            ("names", self.no_names),
            ("campaigns", self.divided.is_some()),
        ];
        words.into_iter().filter(|(_, hidden)| *hidden).map(|(word, _)| word).collect()
    }

    /// A number or e-mail address as it is shown.
    pub fn address(&self, address: &str) -> String {
        self.digits.map_or_else(|| address.to_owned(), |shown| masked(address, shown))
    }
}
