//! What a node knows after a restart, before it has caught up, and when its topics change under it.

use serde_json::json;

use crate::harness::{Kafka, Service, call, ids, interaction, seconds_ago, until};

on_kafka![
    a_restarted_service_knows_the_open_calls,
    a_session_that_waits_for_the_replay_is_shown_its_call,
    calls_that_ended_within_the_replay_window_are_not_shown_as_open,
    a_service_without_its_topic_is_alive_and_not_ready,
    partitions_that_are_added_later_are_read,
    the_recorder_goes_on_where_it_stopped,
    another_cluster_is_read_from_its_beginning,
    a_topic_made_anew_while_the_service_runs_is_read_again,
    a_topic_made_anew_while_the_service_was_away_is_read_again,
    a_topic_made_anew_with_more_records_than_before_is_read_again_from_its_first,
];

async fn a_restarted_service_knows_the_open_calls(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.record(&[interaction("i-1")]).await;
    service.offer(call("c-1").at(seconds_ago(30))).await;
    service.connect(call("c-1").at(seconds_ago(20))).await;
    let digest = service.agent("ana").await.next_pop().await["digest"].take();

    let service = service.restart().await;
    let pop = service.agent("ana").await.next_pop().await;
    assert_eq!((&pop["call"]["callId"], &pop["call"]["state"]), (&json!("c-1"), &json!("connected")));
    assert_eq!(ids(&pop["timeline"]), ["i-1"]);
    assert_eq!(pop["digest"], digest);
}

async fn a_session_that_waits_for_the_replay_is_shown_its_call(kafka: Kafka) {
    for nth in 0..500 {
        let event = call(&format!("c-{nth}")).to(&format!("agent-{nth}")).at(seconds_ago(30)).event("offered");
        kafka.publish(&kafka.calls, &format!("agent-{nth}"), event.to_string()).await;
    }
    let service = Service::starting(&kafka, &[]).await;
    let mut early = service.agent("agent-499").await;
    assert_eq!(early.next_pop().await["call"]["callId"], "c-499");
    early.was_told_nothing().await;
}

async fn calls_that_ended_within_the_replay_window_are_not_shown_as_open(kafka: Kafka) {
    for (call_id, state, seconds) in [("c-1", "connected", 30), ("c-1", "ended", 20), ("c-2", "offered", 10)] {
        let event = call(call_id).at(seconds_ago(seconds)).event(state);
        kafka.publish(&kafka.calls, "ana", event.to_string()).await;
    }
    let service = Service::with(&kafka, &[("calls.keep_after_end", "1s")]).await;
    let mut ana = service.agent("ana").await;
    assert_eq!(ana.next_pop().await["call"]["callId"], "c-2");
    ana.was_told_nothing().await;
}

async fn a_service_without_its_topic_is_alive_and_not_ready(_: Kafka) {
    let kafka = Kafka::without_topics();
    let service = Service::starting(&kafka, &[]).await;
    assert_eq!(service.get("/livez").await.0, 200);
    assert_eq!(service.get("/readyz").await.0, 503);
    assert_eq!(service.get_admin("/readyz").await.0, 503);
    let reading = "reading the replay window\n[-] calls: reading the replay window\n";
    let (status, health) = service.get("/readyz?verbose").await;
    assert!(status == 503 && health.as_str().unwrap().starts_with(reading), "{health}");
    let mut ana = service.agent("ana").await;
    ana.was_told_nothing().await;
    for topic in [&kafka.calls, &kafka.interactions, &kafka.contacts, &kafka.erasures] {
        kafka.make_topic(topic).await;
    }
    service.becomes_ready().await;
    service.offer(call("c-1")).await;
    assert_eq!(ana.next_pop().await["call"]["callId"], "c-1");
}

async fn partitions_that_are_added_later_are_read(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    kafka.grow_calls_to(5).await;
    for partition in [4, 3] {
        let call_id = format!("c-in-{partition}");
        // The broker that made the partition may need a moment to lead it.
        kafka.publish_into(&kafka.calls, partition, "ana", &call(&call_id).event("offered")).await;
        assert_eq!(ana.next_pop().await["call"]["callId"], call_id.as_str());
    }
}

async fn the_recorder_goes_on_where_it_stopped(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let interactions: Vec<_> = (1..=20).map(|nth| interaction(&format!("i-{nth}")).days_ago(nth)).collect();
    service.record(&interactions).await;

    let service = service.restart().await;
    service.record(&[interaction("i-new")]).await;
    service.is_current().await;
    assert_eq!(service.kept(&kafka.interactions).await, 1.0, "nothing is read twice");
    assert_eq!(service.journey(crate::harness::ANA).await["total"], 21);
}

async fn another_cluster_is_read_from_its_beginning(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.record(&[interaction("i-1").days_ago(1), interaction("i-2").days_ago(2)]).await;
    let service = service
        .restart_after(|store| {
            let changed = store.execute("UPDATE offsets SET cluster = 'of somebody else'", []).unwrap();
            assert!(changed > 0, "offsets are kept with their cluster");
            store.execute("DELETE FROM interactions WHERE interaction_id = 'i-1'", []).unwrap();
        })
        .await;
    service.keeps(&kafka.interactions, 2.0).await;
    assert_eq!(ids(&service.journey(crate::harness::ANA).await), ["i-1", "i-2"]);
}

async fn a_topic_made_anew_while_the_service_runs_is_read_again(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let many: Vec<_> = (1..=9).map(|nth| interaction(&format!("before-{nth}")).days_ago(9)).collect();
    service.record(&many).await;
    kafka.delete_topic(&kafka.interactions).await;
    kafka.make_topic(&kafka.interactions).await;
    // Without waiting for it: how soon it is found is not promised.
    let after = interaction("after");
    service.kafka.found_at(&kafka.setting()).publish(&kafka.interactions, after.key(), after.json().to_string()).await;
    until("the record of the topic made anew", async || {
        ids(&service.journey(crate::harness::ANA).await).contains(&"after").then_some(())
    })
    .await;
}

async fn a_topic_made_anew_with_more_records_than_before_is_read_again_from_its_first(kafka: Kafka) {
    let mut service = Service::start(&kafka).await;
    let before: Vec<_> = (1..=9).map(|nth| interaction(&format!("before-{nth}")).days_ago(9)).collect();
    service.record(&before).await;
    service.drain().await;
    kafka.delete_topic(&kafka.interactions).await;
    kafka.make_topic(&kafka.interactions).await;
    for nth in 1..=30 {
        let after = interaction(&format!("after-{nth}")).days_ago(3);
        let anew = kafka.found_at(&kafka.setting());
        anew.publish(&kafka.interactions, after.key(), after.json().to_string()).await;
    }
    let service = service.start_again().await;
    until("all records of the topic made anew", async || {
        let journey = service.journey(crate::harness::ANA).await;
        (ids(&journey).iter().filter(|id| id.starts_with("after-")).count() == 30).then_some(())
    })
    .await;
}

async fn a_topic_made_anew_while_the_service_was_away_is_read_again(kafka: Kafka) {
    let mut service = Service::start(&kafka).await;
    let many: Vec<_> = (1..=9).map(|nth| interaction(&format!("before-{nth}")).days_ago(9)).collect();
    service.record(&many).await;
    service.drain().await;
    kafka.delete_topic(&kafka.interactions).await;
    kafka.make_topic(&kafka.interactions).await;
    let after = interaction("after");
    kafka.found_at(&kafka.setting()).publish(&kafka.interactions, after.key(), after.json().to_string()).await;
    let service = service.start_again().await;
    until("the record of the topic made anew", async || {
        ids(&service.journey(crate::harness::ANA).await).contains(&"after").then_some(())
    })
    .await;
}
