//! Records that are valid by schema and odd: whatever the record layer accepts, every store keeps and gives back equal, and what is no
//! id joins nobody.

use backstory::journey::{Change, Contact, Erasure, Interaction, Removal, WriteBatch};
use backstory::record::{Marks, Times};
use chrono::{DateTime, Utc};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use rlibphonenumber::Region;
use serde_json::{Value, json};

use crate::harness::shelf::{Shelf, contact, interaction, read};
use crate::harness::{ANA, BEN, HOME};

on_both_stores![
    whatever_is_accepted_is_kept_and_comes_back_equal,
    whatever_fuzzing_found_is_kept_and_comes_back_equal,
    placeholders_join_nobody,
    an_erasure_does_not_reach_those_that_a_placeholder_was_written_for,
    what_an_earlier_release_joined_is_joined_no_more_and_taken_apart,
    what_was_kept_under_a_placeholder_can_be_removed_and_erased,
];

const CASES: usize = 400;

fn now() -> DateTime<Utc> {
    "2026-11-20T21:00:00Z".parse().unwrap()
}

/// Texts as programs write them on a bad day.
fn odd_text() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => "[a-zA-Z0-9 /.-]{1,12}".prop_map(Value::from),
        2 => "(?s).{0,40}".prop_map(Value::from),
        1 => "[\\x00-\\x1f\\x7f-\\xa0]{0,8}".prop_map(Value::from),
        1 => "[a-z]{0,3}[ \\x00\\t\\n\u{a0}]{0,6}".prop_map(Value::from),
        1 => prop_oneof![Just("null"), Just("NULL"), Just("n/a"), Just(" "), Just("-"), Just(r"\N"), Just("")]
            .prop_map(Value::from),
        1 => (500_usize..2100, "[xü😀\u{301}]").prop_map(|(times, text)| Value::from(text.repeat(times))),
        1 => any::<i64>().prop_map(Value::from),
        1 => Just(Value::Null),
    ]
}

/// As above, but mostly one that a record can be kept by.
fn odd_id() -> impl Strategy<Value = Value> {
    prop_oneof![9 => "[a-z0-9/-]{1,12}".prop_map(Value::from), 1 => odd_text()]
}

fn odd_time() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => (0_i64..400_000_000_000).prop_map(|millis| json!(now() - chrono::TimeDelta::milliseconds(millis))),
        1 => prop_oneof![
            Just("1980-01-01T00:00:00Z"), Just("2016-12-31T23:59:60.999999999Z"), Just("0001-01-01T00:00:00Z"),
            Just("2026-11-20T21:00:00.123456789+14:00"), Just("2099-12-31T23:59:59.999Z"), Just("+58851-01-01T00:00:00Z")
        ].prop_map(Value::from),
        1 => Just(Value::Null),
    ]
}

fn odd_number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<f64>().prop_map(|number| json!(number)),
        Just(json!(-0.0)),
        Just(json!(5e-324)),
        Just(Value::Null)
    ]
}

prop_compose! {
    fn odd_interaction()(
        ids in prop::collection::vec(odd_id(), 4),
        texts in prop::collection::vec(odd_text(), 12),
        times in prop::collection::vec(odd_time(), 3),
        numbers in prop::collection::vec(odd_number(), 2),
        address in prop_oneof![odd_text(), Just(json!(ANA)), Just(json!(12_015_550_142_i64)), Just(json!("a@b.example"))],
        direction in prop_oneof![Just("inbound"), Just("manual_outbound")],
    ) -> Value {
        json!({"interactionId": ids[0], "source": "data_cloud", "contactId": texts[1], "address": address,
               "campaign": {"id": ids[1], "name": texts[3]}, "channel": ids[2], "mode": texts[5], "direction": direction,
               "startedAt": times[0], "endedAt": times[1],
               "outcome": {"code": texts[6], "label": texts[7], "class": "odd", "parent": texts[8], "telephony": texts[9]},
               "previousScore": numbers[0], "currentScore": numbers[1], "agent": {"id": ids[3], "name": texts[11]},
               "comments": texts[3], "updatedAt": times[2]})
    }
}

prop_compose! {
    fn odd_contact()(id in odd_id(), texts in prop::collection::vec(odd_text(), 7), times in prop::collection::vec(odd_time(), 2)) -> Value {
        json!({"contactId": id, "name": texts[1], "timeZone": texts[2], "mergedInto": texts[3],
               "campaign": {"id": texts[4], "name": texts[5]}, "listedAt": times[0], "updatedAt": times[1],
               "addresses": [{"address": HOME, "mode": texts[6]}, {"address": HOME}, {"address": texts[6]}]})
    }
}

/// So many values, the same in each run.
fn some<T>(strategy: impl Strategy<Value = T>) -> impl Iterator<Item = T> {
    let mut runner = TestRunner::deterministic();
    (0..CASES).map(move |_| strategy.new_tree(&mut runner).unwrap().current())
}

/// What two records say of one id is decided by their times, and those of this test are to be kept each by itself.
fn each_once(interactions: impl Iterator<Item = Interaction>) -> Vec<Interaction> {
    let mut seen = std::collections::HashSet::new();
    interactions.filter(|one| seen.insert(one.interaction_id.clone())).collect()
}

async fn comes_back_equal(shelf: &Shelf, given: Vec<Interaction>) {
    let changes = given.iter().map(|one| Change::Interaction(Box::new(one.clone()))).collect();
    shelf.store.write(WriteBatch::of(changes)).await.expect("the store takes whatever the record layer accepts");
    for given in given {
        let journey = shelf.journey(&given.address).await;
        let found = journey.interactions.iter().find(|one| one.interaction_id == given.interaction_id);
        assert_eq!(found, Some(&given));
    }
}

async fn whatever_is_accepted_is_kept_and_comes_back_equal(shelf: Shelf) {
    let read = |value: Value| Interaction::read(value.to_string().as_bytes(), Region::US, now()).ok();
    let given = each_once(some(odd_interaction()).filter_map(read));
    assert!(given.len() > CASES / 8, "{} of {CASES} were accepted", given.len());
    comes_back_equal(&shelf, given).await;

    let read = |value: Value| Contact::read(value.to_string().as_bytes(), Region::US, now()).ok();
    let given: Vec<Contact> = some(odd_contact()).filter_map(read).collect();
    assert!(given.len() > CASES / 8, "{} of {CASES} were accepted", given.len());
    // A merged one goes by another's id.
    for contact in given.into_iter().filter(|contact| contact.merged_into.is_none()) {
        shelf.put(&[Change::Contact(Box::new(contact.clone()))]).await;
        let journey = shelf.journey(HOME).await;
        let found = journey.contacts.iter().find(|one| one.contact_id == contact.contact_id);
        let found = found.unwrap_or_else(|| panic!("{contact:?} is not found"));
        if let Some(campaign) = contact.campaign {
            assert!(found.listed.iter().any(|listed| listed.id == campaign.id), "{campaign:?}");
        }
    }
}

async fn whatever_fuzzing_found_is_kept_and_comes_back_equal(shelf: Shelf) {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/record");
    let files = std::fs::read_dir(corpus).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    let all: Vec<Vec<u8>> = files.collect();
    let interactions = all.iter().filter_map(|value| Interaction::read(value, Region::US, now()).ok());
    comes_back_equal(&shelf, each_once(interactions)).await;
    for value in &all {
        let contact = Contact::read(value, Region::US, now()).ok().map(|read| Change::Contact(Box::new(read)));
        let erasure = Erasure::read(value, Region::US, times(), &mut Marks::default())
            .ok()
            .map(|read| Change::Erase(Box::new(read)));
        for change in [contact, erasure].into_iter().flatten() {
            shelf.store.write(WriteBatch::of(vec![change])).await.expect("the store takes what fuzzing found");
        }
    }
}

/// Three people whose program writes the same for "merged into nobody", and whose interactions name nobody.
fn strangers(placeholder: &str) -> Vec<Change> {
    let people = [("ana", ANA), ("ben", BEN), ("eva", HOME)];
    let mut changes = Vec::new();
    for (id, address) in people {
        changes.push(contact(json!({"contactId": id, "addresses": [{"address": address}], "mergedInto": placeholder})));
        changes.push(interaction(&format!("of-{id}"), Some(id), address, "2026-11-02T00:00:00Z"));
        changes.push(interaction(&format!("nobodys-{id}"), Some(placeholder), address, "2026-11-01T00:00:00Z"));
    }
    changes
}

async fn are_strangers(shelf: &Shelf) {
    for (id, address) in [("ana", ANA), ("ben", BEN), ("eva", HOME)] {
        let journey = shelf.journey(address).await;
        let contacts: Vec<_> = journey.contacts.iter().map(|contact| contact.contact_id.as_str()).collect();
        assert_eq!(contacts, [id]);
        assert_eq!(shelf.ids(address).await, [format!("of-{id}"), format!("nobodys-{id}")]);
    }
}

async fn placeholders_join_nobody(shelf: Shelf) {
    for placeholder in ["", " ", "NULL", "n/a", "\0", r"\N"] {
        shelf.put(&strangers(placeholder)).await;
        are_strangers(&shelf).await;
    }
    let nobodys = contact_read(json!({"contactId": "Unknown", "addresses": [{"address": ANA}]}));
    assert_eq!(nobodys.unwrap_err().name(), "no_id");
}

fn contact_read(value: Value) -> Result<Contact, backstory::record::Refusal> {
    Contact::read(value.to_string().as_bytes(), Region::US, now())
}

fn times() -> Times {
    Times::of_record(None, chrono::TimeDelta::zero())
}

fn erasure_of(contact_id: &str) -> Change {
    let value = json!({"erasureId": "e", "contactIds": [contact_id], "erasedAt": now()});
    let read = Erasure::read(value.to_string().as_bytes(), Region::US, times(), &mut Marks::default());
    Change::Erase(Box::new(read.unwrap()))
}

async fn an_erasure_does_not_reach_those_that_a_placeholder_was_written_for(shelf: Shelf) {
    shelf.put(&joined_by_an_earlier_release("")).await;
    shelf.put(&[erasure_of("ana")]).await;
    assert_eq!(shelf.journey(BEN).await.contacts.len(), 1, "ben was merged into nobody, too");
    assert!(shelf.ids(BEN).await.contains(&"of-ben".to_owned()));
}

/// As an earlier release read them, which took placeholders for ids.
fn joined_by_an_earlier_release(placeholder: &str) -> Vec<Change> {
    let mut changes = strangers("real");
    for change in &mut changes {
        match change {
            Change::Interaction(one) if one.contact_id.as_deref() == Some("real") => {
                one.contact_id = Some(placeholder.into());
            }
            Change::Contact(one) => one.merged_into = Some(placeholder.to_owned()),
            _ => {}
        }
    }
    changes
}

async fn what_an_earlier_release_joined_is_joined_no_more_and_taken_apart(shelf: Shelf) {
    shelf.put(&joined_by_an_earlier_release("NULL")).await;
    for (id, address) in [("ana", ANA), ("ben", BEN)] {
        let journey = shelf.journey(address).await;
        let contacts: Vec<_> = journey.contacts.iter().map(|contact| contact.contact_id.as_str()).collect();
        assert_eq!(contacts, [id], "even before they are taken apart");
        assert!(journey.interactions.iter().all(|one| one.interaction_id == format!("of-{id}")));
    }
    let freed = shelf.store.free_the_joined().await.unwrap();
    assert_eq!((freed.interactions, freed.merges), (3, 3));
    are_strangers(&shelf).await;
    let again = shelf.store.free_the_joined().await.unwrap();
    assert_eq!((again.interactions, again.merges), (0, 0));
}

async fn what_was_kept_under_a_placeholder_can_be_removed_and_erased(shelf: Shelf) {
    let listed = || {
        let mut listed =
            contact_read(json!({"contactId": "x", "name": "Ana", "addresses": [{"address": ANA}]})).unwrap();
        listed.contact_id = "NULL".into();
        Change::Contact(Box::new(listed))
    };
    shelf.put(&[listed()]).await;
    let removal = Removal::read(Some(b"NULL"), "contactId", None).unwrap();
    assert_eq!(shelf.put(&[Change::RemoveContact(removal)]).await.changed, 1);
    shelf.put(&[listed()]).await;
    assert_eq!(shelf.put(&[erasure_of("NULL")]).await.removed.listings, 1);
}

/// Numbers are digits where an id belongs; a larger one has lost some.
#[test]
fn a_number_where_an_id_belongs_is_its_digits() {
    let with = |id: &str| format!(r#"{{"contactId":{id},"addresses":[{{"address":12015550142}}]}}"#);
    let of = |id: &str| Contact::read(with(id).as_bytes(), Region::US, now());
    assert_eq!(of("42").unwrap().contact_id, "42");
    assert_eq!(of("18446744073709551615").unwrap().contact_id, "18446744073709551615");
    assert_eq!(of("42").unwrap().addresses[0].address, ANA);
    for lost in ["18446744073709551616", "4.2", "true"] {
        assert_eq!(of(lost).unwrap_err().name(), "wrong_type", "{lost}");
    }
}

#[test]
fn nothing_is_refused_that_can_be_kept_with_a_mark() {
    let long = json!({"interactionId": "i", "source": "data_cloud", "contactId": "c", "address": ANA, "channel": "v".repeat(5000),
        "mode": "m".repeat(5000), "startedAt": "2026-11-18T10:30:23Z", "endedAt": "0001-01-01T00:00:00Z",
        "outcome": {"code": "c", "label": "l".repeat(900_000)}, "comments": "Ж".repeat(40_000)});
    let kept = read(&long, Interaction::read);
    assert_eq!((kept.channel.len(), kept.ended_at), (2048, None));
    assert_eq!(kept.comments.unwrap().chars().count(), 32_768);
    let addresses: Vec<Value> = (0..150).map(|nth| json!({"address": format!("+1201555{nth:04}")})).collect();
    let kept = contact_read(json!({"contactId": "c", "timeZone": "EST5EDT4", "addresses": addresses})).unwrap();
    assert_eq!((kept.addresses.len(), kept.time_zone), (100, None));
}
