//! Who is erased is gone everywhere, and does not come back with a replay.

use std::process::{Command, Output};

use backstory::journey::Change;
use backstory::journey::erasure::Erasure;
use backstory::journey::store::Removed;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::harness::shelf::{self, Shelf};
use crate::harness::{ANA, BEN, Kafka, Service, call, contact, interaction, until};

on_both_stores![
    who_is_erased_is_gone_under_every_id_and_address,
    what_others_have_stays,
    what_was_before_the_erasure_is_kept_out_and_what_comes_after_is_kept,
    an_erasure_that_is_repeated_changes_nothing,
    a_stranger_who_is_erased_is_kept_out_too,
];
on_all_stores![an_erasure_leaves_the_open_timeline_and_every_copy];
on_kafka_with_both_stores![
    the_command_says_what_would_go_then_erases_and_gives_a_receipt,
    several_contacts_on_a_number_are_named_and_none_is_picked,
];

const AT: &str = "2026-11-20T12:00:00Z";
const HOME: &str = "+12015550177";

fn erasure(contact_ids: &[&str], addresses: &[&str]) -> Change {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let erased_at = AT.parse::<DateTime<Utc>>().unwrap();
    let (contact_ids, addresses) = (owned(contact_ids), owned(addresses));
    Change::Erase(Box::new(Erasure { erasure_id: "er-1".into(), contact_ids, addresses, erased_at }))
}

fn listing(value: Value) -> Change {
    let mut value = value;
    value["updatedAt"] = json!("2026-11-01T00:00:00Z");
    shelf::contact(value)
}

fn touch(id: &str, contact: Option<&str>, address: &str) -> Change {
    shelf::interaction(id, contact, address, "2026-11-10T10:00:00Z")
}

async fn who_is_erased_is_gone_under_every_id_and_address(shelf: Shelf) {
    shelf
        .put(&[
            listing(json!({"contactId": "ana", "addresses": [{"address": ANA}], "campaign": {"id": "td"}})),
            listing(json!({"contactId": "ana-old", "addresses": [{"address": HOME}], "mergedInto": "ana"})),
            touch("i-1", Some("ana"), ANA),
            touch("i-2", Some("ana-old"), HOME),
            touch("i-3", Some("ana"), "ana@example.com"),
            touch("nobody's", None, HOME),
        ])
        .await;
    let written = shelf.put(&[erasure(&["ana-old"], &[])]).await;
    assert_eq!(written.removed, Removed { interactions: 4, listings: 2 });
    assert_eq!(written.changed, 1);
    let touched = ["ana", "ana-old", ANA, HOME, "ana@example.com"];
    assert!(touched.iter().all(|lead| written.touched.contains(*lead)), "open timelines follow: {:?}", written.touched);
    for address in [ANA, HOME, "ana@example.com"] {
        assert!(shelf.knows_nothing_of(address).await, "{address}");
    }
}

async fn what_others_have_stays(shelf: Shelf) {
    shelf
        .put(&[
            listing(json!({"contactId": "ana", "addresses": [{"address": ANA}, {"address": HOME}]})),
            listing(json!({"contactId": "ben", "addresses": [{"address": HOME}]})),
            touch("hers", Some("ana"), HOME),
            touch("his", Some("ben"), HOME),
            touch("nobody's", None, HOME),
        ])
        .await;
    shelf.put(&[erasure(&["ana"], &[HOME])]).await;
    assert_eq!(shelf.ids(HOME).await, ["his", "nobody's"], "nobody knows that it was hers");
}

async fn what_was_before_the_erasure_is_kept_out_and_what_comes_after_is_kept(shelf: Shelf) {
    let records = [
        listing(json!({"contactId": "ana", "addresses": [{"address": ANA}]})),
        touch("i-1", Some("ana"), ANA),
        touch("nobody's", None, ANA),
    ];
    shelf.put(&records).await;
    shelf.put(&[erasure(&["ana"], &[])]).await;
    let replayed = shelf.put(&records).await;
    assert_eq!((replayed.kept_out, replayed.changed), (3, 0));
    // A correction of what was erased is no news.
    let (began, corrected) = ("2026-11-10T10:00:00Z", "2026-11-21T00:00:00Z");
    let correction = shelf::changed_interaction("i-1", Some("ana"), ANA, began, corrected);
    assert_eq!(shelf.put(&[correction]).await.kept_out, 1);
    assert!(shelf.knows_nothing_of(ANA).await);

    let later = "2026-11-20T12:00:01Z";
    shelf.put(&[shelf::changed_interaction("i-9", Some("ana"), ANA, later, later)]).await;
    assert_eq!(shelf.ids(ANA).await, ["i-9"]);
}

async fn an_erasure_that_is_repeated_changes_nothing(shelf: Shelf) {
    shelf.put(&[touch("i-1", Some("ana"), ANA)]).await;
    assert_eq!(shelf.put(&[erasure(&["ana"], &[])]).await.changed, 1);
    let again = shelf.put(&[erasure(&["ana"], &[])]).await;
    assert_eq!((again.changed, again.known, again.removed), (0, 1, Removed::default()));
}

async fn a_stranger_who_is_erased_is_kept_out_too(shelf: Shelf) {
    shelf.put(&[erasure(&["never heard of"], &[BEN])]).await;
    let written = shelf.put(&[touch("i-1", Some("never heard of"), ANA), touch("i-2", None, BEN)]).await;
    assert_eq!(written.kept_out, 2, "a copy that hears the erasure first");
}

async fn an_erasure_leaves_the_open_timeline_and_every_copy(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.record(&[interaction("i-1").of("c-ana").days_ago(2), interaction("i-2").of("c-ana").days_ago(1)]).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    assert_eq!(ana.next_pop().await["timeline"]["total"], 2);
    let erasure = json!({ "erasureId": "er-1", "contactIds": ["c-ana"], "addresses": [ANA], "erasedAt": Utc::now() });
    service.kafka.publish(&service.kafka.erasures, "er-1", erasure.to_string()).await;
    let update = ana.next_update().await;
    assert_eq!((&update["total"], &update["removed"]), (&json!(0), &json!(["i-1", "i-2"])));
    let kept_out = [("topic", service.kafka.interactions.as_str()), ("result", "kept_out")];
    service.record(&[interaction("i-1").of("c-ana").days_ago(2)]).await;
    service.counts("backstory_records_recorded_total", &kept_out, 1.0).await;
    assert_eq!(service.journey(ANA).await["total"], 0);
}

fn erase(service: &Service, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backstory"));
    for (key, value) in service.kafka.settings().into_iter().chain([("journey.store", service.store_setting())]) {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    command.arg("erase").args(arguments).output().expect("backstory erase")
}

fn said(ran: &Output) -> String {
    [&ran.stdout, &ran.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).concat()
}

async fn the_command_says_what_would_go_then_erases_and_gives_a_receipt(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let remark = "a remark that nobody else would make";
    service.list(&[contact("c-ana").has("mobile", ANA).listed_in("td", "Term deposit")]).await;
    service
        .record(&[
            interaction("i-1").of("c-ana").days_ago(2).with("comments", json!(remark)),
            interaction("b-1").on(BEN),
        ])
        .await;

    let ran = erase(&service, &[ANA]);
    assert!(!ran.status.success() && said(&ran).contains("1 interaction, 1 listing"), "{}", said(&ran));
    assert!(said(&ran).contains("nothing was erased"), "{}", said(&ran));
    assert_eq!(service.journey(ANA).await["total"], 1);

    let kept = service.kept(&kafka.interactions).await;
    let ran = erase(&service, &[ANA, "--yes"]);
    let receipt = said(&ran);
    assert!(ran.status.success(), "{receipt}");
    for line in ["contact c-ana, +12015550142", "1 interaction, 1 listing", "1 tombstone", "kept until", "backups"] {
        assert!(receipt.contains(line), "{line}: {receipt}");
    }
    assert_eq!(service.journey(ANA).await["total"], 0);
    assert_eq!(service.journey(BEN).await["total"], 1);
    service.keeps(&kafka.interactions, kept + 1.0).await;
    service.counts("backstory_records_recorded_total", &[("topic", &kafka.erasures)], 1.0).await;
    if kafka.database.is_none() {
        let file = service.store_file();
        until("what was erased to be overwritten", async || {
            let names = ["", "-wal"].map(|end| format!("{}{end}", file.display()));
            let bytes: Vec<u8> = names.iter().flat_map(|name| std::fs::read(name).unwrap_or_default()).collect();
            let found = bytes.windows(remark.len()).any(|window| window == remark.as_bytes());
            (!found).then_some(())
        })
        .await;
    }
}

async fn several_contacts_on_a_number_are_named_and_none_is_picked(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.list(&[contact("c-ana").has("home", ANA), contact("c-ben").has("home", ANA)]).await;
    service.record(&[interaction("i-1").of("c-ana"), interaction("i-2").of("c-ben")]).await;
    let ran = erase(&service, &[ANA, "--yes"]);
    assert!(!ran.status.success(), "{}", said(&ran));
    assert!(
        said(&ran).contains("2 contacts have this number") && said(&ran).contains("c-ben  (1 interaction)"),
        "{}",
        said(&ran)
    );
    let ran = erase(&service, &["c-ben", "--yes"]);
    assert!(ran.status.success(), "{}", said(&ran));
    let timeline = service.journey(ANA).await;
    assert_eq!((&timeline["total"], &timeline["contacts"][0]["contactId"]), (&json!(1), &json!("c-ana")));
}
