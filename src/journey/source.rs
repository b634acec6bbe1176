//! Whose an interaction is, where such ones' numbers belong, and how current that source is.

use chrono::{DateTime, Utc};
use rlibphonenumber::Region;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config;

/// Who keeps the interaction: the dialler's campaign manager or the company's data cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    CampaignManager,
    DataCloud,
}

impl Source {
    pub const ALL: [Self; 2] = [Self::CampaignManager, Self::DataCloud];
    pub const NAMES: &[&str] = &["campaign_manager", "data_cloud"];

    pub fn name(self) -> &'static str {
        match self {
            Self::CampaignManager => Self::NAMES[0],
            Self::DataCloud => Self::NAMES[1],
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == name)
    }
}

/// Where numbers without a country code belong: anywhere, or in one source.
#[derive(Debug, Clone, Copy)]
pub struct Regions {
    pub general: Region,
    pub campaign_manager: Option<Region>,
    pub data_cloud: Option<Region>,
}

impl Regions {
    pub fn of_settings(settings: &config::Journey) -> Self {
        let own = |source| settings.sources.of(source).default_region.map(|region| region.0);
        Self {
            general: settings.default_region.0,
            campaign_manager: own(Source::CampaignManager),
            data_cloud: own(Source::DataCloud),
        }
    }

    pub fn of(self, source: Source) -> Region {
        let own = match source {
            Source::CampaignManager => self.campaign_manager,
            Source::DataCloud => self.data_cloud,
        };
        own.unwrap_or(self.general)
    }
}

impl From<Region> for Regions {
    fn from(general: Region) -> Self {
        Self { general, campaign_manager: None, data_cloud: None }
    }
}

/// How current one source is, or why it did not answer.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceState {
    pub source: Source,
    /// When its recorder had last read everything there is, or when its tables were asked; `null` while that never was.
    pub as_of: Option<DateTime<Utc>>,
    /// Its interactions are not among those shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<SourceMissing>,
}

/// Why a source did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(with = "SourceMissingFrame")]
pub enum SourceMissing {
    /// Not yet: what it says will follow.
    Timeout,
    /// It was asked in vain, and is asked again while the call is open.
    Failed,
}

#[derive(Serialize, JsonSchema)]
struct SourceMissingFrame {
    /// `timeout` or `failed`.
    code: &'static str,
    /// A sentence a person understands.
    text: &'static str,
}

impl Serialize for SourceMissing {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (code, text) = match self {
            Self::Timeout => ("timeout", "has not answered yet"),
            Self::Failed => ("failed", "did not answer"),
        };
        SourceMissingFrame { code, text }.serialize(serializer)
    }
}
