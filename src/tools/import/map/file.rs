//! The mapping file itself: TOML in, a checked mapping out, or all of its problems at once.

use std::collections::HashMap;
use std::path::Path;

use chrono_tz::Tz;
use encoding_rs::{Encoding, UTF_8};
use serde_json::Value as Json;
use toml::{Table, Value};

use super::rule::{Made, Origin, Reading, Rule};
use super::time::Times;
use super::{Map, did_you_mean};
use crate::config::Region;
use crate::tools::import::fields::{self, Becomes, Field, GROUP_KEYS};
use crate::tools::import::files::{Format, Kind};

const KEYS: &[&str] =
    &["kind", "format", "encoding", "delimiter", "default_region", "time_zone", "time_format", "decimal", "fields"];
/// Of every rule; then those of times, and those of numbers.
const RULE_KEYS: &[&str] = &["from", "join", "values", "value"];
const TIME_KEYS: &[&str] = &["time_format", "time_zone", "plus", "decimal"];
const NUMBER_KEYS: &[&str] = &["decimal"];

pub fn read(path: &Path, text: &str) -> Result<Map, Vec<String>> {
    let table: Table = text.parse().map_err(|error| vec![format!("this is not TOML: {error}")])?;
    let mut reader = Reader {
        problems: Vec::new(),
        kind: Kind::Interactions,
        of_file: Writing::default(),
        sources: Vec::new(),
        rules: Vec::new(),
    };
    reader.unknown(table.keys(), "", &[KEYS]);
    let kind = reader.choice(&table, "kind", &[("interactions", Kind::Interactions), ("contacts", Kind::Contacts)]);
    reader.kind = kind.unwrap_or(reader.kind);
    let format = reader.choice(&table, "format", &[("csv", Format::Csv), ("jsonl", Format::JsonLines)]);
    let encoding = reader.parsed(&table, "", "encoding", encoding).unwrap_or(UTF_8);
    let delimiter = reader.parsed(&table, "", "delimiter", delimiter);
    let region = reader.parsed(&table, "", "default_region", |text| Region::try_from(text.to_ascii_uppercase()));
    reader.of_file = reader.writing(&table, "");
    match table.get("fields") {
        Some(Value::Table(fields)) => reader.fields(fields, ""),
        _ => reader.problems.push("fields: expected a table [fields] with our fields and what each is made of".into()),
    }
    reader.what_is_missing();
    let Reader { problems, kind, sources, mut rules, .. } = reader;
    // What is wrong with a record is named by the first of its fields.
    let order = |name| fields::of(kind).iter().position(|field| field.name == name);
    rules.sort_by_key(|rule| order(rule.field.name));
    let region = region.map(|region| region.0);
    let map = Map { path: path.to_owned(), kind, format, encoding, delimiter, region, sources, rules };
    if problems.is_empty() { Ok(map) } else { Err(problems) }
}

fn encoding(label: &str) -> Result<&'static Encoding, &'static str> {
    // "latin-1" is what people write, and no label of the standard.
    let label = label.to_ascii_lowercase().replace("latin-", "latin");
    match Encoding::for_label(label.as_bytes()) {
        Some(encoding) if encoding.is_ascii_compatible() => Ok(encoding),
        Some(_) => Err("files in it cannot be read; convert them to UTF-8"),
        None => Err("expected the name of an encoding, such as \"utf-8\", \"latin1\" or \"windows-1252\""),
    }
}

fn delimiter(text: &str) -> Result<u8, &'static str> {
    match text.as_bytes() {
        [one] if one.is_ascii() && !matches!(one, b'"' | b'\r' | b'\n') => Ok(*one),
        _ => Err("expected one character, such as \";\" or \"\\t\""),
    }
}

/// How texts are written, said for the file or for one rule.
#[derive(Debug, Clone, Default)]
struct Writing {
    time_format: Option<String>,
    time_zone: Option<Tz>,
    comma: Option<bool>,
}

impl Writing {
    fn or(self, other: &Self) -> Self {
        Self {
            time_format: self.time_format.or_else(|| other.time_format.clone()),
            time_zone: self.time_zone.or(other.time_zone),
            comma: self.comma.or(other.comma),
        }
    }
}

struct Reader {
    problems: Vec<String>,
    kind: Kind,
    of_file: Writing,
    sources: Vec<String>,
    rules: Vec<Rule>,
}

impl Reader {
    fn unknown<'a>(&mut self, keys: impl Iterator<Item = &'a String>, prefix: &str, known: &[&[&'static str]]) {
        let known = known.concat();
        for key in keys.filter(|key| !known.contains(&key.as_str())) {
            let nearest = did_you_mean(key, known.iter().copied());
            self.problems.push(format!("{prefix}{key}: there is no such key{nearest}"));
        }
    }

    /// A key whose value is a text that is read further.
    fn parsed<T, E: std::fmt::Display>(
        &mut self,
        table: &Table,
        prefix: &str,
        key: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let problem = match table.get(key)? {
            Value::String(text) => match read(text) {
                Ok(value) => return Some(value),
                Err(problem) => problem.to_string(),
            },
            _ => "expected a text in quotes".into(),
        };
        self.problems.push(format!("{prefix}{key}: {problem}"));
        None
    }

    fn choice<T: Copy>(&mut self, table: &Table, key: &str, choices: &[(&str, T)]) -> Option<T> {
        self.parsed(table, "", key, |text| chosen(text, choices))
    }

    fn writing(&mut self, table: &Table, prefix: &str) -> Writing {
        Writing {
            time_format: self.parsed(table, prefix, "time_format", |text| Ok::<_, String>(text.to_owned())),
            time_zone: self.parsed(table, prefix, "time_zone", |text| {
                text.parse::<Tz>().map_err(|_| "expected a time zone by its IANA name, such as \"Europe/Lisbon\"")
            }),
            comma: self.parsed(table, prefix, "decimal", |text| chosen(text, &[(".", false), (",", true)])),
        }
    }

    /// `[fields]`: dotted keys and tables of tables say the same.
    fn fields(&mut self, table: &Table, prefix: &str) {
        for (key, value) in table {
            let name = format!("{prefix}{key}");
            let is_rule = |table: &Table| RULE_KEYS.iter().any(|key| table.contains_key(*key));
            match (fields::find(self.kind, &name), value) {
                (Some((field, path)), value) => self.rule(&name, field, path, value),
                (None, Value::Table(group)) if !is_rule(group) => self.fields(group, &format!("{name}.")),
                (None, _) => {
                    let known = fields::of(self.kind).iter().map(|field| field.name);
                    let nearest = did_you_mean(&name, known);
                    self.problems.push(format!("fields.{name}: there is no such field{nearest}"));
                }
            }
        }
    }

    fn rule(&mut self, name: &str, field: &'static Field, path: Vec<String>, value: &Value) {
        if self.rules.iter().any(|rule| rule.path == path) {
            self.problems.push(format!("fields.{name}: it is said twice"));
        }
        let origin = match value {
            Value::String(source) => Some(self.made(name, field, vec![source.clone()], &Table::new())),
            Value::Table(table) => {
                let of_kind = match field.becomes {
                    Becomes::Time => TIME_KEYS,
                    Becomes::Number => NUMBER_KEYS,
                    Becomes::Text | Becomes::Truth => &[],
                };
                let prefix = format!("fields.{name}.");
                self.unknown(table.keys(), &prefix, &[RULE_KEYS, of_kind]);
                self.origin(name, field, table)
            }
            _ => {
                self.problems.push(format!(
                    "fields.{name}: expected the name of a source field, or a table such as {{ from = \"NAME\" }}"
                ));
                None
            }
        };
        if let Some(origin) = origin {
            self.rules.push(Rule { field, path, origin });
        }
    }

    fn origin(&mut self, name: &str, field: &'static Field, table: &Table) -> Option<Origin> {
        let problem = match (table.get("from"), table.get("value")) {
            (None, Some(constant)) => {
                if table.len() > 1 {
                    self.problems.push(format!("fields.{name}: a constant value takes no other key"));
                }
                return self.constant(&format!("fields.{name}.value"), field, constant).map(Origin::Constant);
            }
            (Some(Value::String(one)), None) => return Some(self.made(name, field, vec![one.clone()], table)),
            (Some(Value::Array(several)), None) => {
                let names: Vec<String> = several.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect();
                if !names.is_empty() && names.len() == several.len() {
                    return Some(self.made(name, field, names, table));
                }
                "from: expected the names of source fields"
            }
            (Some(_), None) => "from: expected the name of a source field, or a list of them",
            _ => "expected either from (source fields) or value (a constant)",
        };
        self.problems.push(format!("fields.{name}: {problem}"));
        None
    }

    fn made(&mut self, name: &str, field: &'static Field, from: Vec<String>, table: &Table) -> Origin {
        let prefix = format!("fields.{name}.");
        let join = self.parsed(table, &prefix, "join", |text| {
            if from.len() > 1 { Ok(text.to_owned()) } else { Err("there is only one source field") }
        });
        let values = self.values(&prefix, field, table);
        let writing = self.writing(table, &prefix).or(&self.of_file);
        let comma = writing.comma.unwrap_or_default();
        let reading = match field.becomes {
            Becomes::Text | Becomes::Truth => Reading::Plain,
            Becomes::Number => Reading::Number { comma },
            Becomes::Time => {
                let plus = self.parsed(table, &prefix, "plus", |text| Ok::<_, String>(text.to_owned()));
                let plus = plus.map(|source| self.place(source));
                match Times::new(writing.time_format.as_deref(), writing.time_zone) {
                    Ok(times) => Reading::Time { times, plus, comma },
                    Err(problem) => {
                        self.problems.push(format!("fields.{name}: {problem}"));
                        Reading::Plain
                    }
                }
            }
        };
        let from = from.into_iter().map(|source| self.place(source)).collect();
        Origin::Made(Made { from, join: join.unwrap_or_else(|| " ".into()), values, reading })
    }

    fn values(&mut self, prefix: &str, field: &'static Field, table: &Table) -> Option<HashMap<String, Json>> {
        match table.get("values")? {
            Value::Table(values) => Some(
                values
                    .iter()
                    .filter_map(|(text, value)| {
                        let name = format!("{prefix}values.{text:?}");
                        let constant = match value {
                            // Nothing: the field is left out.
                            Value::String(nothing) if nothing.is_empty() => Some(Json::from("")),
                            // Read further, like what has no entry.
                            Value::String(text) if field.becomes != Becomes::Text => Some(Json::from(text.as_str())),
                            value => self.constant(&name, field, value),
                        };
                        Some((text.clone(), constant?))
                    })
                    .collect(),
            ),
            _ => {
                self.problems.push(format!("{prefix}values: expected a table such as {{ NI = \"declined\" }}"));
                None
            }
        }
    }

    fn constant(&mut self, name: &str, field: &Field, value: &Value) -> Option<Json> {
        let constant = match (field.becomes, value) {
            (Becomes::Text, Value::String(text)) if fits(field, text) => Some(Json::from(text.as_str())),
            (Becomes::Time, Value::String(text)) if text.parse::<chrono::DateTime<chrono::Utc>>().is_ok() => {
                Some(Json::from(text.as_str()))
            }
            (Becomes::Number, Value::Integer(number)) => Some(Json::from(*number)),
            (Becomes::Number, Value::Float(number)) if number.is_finite() => Some(Json::from(*number)),
            (Becomes::Truth, Value::Boolean(truth)) => Some(Json::from(*truth)),
            _ => None,
        };
        if constant.is_none() {
            let expected = match field.becomes {
                Becomes::Text if !field.choices.is_empty() => format!("one of {}", field.choices.join(", ")),
                Becomes::Text => "a text in quotes".into(),
                Becomes::Time => "a time in quotes such as \"2026-11-20T21:00:00Z\"".into(),
                Becomes::Number => "a number".into(),
                Becomes::Truth => "true or false".into(),
            };
            self.problems.push(format!("{name}: expected {expected}"));
        }
        constant
    }

    fn place(&mut self, source: String) -> usize {
        self.sources.iter().position(|known| *known == source).unwrap_or_else(|| {
            self.sources.push(source);
            self.sources.len() - 1
        })
    }

    /// Fields without which every record would be refused.
    fn what_is_missing(&mut self) {
        let says = |name: &str| self.rules.iter().any(|rule| rule.field.name == name);
        let named = |name: &str| self.problems.iter().any(|problem| problem.starts_with(&format!("fields.{name}")));
        let group = |key: &str| key.split_once('.').map_or("", |(group, _)| group).to_owned() + ".";
        let required = fields::of(self.kind).iter().filter(|field| field.required).map(|field| field.name);
        let of_group = |key: &str| self.rules.iter().any(|rule| rule.field.name.starts_with(&group(key)));
        let keys = GROUP_KEYS.iter().copied().filter(|key| of_group(key));
        let missing: Vec<String> = required
            .chain(keys)
            .filter(|name| !says(name) && !named(name))
            .map(|name| format!("fields.{name} is missing: every record needs it"))
            .collect();
        self.problems.extend(missing);
        let is_said = |path: &[String]| self.rules.iter().any(|rule| rule.path == path);
        for rule in self.rules.iter().filter(|rule| rule.field.name == "addresses.0.mode") {
            let address = [&rule.path[..2], &["address".to_owned()]].concat();
            if !is_said(&address) {
                self.problems.push(format!("fields.{} is missing: a mode is an address's", address.join(".")));
            }
        }
    }
}

fn fits(field: &Field, text: &str) -> bool {
    !text.is_empty() && (field.choices.is_empty() || field.choices.contains(&text))
}

fn chosen<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, String> {
    let found = choices.iter().find(|(name, _)| *name == text).map(|(_, choice)| *choice);
    found.ok_or_else(|| {
        let names: Vec<String> = choices.iter().map(|(name, _)| format!("{name:?}")).collect();
        format!("expected {}", names.join(" or "))
    })
}
