//! PostgreSQL that is away, goes away, or is not what it should be: pops go on without what is missing, and nothing is lost.

use serde_json::{Value, json};

use crate::harness::postgres::{self, client, database, empty_database, through_a_line};
use crate::harness::shelf::{self, Shelf};
use crate::harness::{ANA, BEN, Kafka, Proxy, Service, call, contact, ids, interaction, until};

on_kafka![
    while_it_is_away_at_the_start_pops_go_without_timelines_which_follow,
    what_is_recorded_while_it_is_away_is_kept_when_it_is_back,
    a_recorder_that_waits_says_why_and_where_and_the_node_stays_ready,
    a_connection_that_was_lost_is_made_again_and_nobody_notices,
    a_server_that_does_not_answer_holds_up_no_pop,
    several_nodes_keep_one_store_and_all_their_timelines_follow,
    what_one_node_has_kept_no_other_reads_again,
];

async fn behind_a_line(kafka: Kafka) -> (Kafka, Proxy) {
    let (url, line) = through_a_line(&database().await).await;
    (kafka.with_store(url), line)
}

/// What the timeline says of the shared store, whichever source one looks at.
fn missing(pop: &Value) -> &Value {
    &pop["missing"]["code"]
}

async fn while_it_is_away_at_the_start_pops_go_without_timelines_which_follow(kafka: Kafka) {
    let (kafka, line) = behind_a_line(kafka).await;
    Service::start(&kafka).await.record(&[interaction("i-1")]).await;
    line.cut();
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1").number(ANA)).await;
    let pop = ana.next_pop().await;
    assert_eq!((missing(&pop), &pop["timeline"]), (&json!("failed"), &json!(null)));
    line.mend();
    let update = ana.next_update().await;
    assert_eq!(ids(&update["timeline"]), ["i-1"]);
}

async fn what_is_recorded_while_it_is_away_is_kept_when_it_is_back(kafka: Kafka) {
    let (kafka, line) = behind_a_line(kafka).await;
    let service = Service::start(&kafka).await;
    service.record(&[interaction("before").days_ago(3)]).await;
    line.cut();
    for id in ["during-1", "during-2"] {
        let one = interaction(id).days_ago(2);
        kafka.publish(&kafka.interactions, one.key(), one.json().to_string()).await;
    }
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1").number(ANA)).await;
    assert_eq!(missing(&ana.next_pop().await), "failed");
    line.mend();
    service.keeps(&kafka.interactions, 3.0).await;
    until("the timeline to be whole", async || {
        let update = ana.next_update().await;
        (update["total"] == 3 || update["timeline"]["total"] == 3).then_some(())
    })
    .await;
}

async fn a_recorder_that_waits_says_why_and_where_and_the_node_stays_ready(kafka: Kafka) {
    let (kafka, line) = behind_a_line(kafka).await;
    let service = Service::start(&kafka).await;
    let of_contacts = [("topic", &*kafka.contacts)];
    let recorder = format!("recorder {}: ", kafka.contacts);
    line.cut();
    kafka.publish_into(&kafka.contacts, 2, "c-ana", contact("c-ana").has("mobile", ANA).json()).await;
    let said = until("the recorder to wait", async || {
        let (status, text) = service.get_admin("/readyz?verbose").await;
        assert_eq!(status, 200, "{text}");
        let text = text.as_str().unwrap().to_owned();
        text.lines().find(|line| line.starts_with(&format!("[!] {recorder}waiting since "))).map(str::to_owned)
    })
    .await;
    assert!(said.contains("PostgreSQL") && said.ends_with("; next offset 2/0 (recorder_waiting)"), "{said}");
    assert!(!said.contains("127.0.0.1") && !said.contains("localhost"), "{said}");
    let health: Value = service.as_json("/readyz?verbose").await;
    let parts = health["parts"].as_array().unwrap();
    let part = parts.iter().find(|part| part["code"] == "recorder_waiting").unwrap();
    assert_eq!((&part["state"], &part["next"]), (&json!("degraded"), &json!({ "2": 0 })), "{part}");
    let offsets = service.series("backstory_recorder_waiting_offset{").await;
    assert_eq!(offsets, [format!("topic=\"{}\",partition=\"2\"}} 0", kafka.contacts)]);
    assert!(service.metric("backstory_recorder_waiting_since_seconds", &of_contacts).await > 1_700_000_000.0);
    assert_eq!(service.metric("backstory_recorders_waiting", &of_contacts).await, 1.0);

    line.mend();
    service.keeps(&kafka.contacts, 1.0).await;
    until("the recorder to go on", async || {
        let (status, text) = service.get_admin("/readyz?verbose").await;
        (status == 200 && text.as_str().unwrap().contains(&format!("[+] {recorder}not waiting"))).then_some(())
    })
    .await;
    for name in ["backstory_recorder_waiting_offset{", "backstory_recorder_waiting_since_seconds{"] {
        assert_eq!(service.series(name).await, [""; 0]);
    }
    assert_eq!(service.metric("backstory_recorders_waiting", &of_contacts).await, 0.0);
}

async fn a_connection_that_was_lost_is_made_again_and_nobody_notices(kafka: Kafka) {
    let (kafka, line) = behind_a_line(kafka).await;
    let service = Service::start(&kafka).await;
    service.record(&[interaction("i-1")]).await;
    for _ in 0..3 {
        service.journey(ANA).await;
        line.cut();
        line.mend();
        assert_eq!(ids(&service.journey(ANA).await), ["i-1"]);
    }
}

async fn a_server_that_does_not_answer_holds_up_no_pop(kafka: Kafka) {
    let (kafka, line) = behind_a_line(kafka).await;
    let service = Service::with(&kafka, &[("journey.lookup_timeout", "250ms")]).await;
    service.record(&[interaction("i-1")]).await;
    let mut ana = service.agent("ana").await;
    line.hold();
    service.offer(call("c-1").number(ANA)).await;
    service.offer(call("c-2").number(BEN)).await;
    for _ in 0..2 {
        assert_eq!(missing(&ana.next_pop().await), "timeout");
    }
    line.mend();
    let mut totals =
        [ana.next_update().await, ana.next_update().await].map(|update| update["timeline"]["total"].clone());
    totals.sort_by_key(Value::to_string);
    assert_eq!(totals, [0, 1]);
}

async fn several_nodes_keep_one_store_and_all_their_timelines_follow(kafka: Kafka) {
    let kafka = kafka.with_store(database().await);
    let nodes = [Service::start(&kafka).await, Service::start(&kafka).await];
    let mut agents = [nodes[0].agent("ana").await, nodes[1].agent("ben").await];
    nodes[0].offer(call("c-1").number(ANA)).await;
    let for_ben = call("c-2").to("ben").number(ANA);
    kafka.publish(&kafka.calls, "ben", for_ben.event("offered").to_string()).await;
    for agent in &mut agents {
        agent.next_pop().await;
    }
    for nth in 1..=4 {
        let one = interaction(&format!("i-{nth}"));
        kafka.publish(&kafka.interactions, one.key(), one.json().to_string()).await;
        let mut digests = Vec::new();
        for agent in &mut agents {
            digests.push(
                until("an update with all of them", async || {
                    let update = agent.next_update().await;
                    (update["total"] == nth).then(|| update["digest"].clone())
                })
                .await,
            );
        }
    }
    kafka.publish_nothing(&kafka.interactions, "i-2").await;
    for agent in &mut agents {
        let update = agent.next_update().await;
        assert_eq!((&update["removed"], &update["total"]), (&json!(["i-2"]), &json!(3)));
    }
}

async fn what_one_node_has_kept_no_other_reads_again(kafka: Kafka) {
    let kafka = kafka.with_store(database().await);
    let mut first = Service::start(&kafka).await;
    first.record(&[interaction("i-1"), interaction("i-2").days_ago(2)]).await;
    first.is_current().await;
    first.drain().await;
    let second = Service::start(&kafka).await;
    second.record(&[interaction("i-3").days_ago(3)]).await;
    assert_eq!(second.kept(&kafka.interactions).await, 1.0, "the group remembers what was kept");
    assert_eq!(ids(&second.journey(ANA).await), ["i-1", "i-2", "i-3"]);
}

#[tokio::test]
async fn a_database_without_our_tables_or_with_newer_ones_says_what_to_do() {
    let url = empty_database().await;
    let store = postgres::open(&url);
    let said = store.ready().await.unwrap_err().to_string();
    assert!(said.contains("`backstory migrate`"), "{said}");
    let backstory::journey::Store::Postgres(server) = &store else { unreachable!() };
    assert_eq!(
        server.migrate().await.unwrap(),
        [
            "0001_journey",
            "0002_erasure",
            "0003_behind",
            "0004_time_zone",
            "0005_removed_and_set_aside",
            "0006_order_of_a_moment",
            "0007_one_order"
        ]
    );
    assert_eq!(server.migrate().await.unwrap(), [""; 0], "and again changes nothing");
    store.ready().await.unwrap();
    let other = client(&url.parse().unwrap()).await;
    other.batch_execute("INSERT INTO backstory.migrations (version, name) VALUES (99, 'x')").await.unwrap();
    let said = store.ready().await.unwrap_err().to_string();
    assert!(said.contains("version 99") && said.contains("use the release that made them"), "{said}");
    assert!(server.migrate().await.is_err());
}

#[tokio::test]
async fn rows_are_found_by_index_also_in_a_database_that_was_made_a_moment_ago() {
    let url = database().await;
    let shelf = Shelf::of(postgres::open(&url));
    let listed = shelf::contact(json!({"contactId": "ana", "addresses": [{"address": ANA}]}));
    for nth in 0..20 {
        let call = shelf::interaction(&format!("i-{nth}"), Some("ana"), ANA, "2026-11-02T00:00:00Z");
        shelf.put(&[call, listed.clone()]).await;
        assert_eq!(shelf.ids(ANA).await.len(), nth + 1);
    }
    drop(shelf);
    let server = client(&url.parse().unwrap()).await;
    until("the connections to end, and what they counted to be told", async || {
        let others =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        let others: i64 = server.query_one(others, &[]).await.unwrap().get(0);
        (others == 0).then_some(())
    })
    .await;
    let read = "SELECT relname FROM pg_stat_user_tables WHERE seq_tup_read > 0
                AND relname IN ('interactions', 'listings', 'addresses', 'reached', 'behind')";
    let read: Vec<String> = server.query(read, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(read, [""; 0], "were read from end to end");
}
