//! What librdkafka tells between records: it is counted, and its last reason is kept for whoever asks why; a callback that waits
//! stalls the client. And what it asks for: a token, from its file.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use rdkafka::TopicPartitionList;
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use serde::Deserialize;

use super::assignments::Assignments;

/// A token that does not say when it ends is read again after this time.
const OPAQUE_TOKEN: Duration = Duration::from_secs(300);

/// One client's, or that of several, one after the other.
#[derive(Clone)]
pub struct Told {
    errors: Counter,
    who: Who,
    reasons: Arc<Mutex<Reasons>>,
    /// Which of the clients this is, to `assignments`.
    client: u64,
    assignments: Arc<Assignments>,
}

#[derive(Default)]
struct Reasons {
    last: Option<String>,
    said: HashSet<String>,
}

/// As whom we come to the brokers.
#[derive(Debug, Clone, Default)]
pub struct Who {
    /// As ACLs name it: `User:backstory`.
    pub principal: String,
    /// The file that holds a token, with SASL OAUTHBEARER.
    pub token: Option<PathBuf>,
}

impl Told {
    pub fn new(who: Who, errors: Counter) -> Self {
        Self { errors, who, reasons: Arc::default(), client: 0, assignments: Arc::default() }
    }

    /// For the client that takes this one's place.
    pub(super) fn renewed(&self) -> Self {
        Self { client: self.assignments.renew(), ..self.clone() }
    }

    /// The partitions that a group has assigned to the client.
    pub(super) fn assignments(&self) -> Arc<Assignments> {
        Arc::clone(&self.assignments)
    }

    /// Why the brokers do not answer, if they or the way to them said so.
    pub fn reason(&self) -> Option<String> {
        self.reasons.lock().last.clone()
    }

    /// As above, where nobody asked for it since it was last well.
    pub fn news(&self) -> Option<String> {
        let mut reasons = self.reasons.lock();
        let last = reasons.last.clone()?;
        reasons.said.insert(last.clone()).then_some(last)
    }

    /// They answer: what is told from now on is news.
    pub fn well(&self) {
        *self.reasons.lock() = Reasons::default();
    }

    pub fn token(&self) -> anyhow::Result<OAuthToken> {
        let file = self.who.token.as_deref();
        token(file.context("SASL OAUTHBEARER needs kafka.oauth_token_file")?)
    }
}

impl ClientContext for Told {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    /// What it logs is told again by `error`, by `poll`, or not worth telling.
    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, _message: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        // It calls every end of a partition an error.
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::PartitionEOF) {
            return;
        }
        self.errors.inc();
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            self.reasons.lock().last = Some(explained(&self.who.principal, reason));
        }
    }

    fn generate_oauth_token(&self, _config: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        Ok(self.token()?)
    }
}

impl ConsumerContext for Told {
    /// Before librdkafka acts on it, so that no record of a new assignment has the number of the old one.
    fn pre_rebalance(&self, _client: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(partitions) => self.assignments.assigned(self.client, numbers(partitions)),
            Rebalance::Revoke(partitions) => self.assignments.revoked(self.client, numbers(partitions)),
            Rebalance::Error(_) => {}
        }
    }
}

fn numbers(partitions: &TopicPartitionList) -> Vec<i32> {
    partitions.elements().iter().map(|element| element.partition()).collect()
}

/// Read each time: whoever renews it writes the file anew. That is a local file, and no wait for anybody.
fn token(file: &Path) -> anyhow::Result<OAuthToken> {
    let read = std::fs::read_to_string(file);
    let text = read.with_context(|| format!("kafka.oauth_token_file: {} cannot be read", file.display()))?;
    let token = text.trim().to_owned();
    let claims = claims(&token).unwrap_or_default();
    let lifetime_ms = match claims.exp {
        Some(seconds) => seconds.saturating_mul(1000),
        None => (Utc::now() + OPAQUE_TOKEN).timestamp_millis(),
    };
    Ok(OAuthToken { token, principal_name: claims.sub.unwrap_or_else(|| "backstory".into()), lifetime_ms })
}

/// What a JWT says of itself; the brokers verify it.
#[derive(Default, Deserialize)]
struct Claims {
    sub: Option<String>,
    exp: Option<i64>,
}

fn claims(token: &str) -> Option<Claims> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&claims).ok()
}

/// The `sub` of the token in this file.
pub fn subject(file: &Path) -> Option<String> {
    token(file).ok().map(|token| token.principal_name)
}

/// librdkafka's reason, as an administrator can act on it: `BROKER/ID: WHAT (after 3ms in state CONNECT, …)`.
fn explained(principal: &str, reason: &str) -> String {
    let reason = reason.rsplit_once(" (after ").map_or(reason, |(reason, _)| reason);
    let (place, what) = reason.split_once(": ").unwrap_or(("", reason));
    let address = place.split_once("://").map_or(place, |(_, rest)| rest);
    let address = address.split_once('/').map_or(address, |(address, _)| address);
    let text = if what.contains("SASL authentication error")
        || what.contains("SASL") && what.contains("invalid credentials")
    {
        format!("{address} does not let {principal} in: wrong name, password or token")
    } else if what.contains("certificate verify failed") {
        format!(
            "the certificate of {address} is not accepted: it is of no authority in ssl.ca.location (or ssl.ca.pem), or not for \
             this name, or out of date; openssl s_client -connect {address} -CAfile FILE -verify_hostname NAME says which"
        )
    } else if what.contains("alert bad certificate")
        || what.contains("alert certificate required")
        || what.contains("alert unknown ca")
    {
        format!("{address} wants a certificate that it knows: ssl.certificate.location and ssl.key.location (or .pem)")
    } else if what.contains("SSL handshake failed") {
        format!("{address} speaks no TLS, see kafka.properties.security.protocol")
    } else if what.contains("SSL connection closed") {
        format!("{address} hangs up: it speaks no TLS, see kafka.properties.security.protocol, or is going away")
    } else {
        return reason.to_owned();
    };
    format!("{text} ({what})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_partition_is_no_error_and_no_reason() {
        let errors = Counter::default();
        let told = Told::new(Who::default(), errors.clone());
        told.error(KafkaError::Global(RDKafkaErrorCode::PartitionEOF), "Fetch from broker 1 reached end of partition");
        assert_eq!((errors.get(), told.reason()), (0, None));
        told.error(KafkaError::Global(RDKafkaErrorCode::BrokerTransportFailure), "db:9093/1: Disconnected");
        assert_eq!((errors.get(), told.reason()), (1, Some("db:9093/1: Disconnected".into())));
    }

    #[test]
    fn what_stands_between_us_and_the_brokers_is_said_as_somebody_can_act_on_it() {
        for (reason, said) in [
            (
                "sasl_ssl://db:9093/bootstrap: SASL authentication error: Authentication failed: Invalid username or password (after 306ms in state AUTH_REQ)",
                "db:9093 does not let User:ana in",
            ),
            (
                "ssl://db:9093/1: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: broker certificate could not be verified (after 2ms in state SSL_HANDSHAKE)",
                "the certificate of db:9093 is not accepted",
            ),
            (
                "ssl://db:9093/bootstrap: Receive failed: error:0A000412:SSL routines::sslv3 alert bad certificate: SSL alert number 42 (after 1ms in state APIVERSION_QUERY)",
                "db:9093 wants a certificate",
            ),
            (
                "sasl_ssl://db:9092/bootstrap: SSL handshake failed: error:0A000126:SSL routines::unexpected eof while reading (after 13ms in state SSL_HANDSHAKE)",
                "db:9092 speaks no TLS",
            ),
            (
                "sasl_ssl://db:9092/bootstrap: Disconnected: SSL connection closed by peer (after 2ms in state SSL_HANDSHAKE)",
                "db:9092 hangs up: it speaks no TLS",
            ),
            (
                "db:9092/1: Connect to ipv4#10.0.0.1:9092 failed: Connection refused (after 0ms in state CONNECT)",
                "Connection refused",
            ),
        ] {
            let text = explained("User:ana", reason);
            assert!(text.contains(said) && !text.contains("(after"), "{text}");
        }
    }

    #[test]
    fn a_reason_is_news_once_until_all_is_well_again() {
        let told = Told::new(Who::default(), Counter::default());
        let refuse = || {
            told.error(
                KafkaError::Global(RDKafkaErrorCode::BrokerTransportFailure),
                "b: refused (after 1ms in state X)",
            );
        };
        refuse();
        assert_eq!((told.news().as_deref(), told.news()), (Some("b: refused"), None));
        refuse();
        assert_eq!((told.news(), told.reason().as_deref()), (None, Some("b: refused")));
        told.well();
        refuse();
        assert_eq!(told.news().as_deref(), Some("b: refused"));
    }

    #[test]
    fn a_token_lasts_as_long_as_it_says_and_is_read_anew() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let read = |text: &str| {
            std::fs::write(&file, text).unwrap();
            token(&file).unwrap()
        };
        let jwt = |claims: &str| format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims));
        let said = read(&format!("{}\n", jwt(r#"{"sub":"ana","exp":1900000000}"#)));
        assert_eq!(
            (said.token, said.principal_name.as_str(), said.lifetime_ms),
            (jwt(r#"{"sub":"ana","exp":1900000000}"#), "ana", 1_900_000_000_000)
        );
        let opaque = read("4f5e");
        let left_ms = opaque.lifetime_ms - Utc::now().timestamp_millis();
        assert!(opaque.principal_name == "backstory" && (290_000..=300_000).contains(&left_ms));
        let error = format!("{:#}", token(&folder.path().join("nowhere")).err().unwrap());
        assert!(error.contains("kafka.oauth_token_file") && error.contains("nowhere"), "{error}");
    }
}
