//! What a token allows, on the WebSocket and over HTTP.

use serde_json::{Value, json};

use super::{House, turned_away};
use crate::harness::provider::token;
use crate::harness::{ANA, BEN, Kafka, Service, call, ids, interaction};

on_the_embedded_broker![
    any_number_is_searched_with_the_scope_for_it_alone,
    other_agents_are_followed_with_the_scope_for_it_alone,
    each_request_needs_its_scope,
    what_is_open_to_everybody_shows_nobody,
    without_authentication_there_are_no_tickets,
    a_service_that_knows_everybody_listens_beyond_this_machine,
];

async fn any_number_is_searched_with_the_scope_for_it_alone(kafka: Kafka) {
    let house = House::of(&kafka).await;
    house.service.record(&[interaction("i-1").on(ANA), interaction("i-2").on(BEN)]).await;
    house.service.offer(call("c-1").to("ana").number(ANA)).await;
    let mut ana = house.agent(&token("ana").allows("supervise operate").signed(&house.key)).await;
    ana.next_pop().await;
    assert_eq!(ids(&ana.finds(json!({ "number": ANA })).await), ["i-1"], "of an own call");
    assert_eq!(ana.searches(json!({ "number": BEN })).await["code"], "forbidden");
    let mut eva = house.agent(&token("eva").allows("journey:search").signed(&house.key)).await;
    assert_eq!(ids(&eva.finds(json!({ "number": BEN })).await), ["i-2"]);
    assert_eq!(eva.searches(json!({ "callId": "c-1" })).await["code"], "forbidden", "a call is still its agent's");
}

async fn other_agents_are_followed_with_the_scope_for_it_alone(kafka: Kafka) {
    let house = House::of(&kafka).await;
    let subscribe = json!({ "type": "subscribe", "agents": ["ana"] });
    let mut ben = house.agent(&token("ben").allows("journey:search operate").signed(&house.key)).await;
    ben.says(subscribe.clone()).await;
    assert_eq!(ben.next("error").await["code"], "forbidden");
    let mut eva = house.agent(&token("eva").allows("supervise").signed(&house.key)).await;
    eva.says(subscribe).await;
    house.service.offer(call("c-1").to("ana")).await;
    assert_eq!(eva.next_pop().await["call"]["agentId"], "ana");
    ben.was_told_nothing().await;
    ben.says(json!({ "type": "subscribe", "agents": ["ben"] })).await;
    ben.was_told_nothing().await;
}

const REQUESTS: &[(&str, &str, &str)] = &[
    ("GET", "/v1/journeys/+12015550142", "journey:search"),
    ("GET", "/v1/agents", "supervise"),
    ("GET", "/v1/pops", "operate"),
    ("GET", "/readyz?verbose", "operate"),
];

async fn each_request_needs_its_scope(kafka: Kafka) {
    let House { service, key, .. } = House::of(&kafka).await;
    let all = ["journey:search", "supervise", "operate", "numbers:read", "comments:read"];
    for &(method, path, scope) in REQUESTS {
        let answer = service.asked(method, path, None).await;
        assert_eq!(challenge(&answer), (401, "Bearer realm=\"backstory\"".into()), "{path}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["code"], "token_needed", "{path}");

        let others = all.into_iter().filter(|other| *other != scope).collect::<Vec<_>>().join(" ");
        let answer = service.asked(method, path, Some(&token("ana").allows(&others).signed(&key))).await;
        let (status, asked) = challenge(&answer);
        assert_eq!(status, 403, "{path}");
        assert!(
            asked.contains("insufficient_scope") && asked.contains(&format!("scope=\"{scope}\"")),
            "{path}: {asked}"
        );

        let answer = service.asked(method, path, Some(&token("ana").allows(scope).signed(&key))).await;
        assert_eq!(answer.status(), 200, "{path}");

        let answer = service.asked(method, path, Some(&token("ana").allows(scope).expires_in(-60).signed(&key))).await;
        let (status, asked) = challenge(&answer);
        assert!(status == 401 && asked.contains("error=\"invalid_token\""), "{path}: {asked}");
    }
    assert_eq!(challenge(&service.asked("POST", "/v1/tickets", None).await).0, 401);
    assert_eq!(service.asked("POST", "/v1/tickets", Some(&token("ana").signed(&key))).await.status(), 201);
}

/// The status, and what is asked for.
fn challenge(answer: &reqwest::Response) -> (u16, String) {
    let asked = answer.headers().get("www-authenticate").map(|value| value.to_str().unwrap().to_owned());
    (answer.status().as_u16(), asked.unwrap_or_default())
}

async fn what_is_open_to_everybody_shows_nobody(kafka: Kafka) {
    let House { service, key, .. } = House::of(&kafka).await;
    let info = service.get("/v1/info").await.1;
    assert_eq!((&info["authentication"], &info["ready"]), (&json!(true), &json!(true)));
    for detail in ["brokers", "store", "topics", "node"] {
        assert!(info[detail].is_null(), "{detail} is for those with a token: {info}");
    }
    let whole: Value = service.asked("GET", "/v1/info", Some(&token("ana").signed(&key))).await.json().await.unwrap();
    assert!(whole["brokers"].is_string() && whole["authentication"] == json!(true), "{whole}");
    assert_eq!(service.asked("GET", "/v1/info", Some("nonsense")).await.status(), 401);
    for path in ["/livez", "/readyz"] {
        assert_eq!(service.get(path).await.0, 200);
    }
    for path in ["/readyz", "/readyz?verbose"] {
        assert_eq!(service.get_admin(path).await.0, 200, "for operators, as the metrics are");
    }
    service.offer(call("c-secret").to("agent-secret").number(ANA)).await;
    let metrics = service.asked("GET", "/metrics", None).await.text().await.unwrap();
    assert!(!metrics.contains("secret") && !metrics.contains("2015550142"), "{metrics}");
}

async fn without_authentication_there_are_no_tickets(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let answer = service.asked("POST", "/v1/tickets", Some("nonsense")).await;
    assert_eq!(answer.status(), 404);
    assert_eq!(service.get("/v1/info").await.1["authentication"], false);
    for hello in
        [json!({ "token": "nonsense" }), json!({ "ticket": "nonsense" }), json!({ "agent": "ana", "ticket": "" })]
    {
        assert_eq!(turned_away(&service, hello).await.0, 3505);
    }
}

async fn a_service_that_knows_everybody_listens_beyond_this_machine(kafka: Kafka) {
    let everywhere = [("http.listen", "0.0.0.0:0"), ("http.admin_listen", "0.0.0.0:0")];
    let House { service, key, .. } = House::with(&kafka, &everywhere).await;
    let port = service.address().rsplit_once(':').unwrap().1.to_owned();
    let answer = reqwest::Client::new()
        .post(format!("http://127.0.0.1:{port}/v1/tickets"))
        .bearer_auth(token("ana").signed(&key))
        .send();
    assert_eq!(answer.await.unwrap().status(), 201);
}
