//! Stores that reject what they are given: a record alone is set aside with the store's code, and a store that rejects everything
//! is waited for.

use backstory::journey::keep::{NotKept, keep};
use backstory::journey::{Change, Removal};
use serde_json::{Value, json};

use crate::harness::process::backstory;
use crate::harness::rejecting::{
    SQLSTATES, accept_all, accept_the_marked, marked, reason, reject_all, reject_the_marked,
};
use crate::harness::shelf;
use crate::harness::{ANA, BEN, HOME, Kafka, Service, call, contact, interaction, seconds_ago, until};

on_kafka_with_both_stores![
    a_store_that_rejects_everything_is_waited_for_with_many_records_at_once,
    a_store_that_rejects_everything_is_waited_for_with_one_record_after_the_other,
    a_store_that_rejects_every_new_record_is_waited_for_among_records_that_change_nothing,
    an_erasure_that_the_store_rejects_waits_while_other_topics_go_on,
    records_that_the_store_rejects_are_set_aside_with_its_code_and_the_others_are_kept,
    an_import_names_the_records_that_the_store_rejects_and_stores_the_others,
];

mod kept_in_part {
    use super::*;

    on_kafka![open_timelines_follow_what_was_kept_before_the_store_rejected_the_rest];
}

const MANY: usize = 300;

fn of_ana(nth: usize) -> (String, Option<Value>) {
    let id = format!("i-{nth}");
    (id.clone(), Some(interaction(&id).days_ago(1).json().clone()))
}

/// Waits until the recorder of a topic waits, with this attention code.
async fn waits_because(service: &Service, topic: &str, code: &str) {
    until(&format!("the recorder to wait with {code}"), async || {
        let text = service.get_admin("/readyz?verbose").await.1.as_str().unwrap().to_owned();
        text.lines().any(|line| line.contains(topic) && line.ends_with(&format!("({code})"))).then_some(())
    })
    .await;
    assert_eq!(waiting(service).await, 1.0);
    assert_eq!(service.get("/readyz").await.0, 200, "a recorder that waits keeps no agent away");
}

async fn waiting(service: &Service) -> f64 {
    service.metric("backstory_recorders_waiting", &[]).await
}

/// Waits until Ana's journey has so many interactions; nothing was set aside, and no recorder waits.
async fn keeps_all(service: &Service, interactions: usize) {
    until("all interactions to be kept", async || (service.journey(ANA).await["total"] == interactions).then_some(()))
        .await;
    until("no recorder to wait", async || (waiting(service).await == 0.0).then_some(())).await;
    assert_eq!(service.store().set_aside().await.unwrap(), []);
}

async fn a_store_that_rejects_everything_is_waited_for_with_many_records_at_once(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let store = service.store_setting();
    reject_all(&store, "interactions").await;
    kafka.publish_many(&kafka.interactions, (0..MANY).map(of_ana).collect()).await;
    waits_because(&service, &kafka.interactions, "store_refuses").await;
    assert_eq!(service.journey(ANA).await["total"], 0);
    assert_eq!(service.store().set_aside().await.unwrap(), []);
    accept_all(&store).await;
    keeps_all(&service, MANY).await;
}

async fn a_store_that_rejects_everything_is_waited_for_with_one_record_after_the_other(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let store = service.store_setting();
    for round in 1..=3 {
        reject_all(&store, "interactions").await;
        for nth in [2 * round, 2 * round + 1] {
            let (id, record) = of_ana(nth);
            kafka.publish(&kafka.interactions, &id, record.unwrap().to_string()).await;
            waits_because(&service, &kafka.interactions, "store_refuses").await;
        }
        accept_all(&store).await;
        keeps_all(&service, 2 * round).await;
    }
}

/// Removals of what is not there and records that are known are accepted: they do not show that the store accepts new ones.
async fn a_store_that_rejects_every_new_record_is_waited_for_among_records_that_change_nothing(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let (store, setting) = (service.store(), service.store_setting());
    let put = |id: &str| shelf::interaction(id, None, ANA, "2026-11-01T00:00:00Z");
    let list = |id: &str| shelf::contact(json!({"contactId": id, "addresses": [{"address": ANA}]}));
    let remove = || Removal::of("never kept");
    let of_interactions = [put("known"), Change::RemoveInteraction(remove()), put("new")];
    let of_contacts = [list("known"), Change::RemoveContact(remove()), list("new")];
    for (table, changes) in [("interactions", of_interactions), ("listings", of_contacts)] {
        keep(store, vec![changes[0].clone()]).await.unwrap();
        reject_all(&setting, table).await;
        let kept = keep(store, changes.to_vec()).await;
        assert!(matches!(kept, Err(NotKept::StoreRefuses(_))), "{table}: {kept:?}");
        accept_all(&setting).await;
        let kept = keep(store, changes.to_vec()).await.unwrap();
        assert_eq!((kept.written.changed, kept.refused), (1, vec![]), "{table}");
    }
}

async fn an_erasure_that_the_store_rejects_waits_while_other_topics_go_on(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let store = service.store_setting();
    let old = |id: &str| interaction(id).days_ago(9).updated(seconds_ago(900));
    service.record(&[old("of-ana").of("ana"), old("of-ben").of("ben").on(BEN)]).await;
    reject_all(&store, "erased").await;
    for contact_id in ["ana", "somebody"] {
        let erasure = json!({"erasureId": contact_id, "contactIds": [contact_id], "erasedAt": seconds_ago(1)});
        kafka.publish(&kafka.erasures, contact_id, erasure.to_string()).await;
    }
    waits_because(&service, &kafka.erasures, "erasure_refused").await;
    service.record(&[old("later").of("ben").on(BEN)]).await;
    service.list(&[contact("ben").has("mobile", BEN)]).await;
    let journey = service.journey(BEN).await;
    assert_eq!((&journey["total"], &journey["contacts"][0]["contactId"]), (&json!(2), &json!("ben")));
    assert_eq!(service.journey(ANA).await["total"], 1, "nobody is half erased");

    accept_all(&store).await;
    keeps_all(&service, 0).await;
    service.keeps(&kafka.erasures, 2.0).await;
    assert_eq!(service.journey(BEN).await["total"], 2);
}

async fn open_timelines_follow_what_was_kept_before_the_store_rejected_the_rest(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let store = service.store_setting();
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    assert_eq!(ana.next_pop().await["timeline"]["total"], 0);
    reject_the_marked(&store).await;
    // While the file is held, everything is read.
    let holder = rusqlite::Connection::open(service.store_file()).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let one = |nth: usize| match nth {
        0 => interaction("first").on(HOME),
        10 | 20 | 30 => interaction(&format!("of-ana-{nth}")),
        _ => interaction(&format!("of-ben-{nth}")).on(BEN).with("comments", json!(marked("22023"))),
    };
    let records = (0..MANY).map(|nth| ("one partition".to_owned(), Some(one(nth).json().clone())));
    kafka.publish_many(&kafka.interactions, records.collect()).await;
    until("the lag to count them", async || {
        let lag = service.metric("backstory_kafka_lag_records", &[("topic", &kafka.interactions)]).await;
        (lag == MANY as f64).then_some(())
    })
    .await;
    holder.execute_batch("ROLLBACK").unwrap();
    waits_because(&service, &kafka.interactions, "store_refuses").await;
    assert_eq!(service.journey(ANA).await["total"], 3);
    accept_the_marked(&store).await;
    assert_eq!(ana.next_update().await["total"], 3);
}

async fn records_that_the_store_rejects_are_set_aside_with_its_code_and_the_others_are_kept(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let store = service.store_setting();
    reject_the_marked(&store).await;
    let comments = |nth: usize| SQLSTATES.get(nth.wrapping_sub(20)).map_or("fine".to_owned(), |state| marked(state));
    let one = |nth: usize| interaction(&format!("i-{nth}")).with("comments", json!(comments(nth)));
    let records = (0..40).map(|nth| (format!("i-{nth}"), Some(one(nth).json().clone())));
    kafka.publish_many(&kafka.interactions, records.collect()).await;
    let listed = |nth: usize| contact(&format!("c-{nth}")).has("mobile", ANA).named(&comments(nth));
    let records = (0..40).map(|nth| (format!("c-{nth}"), Some(listed(nth).json().clone())));
    kafka.publish_many(&kafka.contacts, records.collect()).await;

    let mut expected: Vec<(&str, String)> = [&kafka.interactions, &kafka.contacts]
        .into_iter()
        .flat_map(|topic| SQLSTATES.map(|state| (topic.as_str(), reason(&store, state))))
        .collect();
    expected.sort();
    until("the rejected records to be set aside", async || {
        let found = service.store().set_aside().await.unwrap();
        let mut found: Vec<_> = found.iter().map(|one| (one.topic.as_str(), one.reason.clone())).collect();
        found.sort();
        (found == expected).then_some(())
    })
    .await;
    until("the others to be kept", async || {
        let journey = service.journey(ANA).await;
        let contacts =
            journey["contacts"].as_array().unwrap().len() as u64 + journey["moreContacts"].as_u64().unwrap_or(0);
        (journey["total"] == 36 && contacts == 36).then_some(())
    })
    .await;
    assert_eq!((waiting(&service).await, service.metric("backstory_store_failures_total", &[]).await), (0.0, 0.0));
}

async fn an_import_names_the_records_that_the_store_rejects_and_stores_the_others(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let store = service.store_setting();
    reject_the_marked(&store).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.jsonl");
    let fine = |nth: usize| interaction(&format!("fine-{nth}")).json().to_string();
    let rejected = |state: &&str| interaction(state).with("comments", json!(marked(state))).json().to_string();
    let lines: Vec<String> =
        SQLSTATES.iter().enumerate().flat_map(|(nth, state)| [fine(nth), rejected(state)]).collect();
    std::fs::write(&file, lines.join("\n")).unwrap();

    let set = format!("journey.store={store}");
    let (code, printed, said) = backstory(&["import", "--set", &set, file.to_str().unwrap()]).await;
    assert_eq!(code, Some(1), "{printed}{said}");
    for (nth, state) in SQLSTATES.iter().enumerate() {
        let line = format!("history.jsonl:{}: ", 2 * nth + 2);
        let why = reason(&store, state);
        assert!(printed.lines().any(|said| said.contains(&line) && said.contains(&why)), "{line}{why} in {printed}");
    }
    assert_eq!(service.journey(ANA).await["total"], SQLSTATES.len(), "{printed}{said}");
    assert_eq!(service.store().set_aside().await.unwrap(), [], "a file is no topic");
}
