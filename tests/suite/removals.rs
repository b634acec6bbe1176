//! Removals: what a key without a value names goes, and what comes late does not bring it back.

use std::collections::BTreeMap;

use backstory::journey::{Change, Removal};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::json;

use crate::harness::shelf::{Shelf, changed_interaction, contact};
use crate::harness::{ANA, BEN, Kafka, Service, contact as listing, interaction as record, seconds_ago};

on_both_stores![
    what_is_kept_is_a_function_of_all_that_came_in_any_order,
    what_a_source_stamped_ahead_goes_with_its_removal,
    a_removal_is_remembered_for_thirty_days,
];

on_all_stores![
    a_late_batch_brings_nothing_back,
    every_way_of_sending_nothing_removes,
    a_removal_that_matches_nothing_is_counted,
    a_key_that_cannot_be_read_is_set_aside_and_delays_nothing,
];

const IDS: u32 = 3;
const CASES: usize = 60;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + second * 1000, 0).unwrap()
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Put { id: u32, second: i64 },
    Remove { id: u32, second: i64 },
}

impl Event {
    fn interaction(self, named: impl Fn(u32) -> String) -> Change {
        match self {
            Self::Put { id, second } => {
                changed_interaction(&named(id), None, ANA, "2026-09-01T00:00:00Z", &at(second).to_rfc3339())
            }
            Self::Remove { id, second } => Change::RemoveInteraction(removal(&named(id), second)),
        }
    }

    fn contact(self, named: impl Fn(u32) -> String) -> Change {
        match self {
            Self::Put { id, second } => {
                let (campaign, addresses) = (json!({"id": "td"}), json!([{"address": BEN}]));
                let id = named(id);
                contact(json!({"contactId": id, "campaign": campaign, "addresses": addresses, "updatedAt": at(second)}))
            }
            Self::Remove { id, second } => Change::RemoveContact(removal(&format!("{}/td", named(id)), second)),
        }
    }
}

fn removal(key: &str, second: i64) -> Removal {
    removal_at(key, at(second))
}

fn removal_at(key: &str, at: DateTime<Utc>) -> Removal {
    let at = Some(backstory::journey::RemovedAt { at, ahead_max: TimeDelta::minutes(5) });
    Removal::read(Some(key.as_bytes()), "contactId", at).unwrap()
}

/// By id: the newest that is newer than every removal.
fn kept_of(events: &[Event]) -> BTreeMap<u32, i64> {
    let mut kept = BTreeMap::new();
    for id in 0..IDS {
        let puts = events.iter().filter_map(|event| match event {
            Event::Put { id: of, second } if *of == id => Some(*second),
            _ => None,
        });
        let removed = events.iter().filter_map(|event| match event {
            Event::Remove { id: of, second } if *of == id => Some(*second),
            _ => None,
        });
        let removed = removed.max();
        if let Some(newest) = puts.filter(|second| removed.is_none_or(|removed| *second > removed)).max() {
            kept.insert(id, newest);
        }
    }
    kept
}

/// Seconds of the events are 1,000 apart, so that none is stamped ahead.
fn events() -> impl Strategy<Value = Vec<Event>> {
    let one = (0..IDS, 0_i64..6, any::<bool>())
        .prop_map(|(id, second, put)| if put { Event::Put { id, second } } else { Event::Remove { id, second } });
    prop::collection::vec(one, 1..12).prop_flat_map(|events| {
        let again = prop::sample::subsequence(events.clone(), 0..=events.len());
        (Just(events), again).prop_flat_map(|(events, again)| Just([events, again].concat()).prop_shuffle())
    })
}

async fn what_is_kept_is_a_function_of_all_that_came_in_any_order(shelf: Shelf) {
    let mut runner = TestRunner::deterministic();
    for case in 0..CASES {
        let events = events().new_tree(&mut runner).unwrap().current();
        let expected = kept_of(&events);
        // Ids of its own for each case, in batches of any size.
        let named = |id: u32| format!("{case}-{id}");
        for batch in events.chunks(1 + case % 5) {
            shelf.put(&batch.iter().map(|event| event.interaction(named)).collect::<Vec<_>>()).await;
            shelf.put(&batch.iter().map(|event| event.contact(named)).collect::<Vec<_>>()).await;
        }
        let interactions = shelf.journey(ANA).await.interactions;
        let contacts = shelf.journey(BEN).await.contacts;
        for id in 0..IDS {
            let kept = interactions.iter().find(|one| one.interaction_id == named(id));
            let kept = kept.and_then(|one| one.updated_at);
            assert_eq!(kept, expected.get(&id).map(|second| at(*second)), "interaction {id} after {events:?}");
            let is_listed = contacts.iter().any(|one| one.contact_id == named(id));
            assert_eq!(is_listed, expected.contains_key(&id), "contact {id} after {events:?}");
        }
    }
}

async fn what_a_source_stamped_ahead_goes_with_its_removal(shelf: Shelf) {
    let ahead = |second: i64| {
        let updated_at = at(0) + TimeDelta::seconds(second);
        changed_interaction("i", None, ANA, "2026-11-01T00:00:00Z", &updated_at.to_rfc3339())
    };
    let remove = || Change::RemoveInteraction(removal("i", 0));
    shelf.put(&[ahead(120), remove()]).await;
    assert!(shelf.ids(ANA).await.is_empty(), "its clock is two minutes ahead of the one that removed it");
    shelf.put(&[ahead(120)]).await;
    assert!(shelf.ids(ANA).await.is_empty(), "it came late");
    shelf.put(&[ahead(121), remove()]).await;
    assert_eq!(shelf.ids(ANA).await, ["i"], "it was made anew, and the removal only came again");
}

async fn a_removal_is_remembered_for_thirty_days(shelf: Shelf) {
    let named = |id: u32| format!("i-{id}");
    let put = || Event::Put { id: 1, second: 0 }.interaction(named);
    let forget =
        async |now: DateTime<Utc>| backstory::journey::retention::forget_removals(&shelf.store, now).await.unwrap();
    shelf.put(&[put(), Event::Remove { id: 1, second: 1 }.interaction(named)]).await;
    forget(at(1) + TimeDelta::days(30)).await;
    assert_eq!(shelf.put(&[put()]).await.removed_since, 1);
    forget(at(1) + TimeDelta::days(31)).await;
    assert_eq!(shelf.put(&[put()]).await.changed, 1);
    // A clock that is years ahead holds nothing off for years.
    shelf.put(&[Change::RemoveInteraction(removal_at("i-1", at(1) + TimeDelta::days(4000)))]).await;
    assert_eq!(shelf.put(&[put()]).await.removed_since, 1);
    forget(at(1)).await;
    assert_eq!(shelf.put(&[put()]).await.changed, 1);
}

async fn a_late_batch_brings_nothing_back(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let late = record("i").with("updatedAt", json!(seconds_ago(60)));
    let listed = listing("ana").updated(seconds_ago(60));
    service.record(std::slice::from_ref(&late)).await;
    service.list(std::slice::from_ref(&listed)).await;
    service.delete(&kafka.interactions, "i").await;
    service.delete(&kafka.contacts, &listed.key()).await;
    service.record(&[late]).await;
    service.list(&[listed]).await;
    let journey = service.journey(ANA).await;
    assert_eq!((&journey["total"], &journey["contacts"]), (&json!(0), &json!([])));
    let held = service.metric("backstory_records_recorded_total", &[("result", "removed_since")]).await;
    assert_eq!(held, 2.0);
    service.record(&[record("i")]).await;
    assert_eq!(service.journey(ANA).await["total"], 1, "what is newer than the removal is new");
}

async fn every_way_of_sending_nothing_removes(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let nothing: [(&str, &str); 6] = [
        ("i-0", ""),
        ("i-1", "null"),
        ("i-2", " \n"),
        ("i-3", r#"{"schema":null,"payload":null}"#),
        ("\"i-4\"", ""),
        (r#"{"schema":{"type":"string"},"payload":"i-5"}"#, "null"),
    ];
    let records: Vec<_> =
        (0..6).map(|nth| record(&format!("i-{nth}")).with("updatedAt", json!(seconds_ago(9)))).collect();
    service.record(&records).await;
    assert_eq!(service.journey(ANA).await["total"], 6);
    for (key, value) in nothing {
        let kept = service.kept(&kafka.interactions).await;
        service.kafka.publish(&kafka.interactions, key, value).await;
        service.keeps(&kafka.interactions, kept + 1.0).await;
    }
    let left = service.journey(ANA).await;
    assert_eq!(left["total"], 0, "{left}");
}

async fn a_removal_that_matches_nothing_is_counted(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let unmatched = async || service.metric("backstory_records_recorded_total", &[("result", "unmatched")]).await;
    service.delete(&kafka.interactions, "never kept").await;
    service.delete(&kafka.contacts, "never/kept").await;
    assert_eq!(unmatched().await, 2.0);
}

async fn a_key_that_cannot_be_read_is_set_aside_and_delays_nothing(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let keys = ["/".repeat(900_000), "a\0b".to_owned(), "x".repeat(1101)];
    for topic in [&kafka.interactions, &kafka.contacts] {
        for key in &keys {
            service.kafka.publish_nothing(topic, key).await;
        }
    }
    service.record(&[record("behind")]).await;
    service.list(&[listing("ana")]).await;
    assert_eq!(service.journey(ANA).await["total"], 1);
    let mut set_aside: Vec<_> =
        service.store().set_aside().await.unwrap().into_iter().map(|one| (one.reason, one.field)).collect();
    set_aside.sort();
    let key = Some("key".to_owned());
    let (long, nul) = (("field_too_long".to_owned(), key.clone()), ("nul_in_field".to_owned(), key));
    assert_eq!(set_aside, [long.clone(), long.clone(), long.clone(), long, nul.clone(), nul]);
}
