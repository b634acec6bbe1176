//! Odd records of every kind in a flood of ordinary ones: every ordinary one is kept, every odd one is kept with a mark or set
//! aside with its place, and nobody waits for it.
//!
//! CI publishes a few thousand records and judges no speed. With `ODD_FLOOD_RECORDS` the test also fails if recording is ever more
//! than ten seconds behind: `ODD_FLOOD_RECORDS=1000000 make test-rust TESTS="odd_flood:: --nocapture"`
//!
//! | variable | what it sets | default |
//! | --- | --- | --- |
//! | `ODD_FLOOD_RECORDS` | records | 6000 |
//! | `ODD_FLOOD_EVERY` | one of how many is odd | 100; 1000 with `ODD_FLOOD_RECORDS` |
//! | `ODD_FLOOD_RATE` | records a second | 3000 |

mod judge;
mod load;
mod odd;
mod records;

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use crate::harness::process::Process;
use crate::harness::rejecting::reject_the_marked;
use crate::harness::{Agent, GroupOffsets, Kafka, until_within};
use load::Published;
use records::{Mix, Topic, listener};

on_kafka_with_both_stores![every_good_record_is_kept_and_every_odd_one_is_accounted_for];

const BEHIND_MAX: Duration = Duration::from_secs(10);
/// Between two looks at how far recording is.
const LOOK: Duration = Duration::from_millis(250);
/// A slow machine may need so much longer than publishing takes.
const SLACK: u32 = 5;

fn parameter(variable: &str) -> Option<usize> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

async fn every_good_record_is_kept_and_every_odd_one_is_accounted_for(kafka: Kafka) {
    let full = parameter("ODD_FLOOD_RECORDS");
    let odd_every = parameter("ODD_FLOOD_EVERY").unwrap_or(if full.is_some() { 1000 } else { 100 });
    let rate = parameter("ODD_FLOOD_RATE").unwrap_or(3000);
    let folder = tempfile::tempdir().unwrap();
    let store = kafka.database.clone();
    let store = store.unwrap_or_else(|| format!("sqlite:{}", folder.path().join("journey.db").display()));
    // A store that is a file has one node.
    let mix = Mix { records: full.unwrap_or(6000), odd_every, listeners: if kafka.database.is_some() { 2 } else { 1 } };
    assert!(mix.records / odd_every >= odd::KINDS.len(), "too few records for every kind of odd ones");

    let mut nodes: Vec<Node> = Vec::new();
    for nth in 0..mix.listeners {
        nodes.push(Node::start(&kafka, &store, nth).await);
    }
    reject_the_marked(&store).await;
    let (published, progress, began) = (Published::default(), Progress::of(&kafka, &store), Instant::now());
    let publishing = tokio::spawn(load::publish(kafka.clone(), store.clone(), mix, rate, published.clone()));
    let (mut behind_max, mut publishing_took) = (Duration::ZERO, None);
    let patience = Duration::from_secs(60) + SLACK * Duration::from_secs((mix.records / rate) as u64);
    until_within(patience, "everything to be kept", async || {
        for node in &mut nodes {
            node.listen().await;
        }
        if publishing.is_finished() {
            publishing_took.get_or_insert_with(|| began.elapsed());
        }
        let behind = progress.behind(&published).await;
        behind_max = behind_max.max(behind.unwrap_or_default());
        if publishing_took.is_some() && behind.is_none() {
            return Some(());
        }
        tokio::time::sleep(LOOK).await;
        None
    })
    .await;
    let (took, expected) = (began.elapsed(), publishing.await.unwrap());
    println!(
        "{}: {} records published in {:.1?}, kept after {took:.1?}, at most {behind_max:.1?} behind; {} set aside",
        store.split(':').next().unwrap_or_default(),
        mix.records,
        publishing_took.unwrap_or_default(),
        expected.set_aside.len(),
    );
    judge::all(&store, &mut nodes, &expected).await;
    if full.is_some() {
        assert!(behind_max <= BEHIND_MAX, "recording was {behind_max:.1?} behind");
    }
}

/// A node, and an agent whose calls it pops.
struct Node {
    process: Process,
    agent: Agent,
    /// Call ids of the pops that the agent received.
    pops: Vec<String>,
}

impl Node {
    async fn start(kafka: &Kafka, store: &str, nth: usize) -> Self {
        let process = Process::serve(kafka, store);
        process.becomes_ready().await;
        let agent = process.agent(&listener(nth)).await;
        Self { process, agent, pops: Vec::new() }
    }

    /// Takes in what the agent was sent.
    async fn listen(&mut self) {
        let frames = self.agent.frames_until_now().await;
        let pops = frames.iter().filter(|frame| frame["type"] == "pop");
        self.pops.extend(pops.map(|pop| pop["call"]["callId"].as_str().unwrap().to_owned()));
    }
}

/// How far the topics are kept: what the nodes would go on with if they started again.
enum Progress {
    /// Nodes that share a store commit to Kafka what they have kept.
    Group(Vec<(Topic, GroupOffsets)>),
    /// Others write it into the store, with the names of their topics.
    File(String, BTreeMap<String, Topic>),
}

impl Progress {
    fn of(kafka: &Kafka, store: &str) -> Self {
        let topics = Topic::RECORDED.into_iter();
        match store.strip_prefix("sqlite:") {
            Some(path) => Self::File(path.to_owned(), topics.map(|topic| (topic.name(kafka).into(), topic)).collect()),
            None => Self::Group(topics.map(|topic| (topic, kafka.group_offsets(topic.name(kafka)))).collect()),
        }
    }

    /// How old the oldest record is that was published and is not kept yet.
    async fn behind(&self, published: &Published) -> Option<Duration> {
        let mut next = Vec::new();
        match self {
            Self::Group(groups) => {
                for (topic, group) in groups {
                    next.push((*topic, group.next().await));
                }
            }
            Self::File(path, topics) => {
                let mut of_topics: HashMap<Topic, HashMap<i32, i64>> =
                    topics.values().map(|t| (*t, HashMap::new())).collect();
                let file = rusqlite::Connection::open(path).unwrap();
                let mut select = file.prepare("SELECT topic, kafka_partition, next_offset FROM offsets").unwrap();
                let rows =
                    select.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?))).unwrap();
                for (topic, partition, offset) in rows.map(Result::unwrap) {
                    of_topics.get_mut(&topics[&topic]).unwrap().insert(partition, offset);
                }
                next.extend(of_topics);
            }
        }
        next.iter().filter_map(|(topic, next)| published.behind(*topic, next)).max()
    }
}
