//! Where each of the two sources is, where that is not `journey.store`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Region, StoreAddress};
use crate::journey::Source;

/// Where the sources are, for those that are not in `journey.store`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct SourcePlaces {
    pub campaign_manager: SourcePlace,
    pub data_cloud: SourcePlace,
}

impl SourcePlaces {
    pub fn of(&self, source: Source) -> &SourcePlace {
        match source {
            Source::CampaignManager => &self.campaign_manager,
            Source::DataCloud => &self.data_cloud,
        }
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct SourcePlace {
    pub store: Option<StoreAddress>,
    /// A query: `$1` the number, `$2` the beginning of the period.
    pub interactions: Option<String>,
    /// A query: `$1` the number.
    pub listings: Option<String>,
    pub default_region: Option<Region>,
    /// Our column → the query's.
    pub columns: BTreeMap<String, String>,
}
