//! Tokens that are none, or not the right ones.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::{Case, House, believing, refused, turned_away, welcomed, wrongs};
use crate::harness::process::Process;
use crate::harness::provider::{AUDIENCE, ISSUER, Key, Provider, token};
use crate::harness::{Agent, Kafka, until};

on_the_embedded_broker![
    whoever_brings_no_token_is_turned_away,
    a_token_in_the_url_is_ignored,
    a_token_that_is_not_as_it_must_be_opens_nothing,
    a_key_verifies_what_it_is_for_and_nothing_else,
    a_token_that_is_good_comes_in_by_each_way,
    the_agent_is_whom_the_token_names,
    no_token_and_no_ticket_is_in_the_log,
];

async fn whoever_brings_no_token_is_turned_away(kafka: Kafka) {
    let House { service, .. } = House::of(&kafka).await;
    for hello in [json!({}), json!({ "agent": "ana" })] {
        assert_eq!(turned_away(&service, hello).await, (3506, "a token is needed".into()));
    }
    assert_eq!(refused(&service, "missing").await, 2.0);
}

async fn a_token_in_the_url_is_ignored(kafka: Kafka) {
    let House { service, key, .. } = House::of(&kafka).await;
    let token = token("ana").allows("journey:search").signed(&key);
    let path = format!("/v1/agent?token={token}&access_token={token}&authorization=Bearer%20{token}");
    let mut socket = Agent::connect_at(service.address().parse().unwrap(), &path).await.expect("a handshake");
    socket.says(json!({ "type": "hello", "agent": "ana" })).await;
    assert_eq!(socket.is_closed().await, 3506);
    let (status, _) = service.get(&format!("/v1/journeys/+12015550142?access_token={token}&token={token}")).await;
    assert_eq!(status, 401);
}

fn cases(key: &Key) -> Vec<Case> {
    let ana = || token("ana");
    let good = ana().signed(key);
    let (head, rest) = good.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let forged = ana().with("sub", "ben").signed(&Key::new_ec("k-1"));
    let another = ana().with("sub", "ben").signed(key);
    let bens = another.split('.').nth(1).unwrap();
    let unknown_extension = Header { crit: Some(vec!["exp2".into()]), ..key.header() };
    [
        ("expired", ana().expires_in(-5).signed(key), 3004, "expired"),
        ("expired for ever", ana().with("exp", 0).signed(key), 3004, "expired"),
        ("not yet valid", ana().with("nbf", chrono::Utc::now().timestamp() + 60).signed(key), 3507, "not_yet_valid"),
        ("another audience", ana().with("aud", "payroll").signed(key), 3507, "audience"),
        ("other audiences", ana().with("aud", json!(["payroll", "crm"])).signed(key), 3507, "audience"),
        ("another issuer", ana().with("iss", "https://login.example/other").signed(key), 3507, "issuer"),
        ("a list of issuers", ana().with("iss", json!([ISSUER])).signed(key), 3507, "claims"),
        ("a string exp", ana().with("exp", "9999999999").signed(key), 3507, "claims"),
        ("an exp that is a list", ana().with("exp", json!([9_999_999_999_u64])).signed(key), 3507, "malformed"),
        ("a negative exp", ana().with("exp", -1).signed(key), 3507, "claims"),
        ("a string nbf", ana().with("nbf", "tomorrow").signed(key), 3507, "claims"),
        ("without exp", ana().without("exp").signed(key), 3507, "claims"),
        ("without aud", ana().without("aud").signed(key), 3507, "claims"),
        ("without iss", ana().without("iss").signed(key), 3507, "claims"),
        ("alg none", format!("{NONE}.{payload}."), 3507, "malformed"),
        ("alg none, signed", format!("{NONE}.{payload}.{signature}"), 3507, "malformed"),
        ("an HMAC with the public key", hmac_with_the_public_key(key), 3507, "algorithm"),
        ("another's key under the same name", forged, 3507, "signature"),
        ("another's payload under a good signature", format!("{head}.{bens}.{signature}"), 3507, "signature"),
        ("no signature", format!("{head}.{payload}."), 3507, "signature"),
        ("an extension that must be understood", ana().signed_as(&unknown_extension, key.private()), 3507, "malformed"),
        ("no token at all", "ana".into(), 3507, "malformed"),
        ("four parts", format!("{good}.{signature}"), 3507, "malformed"),
        ("longer than any token", format!("{good}{}", "A".repeat(20_000)), 3507, "too_long"),
        ("without an agent", ana().without("sub").signed(key), 3507, "no_agent"),
        ("an empty agent", ana().with("sub", " ").signed(key), 3507, "no_agent"),
        ("an agent that is a list", ana().with("sub", json!(["ana"])).signed(key), 3507, "malformed"),
        ("an agent that is a truth", ana().with("sub", true).signed(key), 3507, "no_agent"),
    ]
    .map(|(what, token, code, reason)| Case { what, token, code, reason })
    .into()
}

/// `{"alg":"none"}`
const NONE: &str = "eyJhbGciOiJub25lIn0";

/// What a verifier that takes the key's bytes for a secret would believe.
fn hmac_with_the_public_key(key: &Key) -> String {
    let header = Header { kid: key.kid.clone(), ..Header::new(Algorithm::HS256) };
    token("ana").signed_as(&header, &EncodingKey::from_secret(&key.public_bytes()).unwrap())
}

async fn a_token_that_is_not_as_it_must_be_opens_nothing(kafka: Kafka) {
    let House { service, key, .. } = House::of(&kafka).await;
    let wrongs = wrongs(&service, cases(&key)).await;
    assert!(wrongs.is_empty(), "{wrongs:#?}");
    // What differs from a good one in nothing but what was named.
    let in_time = token("ana").with("nbf", chrono::Utc::now().timestamp()).with("aud", json!(["crm", AUDIENCE]));
    welcomed(&service, json!({ "token": in_time.signed(&key) })).await;
}

async fn a_key_verifies_what_it_is_for_and_nothing_else(kafka: Kafka) {
    let rsa = |kid| Key::rsa(kid, Algorithm::RS256);
    let bound = rsa("bound");
    let encrypts = rsa("encrypts").published_with("use", json!("enc"));
    let (free, ed, p384) = (rsa("free").published_with("alg", Value::Null), Key::new_ed("ed"), Key::new_p384("p-384"));
    let secret = Key::new_ec("secret").published_with("kty", json!("oct")).published_with("k", json!("c2VjcmV0"));
    let provider = Provider::with(&[&bound, &encrypts, &free, &ed, &p384, &secret]).await;
    let service = believing(&kafka, &provider, &[("auth.jwks_refresh_min", "1ms")]).await;
    let pss = |kid| Key::rsa(kid, Algorithm::PS256);
    for good in [&bound, &free, &pss("free"), &ed, &p384] {
        welcomed(&service, json!({ "token": token("ana").signed(good) })).await;
    }
    let named = |kid: &str, key: &Key| Header { kid: Some(kid.into()), ..key.header() };
    let cases = [
        ("of another way than the key names", token("ana").signed(&pss("bound")), "algorithm"),
        ("of another family than the key", token("ana").signed_as(&named("ed", &free), free.private()), "algorithm"),
        ("of a key for something else", token("ana").signed(&encrypts), "unknown_key"),
        ("of a secret among the keys", token("ana").signed(&secret), "unknown_key"),
    ];
    let cases = cases.map(|(what, token, reason)| Case { what, token, code: 3507, reason });
    let wrongs = wrongs(&service, cases.into()).await;
    assert!(wrongs.is_empty(), "{wrongs:#?}");
    let allowed = [("auth.algorithms", r#"["ES384"]"#)];
    let strict = believing(&Kafka::embedded(), &provider, &allowed).await;
    welcomed(&strict, json!({ "token": token("ana").signed(&p384) })).await;
    assert_eq!(turned_away(&strict, json!({ "token": token("ana").signed(&ed) })).await.0, 3507);
}

async fn a_token_that_is_good_comes_in_by_each_way(kafka: Kafka) {
    let House { service, key, .. } = House::of(&kafka).await;
    let token = token("ana").allows("openid supervise profile").signed(&key);
    let by_header = service.handshake(&[("authorization", &format!("Bearer {token}"))]).await.expect("a handshake");
    let by_header = by_header.says_hello(json!({ "type": "hello" })).await;
    let by_frame = welcomed(&service, json!({ "token": token })).await;
    for agent in [by_header, by_frame] {
        assert_eq!((&agent.welcome["agent"], &agent.welcome["scopes"]), (&json!("ana"), &json!(["supervise"])));
        assert!(agent.welcome["expiresAt"].is_string(), "{}", agent.welcome);
    }
}

async fn the_agent_is_whom_the_token_names(kafka: Kafka) {
    let settings = [
        ("auth.agent_claim", "desk.extension"),
        ("auth.scope_claim", "realm_access.roles"),
        ("agents.aliases.5551", "ana"),
    ];
    let House { service, key, .. } = House::with(&kafka, &settings).await;
    let roles = json!({ "roles": ["supervise", "offline_access"] });
    let token = token("u-77").with("desk", json!({ "extension": 5551 })).with("realm_access", roles).signed(&key);
    for hello in [json!({ "token": token }), json!({ "token": token, "agent": "5551" })] {
        let agent = welcomed(&service, hello).await;
        assert_eq!((&agent.welcome["agent"], &agent.welcome["scopes"]), (&json!("ana"), &json!(["supervise"])));
    }
    let closed = turned_away(&service, json!({ "token": token, "agent": "ben" })).await;
    assert_eq!(closed, (3507, "the token is another agent's".into()));
}

/// What every signed token begins with.
const TOKEN_HEAD: &str = "eyJ";

async fn no_token_and_no_ticket_is_in_the_log(kafka: Kafka) {
    let key = Key::new_ec("k-1");
    let provider = Provider::with(&[&key]).await;
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("journey.db").display());
    let own = provider.settings();
    let settings = own.iter().map(|(key, value)| (*key, value.as_str())).chain([("log.level", "trace")]);
    let service = Process::serve_with(&kafka, &store, &settings.collect::<Vec<_>>());
    service.becomes_ready().await;
    let address = service.address("http.listen").await;
    let (good, bad) = (token("ana").signed(&key), token("ana").expires_in(-60).signed(&key));
    let asked = reqwest::Client::new().post(format!("http://{address}/v1/tickets")).bearer_auth(&good).send().await;
    let ticket = asked.unwrap().json::<Value>().await.unwrap()["ticket"].as_str().unwrap().to_owned();
    for header in [format!("Bearer {good}"), format!("Bearer {bad}"), format!("Basic {good}")] {
        let mut socket = Agent::connect(address, &[("authorization", &header)]).await.unwrap();
        socket.says(json!({ "type": "hello" })).await;
        socket.says(json!({ "type": "authenticate", "token": bad })).await;
    }
    for hello in [json!({ "ticket": ticket }), json!({ "token": bad }), json!({ "token": good })] {
        Agent::connect(address, &[]).await.unwrap().says(super::hello_with(hello)).await;
    }
    until("two sessions to be opened and three tokens to be refused", async || {
        let refused = service.metric("backstory_tokens_refused_total", "").await;
        (service.said("session opened") >= 3 && refused >= 3.0).then_some(())
    })
    .await;
    let (log, metrics) = (service.log(), service.metrics().await);
    for secret in [TOKEN_HEAD, &ticket] {
        assert!(!log.contains(secret) && !metrics.contains(secret), "{secret} is in the log or in a metric");
    }
}
