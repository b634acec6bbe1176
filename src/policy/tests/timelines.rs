//! What goes out is masked, as one finds it again, and nothing else is.

use super::*;
use crate::journey::Cursor;
use crate::policy::digits::TEXTS;

fn masks() -> Fields {
    policy("policy.number_digits = 4").fields(&somebody(&[], &[]))
}

fn at(minute: usize) -> String {
    format!("2026-11-{:02}T10:{:02}:00Z", 1 + minute / 60, minute % 60)
}

fn ids(seen: &Value) -> Vec<String> {
    let days = seen["days"].as_array().unwrap().iter();
    let all = days.flat_map(|day| day["interactions"].as_array().unwrap());
    all.map(|one| one["interactionId"].as_str().unwrap().to_owned()).collect()
}

/// Three interactions for each of so many moments, whose ids look alike: the number, with dashes at different places.
fn alike(moments: usize) -> Journey {
    let one = |nth: usize| {
        let dash = |(at, digit): (usize, char)| format!("{digit}{}", if nth >> at & 1 == 1 { "-" } else { "" });
        let id: String = NUMBER[1..].chars().enumerate().map(dash).collect();
        interaction(&format!("{id}/7"), json!({ "startedAt": at(nth / 3) }))
    };
    let mut journey = journey((0..moments * 3).map(one).collect());
    journey.sort();
    journey
}

fn pages_of(interactions_max: usize) -> timeline::Limits {
    timeline::Limits { interactions_max, ..ask().limits }
}

#[test]
fn a_number_planted_in_every_field_is_in_none_of_the_timeline() {
    let mut journey = planted();
    for one in &mut journey.interactions {
        (one.channel, one.mode) = ("via 2015550142".into(), Some("(201) 555-0142".into()));
    }
    journey.contacts[0].time_zone = Some("Zone/12015550142".into());
    let text = seen(&masks(), &journey).to_string();
    for part in ["201555", "5550", "201.555", "201-555", ") 555", "7946", "quintela", "example.com"] {
        assert!(!text.contains(part), "{part} is in {text}");
    }
}

#[test]
fn channels_that_look_alike_are_counted_as_one() {
    let channel = |id: &str, channel: &str| interaction(id, json!({ "channel": channel }));
    let all = vec![channel("i-1", "sms"), channel("i-2", "to 12015550142"), channel("i-3", "to 2015550142")];
    let journey = journey(all);
    let seen = seen(&masks(), &journey);
    assert_eq!(
        seen["channels"],
        json!([{ "channel": "to …0142", "interactions": 2 }, { "channel": "sms", "interactions": 1 }])
    );
    assert_eq!(masks().channel(&journey, "to …0142").as_deref(), Some("to 12015550142"));
    assert_eq!(masks().channel(&journey, "sms").as_deref(), Some("sms"));
    assert_eq!(masks().channel(&journey, "to 2015550142"), None, "not by what is not shown");
}

#[test]
fn ids_of_several_pages_are_those_of_one_and_never_collide() {
    let journey = alike(4);
    let whole = ids(&seen(&masks(), &journey));
    assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), 12, "{whole:?}");
    let first = Ask { limits: pages_of(6), ..ask() };
    let mut pages = ids(&seen_of(&masks(), &journey, &first));
    let before = Some(Cursor::behind(&journey.interactions[5]));
    pages.extend(ids(&seen_of(&masks(), &journey, &Ask { before, ..first })));
    assert_eq!(pages, whole);
}

#[test]
fn where_the_next_page_begins_is_said_by_the_id_that_is_shown() {
    let journey = alike(4);
    let first = Ask { limits: pages_of(5), ..ask() };
    let seen = seen_of(&masks(), &journey, &first);
    let (older, last) = (&seen["older"], &journey.interactions[4]);
    assert_eq!(older["beforeId"], ids(&seen)[4]);
    let raw = masks().interaction_id(&journey, older["beforeId"].as_str().unwrap(), last.started_at);
    assert_eq!(raw.as_ref(), Some(&last.interaction_id));
}

#[test]
fn an_id_that_is_given_back_is_the_one_that_was_shown() {
    let mut journey = alike(3);
    journey.interactions.push(interaction("plain", json!({ "startedAt": at(0) })));
    journey.sort();
    for (one, shown) in journey.interactions.iter().zip(ids(&seen(&masks(), &journey))) {
        let raw = masks().interaction_id(&journey, &shown, one.started_at);
        assert_eq!(raw.as_ref(), Some(&one.interaction_id), "{shown}");
        assert_eq!(masks().address_behind(&journey, &shown).as_deref(), Some(NUMBER));
    }
    let one = &journey.interactions[0];
    assert_eq!(masks().interaction_id(&journey, &one.interaction_id, one.started_at), None, "not by what is not shown");
    assert_eq!(masks().interaction_id(&journey, "…0142/7~0", one.started_at).as_deref(), Some("…0142/7~0"));
}

#[test]
fn a_masked_campaign_is_found_by_what_is_shown() {
    let of = |id: &str, campaign: &str| interaction(id, json!({ "campaign": { "id": campaign } }));
    let all =
        [("i-1", "l-2015550142"), ("i-2", "l-12015550142"), ("i-3", "spring")].map(|(id, campaign)| of(id, campaign));
    let journey = journey(all.into());
    let shown = seen(&masks(), &journey);
    let shown: Vec<&str> = shown["campaigns"].as_array().unwrap().iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(shown, ["l-…0142", "l-…0142~2", "spring", "td-2026"]);
    let raw = ["l-12015550142", "l-2015550142", "spring", "td-2026"];
    for (shown, raw) in shown.iter().zip(raw) {
        assert_eq!(masks().campaign_id(&journey, shown).as_deref(), Some(raw), "{shown}");
    }
    assert_eq!(masks().campaign_id(&journey, "l-2015550142"), None, "not by what is not shown");
}

#[test]
fn what_is_masked_does_not_grow_with_what_is_not_shown() {
    let texts = |moments: usize, leads: usize| {
        let mut journey = alike(moments);
        journey.leads.extend((0..leads).map(|nth| format!("+1301555{nth:04}").into()));
        let ask = Ask { limits: pages_of(6), ..ask() };
        let timeline = timeline::prepare(&journey, Vec::new(), &ask);
        let before = TEXTS.get();
        _ = masks().shown(&journey, timeline);
        TEXTS.get() - before
    };
    let few = texts(50, 10);
    assert!(few > 0);
    assert_eq!([texts(100, 10), texts(50, 1000), texts(200, 5000)], [few; 3]);
}
