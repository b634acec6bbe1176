//! `backstory backup` and `backstory restore`: a copy of one moment beside a running service, from which another place goes on.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::harness::{ANA, Kafka, Service, days_ago, ids, interaction, until, until_within};

on_kafka![from_a_backup_taken_while_records_flow_another_place_goes_on_and_nothing_is_lost_or_doubled];

on_the_embedded_broker![
    a_restore_is_refused_while_anybody_has_the_store_open_and_keeps_what_was_there,
    a_backup_that_cannot_be_a_store_is_refused_and_the_store_is_as_it_was,
];

const INTERACTIONS: usize = 20_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// The exit code, and what was said on standard output and standard error.
fn run(command: &str, arguments: &[&str], store: &str) -> (Option<i32>, String) {
    let mut backstory = Command::new(env!("CARGO_BIN_EXE_backstory"));
    backstory.arg(command).args(arguments).args(["--set", &format!("journey.store={store}")]);
    let ran = backstory.output().unwrap_or_else(|error| panic!("backstory {command}: {error}"));
    let said = [&ran.stdout, &ran.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).concat();
    (ran.status.code(), said)
}

fn sqlite(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}

fn backup(store: &Path, to: &Path) -> String {
    let (code, said) = run("backup", &[to.to_str().unwrap()], &sqlite(store));
    assert_eq!(code, Some(0), "{said}");
    said
}

fn restore(from: &Path, store: &Path) -> (Option<i32>, String) {
    run("restore", &[from.to_str().unwrap()], &sqlite(store))
}

fn number(file: &Path, sql: &str) -> i64 {
    Connection::open(file).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Every file of a folder with its bytes, but for the lock, which is empty.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| !path.to_string_lossy().ends_with("-lock"));
    paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

async fn publish(kafka: Kafka) {
    let one = |nth: usize| interaction(&format!("i-{nth}")).started(days_ago(nth as i64 % 90));
    let records = (0..INTERACTIONS).map(|nth| (format!("i-{nth}"), Some(one(nth).json().clone()))).collect();
    kafka.publish_many(&kafka.interactions, records).await;
}

async fn from_a_backup_taken_while_records_flow_another_place_goes_on_and_nothing_is_lost_or_doubled(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let (copy, elsewhere) = (folder.path().join("copy.db"), folder.path().join("elsewhere.db"));
    let mut service = Service::start(&kafka).await;
    let publishing = tokio::spawn(publish(kafka.clone()));
    service.keeps(&kafka.interactions, 1.0).await;
    let store = service.store_file();
    let said = tokio::task::spawn_blocking({
        let copy = copy.clone();
        move || backup(&store, &copy)
    });
    let said = said.await.unwrap();
    publishing.await.unwrap();
    until_within(PATIENCE, "everything to be kept", async || {
        (service.kept(&kafka.interactions).await == INTERACTIONS as f64).then_some(())
    })
    .await;
    service.drain().await;

    let copied = number(&copy, "SELECT count(*) FROM interactions");
    let read = number(&copy, "SELECT sum(next_offset) FROM offsets");
    assert_eq!(copied, read, "journeys and offsets are of one moment");
    assert!(copied > 0 && said.contains(&format!("read from the topic {}", kafka.interactions)), "{said}");

    let (code, said) = restore(&copy, &elsewhere);
    assert_eq!(code, Some(0), "{said}");
    let other = Service::with(&kafka, &[("journey.store", &sqlite(&elsewhere))]).await;
    until_within(PATIENCE, "the rest to be kept", async || {
        (number(&elsewhere, "SELECT count(*) FROM interactions") == INTERACTIONS as i64).then_some(())
    })
    .await;
    let rest = (INTERACTIONS as i64 - copied) as f64;
    assert_eq!(other.kept(&kafka.interactions).await, rest, "nothing was read that the backup had");
}

/// A service with one interaction, and a backup of it in a folder of its own.
async fn with_a_backup(kafka: &Kafka) -> (Service, TempDir, PathBuf) {
    let service = Service::start(kafka).await;
    service.record(&[interaction("i-1")]).await;
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    let said = backup(&service.store_file(), &copy);
    assert!(said.contains("copy.db: 1 interaction, 0 contacts, "), "{said}");
    (service, folder, copy)
}

async fn a_restore_is_refused_while_anybody_has_the_store_open_and_keeps_what_was_there(kafka: Kafka) {
    let (mut service, _folder, copy) = with_a_backup(&kafka).await;
    service.record(&[interaction("i-2").days_ago(2)]).await;
    let store = service.store_file();
    let (code, said) = restore(&copy, &store);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("journey.db: a service runs on this store; stop it, then restore"), "{said}");
    assert_eq!(ids(&service.journey(ANA).await), ["i-1", "i-2"]);
    service.drain().await;

    let browser = Connection::open(&store).unwrap();
    let reading = browser.unchecked_transaction().unwrap();
    reading.query_row("SELECT count(*) FROM interactions", [], |row| row.get::<_, i64>(0)).unwrap();
    let (code, said) = restore(&copy, &store);
    assert!(code == Some(1) && said.contains("another program has the store open"), "{said}");
    drop(reading);
    drop(browser);
    assert_eq!(number(&store, "SELECT count(*) FROM interactions"), 2, "refused: the store is as it was");

    let (code, said) = restore(&copy, &store);
    assert_eq!(code, Some(0), "{said}");
    let kept = said.lines().find_map(|line| line.strip_prefix("the store that was there is kept as ")).unwrap();
    let kept = Path::new(kept.split(';').next().unwrap());
    assert_eq!(number(kept, "SELECT count(*) FROM interactions"), 2);
    assert_eq!(number(&store, "SELECT count(*) FROM interactions"), 1);
    assert_eq!(ids(&service.start_again().await.journey(ANA).await), ["i-1"]);
}

async fn a_backup_that_cannot_be_a_store_is_refused_and_the_store_is_as_it_was(kafka: Kafka) {
    let (_service, folder, copy) = with_a_backup(&kafka).await;
    let whole = fs::read(&copy).unwrap();
    // A store that nobody has had open: one that was served is closed a moment after the drain.
    let place = tempfile::tempdir().unwrap();
    let store = place.path().join("journey.db");
    let (code, said) = restore(&copy, &store);
    assert_eq!(code, Some(0), "{said}");
    let before = files(store.parent().unwrap());
    let bad = folder.path().join("bad.db");
    let made = |change: &dyn Fn(&Connection)| {
        fs::write(&bad, &whole).unwrap();
        change(&Connection::open(&bad).unwrap());
        fs::read(&bad).unwrap()
    };
    let mut damaged = whole.clone();
    let page = whole.len() / 4096 / 2;
    damaged[page * 4096..(page + 1) * 4096].fill(0xff);
    let newer = made(&|file| file.execute_batch("UPDATE meta SET value = 99; PRAGMA user_version = 99").unwrap());
    let foreign = made(&|file| file.pragma_update(None, "application_id", 7).unwrap());
    for (bytes, expected) in [
        (b"these are my notes, and no SQLite file".repeat(100), "bad.db: this is not a SQLite file"),
        (damaged, "bad.db: this backup is damaged and nothing was changed; take another one (SQLite says: "),
        (whole[..whole.len() / 2].to_vec(), "bad.db: "),
        (newer, "bad.db: the store has version 99, this program knows "),
        (foreign, "bad.db: this is a SQLite file, but no store of Backstory's"),
    ] {
        fs::write(&bad, bytes).unwrap();
        let (code, said) = restore(&bad, &store);
        assert!(code == Some(1) && said.contains(expected), "{expected} in {said}");
        assert!(files(store.parent().unwrap()) == before, "{said}");
    }
    let (code, said) = restore(&folder.path().join("none.db"), &store);
    assert!(code == Some(1) && said.contains("none.db: there is no such file"), "{said}");
    assert_eq!(number(&store, "SELECT count(*) FROM interactions"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_replaces_no_file_unless_told_and_leaves_no_half_of_one() {
    let (service, folder, copy) = with_a_backup(&Kafka::embedded()).await;
    let store = service.store_file();
    service.record(&[interaction("i-2").days_ago(2)]).await;
    let first = fs::read(&copy).unwrap();
    let to = |file: &Path, more: &[&str]| run("backup", &[&[file.to_str().unwrap()], more].concat(), &sqlite(&store));
    let (code, said) = to(&copy, &[]);
    assert!(code == Some(1) && said.contains("there is a file already; name another one, or say --force"), "{said}");
    assert!(fs::read(&copy).unwrap() == first);
    let (code, said) = to(&store, &["--force"]);
    assert!(code == Some(1) && said.contains("this is the store itself"), "{said}");
    let (code, said) = to(&folder.path().join("nowhere/copy.db"), &[]);
    assert!(code == Some(1) && said.contains("nowhere; make it (mkdir -p"), "{said}");
    let (code, said) = to(&copy, &["--force"]);
    assert!(code == Some(0) && said.contains("2 interactions"), "{said}");
    assert_eq!(files(folder.path()).len(), 1, "nothing is left beside it");
    until("the service to go on", async || (ids(&service.journey(ANA).await) == ["i-1", "i-2"]).then_some(())).await;
}

#[test]
fn a_store_that_is_not_a_file_is_left_to_its_own_tools_and_a_source_has_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy.db");
    let postgres = "postgres://backstory@db.example/backstory";
    for (command, tool) in [("backup", "pg_dump"), ("restore", "pg_restore")] {
        let (code, said) = run(command, &[file.to_str().unwrap()], postgres);
        assert!(code == Some(64) && said.contains(tool), "{said}");
    }
    let own = folder.path().join("own.db");
    drop(crate::harness::postgres::open(&sqlite(&own)));
    let own = format!("journey.sources.data_cloud.store={}", sqlite(&own));
    let (code, said) = run("backup", &[file.to_str().unwrap(), "--source", "data_cloud", "--set", &own], postgres);
    assert!(code == Some(0) && said.contains("copy.db: 0 interactions"), "{said}");
    let (code, said) = run("backup", &[file.to_str().unwrap(), "--source", "campaign_manager"], postgres);
    assert!(code == Some(64) && said.contains("leave --source out"), "{said}");
    let nothing = sqlite(&folder.path().join("none.db"));
    let (code, said) = run("backup", &[folder.path().join("b.db").to_str().unwrap()], &nothing);
    assert!(code == Some(1) && said.contains("none.db: there is no store"), "{said}");
}
