//! What is the embedded store's own; what every store keeps and finds again is held by `tests/suite/stores.rs`.

use chrono::DateTime;
use rlibphonenumber::Region;
use serde_json::json;

use super::*;
use crate::journey::{Change, Interaction, Removal, Source};

const ANA: &str = "+12015550142";

fn empty() -> (tempfile::TempDir, Embedded) {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(&folder.path().join("store.db"), 1, Arc::default(), 1 << 20).unwrap();
    (folder, store)
}

fn interaction(id: &str, started_at: &str) -> Change {
    let value = json!({"interactionId": id, "source": "data_cloud", "address": ANA, "channel": "voice", "startedAt": started_at});
    let read = Interaction::read(value.to_string().as_bytes(), Region::US, DateTime::UNIX_EPOCH);
    Change::Interaction(Box::new(read.unwrap()))
}

fn write(store: &Embedded, changes: Vec<Change>, offsets: Vec<Offset>) {
    store.write(&WriteBatch { changes, offsets, ..WriteBatch::default() }, Commit::Yes).unwrap();
}

fn ids(store: &Embedded) -> Vec<String> {
    let look_up = LookUp::whole(ANA.into(), DateTime::UNIX_EPOCH, vec![Source::DataCloud]);
    store.look_up(&look_up).unwrap().interactions.into_iter().map(|found| found.interaction_id.into()).collect()
}

#[test]
fn offsets_are_kept_with_their_cluster_and_only_together_with_the_data() {
    let (_folder, store) = empty();
    let at = |cluster: &str, next| Offset {
        cluster: cluster.into(),
        topic: "interactions".into(),
        partition: 3,
        next,
        last_record: 1 - next,
    };
    write(&store, vec![], vec![at("one", 5)]);
    write(&store, vec![], vec![at("one", 9), at("two", 1)]);
    assert_eq!(store.offsets("one").unwrap(), [at("one", 9)]);
    assert_eq!(store.offsets("three").unwrap(), []);
}

#[test]
fn a_file_that_is_not_ours_or_newer_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let refused =
        |name: &str| Embedded::open(&folder.path().join(name), 1, Arc::default(), 1 << 20).err().unwrap().to_string();
    std::fs::write(folder.path().join("text"), "this is no database, but a text that is long enough").unwrap();
    assert!(refused("text").contains("not a SQLite file"), "{}", refused("text"));
    Connection::open(folder.path().join("foreign")).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(refused("foreign").contains("another program"));
    let newer = folder.path().join("newer");
    drop(Embedded::open(&newer, 1, Arc::default(), 1 << 20).unwrap());
    Connection::open(&newer).unwrap().execute_batch("UPDATE meta SET value = 99; PRAGMA user_version = 99").unwrap();
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
    let (_folder, served) = empty();
    assert_eq!(ids(&served), [""; 0]);
    let import = Embedded::open(served.path(), 1, Arc::default(), 1 << 20).unwrap();
    write(&import, vec![interaction("i", "2026-11-01T00:00:00Z")], vec![]);
    assert_eq!(ids(&served), ["i"]);
    write(&served, vec![interaction("j", "2026-11-02T00:00:00Z")], vec![]);
    assert_eq!(ids(&served), ["j", "i"]);
}

#[test]
fn a_file_of_an_earlier_version_is_brought_up_and_keeps_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("migrations/0001_journey.sql")).unwrap();
    old.pragma_update(None, "application_id", migrations::APPLICATION_ID).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    old.execute("INSERT INTO reached (address, contact_id) VALUES (?1, 'c')", [ANA]).unwrap();
    drop(old);
    let store = Embedded::open(&path, 1, Arc::default(), 1 << 20).unwrap();
    write(&store, vec![interaction("i-1", "2026-11-01T00:00:00Z")], vec![]);
    assert_eq!(ids(&store), ["i-1"]);
    let look_up = LookUp::whole(ANA.into(), DateTime::UNIX_EPOCH, vec![Source::DataCloud]);
    assert_eq!(store.look_up(&look_up).unwrap().contacts[0].contact_id, "c");
    drop(store);
    Embedded::open(&path, 1, Arc::default(), 1 << 20).expect("it is of this version now");
}

#[test]
fn what_a_tombstone_took_before_the_erasure_came_is_overwritten_too() {
    let (folder, store) = empty();
    let remark = "a remark that nobody else would make";
    let Change::Interaction(mut of_ana) = interaction("i-1", "2026-11-01T00:00:00Z") else { unreachable!() };
    (of_ana.contact_id, of_ana.comments) = (Some("ana".into()), Some(remark.into()));
    write(&store, vec![Change::Interaction(of_ana), interaction("i-2", "2026-11-02T00:00:00Z")], vec![]);
    write(&store, vec![Change::RemoveInteraction(Removal::of("i-1"))], vec![]);
    let erasure = Erasure {
        erasure_id: "er-1".into(),
        contact_ids: vec!["ana".into()],
        addresses: Vec::new(),
        erased_at: DateTime::UNIX_EPOCH,
    };
    write(&store, vec![Change::Erase(Box::new(erasure))], vec![]);
    for name in ["store.db", "store.db-wal"] {
        let bytes = std::fs::read(folder.path().join(name)).unwrap();
        assert!(!bytes.windows(remark.len()).any(|found| found == remark.as_bytes()), "it is in {name}");
    }
}

#[test]
fn look_ups_are_waited_for_until_several_in_a_row_took_too_long_and_again_after_a_short_one() {
    let lately = Lately::default();
    (1..LONG_MAX).for_each(|_| lately.took(true));
    assert!(lately.was_short(), "one alone says little");
    lately.took(false);
    (1..LONG_MAX).for_each(|_| lately.took(true));
    assert!(lately.was_short(), "not in a row");
    lately.took(true);
    assert!(!lately.was_short());
    lately.took(false);
    assert!(lately.was_short());
}
