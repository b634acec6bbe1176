//! What the recorder keeps, and whom a number leads to.

use serde_json::json;

use crate::harness::{ANA, BEN, HOME, Kafka, Service, briefs, call, campaigns, contact, days_ago, ids, interaction};

on_all_stores![
    the_newest_version_of_an_interaction_holds_in_whatever_order_it_comes,
    a_key_without_a_value_deletes,
    the_newest_version_of_a_contact_holds,
    housemates_who_share_a_number_are_not_mixed,
    several_people_behind_one_number_are_all_shown,
    texts_and_mails_of_the_contact_are_found_by_the_phone_number,
    interactions_of_nobody_are_found_by_any_address_of_the_contact,
    a_contact_is_in_the_time_zone_of_its_newest_record_that_names_one_and_names_must_be_known,
    a_contact_that_was_merged_goes_on_under_its_new_id,
    a_record_that_cannot_be_kept_is_counted_and_the_next_one_is_kept,
    a_number_that_cannot_be_read_is_counted_marked_and_found_by_exactly_that,
    an_interaction_that_ends_before_it_starts_is_kept_as_recorded_and_counted,
];

async fn the_newest_version_of_an_interaction_holds_in_whatever_order_it_comes(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let version = |days: i64| interaction("i-1").updated(days_ago(days)).with("comments", json!(format!("{days} old")));
    for versions in [[5, 1], [3, 1]] {
        service.record(&versions.map(version)).await;
        let timeline = service.journey(ANA).await;
        assert_eq!(timeline["total"], 1);
        assert_eq!(timeline["days"][0]["interactions"][0]["comments"], "1 old");
    }
    service.record(&[version(0).days_ago(4).on(BEN)]).await;
    assert_eq!(service.journey(ANA).await["total"], 0, "it was corrected to be of another number");
    assert_eq!(ids(&service.journey(BEN).await), ["i-1"]);
}

async fn a_key_without_a_value_deletes(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let listed = |id: &str| contact("c-ana").has("mobile", ANA).listed_in(id, id);
    service.list(&[listed("td"), listed("cards")]).await;
    service.record(&[interaction("i-1").of("c-ana"), interaction("i-2").of("c-ana").days_ago(2)]).await;
    service.delete(&kafka.interactions, "i-1").await;
    service.delete(&kafka.contacts, "c-ana/td").await;
    let timeline = service.journey(ANA).await;
    assert_eq!(ids(&timeline), ["i-2"]);
    assert_eq!(campaigns(&timeline), [("cards", true, 0)]);
}

async fn the_newest_version_of_a_contact_holds(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service
        .list(&[
            contact("c-ana").has("mobile", BEN).named("Ana Sousa").updated(days_ago(1)),
            contact("c-ana").has("mobile", ANA).named("A. Sousa").updated(days_ago(9)),
        ])
        .await;
    assert_eq!(service.journey(ANA).await["contacts"], json!([]), "the older record came too late");
    assert_eq!(service.journey(BEN).await["contacts"][0]["name"], "Ana Sousa");
}

async fn a_contact_is_in_the_time_zone_of_its_newest_record_that_names_one_and_names_must_be_known(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let listed = |campaign: &str, days: i64| {
        contact("c-ana").has("mobile", ANA).listed_in(campaign, campaign).updated(days_ago(days))
    };
    service.list(&[listed("td", 9).in_zone("America/Chicago"), listed("cards", 2).in_zone("America/New_York")]).await;
    service.list(&[listed("loans", 1)]).await;
    assert_eq!(service.journey(ANA).await["contacts"][0]["timeZone"], "America/New_York");
    let unknown = listed("td", 0).in_zone("Eastern Standard Time");
    service.kafka.publish(&kafka.contacts, &unknown.key(), unknown.json().to_string()).await;
    service.list(&[contact("c-ben").has("mobile", BEN)]).await;
    let labels = [("topic", &*kafka.contacts), ("mark", "unknown_time_zone")];
    service.counts("backstory_records_marked_total", &labels, 1.0).await;
    assert_eq!(service.journey(ANA).await["contacts"][0]["timeZone"], "America/New_York", "it names none");
    assert_eq!(service.journey(BEN).await["contacts"][0].get("timeZone"), None);
}

async fn housemates_who_share_a_number_are_not_mixed(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service
        .list(&[
            contact("c-ana").has("mobile", ANA).has("home", HOME),
            contact("c-ben").has("mobile", BEN).has("home", HOME),
        ])
        .await;
    service
        .record(&[
            interaction("ana-mobile").of("c-ana").on(ANA).days_ago(1),
            interaction("ana-home").of("c-ana").on(HOME).days_ago(2),
            interaction("ben-home").of("c-ben").on(HOME).days_ago(3),
            interaction("ben-mobile").of("c-ben").on(BEN).days_ago(4),
            interaction("nobody-home").on(HOME).days_ago(5),
        ])
        .await;
    let mut agent = service.agent("ana").await;
    service.offer(call("c-1").number(ANA)).await;
    let pop = agent.next_pop().await;
    assert_eq!(ids(&pop["timeline"]), ["ana-mobile", "ana-home", "nobody-home"]);
    assert_eq!(briefs(&pop["timeline"]).len(), 1);
    assert_eq!(ids(&service.journey(BEN).await), ["ben-home", "ben-mobile", "nobody-home"]);
}

async fn several_people_behind_one_number_are_all_shown(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service
        .list(&[
            contact("c-ana").has("mobile", ANA).has("home", HOME).named("Ana"),
            contact("c-ben").has("mobile", BEN).has("home", HOME).named("Ben"),
        ])
        .await;
    service
        .record(&[
            interaction("ben-1").of("c-ben").on(BEN).days_ago(1),
            interaction("ben-2").of("c-ben").on(BEN).days_ago(2),
            interaction("ana-1").of("c-ana").on(ANA).days_ago(3),
        ])
        .await;
    let timeline = service.journey(HOME).await;
    let people: Vec<_> = briefs(&timeline).into_iter().map(|(id, _)| id).collect();
    assert_eq!(people, ["c-ben", "c-ana"], "most interactions first; nobody guesses");
    assert_eq!(ids(&timeline), ["ben-1", "ben-2", "ana-1"]);
}

async fn texts_and_mails_of_the_contact_are_found_by_the_phone_number(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.list(&[contact("c-ana").has("mobile", ANA).has("email", "Ana@Example.com")]).await;
    service
        .record(&[
            interaction("call").of("c-ana").days_ago(1),
            interaction("text").of("c-ana").channel("sms").with("mode", json!("sms")).days_ago(2),
            interaction("mail").of("c-ana").on("ana@example.com").channel("email").days_ago(3),
            interaction("nobody's mail").on("ANA@example.com").channel("email").days_ago(4),
        ])
        .await;
    assert_eq!(ids(&service.journey(ANA).await), ["call", "text", "mail", "nobody's mail"]);
}

async fn interactions_of_nobody_are_found_by_any_address_of_the_contact(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.list(&[contact("c-ana").has("mobile", ANA).has("home", HOME)]).await;
    service.record(&[interaction("of nobody").on(HOME)]).await;
    assert_eq!(ids(&service.journey(ANA).await), ["of nobody"]);
    assert_eq!(service.journey(ANA).await["contacts"][0]["interactions"], 0, "it is counted for nobody");
}

async fn a_contact_that_was_merged_goes_on_under_its_new_id(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.list(&[contact("old").has("mobile", ANA), contact("new").has("home", HOME)]).await;
    service.record(&[interaction("before").of("old").days_ago(2), interaction("after").of("new").on(HOME)]).await;
    let merged = json!({ "contactId": "old", "addresses": [{ "address": ANA }], "mergedInto": "new" });
    service.kafka.publish(&kafka.contacts, "old", merged.to_string()).await;
    service.keeps(&kafka.contacts, 3.0).await;
    for number in [ANA, HOME] {
        let timeline = service.journey(number).await;
        assert_eq!(ids(&timeline), ["after", "before"], "{number}");
        assert_eq!(briefs(&timeline).iter().map(|(id, _)| *id).collect::<Vec<_>>(), ["new"]);
    }
}

async fn a_record_that_cannot_be_kept_is_counted_and_the_next_one_is_kept(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let good = interaction("i").json().to_string();
    let without_time = good.replace("startedAt", "begunAt");
    let without_zone = interaction("i").with("startedAt", json!("2026-11-18T10:30:23")).json().to_string();
    let bad: [(&str, &[u8]); 8] = [
        ("not_json", b"no JSON"),
        ("not_json", b"\xff\xfe{}"),
        ("not_object", b"[1]"),
        ("missing_field", without_time.as_bytes()),
        ("bad_time", without_zone.as_bytes()),
        ("wrong_type", br#"{"interactionId":7.5}"#),
        ("no_value", b""),
        ("no_address", b"anonymous"),
    ];
    for (nth, (reason, value)) in bad.iter().enumerate() {
        let labels = [("topic", &*kafka.interactions), ("reason", *reason)];
        let refused = service.metric("backstory_records_refused_total", &labels).await;
        match *reason {
            "no_value" => service.kafka.publish_nothing(&kafka.interactions, "").await,
            "no_address" => {
                let anonymous = interaction("i").on("anonymous").json().to_string();
                service.kafka.publish(&kafka.interactions, "i", anonymous).await;
            }
            _ => service.kafka.publish(&kafka.interactions, "i", value).await,
        }
        service.record(&[interaction(&format!("good-{nth}"))]).await;
        service.counts("backstory_records_refused_total", &labels, refused + 1.0).await;
    }
    assert_eq!(service.journey(ANA).await["total"], bad.len());
}

async fn an_interaction_that_ends_before_it_starts_is_kept_as_recorded_and_counted(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let (start, end) = (days_ago(2), days_ago(3));
    service.record(&[interaction("odd").started(start).with("endedAt", json!(end)), interaction("good")]).await;
    assert_eq!(service.metric("backstory_interactions_ended_before_start_total", &[]).await, 1.0);
    let timeline = service.journey(ANA).await;
    assert_eq!(ids(&timeline), ["good", "odd"], "in the order of their starts");
    let odd = &timeline["days"][1]["interactions"][0];
    let time = |field: &str| odd[field].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!(
        [time("startedAt"), time("endedAt")].map(|at| at.timestamp_millis()),
        [start, end].map(|at| at.timestamp_millis())
    );
    assert!(odd.get("duration").is_none(), "nothing is calculated from it");
}

async fn a_number_that_cannot_be_read_is_counted_marked_and_found_by_exactly_that(kafka: Kafka) {
    const ODD: &str = "CUST-0042-7781";
    let service = Service::start(&kafka).await;
    service.record(&[interaction("odd").on(ODD), interaction("good")]).await;
    let counted = service.metric("backstory_addresses_as_given_total", &[("topic", &*kafka.interactions)]).await;
    assert_eq!(counted, 1.0);
    let timeline = service.journey(ODD).await;
    assert_eq!((ids(&timeline), &timeline["numberAsGiven"]), (vec!["odd"], &json!(true)));
    assert_eq!(service.journey("CUST-00427781").await["total"], 0);
    assert_eq!(service.journey(ANA).await.get("numberAsGiven"), None);
}
