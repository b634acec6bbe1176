//! Reading a timeline as tests compare it.

use serde_json::Value;

fn list<'a>(timeline: &'a Value, name: &str) -> &'a Vec<Value> {
    timeline[name].as_array().unwrap_or_else(|| panic!("no {name} in {timeline}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// The ids of the interactions, as shown.
pub fn ids(timeline: &Value) -> Vec<&str> {
    let days = list(timeline, "days").iter();
    days.flat_map(|day| list(day, "interactions")).map(|interaction| text(&interaction["interactionId"])).collect()
}

/// Each day with the ids of its interactions.
pub fn days(timeline: &Value) -> Vec<(&str, Vec<&str>)> {
    let ids_of = |day| list(day, "interactions").iter().map(|one| text(&one["interactionId"])).collect();
    list(timeline, "days").iter().map(|day| (text(&day["date"]), ids_of(day))).collect()
}

/// Each campaign: id, whether the number is listed in it, interactions.
pub fn campaigns(timeline: &Value) -> Vec<(&str, bool, u64)> {
    list(timeline, "campaigns").iter().map(campaign).collect()
}

fn campaign(campaign: &Value) -> (&str, bool, u64) {
    let (listed, interactions) = (campaign["listed"].as_bool(), campaign["interactions"].as_u64());
    (text(&campaign["id"]), listed.unwrap(), interactions.unwrap())
}

/// Each channel with its count.
pub fn channels(timeline: &Value) -> Vec<(&str, u64)> {
    let channels = list(timeline, "channels").iter();
    channels.map(|channel| (text(&channel["channel"]), channel["interactions"].as_u64().unwrap())).collect()
}

/// Each contact with its brief.
pub fn briefs(timeline: &Value) -> Vec<(&str, &Value)> {
    list(timeline, "contacts").iter().map(|contact| (text(&contact["contactId"]), &contact["brief"])).collect()
}
