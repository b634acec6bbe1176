//! An agent who comes back: with a call on the screen, during the wrap-up, on another node.

use serde_json::json;

use crate::harness::{Kafka, Service, call, ids, interaction, seconds_ago};

on_both_brokers![
    what_is_shown_already_is_not_sent_again,
    what_is_shown_differently_is_sent_anew,
    a_call_that_ended_meanwhile_is_ended_on_the_screen,
    a_call_that_no_node_knows_any_more_is_ended_on_the_screen_after_a_while,
    a_reload_during_the_wrap_up_shows_the_ended_call_without_announcing_it,
    an_ended_call_is_forgotten_after_its_wrap_up,
];

on_the_embedded_broker![a_call_that_a_node_hears_of_later_than_the_one_before_stays_on_the_screen_as_it_is];

on_kafka![
    a_call_has_the_same_digest_on_every_node,
    an_ended_call_stays_for_its_wrap_up_on_another_node_and_is_not_sent_again,
];

async fn what_is_shown_already_is_not_sent_again(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.record(&[interaction("i-1")]).await;
    service.offer(call("c-1")).await;
    let digest = service.agent("ana").await.next_pop().await["digest"].take();

    let mut back = service.agent_showing("ana", "c-1", &digest).await;
    service.counts("backstory_pops_total", &[("result", "known")], 1.0).await;
    back.was_told_nothing().await;
    service.connect(call("c-1")).await;
    assert_eq!(back.next_update().await["call"]["state"], "connected", "it is followed all the same");
}

async fn what_is_shown_differently_is_sent_anew(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.offer(call("c-1")).await;
    let before = service.agent("ana").await.next_pop().await;
    service.record(&[interaction("i-1")]).await;

    let mut back = service.agent_showing("ana", "c-1", &before["digest"]).await;
    let pop = back.next_pop().await;
    assert_eq!(ids(&pop["timeline"]), ["i-1"]);
    assert_ne!(pop["digest"], before["digest"]);
}

async fn a_call_that_ended_meanwhile_is_ended_on_the_screen(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.connect(call("c-1").at(seconds_ago(20))).await;
    let digest = service.agent("ana").await.next_pop().await["digest"].take();
    service.end(call("c-1").at(seconds_ago(10))).await;

    let mut back = service.agent_showing("ana", "c-1", &digest).await;
    let ended = back.next_ended().await;
    assert_eq!((&ended["callId"], &ended["reason"]), (&json!("c-1"), &json!("ended")));
    service.counts("backstory_pops_total", &[("result", "known")], 1.0).await;
    back.was_told_nothing().await;
}

async fn a_call_that_no_node_knows_any_more_is_ended_on_the_screen_after_a_while(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut long_away = service.agent_showing("ana", "c-of-last-week", &json!("5f3a77c090ab12cd")).await;
    let ended = long_away.next_ended().await;
    assert_eq!((&ended["callId"], &ended["reason"]), (&json!("c-of-last-week"), &json!("expired")));
}

async fn a_call_that_a_node_hears_of_later_than_the_one_before_stays_on_the_screen_as_it_is(kafka: Kafka) {
    let (here, there) = (Service::start(&kafka).await, Service::start(&Kafka::embedded()).await);
    let at = seconds_ago(5);
    here.offer(call("c-1").at(at)).await;
    let digest = here.agent("ana").await.next_pop().await["digest"].take();

    let mut moved = there.agent_showing("ana", "c-1", &digest).await;
    moved.was_told_nothing().await;
    there.offer(call("c-1").at(at)).await;
    there.counts("backstory_pops_total", &[("result", "known")], 1.0).await;
    moved.was_told_nothing().await;
}

async fn a_reload_during_the_wrap_up_shows_the_ended_call_without_announcing_it(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.record(&[interaction("i-1")]).await;
    service.connect(call("c-1").at(seconds_ago(20))).await;
    service.end(call("c-1").at(seconds_ago(10))).await;
    let mut reloaded = service.agent("ana").await;
    let pop = reloaded.next_pop().await;
    assert_eq!((&pop["call"]["state"], &pop["announce"]), (&json!("ended"), &json!(false)));
    assert_eq!(ids(&pop["timeline"]), ["i-1"]);
}

async fn an_ended_call_is_forgotten_after_its_wrap_up(kafka: Kafka) {
    let service = Service::with(&kafka, &[("calls.keep_after_end", "5s")]).await;
    service.connect(call("c-1").at(seconds_ago(20))).await;
    service.end(call("c-1").at(seconds_ago(10))).await;
    let mut late = service.agent("ana").await;
    service.offer(call("c-2")).await;
    assert_eq!(late.next_pop().await["call"]["callId"], "c-2");
}

async fn a_call_has_the_same_digest_on_every_node(kafka: Kafka) {
    let (here, there) = (Service::start(&kafka).await, Service::start(&kafka).await);
    here.record(&[interaction("i-1").days_ago(1), interaction("i-2").days_ago(2)]).await;
    there.keeps(&kafka.interactions, 2.0).await;
    here.offer(call("c-1")).await;
    there.counts("backstory_calls_total", &[], 1.0).await;
    let pop = here.agent("ana").await.next_pop().await;
    let mut moved = there.agent("ana").await;
    assert_eq!(moved.next_pop().await["digest"], pop["digest"]);

    let mut back = there.agent_showing("ana", "c-1", &pop["digest"]).await;
    there.counts("backstory_pops_total", &[("result", "known")], 1.0).await;
    back.was_told_nothing().await;
}

async fn an_ended_call_stays_for_its_wrap_up_on_another_node_and_is_not_sent_again(kafka: Kafka) {
    let (here, there) = (Service::start(&kafka).await, Service::start(&kafka).await);
    let mut ana = here.agent("ana").await;
    here.connect(call("c-1").at(seconds_ago(20))).await;
    ana.next_pop().await;
    here.end(call("c-1").at(seconds_ago(10))).await;
    let digest = ana.next_ended().await["digest"].take();
    there.counts("backstory_calls_total", &[], 2.0).await;

    let showing = json!([{ "callId": "c-1", "digest": digest, "ended": true }]);
    let hello = json!({ "type": "hello", "agent": "ana", "timeZone": "UTC", "showing": showing });
    let mut moved = there.socket().await.says_hello(hello).await;
    there.counts("backstory_pops_total", &[("result", "known")], 1.0).await;
    moved.was_told_nothing().await;
    let reloaded = there.agent("ana").await.next_pop().await;
    assert_eq!((&reloaded["call"]["state"], &reloaded["digest"]), (&json!("ended"), &digest));
}
