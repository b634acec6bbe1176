//! What can be asked over HTTP.

use serde_json::{Value, json};

use crate::harness::{ANA, Kafka, Service, call, ids, interaction};

on_both_brokers![info_says_what_is_running_and_where_it_hears, agents_with_a_session_or_a_call_are_listed];

on_the_embedded_broker![
    health_is_answered_on_both_addresses,
    readiness_says_how_each_part_is_where_it_is_asked_to,
    metrics_are_on_the_admin_address_alone,
    a_journey_is_given_as_asked_for,
    a_question_that_cannot_be_answered_says_why,
    no_answer_carries_what_the_question_asked,
    only_pages_that_are_listed_may_embed_the_page_for_iframes,
    the_element_can_be_loaded_by_pages_of_other_origins,
];

async fn health_is_answered_on_both_addresses(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    for path in ["/livez", "/readyz"] {
        assert_eq!(service.get(path).await.0, 200, "{path}");
        assert_eq!(service.get_admin(path).await.0, 200, "{path}");
    }
}

async fn readiness_says_how_each_part_is_where_it_is_asked_to(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.is_current().await;
    assert_eq!(service.get("/readyz").await, (200, json!("ready\n")));
    let (status, text) = service.get("/readyz?verbose").await;
    let lines: Vec<_> = text.as_str().unwrap().lines().collect();
    assert_eq!((status, lines[0], lines[1]), (200, "ready", "[+] calls: caught up"));
    assert!(lines[2].starts_with("[+] store SQLite: current as of "), "{text}");
    let recorders = ["interactions", "contacts", "erasures"].map(|topic| format!("[+] recorder {topic}: not waiting"));
    assert_eq!(lines[3..], recorders);
    let (status, admin) = service.get_admin("/readyz?verbose=1").await;
    assert!(status == 200 && admin.as_str().unwrap().starts_with("ready\n[+] calls"), "{admin}");
    let health = service.as_json("/readyz?verbose").await;
    assert_eq!(health["status"], "ready");
    assert_eq!(health["parts"][0], json!({ "part": "calls", "state": "ok", "text": "caught up" }));
    assert_eq!(health["parts"].as_array().unwrap().len(), 5, "{health}");
}

async fn metrics_are_on_the_admin_address_alone(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.offer(call("c-secret").to("agent-secret").number(ANA)).await;
    let (status, text) = service.get_admin("/metrics").await;
    let text = text.as_str().unwrap();
    assert_eq!(status, 200);
    assert!(text.ends_with("# EOF\n"), "the text format is whole");
    for name in ["backstory_calls_total", "backstory_sessions", "backstory_kafka_lag_records"] {
        assert!(text.contains(name), "{name}");
    }
    for private in ["secret", "2015550142"] {
        assert!(!text.contains(private), "{private} is in a label");
    }
    assert_eq!(service.get("/metrics").await.0, 404);
}

async fn info_says_what_is_running_and_where_it_hears(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let (status, info) = service.get("/v1/info").await;
    assert_eq!(status, 200);
    assert_eq!(info["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&info["embeddedBroker"], &info["ready"]), (&json!(kafka.embedded), &json!(true)));
    let topics = json!({ "calls": kafka.calls, "interactions": kafka.interactions, "contacts": kafka.contacts,
                         "erasures": kafka.erasures, "pops": kafka.pops, "audit": kafka.audit });
    assert_eq!(info["topics"], topics);
    assert!(info["store"].as_str().unwrap().starts_with("sqlite:"));
    // The address is one that other programs can publish to.
    let elsewhere = kafka.found_at(info["brokers"].as_str().unwrap());
    let mut ana = service.agent("ana").await;
    elsewhere.publish(&kafka.calls, "ana", call("c-1").event("offered").to_string()).await;
    ana.next_pop().await;
}

async fn agents_with_a_session_or_a_call_are_listed(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let _ana = service.agent("ana").await;
    service.offer(call("c-1").to("ben")).await;
    let listed = service.get("/v1/agents").await.1;
    let agents = json!([
        { "agentId": "ana", "openCalls": 0, "sessions": 1 },
        { "agentId": "ben", "openCalls": 1, "sessions": 0 },
    ]);
    assert_eq!(listed["agents"], agents);
}

async fn a_journey_is_given_as_asked_for(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service
        .record(&[
            interaction("new").campaign("td").days_ago(5),
            interaction("text").campaign("td").channel("sms").days_ago(6),
            interaction("old").campaign("cards").days_ago(200),
        ])
        .await;
    for (query, found) in [
        ("", vec!["new", "text", "old"]),
        ("?months=3", vec!["new", "text"]),
        ("?campaign=td&channel=sms", vec!["text"]),
        ("?campaign=nobody%27s", vec![]),
        ("?before=2000-01-01T00:00:00Z", vec![]),
    ] {
        let (status, timeline) = service.get(&format!("/v1/journeys/{ANA}{query}")).await;
        assert_eq!((status, ids(&timeline)), (200, found), "{query}");
    }
    let timeline = service.get("/v1/journeys/(201)%20555-0142?timeZone=Asia/Kolkata").await.1;
    assert_eq!((&timeline["number"], &timeline["timeZone"]), (&json!(ANA), &json!("Asia/Kolkata")));
    let nobody = service.get("/v1/journeys/+12015550199").await;
    assert_eq!((nobody.0, &nobody.1["total"]), (200, &json!(0)), "a number without a history is an answer");
}

const BAD_QUESTIONS: &[(&str, u16, &str)] = &[
    ("/v1/journeys/+12015550142?months=5", 400, "bad_months"),
    ("/v1/journeys/+12015550142?months=many", 400, "bad_query"),
    ("/v1/journeys/+12015550142?before=yesterday", 400, "bad_query"),
    ("/v1/journeys/+12015550142?timeZone=Europe/Atlantis", 400, "unknown_time_zone"),
    ("/v1/journeys/anonymous", 400, "no_number"),
    ("/v1/journeys/1001", 400, "no_number"),
    ("/v1/journeys/%20", 400, "no_number"),
    ("/v1/nothing", 404, "not_found"),
    ("/widget/../Cargo.toml", 404, "not_found"),
    ("/widget/..%2f..%2fCargo.toml", 404, "not_found"),
];

async fn a_question_that_cannot_be_answered_says_why(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    for &(path, status, code) in BAD_QUESTIONS {
        let answer = service.get(path).await;
        assert_eq!((answer.0, &answer.1["error"]["code"]), (status, &json!(code)), "{path}");
        assert!(answer.1["error"]["text"].is_string(), "{path}");
    }
}

async fn no_answer_carries_what_the_question_asked(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let asked = ["/v1/journeys/+12015550142?months=5", "/v1/journeys/+12015550142/more", "/v1/journeys/anonymous"];
    for path in asked {
        let (_, answer): (u16, Value) = service.get(path).await;
        assert!(!answer.to_string().contains("2015550142"), "numbers are in no error text: {path}: {answer}");
    }
}

async fn only_pages_that_are_listed_may_embed_the_page_for_iframes(kafka: Kafka) {
    let listed = "https://apps.example https://desk.example:8443";
    let service =
        Service::with(&kafka, &[("http.embedded_by", &format!("{:?}", listed.split(' ').collect::<Vec<_>>()))]).await;
    for (path, embedders) in [("/widget", format!("'self' {listed}")), ("/", "'self'".to_owned())] {
        let policy = service.header(path, "content-security-policy").await;
        assert!(policy.contains(&format!("frame-ancestors {embedders};")), "{path}: {policy}");
    }
    let info = service.get("/v1/info").await.1;
    assert_eq!(
        info["embeddedBy"],
        json!(["https://apps.example", "https://desk.example:8443"]),
        "the page listens to these"
    );
}

async fn the_element_can_be_loaded_by_pages_of_other_origins(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let allowed = service.header("/widget/customer-journey.js", "access-control-allow-origin").await;
    assert_eq!(allowed, "*", "a module of another origin is loaded with this alone");
    let allowed = service.header("/v1/info", "access-control-allow-origin").await;
    assert_eq!(allowed, "", "answers of the service are for its own pages");
}
