//! A token on an open session: its end, a fresh one, and tickets in its place.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{House, refused, turned_away, welcomed};
use crate::harness::provider::token;
use crate::harness::{ANA, Kafka, call};

on_the_embedded_broker![
    a_session_ends_with_its_token_unless_a_fresh_one_comes,
    another_agents_token_ends_the_session,
    a_bad_token_leaves_the_session_what_it_had,
    what_a_fresh_token_no_longer_allows_ends,
    a_ticket_opens_one_session_and_no_second,
    a_ticket_that_is_too_old_opens_nothing,
    a_ticket_is_worth_what_its_token_is,
];

fn authenticate(token: &str) -> Value {
    json!({ "type": "authenticate", "token": token })
}

async fn a_session_ends_with_its_token_unless_a_fresh_one_comes(kafka: Kafka) {
    let house = House::of(&kafka).await;
    let soon = |agent: &str| token(agent).expires_in(2).signed(&house.key);
    let (mut ana, mut ben) = (house.agent(&soon("ana")).await, house.agent(&soon("ben")).await);
    let ends: DateTime<Utc> = ana.welcome["expiresAt"].as_str().unwrap().parse().unwrap();
    let fresh = token("ana").allows("supervise").expires_in(600).signed(&house.key);
    ana.says(authenticate(&fresh)).await;
    let authenticated = ana.next("authenticated").await;
    let later: DateTime<Utc> = authenticated["expiresAt"].as_str().unwrap().parse().unwrap();
    assert!((later - ends).num_seconds() > 500 && authenticated["scopes"] == json!(["supervise"]), "{authenticated}");
    assert_eq!(ben.is_closed_because().await, (3004, "the token has expired, come back with a fresh one".into()));
    assert!(Utc::now() >= ends, "not before its time");
    ana.was_told_nothing().await;
}

async fn another_agents_token_ends_the_session(kafka: Kafka) {
    let house = House::of(&kafka).await;
    let mut ana = house.agent(&token("ana").signed(&house.key)).await;
    ana.says(authenticate(&token("ben").signed(&house.key))).await;
    let error = ana.next("error").await;
    assert_eq!(error["code"], "token_refused", "{error}");
    assert_eq!(ana.is_closed().await, 3508);
    assert_eq!(refused(&house.service, "another_agent").await, 1.0);
}

async fn a_bad_token_leaves_the_session_what_it_had(kafka: Kafka) {
    let house = House::of(&kafka).await;
    let mut ana = house.agent(&token("ana").allows("journey:search").signed(&house.key)).await;
    for bad in [token("ana").expires_in(-60).signed(&house.key), "nonsense".into(), String::new()] {
        ana.says(authenticate(&bad)).await;
        assert_eq!(ana.next("error").await["code"], "token_refused");
    }
    ana.finds(json!({ "number": ANA })).await;
}

async fn what_a_fresh_token_no_longer_allows_ends(kafka: Kafka) {
    let house = House::of(&kafka).await;
    let mut eva = house.agent(&token("eva").allows("supervise journey:search").signed(&house.key)).await;
    eva.says(json!({ "type": "subscribe", "agents": ["ana"] })).await;
    house.service.offer(call("c-1").to("ana")).await;
    eva.next_pop().await;
    eva.says(authenticate(&token("eva").signed(&house.key))).await;
    assert_eq!(eva.next("authenticated").await["scopes"], json!([]));
    house.service.offer(call("c-2").to("ana")).await;
    house.service.end(call("c-1").to("ana")).await;
    eva.was_told_nothing().await;
    assert_eq!(eva.searches(json!({ "number": ANA })).await["code"], "forbidden");
}

/// Asks for a ticket in exchange for a token.
async fn ticket(house: &House, token: &str) -> String {
    let answer = house.service.asked("POST", "/v1/tickets", Some(token)).await;
    assert_eq!((answer.status().as_u16(), &answer.headers()["cache-control"]), (201, &"no-store".parse().unwrap()));
    let ticket: Value = answer.json().await.unwrap();
    assert!(
        ticket["expiresAt"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap()
            <= Utc::now() + chrono::TimeDelta::seconds(30)
    );
    ticket["ticket"].as_str().unwrap().to_owned()
}

async fn a_ticket_opens_one_session_and_no_second(kafka: Kafka) {
    let house = House::of(&kafka).await;
    let ticket = ticket(&house, &token("ana").signed(&house.key)).await;
    let mut ana = welcomed(&house.service, json!({ "ticket": ticket })).await;
    assert_eq!(ana.welcome["agent"], "ana");
    for ticket in [ticket.as_str(), "0123456789abcdef", ""] {
        assert_eq!(turned_away(&house.service, json!({ "ticket": ticket })).await.0, 3507);
    }
    assert_eq!(refused(&house.service, "ticket").await, 3.0);
    ana.was_told_nothing().await;
}

async fn a_ticket_that_is_too_old_opens_nothing(kafka: Kafka) {
    let lifetime = std::time::Duration::from_millis(1);
    let house = House::with(&kafka, &[("auth.ticket_lifetime", "1ms")]).await;
    let ticket = ticket(&house, &token("ana").signed(&house.key)).await;
    tokio::time::sleep(2 * lifetime).await; // time itself has to pass
    assert_eq!(turned_away(&house.service, json!({ "ticket": ticket })).await.0, 3507);
}

async fn a_ticket_is_worth_what_its_token_is(kafka: Kafka) {
    let house = House::of(&kafka).await;
    let evas = token("eva").allows("supervise").expires_in(2).signed(&house.key);
    let [first, second] = [ticket(&house, &evas).await, ticket(&house, &evas).await];
    assert_eq!(turned_away(&house.service, json!({ "agent": "ana", "ticket": first })).await.0, 3507);
    let mut eva = welcomed(&house.service, json!({ "ticket": second })).await;
    assert_eq!(eva.welcome["scopes"], json!(["supervise"]));
    assert_eq!(eva.is_closed().await, 3004, "it ends with the token");
}
