//! Hands records over to the reader without blocking the poll loop: while the reader is slow, partitions are paused.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer as _;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tracing::{debug, info};

use super::{Client, GroupRecord};
use crate::kafka::assignments::Assignments;

/// How often a full channel is looked at before partitions are paused.
const LOOK: Duration = Duration::from_millis(1);

pub(super) struct Handoff<'a> {
    topic: &'a str,
    assignments: &'a Assignments,
    sender: &'a mpsc::Sender<GroupRecord>,
    /// A shorter wait for room does not pause: pausing discards librdkafka's prefetched records.
    pause_after: Duration,
    /// Polled and not yet handed over: one record, and one more for each partition paused.
    pending: VecDeque<GroupRecord>,
    /// Set while the reader is too slow.
    pausing: bool,
    /// Paused partitions, with the ownership under which they were.
    paused: HashMap<i32, u64>,
}

/// The reader is gone.
pub(super) struct Closed;

impl<'a> Handoff<'a> {
    pub(super) fn new(
        topic: &'a str,
        assignments: &'a Assignments,
        sender: &'a mpsc::Sender<GroupRecord>,
        pause_after: Duration,
    ) -> Self {
        let (pending, paused) = (VecDeque::new(), HashMap::new());
        Self { topic, assignments, sender, pause_after, pending, pausing: false, paused }
    }

    /// Waits up to `pause_after` for room, then pauses.
    pub(super) fn hand_over(&mut self, client: &Client, record: GroupRecord) -> Result<(), Closed> {
        let (partition, ownership) = (record.record.partition, record.ownership);
        self.pending.push_back(record);
        let since = Instant::now();
        while !self.pausing && !self.send_pending()? {
            if since.elapsed() < self.pause_after {
                std::thread::sleep(LOOK);
            } else {
                self.pausing = true;
                info!(kafka.topic = self.topic, "records are read more slowly than they come: pausing");
            }
        }
        if self.pausing {
            // Only a partition that has delivered a record can be paused safely: a pause or resume while its first offset is
            // being looked up can lose the answer.
            self.paused.insert(partition, ownership);
            self.set_paused(client, partition, true);
        }
        Ok(())
    }

    /// After each poll: resumes once there is room for half the channel.
    pub(super) fn go_on(&mut self, client: &Client) -> Result<(), Closed> {
        // A pause outlives a revocation: the partition would come back paused.
        let lost = |(partition, ownership): (&i32, &u64)| !self.assignments.owns(*partition, *ownership);
        let lost: Vec<i32> =
            self.paused.iter().filter(|paused| lost(*paused)).map(|(partition, _)| *partition).collect();
        for partition in lost {
            self.paused.remove(&partition);
            self.set_paused(client, partition, false);
        }
        if self.sender.is_closed() {
            return Err(Closed);
        }
        if self.pausing && self.sender.capacity() >= self.sender.max_capacity() / 2 && self.send_pending()? {
            self.pausing = false;
            info!(kafka.topic = self.topic, "resuming");
            for (partition, _) in std::mem::take(&mut self.paused) {
                self.set_paused(client, partition, false);
            }
        }
        Ok(())
    }

    /// A new client has nothing paused.
    pub(super) fn forget_paused(&mut self) {
        self.paused.clear();
    }

    /// `false`: no room for all.
    fn send_pending(&mut self) -> Result<bool, Closed> {
        while let Some(record) = self.pending.pop_front() {
            match self.sender.try_send(record) {
                Ok(()) => {}
                Err(TrySendError::Full(record)) => {
                    self.pending.push_front(record);
                    return Ok(false);
                }
                Err(TrySendError::Closed(_)) => return Err(Closed),
            }
        }
        Ok(true)
    }

    fn set_paused(&self, client: &Client, partition: i32, pause: bool) {
        let mut list = TopicPartitionList::new();
        list.add_partition(self.topic, partition);
        let done = if pause { client.pause(&list) } else { client.resume(&list) };
        if let Err(error) = done {
            debug!(kafka.topic = self.topic, kafka.partition = partition, pause, %error, "not paused or resumed");
        }
    }
}
