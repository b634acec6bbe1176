//! Files of another shape: a mapping file, and no code, makes the same history of them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rusqlite::Connection;
use tempfile::TempDir;

use crate::bank;

/// Every field that the export carries: all but the moment of the last change.
const COMPARED: &str = "interaction_id, source, contact_id, address, channel, mode, direction, started_at_utc, ended_at_utc, \
                        campaign, outcome, agent, previous_score, current_score, comments";

fn import(store: &Path, arguments: &[&str], files: &[PathBuf]) -> Output {
    let store = format!("journey.store=sqlite:{}", store.display());
    let mut command = Command::new(env!("CARGO_BIN_EXE_backstory"));
    command.args(["import", "--set", &store, "--set", "journey.default_region=DE"]).args(arguments).args(files);
    command.output().expect("backstory import")
}

/// Standard output and standard error.
fn said(ran: &Output) -> String {
    [&ran.stdout, &ran.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).concat()
}

fn the_shipped_mapping() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/dialler-export.toml").display().to_string()
}

/// A small export, with what the shipped mapping must cope with.
fn export(folder: &TempDir) -> PathBuf {
    let file = folder.path().join("export.csv");
    let text = "CALL_ID;CUSTOMER;PHONE;PHONE_TYPE;LIST;CALLED_ON;DURATION_S;DISPO;SCORE_BEFORE;SCORE_AFTER;OPERATOR;NOTES\n\
                a;c-1;(201) 555-0142;CELL;Term deposit 2026;09/05/2026 11:30:23;261;NI;50;45,5;João Gonçalves;Não agora.\n\
                b;c-2;(201) 555-0143;SHIP;Cards;25/10/2026 01:30:00;60;ZZ;50;45;Eva Pinto;\n\
                c;c-3;(201) 555-0144;CELL;Cards;31/02/2026 01:30:00;60;NI;50;45;Eva Pinto;\n";
    std::fs::write(&file, text.chars().map(|c| c as u8).collect::<Vec<_>>()).unwrap();
    file
}

#[test]
fn the_banks_history_as_a_dialler_exports_it_becomes_the_same_interactions() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("bank");
    // The mapping names campaigns, whose names have their year in them.
    if !bank::make(&out, "2026-11-21") {
        return;
    }
    let (ours, theirs) = (folder.path().join("ours.db"), folder.path().join("theirs.db"));
    let ran = import(&ours, &["--default-region", "US"], &[out.join("interactions.jsonl")]);
    assert!(ran.status.success(), "{}", said(&ran));
    let ran = import(&theirs, &["--map", &the_shipped_mapping()], &[out.join("dialler_export.csv")]);
    assert!(ran.status.success(), "{}", said(&ran));

    let store = Connection::open(&ours).unwrap();
    store.execute("ATTACH ?1 AS theirs", [theirs.display().to_string()]).unwrap();
    let number = |sql: &str| store.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(number("SELECT count(*) FROM main.interactions"), bank::OF_THE_CAMPAIGN_MANAGER);
    assert_eq!(number("SELECT count(*) FROM theirs.interactions"), bank::OF_THE_CAMPAIGN_MANAGER);
    for (one, other) in [("main", "theirs"), ("theirs", "main")] {
        let differ = format!(
            "SELECT count(*) FROM (SELECT {COMPARED} FROM {one}.interactions_readable \
             EXCEPT SELECT {COMPARED} FROM {other}.interactions_readable)"
        );
        assert_eq!(number(&differ), 0, "{one} has interactions that {other} has not");
    }
}

#[test]
fn a_dry_run_shows_what_would_be_stored_and_refused_and_stores_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("journey.db");
    let ran = import(&store, &["--map", &the_shipped_mapping(), "--dry-run"], &[export(&folder)]);
    let said = said(&ran);
    assert_eq!(ran.status.code(), Some(1), "{said}");
    for shown in [
        "\"address\": \"+12015550142\"",
        "\"startedAt\": \"2026-05-09T10:30:23Z\"",
        "\"endedAt\": \"2026-05-09T10:34:44Z\"",
        "\"currentScore\": 45.5",
        "\"name\": \"João Gonçalves\"",
        "\"comments\": \"Não agora.\"",
        "export.csv:4: the field startedAt is no time of the mapping's time_format",
        "1 record with a value for mode that the mapping's values do not name",
        "1 record with a local time for startedAt that came twice",
        "would be stored",
    ] {
        assert!(said.contains(shown), "{shown} in {said}");
    }
    assert!(!store.exists());

    let ours = folder.path().join("ours.jsonl");
    let record = r#"{"interactionId":"i","source":"data_cloud","address":"0201 5550142","channel":"voice","startedAt":"2026-01-01T00:00:00Z"}"#;
    std::fs::write(&ours, record).unwrap();
    let ran = import(&store, &["--dry-run"], &[ours]);
    assert!(ran.status.success() && !store.exists());
    assert!(self::said(&ran).contains("\"address\": \"+492015550142\""), "{}", self::said(&ran));
}

#[test]
fn the_flags_region_goes_over_the_mappings_and_that_over_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("journey.db");
    let region = |more: &[&str]| {
        let map = the_shipped_mapping();
        let ran = import(&store, &[&["--map", &map, "--dry-run"], more].concat(), &[export(&folder)]);
        said(&ran).lines().find(|line| line.contains("\"address\"")).unwrap().trim().to_owned()
    };
    assert_eq!(region(&[]), "\"address\": \"+12015550142\",");
    assert_eq!(region(&["--default-region", "GB"]), "\"address\": \"+442015550142\",");
}

#[test]
fn a_mapping_with_mistakes_names_all_of_them_and_imports_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (store, map) = (folder.path().join("journey.db"), folder.path().join("map.toml"));
    let text = std::fs::read_to_string(the_shipped_mapping()).unwrap();
    for (mapping, expected) in [
        (
            text.replace("encoding", "encodin").replace("comments", "coments"),
            [
                "encodin: there is no such key; did you mean encoding?",
                "fields.coments: there is no such field; did you mean comments?",
            ],
        ),
        (
            text.replace("\"NOTES\"", "\"NOTE\"").replace("\"CALL_ID\"", "\"CALLID\""),
            [
                "export.csv: there is no column NOTE; did you mean NOTES?",
                "export.csv: there is no column CALLID; did you mean CALL_ID?",
            ],
        ),
    ] {
        std::fs::write(&map, mapping).unwrap();
        let ran = import(&store, &["--map", map.to_str().unwrap()], &[export(&folder)]);
        let said = said(&ran);
        assert_eq!(ran.status.code(), Some(64), "{said}");
        assert!(expected.iter().all(|problem| said.contains(problem)), "{said}");
        assert!(!store.exists());
    }
}

#[test]
fn each_record_goes_to_the_store_of_its_source_and_is_read_by_its_region() {
    let folder = tempfile::tempdir().unwrap();
    let [shared, cloud] = ["shared.db", "cloud.db"].map(|name| folder.path().join(name));
    let (file, people) = (folder.path().join("history.jsonl"), folder.path().join("people.jsonl"));
    let record = |id: &str, source: &str| {
        format!(
            r#"{{"interactionId":"{id}","source":"{source}","address":"0912 345 678","channel":"voice","startedAt":"2026-01-01T00:00:00Z"}}"#
        )
    };
    std::fs::write(&file, format!("{}\n{}\n", record("m", "campaign_manager"), record("c", "data_cloud"))).unwrap();
    std::fs::write(&people, r#"{"contactId":"p","addresses":[{"address":"+351912345678"}]}"#).unwrap();
    let own = format!("journey.sources.data_cloud.store=sqlite:{}", cloud.display());
    let of_cloud = ["--set", &own, "--set", "journey.sources.data_cloud.default_region=IT"];
    let ran = import(&shared, &of_cloud, &[file.clone(), people]);
    assert!(ran.status.success(), "{}", said(&ran));
    assert!(said(&ran).contains("shared.db") && said(&ran).contains("cloud.db"), "{}", said(&ran));
    let kept = |path: &Path| {
        let store = Connection::open(path).unwrap();
        let row = store
            .query_row("SELECT interaction_id, address FROM interactions", [], |row| Ok((row.get(0)?, row.get(1)?)));
        let people: i64 = store.query_row("SELECT count(*) FROM listings", [], |row| row.get(0)).unwrap();
        let (id, address): (String, String) = row.unwrap();
        (id, address, people)
    };
    assert_eq!(kept(&shared), ("m".into(), "+49912345678".into(), 1));
    assert_eq!(kept(&cloud), ("c".into(), "+390912345678".into(), 1));

    let tables = [
        "journey.sources.data_cloud.store=postgres://nobody@127.0.0.1:1/x",
        "journey.sources.data_cloud.interactions=SELECT 1",
    ];
    let ran = import(&shared, &["--set", tables[0], "--set", tables[1]], &[file]);
    assert_eq!(ran.status.code(), Some(1), "{}", said(&ran));
    assert!(said(&ran).contains("history.jsonl:2: its source is read from tables of your own"), "{}", said(&ran));
}
