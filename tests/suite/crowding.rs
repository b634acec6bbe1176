//! Pops come first: what other agents and programs ask for takes no timeline from them, and no memory without bound.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use backstory::journey::{Change, Interaction, WriteBatch};
use chrono::Utc;
use rlibphonenumber::Region;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::harness::{ANA, Agent, BEN, Kafka, Service, call, ids, interaction, seconds_ago, until};

on_the_embedded_broker![
    sessions_that_search_as_fast_as_they_may_take_no_timeline_from_others,
    a_search_that_was_replaced_is_not_audited_and_one_that_is_refused_is,
    a_search_with_texts_beyond_all_reason_is_refused,
    a_long_preparation_holds_up_neither_its_own_pop_nor_others,
    answers_to_a_client_that_does_not_read_are_bounded_and_others_get_theirs,
    a_connection_that_takes_nothing_of_its_answer_ends,
];

/// Past Kafka, for histories too long for the embedded broker.
async fn keep(service: &Service, interactions: impl Iterator<Item = crate::harness::Interaction>) {
    let read = |one: crate::harness::Interaction| {
        let value = one.json().to_string();
        Change::Interaction(Box::new(Interaction::read(value.as_bytes(), Region::US, Utc::now()).unwrap()))
    };
    service.store().write(WriteBatch::of(interactions.map(read).collect())).await.unwrap();
}

async fn keep_anas(service: &Service, interactions: i64) {
    let of_ana = |nth: i64| interaction(&format!("i-{nth}")).started(seconds_ago(60 + nth));
    keep(service, (0..interactions).map(of_ana).chain([interaction("bens").on(BEN)])).await;
}

/// So many searches at once, each with its number.
async fn searches(agent: &mut Agent, times: u64, search: Value) {
    for request in 0..times {
        let mut search = search.clone();
        search["type"] = json!("search");
        search["request"] = json!(request);
        agent.says(search).await;
    }
}

/// What each of so many searches was answered: `timeline`, or the code of an error.
async fn answers(agent: &mut Agent, times: u64) -> BTreeMap<u64, String> {
    let mut answers = BTreeMap::new();
    while (answers.len() as u64) < times {
        let frame = agent.next_frame().await;
        let Some(request) = frame["request"].as_u64() else { continue };
        let answer = frame["code"].as_str().unwrap_or("timeline").to_owned();
        assert_eq!(answers.insert(request, answer), None, "{request} was answered twice");
    }
    answers
}

fn count(answers: &BTreeMap<u64, String>, answer: &str) -> usize {
    answers.values().filter(|one| *one == answer).count()
}

async fn sessions_that_search_as_fast_as_they_may_take_no_timeline_from_others(kafka: Kafka) {
    const TIMES: u64 = 60;
    let service = Service::with(&kafka, &[("journey.statement_timeout", "60s")]).await;
    keep_anas(&service, 20_000).await;
    let mut ben = service.agent("ben").await;
    service.offer(call("hot").number(ANA)).await;
    let mut sessions = Vec::new();
    for _ in 0..5 {
        let mut ana = service.agent("ana").await;
        sessions.push(tokio::spawn(async move {
            searches(&mut ana, TIMES, json!({ "callId": "hot" })).await;
            answers(&mut ana, TIMES).await
        }));
    }
    for nth in 0..10 {
        service.offer(call(&format!("bens-{nth}")).to("ben").number(BEN)).await;
        let pop = ben.next_pop().await;
        assert_eq!((&pop["missing"], ids(&pop["timeline"])), (&Value::Null, vec!["bens"]), "pop {nth}");
    }
    let mut looked_up = 0;
    for session in sessions {
        let answers = session.await.unwrap();
        assert_eq!(answers[&(TIMES - 1)], "timeline", "the newest has nobody to give way to");
        let (timelines, replaced) = (count(&answers, "timeline"), count(&answers, "replaced"));
        assert_eq!((timelines + replaced) as u64, TIMES, "{answers:?}");
        looked_up += timelines;
    }
    service.counts_exactly("backstory_searches_total", &[("answer", "timeline")], looked_up as f64).await;
    assert!(looked_up < 60, "{looked_up} of 300 searches were looked up: those that waited gave way");
    service.counts_exactly("backstory_audit_records_total", &[("reason", "search")], looked_up as f64).await;
}

async fn a_search_that_was_replaced_is_not_audited_and_one_that_is_refused_is(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    keep_anas(&service, 5_000).await;
    service.offer(call("hot").number(ANA)).await;
    let mut ana = service.agent("ana").await;
    ana.next_pop().await;
    searches(&mut ana, 40, json!({ "callId": "hot" })).await;
    let given = answers(&mut ana, 40).await;
    assert!(count(&given, "replaced") > 0, "{given:?}");
    searches(&mut ana, 3, json!({ "number": BEN })).await;
    let refused = answers(&mut ana, 3).await;
    assert_eq!(count(&refused, "forbidden") + count(&refused, "replaced"), 3, "{refused:?}");
    let audited = count(&given, "timeline") + count(&refused, "forbidden");
    service.counts_exactly("backstory_audit_records_total", &[("reason", "search")], audited as f64).await;
}

async fn a_search_with_texts_beyond_all_reason_is_refused(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let mut ana = service.agent("ana").await;
    ana.says(json!({ "type": "search", "request": 1, "number": ANA, "campaign": "x".repeat(10_000) })).await;
    let error = ana.next("error").await;
    assert_eq!((&error["code"], error.get("request")), (&json!("bad_frame"), None));
}

async fn a_long_preparation_holds_up_neither_its_own_pop_nor_others(kafka: Kafka) {
    let service = Service::with(&kafka, &[("journey.lookup_timeout", "300ms")]).await;
    let long = interaction("long").started(seconds_ago(30)).with("comments", json!("takes long to prepare"));
    let others = (0..200).map(|nth| interaction(&format!("i-{nth}")).started(seconds_ago(60 + nth)));
    keep(&service, others.chain([long, interaction("bens").on(BEN)])).await;
    let (mut ana, mut ben) = (service.agent("ana").await, service.agent("ben").await);
    fail::cfg("screen_pop::long", "pause").unwrap();
    service.offer(call("c-ana").number(ANA)).await;
    service.offer(call("c-ben").to("ben").number(BEN)).await;
    let pop = ana.next_pop().await;
    assert_eq!((&pop["timeline"], &pop["missing"]["code"]), (&Value::Null, &json!("timeout")));
    ben.next_pop().await;
    fail::remove("screen_pop::long");
    let update = ana.next_update().await;
    assert_eq!(update["timeline"]["total"], 201);
    ana.was_told_nothing().await;
}

/// About 8 MB as JSON: more than the kernel takes of it unless somebody reads.
async fn keep_letters(service: &Service) {
    let letter = json!("A long letter. ".repeat(1_100));
    let of_ana = |nth: i64| interaction(&format!("i-{nth}")).started(seconds_ago(60 + nth));
    keep(service, (0..500).map(|nth| of_ana(nth).with("comments", letter.clone()))).await;
}

const ANOTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// Asks for Ana's journey, and has read nothing of the answer yet.
async fn asks(service: &Service, from: IpAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.bind(SocketAddr::new(from, 0)).unwrap();
    let mut stream = socket.connect(service.socket_address()).await.unwrap();
    let request = format!("GET /v1/journeys/{ANA} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn whole(mut stream: TcpStream) -> String {
    let mut all = Vec::new();
    _ = tokio::time::timeout(crate::harness::PATIENCE, stream.read_to_end(&mut all)).await.expect("the end");
    String::from_utf8_lossy(&all).into_owned()
}

async fn answer_bytes(service: &Service) -> f64 {
    service.metric("backstory_http_answer_bytes", &[]).await
}

async fn answers_to_a_client_that_does_not_read_are_bounded_and_others_get_theirs(kafka: Kafka) {
    const MAX: f64 = 9_000_000.0;
    let settings = [("http.answers_per_identity_bytes_max", "9000000"), ("http.write_timeout", "60s")];
    let service = Service::with(&kafka, &settings).await;
    keep_letters(&service).await;
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let unread = asks(&service, here).await;
    until("the first answer to be written", async || (answer_bytes(&service).await > 8_000_000.0).then_some(())).await;
    for _ in 0..3 {
        let refusal = whole(asks(&service, here).await).await;
        assert!(refusal.starts_with("HTTP/1.1 429") && refusal.contains("too_many_answers"), "{refusal}");
        assert!(refusal.to_ascii_lowercase().contains("\r\nretry-after: 1\r\n"), "{refusal}");
        assert!(answer_bytes(&service).await < MAX);
    }
    service.counts_exactly("backstory_http_answers_refused_total", &[("reason", "per_identity")], 3.0).await;
    let (status, journey) = {
        let answer = whole(asks(&service, ANOTHER).await).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.contains("200 OK"), serde_json::from_str::<Value>(body).unwrap())
    };
    assert_eq!((status, &journey["shown"]), (true, &json!(500)), "another client has its own");
    drop(unread);
    until("the connection's end to make room", async || (answer_bytes(&service).await == 0.0).then_some(())).await;
    assert!(whole(asks(&service, here).await).await.starts_with("HTTP/1.1 200"));
}

async fn a_connection_that_takes_nothing_of_its_answer_ends(kafka: Kafka) {
    let settings = [("http.write_timeout", "300ms"), ("http.idle_timeout", "600s"), ("http.header_timeout", "600s")];
    let service = Service::with(&kafka, &settings).await;
    keep_letters(&service).await;
    let unread = asks(&service, IpAddr::V4(Ipv4Addr::LOCALHOST)).await;
    until("the answer to be made", async || {
        (service.metric("backstory_audit_records_total", &[("reason", "api")]).await == 1.0).then_some(())
    })
    .await;
    until("the end of the connection", async || (answer_bytes(&service).await == 0.0).then_some(())).await;
    let got = whole(unread).await.len();
    assert!(got < 8_000_000, "{got} bytes: not all of it was written");
}
