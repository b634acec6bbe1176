//! Holds what the nodes kept, set aside, counted and popped against what they were to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Node;
use super::load::{Expected, Place};
use crate::harness::postgres::{client, open};
use crate::harness::process::backstory;
use crate::harness::{ids, until};

/// Journeys of ordinary people that are looked up.
const SAMPLE: usize = 50;

pub async fn all(store: &str, nodes: &mut [Node], expected: &Expected) {
    set_aside(store, expected).await;
    let (interactions, listings) = kept(store).await;
    is_equal(interactions, &expected.interactions.keys().cloned().collect(), "interactions");
    is_equal(listings, &expected.listings.keys().cloned().collect(), "contacts");
    journeys(&nodes[0], expected).await;
    let mut unmatched = 0.0;
    for (nth, node) in nodes.iter_mut().enumerate() {
        until("all pops to be received", async || {
            node.listen().await;
            (node.pops.len() >= expected.pops[&nth].len()).then_some(())
        })
        .await;
        // The look-ups of two calls may overtake each other.
        node.pops.sort();
        assert!(node.pops.iter().eq(&expected.pops[&nth]), "{:?} instead of {:?}", node.pops, expected.pops[&nth]);
        is_well(node).await;
        unmatched += node.process.metric("backstory_records_recorded_total", "result=\"unmatched\"").await;
    }
    assert_eq!(unmatched, expected.unmatched as f64);
}

/// It is the process that was started, and nothing troubled it.
async fn is_well(node: &mut Node) {
    let log = node.process.log();
    assert!(node.process.is_alive() && !log.contains("panicked"), "{log}");
    assert_eq!(node.process.get("/readyz").await.0, 200);
    for troubled in ["backstory_recorders_waiting", "backstory_store_failures_total", "backstory_set_aside_lost_total"]
    {
        assert_eq!(node.process.metric(troubled, "").await, 0.0, "{troubled}: {log}");
    }
    until("no lag", async || (node.process.metric("backstory_kafka_lag_records", "").await == 0.0).then_some(())).await;
}

async fn set_aside(store: &str, expected: &Expected) {
    let expected = &expected.set_aside;
    // Refused calls are written beside the calls' way.
    let found = until("the odd records to be set aside", async || {
        let found = open(store).set_aside().await.unwrap();
        (found.len() >= expected.len()).then_some(found)
    })
    .await;
    let found: BTreeMap<Place, String> =
        found.into_iter().map(|one| ((one.topic, one.partition, one.offset), one.reason)).collect();
    differ_in_nothing(&found, expected);

    let set = format!("journey.store={store}");
    let (code, printed, said) = backstory(&["check", "--set-aside", "--json", "--set", &set]).await;
    assert_eq!(code, Some(0), "{said}");
    let listed = printed.lines().map(|line| {
        let line: Value = serde_json::from_str(line).expect("a line is JSON");
        let text = |field: &str| line[field].as_str().unwrap().to_owned();
        let number = |field: &str| line[field].as_i64().unwrap();
        ((text("topic"), number("partition") as i32, number("offset")), text("reason"))
    });
    differ_in_nothing(&listed.collect(), expected);
}

fn differ_in_nothing(found: &BTreeMap<Place, String>, expected: &BTreeMap<Place, String>) {
    let lacks = |this: &BTreeMap<Place, String>, other: &BTreeMap<Place, String>| {
        let lacking = other.iter().filter(|(place, reason)| this.get(*place) != Some(*reason));
        lacking.map(|(place, reason)| format!("{place:?} {reason}")).collect::<Vec<_>>()
    };
    let (lost, wrong) = (lacks(found, expected), lacks(expected, found));
    assert!(lost.is_empty() && wrong.is_empty(), "not set aside: {lost:#?}\nset aside: {wrong:#?}");
}

/// Ids of all interactions, and of all listed contacts.
async fn kept(store: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let [interactions, listings] = ["interaction_id FROM backstory.interactions", "contact_id FROM backstory.listings"]
        .map(|of| format!("SELECT {of}"));
    if let Some(path) = store.strip_prefix("sqlite:") {
        let file = rusqlite::Connection::open(path).unwrap();
        let ids = |sql: &str| {
            let mut select = file.prepare(&sql.replace("backstory.", "")).unwrap();
            select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        return (ids(&interactions), ids(&listings));
    }
    let server = client(&store.parse().unwrap()).await;
    let ids = async |sql: &str| server.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    (ids(&interactions).await, ids(&listings).await)
}

fn is_equal(found: BTreeSet<String>, expected: &BTreeSet<String>, what: &str) {
    let some = |this: &BTreeSet<String>, without: &BTreeSet<String>| {
        this.difference(without).take(20).cloned().collect::<Vec<_>>().join(", ")
    };
    let (lost, strange) = (some(expected, &found), some(&found, expected));
    assert!(lost.is_empty() && strange.is_empty(), "{what} that are lost: {lost}; that should not be there: {strange}");
}

/// Odd records that are kept join nobody, and some ordinary people have all that is theirs.
async fn journeys(node: &Node, expected: &Expected) {
    let is_odd = |(id, _): &(&String, &String)| id.starts_with("odd-");
    for (id, number) in expected.interactions.iter().filter(is_odd) {
        assert_eq!(journey(node, number).await, (BTreeSet::from([id.clone()]), BTreeSet::new()), "{number}");
    }
    for (id, number) in expected.listings.iter().filter(is_odd) {
        assert_eq!(journey(node, number).await, (BTreeSet::new(), BTreeSet::from([id.clone()])), "{number}");
    }
    let ordinary = expected.listings.iter().filter(|contact| !is_odd(contact));
    for (id, number) in ordinary.take(SAMPLE) {
        let of_number = expected.interactions.iter().filter(|(_, address)| *address == number);
        let of_number = of_number.map(|(id, _)| id.clone()).collect();
        assert_eq!(journey(node, number).await, (of_number, BTreeSet::from([id.clone()])), "{number}");
    }
}

/// Ids of its interactions and contacts.
async fn journey(node: &Node, number: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (status, timeline) = node.process.get(&format!("/v1/journeys/{number}")).await;
    assert_eq!(status, 200, "{timeline}");
    let interactions = ids(&timeline).into_iter().map(str::to_owned).collect();
    let contacts = timeline["contacts"].as_array().unwrap().iter();
    (interactions, contacts.map(|contact| contact["contactId"].as_str().unwrap().to_owned()).collect())
}
