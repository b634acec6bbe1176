//! The keys that tokens are verified with: rotated, missing, asked for too often, or in files.

use std::process::Command;

use futures_util::future::join_all;
use serde_json::json;

use super::{House, KEYS_MISSING, believing, refused, turned_away, welcomed};
use crate::harness::papers::Papers;
use crate::harness::process::{Process, arguments};
use crate::harness::provider::{AUDIENCE, ISSUER, Key, Provider, token};
use crate::harness::{Agent, Kafka, Service, until};

on_the_embedded_broker![
    a_storm_of_unknown_keys_does_not_reach_the_provider,
    those_who_come_with_a_new_key_at_once_share_one_look,
    keys_that_are_rotated_under_a_thousand_open_sessions_drop_none,
    a_service_starts_without_the_keys_and_refuses_until_they_are_there,
    keys_that_stand_elsewhere_than_was_said_are_nobodys,
    keys_come_over_https_from_whom_the_system_trusts_and_from_nobody_else,
    files_of_keys_are_read_again_when_they_change,
];

const STORM: usize = 100;
const CROWD: usize = 1000;

async fn a_storm_of_unknown_keys_does_not_reach_the_provider(kafka: Kafka) {
    let House { service, provider, key } = House::with(&kafka, &[("auth.jwks_refresh_min", "5m")]).await;
    let stranger = Key::new_ec("of nobody");
    let storm = (0..STORM).map(async |nth| {
        let header = jsonwebtoken::Header { kid: Some(format!("of nobody {nth}")), ..stranger.header() };
        turned_away(&service, json!({ "token": token("ana").signed_as(&header, stranger.private()) })).await
    });
    for (code, reason) in join_all(storm).await {
        // It was looked just before the storm, and so nobody can say for certain.
        assert_eq!(code, KEYS_MISSING, "{reason}");
    }
    assert_eq!(provider.fetches(), 1, "{STORM} unknown keys within auth.jwks_refresh_min of the look at the start");
    welcomed(&service, json!({ "token": token("ana").signed(&key) })).await;
}

async fn those_who_come_with_a_new_key_at_once_share_one_look(kafka: Kafka) {
    let House { service, provider, .. } = House::with(&kafka, &[("auth.jwks_refresh_min", "1ms")]).await;
    let new = Key::new_ec("k-2");
    provider.publishes(&[&new]);
    let hesitating = provider.hesitates().await;
    let mut sockets: Vec<Agent> = join_all((0..STORM).map(|_| service.socket())).await;
    let before = service.metric("backstory_connections", &[]).await;
    assert!(before >= STORM as f64, "{before}");
    join_all(sockets.iter_mut().enumerate().map(async |(nth, socket)| {
        socket.says(json!({ "type": "hello", "token": token(&format!("agent-{nth}")).signed(&new) })).await;
    }))
    .await;
    until("somebody to ask for the new key", async || (provider.fetches() >= 2).then_some(())).await;
    drop(hesitating);
    join_all(sockets.into_iter().map(async |mut socket| {
        socket.next("welcome").await;
    }))
    .await;
    // Those who asked before the answer was given share it, or the one after it.
    assert!(provider.fetches() <= 3, "{} looks for {STORM} tokens of one new key", provider.fetches());
}

async fn keys_that_are_rotated_under_a_thousand_open_sessions_drop_none(kafka: Kafka) {
    let settings = [("auth.jwks_refresh_min", "50ms"), ("auth.jwks_refresh", "1h")];
    let House { service, provider, key: old } = House::with(&kafka, &settings).await;
    let agent = |nth: usize| format!("agent-{nth}");
    let mut crowd = Vec::new();
    for nth in 0..CROWD {
        crowd.push(welcomed(&service, json!({ "token": token(&agent(nth)).signed(&old) })).await);
    }
    let new = Key::new_ec("k-2");
    provider.publishes(&[&new]);
    let fresh = json!({ "type": "hello", "token": token("eva").signed(&new) });
    until("a token of the new key to open a session", async || {
        let mut socket = service.socket().await;
        socket.says(fresh.clone()).await;
        socket.next_frame_or_close().await.ok()
    })
    .await;
    let stale = until("tokens of the old key to be refused for certain", async || {
        let closed = turned_away(&service, json!({ "token": token("eva").signed(&old) })).await;
        (closed.0 != KEYS_MISSING).then_some(closed)
    })
    .await;
    assert_eq!(stale.0, 3507, "{}", stale.1);
    for (nth, agent) in crowd.iter_mut().enumerate() {
        agent.was_told_nothing().await;
        agent.says(json!({ "type": "authenticate", "token": token(&format!("agent-{nth}")).signed(&new) })).await;
        assert!(agent.next("authenticated").await["expiresAt"].is_string());
    }
}

async fn a_service_starts_without_the_keys_and_refuses_until_they_are_there(kafka: Kafka) {
    let key = Key::new_ec("k-1");
    let provider = Provider::with(&[&key]).await;
    provider.is_down(true);
    let settings = [("auth.jwks_refresh_min", "50ms"), ("auth.jwks_refresh", "100ms")];
    let service = believing(&kafka, &provider, &settings).await;
    let good = token("ana").signed(&key);
    let (code, reason) = turned_away(&service, json!({ "token": good })).await;
    assert_eq!((code, reason.contains("come back later")), (KEYS_MISSING, true), "{reason}");
    assert_eq!(service.asked("POST", "/v1/tickets", Some(&good)).await.status(), 503);
    assert!(refused(&service, "keys_missing").await >= 2.0);

    provider.is_down(false);
    let mut ana = until("the keys to be there", async || {
        let mut socket = service.socket().await;
        socket.says(json!({ "type": "hello", "token": good })).await;
        socket.next_frame_or_close().await.ok().map(|_| socket)
    })
    .await;

    // What is known stays while the provider is away.
    provider.is_down(true);
    let failed = service.metric("backstory_jwks_fetches_total", &[("result", "failed")]).await;
    service.counts("backstory_jwks_fetches_total", &[("result", "failed")], failed + 2.0).await;
    welcomed(&service, json!({ "token": good })).await;
    ana.was_told_nothing().await;
}

async fn keys_that_stand_elsewhere_than_was_said_are_nobodys(kafka: Kafka) {
    let key = Key::new_ec("k-1");
    let provider = Provider::with(&[&key]).await;
    let moved = provider.url().replace("/keys", "/moved");
    let service = believing(&kafka, &provider, &[("auth.jwks_url", &moved)]).await;
    assert_eq!(turned_away(&service, json!({ "token": token("ana").signed(&key) })).await.0, KEYS_MISSING);
    assert_eq!(provider.fetches(), 0, "a redirect is not followed");
}

async fn keys_come_over_https_from_whom_the_system_trusts_and_from_nobody_else(kafka: Kafka) {
    let (papers, others, key) = (Papers::new(), Papers::new(), Key::new_ec("k-1"));
    let provider = Provider::with(&[&key]).await;
    let url = provider.over_tls(&papers).await;
    let settings = [("auth.issuer", ISSUER), ("auth.audience", AUDIENCE), ("auth.jwks_url", &url)];
    let serve = |trusted: &Papers, store: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_backstory"));
        command.args(arguments(&kafka, &format!("sqlite:{}", papers.path(store).display())));
        command.args(settings.iter().flat_map(|(key, value)| ["--set".to_owned(), format!("{key}={value}")]));
        // What stands for the system's own certificates.
        Process::start(command.env("SSL_CERT_FILE", trusted.path("ca.pem")).env("NO_PROXY", "127.0.0.1"))
    };
    let hello = json!({ "type": "hello", "token": token("ana").signed(&key) });
    let answer = async |service: &Process| {
        let mut socket = Agent::connect(service.address("http.listen").await, &[]).await.expect("a handshake");
        socket.says(hello.clone()).await;
        socket.next_frame_or_close().await
    };
    let (believes, doubts) = (serve(&papers, "believes.db"), serve(&others, "doubts.db"));
    until("the keys to be there", async || answer(&believes).await.ok()).await;
    let asked = provider.fetches();
    until("the provider not to be believed", async || (doubts.said("UnknownIssuer") > 0).then_some(())).await;
    assert_eq!(answer(&doubts).await.unwrap_err().0, KEYS_MISSING);
    assert_eq!(provider.fetches(), asked, "nothing is asked of a stranger");
}

async fn files_of_keys_are_read_again_when_they_change(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    let writes = |keys: &[&Key]| {
        let keys: Vec<_> = keys.iter().map(|key| &key.jwk).collect();
        std::fs::write(&file, json!({ "keys": keys }).to_string()).unwrap();
    };
    let (old, new) = (Key::new_ec("k-1"), Key::new_ec("k-2"));
    writes(&[&old]);
    let files = json!([file]).to_string();
    let settings = [
        ("auth.issuer", ISSUER),
        ("auth.audience", AUDIENCE),
        ("auth.keys", &files),
        ("auth.jwks_refresh_min", "10ms"),
    ];
    let service = Service::with(&kafka, &settings).await;
    opens(&service, &old).await;
    std::fs::write(&file, "half a file").unwrap();
    opens_nothing(&service, &new).await;
    opens(&service, &old).await;
    writes(&[&new]);
    opens(&service, &new).await;
    opens_nothing(&service, &old).await;
}

/// Nobody has signed it who is believed, as soon as that can be said for certain.
async fn opens_nothing(service: &Service, key: &Key) {
    let closed = until("a certain answer", async || {
        let closed = turned_away(service, json!({ "token": token("ana").signed(key) })).await;
        (closed.0 != KEYS_MISSING).then_some(closed)
    });
    assert_eq!(closed.await.0, 3507);
}

/// A token of this key opens a session, at the latest when the keys were looked at again.
async fn opens(service: &Service, key: &Key) {
    until("the key to be known", async || {
        let mut socket = service.socket().await;
        socket.says(json!({ "type": "hello", "token": token("ana").signed(key) })).await;
        socket.next_frame_or_close().await.ok()
    })
    .await;
}
