//! What the brokers must allow us, and the command that allows it.

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use super::told::{Who, subject};
use crate::config::Kafka;

/// One thing that ACLs allow or do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right<'a> {
    Read(&'a str),
    Write(&'a str),
    Create(&'a str),
    /// To see how the topic is kept.
    DescribeConfigs(&'a str),
    /// To share a topic's partitions with other nodes.
    Group(&'a str),
}

impl Right<'_> {
    pub(super) fn denied_to(self, principal: &str) -> String {
        let (what, name) = match self {
            Self::Read(topic) => ("read the topic", topic),
            Self::Write(topic) => ("write to the topic", topic),
            Self::Create(topic) => ("make the topic", topic),
            Self::DescribeConfigs(topic) => ("see how the brokers keep the topic", topic),
            Self::Group(group) => ("be in the consumer group", group),
        };
        format!("{principal} may not {what} {name}")
    }

    pub(super) fn given_by(self, principal: &str, addresses: &str) -> String {
        let (operation, resource, name) = match self {
            Self::Read(topic) => ("Read", "topic", topic),
            Self::Write(topic) => ("Write", "topic", topic),
            Self::Create(topic) => ("Create", "topic", topic),
            Self::DescribeConfigs(topic) => ("DescribeConfigs", "topic", topic),
            Self::Group(group) => ("Read", "group", group),
        };
        format!(
            "kafka-acls.sh --bootstrap-server {addresses} --command-config admin.properties --add --allow-principal '{principal}' \
             --operation {operation} --{resource} {name}"
        )
    }
}

/// The brokers know us, and do not allow it.
pub fn is_denial(error: &KafkaError) -> bool {
    let code = match error {
        KafkaError::AdminOp(code) => Some(*code),
        other => other.rdkafka_error_code(),
    };
    matches!(
        code,
        Some(
            RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::GroupAuthorizationFailed
                | RDKafkaErrorCode::ClusterAuthorizationFailed
        )
    )
}

/// As whom the settings come to the brokers. What brokers make of a certificate's subject is theirs to say.
pub(super) fn who(settings: &Kafka) -> Who {
    let said = |name: &str| settings.properties.get(name).map(String::as_str);
    let protocol = said("security.protocol").unwrap_or_default().to_ascii_lowercase();
    let token = settings.oauth_token_file.clone();
    let name = match &token {
        Some(file) => subject(file),
        None if protocol.starts_with("sasl") => said("sasl.username").map(str::to_owned),
        None if said("ssl.certificate.location").or(said("ssl.certificate.pem")).is_some() => {
            Some("<the certificate's subject>".into())
        }
        None => Some("ANONYMOUS".into()),
    };
    Who { principal: format!("User:{}", name.unwrap_or_default()), token }
}
