//! Every setting with its default and what it is for: the table that `backstory config` prints and that unknown names are held against.

use super::kinds::Kind;

mod data;
mod entrance;
mod running;

/// One setting.
pub struct Key {
    /// Dotted name; the variable is `BACKSTORY_` and the name in capitals with `__` for the dot.
    pub name: &'static str,
    /// The default, written as TOML; `None` where there is none.
    pub default: Option<&'static str>,
    pub kind: Kind,
    /// What it does, with its unit.
    pub about: &'static str,
}

const fn key(name: &'static str, default: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { name, default: Some(default), kind, about }
}

/// One that has no default: what holds without it is said beside it.
const fn place(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { name, default: None, kind, about }
}

/// Our columns' names in queries of the administrator's, where those are others.
pub const COLUMN_TABLES: &[&str] = &["journey.sources.campaign_manager.columns", "journey.sources.data_cloud.columns"];

/// Tables whose names are the administrator's.
pub const OPEN_TABLES: &[&str] = &["kafka.properties", "agents.aliases", "policy.teams"];

/// All of them, in the order in which they are printed.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    [entrance::KEYS, data::KEYS, running::KEYS].into_iter().flatten()
}
