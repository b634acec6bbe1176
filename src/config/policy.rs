//! Who may see which fields, by scope and team, and where it is written down who saw what.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;

use super::Layers;
use super::catalogue::Reader;
use super::kinds::{Digits, Span};
use crate::policy::Teams;

const TABLE: &str = "policy.teams";

#[derive(Debug, Clone, Deserialize)]
pub struct Policy {
    pub number_digits: Option<Digits>,
    pub hide: Vec<Hide>,
    #[serde(skip)]
    pub teams: Arc<Teams>,
}

/// Where it is written down who saw what.
#[derive(Debug, Clone, Deserialize)]
pub struct Audit {
    pub retention: Span,
    pub queue_max: usize,
    pub file: Option<PathBuf>,
}

/// What may be hidden beside numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hide {
    Comments,
    Scores,
    Names,
}

impl Hide {
    pub const NAMES: &[&str] = &["comments", "scores", "names"];
}

impl Layers {
    /// What stands under `policy.teams`, and every mistake in it.
    pub fn teams(&self) -> (Teams, Vec<String>) {
        teams(self)
    }
}

fn teams(layers: &Layers) -> (Teams, Vec<String>) {
    let mut reader = Reader::new(layers);
    let mut teams = Teams::new();
    if let Ok(said) = layers.0.find_value(TABLE) {
        reader.refuse_variables("POLICY__TEAMS", &said);
        if let Some(table) = reader.table(TABLE.into(), &said, None) {
            for (campaign, value) in table.dict {
                match read_teams(value) {
                    Some(may) => _ = teams.insert(campaign.clone(), may),
                    None => reader.problem(
                        &table.path_of(campaign),
                        value,
                        "expected the teams that may see this campaign, such as [\"sales\"]; [] for none",
                    ),
                }
            }
        }
    }
    (teams, reader.problems)
}

fn read_teams(value: &figment::value::Value) -> Option<BTreeSet<String>> {
    let team = |value: &figment::value::Value| value.as_str().filter(|team| !team.trim().is_empty()).map(str::to_owned);
    value.as_array()?.iter().map(team).collect()
}
