//! Checks of the brokers and the topics, and how missing topics are made.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use super::topics::{APPEND_TIME, DAY_MS, ERASURES_MS, Keeps, TIME_TYPE};
use super::{Args, Finding, rights};
use crate::config::{EMBEDDED, Kafka, Settings, Span, StoreAddress};
use crate::kafka::{ASK_TIMEOUT, Brokers, Right};

const REPLICAS_WANTED: i32 = 3;

/// Names, partitions and copies, as the brokers have them.
struct Cluster {
    id: String,
    brokers: usize,
    /// Topic → partitions.
    topics: HashMap<String, usize>,
}

pub async fn check(all: &Settings, args: &Args, print: &mut impl FnMut(&Finding)) {
    let Settings { kafka: settings, journey, .. } = all;
    let addresses = match settings.brokers.as_deref() {
        None => {
            let todo = format!("write kafka.brokers = \"host:9092\" for a cluster, or \"{EMBEDDED}\" for trying out");
            return print(&Finding::fail("brokers", "kafka.brokers is not set", todo));
        }
        Some(EMBEDDED) => {
            let text = "the in-process broker: the service starts it and makes its topics itself";
            let todo = "for trying out only: it keeps records in memory; name a Kafka cluster for more";
            return print(&Finding::warn("brokers", text, todo));
        }
        Some(addresses) => addresses,
    };
    let brokers = Brokers::at(addresses.to_owned(), settings);
    let cluster = match ask(&brokers).await {
        Ok(cluster) => cluster,
        Err(error) => {
            let todo = "see that kafka.brokers names them rightly, that they run, and that kafka.properties has what they want";
            return print(&Finding::fail("brokers", format!("no answer from {addresses}: {error:#}"), todo));
        }
    };
    let counted = if cluster.brokers == 1 { "1 broker".into() } else { format!("{} brokers", cluster.brokers) };
    print(&Finding::ok("brokers", format!("cluster {} answers with {counted}", cluster.id)));
    weaknesses(settings).iter().for_each(&mut *print);
    let millis = |span: Span| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    let (window_ms, retention_ms) = (millis(settings.replay_window), millis(all.ledger.retention));
    let audit_ms = millis(all.audit.retention);
    for (key, name, keeps) in [
        ("calls", &settings.topics.calls, Keeps::Calls { window_ms }),
        ("interactions", &settings.topics.interactions, Keeps::History),
        ("contacts", &settings.topics.contacts, Keeps::History),
        ("erasures", &settings.topics.erasures, Keeps::Erasures),
        ("pops", &settings.topics.pops, Keeps::Ledger { retention_ms }),
        ("audit", &settings.topics.audit, Keeps::Audit { retention_ms: audit_ms }),
    ] {
        let check = format!("topic {name}");
        match cluster.topics.get(name) {
            Some(partitions) => {
                judge(&brokers, &check, name, *partitions, keeps, print).await;
                if !keeps.is_written() {
                    rights::read(&brokers, &check, name).await.iter().for_each(&mut *print);
                }
            }
            None if !args.create && rights::is_hidden(&brokers, name).await => {
                let right = if keeps.is_written() { Right::Write(name) } else { Right::Read(name) };
                print(&rights::denied(&brokers, &check, right));
            }
            None if args.create => print(&create(&brokers, &check, name, keeps, &cluster, args).await),
            None => {
                let todo = format!("run `backstory check --create`, or name the right one in kafka.topics.{key}");
                print(&keeps.absent(&check, todo));
            }
        }
    }
    if matches!(journey.store, StoreAddress::Postgres(_)) {
        for topic in [&settings.topics.interactions, &settings.topics.contacts, &settings.topics.erasures] {
            print(&rights::share(&brokers, &format!("{}.{topic}", settings.group), topic).await);
        }
    }
}

/// What the properties leave open that brokers over TLS would not.
fn weaknesses(settings: &Kafka) -> Vec<Finding> {
    let off = [("enable.ssl.certificate.verification", "false"), ("ssl.endpoint.identification.algorithm", "none")];
    let is_off = |(name, off): &(&str, &str)| settings.properties.get(*name).is_some_and(|value| value == off);
    let warning = |(name, off): (&str, &str)| {
        let text = format!("kafka.properties.{name} is {off}: whoever stands between may pretend to be a broker");
        Finding::warn(
            "brokers",
            text,
            "leave it out, and name the brokers' authority in kafka.properties.ssl.ca.location",
        )
    };
    off.into_iter().filter(is_off).map(warning).collect()
}

async fn ask(brokers: &Brokers) -> anyhow::Result<Cluster> {
    let brokers = brokers.clone();
    let asked = tokio::task::spawn_blocking(move || {
        brokers.ask(|client| {
            let metadata = client.fetch_metadata(None, ASK_TIMEOUT)?;
            let topics = metadata.topics().iter().map(|topic| (topic.name().to_owned(), topic.partitions().len()));
            Ok(Cluster {
                topics: topics.collect(),
                brokers: metadata.brokers().len(),
                id: client.client().fetch_cluster_id(ASK_TIMEOUT).unwrap_or_default(),
            })
        })
    });
    asked.await?
}

/// How the topic is kept, beside how it should be.
async fn judge(
    brokers: &Brokers,
    check: &str,
    name: &str,
    partitions: usize,
    keeps: Keeps,
    print: &mut impl FnMut(&Finding),
) {
    let there = format!("{partitions} partition{}", if partitions == 1 { "" } else { "s" });
    let config = match topic_config(brokers, name).await {
        Ok(config) => config,
        Err(error) if rights::is_denied(&error) => {
            return print(&rights::warned(brokers, check, Right::DescribeConfigs(name)));
        }
        Err(error) => {
            let todo = "not needed to run; allow DescribeConfigs on the topic to have its retention checked";
            return print(&Finding::warn(
                check,
                format!("{there}, but how it is kept cannot be read: {error:#}"),
                todo,
            ));
        }
    };
    keeps.judge(check, &there, &config).iter().for_each(print);
}

/// How the brokers keep a topic: their settings for it, by name.
pub async fn topic_config(brokers: &Brokers, name: &str) -> anyhow::Result<HashMap<String, String>> {
    let admin = admin(brokers)?;
    let topic = ResourceSpecifier::Topic(name);
    let answers = admin.describe_configs([&topic], &options()).await?;
    let resource = answers.into_iter().next().context("no answer")?.map_err(KafkaError::AdminOp)?;
    // What may not be seen is empty.
    ensure!(!resource.entries.is_empty(), KafkaError::AdminOp(RDKafkaErrorCode::TopicAuthorizationFailed));
    Ok(resource.entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?))).collect())
}

fn admin(brokers: &Brokers) -> anyhow::Result<AdminClient<DefaultClientContext>> {
    ensure!(
        !brokers.take_tokens(),
        "librdkafka's client for administrators takes no token; use a user with a password"
    );
    Ok(brokers.asking()?)
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(ASK_TIMEOUT)).operation_timeout(Some(Duration::from_secs(15)))
}

async fn create(brokers: &Brokers, check: &str, name: &str, keeps: Keeps, cluster: &Cluster, args: &Args) -> Finding {
    let replicas = args.replicas.unwrap_or(REPLICAS_WANTED.min(i32::try_from(cluster.brokers).unwrap_or(1)).max(1));
    match try_to_create(brokers, name, keeps, args.partitions, replicas).await {
        Ok(()) => {
            let copies = if replicas == 1 { "1 copy".into() } else { format!("{replicas} copies") };
            Finding::ok(check, format!("made, with {} partitions and {copies} of each", args.partitions))
        }
        Err(error) if rights::is_denied(&error) => rights::denied(brokers, check, Right::Create(name)),
        Err(error) => {
            let todo = "make it by your own means, or allow this user to create topics";
            Finding::fail(check, format!("cannot be made: {error:#}"), todo)
        }
    }
}

async fn try_to_create(
    brokers: &Brokers,
    name: &str,
    keeps: Keeps,
    partitions: i32,
    replicas: i32,
) -> anyhow::Result<()> {
    let admin = admin(brokers)?;
    let retention_ms;
    let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(replicas));
    topic = match keeps {
        Keeps::Calls { window_ms } => {
            retention_ms = window_ms.max(DAY_MS).to_string();
            topic.set("cleanup.policy", "delete").set("retention.ms", &retention_ms).set(TIME_TYPE, APPEND_TIME)
        }
        Keeps::History => topic.set("cleanup.policy", "compact").set("retention.ms", "-1"),
        Keeps::Erasures => {
            retention_ms = ERASURES_MS.to_string();
            topic.set("cleanup.policy", "delete").set("retention.ms", &retention_ms)
        }
        Keeps::Ledger { retention_ms: wanted_ms } | Keeps::Audit { retention_ms: wanted_ms } => {
            retention_ms = wanted_ms.to_string();
            topic.set("cleanup.policy", "delete").set("retention.ms", &retention_ms)
        }
    };
    let made = admin.create_topics([&topic], &options()).await?;
    made.into_iter().next().context("no answer")?.map_err(|(_, code)| KafkaError::AdminOp(code))?;
    Ok(())
}
