//! The settings: one TOML file, the environment over it, flags over that. Reads all of them, reports every problem at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use figment::value::{Dict, Value};
use serde::Deserialize;

use crate::journey::postgres::tables::COLUMNS;
use crate::journey::{Catalogue, Source};
use crate::tls::Served;

mod aliases;
mod auth;
mod catalogue;
mod flat;
mod http;
mod keys;
mod kinds;
mod nearest;
mod places;
mod policy;
mod properties;

pub use aliases::Aliases;
pub use auth::{Auth, JwksUrl};
pub use catalogue::{toml_key, toml_text};
use flat::flatten;
pub use flat::number_text;
pub use http::{ForwardedHeader, Http, TlsFiles, TlsSettings};
pub use keys::{COLUMN_TABLES, Key, keys};
pub use kinds::{JourneySource, LogFormat, Months, Region, Span, StoreAddress, url_without_password};
pub use nearest::nearest;
pub use places::{SourcePlace, SourcePlaces};
pub use policy::{Audit, Hide, Policy};
pub use properties::is_secret;

/// Variables with this prefix are settings: `BACKSTORY_HTTP__LISTEN` is `http.listen`.
const ENV_PREFIX: &str = "BACKSTORY_";
/// Exit code of a start with settings that cannot be used (`EX_USAGE` of sysexits.h).
pub const EXIT_SETTINGS: u8 = 64;
/// The value of `kafka.brokers` that starts the in-process broker.
pub const EMBEDDED: &str = "embedded";

/// Everything an administrator can say, checked. What each field does stands with its default in `config/keys.rs`.
#[derive(Debug, Clone, Deserialize)]
pub struct Settings {
    pub http: Http,
    pub auth: Auth,
    pub kafka: Kafka,
    pub journey: Journey,
    pub calls: Calls,
    pub ledger: Ledger,
    pub policy: Policy,
    pub audit: Audit,
    pub log: Log,
    pub drain: Drain,
    /// Labels, classes and names for what records carry bare.
    #[serde(skip)]
    pub catalogue: Arc<Catalogue>,
    /// Other ids of agents.
    #[serde(skip)]
    pub aliases: Arc<Aliases>,
}

#[derive(Clone, Deserialize)]
pub struct Kafka {
    /// `None` only where a command may do without (`config`, `import` into the store).
    pub brokers: Option<String>,
    pub replay_window: Span,
    pub record_bytes_max: usize,
    pub record_ahead_max: Span,
    pub group: String,
    pub topics: Topics,
    /// Holds the token for SASL OAUTHBEARER, and is written anew by whoever renews it.
    pub oauth_token_file: Option<PathBuf>,
    /// librdkafka properties, flat, secrets already read from their files.
    #[serde(skip)]
    pub properties: BTreeMap<String, String>,
}

/// Without the properties: secrets are among them.
impl std::fmt::Debug for Kafka {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kafka").field("brokers", &self.brokers).field("topics", &self.topics).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Deserialize)]
pub struct Topics {
    pub calls: String,
    pub interactions: String,
    pub contacts: String,
    pub erasures: String,
    pub pops: String,
    pub audit: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Journey {
    pub store: StoreAddress,
    pub source: JourneySource,
    pub period_months: Months,
    pub interactions_max: usize,
    pub contacts_max: usize,
    pub campaigns_max: usize,
    pub counted_max: usize,
    pub timeline_bytes_max: usize,
    pub dictionary_bytes_max: usize,
    pub lookup_timeout: Span,
    pub lookups_max: usize,
    pub statement_timeout: Span,
    pub retention: Option<Span>,
    pub default_region: Region,
    pub no_ids: Vec<String>,
    #[serde(default)]
    pub sources: SourcePlaces,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Calls {
    pub age_max: Span,
    pub future_max: Span,
    pub open_max: Span,
    pub keep_after_end: Span,
    pub known_max: usize,
    pub outlines_bytes_max: usize,
    pub agents_per_call_max: usize,
    pub open_per_agent_max: usize,
    pub default_region: Option<Region>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Ledger {
    pub retention: Span,
    pub alive_every: Span,
    pub pops_max: usize,
    pub queue_max: usize,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Log {
    pub format: LogFormat,
    pub level: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Drain {
    pub limit: Span,
}

/// What is wrong with the settings: all of it, a line each.
#[derive(Debug, thiserror::Error)]
#[error("{} in the settings:\n{}", count(.0.len()), .0.iter().map(|p| format!("  - {p}")).collect::<Vec<_>>().join("\n"))]
pub struct Problems(pub Vec<String>);

fn count(problems: usize) -> String {
    if problems == 1 { "1 problem".into() } else { format!("{problems} problems") }
}

/// The layers of one start, lowest first: defaults, file, environment, flags.
#[derive(Debug, Clone)]
pub struct Layers(Figment);

impl Layers {
    /// `flags` are dotted keys with their values, as typed. Environment variables are read here and nowhere else.
    pub fn new(file: Option<&Path>, flags: &[(String, String)]) -> Result<Self, Problems> {
        let mut defaults = Figment::new();
        for key in keys() {
            if let Some(default) = key.default {
                defaults = defaults.merge(Toml::string(&format!("{} = {default}", key.name)));
            }
        }
        let mut figment = defaults;
        if let Some(path) = file {
            let text = std::fs::read_to_string(path)
                .map_err(|e| Problems(vec![format!("cannot read {}: {e}", path.display())]))?;
            <Toml as Format>::from_str::<Dict>(&text).map_err(|e| {
                Problems(vec![format!("{} is not TOML: {}", path.display(), without_excerpt(&text, &e))])
            })?;
            figment = figment.merge(Toml::file_exact(path));
        }
        figment = figment.merge(
            Env::prefixed(ENV_PREFIX)
                .ignore(&["config", "token_file"])
                .map(|name| key_of_variable(name.as_str()).into()),
        );
        for (key, value) in flags {
            figment =
                figment.merge(Serialized::default(key, value.parse::<Value>().unwrap_or_else(|never| match never {})));
        }
        Ok(Self(figment))
    }

    /// The value in force, and where it was said; `None` for the default.
    pub fn said(&self, key: &str) -> (Option<Value>, Option<String>) {
        let origin = self.0.find_metadata(key).and_then(origin_of);
        (self.0.find_value(key).ok(), origin)
    }

    /// Where a value was said; nothing for a default.
    fn origin(&self, said: &Value) -> String {
        self.0.get_metadata(said.tag()).and_then(origin_of).unwrap_or_default()
    }

    /// What stands under `catalogue`, over the defaults, and every mistake in it.
    pub fn catalogue(&self) -> (Catalogue, Vec<String>) {
        catalogue::read(self)
    }

    /// What stands under `agents.aliases`, and every mistake in it.
    pub fn aliases(&self) -> (Aliases, Vec<String>) {
        aliases::read(self)
    }

    /// What stands under `kafka.properties`, flat, as typed.
    pub fn properties(&self) -> BTreeMap<String, String> {
        self.table("kafka.properties")
    }

    /// What stands in a table whose names are the administrator's, flat, as typed.
    pub fn table(&self, name: &str) -> BTreeMap<String, String> {
        let mut flat = BTreeMap::new();
        if let Ok(Value::Dict(_, dict)) = self.0.find_value(name) {
            flatten("", &dict, &mut flat);
        }
        flat
    }
}

/// Where the text is wrong, and how. What the error says by itself quotes the line, and a password may stand there.
fn without_excerpt(text: &str, error: &<Toml as Format>::Error) -> String {
    let before = text.get(..error.span().map_or(0, |span| span.start)).unwrap_or_default();
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("line {}, column {column}: {}", before.matches('\n').count() + 1, error.message().replace('\n', ", "))
}

/// `KAFKA__PROPERTIES__SASL_USERNAME` → `kafka.properties.sasl.username`: librdkafka's names have dots where a variable cannot.
fn key_of_variable(name: &str) -> String {
    let key = name.to_ascii_lowercase().replace("__", ".");
    match key.strip_prefix("kafka.properties.") {
        Some(property) => format!("kafka.properties.{}", property.replace('_', ".")),
        None => key,
    }
}

/// Where a value was said; `None` for a default.
fn origin_of(metadata: &figment::Metadata) -> Option<String> {
    match metadata.source.as_ref().and_then(|source| source.file_path()) {
        Some(path) => Some(path.display().to_string()),
        None if metadata.name.starts_with("TOML") => None,
        None if metadata.name.contains("environment") => Some("environment".into()),
        None => Some("command line".into()),
    }
}

/// Settings for a command that must hear Kafka: `kafka.brokers` is required.
pub fn load(layers: &Layers) -> Result<Settings, Problems> {
    let (settings, mut problems) = read(layers);
    if layers.0.find_value("kafka.brokers").is_err() {
        problems.push(format!(
            "kafka.brokers is not set: write kafka.brokers = \"host:9092\" for a Kafka cluster, or \"{EMBEDDED}\" for the \
             in-process broker (for trying out: it keeps records in memory only)"
        ));
    }
    if let Some(Err(error)) = settings.as_ref().and_then(|read| read.http.tls.files()).map(|files| Served::from(&files))
    {
        problems.push(format!("{error:#}"));
    }
    settings.filter(|_| problems.is_empty()).ok_or(Problems(problems))
}

/// Settings for a command that can do without Kafka.
pub fn load_without_kafka(layers: &Layers) -> Result<Settings, Problems> {
    let (settings, problems) = read(layers);
    settings.filter(|_| problems.is_empty()).ok_or(Problems(problems))
}

/// Each value is checked by itself first, so that none hides the next; only then are they read together.
fn read(layers: &Layers) -> (Option<Settings>, Vec<String>) {
    let mut problems = unknown_names(layers);
    for key in keys() {
        if let Err(reason) = key.kind.check(&layers.0, key.name) {
            problems.push(format!("{}: {reason} ({})", key.name, layers.said(key.name).1.unwrap_or_default()));
        }
    }
    let (catalogue, mistakes) = layers.catalogue();
    problems.extend(mistakes);
    let (aliases, mistakes) = layers.aliases();
    problems.extend(mistakes);
    problems.extend(auth::check(&layers.0));
    let (teams, mistakes) = layers.teams();
    problems.extend(mistakes);
    let properties = properties::read(layers, &mut problems);
    let all_known = problems.is_empty();
    let mut settings = None;
    match layers.0.extract::<Settings>() {
        Ok(mut read) => {
            read.kafka.properties = properties;
            read.catalogue = Arc::new(catalogue);
            read.aliases = Arc::new(aliases);
            read.policy.teams = Arc::new(teams);
            check_together(&read, &mut problems);
            if all_known {
                properties::check_together(&read.kafka, &mut problems);
            }
            settings = Some(read);
        }
        // The check of each value has named what is wrong; this is for what it cannot see (a table where a value belongs).
        Err(error) if problems.is_empty() => problems.push(error.to_string()),
        Err(_) => {}
    }
    (settings, problems)
}

/// What no value shows by itself.
fn check_together(settings: &Settings, problems: &mut Vec<String>) {
    if *settings.calls.open_max > *settings.kafka.replay_window {
        problems.push(
            "calls.open_max is longer than kafka.replay_window: a restart would forget calls that are still open"
                .into(),
        );
    }
    settings.http.tls.check_together(problems);
    for source in [Source::CampaignManager, Source::DataCloud] {
        let (place, table) = (settings.journey.sources.of(source), format!("journey.sources.{}", source.name()));
        let postgres = matches!(place.store, Some(StoreAddress::Postgres(_)));
        if place.interactions.is_some() && !postgres {
            problems.push(format!("{table}.interactions needs {table}.store, the PostgreSQL that holds its tables"));
        }
        if place.interactions.is_none() && (place.listings.is_some() || !place.columns.is_empty()) {
            problems.push(format!(
                "{table}.listings and .columns are for tables of yours: {table}.interactions is missing"
            ));
        }
        if place.store.as_ref() == Some(&settings.journey.store) && place.interactions.is_none() {
            problems.push(format!("{table}.store is journey.store: leave it out"));
        }
        let unknown = |column: &&String| !COLUMNS.contains(&column.as_str());
        for column in place.columns.keys().filter(unknown) {
            problems
                .push(format!("{table}.columns.{column}: there is no such column; there are {}", COLUMNS.join(", ")));
        }
    }
}

fn unknown_names(layers: &Layers) -> Vec<String> {
    let mut said = BTreeMap::new();
    if let Ok(all) = layers.0.extract::<Dict>() {
        flatten("", &all, &mut said);
    }
    let within = |name: &str, table: &str| name.strip_prefix(table).is_some_and(|rest| rest.starts_with('.'));
    let open = |name: &str| {
        keys::OPEN_TABLES.iter().chain(COLUMN_TABLES).any(|table| within(name, table))
            || name.split('.').next() == Some("catalogue")
    };
    let known = |name: &str| open(name) || keys().any(|key| key.name == name);
    said.keys()
        .filter(|name| !known(name))
        .map(|name| {
            let nearest = nearest(name, keys().map(|key| key.name))
                .or(name.starts_with("catalog").then_some("catalogue"))
                .map(|key| format!("; did you mean {key}?"))
                .unwrap_or_default();
            let origin = layers.said(name).1.unwrap_or_default();
            let variable = format!("{ENV_PREFIX}{}", name.replace('.', "__").to_ascii_uppercase());
            let said = if origin == "environment" { variable } else { name.clone() };
            format!("{said}: there is no such setting ({origin}){nearest}")
        })
        .collect()
}

#[cfg(test)]
mod tests;
