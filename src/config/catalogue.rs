//! The catalogue as the settings say it. Codes are data and make no closed table: every entry is read, and each of its
//! mistakes named, by itself.

use std::collections::BTreeMap;

use figment::value::{Dict, Value};

use super::{ENV_PREFIX, Layers};
use crate::journey::catalogue::{COLORS, CampaignWords, Catalogue, Channel, ICONS, Mode};
use crate::journey::{Outcome, OutcomeClass, Source};

/// The defaults with what is said over them, and every mistake in it.
pub(super) fn read(layers: &Layers) -> (Catalogue, Vec<String>) {
    let mut reader = Reader::new(layers);
    let mut catalogue = Catalogue::default();
    if let Ok(said) = layers.0.find_value("catalogue") {
        reader.refuse_variables("CATALOGUE", &said);
        const TABLES: &[&str] = &["outcomes", "campaigns", "agents", "modes", "channels", "sources"];
        if let Some(table) = reader.table("catalogue".into(), &said, Some(TABLES)) {
            reader.catalogue(&table, &mut catalogue);
        }
    }
    (catalogue, reader.problems)
}

/// As a key is written in TOML: bare where it can be.
pub fn toml_key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if bare { name.to_owned() } else { toml_text(name) }
}

/// JSON's escapes are TOML's, too, and TOML has one more.
pub fn toml_text(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// A table of the settings, and where it stands.
pub(super) struct Table<'v> {
    path: String,
    said: &'v Value,
    pub(super) dict: &'v Dict,
}

impl Table<'_> {
    pub(super) fn path_of(&self, name: &str) -> String {
        format!("{}.{}", self.path, toml_key(name))
    }
}

pub(super) struct Reader<'a> {
    layers: &'a Layers,
    pub(super) problems: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(layers: &'a Layers) -> Self {
        Self { layers, problems: Vec::new() }
    }
}

impl Reader<'_> {
    fn catalogue(&mut self, table: &Table<'_>, catalogue: &mut Catalogue) {
        catalogue.outcomes = self.outcomes(table);
        for (id, campaign) in self.tables(table, "campaigns", &["label", "outcomes"]) {
            let words = CampaignWords { label: self.text(&campaign, "label"), outcomes: self.outcomes(&campaign) };
            catalogue.campaigns.insert(id.to_owned(), words);
        }
        if let Some(agents) = self.inner(table, "agents", None) {
            for id in agents.dict.keys() {
                catalogue.agents.extend(self.text(&agents, id).map(|name| (id.clone(), name)));
            }
        }
        for (name, channel) in self.tables(table, "channels", &["label", "icon", "color"]) {
            self.channel(name, &channel, &mut catalogue.channels);
        }
        for (name, mode) in self.tables(table, "modes", &["label", "channel", "icon", "color"]) {
            self.mode(name, &mode, catalogue);
        }
        if let Some(sources) = self.inner(table, "sources", Some(Source::NAMES)) {
            for source in Source::ALL {
                let own = self.inner(&sources, source.name(), Some(&["show_modes"]));
                if own.and_then(|own| self.truth(&own, "show_modes")) == Some(false) {
                    catalogue.without_modes.push(source);
                }
            }
        }
    }

    fn outcomes(&mut self, parent: &Table<'_>) -> BTreeMap<String, Outcome> {
        const PARTS: &[&str] = &["label", "class", "parent", "telephony", "reached"];
        let mut outcomes = BTreeMap::new();
        for (code, table) in self.tables(parent, "outcomes", PARTS) {
            let outcome = Outcome {
                code: code.to_owned(),
                label: self.text(&table, "label"),
                class: self.class(&table),
                parent: self.text(&table, "parent"),
                telephony: self.text(&table, "telephony"),
                reached: self.truth(&table, "reached"),
            };
            outcomes.insert(code.to_owned(), outcome);
        }
        outcomes
    }

    fn class(&mut self, table: &Table<'_>) -> Option<OutcomeClass> {
        self.one_of(table, "class", &["success", "failure", "neutral"]).map(|name| match name {
            "success" => OutcomeClass::Success,
            "failure" => OutcomeClass::Failure,
            _ => OutcomeClass::Neutral,
        })
    }

    fn channel(&mut self, name: &str, table: &Table<'_>, channels: &mut Vec<Channel>) {
        let known = channels.iter().position(|channel| channel.channel == name);
        let at = known.unwrap_or_else(|| {
            self.require(table, &["label"]);
            channels.push(Channel { channel: name.into(), label: name.into(), icon: "other", color: "grey" });
            channels.len() - 1
        });
        let channel = &mut channels[at];
        replace(&mut channel.label, self.text(table, "label"));
        replace(&mut channel.icon, self.one_of(table, "icon", ICONS));
        replace(&mut channel.color, self.one_of(table, "color", COLORS));
    }

    fn mode(&mut self, name: &str, table: &Table<'_>, catalogue: &mut Catalogue) {
        let names: Vec<&str> = catalogue.channels.iter().map(|channel| channel.channel.as_str()).collect();
        let channel = self.one_of(table, "channel", &names).map(str::to_owned);
        let known = catalogue.modes.iter().position(|mode| mode.mode == name);
        let at = known.unwrap_or_else(|| {
            self.require(table, &["label", "channel"]);
            let looks = catalogue.channels.iter().find(|known| channel.as_deref() == Some(&known.channel));
            let (icon, color) = looks.map_or(("other", "grey"), |looks| (looks.icon, looks.color));
            catalogue.modes.push(Mode { mode: name.into(), label: name.into(), channel: String::new(), icon, color });
            catalogue.modes.len() - 1
        });
        let mode = &mut catalogue.modes[at];
        replace(&mut mode.label, self.text(table, "label"));
        replace(&mut mode.channel, channel);
        replace(&mut mode.icon, self.one_of(table, "icon", ICONS));
        replace(&mut mode.color, self.one_of(table, "color", COLORS));
    }
}

fn replace<T>(old: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *old = new;
    }
}

/// What a table holds, value by value.
impl Reader<'_> {
    /// `known`: the keys that it may have; `None` where they are data.
    pub(super) fn table<'v>(&mut self, path: String, said: &'v Value, known: Option<&[&str]>) -> Option<Table<'v>> {
        let Value::Dict(_, dict) = said else {
            let expected = known.map(|known| format!(" with {}", known.join(", "))).unwrap_or_default();
            self.problem(&path, said, format!("expected a table{expected}"));
            return None;
        };
        let table = Table { path, said, dict };
        for (name, value) in dict.iter().filter(|(name, _)| known.is_some_and(|known| !known.contains(&name.as_str())))
        {
            let choices = known.unwrap_or_default().join(", ");
            self.problem(&table.path_of(name), value, format!("there is no such setting; there are {choices}"));
        }
        Some(table)
    }

    fn inner<'v>(&mut self, parent: &Table<'v>, name: &str, known: Option<&[&str]>) -> Option<Table<'v>> {
        parent.dict.get(name).and_then(|said| self.table(parent.path_of(name), said, known))
    }

    /// A table of tables, by name. One that is empty says nothing, which nobody means.
    fn tables<'v>(&mut self, parent: &Table<'v>, name: &str, known: &[&str]) -> Vec<(&'v str, Table<'v>)> {
        let Some(outer) = self.inner(parent, name, None) else { return Vec::new() };
        let mut tables = Vec::new();
        for (name, said) in outer.dict {
            let Some(table) = self.table(outer.path_of(name), said, Some(known)) else { continue };
            if table.dict.is_empty() {
                self.problem(&table.path, said, format!("says nothing; it may have {}", known.join(", ")));
            } else {
                tables.push((name.as_str(), table));
            }
        }
        tables
    }

    pub(super) fn text(&mut self, table: &Table<'_>, name: &str) -> Option<String> {
        let said = table.dict.get(name)?;
        let reason = match said {
            Value::String(_, text) if text.trim().is_empty() => "is empty",
            Value::String(_, text) => return Some(text.clone()),
            _ => "expected a text in quotes",
        };
        self.problem(&table.path_of(name), said, reason);
        None
    }

    fn truth(&mut self, table: &Table<'_>, name: &str) -> Option<bool> {
        let said = table.dict.get(name)?;
        let truth = said.to_bool();
        if truth.is_none() {
            self.problem(&table.path_of(name), said, "expected true or false");
        }
        truth
    }

    fn one_of<'c>(&mut self, table: &Table<'_>, name: &str, choices: &[&'c str]) -> Option<&'c str> {
        let text = self.text(table, name)?;
        let chosen = choices.iter().find(|choice| **choice == text).copied();
        if chosen.is_none() {
            let declare = if name == "channel" { "; others are declared under catalogue.channels" } else { "" };
            let reason = format!("{} is none of {}{declare}", toml_text(&text), choices.join(", "));
            self.problem(&table.path_of(name), &table.dict[name], reason);
        }
        chosen
    }

    fn require(&mut self, table: &Table<'_>, names: &[&str]) {
        for name in names.iter().filter(|name| !table.dict.contains_key(**name)) {
            self.problem(&table.path, table.said, format!("{name} is missing"));
        }
    }

    /// A variable's name is in capitals and has no dots: it would map a code that is not the one that was meant.
    pub(super) fn refuse_variables(&mut self, name: &str, said: &Value) {
        if let Value::Dict(_, dict) = said {
            for (key, value) in dict {
                self.refuse_variables(&format!("{name}__{}", key.to_ascii_uppercase()), value);
            }
        } else if self.layers.origin(said) == "environment" {
            let text = "codes are written as in the records, which variables cannot: say it in the settings file";
            self.problems.push(format!("{ENV_PREFIX}{name}: {text}"));
        }
    }

    pub(super) fn problem(&mut self, path: &str, said: &Value, reason: impl std::fmt::Display) {
        self.problems.push(format!("{path}: {reason} ({})", self.layers.origin(said)));
    }
}
