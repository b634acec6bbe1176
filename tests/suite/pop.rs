//! A call reaches the agent's screen: who sees what, and from which source.

use serde_json::json;

use crate::harness::{ANA, BEN, Kafka, Service, call, campaigns, contact, ids, interaction};

on_all_stores![
    s01_a_call_fills_the_screen_of_its_agent_and_of_nobody_else,
    s02_the_customer_is_the_caller_of_an_inbound_call_and_the_dialled_number_of_the_others,
    s03_campaigns_that_list_the_number_are_shown_though_it_was_never_called_in_them,
    s04_an_inbound_call_with_campaign_manager_alone_is_answered_with_a_sentence,
    s07_campaign_number_mode_and_outcome_are_seen_at_a_glance,
    a_call_without_a_usable_number_pops_and_says_so,
    a_number_is_one_however_it_is_written,
    every_session_of_the_agent_sees_the_call,
    a_call_that_was_offered_before_the_session_follows_its_welcome,
    an_old_call_is_shown_without_being_announced,
];

// Services that follow each other here must not share what they keep.
on_both_brokers![s05_an_administrator_chooses_the_source];

async fn s01_a_call_fills_the_screen_of_its_agent_and_of_nobody_else(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.list(&[contact("c-ana").has("mobile", ANA).named("Ana Sousa")]).await;
    service.record(&[interaction("i-1").of("c-ana").days_ago(2), interaction("i-2").of("c-ana").days_ago(1)]).await;
    let mut ana = service.agent("ana").await;
    let mut ben = service.agent("ben").await;

    service.offer(call("c-1").to("ana").number(ANA)).await;

    let pop = ana.next_pop().await;
    assert_eq!(pop["call"]["callId"], "c-1");
    assert_eq!(pop["call"]["state"], "offered");
    assert_eq!(pop["announce"], true);
    assert_eq!(pop["timeline"]["contacts"][0]["name"], "Ana Sousa");
    assert_eq!(ids(&pop["timeline"]), ["i-2", "i-1"], "newest first");
    ben.was_told_nothing().await;
}

async fn s02_the_customer_is_the_caller_of_an_inbound_call_and_the_dialled_number_of_the_others(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.record(&[interaction("to-ana").on(ANA)]).await;
    let mut ana = service.agent("ana").await;
    for direction in ["inbound", "outbound", "manual_outbound"] {
        service.offer(call(direction).direction(direction).number(ANA)).await;
        let pop = ana.next_pop().await;
        assert_eq!(pop["call"]["direction"], direction);
        assert_eq!(pop["call"]["number"], ANA, "{direction}");
        assert_eq!(ids(&pop["timeline"]), ["to-ana"], "{direction}");
    }
}

async fn s03_campaigns_that_list_the_number_are_shown_though_it_was_never_called_in_them(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service
        .list(&[
            contact("c-ana").has("mobile", ANA).listed_in("td-2026", "Term deposit 2026"),
            contact("c-ana").has("mobile", ANA).listed_in("cards", "Spring cards"),
            contact("c-ben").has("mobile", BEN).listed_in("others", "Somebody else's"),
        ])
        .await;
    service
        .record(&[
            interaction("i-1").of("c-ana").campaign("td-2026"),
            interaction("i-2").of("c-ana").campaign("of-long-ago").days_ago(90),
        ])
        .await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1").with("campaign", json!({ "id": "td-2026" }))).await;
    let timeline = &ana.next_pop().await["timeline"];
    assert_eq!(campaigns(timeline), [("cards", true, 0), ("of-long-ago", false, 1), ("td-2026", true, 1)]);
    assert_eq!(timeline["campaigns"][0]["name"], "Spring cards");
}

async fn s04_an_inbound_call_with_campaign_manager_alone_is_answered_with_a_sentence(kafka: Kafka) {
    let service = Service::with(&kafka, &[("journey.source", "campaign_manager")]).await;
    service.record(&[interaction("i-1")]).await;
    let mut ana = service.agent("ana").await;

    service.offer(call("c-in").inbound()).await;
    let pop = ana.next_pop().await;
    assert_eq!(pop["timeline"], json!(null));
    assert_eq!(pop["missing"]["code"], "inbound_needs_data_cloud");
    assert!(pop["missing"]["text"].as_str().unwrap().contains("Data Cloud"), "{pop}");
    assert_eq!(pop["announce"], true);

    service.offer(call("c-out")).await;
    assert_eq!(ids(&ana.next_pop().await["timeline"]), ["i-1"]);
}

async fn s05_an_administrator_chooses_the_source(kafka: Kafka) {
    for (source, seen) in [
        ("campaign_manager", vec!["from-campaign-manager"]),
        ("data_cloud", vec!["from-data-cloud"]),
        ("both", vec!["from-campaign-manager", "from-data-cloud"]),
    ] {
        let service = Service::with(&kafka, &[("journey.source", source)]).await;
        let kept = service.kept(&kafka.interactions).await;
        if kept == 0.0 {
            service
                .record(&[
                    interaction("from-campaign-manager").days_ago(1),
                    interaction("from-data-cloud").in_data_cloud().days_ago(2),
                ])
                .await;
        }
        let mut ana = service.agent("ana").await;
        service.offer(call(source)).await;
        // Calls of the rounds before are still open, and shown first where they are known.
        let pop = loop {
            let pop = ana.next_pop().await;
            if pop["call"]["callId"] == source {
                break pop;
            }
        };
        assert_eq!(ids(&pop["timeline"]), seen, "{source}");
        let sources: Vec<_> = pop["timeline"]["sources"].as_array().unwrap().iter().map(|s| &s["source"]).collect();
        assert_eq!(sources.len(), seen.len(), "{source}");
    }
}

async fn s07_campaign_number_mode_and_outcome_are_seen_at_a_glance(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.list(&[contact("c-ana").has("mobile", ANA).listed_in("td-2026", "Term deposit 2026")]).await;
    let outcome = json!({ "code": "declined", "label": "Declined", "class": "failure" });
    service.record(&[interaction("i-1").of("c-ana").campaign("td-2026").with("outcome", outcome.clone())]).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1").with("campaign", json!({ "id": "td-2026" }))).await;

    let pop = ana.next_pop().await;
    assert_eq!(pop["call"]["number"], ANA);
    assert_eq!(pop["call"]["campaign"], json!({ "id": "td-2026", "name": "Term deposit 2026" }), "the name is found");
    let shown = &pop["timeline"]["days"][0]["interactions"][0];
    assert_eq!(shown["address"], ANA);
    assert_eq!(shown["mode"], "mobile");
    assert_eq!(shown["outcome"], outcome);
    assert_eq!(shown["campaign"]["id"], "td-2026");
}

async fn a_call_without_a_usable_number_pops_and_says_so(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    for number in ["", "anonymous", "sip:anonymous@anonymous.invalid", "1001"] {
        service.offer(call(&format!("from {number}")).inbound().number(number)).await;
        let pop = ana.next_pop().await;
        assert_eq!(pop["missing"]["code"], "no_number", "{number}");
        assert_eq!(pop["call"]["number"], json!(null), "{number}");
        assert_eq!(pop["announce"], true);
    }
    service.hear("ana", &call("no from").inbound().event_without("offered", "from")).await;
    assert_eq!(ana.next_pop().await["missing"]["code"], "no_number");
}

async fn a_number_is_one_however_it_is_written(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.record(&[interaction("i-1").on("tel:+1-201-555-0142")]).await;
    let mut ana = service.agent("ana").await;
    for number in ["(201) 555-0142", "2015550142", "sip:+12015550142@10.0.0.1;user=phone"] {
        service.offer(call(number).number(number)).await;
        let pop = ana.next_pop().await;
        assert_eq!(pop["call"]["number"], ANA, "{number}");
        assert_eq!(ids(&pop["timeline"]), ["i-1"], "{number}");
    }
}

async fn every_session_of_the_agent_sees_the_call(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut desk = service.agent("ana").await;
    let mut laptop = service.agent("ana").await;
    service.offer(call("c-1")).await;
    let (at_desk, on_laptop) = (desk.next_pop().await, laptop.next_pop().await);
    assert_eq!(at_desk["call"], on_laptop["call"]);
    assert_eq!(at_desk["digest"], on_laptop["digest"]);
}

async fn a_call_that_was_offered_before_the_session_follows_its_welcome(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.record(&[interaction("i-1")]).await;
    service.offer(call("c-1")).await;
    let mut ana = service.agent("ana").await;
    let pop = ana.next_pop().await;
    assert_eq!(pop["call"]["callId"], "c-1");
    assert_eq!(pop["announce"], true);
    assert_eq!(ids(&pop["timeline"]), ["i-1"]);
}

async fn an_old_call_is_shown_without_being_announced(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("of five minutes ago").at(crate::harness::seconds_ago(300))).await;
    assert_eq!(ana.next_pop().await["announce"], false);
    service.counts_exactly("backstory_calls_total", &[("result", "shown")], 1.0).await;

    let patient = Service::with(&kafka, &[("calls.age_max", "10m")]).await;
    let mut ben = patient.agent("ben").await;
    patient.offer(call("as old").to("ben").at(crate::harness::seconds_ago(300))).await;
    assert_eq!(ben.next_pop().await["announce"], true);
}
