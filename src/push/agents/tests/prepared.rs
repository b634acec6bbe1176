//! Timelines of so many interactions.

use super::*;
use crate::journey::timeline::{self, Ask as TimelineAsk};
use crate::journey::{Interaction, Journey};

/// The longer one was looked up later.
pub fn timeline_of(interactions: usize) -> Prepared {
    let interaction = |nth: usize| {
        let value = serde_json::json!({
            "interactionId": format!("i-{nth}"), "source": "data_cloud", "address": "+12015550142", "channel": "voice",
            "startedAt": at(-1000 - nth as i64).to_rfc3339(),
        });
        Interaction::read(value.to_string().as_bytes(), rlibphonenumber::Region::US, at(0)).unwrap()
    };
    let journey = Journey {
        number: "+12015550142".into(),
        leads: vec!["+12015550142".into()],
        contacts: Vec::new(),
        interactions: (0..interactions).map(interaction).collect(),
    };
    let ask = TimelineAsk {
        now: at(0),
        months: 12,
        time_zone: Tz::UTC,
        campaign: None,
        channel: None,
        before: None,
        interactions_max: 10_000,
    };
    Prepared::of(timeline::prepare(&journey, Vec::new(), &ask), journey.leads.clone(), interactions as u64)
}
