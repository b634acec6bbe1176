//! Reads a topic together with other nodes: a consumer group shares its partitions among them, and remembers for all of them
//! how far the topic was kept. For a store that nodes share; a node's own copy is read by `consumer`.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::mpsc;
use tracing::{debug, warn};

use self::handoff::{Closed, Handoff};
use self::probe::Probe;
use super::assignments::Assignments;
use super::consumer::copy_out;
use super::{ASK_TIMEOUT, Brokers, Record, Right, Told, UNANSWERED_MAX, is_denial, leave_behind};

mod handoff;
mod probe;

/// Records handed over and not yet taken.
const HANDED_OVER_MAX: usize = 1024;
/// How long one poll waits before it looks whether to stop.
const POLL: Duration = Duration::from_millis(100);
/// Before the topic is there, and where it went away.
const RETRY: Duration = Duration::from_millis(500);
/// A reader that has made the poll loop wait for so long is too slow: its partitions are paused, and polling goes on.
const PAUSE_AFTER: Duration = Duration::from_secs(2);

type Client = BaseConsumer<Told>;

/// A member of the group. Dropping it lets its thread end by itself; [`GroupConsumer::close`] waits for it.
pub struct GroupConsumer {
    records: mpsc::Receiver<GroupRecord>,
    member: Arc<Member>,
    thread: Option<JoinHandle<()>>,
}

/// A record, and the ownership under which it was read.
#[derive(Debug)]
pub struct GroupRecord {
    pub record: Record,
    /// The ownership number of the record's partition when it was polled; see [`GroupConsumer::owns`].
    pub ownership: u64,
}

/// Asks how far the group is, beside its records: that is how a client is found out that hears nothing any more.
#[derive(Clone)]
pub struct GroupProgress {
    member: Arc<Member>,
}

impl GroupConsumer {
    pub fn start(brokers: &Brokers, group: &str, topic: &str, errors: Counter) -> anyhow::Result<Self> {
        Self::start_pausing_after(PAUSE_AFTER, brokers, group, topic, errors)
    }

    /// Like `start`, with another limit for how long a slow reader may hold up the poll loop.
    pub fn start_pausing_after(
        pause_after: Duration,
        brokers: &Brokers,
        group: &str,
        topic: &str,
        errors: Counter,
    ) -> anyhow::Result<Self> {
        let (brokers, group, topic) = (brokers.clone(), group.to_owned(), topic.to_owned());
        let told = brokers.told_and_counted(errors);
        let assignments = told.assignments();
        let client = Mutex::new(Arc::new(join(&brokers, &group, &topic, told)?));
        let (stop, deaf, answered_at) = (AtomicBool::new(false), AtomicBool::new(false), Mutex::new(Instant::now()));
        let kept = Mutex::default();
        let member = Arc::new(Member {
            kept,
            brokers,
            group,
            topic,
            client,
            assignments,
            probe: Mutex::default(),
            answered_at,
            deaf,
            stop,
        });
        let (sender, records) = mpsc::channel(HANDED_OVER_MAX);
        let run = Arc::clone(&member);
        let thread = std::thread::Builder::new()
            .name(format!("share-{}", member.topic))
            .spawn(move || run.run(&sender, pause_after))?;
        Ok(Self { records, member, thread: Some(thread) })
    }

    /// The next record of the partitions that were this member's when it was polled; `None` once closed.
    pub async fn next(&mut self) -> Option<GroupRecord> {
        self.records.recv().await
    }

    /// What is there already, without waiting.
    pub fn next_if_ready(&mut self) -> Option<GroupRecord> {
        self.records.try_recv().ok()
    }

    /// Whether that ownership still stands. Where it does not, the partition's owner reads the record again, from the committed
    /// offset.
    pub fn owns(&self, partition: i32, ownership: u64) -> bool {
        self.member.assignments.owns(partition, ownership)
    }

    pub fn progress(&self) -> GroupProgress {
        GroupProgress { member: Arc::clone(&self.member) }
    }

    /// Commits these positions: everything before them is kept. Returns whether that was done; where it was not, the records are
    /// read again.
    pub async fn commit(&self, next: &HashMap<i32, i64>) -> bool {
        let numbered =
            next.iter().map(|(&partition, &next)| (partition, (self.member.assignments.number(partition), next)));
        let numbered: Vec<_> = numbered.collect();
        let committed = self.verify(next.clone()).await;
        match &committed {
            Ok(()) => self.member.kept.lock().extend(numbered),
            Err(error) => {
                debug!(kafka.topic = self.member.topic, %error, "not committed: these records will be read again");
            }
        }
        committed.is_ok()
    }

    /// Commits these positions and returns the error. The broker accepts a commit only of the group's current generation, so
    /// success proves that this member was in the group at that moment, and had the partitions that it still
    /// [owns](GroupConsumer::owns) afterwards. Without positions nothing is asked, nor proved.
    pub async fn verify(&self, next: HashMap<i32, i64>) -> Result<(), KafkaError> {
        if next.is_empty() {
            return Ok(());
        }
        let mut offsets = TopicPartitionList::new();
        for (partition, next) in next {
            offsets.add_partition_offset(&self.member.topic, partition, Offset::Offset(next))?;
        }
        let client = self.member.client();
        let committed = tokio::task::spawn_blocking(move || client.commit(&offsets, CommitMode::Sync)).await;
        committed.unwrap_or(Err(KafkaError::Canceled))
    }

    /// Leaves the group, so that the others need not wait for it.
    pub async fn close(mut self, limit: Duration) {
        self.member.stop.store(true, Ordering::Relaxed);
        self.records.close();
        let thread = self.thread.take();
        let closed = tokio::task::spawn_blocking(move || {
            _ = thread.map(JoinHandle::join);
            drop(self);
        });
        if tokio::time::timeout(limit, closed).await.is_err() {
            warn!("a kafka client did not close in time and is left behind");
        }
    }
}

impl Drop for GroupConsumer {
    fn drop(&mut self) {
        self.member.stop.store(true, Ordering::Relaxed);
    }
}

impl GroupProgress {
    /// The next record to keep, of these partitions, whichever member has them; blocks up to [`ASK_TIMEOUT`]. Partitions of which
    /// nothing was kept yet are left out.
    pub fn committed(&self, partitions: impl IntoIterator<Item = i32>) -> Result<HashMap<i32, i64>, KafkaError> {
        let mut asked = TopicPartitionList::new();
        for partition in partitions {
            asked.add_partition(&self.member.topic, partition);
        }
        let committed = self.member.client().committed_offsets(asked, ASK_TIMEOUT)?;
        let next = |partition: &TopicPartitionListElem<'_>| match partition.offset() {
            Offset::Offset(next) => Some((partition.partition(), next)),
            _ => None,
        };
        Ok(committed.elements().iter().filter_map(next).collect())
    }

    /// Records that are not kept yet, by partition, whichever member has it; blocks up to [`ASK_TIMEOUT`] a question.
    pub fn behind(&self) -> Result<Vec<(i32, i64)>, KafkaError> {
        let (name, client) = (&self.member.topic, self.member.client());
        let metadata = client.fetch_metadata(Some(name), ASK_TIMEOUT);
        self.member.heard_from_brokers(metadata.is_ok());
        let metadata = metadata?;
        let topic = metadata.topics().iter().find(|topic| topic.name() == name);
        let topic = topic.ok_or(KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopic))?;
        if let Some(error) = topic.error() {
            return Err(KafkaError::MetadataFetch(error.into()));
        }
        let partitions: Vec<i32> = topic.partitions().iter().map(|partition| partition.id()).collect();
        let mut committed = self.committed(partitions.iter().copied())?;
        self.member.commit_again(&mut committed)?;
        let mut missing = HashMap::new();
        for partition in partitions {
            let (low, high) = client.fetch_watermarks(name, partition, ASK_TIMEOUT)?;
            let next = committed.get(&partition).map_or(low, |&next| next.max(low));
            missing.insert(partition, next..high);
        }
        // The high watermarks first: what comes after them is found by the next question.
        let without_records = self.member.without_records(&missing).unwrap_or_else(|error| {
            debug!(kafka.topic = name, %error, "whether records are missing is not known: counting all offsets");
            HashSet::new()
        });
        let behind = |(partition, offsets): (i32, Range<i64>)| match without_records.contains(&partition) {
            true => (partition, 0),
            false => (partition, (offsets.end - offsets.start).max(0)),
        };
        Ok(missing.into_iter().map(behind).collect())
    }
}

/// The thread that polls, and does nothing else; and what it shares with those who ask.
struct Member {
    brokers: Brokers,
    group: String,
    topic: String,
    client: Mutex<Arc<Client>>,
    assignments: Arc<Assignments>,
    /// What was committed here: by partition, under which ownership and up to where.
    kept: Mutex<HashMap<i32, (u64, i64)>>,
    /// Made when it is needed first.
    probe: Mutex<Option<Probe>>,
    answered_at: Mutex<Instant>,
    /// Set where the client must be made anew.
    deaf: AtomicBool,
    stop: AtomicBool,
}

fn join(brokers: &Brokers, group: &str, topic: &str, told: Told) -> KafkaResult<Client> {
    let client: Client = brokers.group_client(group).create_with_context(told)?;
    client.subscribe(&[topic])?;
    Ok(client)
}

impl Member {
    /// A member that had lost a partition may have set its offset back before it learnt that: the owner knows better.
    fn commit_again(&self, committed: &mut HashMap<i32, i64>) -> Result<(), KafkaError> {
        let mut offsets = TopicPartitionList::new();
        for (&partition, &(ownership, next)) in &*self.kept.lock() {
            if self.assignments.owns(partition, ownership) && committed.get(&partition).is_none_or(|&is| is < next) {
                offsets.add_partition_offset(&self.topic, partition, Offset::Offset(next))?;
                committed.insert(partition, next);
            }
        }
        if offsets.count() == 0 {
            return Ok(());
        }
        self.client().commit(&offsets, CommitMode::Sync)
    }

    fn client(&self) -> Arc<Client> {
        Arc::clone(&self.client.lock())
    }

    fn heard_from_brokers(&self, answered: bool) {
        let mut answered_at = self.answered_at.lock();
        if answered {
            *answered_at = Instant::now();
        } else if answered_at.elapsed() > UNANSWERED_MAX {
            *answered_at = Instant::now(); // another client has as long
            self.deaf.store(true, Ordering::Relaxed);
        }
    }

    /// The partitions in which control records alone stand at these offsets.
    fn without_records(&self, missing: &HashMap<i32, Range<i64>>) -> KafkaResult<HashSet<i32>> {
        let missing = missing.iter().filter(|(_, offsets)| !offsets.is_empty());
        let missing: HashMap<i32, Range<i64>> =
            missing.map(|(&partition, offsets)| (partition, offsets.clone())).collect();
        if missing.is_empty() || self.stop.load(Ordering::Relaxed) {
            return Ok(HashSet::new());
        }
        let mut probe = self.probe.lock();
        let mut made = match probe.take() {
            Some(made) => made,
            None => Probe::new(&self.brokers, &self.topic)?,
        };
        let without_records = made.without_records(&missing);
        match &without_records {
            Ok(_) => *probe = Some(made),
            // Another one may have more luck.
            Err(_) => made.close(),
        }
        without_records
    }

    fn run(&self, sender: &mpsc::Sender<GroupRecord>, pause_after: Duration) {
        let mut client = self.client();
        let mut handoff = Handoff::new(&self.topic, &self.assignments, sender, pause_after);
        let mut troubled = false;
        while !self.stop.load(Ordering::Relaxed) {
            let handed_over = match client.poll(POLL) {
                None => Ok(()),
                Some(Ok(message)) => {
                    troubled = false;
                    let record = copy_out(&message);
                    drop(message);
                    let ownership = self.assignments.number(record.partition);
                    handoff.hand_over(&client, GroupRecord { record, ownership })
                }
                Some(Err(error)) => {
                    if !std::mem::replace(&mut troubled, true) {
                        warn!(kafka.topic = self.topic, error = self.why(&error), "kafka reports trouble, trying on");
                    }
                    std::thread::sleep(RETRY);
                    Ok(())
                }
            };
            if let Err(Closed) = handed_over.and_then(|()| handoff.go_on(&client)) {
                break;
            }
            if self.deaf.swap(false, Ordering::Relaxed) {
                client = self.renewed(client);
                handoff.forget_paused();
            }
        }
        client.unsubscribe();
        if let Some(probe) = self.probe.lock().take() {
            probe.close();
        }
    }

    /// Another client in the place of this one.
    fn renewed(&self, client: Arc<Client>) -> Arc<Client> {
        match join(&self.brokers, &self.group, &self.topic, client.context().renewed()) {
            Ok(renewed) => {
                debug!(kafka.topic = self.topic, "the kafka client hears nothing and is made anew");
                let renewed = Arc::new(renewed);
                *self.client.lock() = Arc::clone(&renewed);
                leave_behind(&self.topic, client);
                renewed
            }
            Err(error) => {
                warn!(kafka.topic = self.topic, %error, "cannot make a kafka client anew, trying on");
                std::thread::sleep(RETRY);
                self.deaf.store(true, Ordering::Relaxed);
                client
            }
        }
    }

    fn why(&self, error: &KafkaError) -> String {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::GroupAuthorizationFailed) => self.brokers.denied(Right::Group(&self.group)),
            _ if is_denial(error) => self.brokers.denied(Right::Read(&self.topic)),
            _ => self.client().context().reason().unwrap_or_else(|| error.to_string()),
        }
    }
}
