//! Files that are no store, or no whole one: a start that cannot be made says why and what to do, and damage that is found while
//! serving costs what it must and no more.

use std::fs;
use std::path::Path;
use std::process::Command;

use backstory::journey::LookUp;
use backstory::journey::Source;
use chrono::DateTime;
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use crate::harness::process::{Process, arguments, in_file_systems_of_its_own, passed_over};
use crate::harness::{ANA, BEN, Interaction, Kafka, Service, call, interaction};

on_the_embedded_broker![
    a_damaged_page_costs_the_look_ups_that_need_it_and_nothing_else,
    a_start_on_what_is_no_store_ends_and_says_what_to_do,
    a_start_where_nothing_can_be_written_ends_and_says_what_to_do,
];

const PAGE: usize = 4096;
/// How such a page begins, in SQLite's file format.
const LEAF: u8 = 0x0a;
const DAMAGED: &str = "the file is damaged; bring a backup back (`backstory restore`), or move the file away: what Kafka still \
                       has is then recorded anew";
const CANNOT_WRITE: &str = "the file cannot be opened for writing; its folder and the files in it must be writable for the \
                            service's user, on a file system that is not mounted read-only";

/// Twenty interactions of a contact, a few to a page.
fn many(name: &str, number: &str) -> Vec<Interaction> {
    let one = |nth| interaction(&format!("{name}-{nth}")).of(name).on(number).days_ago(nth);
    (1..=20).map(|nth| one(nth).with("comments", json!(format!("{name} says so {nth} times. ").repeat(30)))).collect()
}

/// Makes a page from the midst of Ana's interactions unreadable, which nobody passes on the way to another's.
fn damage(store: &Path) {
    let mut bytes = fs::read(store).unwrap();
    let has = |page: &[u8], text: &str| page.windows(text.len()).any(|part| part == text.as_bytes());
    // One of two neighbours is on a leaf of the tree.
    let in_the_midst = |page: &[u8]| has(page, "ana says so 10 times") || has(page, "ana says so 11 times");
    let mut pages = bytes.chunks_mut(PAGE);
    pages.find(|page| page[0] == LEAF && in_the_midst(page)).expect("a page of Ana's").fill(0xff);
    fs::write(store, bytes).unwrap();
}

async fn a_damaged_page_costs_the_look_ups_that_need_it_and_nothing_else(kafka: Kafka) {
    let mut service = Service::start(&kafka).await;
    service.record(&[many("ana", ANA), many("ben", BEN)].concat()).await;
    service.drain().await;
    let file = Connection::open(service.store_file()).unwrap();
    file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(file);
    damage(&service.store_file());

    let service = service.start_again().await;
    let look_up = LookUp::whole(ANA.into(), DateTime::UNIX_EPOCH, Source::ALL.to_vec());
    let said = service.store().look_up(look_up).await.unwrap_err().to_string();
    assert_eq!(said, format!("the store failed: {DAMAGED}"));
    let (status, answer) = service.get(&format!("/v1/journeys/{ANA}")).await;
    assert_eq!((status, &answer["error"]["text"]), (503, &json!("the store could not be read; see the log")));
    let mut agent = service.agent("ana").await;
    service.offer(call("c-1").number(ANA)).await;
    let pop = agent.next_pop().await;
    assert_eq!((&pop["missing"]["code"], &pop["timeline"]), (&json!("failed"), &json!(null)));
    service.offer(call("c-2").number(BEN)).await;
    assert_eq!(agent.next_pop().await["timeline"]["total"], 20);
    service.record(&[interaction("new").of("ben").on(BEN)]).await;
    assert_eq!(service.journey(BEN).await["total"], 21, "recording goes on, too");
}

/// A start on this file that fails: what it says of it.
async fn refused(kafka: &Kafka, command: &mut Command, store: &Path) -> String {
    let mut process = Process::start(command.args(arguments(kafka, &format!("sqlite:{}", store.display()))));
    let status = process.ends().await;
    assert_eq!(status.code(), Some(1), "{}", process.log());
    let said = process.log();
    let begin = format!("error: {}: ", store.display());
    said.trim().strip_prefix(&begin).unwrap_or_else(|| panic!("{begin} in {said}")).to_owned()
}

fn backstory() -> Command {
    Command::new(env!("CARGO_BIN_EXE_backstory"))
}

async fn a_start_on_what_is_no_store_ends_and_says_what_to_do(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("garbage"), b"these are my notes, and no SQLite file".repeat(1000)).unwrap();
    Connection::open(path("foreign")).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    drop(crate::harness::postgres::open(&format!("sqlite:{}", path("newer").display())));
    Connection::open(path("newer"))
        .unwrap()
        .execute_batch("UPDATE meta SET value = 99; PRAGMA user_version = 99")
        .unwrap();
    let nowhere =
        format!("there is no folder {0}; make it (mkdir -p {0}), or name another place", path("nowhere").display());
    for (name, expected) in [
        (
            "garbage",
            "this is not a SQLite file, or no longer one; name another one in journey.store, or bring a backup back (`backstory \
             restore`)",
        ),
        ("foreign", "this SQLite file belongs to another program; name another one"),
        ("newer", "the store has version 99, this program knows "),
        ("nowhere/journey.db", &nowhere),
    ] {
        let said = refused(&kafka, &mut backstory(), &path(name)).await;
        assert!(said.starts_with(expected), "{said}");
    }
}

async fn a_start_where_nothing_can_be_written_ends_and_says_what_to_do(kafka: Kafka) {
    const READ_ONLY: &str = "mount --bind \"$0\" \"$0\"; mount -o remount,bind,ro \"$0\"";
    let folder: TempDir = tempfile::tempdir().unwrap();
    let (kept, new) = (folder.path().join("kept.db"), folder.path().join("new.db"));
    drop(crate::harness::postgres::open(&format!("sqlite:{}", kept.display())));
    for store in [kept, new] {
        let mut command = match in_file_systems_of_its_own(READ_ONLY, folder.path()) {
            Ok(command) => command,
            Err(why) => return passed_over("a_start_where_nothing_can_be_written_ends_and_says_what_to_do", &why),
        };
        assert_eq!(refused(&kafka, command.arg(env!("CARGO_BIN_EXE_backstory")), &store).await, CANNOT_WRITE);
    }
}
