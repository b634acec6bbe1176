//! The thread that polls, and what it shares with the one that asks.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use chrono::DateTime;
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _, Timestamp};
use rdkafka::types::RDKafkaErrorCode;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{Heard, Hears, Next, Resume, Start};
use crate::kafka::{Brokers, Record, Right, Told, is_denial, leave_behind};

mod asking;
mod progress;

use asking::Asking;
use progress::Progress;

/// How long one poll waits before it looks whether to stop.
const POLL: Duration = Duration::from_millis(100);
/// Until the topic was found for the first time.
const FIRST_DISCOVERY: Duration = Duration::from_millis(200);

/// Polls a topic, and tells whoever hears. Dropping it lets its threads end by themselves; [`Poller::close`] waits for them.
pub struct Poller {
    /// Cancelled when the polling thread has ended, however it did.
    over: CancellationToken,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    brokers: Brokers,
    topic: String,
    start: Start,
    stop: AtomicBool,
    /// What the clients tell, one after the other.
    told: Told,
    /// Set where the client must be made anew.
    renew: AtomicBool,
    /// Set where the next client must read everything again.
    again: AtomicBool,
    /// The last question was answered, for every partition.
    reachable: AtomicBool,
    /// The partitions that the topic had when it was first found; later ones are read from their beginning.
    original: OnceLock<Vec<i32>>,
    /// The first offset that was heard of each partition.
    began_at: Mutex<HashMap<i32, i64>>,
    partitions: Arc<Mutex<HashMap<i32, Progress>>>,
    /// What the first record of a partition is held against.
    verify: Mutex<HashMap<i32, Resume>>,
    /// Partitions whose kept offsets belong to another topic of the same name.
    from_earliest: Mutex<HashSet<i32>>,
    caught_up: AtomicBool,
    to: Box<dyn Hears>,
}

impl Poller {
    pub fn start(
        brokers: &Brokers,
        topic: &str,
        start: Start,
        errors: Counter,
        to: impl Hears,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            brokers: brokers.clone(),
            topic: topic.to_owned(),
            start,
            stop: AtomicBool::new(false),
            told: brokers.told_and_counted(errors),
            renew: AtomicBool::new(false),
            again: AtomicBool::new(false),
            reachable: AtomicBool::new(true),
            original: OnceLock::new(),
            began_at: Mutex::default(),
            partitions: Arc::default(),
            verify: Mutex::default(),
            from_earliest: Mutex::default(),
            caught_up: AtomicBool::new(false),
            to: Box::new(to),
        });
        let (run, over) = (Arc::clone(&shared), CancellationToken::new());
        let ended = over.clone().drop_guard();
        let thread = std::thread::Builder::new().name(format!("hear-{topic}")).spawn(move || {
            let _ended = ended;
            run.run();
        })?;
        Ok(Self { over, shared, thread: Some(thread) })
    }

    /// Until its thread has ended, which before [`Poller::close`] only a bug or a deaf listener does.
    pub async fn over(&self) {
        self.over.cancelled().await;
    }

    /// Records that were not polled yet, by partition.
    pub fn lag(&self) -> Lag {
        let Shared { topic, partitions, .. } = &*self.shared;
        Lag { topic: topic.clone(), partitions: Arc::clone(partitions), of_kept: false }
    }

    /// Until stopped, or until nothing can be heard any more; then closed.
    pub async fn run_until(self, stop: CancellationToken, close_limit: Duration) {
        _ = stop.run_until_cancelled(self.over()).await;
        self.close(close_limit).await;
    }

    /// Ends both threads. Closing a client whose brokers are gone takes 12 s and more: `limit` bounds the wait.
    pub async fn close(mut self, limit: Duration) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let joined = tokio::task::spawn_blocking(move || thread.join());
            if tokio::time::timeout(limit, joined).await.is_err() {
                warn!(kafka.topic = self.shared.topic, "the kafka client did not close in time and is left behind");
            }
        }
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

/// Reads a poller's lag from elsewhere; holds on to nothing else of it.
#[derive(Clone)]
pub struct Lag {
    topic: String,
    partitions: Arc<Mutex<HashMap<i32, Progress>>>,
    /// It counts from what was reported as kept, else from what was polled.
    of_kept: bool,
}

impl Lag {
    /// Counts records that are not [kept](Lag::kept) yet, whether or not they were polled.
    pub(super) fn of_kept(self) -> Self {
        Self { of_kept: true, ..self }
    }

    /// Everything before this offset is kept. Until it is first reported, that is where reading started.
    pub fn kept(&self, partition: i32, next: i64) {
        if let Some(progress) = self.partitions.lock().get_mut(&partition) {
            progress.kept = next;
        }
    }

    pub fn topic(&self) -> &str {
        &self.topic
    }

    pub fn by_partition(&self) -> Vec<(i32, i64)> {
        let lag = |progress: &Progress| progress.lag_from(if self.of_kept { progress.kept } else { progress.next });
        self.partitions.lock().iter().map(|(partition, progress)| (*partition, lag(progress))).collect()
    }
}

impl Shared {
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// One client after the other, until stopped.
    fn run(self: Arc<Self>) {
        while !self.stopped() {
            match self.brokers.consumer_client().create_with_context(self.told.clone()) {
                Ok(client) => {
                    let client = Arc::new(client);
                    self.run_client(&client);
                    if !self.stopped() {
                        leave_behind(&self.topic, client);
                    }
                }
                Err(error) => warn!(kafka.topic = self.topic, %error, "cannot make a kafka client, trying again"),
            }
            if !self.stopped() {
                std::thread::sleep(FIRST_DISCOVERY);
            }
        }
    }

    /// Lets another client go on where this one is.
    fn renew(&self) {
        self.renew.store(true, Ordering::Relaxed);
    }

    fn run_client(self: &Arc<Self>, client: &Arc<BaseConsumer<Told>>) {
        self.renew.store(false, Ordering::Relaxed);
        if self.again.swap(false, Ordering::Relaxed) {
            self.forget();
        }
        let ask = (Arc::clone(self), Arc::clone(client));
        let asking = std::thread::Builder::new()
            .name(format!("ask-{}", self.topic))
            .spawn(move || Asking::of(&ask.0, &ask.1).go_on());
        let Ok(asking) = asking else {
            return warn!(kafka.topic = self.topic, "cannot start a thread, trying again");
        };
        // The other thread ends when this one does; where a bug has ended it, a new client gets a new one.
        while !self.stopped() && !self.renew.load(Ordering::Relaxed) && !asking.is_finished() {
            let flow = match client.poll(POLL) {
                None => ControlFlow::Continue(()),
                Some(Ok(message)) => self.hand_over(&message),
                Some(Err(KafkaError::PartitionEOF(partition))) => self.at_end(partition),
                Some(Err(error)) => {
                    self.on_trouble(&error);
                    ControlFlow::Continue(())
                }
            };
            if flow.is_break() {
                break;
            }
        }
        self.renew();
        _ = asking.join();
    }

    /// Where it is; not where it began.
    fn forget(&self) {
        self.partitions.lock().clear();
        self.verify.lock().clear();
        self.caught_up.store(false, Ordering::Relaxed);
    }

    fn hand_over(&self, message: &BorrowedMessage<'_>) -> ControlFlow<()> {
        let record = copy_out(message);
        let partition = record.partition;
        let last = Resume { next: record.offset + 1, last_record: record.fingerprint() };
        match self.is_known(partition, last) {
            None => self.say(Heard::Record(record))?,
            Some(true) => {}
            Some(false) => return self.made_anew(partition, message.offset()),
        }
        if let Some(progress) = self.partitions.lock().get_mut(&partition) {
            progress.read(last, Instant::now());
        }
        self.say_if_caught_up()
    }

    /// The first record of a partition that was read before must be the last one read: `None` for any other record, or
    /// where that one is gone (compaction, retention).
    fn is_known(&self, partition: i32, read: Resume) -> Option<bool> {
        let resume = self.verify.lock().remove(&partition)?;
        (read.next == resume.next).then_some(read == resume)
    }

    /// Says it, and lets the asking half start the partition from its beginning.
    fn made_anew(&self, partition: i32, offset: i64) -> ControlFlow<()> {
        warn!(
            kafka.topic = self.topic,
            kafka.partition = partition,
            kafka.offset = offset,
            "the topic was made anew: reading it again"
        );
        self.say(Heard::Gap { partition, from: offset, to: 0 })?;
        self.partitions.lock().remove(&partition);
        self.from_earliest.lock().insert(partition);
        self.renew();
        ControlFlow::Continue(())
    }

    fn at_end(&self, partition: i32) -> ControlFlow<()> {
        if let Some(progress) = self.partitions.lock().get_mut(&partition) {
            progress.reach_end();
        }
        self.say_if_caught_up()
    }

    /// Says it once each time the end is reached after having been behind, or out of reach.
    fn say_if_caught_up(&self) -> ControlFlow<()> {
        let caught_up = self.reachable.load(Ordering::Relaxed) && {
            let partitions = self.partitions.lock();
            let all_known = self.original.get().is_some_and(|original| partitions.len() >= original.len());
            all_known && partitions.values().all(Progress::caught_up)
        };
        let before = self.caught_up.swap(caught_up, Ordering::Relaxed);
        if caught_up && !before { self.say(Heard::CaughtUp) } else { ControlFlow::Continue(()) }
    }

    /// `Break`: this client hears nothing more.
    fn say(&self, heard: Heard) -> ControlFlow<()> {
        if self.again.load(Ordering::Relaxed) {
            return ControlFlow::Break(());
        }
        match self.to.hear(heard) {
            Next::GoOn => return ControlFlow::Continue(()),
            Next::ReadAgain => {
                warn!(kafka.topic = self.topic, "reading the topic again");
                self.again.store(true, Ordering::Relaxed);
                self.renew();
            }
            Next::Stop => self.stop.store(true, Ordering::Relaxed),
        }
        ControlFlow::Break(())
    }

    /// Brokers come and go by themselves. A partition whose offset was refused comes no further in this client, which does not
    /// say which one it is.
    fn on_trouble(&self, error: &KafkaError) {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::OffsetOutOfRange | RDKafkaErrorCode::AutoOffsetReset) => {
                warn!(kafka.topic = self.topic, "an offset was refused: asking anew where each partition is");
                self.caught_up.store(false, Ordering::Relaxed);
                self.renew();
            }
            // None is joined.
            Some(RDKafkaErrorCode::GroupAuthorizationFailed) => {}
            _ if is_denial(error) => {
                warn!(
                    kafka.topic = self.topic,
                    error = self.brokers.denied(Right::Read(&self.topic)),
                    "kafka reports trouble"
                );
            }
            _ => match self.told.news() {
                Some(error) => warn!(kafka.topic = self.topic, error, "kafka reports trouble"),
                None => debug!(kafka.topic = self.topic, %error, "kafka reports trouble"),
            },
        }
    }
}

pub fn copy_out(message: &BorrowedMessage<'_>) -> Record {
    let (time, appended) = match message.timestamp() {
        Timestamp::NotAvailable => (None, false),
        Timestamp::CreateTime(millis) => (DateTime::from_timestamp_millis(millis), false),
        Timestamp::LogAppendTime(millis) => (DateTime::from_timestamp_millis(millis), true),
    };
    let headers = message.headers().map(|headers| {
        headers.iter().map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec())).collect()
    });
    Record {
        partition: message.partition(),
        offset: message.offset(),
        time,
        appended,
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers.unwrap_or_default(),
    }
}
