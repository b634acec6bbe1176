//! What the embedded store keeps and finds again.

use chrono::{DateTime, Utc};
use rlibphonenumber::Region;
use serde_json::{Value, json};

use super::*;
use crate::journey::{Contact, Interaction, Source};
use crate::record::Refusal;

struct Shelf {
    _folder: tempfile::TempDir,
    store: Embedded,
}

fn empty() -> Shelf {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(&folder.path().join("store.db"), 2).unwrap();
    Shelf { _folder: folder, store }
}

fn interaction(id: &str, contact: Option<&str>, address: &str, started_at: &str) -> Change {
    changed_interaction(id, contact, address, started_at, "2026-11-20T00:00:00Z")
}

fn changed_interaction(id: &str, contact: Option<&str>, address: &str, started_at: &str, updated_at: &str) -> Change {
    let value = json!({"interactionId": id, "source": "data_cloud", "contactId": contact, "address": address, "channel": "voice",
                       "startedAt": started_at, "updatedAt": updated_at});
    Change::Interaction(Box::new(read(&value, Interaction::read)))
}

fn contact(value: Value) -> Change {
    Change::Contact(Box::new(read(&value, Contact::read)))
}

type Read<T> = fn(&[u8], Region, DateTime<Utc>) -> Result<T, Refusal>;

fn read<T>(value: &Value, read: Read<T>) -> T {
    read(value.to_string().as_bytes(), Region::US, DateTime::UNIX_EPOCH).unwrap()
}

impl Shelf {
    fn put(&self, changes: &[Change]) -> Written {
        self.store.write(changes, &[]).unwrap()
    }

    fn journey(&self, number: &str) -> Journey {
        let sources = &[Source::CampaignManager, Source::DataCloud];
        self.store.look_up(&LookUp { number: number.into(), from: DateTime::UNIX_EPOCH, sources }).unwrap()
    }

    fn knows_nothing_of(&self, number: &str) -> bool {
        let journey = self.journey(number);
        journey.contacts.is_empty() && journey.interactions.is_empty()
    }

    fn ids(&self, number: &str) -> Vec<String> {
        self.journey(number).interactions.into_iter().map(|interaction| interaction.interaction_id).collect()
    }
}

const ANA: &str = "+12015550142";
const SHARED: &str = "+12015550199";

#[test]
fn every_field_of_an_interaction_comes_back() {
    let value = json!({"interactionId": "i", "source": "campaign_manager", "contactId": "ana", "address": ANA,
        "campaign": {"id": "td", "name": "Term deposit"}, "channel": "voice", "mode": "mobile", "direction": "manual_outbound",
        "startedAt": "2026-11-18T10:30:23.125Z", "endedAt": "2026-11-18T10:34:44Z",
        "outcome": {"code": "declined", "label": "Declined", "class": "failure", "parent": "no", "telephony": "answered", "reached": true},
        "previousScore": 50.5, "currentScore": -45.0, "agent": {"id": "agent-4", "name": "Duarte Melo"},
        "comments": "Não agora.", "updatedAt": "2026-11-18T10:35:14Z"});
    let shelf = empty();
    let given = read(&value, Interaction::read);
    shelf.put(&[Change::Interaction(Box::new(given.clone()))]);
    assert_eq!(shelf.journey(ANA).interactions, [given]);
}

#[test]
fn a_number_leads_to_its_contacts_and_all_their_addresses_but_not_to_housemates() {
    let shelf = empty();
    shelf.put(&[
        contact(json!({"contactId": "ana", "addresses": [{"address": ANA}, {"address": "ana@example.com"}, {"address": SHARED}]})),
        contact(json!({"contactId": "ben", "addresses": [{"address": SHARED}]})),
        interaction("mail", Some("ana"), "ana@example.com", "2026-11-03T00:00:00Z"),
        interaction("call", Some("ana"), ANA, "2026-11-02T00:00:00Z"),
        interaction("hers", Some("ana"), SHARED, "2026-11-01T00:00:00Z"),
        interaction("his", Some("ben"), SHARED, "2026-11-04T00:00:00Z"),
        interaction("nobody's", None, SHARED, "2026-10-31T00:00:00Z"),
    ]);
    assert_eq!(shelf.ids(ANA), ["mail", "call", "hers", "nobody's"]);
    assert_eq!(shelf.ids(SHARED), ["his", "mail", "call", "hers", "nobody's"], "both live behind the shared number");
}

#[test]
fn a_contact_that_was_only_ever_reached_on_a_number_is_found_until_that_is_taken_back() {
    let shelf = empty();
    shelf.put(&[interaction("i", Some("ana"), ANA, "2026-11-01T00:00:00Z")]);
    assert_eq!(shelf.journey(ANA).contacts.len(), 1);
    shelf.put(&[changed_interaction("i", Some("ana"), SHARED, "2026-11-01T00:00:00Z", "2026-11-21T00:00:00Z")]);
    assert!(shelf.knows_nothing_of(ANA));
    assert_eq!(shelf.ids(SHARED), ["i"]);
}

#[test]
fn the_newest_update_wins_whatever_the_order_and_repeats_change_nothing() {
    let older = changed_interaction("i", Some("ana"), ANA, "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z");
    let newer = changed_interaction("i", Some("ana"), ANA, "2026-11-01T09:00:00Z", "2026-11-03T00:00:00Z");
    for order in [[&older, &newer], [&newer, &older]] {
        let shelf = empty();
        shelf.put(&order.map(Clone::clone));
        let again = shelf.put(&order.map(Clone::clone));
        assert_eq!((again.changed, again.known), (0, 2));
        let interactions = shelf.journey(ANA).interactions;
        assert_eq!(interactions.len(), 1);
        assert_eq!(interactions[0].started_at.to_rfc3339(), "2026-11-01T09:00:00+00:00");
    }
}

#[test]
fn a_repeated_contact_changes_nothing_and_a_correction_of_the_same_time_does() {
    let listed = |address: &str| {
        contact(json!({"contactId": "ana", "addresses": [{"address": address}], "updatedAt": "2026-11-01T00:00:00Z"}))
    };
    let shelf = empty();
    assert_eq!(shelf.put(&[listed(ANA), listed(ANA)]).known, 1);
    assert_eq!(shelf.put(&[listed(SHARED)]).changed, 1);
    assert!(shelf.journey(ANA).contacts.is_empty() && !shelf.journey(SHARED).contacts.is_empty());
    let corrected = changed_interaction("i", Some("ana"), SHARED, "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z");
    let first = changed_interaction("i", Some("ana"), ANA, "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z");
    let written = shelf.put(&[first, corrected]);
    assert_eq!((written.changed, shelf.journey(SHARED).interactions[0].address.as_str()), (2, SHARED));
}

#[test]
fn a_removed_interaction_and_an_unlisted_contact_are_gone() {
    let shelf = empty();
    shelf.put(&[
        contact(json!({"contactId": "a/1", "addresses": [{"address": ANA}], "campaign": {"id": "td/26", "name": "Term deposit"}})),
        interaction("i", None, ANA, "2026-11-01T00:00:00Z"),
    ]);
    assert_eq!(shelf.journey(ANA).contacts[0].listed[0].id, "td/26");
    shelf.put(&[
        Change::RemoveContact { key: "a/1/td/26".into() },
        Change::RemoveInteraction { interaction_id: "i".into() },
    ]);
    assert!(shelf.knows_nothing_of(ANA));
}

#[test]
fn an_id_that_was_merged_keeps_resolving() {
    let shelf = empty();
    shelf.put(&[
        contact(json!({"contactId": "old", "addresses": [{"address": ANA}], "mergedInto": "new"})),
        contact(json!({"contactId": "new", "name": "Ana", "addresses": [{"address": SHARED}]})),
        interaction("before", Some("old"), ANA, "2026-11-01T00:00:00Z"),
        interaction("after", Some("new"), SHARED, "2026-11-02T00:00:00Z"),
    ]);
    for number in [ANA, SHARED] {
        let journey = shelf.journey(number);
        assert_eq!(journey.contacts.iter().map(|c| c.contact_id.as_str()).collect::<Vec<_>>(), ["new"]);
        assert!(journey.interactions.iter().all(|i| i.contact_id.as_deref() == Some("new")));
        assert_eq!(shelf.ids(number), ["after", "before"]);
    }
}

#[test]
fn merges_in_a_ring_end() {
    let shelf = empty();
    shelf.put(&[
        contact(json!({"contactId": "a", "addresses": [{"address": ANA}], "mergedInto": "b"})),
        contact(json!({"contactId": "b", "addresses": [], "mergedInto": "a"})),
    ]);
    assert_eq!(shelf.journey(ANA).contacts.len(), 1);
}

#[test]
fn what_interactions_carry_is_counted_by_value() {
    let shelf = empty();
    let mut nth = 0;
    let mut put = |parts: Value| {
        nth += 1;
        let mut value = json!({"interactionId": nth.to_string(), "source": "data_cloud", "address": ANA,
                               "startedAt": "2026-11-01T00:00:00Z"});
        value.as_object_mut().unwrap().extend(parts.as_object().unwrap().clone());
        shelf.put(&[Change::Interaction(Box::new(read(&value, Interaction::read)))]);
    };
    let (td, no) = (json!({"id": "td"}), json!({"code": "NI", "label": "No"}));
    put(json!({"channel": "voice", "mode": "fax", "campaign": td, "outcome": no, "agent": {"id": "a", "name": "Ana"}}));
    put(json!({"channel": "voice", "mode": "fax", "campaign": td, "outcome": no, "agent": {"id": "a", "name": "Ana"}}));
    put(json!({"channel": "social", "outcome": no, "agent": {"id": "a"}}));
    put(json!({"channel": "social"}));
    let InUse { mut campaigns_and_outcomes, mut channels_and_modes, mut agents } = shelf.store.in_use().unwrap();
    campaigns_and_outcomes.sort_by_key(|((campaign, outcome), _)| (campaign.is_some(), outcome.is_some()));
    channels_and_modes.sort();
    agents.sort_by_key(|(_, count)| *count);
    let td = Some(serde_json::from_value(td).unwrap());
    let no = Some(serde_json::from_value(no).unwrap());
    assert_eq!(campaigns_and_outcomes, [((None, None), 1), ((None, no.clone()), 1), ((td, no), 2)]);
    assert_eq!(channels_and_modes, [(("social".into(), None), 2), (("voice".into(), Some("fax".into())), 2)]);
    let agents: Vec<_> = agents.into_iter().map(|(agent, count)| (agent.name, count)).collect();
    assert_eq!(agents, [(None, 1), (Some("Ana".into()), 2)], "each name of an id by itself");
}

#[test]
fn offsets_are_kept_with_their_cluster_and_only_together_with_the_data() {
    let shelf = empty();
    let at = |cluster: &str, next| Offset {
        cluster: cluster.into(),
        topic: "interactions".into(),
        partition: 3,
        next,
        last_record: 1 - next,
    };
    shelf.store.write(&[], &[at("one", 5)]).unwrap();
    shelf.store.write(&[], &[at("one", 9), at("two", 1)]).unwrap();
    assert_eq!(shelf.store.offsets("one").unwrap(), [at("one", 9)]);
    assert_eq!(shelf.store.offsets("three").unwrap(), []);
}

#[test]
fn a_file_that_is_not_ours_or_newer_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |name: &str| Embedded::open(&folder.path().join(name), 1).err().unwrap().to_string();
    std::fs::write(folder.path().join("text"), "this is no database, but a text that is long enough").unwrap();
    assert!(refused("text").contains("not a SQLite file"), "{}", refused("text"));
    Connection::open(folder.path().join("foreign")).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(refused("foreign").contains("another program"));
    let newer = folder.path().join("newer");
    drop(Embedded::open(&newer, 1).unwrap());
    Connection::open(&newer).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(refused("newer").contains("version 99"));
}

#[test]
fn one_service_at_a_time_serves_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let held = ServeLock::take(&path).unwrap();
    assert!(ServeLock::take(&path).is_err());
    drop(held);
    assert!(ServeLock::take(&path).is_ok());
}

#[test]
fn an_import_beside_the_service_is_seen_by_its_look_ups() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let shelf = Shelf { store: Embedded::open(&path, 1).unwrap(), _folder: folder };
    assert_eq!(shelf.ids(ANA), [""; 0]);
    let import = Embedded::open(&path, 1).unwrap();
    import.write(&[interaction("i", None, ANA, "2026-11-01T00:00:00Z")], &[]).unwrap();
    assert_eq!(shelf.ids(ANA), ["i"]);
    shelf.put(&[interaction("j", None, ANA, "2026-11-02T00:00:00Z")]);
    assert_eq!(shelf.ids(ANA), ["j", "i"]);
}
