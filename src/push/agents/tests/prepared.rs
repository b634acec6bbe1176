//! Timelines of so many interactions.

use super::*;
use crate::journey::timeline::{self, Ask as TimelineAsk};
use crate::journey::{Interaction, Journey};
use crate::policy::Fields;
use crate::push::prepared::Kept;

/// A journey of so many interactions; the longer one was looked up later.
pub struct Looked(Journey);

/// As it is seen whole.
pub fn timeline_of(interactions: usize) -> Prepared {
    journey_of(interactions).as_seen_by(Fields::default())
}

pub fn journey_of(interactions: usize) -> Looked {
    let interaction = |nth: usize| {
        let value = serde_json::json!({
            "interactionId": format!("i-{nth}"), "source": "data_cloud", "address": "+12015550142", "channel": "voice",
            "startedAt": at(-1000 - nth as i64).to_rfc3339(),
        });
        Interaction::read(value.to_string().as_bytes(), rlibphonenumber::Region::US, at(0)).unwrap()
    };
    Looked(Journey {
        number: "+12015550142".into(),
        leads: vec!["+12015550142".into()],
        interactions: (0..interactions).map(interaction).collect(),
        ..Journey::default()
    })
}

impl Looked {
    pub fn as_seen_by(&self, fields: Fields) -> Prepared {
        let Self(journey) = self;
        let ask = TimelineAsk {
            now: at(0),
            months: 12,
            time_zone: Tz::UTC,
            campaign: None,
            channel: None,
            before: None,
            limits: timeline::Limits {
                contacts_max: 20,
                campaigns_max: 100,
                interactions_max: 10_000,
                bytes_max: 8 << 20,
            },
        };
        let divided = fields.divided(journey);
        let timeline = timeline::prepare(&divided, Vec::new(), &ask);
        let page: Vec<Kept> = timeline.interactions().map(|one| Kept::of(one)).collect();
        Prepared::of(
            fields.shown(&divided, timeline),
            &page,
            &divided,
            journey.interactions.len() as u64,
            fields.clone(),
        )
    }
}
