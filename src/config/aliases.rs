//! Agents that events or desktops know by another id.

use std::collections::BTreeMap;

use super::Layers;
use super::catalogue::{Reader, toml_text};

const TABLE: &str = "agents.aliases";

/// Other id → the agent's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aliases(BTreeMap<String, String>);

impl Aliases {
    /// The agent that is meant by this id.
    pub fn agent<Id: AsRef<str> + for<'a> From<&'a String>>(&self, id: Id) -> Id {
        self.0.get(id.as_ref()).map_or(id, Id::from)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(id, agent)| (id.as_str(), agent.as_str()))
    }
}

/// What stands under `agents.aliases`, and every mistake in it.
pub(super) fn read(layers: &Layers) -> (Aliases, Vec<String>) {
    let mut reader = Reader::new(layers);
    let mut aliases = BTreeMap::new();
    if let Ok(said) = layers.0.find_value(TABLE) {
        reader.refuse_variables("AGENTS__ALIASES", &said);
        if let Some(table) = reader.table(TABLE.into(), &said, None) {
            for id in table.dict.keys() {
                aliases.extend(reader.text(&table, id).map(|agent| (id.clone(), agent)));
            }
            for (id, agent) in &aliases {
                if let Some(reason) = chained(&aliases, id, agent) {
                    reader.problem(&table.path_of(id), &table.dict[id], reason);
                }
            }
        }
    }
    (Aliases(aliases), reader.problems)
}

/// An alias of an alias is followed nowhere: which of them is the agent would be a matter of order.
fn chained(aliases: &BTreeMap<String, String>, id: &str, agent: &str) -> Option<String> {
    let mut path = vec![id];
    let mut last = agent;
    while let Some(next) = aliases.get(last) {
        if path.contains(&last) {
            let ring: Vec<String> = path.into_iter().chain([last]).map(toml_text).collect();
            return Some(format!("the aliases lead round in a ring: {}", ring.join(" → ")));
        }
        path.push(last);
        last = next;
    }
    let (agent, last) = (toml_text(agent), toml_text(last));
    (path.len() > 1).then(|| format!("{agent} is an alias itself: say the agent it stands for, {last}"))
}
