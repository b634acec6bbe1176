//! Tables that another release has made. A program works with what a later release has only added to; anything else is refused, with
//! what to do.

use std::process::Command;
use std::sync::Arc;

use backstory::journey::embedded::{Embedded, backup};
use backstory::journey::{Change, Journey, Removal, Store};
use chrono::{DateTime, Utc};
use rusqlite::Connection;
use serde_json::json;

use crate::harness::postgres::{client, database, open};
use crate::harness::shelf::{Shelf, contact, interaction};
use crate::harness::{ANA, BEN, until};

on_both_stores![
    tables_that_a_later_release_has_expanded_are_served_and_left_as_they_are,
    tables_that_a_later_release_has_contracted_are_refused,
    tables_without_a_need_need_their_own_version,
];

/// A new table, and a column in each of the present ones: in both dialects.
const EXPAND: &str = "
    CREATE TABLE later (id integer PRIMARY KEY);
    ALTER TABLE interactions ADD COLUMN later text;
    ALTER TABLE listings ADD COLUMN later text;
    ALTER TABLE addresses ADD COLUMN later text;
    ALTER TABLE reached ADD COLUMN later text;
    ALTER TABLE erased ADD COLUMN later text";
/// What a later migration asks of programs.
enum Needs {
    Nothing,
    Itself,
}

const USE_ANOTHER: &str = "use the release that";

async fn run(shelf: &Shelf, sql: &str) {
    match &shelf.store {
        Store::Postgres(store) => {
            let client = client(&store.address().parse().unwrap()).await;
            client.batch_execute(&format!("SET search_path = backstory; {sql}")).await.unwrap();
        }
        Store::Embedded(store) => Connection::open(store.path()).unwrap().execute_batch(sql).unwrap(),
    }
}

/// Changes the tables, and notes the next version with what it needs.
async fn migrate_later(shelf: &Shelf, sql: &str, needs: Needs) {
    let next = noted(shelf).await.0 + 1;
    let note = match (&shelf.store, needs) {
        (Store::Postgres(_), Needs::Nothing) => format!("INSERT INTO migrations VALUES ({next}, 'later', now(), 1)"),
        (Store::Postgres(_), Needs::Itself) => {
            format!("INSERT INTO migrations VALUES ({next}, 'later', now(), {next})")
        }
        (Store::Embedded(_), Needs::Nothing) => format!("PRAGMA user_version = {next}"),
        (Store::Embedded(_), Needs::Itself) => {
            format!("UPDATE meta SET value = {next} WHERE name = 'needs'; PRAGMA user_version = {next}")
        }
    };
    run(shelf, &format!("{sql}; {note}")).await;
}

/// Version and needs, as they are kept.
async fn noted(shelf: &Shelf) -> (i32, i32) {
    match &shelf.store {
        Store::Postgres(store) => {
            let client = client(&store.address().parse().unwrap()).await;
            let row = client.query_one("SELECT max(version), max(needs) FROM backstory.migrations", &[]).await.unwrap();
            (row.get(0), row.get(1))
        }
        Store::Embedded(store) => {
            let file = Connection::open(store.path()).unwrap();
            let sql = "SELECT user_version, value FROM pragma_user_version, meta WHERE name = 'needs'";
            file.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
        }
    }
}

/// As a program that starts now would: opened, and ready.
async fn start(shelf: &Shelf) -> Result<Shelf, String> {
    let store = match &shelf.store {
        Store::Postgres(store) => open(store.address()),
        Store::Embedded(store) => Store::Embedded(Arc::new(
            Embedded::open(store.path(), 1, Arc::default(), 1 << 20).map_err(|error| error.to_string())?,
        )),
    };
    store.ready().await.map_err(|error| error.to_string())?;
    Ok(Shelf::of(store))
}

/// Of Ana, who is in many campaigns, and of Ben.
async fn journeys(shelf: &Shelf) -> [Journey; 2] {
    [shelf.journey(ANA).await, shelf.journey(BEN).await]
}

async fn tables_that_a_later_release_has_expanded_are_served_and_left_as_they_are(shelf: Shelf) {
    let listed = |nth: usize| {
        let campaign = json!({"id": format!("td-{nth}"), "name": format!("Term deposit of the region {nth}")});
        contact(json!({"contactId": "ana", "campaign": campaign, "addresses": [{"address": ANA}]}))
    };
    let mut changes: Vec<Change> = (0..30).map(listed).collect();
    changes.push(interaction("ana-1", Some("ana"), ANA, "2026-11-01T00:00:00Z"));
    changes.push(contact(json!({"contactId": "ben", "name": "Ben", "addresses": [{"address": BEN}]})));
    changes.push(interaction("ben-1", Some("ben"), BEN, "2026-11-01T00:00:00Z"));
    shelf.put(&changes).await;
    let before = journeys(&shelf).await;
    assert_eq!(before.each_ref().map(|journey| (journey.contacts.len(), journey.interactions.len())), [(1, 1); 2]);

    migrate_later(&shelf, EXPAND, Needs::Nothing).await;
    let expanded = noted(&shelf).await;
    assert_eq!(journeys(&shelf).await, before, "of a program that runs meanwhile");
    let started = start(&shelf).await.unwrap();
    assert_eq!(journeys(&started).await, before, "of a program that starts");
    for (nth, program) in [&shelf, &started].into_iter().enumerate() {
        let id = format!("new-{nth}");
        program.put(&[interaction(&id, Some("ben"), BEN, "2026-11-02T00:00:00Z")]).await;
        assert_eq!(program.ids(BEN).await, [&id, "ben-1"]);
        program.put(&[Change::RemoveInteraction(Removal::of(id))]).await;
        assert_eq!(journeys(program).await, before);
    }
    if let Store::Postgres(store) = &started.store {
        assert_eq!(store.migrate().await.unwrap(), [""; 0]);
    }
    assert_eq!(noted(&shelf).await, expanded);
}

async fn tables_that_a_later_release_has_contracted_are_refused(shelf: Shelf) {
    migrate_later(&shelf, EXPAND, Needs::Nothing).await;
    migrate_later(&shelf, "DROP TABLE later", Needs::Itself).await;
    let contracted = noted(&shelf).await;
    let said = start(&shelf).await.err().expect("a refusal");
    assert!(said.contains(&format!("version {}", contracted.0)) && said.contains(USE_ANOTHER), "{said}");
    if let Store::Postgres(store) = &shelf.store {
        let said = store.migrate().await.unwrap_err().to_string();
        assert!(said.contains(USE_ANOTHER), "{said}");
    }
    assert_eq!(noted(&shelf).await, contracted);
}

/// As the builds made them that knew of no range.
async fn tables_without_a_need_need_their_own_version(shelf: Shelf) {
    let (forget, next) = match &shelf.store {
        Store::Postgres(_) => {
            ("ALTER TABLE migrations DROP COLUMN needs", "INSERT INTO migrations (version, name) VALUES (99, 'later')")
        }
        Store::Embedded(_) => ("DELETE FROM meta WHERE name = 'needs'", "PRAGMA user_version = 99"),
    };
    run(&shelf, forget).await;
    start(&shelf).await.unwrap();
    run(&shelf, next).await;
    let said = start(&shelf).await.err().expect("a refusal");
    assert!(said.contains("version 99") && said.contains(USE_ANOTHER), "{said}");
}

#[tokio::test]
async fn a_backup_of_an_expanded_store_is_taken_and_restored() {
    let shelf = Shelf::sqlite();
    shelf.put(&[interaction("i", Some("ana"), ANA, "2026-11-01T00:00:00Z")]).await;
    migrate_later(&shelf, EXPAND, Needs::Nothing).await;
    let folder = tempfile::tempdir().unwrap();
    let (copy, restored) = (folder.path().join("copy.db"), folder.path().join("restored.db"));
    let Store::Embedded(store) = &shelf.store else { unreachable!() };
    backup::backup(store.path(), &copy, false).unwrap();
    backup::restore(&copy, &restored, DateTime::<Utc>::UNIX_EPOCH).unwrap();
    let again = Shelf::of(open(&format!("sqlite:{}", restored.display())));
    assert_eq!((again.ids(ANA).await, noted(&again).await), (vec!["i".to_owned()], noted(&shelf).await));
}

#[tokio::test]
async fn migrate_of_an_older_release_finds_nothing_to_do_in_expanded_tables() {
    let shelf = Shelf::postgres().await;
    migrate_later(&shelf, EXPAND, Needs::Nothing).await;
    let Store::Postgres(store) = &shelf.store else { unreachable!() };
    let set = format!("journey.store={}", store.address());
    let output = Command::new(env!("CARGO_BIN_EXE_backstory")).args(["migrate", "--set", &set]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.contains("nothing to do"), "{said}");
}

/// What waits for a lock holds up all who come after it: a long reader must not make look-ups wait for the migration behind it.
#[tokio::test]
async fn a_migration_that_waits_for_a_lock_lets_others_pass_and_tries_again() {
    let url = database().await;
    let [reader, watcher] = [client(&url.parse().unwrap()).await, client(&url.parse().unwrap()).await];
    let as_in_version_3 = "ALTER TABLE backstory.listings DROP COLUMN time_zone;
         DROP TABLE backstory.removed, backstory.set_aside, backstory.fences;
         CREATE INDEX interactions_of_key ON backstory.interactions ((coalesce(contact_id, address)), started_at DESC);
         DROP INDEX backstory.interactions_in_order;
         DELETE FROM backstory.migrations WHERE version > 3";
    reader.batch_execute(as_in_version_3).await.unwrap();
    reader.batch_execute("BEGIN; SELECT * FROM backstory.listings").await.unwrap();

    let Store::Postgres(store) = open(&url) else { unreachable!() };
    let migration = tokio::spawn(async move { store.migrate().await.unwrap() });
    let waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'backstory.listings'::regclass";
    until("the migration to wait", async || watcher.query_opt(waits, &[]).await.unwrap()).await;
    watcher.batch_execute("SET statement_timeout = '20s'; SELECT * FROM backstory.listings").await.unwrap();
    assert!(!migration.is_finished());
    reader.batch_execute("COMMIT").await.unwrap();
    assert_eq!(
        migration.await.unwrap(),
        ["0004_time_zone", "0005_removed_and_set_aside", "0006_order_of_a_moment", "0007_one_order"]
    );
}
