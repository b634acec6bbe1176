//! Who comes in where authentication is configured, and what they may: each attack that the threat model names has its test here.

use serde_json::{Value, json};

use crate::harness::provider::{Key, Provider};
use crate::harness::{Agent, Kafka, Service};

mod attacks;
mod fields;
mod keys;
mod scopes;
mod sessions;
mod tools;

/// A service that believes an identity provider with one key.
struct House {
    service: Service,
    provider: Provider,
    key: Key,
}

impl House {
    async fn of(kafka: &Kafka) -> Self {
        Self::with(kafka, &[]).await
    }

    /// With these settings over the usual ones.
    async fn with(kafka: &Kafka, settings: &[(&str, &str)]) -> Self {
        let key = Key::new_ec("k-1");
        let provider = Provider::with(&[&key]).await;
        let service = believing(kafka, &provider, settings).await;
        Self { service, provider, key }
    }

    /// An agent whose token opens a session.
    async fn agent(&self, token: &str) -> Agent {
        welcomed(&self.service, json!({ "token": token })).await
    }
}

async fn believing(kafka: &Kafka, provider: &Provider, settings: &[(&str, &str)]) -> Service {
    let own = provider.settings();
    let own = own.iter().map(|(key, value)| (*key, value.as_str()));
    let service = Service::with(kafka, &own.chain(settings.iter().copied()).collect::<Vec<_>>()).await;
    // The first look at the keys is over, so that each test knows how many there were.
    crate::harness::until("the keys to be asked for", async || {
        (service.metric("backstory_jwks_fetches_total", &[]).await > 0.0).then_some(())
    })
    .await;
    service
}

async fn welcomed(service: &Service, hello: Value) -> Agent {
    service.socket().await.says_hello(hello_with(hello)).await
}

/// The code and the reason with which a hello is answered.
async fn turned_away(service: &Service, hello: Value) -> (u16, String) {
    match answer(service, hello).await {
        Err(closed) => closed,
        Ok(frame) => panic!("it was let in: {frame}"),
    }
}

/// What a hello is answered with: the welcome, or the code and the reason of a close.
async fn answer(service: &Service, hello: Value) -> Result<Value, (u16, String)> {
    let mut socket = service.socket().await;
    socket.says(hello_with(hello)).await;
    socket.next_frame_or_close().await
}

const KEYS_MISSING: u16 = 3006;

/// Lets in nobody with these tokens, and counts each for its reason; says how it went otherwise. What the service cannot be certain
/// of, because it has looked at the keys just now, is asked again.
async fn wrongs(service: &Service, cases: Vec<Case>) -> Vec<String> {
    let mut wrongs = Vec::new();
    for Case { what, token, code, reason } in cases {
        let before = refused(service, reason).await;
        let certain = crate::harness::until("a certain answer", async || {
            let answer = answer(service, json!({ "token": token })).await;
            let is_uncertain = code != KEYS_MISSING && matches!(answer, Err((KEYS_MISSING, _)));
            (!is_uncertain).then_some(answer)
        });
        match certain.await {
            Err(closed) if closed.0 == code && refused(service, reason).await == before + 1.0 => {}
            Err(closed) => wrongs.push(format!("{what}: closed with {closed:?}, not counted as {reason}")),
            Ok(_) => wrongs.push(format!("{what}: let in")),
        }
        let certain = crate::harness::until("a certain answer over HTTP", async || {
            let status = service.asked("POST", "/v1/tickets", Some(&token)).await.status();
            (status != 503).then_some(status)
        });
        let status = certain.await;
        if status != 401 {
            wrongs.push(format!("{what}: {status} over HTTP"));
        }
    }
    wrongs
}

/// A token that is to be refused.
struct Case {
    what: &'static str,
    token: String,
    /// Of the close.
    code: u16,
    /// As it is counted.
    reason: &'static str,
}

fn hello_with(mut fields: Value) -> Value {
    fields["type"] = json!("hello");
    fields
}

/// How often a token was refused for this reason.
async fn refused(service: &Service, reason: &str) -> f64 {
    service.metric("backstory_tokens_refused_total", &[("reason", reason)]).await
}
