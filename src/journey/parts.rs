//! Parts of records that are kept with what they have: a campaign, an agent or an outcome without its id, and lists with gaps.

use std::sync::Arc;

use serde::{Deserialize, Deserializer};

use super::{Agent, Campaign, ContactAddress, Outcome, OutcomeClass};
use crate::record;

/// An id, and a name.
#[derive(Deserialize)]
struct Named {
    #[serde(default, deserialize_with = "record::optional_id")]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

/// Without an id it has the empty one; without either it is none.
fn named<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<(String, Option<String>)>, D::Error> {
    let part = Option::<Named>::deserialize(deserializer)?;
    let part = part.filter(|part| part.id.is_some() || part.name.is_some());
    Ok(part.map(|Named { id, name }| (id.unwrap_or_default(), name)))
}

pub fn campaign<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Campaign>, D::Error> {
    Ok(named(deserializer)?.map(|(id, name)| Campaign { id, name }))
}

pub fn shared_campaign<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Arc<Campaign>>, D::Error> {
    Ok(campaign(deserializer)?.map(Arc::new))
}

pub fn agent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Arc<Agent>>, D::Error> {
    Ok(named(deserializer)?.map(|(id, name)| Arc::new(Agent { id, name })))
}

pub fn outcome<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Arc<Outcome>>, D::Error> {
    #[derive(Deserialize)]
    struct Part {
        #[serde(default, deserialize_with = "record::optional_id")]
        code: Option<String>,
        #[serde(default)]
        label: Option<String>,
        #[serde(default)]
        class: Option<OutcomeClass>,
        #[serde(default)]
        parent: Option<String>,
        #[serde(default)]
        telephony: Option<String>,
        #[serde(default)]
        reached: Option<bool>,
    }
    let Some(Part { code, label, class, parent, telephony, reached }) = Option::<Part>::deserialize(deserializer)?
    else {
        return Ok(None);
    };
    let outcome = Outcome { code: code.unwrap_or_default(), label, class, parent, telephony, reached };
    let says_nothing = outcome.code.is_empty()
        && outcome.class.is_none()
        && outcome.reached.is_none()
        && [&outcome.label, &outcome.parent, &outcome.telephony].iter().all(|text| text.is_none());
    Ok((!says_nothing).then(|| Arc::new(outcome)))
}

/// Those that have an address.
pub fn addresses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ContactAddress>, D::Error> {
    #[derive(Deserialize)]
    struct Part {
        #[serde(default)]
        mode: Option<String>,
        #[serde(default, deserialize_with = "record::optional_id")]
        address: Option<String>,
    }
    let parts = Option::<Vec<Option<Part>>>::deserialize(deserializer)?.unwrap_or_default();
    let known = parts.into_iter().flatten();
    Ok(known.filter_map(|Part { mode, address }| Some(ContactAddress { mode, address: address? })).collect())
}
