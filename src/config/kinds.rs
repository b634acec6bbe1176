//! The kinds of value that settings have, and how each is checked by itself.

use std::net::SocketAddr;
use std::ops::Deref;
use std::path::PathBuf;
use std::time::Duration;

use figment::Figment;
use rlibphonenumber::PHONE_NUMBER_UTIL;
use serde::{Deserialize, Serialize};

use super::ForwardedHeader;
use super::JwksUrl;
use super::policy::Hide;
use crate::auth::SigningAlgorithm;
use crate::journey::Source as InteractionSource;
use crate::journey::postgres::Address;

/// What a setting's value must be.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Address,
    Names,
    Origins,
    Networks,
    Forwarded,
    HeaderBytes,
    Switch,
    Count,
    Time,
    Text,
    Brokers,
    Store,
    Source,
    PeriodMonths,
    DefaultRegion,
    Format,
    Jwks,
    Algorithms,
    Digits,
    Hidden,
}

impl Kind {
    /// Says what is wrong with the value in force, if anything is.
    pub(super) fn check(self, figment: &Figment, key: &str) -> Result<(), String> {
        if !figment.contains(key) {
            return Ok(()); // it has no default; whether it is needed is the command's to say
        }
        let read = match self {
            Self::Address => figment.extract_inner::<SocketAddr>(key).map(drop),
            Self::Names => figment.extract_inner::<Vec<String>>(key).map(drop),
            Self::Origins => return origins(&figment.extract_inner::<Vec<String>>(key)),
            Self::Networks => return networks(figment.extract_inner::<Vec<String>>(key)),
            Self::Forwarded => figment.extract_inner::<ForwardedHeader>(key).map(drop),
            Self::HeaderBytes => return at_least(1024, figment.extract_inner::<usize>(key)),
            Self::Switch => figment.extract_inner::<bool>(key).map(drop),
            Self::Count => return positive(figment.extract_inner::<usize>(key)),
            Self::Time => figment.extract_inner::<Span>(key).map(drop),
            Self::Text | Self::Brokers => return not_empty(figment.extract_inner::<String>(key)),
            Self::Store => figment.extract_inner::<StoreAddress>(key).map(drop),
            Self::Source => figment.extract_inner::<JourneySource>(key).map(drop),
            Self::PeriodMonths => {
                return figment.extract_inner::<Months>(key).map(drop).map_err(|_| Months::EXPECTED.into());
            }
            Self::DefaultRegion => figment.extract_inner::<Region>(key).map(drop),
            Self::Jwks => figment.extract_inner::<JwksUrl>(key).map(drop),
            Self::Algorithms => return some(figment.extract_inner::<Vec<SigningAlgorithm>>(key)),
            Self::Format => figment.extract_inner::<LogFormat>(key).map(drop),
            Self::Digits => {
                return figment.extract_inner::<Digits>(key).map(drop).map_err(|_| Digits::EXPECTED.into());
            }
            Self::Hidden => return hidden(figment.extract_inner::<Vec<String>>(key)),
        };
        read.map_err(|error| error.kind.to_string())
    }
}

fn some<T>(read: Result<Vec<T>, figment::Error>) -> Result<(), String> {
    match read {
        Ok(list) if list.is_empty() => Err("is empty".into()),
        Ok(_) => Ok(()),
        Err(error) => Err(error.kind.to_string()),
    }
}

/// They go into a header as they are, and are compared as they are with what a browser says.
fn origins(read: &Result<Vec<String>, figment::Error>) -> Result<(), String> {
    let is_origin = |text: &str| {
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-:[]".contains(c);
        !host.is_empty() && host.chars().all(allowed)
    };
    match read {
        Ok(said) => match said.iter().find(|text| !is_origin(text)) {
            Some(text) => Err(format!(
                "{text} is no origin such as \"https://apps.example\": scheme and host in small letters, nothing behind them"
            )),
            None => Ok(()),
        },
        Err(error) => Err(error.kind.to_string()),
    }
}

fn networks(read: Result<Vec<String>, figment::Error>) -> Result<(), String> {
    let said = read.map_err(|error| error.kind.to_string())?;
    match said.iter().find(|text| text.parse::<ipnet::IpNet>().is_err()) {
        Some(text) => Err(format!("{text} is no network such as \"10.0.0.0/8\" or \"2001:db8::7/128\"")),
        None => Ok(()),
    }
}

fn positive(read: Result<usize, figment::Error>) -> Result<(), String> {
    at_least(1, read)
}

fn at_least(least: usize, read: Result<usize, figment::Error>) -> Result<(), String> {
    match read {
        Ok(said) if said < least => Err(format!("must be at least {least}")),
        Ok(_) => Ok(()),
        Err(error) => Err(error.kind.to_string()),
    }
}

fn not_empty(read: Result<String, figment::Error>) -> Result<(), String> {
    match read {
        Ok(text) if text.trim().is_empty() => Err("is empty".into()),
        Ok(_) => Ok(()),
        Err(error) => Err(error.kind.to_string()),
    }
}

/// A time such as `"250ms"`, `"60s"`, `"5m"`, `"2h"` or `"30d"`, more than nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Span(Duration);

impl Deref for Span {
    type Target = Duration;

    fn deref(&self) -> &Duration {
        &self.0
    }
}

impl TryFrom<String> for Span {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl std::str::FromStr for Span {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected a time such as \"250ms\", \"60s\", \"5m\", \"2h\" or \"30d\"";
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let number: u64 = text[..digits].parse().map_err(|_| EXPECTED)?;
        let millis_each = match text[digits..].trim() {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(EXPECTED),
        };
        // A century is beyond any use, and safe to add to any time.
        let millis = number.checked_mul(millis_each).filter(|millis| (1..=3_155_760_000_000).contains(millis));
        millis.map(|millis| Self(Duration::from_millis(millis))).ok_or(EXPECTED)
    }
}

/// Where journeys are kept: `"sqlite:PATH"` or `"postgres://USER:PASSWORD@HOST/DATABASE"`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum StoreAddress {
    Sqlite(PathBuf),
    /// A URL that PostgreSQL's own clients know. It may hold a password: print [`StoreAddress::without_password`].
    Postgres(String),
}

impl StoreAddress {
    pub fn without_password(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres(url) => url_without_password(url),
        }
    }
}

/// As written, but for what stands between the user's name and the `@`, and a `password=` behind the `?`.
pub fn url_without_password(url: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
    let (scheme, rest) = base.split_once("://").unwrap_or(("", base));
    let shown = match rest.rsplit_once('@') {
        Some((who, place)) => {
            let user = who.split_once(':').map_or(who, |(user, _)| user);
            format!("{scheme}://{user}@{place}")
        }
        None => base.to_owned(),
    };
    let kept = |part: &&str| !part.to_ascii_lowercase().starts_with("password");
    let query: Vec<&str> = query.into_iter().flat_map(|query| query.split('&')).filter(kept).collect();
    if query.is_empty() { shown } else { format!("{shown}?{}", query.join("&")) }
}

impl std::fmt::Debug for StoreAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.without_password())
    }
}

impl TryFrom<String> for StoreAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const EXPECTED: &str = "expected \"sqlite:PATH\" or \"postgres://USER@HOST/DATABASE\"";
        if let Some(path) = text.strip_prefix("sqlite:").map(str::trim).filter(|path| !path.is_empty()) {
            return Ok(Self::Sqlite(path.into()));
        }
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(EXPECTED.into());
        }
        Address::read(&text)?;
        Ok(Self::Postgres(text))
    }
}

/// 3, 6, 9 or 12: the periods that agents choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub struct Months(u32);

impl Months {
    const EXPECTED: &str = "expected 3, 6, 9 or 12";

    pub fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for Months {
    type Error = &'static str;

    fn try_from(months: u32) -> Result<Self, Self::Error> {
        matches!(months, 3 | 6 | 9 | 12).then_some(Self(months)).ok_or(Self::EXPECTED)
    }
}

/// ISO 3166, two letters: where a number without a country code belongs.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub struct Region(pub rlibphonenumber::Region);

impl TryFrom<String> for Region {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let region: Option<rlibphonenumber::Region> = text.parse().ok();
        let known =
            region.filter(|region| PHONE_NUMBER_UTIL.get_supported_regions().any(|supported| supported == *region));
        known.map(Self).ok_or("expected a region that there is, in two letters such as \"US\" or \"PT\"")
    }
}

/// Which source's interactions agents see (`journey.source`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JourneySource {
    DataCloud,
    CampaignManager,
    Both,
}

impl JourneySource {
    pub fn sources(self) -> &'static [InteractionSource] {
        match self {
            Self::DataCloud => &[InteractionSource::DataCloud],
            Self::CampaignManager => &[InteractionSource::CampaignManager],
            Self::Both => &[InteractionSource::CampaignManager, InteractionSource::DataCloud],
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    Text,
    Json,
}

/// How many of a number's last digits are shown: with more than six, hardly anything is masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u8")]
pub struct Digits(u8);

impl Digits {
    const EXPECTED: &str = "expected 0 to 6";

    pub fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Digits {
    type Error = &'static str;

    fn try_from(digits: u8) -> Result<Self, Self::Error> {
        (digits <= 6).then_some(Self(digits)).ok_or(Self::EXPECTED)
    }
}

fn hidden(read: Result<Vec<String>, figment::Error>) -> Result<(), String> {
    let said = read.map_err(|error| error.kind.to_string())?;
    let unknown: Vec<&String> = said.iter().filter(|word| !Hide::NAMES.contains(&word.as_str())).collect();
    if unknown.is_empty() { Ok(()) } else { Err(format!("{unknown:?}: expected some of {:?}", Hide::NAMES)) }
}
