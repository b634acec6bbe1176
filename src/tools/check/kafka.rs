//! Checks of the brokers and the topics, and how missing topics are made.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use super::{Args, Finding, rights};
use crate::config::{EMBEDDED, Kafka, Settings, Span, StoreAddress};
use crate::kafka::{ASK_TIMEOUT, Brokers, Right};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How long a topic of erasures that is made here keeps them.
const ERASURES_MS: i64 = 90 * DAY_MS;
const REPLICAS_WANTED: i32 = 3;
/// How the broker stamps records; its own clock is what age is best counted from.
const TIME_TYPE: &str = "message.timestamp.type";
const APPEND_TIME: &str = "LogAppendTime";

/// What a topic is for decides how it should be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeps {
    /// Events, for as long as a starting node reads back.
    Calls { window_ms: i64 },
    /// The newest record of each key, for ever.
    History,
    /// For as long as a node or a backup may have to catch up; longer, they would name for ever who is to be forgotten.
    Erasures,
    /// For as long as somebody may ask what became of a pop.
    Ledger { retention_ms: i64 },
}

/// Names, partitions and copies, as the brokers have them.
struct Cluster {
    id: String,
    brokers: usize,
    /// Topic → partitions.
    topics: HashMap<String, usize>,
}

pub async fn check(settings: &Settings, args: &Args, print: &mut impl FnMut(&Finding)) {
    let Settings { kafka: settings, ledger, journey, .. } = settings;
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
    let (window_ms, retention_ms) = (millis(settings.replay_window), millis(ledger.retention));
    for (key, name, keeps) in [
        ("calls", &settings.topics.calls, Keeps::Calls { window_ms }),
        ("interactions", &settings.topics.interactions, Keeps::History),
        ("contacts", &settings.topics.contacts, Keeps::History),
        ("erasures", &settings.topics.erasures, Keeps::Erasures),
        ("pops", &settings.topics.pops, Keeps::Ledger { retention_ms }),
    ] {
        let check = format!("topic {name}");
        match cluster.topics.get(name) {
            Some(partitions) => {
                judge(&brokers, &check, name, *partitions, keeps, print).await;
                if !matches!(keeps, Keeps::Ledger { .. }) {
                    rights::read(&brokers, &check, name).await.iter().for_each(&mut *print);
                }
            }
            None if !args.create && rights::is_hidden(&brokers, name).await => {
                let right = if matches!(keeps, Keeps::Ledger { .. }) { Right::Write(name) } else { Right::Read(name) };
                print(&rights::denied(&brokers, &check, right));
            }
            None if args.create => print(&create(&brokers, &check, name, keeps, &cluster, args).await),
            None => {
                let todo = format!("run `backstory check --create`, or name the right one in kafka.topics.{key}");
                print(&match keeps {
                    Keeps::Ledger { .. } => {
                        let text = "there is no such topic: pops go out, but `backstory why` has nothing to read";
                        Finding::warn(&check, text, todo)
                    }
                    _ => Finding::fail(&check, "there is no such topic", todo),
                });
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
    let findings = match keeps {
        Keeps::Calls { window_ms } => judge_calls(check, &there, &config, window_ms),
        Keeps::History => judge_history(check, &there, &config),
        Keeps::Erasures => vec![judge_erasures(check, &there, &config)],
        Keeps::Ledger { retention_ms } => vec![judge_ledger(check, &there, &config, retention_ms)],
    };
    findings.iter().for_each(print);
}

fn judge_calls(check: &str, there: &str, config: &HashMap<String, String>, window_ms: i64) -> Vec<Finding> {
    let retention_ms = config.get("retention.ms").and_then(|text| text.parse::<i64>().ok()).unwrap_or(-1);
    let kept = if retention_ms < 0 { "for ever".into() } else { format!("for {}", span(retention_ms)) };
    let mut findings = Vec::new();
    if (0..window_ms).contains(&retention_ms) {
        let todo = format!("set the topic's retention.ms to at least {window_ms}, or kafka.replay_window lower");
        let text = format!(
            "{there}, kept {kept}: less than kafka.replay_window ({}), so a restart forgets open calls",
            span(window_ms)
        );
        findings.push(Finding::fail(check, text, todo));
    }
    if config.get("cleanup.policy").is_some_and(|policy| policy.contains("compact")) {
        let text = "compaction keeps only each agent's last event, so a restart forgets the other open calls";
        findings.push(Finding::fail(check, text, "set the topic's cleanup.policy to delete"));
    }
    if config.get(TIME_TYPE).is_some_and(|kind| kind != APPEND_TIME) {
        let text = "records carry their producers' times: a telephone system whose clock is wrong makes calls look old";
        findings.push(Finding::warn(check, text, format!("set the topic's {TIME_TYPE} to {APPEND_TIME}")));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(check, format!("{there}, kept {kept}")));
    }
    findings
}

fn judge_history(check: &str, there: &str, config: &HashMap<String, String>) -> Vec<Finding> {
    let retention_ms = config.get("retention.ms").and_then(|text| text.parse::<i64>().ok()).unwrap_or(-1);
    match config.get("cleanup.policy").map(String::as_str) {
        Some("compact") => {
            vec![Finding::ok(check, format!("{there}, compacted: the newest record of each key is kept"))]
        }
        Some(policy) if retention_ms >= 0 || policy.contains("compact") => {
            let text = format!(
                "{there}, but records are dropped after {}: a new node would not know them",
                span(retention_ms)
            );
            vec![Finding::warn(check, text, "set the topic's cleanup.policy to compact and its retention.ms to -1")]
        }
        _ => {
            let text = format!("{there}, every record kept for ever");
            vec![Finding::warn(
                check,
                text,
                "set the topic's cleanup.policy to compact: the newest record of each key is enough",
            )]
        }
    }
}

fn judge_erasures(check: &str, there: &str, config: &HashMap<String, String>) -> Finding {
    let todo = format!("set the topic's cleanup.policy to delete and its retention.ms to {ERASURES_MS}");
    let retention_ms = config.get("retention.ms").and_then(|text| text.parse::<i64>().ok()).unwrap_or(-1);
    if retention_ms < 0 || config.get("cleanup.policy").is_some_and(|policy| policy == "compact") {
        let text = format!("{there}, kept for ever: it names those who are to be forgotten");
        return Finding::warn(check, text, todo);
    }
    let text = format!("{there}, kept for {}", span(retention_ms));
    if retention_ms < 7 * DAY_MS {
        return Finding::warn(check, format!("{text}: a node that was away longer would not hear of them"), todo);
    }
    Finding::ok(check, text)
}

fn judge_ledger(check: &str, there: &str, config: &HashMap<String, String>, wanted_ms: i64) -> Finding {
    let todo =
        format!("set the topic's cleanup.policy to delete and its retention.ms to {wanted_ms} (ledger.retention)");
    let retention_ms = config.get("retention.ms").and_then(|text| text.parse::<i64>().ok()).unwrap_or(-1);
    if config.get("cleanup.policy").is_some_and(|policy| policy.contains("compact")) {
        let text = format!("{there}, compacted: when a node was alive cannot be told from its last line alone");
        return Finding::warn(check, text, todo);
    }
    if retention_ms < 0 {
        return Finding::warn(check, format!("{there}, kept for ever: it grows with every pop"), todo);
    }
    Finding::ok(check, format!("{there}, kept for {}", span(retention_ms)))
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
        Keeps::Ledger { retention_ms: wanted_ms } => {
            retention_ms = wanted_ms.to_string();
            topic.set("cleanup.policy", "delete").set("retention.ms", &retention_ms)
        }
    };
    let made = admin.create_topics([&topic], &options()).await?;
    made.into_iter().next().context("no answer")?.map_err(|(_, code)| KafkaError::AdminOp(code))?;
    Ok(())
}

/// Milliseconds as people say them.
fn span(ms: i64) -> String {
    const UNITS: [(i64, &str); 4] = [(DAY_MS, "days"), (3_600_000, "hours"), (60_000, "minutes"), (1000, "seconds")];
    let (unit, name) = UNITS.into_iter().find(|(unit, _)| ms >= 2 * unit).unwrap_or((1, "ms"));
    format!("{} {name}", ms / unit)
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn states(findings: &[Finding]) -> Vec<State> {
        findings.iter().map(|finding| finding.state).collect()
    }

    fn config(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn calls_must_be_kept_as_long_as_a_starting_node_reads_back() {
        let calls = |pairs: &[(&str, &str)]| states(&judge_calls("c", "", &config(pairs), 7_200_000));
        let good = [("retention.ms", "86400000"), ("cleanup.policy", "delete"), (TIME_TYPE, APPEND_TIME)];
        assert_eq!(calls(&good), [State::Ok]);
        assert_eq!(calls(&[("retention.ms", "-1"), (TIME_TYPE, APPEND_TIME)]), [State::Ok]);
        assert_eq!(calls(&[("retention.ms", "7199999"), (TIME_TYPE, APPEND_TIME)]), [State::Fail]);
        assert_eq!(calls(&[("retention.ms", "86400000"), (TIME_TYPE, "CreateTime")]), [State::Warn]);
        assert_eq!(calls(&[("cleanup.policy", "compact"), (TIME_TYPE, APPEND_TIME)]), [State::Fail]);
    }

    #[test]
    fn a_history_that_is_dropped_after_a_time_is_warned_of() {
        let history = |pairs: &[(&str, &str)]| states(&judge_history("h", "", &config(pairs)));
        assert_eq!(history(&[("cleanup.policy", "compact"), ("retention.ms", "604800000")]), [State::Ok]);
        assert_eq!(history(&[("cleanup.policy", "delete"), ("retention.ms", "604800000")]), [State::Warn]);
        assert_eq!(history(&[("cleanup.policy", "compact,delete"), ("retention.ms", "604800000")]), [State::Warn]);
        assert_eq!(history(&[("cleanup.policy", "delete"), ("retention.ms", "-1")]), [State::Warn]);
    }

    #[test]
    fn erasures_are_kept_for_a_time_and_not_for_ever() {
        let erasures = |pairs: &[(&str, &str)]| judge_erasures("e", "", &config(pairs)).state;
        assert_eq!(erasures(&[("cleanup.policy", "delete"), ("retention.ms", "7776000000")]), State::Ok);
        assert_eq!(erasures(&[("cleanup.policy", "delete"), ("retention.ms", "86400000")]), State::Warn);
        assert_eq!(erasures(&[("cleanup.policy", "delete"), ("retention.ms", "-1")]), State::Warn);
        assert_eq!(erasures(&[("cleanup.policy", "compact"), ("retention.ms", "7776000000")]), State::Warn);
    }

    #[test]
    fn the_ledger_is_kept_for_a_time_and_line_by_line() {
        let ledger = |pairs: &[(&str, &str)]| judge_ledger("l", "", &config(pairs), 14 * DAY_MS).state;
        assert_eq!(ledger(&[("cleanup.policy", "delete"), ("retention.ms", "604800000")]), State::Ok);
        assert_eq!(ledger(&[("cleanup.policy", "delete"), ("retention.ms", "-1")]), State::Warn);
        assert_eq!(ledger(&[("cleanup.policy", "compact,delete"), ("retention.ms", "604800000")]), State::Warn);
    }

    #[test]
    fn times_read_as_people_say_them() {
        assert_eq!([604_800_000, 7_200_000, 90_000, 1500].map(span), ["7 days", "2 hours", "90 seconds", "1500 ms"]);
    }
}
