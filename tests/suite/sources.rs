//! Two sources, each where it is: in the store, in one of its own, or in tables that are the administrator's.

use serde_json::{Value, json};

use crate::harness::postgres::{client, database, empty_database, through_a_line};
use crate::harness::{ANA, BEN, Kafka, Service, call, contact, ids, interaction};

on_kafka![
    s05_each_source_may_have_a_store_of_its_own,
    s05_tables_that_are_not_ours_are_read_through_two_queries,
    s05_a_source_that_is_slow_does_not_hold_the_other_back,
    s05_a_source_that_fails_is_named_and_asked_again,
];

const INTERACTIONS: &str = "SELECT no, 'c-' || client AS client, phone, 'voice' AS channel, began, ended, result, points, note \
                            FROM crm.calls WHERE phone = substr($1, 2) AND began >= $2";
const LISTINGS: &str = "SELECT 'c-' || client AS contact_id, full_name AS name, list AS campaign_id, clock FROM crm.lists WHERE phone = substr($1, 2)";

/// A dialler's own tables, in which Ana's number was called twice.
async fn foreign_tables() -> String {
    let url = empty_database().await;
    let digits = ANA.trim_start_matches('+');
    client(&url.parse().unwrap())
        .await
        .batch_execute(&format!(
            "CREATE SCHEMA crm;
             CREATE TABLE crm.calls (no bigint PRIMARY KEY, client int, phone varchar(20), began timestamptz, ended timestamptz,
               result varchar(8), points real, note text);
             CREATE TABLE crm.lists (client int, phone varchar(20), full_name text, list text, clock text);
             INSERT INTO crm.calls VALUES
               (1, 7, '{digits}', now() - interval '3 days', now() - interval '3 days' + interval '1 minute', 'NI', 4.5, 'Later.'),
               (2, 7, '{digits}', now() - interval '2 days', NULL, NULL, NULL, NULL),
               (3, 7, '{digits}', now() - interval '3 years', NULL, 'NI', NULL, NULL);
             INSERT INTO crm.lists VALUES (7, '{digits}', 'Ana Sousa', 'td', 'local'),
               (7, '{digits}', 'Ana Sousa', 'cards', 'America/New_York');"
        ))
        .await
        .unwrap();
    url
}

const SOURCE: &str = "journey.sources.campaign_manager";

fn tables(url: &str) -> Vec<(String, String)> {
    let columns = [
        ("interaction_id", "no"),
        ("contact_id", "client"),
        ("address", "phone"),
        ("started_at", "began"),
        ("ended_at", "ended"),
        ("outcome_code", "result"),
        ("current_score", "points"),
        ("comments", "note"),
        ("time_zone", "clock"),
    ];
    let own = [("store", url), ("interactions", INTERACTIONS), ("listings", LISTINGS)];
    let own = own.map(|(key, value)| (format!("{SOURCE}.{key}"), value.to_owned()));
    own.into_iter()
        .chain(columns.map(|(ours, theirs)| (format!("{SOURCE}.columns.{ours}"), theirs.to_owned())))
        .collect()
}

async fn with(kafka: &Kafka, settings: &[(String, String)]) -> Service {
    Service::with(kafka, &settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect::<Vec<_>>()).await
}

fn state<'a>(timeline: &'a Value, source: &str) -> &'a Value {
    timeline["sources"].as_array().unwrap().iter().find(|state| state["source"] == source).unwrap()
}

async fn s05_each_source_may_have_a_store_of_its_own(kafka: Kafka) {
    let own = database().await;
    let service = Service::with(&kafka, &[("journey.sources.data_cloud.store", own.as_str())]).await;
    let of_cloud = interaction("cloud").in_data_cloud().days_ago(2);
    service.record(&[interaction("dialler").with("source", json!("campaign_manager")), of_cloud]).await;
    crate::harness::until("both stores to have theirs", async || {
        (ids(&service.journey(ANA).await) == ["dialler", "cloud"]).then_some(())
    })
    .await;
    let row = client(&own.parse().unwrap()).await;
    let row = row.query_one("SELECT string_agg(interaction_id, ' ') FROM backstory.interactions", &[]).await.unwrap();
    assert_eq!(row.get::<_, String>(0), "cloud");
}

async fn s05_tables_that_are_not_ours_are_read_through_two_queries(kafka: Kafka) {
    let service = with(&kafka, &tables(&foreign_tables().await)).await;
    service.list(&[contact("c-7").has("mobile", ANA).listed_in("green", "Green energy")]).await;
    service.record(&[interaction("cloud").of("c-7").in_data_cloud().days_ago(1)]).await;
    let timeline = service.journey("(201) 555-0142").await;
    assert_eq!(ids(&timeline), ["cloud", "2", "1"], "within the period, both sources: {timeline}");
    assert_eq!(timeline["contacts"].as_array().unwrap().len(), 1, "one id is one contact: {timeline}");
    assert_eq!(timeline["contacts"][0]["name"], "Ana Sousa");
    assert_eq!(timeline["contacts"][0]["timeZone"], "America/New_York", "what is no zone's name is left out");
    let listed: Vec<_> = timeline["campaigns"].as_array().unwrap().iter().map(|campaign| &campaign["id"]).collect();
    assert_eq!(listed, ["cards", "green", "td"]);
    let first = &timeline["days"][2]["interactions"][0];
    assert_eq!((&first["source"], &first["address"]), (&json!("campaign_manager"), &json!(ANA)));
    assert_eq!((&first["currentScore"], &first["comments"]), (&json!(4.5), &json!("Later.")));
    assert_eq!(first["outcome"], json!({ "code": "NI", "label": "NI", "class": "neutral" }));
    assert!(state(&timeline, "campaign_manager")["asOf"].is_string());
    assert_eq!(service.journey(BEN).await["total"], 0);
}

async fn s05_a_source_that_is_slow_does_not_hold_the_other_back(kafka: Kafka) {
    let (url, line) = through_a_line(&foreign_tables().await).await;
    let deadline = ("journey.lookup_timeout".to_owned(), "250ms".to_owned());
    let service = with(&kafka, &[tables(&url), vec![deadline]].concat()).await;
    service.record(&[interaction("cloud").in_data_cloud().days_ago(1)]).await;
    line.hold();
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1").number(ANA)).await;
    let pop = ana.next_pop().await;
    assert_eq!(ids(&pop["timeline"]), ["cloud"]);
    assert_eq!(state(&pop["timeline"], "campaign_manager")["missing"]["code"], "timeout");
    line.mend();
    let update = ana.next_update().await;
    assert_eq!(ids(&update["timeline"]), ["cloud", "2", "1"], "the rest follows");
    assert_eq!(state(&update["timeline"], "campaign_manager").get("missing"), None);
    assert_ne!(update["digest"], pop["digest"]);
}

async fn s05_a_source_that_fails_is_named_and_asked_again(kafka: Kafka) {
    let (url, line) = through_a_line(&foreign_tables().await).await;
    let service = with(&kafka, &tables(&url)).await;
    service.record(&[interaction("cloud").in_data_cloud().days_ago(1)]).await;
    line.cut();
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1").number(ANA)).await;
    let pop = ana.next_pop().await;
    assert_eq!(state(&pop["timeline"], "campaign_manager")["missing"]["code"], "failed");
    line.mend();
    assert_eq!(ids(&ana.next_update().await["timeline"]), ["cloud", "2", "1"]);
}

#[tokio::test]
async fn a_query_that_gives_the_wrong_columns_says_which_and_what_to_write() {
    let url = foreign_tables().await;
    let said = async |sql: &str| {
        let mut settings = tables(&url);
        settings[1].1 = sql.into();
        let layers = backstory::config::Layers::new(None, &settings).unwrap();
        let settings = backstory::config::load_without_kafka(&layers).unwrap().journey;
        let tables =
            backstory::journey::postgres::tables::Tables::open(backstory::journey::Source::CampaignManager, &settings);
        tables.unwrap().sample(ANA, chrono::DateTime::UNIX_EPOCH).await.map(drop).unwrap_err().to_string()
    };
    let without_zone = INTERACTIONS.replace(" began,", " began AT TIME ZONE 'UTC' AS began,");
    for (sql, expected) in [
        (without_zone.as_str(), "its column began is of type timestamp: a time needs a zone"),
        ("SELECT $1::text AS phone, $2::timestamptz AS began", "it gives no column no"),
        ("SELECT 1 FROM crm.nowhere", "relation \"crm.nowhere\" does not exist"),
    ] {
        let said = said(sql).await;
        assert!(
            said.starts_with("journey.sources.campaign_manager.interactions: ") && said.contains(expected),
            "{said}"
        );
    }
}
