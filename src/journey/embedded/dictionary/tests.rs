//! What is kept once, what with its interaction, and what goes, on real files.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use rlibphonenumber::Region;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::super::Embedded;
use super::*;
use crate::journey::store::{Commit, WriteBatch, Written};
use crate::journey::{Change, Erasure, Interaction, LookUp, Removal, Source};

const ANA: &str = "+12015550142";
const BYTES_MAX: usize = 1 << 20;
const MIGRATIONS_BEFORE: [&str; 4] = [
    include_str!("../migrations/0001_journey.sql"),
    include_str!("../migrations/0002_erasure.sql"),
    include_str!("../migrations/0003_time_zone.sql"),
    include_str!("../migrations/0004_removed_and_set_aside.sql"),
];

struct Fixture {
    folder: tempfile::TempDir,
    store: Embedded,
}

impl Fixture {
    fn new(bytes_max: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path(), bytes_max);
        Self { folder, store }
    }

    fn write(&self, changes: Vec<Change>) -> Written {
        self.store.write(&WriteBatch { changes, ..WriteBatch::default() }, Commit::Yes).unwrap()
    }

    fn file(&self) -> Connection {
        Connection::open(self.store.path()).unwrap()
    }

    fn number(&self, sql: &str) -> i64 {
        self.file().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// By id.
    fn words(&self) -> BTreeMap<i64, (String, i64)> {
        let file = self.file();
        let mut all = file.prepare("SELECT id, text, uses FROM words").unwrap();
        let rows = all.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?)))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    fn id_of(&self, text: &str) -> Option<i64> {
        id_of(text, &self.file()).unwrap()
    }

    fn journey(&self) -> Vec<Interaction> {
        let look_up = LookUp::whole(ANA.into(), DateTime::UNIX_EPOCH, Source::ALL.to_vec());
        self.store.look_up(&look_up).unwrap().interactions
    }

    /// Counts are those of a recount, and nothing is kept that nothing refers to.
    fn is_sound(&self) {
        let used = "SELECT id, count(*) FROM (
              SELECT source AS id FROM interactions UNION ALL SELECT channel FROM interactions UNION ALL SELECT mode FROM interactions
              UNION ALL SELECT direction FROM interactions UNION ALL SELECT campaign FROM interactions
              UNION ALL SELECT outcome FROM interactions UNION ALL SELECT agent FROM interactions)
            WHERE id > 0 GROUP BY id";
        let file = self.file();
        let mut used = file.prepare(used).unwrap();
        let used = used.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap);
        let counted = self.words().into_iter().map(|(id, (_, uses))| (id, uses));
        assert_eq!(counted.collect::<BTreeMap<i64, i64>>(), used.collect::<BTreeMap<i64, i64>>());
        let with_own = "SELECT count(*) FROM interactions WHERE 0 IN (channel, mode, campaign, outcome, agent)";
        assert_eq!(self.number("SELECT count(*) FROM own_texts"), self.number(with_own));
    }
}

fn open(folder: &Path, bytes_max: usize) -> Embedded {
    Embedded::open(&folder.join("store.db"), 1, Arc::default(), bytes_max).unwrap()
}

fn interaction(id: &str, parts: Value) -> Interaction {
    let mut value = json!({"interactionId": id, "source": "data_cloud", "contactId": "ana", "address": ANA, "channel": "voice",
        "startedAt": "2026-11-01T00:00:00Z", "updatedAt": "2026-11-02T00:00:00Z"});
    value.as_object_mut().unwrap().extend(parts.as_object().unwrap().clone());
    Interaction::read(value.to_string().as_bytes(), Region::US, DateTime::UNIX_EPOCH).unwrap()
}

fn labelled(id: &str, label: &str) -> Change {
    put(interaction(id, json!({"outcome": {"code": "c", "label": label}})))
}

fn put(interaction: Interaction) -> Change {
    Change::Interaction(Box::new(interaction))
}

fn remove(id: &str) -> Change {
    Change::RemoveInteraction(Removal::of(id))
}

fn outcome(label: &str) -> String {
    json!({"code": "c", "label": label}).to_string()
}

fn labels(fixture: &Fixture) -> Vec<String> {
    fixture.journey().iter().filter_map(|one| one.outcome.as_ref()?.label.clone()).collect()
}

fn later(hours: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + chrono::TimeDelta::days(365 * 60) + chrono::TimeDelta::hours(hours)
}

#[test]
fn thousands_of_texts_that_one_interaction_has_each_take_no_place_in_the_dictionary_or_in_memory() {
    let fixture = Fixture::new(BYTES_MAX);
    let label = |nth: usize| format!("{nth} {}", "x".repeat(500));
    for batch in 0..5 {
        fixture.write((0..1000).map(|nth| labelled(&format!("i-{batch}-{nth}"), &label(batch * 1000 + nth))).collect());
    }
    assert_eq!(labels(&fixture).len(), 5000);
    assert!(labels(&fixture).contains(&label(4321)));
    let texts: Vec<String> = fixture.words().into_values().map(|(text, _)| text).collect();
    assert_eq!(texts, ["data_cloud", "voice"], "nothing but these is in more than one");
    assert!(fixture.store.dictionary_bytes() < 5000 * 30, "{}", fixture.store.dictionary_bytes());
    fixture.is_sound();
}

#[test]
fn a_text_that_comes_again_in_another_interaction_is_kept_once_for_all_that_follow() {
    let fixture = Fixture::new(BYTES_MAX);
    for id in ["a", "b", "c", "d"] {
        fixture.write(vec![labelled(id, "Declined")]);
    }
    let id = fixture.id_of(&outcome("Declined")).unwrap();
    assert_eq!(fixture.words()[&id].1, 3);
    assert_eq!(labels(&fixture), ["Declined"; 4]);
    assert_eq!(fixture.write(vec![labelled("a", "Declined")]).known, 1, "it is kept already, if elsewhere");
    assert_eq!(fixture.words()[&id].1, 3);
    let in_use = fixture.store.in_use().unwrap();
    let counts: Vec<u64> = in_use.campaigns_and_outcomes.into_iter().map(|(_, count)| count).collect();
    assert_eq!(counts, [4], "by value, wherever it is kept");
    assert_eq!(fixture.number("SELECT count(*) FROM interactions_readable WHERE outcome LIKE '%Declined%'"), 4);
    fixture.is_sound();
}

#[test]
fn what_is_repeated_tried_or_changed_of_one_interaction_alone_stays_its_own() {
    let fixture = Fixture::new(BYTES_MAX);
    let batch = |changes| WriteBatch { changes, ..WriteBatch::default() };
    fixture.store.write(&batch(vec![labelled("a", "Alone")]), Commit::No).unwrap();
    fixture.write(vec![labelled("a", "Alone")]);
    assert_eq!(fixture.write(vec![labelled("a", "Alone")]).known, 1);
    let newer = json!({"outcome": {"code": "c", "label": "Alone"}, "updatedAt": "2026-11-03T00:00:00Z", "comments": "Corrected."});
    assert_eq!(fixture.write(vec![put(interaction("a", newer))]).changed, 1);
    assert_eq!(fixture.id_of(&outcome("Alone")), None);
    assert_eq!(labels(&fixture), ["Alone"]);
    assert_eq!(fixture.write(vec![labelled("a", "Older")]).known, 1);
    let corrected = json!({"outcome": {"code": "c", "label": "Other"}, "updatedAt": "2026-11-03T00:00:00Z"});
    assert_eq!(fixture.write(vec![put(interaction("a", corrected))]).changed, 1, "of the same time, but another");
    assert_eq!(labels(&fixture), ["Other"]);
    fixture.is_sound();
}

#[test]
fn a_text_goes_with_the_last_that_refers_to_it_from_the_file_and_from_memory() {
    let fixture = Fixture::new(BYTES_MAX);
    let label = "a label that nobody else would have";
    fixture.write(["a", "b", "c"].map(|id| labelled(id, label)).into());
    assert_eq!(labels(&fixture).len(), 3);
    let id = fixture.id_of(&outcome(label)).unwrap();
    fixture.write(vec![remove("b")]);
    assert_eq!((fixture.id_of(&outcome(label)), labels(&fixture).len()), (Some(id), 2));
    let before = fixture.store.dictionary_bytes();
    let erasure = Erasure {
        erasure_id: "er-1".into(),
        contact_ids: vec!["ana".into()],
        addresses: Vec::new(),
        erased_at: later(0),
    };
    fixture.write(vec![Change::Erase(Box::new(erasure))]);
    assert_eq!(fixture.words(), BTreeMap::new(), "nothing refers to anything");
    assert_eq!(fixture.number("SELECT count(*) FROM own_texts"), 0);
    for name in ["store.db", "store.db-wal"] {
        let bytes = std::fs::read(fixture.folder.path().join(name)).unwrap();
        assert!(!bytes.windows(label.len()).any(|found| found == label.as_bytes()), "it is in {name}");
    }
    assert!(fixture.store.texts.is_empty());
    assert!(fixture.store.dictionary_bytes() < before);
}

#[test]
fn what_is_too_old_takes_its_texts_along() {
    let fixture = Fixture::new(BYTES_MAX);
    fixture.write(["a", "b"].map(|id| labelled(id, "Declined")).into());
    assert_eq!(fixture.store.expire(later(0), None).unwrap().removed, 2);
    assert_eq!(fixture.words(), BTreeMap::new());
    fixture.is_sound();
}

#[test]
fn the_id_of_a_text_that_is_gone_is_given_to_none_again() {
    let fixture = Fixture::new(BYTES_MAX);
    let both = |one: &str, other: &str, label: &str| vec![labelled(one, label), labelled(other, label)];
    fixture.write(both("a", "b", "Declined"));
    assert_eq!(labels(&fixture), ["Declined"; 2]);
    let gone = fixture.id_of(&outcome("Declined")).unwrap();
    assert_eq!(Some(&gone), fixture.words().keys().last(), "the greatest, which SQLite would give again");
    fixture.write(vec![remove("a"), remove("b")]);
    let Fixture { folder, store } = fixture;
    drop(store);
    let fixture = Fixture { store: open(folder.path(), BYTES_MAX), folder };
    fixture.write(both("c", "d", "Subscribed"));
    assert!(fixture.id_of(&outcome("Subscribed")).unwrap() > gone);
    assert_eq!(labels(&fixture), ["Subscribed"; 2]);
}

#[test]
fn a_look_up_that_began_before_a_text_went_does_not_keep_it() {
    let fixture = Fixture::new(BYTES_MAX);
    fixture.write(["a", "b"].map(|id| labelled(id, "Declined")).into());
    let file = fixture.file();
    let began = fixture.store.texts.as_of_now();
    file.execute_batch("BEGIN").unwrap();
    let ids = "SELECT source, channel, mode, direction, campaign, outcome, agent FROM interactions WHERE interaction_id = 'b'";
    let ids = file.query_row(ids, [], |row| Ids::of(row, 0)).unwrap();
    fixture.write(vec![remove("a"), remove("b")]);
    assert!(began.texts(&ids, "b", &file).unwrap().outcome.is_some(), "it sees what was there");
    assert!(fixture.store.texts.is_empty());
}

#[test]
fn a_program_beside_may_remove_what_this_one_knows() {
    let fixture = Fixture::new(BYTES_MAX);
    fixture.write(["a", "b", "c"].map(|id| labelled(id, "Declined")).into());
    assert_eq!(labels(&fixture), ["Declined"; 3]);
    let beside = open(fixture.folder.path(), BYTES_MAX);
    let removals = ["a", "b", "c"].map(remove).into();
    beside.write(&WriteBatch { changes: removals, ..WriteBatch::default() }, Commit::Yes).unwrap();
    fixture.write(["d", "e", "f"].map(|id| labelled(id, "Declined")).into());
    assert_eq!(labels(&fixture), ["Declined"; 3]);
    fixture.is_sound();
}

#[test]
fn memory_stays_below_its_bound_and_answers_are_right_beyond_it() {
    for bytes_max in [1, 5000, 50_000] {
        let fixture = Fixture::new(bytes_max);
        let label = |nth: usize| format!("{nth:03} {}", "x".repeat(100));
        for round in 0..3 {
            let all = (0..300).map(|nth| labelled(&format!("i-{nth:03}-{round}"), &label(nth)));
            fixture.write(all.collect());
            assert!(fixture.store.dictionary_bytes() <= bytes_max.max(5 * ENTRY_BYTES), "{bytes_max}");
        }
        let expected: Vec<String> = (0..300).flat_map(|nth| vec![label(nth); 3]).collect();
        assert_eq!(labels(&fixture), expected);
        assert!(fixture.store.dictionary_bytes() <= bytes_max.max(5 * ENTRY_BYTES), "{bytes_max}");
        fixture.is_sound();
        let Fixture { folder: _folder, store } = fixture;
        let memory = Arc::clone(&store.memory);
        drop(store);
        assert_eq!(memory.bytes(), 0);
    }
}

#[test]
fn a_file_of_version_4_is_taken_over_with_its_rows_and_without_what_nothing_refers_to() {
    let folder = tempfile::tempdir().unwrap();
    let old = Connection::open(folder.path().join("store.db")).unwrap();
    MIGRATIONS_BEFORE.iter().for_each(|sql| old.execute_batch(sql).unwrap());
    let rows = "
        CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        INSERT INTO words VALUES (1, 'data_cloud'), (2, 'voice'), (3, '{\"code\":\"c\",\"label\":\"Declined\"}'), (4, 'outbound'),
          (7, 'unused'), (9, 'unused, too');
        INSERT INTO interactions VALUES
          ('ana', 1000, 'a', '+12015550142', 1, 2, NULL, 4, NULL, 3, NULL, NULL, NULL, NULL, 'A comment.', 2000),
          ('ana', 1000, 'b', '+12015550142', 1, 2, 2, NULL, NULL, 3, NULL, NULL, NULL, NULL, NULL, 2000);
        INSERT INTO reached VALUES ('+12015550142', 'ana');
        PRAGMA user_version = 4";
    old.execute_batch(rows).unwrap();
    old.pragma_update(None, "application_id", super::super::migrations::APPLICATION_ID).unwrap();
    drop(old);
    let fixture = Fixture { store: open(folder.path(), BYTES_MAX), folder };
    let words: Vec<(i64, i64)> = fixture.words().into_iter().map(|(id, (_, uses))| (id, uses)).collect();
    assert_eq!(words, [(1, 2), (2, 3), (3, 2), (4, 1)]);
    let kept = fixture.journey();
    assert_eq!(kept.iter().map(|one| one.interaction_id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((kept[0].comments.as_deref(), kept[1].mode.as_deref()), (Some("A comment."), Some("voice")));
    fixture.write(vec![labelled("c", "New"), labelled("d", "New"), labelled("e", "Declined")]);
    assert!(fixture.id_of(&outcome("New")).unwrap() > 9, "no id of before is given again");
    assert_eq!(labels(&fixture).len(), 5);
    fixture.is_sound();
}

#[test]
fn all_texts_are_counted_however_many_are_counted_at_a_time() {
    for at_a_time in [1, 2, 3, 100] {
        let fixture = Fixture::new(BYTES_MAX);
        fixture.write(["a", "b", "c"].map(|id| labelled(id, "Declined")).into());
        let mut file = fixture.file();
        let forget = "UPDATE words SET uses = NULL; DELETE FROM meta WHERE name = 'uses_counted'";
        file.execute_batch(forget).unwrap();
        uses::count_by(&mut file, at_a_time).unwrap();
        fixture.is_sound();
    }
}

#[test]
fn texts_are_found_by_their_keys_alone() {
    let fixture = Fixture::new(BYTES_MAX);
    let file = fixture.file();
    for sql in [TEXT, ID, OWN_TEXTS] {
        let mut plan = file.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps = plan.query_map(["x"], |row| row.get::<_, String>(3)).unwrap();
        let steps: Vec<String> = steps.map(Result::unwrap).collect();
        assert!(steps.len() == 1 && steps[0].starts_with("SEARCH"), "{sql}: {steps:?}");
    }
}

/// Few of each, so that they meet; some say nothing but a name.
fn any_parts() -> impl Strategy<Value = Value> {
    let text = || {
        prop::sample::select(vec![
            "email",
            "voice",
            "home",
            "a \"quoted\" \\ ü 🙂 text of more than twenty-three bytes",
        ])
    };
    let named = move || {
        (prop::option::of(text()), prop::option::of(text())).prop_map(|(id, name)| json!({"id": id, "name": name}))
    };
    let outcome = (prop::option::of(text()), prop::option::of(text()), prop::option::of(any::<bool>()))
        .prop_map(|(code, label, reached)| json!({"code": code, "label": label, "reached": reached}));
    let class = prop::option::of(prop::sample::select(vec!["success", "neutral"]));
    (text(), prop::option::of(text()), named(), (outcome, class), named(), 0..3_u32, any::<bool>()).prop_map(
        |(channel, mode, campaign, (mut outcome, class), agent, hour, inbound)| {
            outcome["class"] = json!(class);
            json!({"channel": channel, "mode": mode, "campaign": campaign, "outcome": outcome, "agent": agent,
                   "direction": inbound.then_some("inbound"), "source": if inbound { "data_cloud" } else { "campaign_manager" },
                   "updatedAt": format!("2026-11-02T0{hour}:00:00Z")})
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Whatever is written, in whatever batches, with however little memory, committed or not.
    #[test]
    fn what_is_put_comes_back_and_counts_are_those_of_a_recount(
        batches in prop::collection::vec(
            (prop::collection::vec((0_u8..8, prop::option::weighted(0.8, any_parts())), 1..6), any::<bool>()), 1..12),
        bytes_max in prop::sample::select(vec![1, 3000, BYTES_MAX]),
    ) {
        let fixture = Fixture::new(bytes_max);
        let mut kept = BTreeMap::new();
        for (changes, is_committed) in batches {
            let mut then = kept.clone();
            let mut batch = WriteBatch::default();
            for (id, parts) in changes {
                let id = format!("i-{id}");
                let Some(parts) = parts else {
                    batch.changes.push(remove(&id));
                    then.remove(&id);
                    continue;
                };
                let given = interaction(&id, parts);
                if then.get(&id).is_none_or(|before: &Interaction| before.updated_at <= given.updated_at) {
                    then.insert(id, given.clone());
                }
                batch.changes.push(put(given));
            }
            fixture.store.write(&batch, if is_committed { Commit::Yes } else { Commit::No }).unwrap();
            if is_committed {
                kept = then;
            }
            fixture.is_sound();
            prop_assert_eq!(fixture.journey(), kept.values().cloned().collect::<Vec<_>>());
        }
    }
}
