//! What is read of files as people really have them: broken in places, and imported all the same.

use std::io::Write as _;

use rlibphonenumber::Region;

use super::*;
use crate::tools::import::files::inspect;

const HEADER: &str = "interactionId,source,address,channel,startedAt,comments\n";

fn row(id: &str, comments: &str) -> String {
    format!("{id},data_cloud,+12015550142,voice,2026-01-01T00:00:00Z,{comments}\n")
}

fn json(id: &str) -> String {
    format!(
        r#"{{"interactionId":"{id}","source":"data_cloud","address":"+12015550142","channel":"voice","startedAt":"2026-01-01T00:00:00Z"}}"#
    ) + "\n"
}

/// Ids read, and lines refused with their reasons.
fn read(name: &str, content: &[u8]) -> (Vec<String>, Vec<(u64, String)>) {
    let batches = batches(name, content);
    let ids = batches.iter().flat_map(|batch| &batch.changes).map(|change| match change {
        Change::Interaction(interaction) => interaction.interaction_id.to_string(),
        Change::Contact(contact) => contact.key(),
        _ => unreachable!(),
    });
    let refused = batches.iter().flat_map(|batch| &batch.refused);
    (ids.collect(), refused.map(|refused| (refused.line, refused.reason.to_string())).collect())
}

fn batches(name: &str, content: &[u8]) -> Vec<Batch> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::File::create(&path).unwrap().write_all(content).unwrap();
    let rules = Rules {
        kind: None,
        map: None,
        records: journey::Regions::from(Region::US).into(),
        began: DateTime::UNIX_EPOCH,
        sources: Source::ALL.to_vec(),
        record_bytes_max: 2000,
    };
    let (sender, mut receiver) = mpsc::channel(100);
    read_all(&inspect(&[path], None).unwrap(), &rules, &sender).unwrap();
    std::iter::from_fn(|| receiver.try_recv().ok()).collect()
}

#[test]
fn broken_lines_are_listed_and_the_rest_is_imported() {
    let mut content = [json("a"), "\n".into(), "no JSON\n".into(), json("b"), "[]\n".into()].concat().into_bytes();
    content.extend(b"{\"interactionId\":\"\xff\"}\n");
    content.extend([b'x'; 5000]);
    content.push(b'\n');
    content.extend(json("c").trim_end().bytes());
    let (ids, refused) = read("x.jsonl", &content);
    assert_eq!(ids, ["a", "b", "c"]);
    assert_eq!(
        refused,
        [
            (3, "the value is not JSON".into()),
            (5, "the value is not a JSON object".into()),
            (6, "the line is not UTF-8".into()),
            (7, "the record is larger than kafka.record_bytes_max".into()),
        ]
    );
}

#[test]
fn a_stray_quote_costs_one_line_and_not_the_rest_of_the_file() {
    let rows =
        [row("a", "\"fine, too\""), row("b", "\"open"), row("c", ""), row("d", "\"over\ntwo lines\""), row("e", "")];
    let (ids, refused) = read("x.csv", (HEADER.to_owned() + &rows.concat()).as_bytes());
    assert_eq!(ids, ["a", "c", "d", "e"]);
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].0, 3);
}

#[test]
fn a_row_with_other_cells_than_the_header_is_refused() {
    let content = HEADER.to_owned() + "a,b\n" + &row("c", "") + &row("d", "x,y");
    let (ids, refused) = read("x.csv", content.as_bytes());
    assert_eq!(ids, ["c"]);
    assert_eq!(
        refused,
        [(2, "the row has 2 cells and the header 6".into()), (4, "the row has 7 cells and the header 6".into())]
    );
}

#[test]
fn a_header_that_says_nothing_refuses_the_file_once() {
    let (ids, refused) = read("x.csv", b"CALL_ID;PHONE\n1;2\n3;4\n");
    assert!(ids.is_empty());
    assert_eq!(refused.len(), 1);
}

#[test]
fn an_empty_file_holds_nothing_and_says_so() {
    for (name, content, said) in [
        ("x.csv", "", "nothing is in it"),
        ("x.ndjson", "\n\n", "nothing is in it"),
        ("x.csv", HEADER, "nothing is below its header"),
    ] {
        assert_eq!(read(name, content.as_bytes()), (vec![], vec![]));
        assert_eq!(batches(name, content.as_bytes())[0].notes, [said]);
    }
}

#[test]
fn numbers_that_are_kept_as_given_are_counted() {
    let odd = json("odd").replace("+12015550142", "99999999999999999999");
    let batches = batches("x.jsonl", [json("a"), odd.clone(), odd].concat().as_bytes());
    let seen = Seen { times: 2, first_line: 2 };
    assert_eq!(batches[0].remarks, BTreeMap::from([(Remark::AsGiven, seen)]));
}

#[test]
fn contacts_are_told_from_interactions() {
    let (ids, _) = read("x.csv", b"contactId,address,campaign.id\nc-1,+12015550142,td\n");
    assert_eq!(ids, ["c-1/td"]);
}
