//! librdkafka's own settings (`kafka.properties`): passed on as they are, but for those that the way of a call stands on.

use std::collections::BTreeMap;

use rdkafka::ClientConfig;
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::KafkaError;

use super::{Kafka, Layers};

/// What reading every partition from concrete offsets stands on.
const RESERVED: &[&str] = &[
    "bootstrap.servers",
    "metadata.broker.list",
    "group.id",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "auto.offset.reset",
    "enable.partition.eof",
];

/// Flat, secrets read from their files; and every mistake.
pub(super) fn read(layers: &Layers, problems: &mut Vec<String>) -> BTreeMap<String, String> {
    let mut properties = BTreeMap::new();
    let said = layers.properties();
    for (name, value) in said.clone() {
        if RESERVED.contains(&name.as_str()) {
            problems.push(format!("kafka.properties.{name} is set by Backstory itself and cannot be changed"));
        } else if let Some(secret) = name.strip_suffix(".file").filter(|stem| is_secret(stem)) {
            match std::fs::read_to_string(&value) {
                Ok(text) if text.trim().is_empty() => {
                    problems.push(format!("kafka.properties.{name}: {value} is empty"));
                }
                Ok(_) if said.contains_key(secret) => {
                    problems.push(format!("kafka.properties.{secret} is set, and a file for it too: leave one out"));
                }
                Ok(text) => _ = properties.insert(secret.to_owned(), text.trim_end().to_owned()),
                Err(error) => problems.push(format!("kafka.properties.{name}: cannot read {value}: {error}")),
            }
        } else {
            properties.insert(name, value);
        }
    }
    for (name, value) in &properties {
        if let Err(error) = ClientConfig::new().set(name, value).create_native_config() {
            problems.push(format!("kafka.properties.{name}: {}", refusal(name, error)));
        }
    }
    properties
}

/// librdkafka knows its own names and values; what it says of a secret would carry it. Of a name that it does not know, too, the
/// value may be one: a misspelt password's.
fn refusal(name: &str, error: KafkaError) -> String {
    match error {
        _ if is_secret(name) => "librdkafka refuses it".into(),
        KafkaError::ClientConfig(_, reason, ..) => reason,
        other => other.to_string(),
    }
}

/// Files that cannot be read, keys that belong to other certificates, mechanisms that lack a name: what only a client can tell.
/// It is made with no broker to go to.
pub(super) fn check_together(kafka: &Kafka, problems: &mut Vec<String>) {
    let said = |name: &str| kafka.properties.get(name).map(String::as_str).unwrap_or_default();
    let protocol = said("security.protocol").to_ascii_lowercase();
    if protocol.is_empty() || protocol == "plaintext" {
        if kafka.oauth_token_file.is_some() {
            problems.push("kafka.oauth_token_file is for kafka.properties.security.protocol = \"sasl_ssl\"".into());
        }
        return;
    }
    let names = ["sasl.mechanism", "sasl.mechanisms"];
    let mechanism = names.map(said).into_iter().find(|mechanism| !mechanism.is_empty()).unwrap_or_default();
    if protocol.starts_with("sasl") && !MECHANISMS.contains(&mechanism) {
        return problems.push(format!("kafka.properties.sasl.mechanism: expected {}", MECHANISMS.join(", ")));
    }
    if said("sasl.oauthbearer.method").eq_ignore_ascii_case("oidc")
        || (mechanism == OAUTH) != kafka.oauth_token_file.is_some()
    {
        return problems.push(format!(
            "sasl.mechanism {OAUTH} and kafka.oauth_token_file belong together: the token is read from that file, and fetched by whoever \
             writes it (sasl.oauthbearer.method=oidc is not in this build)"
        ));
    }
    if let Some(Err(error)) = kafka.oauth_token_file.as_deref().map(std::fs::read_to_string) {
        problems.push(format!("kafka.oauth_token_file cannot be read: {error}"));
    }
    let mut client = ClientConfig::new();
    for (name, value) in &kafka.properties {
        client.set(name, value);
    }
    if let Err(error) = client.create::<BaseConsumer>() {
        let text = match error {
            KafkaError::ClientCreation(reason) => reason,
            other => other.to_string(),
        };
        problems.push(format!("kafka.properties, taken together: {}", without_secrets(text, &kafka.properties)));
    }
}

const OAUTH: &str = "OAUTHBEARER";
/// What librdkafka was built with here.
const MECHANISMS: [&str; 4] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", OAUTH];

fn without_secrets(text: String, properties: &BTreeMap<String, String>) -> String {
    let secrets = properties.iter().filter(|(name, value)| is_secret(name) && !value.is_empty());
    secrets.fold(text, |text, (_, secret)| text.replace(secret, "…"))
}

/// Never printed, and readable from a file by the name with `.file` behind it.
pub fn is_secret(property: &str) -> bool {
    ["password", "passphrase", "secret", "jaas", ".pem", "oauthbearer.config"]
        .iter()
        .any(|mark| property.contains(mark))
}
