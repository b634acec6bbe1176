//! An identity provider of the tests' own: it publishes keys on this machine, rotates them, counts who asks, and signs tokens.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _,
};
use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::get;
use chrono::Utc;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, encode};
use parking_lot::Mutex;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Map, Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::papers::Papers;

pub const ISSUER: &str = "https://login.example/company";
pub const AUDIENCE: &str = "backstory";

/// Before the key itself in a PKCS #8 document of 2048 bits: version, algorithm, and the head of an octet string.
const PKCS8_HEAD_BYTES: usize = 26;

/// A key that signs tokens, and what is published of it.
#[derive(Clone)]
pub struct Key {
    pub kid: Option<String>,
    pub algorithm: Algorithm,
    private: EncodingKey,
    /// As published.
    pub jwk: Value,
}

impl Key {
    fn new(kid: &str, algorithm: Algorithm, private: EncodingKey) -> Self {
        let jwk = Jwk::from_encoding_key(&private, algorithm).unwrap();
        Self::published(kid, algorithm, private, &jwk)
    }

    fn published(kid: &str, algorithm: Algorithm, private: EncodingKey, jwk: &Jwk) -> Self {
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["kid"] = json!(kid);
        jwk["use"] = json!("sig");
        Self { kid: Some(kid.to_owned()), algorithm, private, jwk }
    }

    /// On P-256: quickly made.
    pub fn new_ec(kid: &str) -> Self {
        Self::on_curve(kid, Algorithm::ES256, &ECDSA_P256_SHA256_FIXED_SIGNING)
    }

    pub fn new_p384(kid: &str) -> Self {
        Self::on_curve(kid, Algorithm::ES384, &ECDSA_P384_SHA384_FIXED_SIGNING)
    }

    fn on_curve(kid: &str, algorithm: Algorithm, curve: &'static EcdsaSigningAlgorithm) -> Self {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(curve, &SystemRandom::new()).unwrap();
        Self::new(kid, algorithm, EncodingKey::from_ec_der(pkcs8.as_ref()))
    }

    pub fn new_ed(kid: &str) -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        let public = DecodingKey::from_ed_der(pair.public_key().as_ref());
        let jwk = Jwk::from_decoding_key(&public, Some(Algorithm::EdDSA)).unwrap();
        Self::published(kid, Algorithm::EdDSA, EncodingKey::from_ed_der(pkcs8.as_ref()), &jwk)
    }

    /// The same for all tests: it takes its time to make.
    pub fn rsa(kid: &str, algorithm: Algorithm) -> Self {
        static PRIVATE: LazyLock<Vec<u8>> = LazyLock::new(|| {
            let pkcs8 = RsaKeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap();
            pkcs8.as_ref()[PKCS8_HEAD_BYTES..].to_vec()
        });
        Self::new(kid, algorithm, EncodingKey::from_rsa_der(&PRIVATE))
    }

    /// With another field in what is published of it; null takes one away.
    pub fn published_with(mut self, field: &str, value: Value) -> Self {
        match value {
            Value::Null => _ = self.jwk.as_object_mut().unwrap().remove(field),
            value => self.jwk[field] = value,
        }
        self
    }

    pub fn private(&self) -> &EncodingKey {
        &self.private
    }

    /// As a verifier holds them.
    pub fn public_bytes(&self) -> Vec<u8> {
        let jwk: Jwk = serde_json::from_value(self.jwk.clone()).unwrap();
        DecodingKey::from_jwk(&jwk).unwrap().try_get_as_bytes().unwrap().to_vec()
    }

    pub fn header(&self) -> Header {
        let mut header = Header::new(self.algorithm);
        header.kid.clone_from(&self.kid);
        header
    }
}

/// What publishes the keys.
pub struct Provider {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    keys: Mutex<Vec<Value>>,
    fetches: AtomicUsize,
    is_down: AtomicBool,
    /// Answers wait for a permit while it is there to be taken away.
    answers: Semaphore,
}

impl Provider {
    /// Publishes these keys.
    pub async fn with(keys: &[&Key]) -> Self {
        let state = Arc::new(State {
            keys: Mutex::default(),
            fetches: AtomicUsize::new(0),
            is_down: AtomicBool::new(false),
            answers: Semaphore::new(1),
        });
        let answering = Arc::clone(&state);
        let answer = async move || {
            answering.fetches.fetch_add(1, Ordering::SeqCst);
            let _permit = answering.answers.acquire().await.unwrap();
            if answering.is_down.load(Ordering::SeqCst) {
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            }
            json!({ "keys": *answering.keys.lock() }).to_string().into_response()
        };
        let elsewhere = async || (StatusCode::FOUND, [("location", "/keys")]).into_response();
        let routes = Router::new().route("/keys", get(answer)).route("/moved", get(elsewhere));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let provider = Self { address, state };
        provider.publishes(keys);
        provider
    }

    /// These from now on, and no others.
    pub fn publishes(&self, keys: &[&Key]) {
        *self.state.keys.lock() = keys.iter().map(|key| key.jwk.clone()).collect();
    }

    pub fn is_down(&self, down: bool) {
        self.state.is_down.store(down, Ordering::SeqCst);
    }

    /// How often it was asked.
    pub fn fetches(&self) -> usize {
        self.state.fetches.load(Ordering::SeqCst)
    }

    /// While this is held it answers nobody.
    pub async fn hesitates(&self) -> tokio::sync::SemaphorePermit<'_> {
        self.state.answers.acquire().await.unwrap()
    }

    pub fn url(&self) -> String {
        format!("http://{}/keys", self.address)
    }

    /// The same over TLS, with a certificate of these papers: where it is to be asked then.
    pub async fn over_tls(&self, papers: &Papers) -> String {
        let (certificate, key) = papers.sign("localhost");
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(backstory::tls::provider());
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let acceptor = TlsAcceptor::from(Arc::new(config.with_single_cert(chain, key).unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (plain, address) = (self.address, listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut asks) = acceptor.accept(stream).await else { return };
                    let mut answers = TcpStream::connect(plain).await.unwrap();
                    _ = tokio::io::copy_bidirectional(&mut asks, &mut answers).await;
                });
            }
        });
        format!("https://{address}/keys")
    }

    /// What a service that believes it is told.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("auth.issuer", ISSUER.to_owned()),
            ("auth.audience", AUDIENCE.to_owned()),
            ("auth.jwks_url", self.url()),
            ("auth.leeway", "1s".to_owned()),
        ]
    }
}

/// A token that is to be signed.
#[derive(Clone)]
pub struct Token(Map<String, Value>);

/// Of this agent, good for an hour.
pub fn token(agent: &str) -> Token {
    let now = Utc::now().timestamp();
    let claims = json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": agent, "iat": now, "exp": now + 3600 });
    Token(claims.as_object().unwrap().clone())
}

impl Token {
    /// With a claim beside or over the usual ones; null takes one away.
    pub fn with(mut self, claim: &str, value: impl Into<Value>) -> Self {
        match value.into() {
            Value::Null => _ = self.0.remove(claim),
            value => _ = self.0.insert(claim.to_owned(), value),
        }
        self
    }

    pub fn without(self, claim: &str) -> Self {
        self.with(claim, Value::Null)
    }

    /// Seconds from now; of the past, if negative.
    pub fn expires_in(self, seconds: i64) -> Self {
        self.with("exp", Utc::now().timestamp() + seconds)
    }

    pub fn allows(self, scopes: &str) -> Self {
        self.with("scope", scopes)
    }

    pub fn signed(&self, key: &Key) -> String {
        self.signed_as(&key.header(), &key.private)
    }

    /// With whatever head and key.
    pub fn signed_as(&self, header: &Header, key: &EncodingKey) -> String {
        encode(header, &self.0, key).unwrap()
    }
}
