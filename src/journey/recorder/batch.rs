//! What was read and is not yet kept.

use std::collections::{BTreeMap, HashMap};

use chrono::Utc;
use tracing::warn;

use super::reading::{Read, Reading};
use super::{Kind, Recorder};
use crate::journey::{Change, SetAside, WriteBatch};
use crate::kafka::{Heard, Record, Resume};
use crate::record::{Mark, Marks, Refusal};

/// Records in one transaction.
const BATCH_RECORDS_MAX: usize = 2000;
/// What is read at a time before it is written: large records that keep coming must not put off those that were read.
const GATHERED_BYTES_MAX: usize = 4 << 20;

#[derive(Default)]
pub struct Batch {
    pub content: WriteBatch,
    /// Where each of the changes was read: partition and offset.
    pub places: Vec<(i32, i64)>,
    pub next: HashMap<i32, Resume>,
    /// Under which ownership each partition was read.
    pub ownerships: BTreeMap<i32, u64>,
    pub caught_up: bool,
    pub unreachable: bool,
}

impl Batch {
    /// The next record of each partition to be kept or set aside; where there is none, the next to be read.
    pub fn begins(&self) -> BTreeMap<i32, i64> {
        let mut begins: BTreeMap<i32, i64> =
            self.next.iter().map(|(&partition, resume)| (partition, resume.next)).collect();
        let set_aside = self.content.set_aside.iter().map(|record| (record.partition, record.offset));
        for (partition, offset) in self.places.iter().copied().chain(set_aside) {
            let first = begins.entry(partition).or_insert(offset);
            *first = offset.min(*first);
        }
        begins
    }

    /// What was read under an earlier ownership is read again.
    fn is_owned_under(&mut self, partition: i32, ownership: u64) {
        if self.ownerships.get(&partition).is_some_and(|before| *before != ownership) {
            self.give_up(&[partition]);
        }
        self.ownerships.insert(partition, ownership);
    }

    /// Leaves out what was read of these partitions: who owns them now reads it again.
    pub fn give_up(&mut self, partitions: &[i32]) {
        let is_given_up = |partition: &i32| partitions.contains(partition);
        let mut places = self.places.iter();
        self.content.changes.retain(|_| !places.next().is_some_and(|(partition, _)| is_given_up(partition)));
        self.places.retain(|(partition, _)| !is_given_up(partition));
        self.content.set_aside.retain(|record| !is_given_up(&record.partition));
        self.next.retain(|partition, _| !is_given_up(partition));
        self.ownerships.retain(|partition, _| !is_given_up(partition));
    }
}

impl Recorder {
    /// What is there already, up to a batch.
    pub(super) fn gather(&self, first: Read, reading: &mut Reading) -> Batch {
        let mut batch = Batch::default();
        self.take(first, &mut batch);
        self.gather_more(&mut batch, reading);
        batch
    }

    pub(super) fn gather_more(&self, batch: &mut Batch, reading: &mut Reading) {
        let mut bytes = 0;
        while batch.content.changes.len() + batch.content.set_aside.len() < BATCH_RECORDS_MAX
            && bytes < GATHERED_BYTES_MAX
        {
            let Some(read) = reading.next_if_ready() else { return };
            bytes += read.bytes();
            self.take(read, batch);
        }
    }

    fn take(&self, Read { heard, ownership }: Read, batch: &mut Batch) {
        match heard {
            Heard::Record(record) => {
                batch.is_owned_under(record.partition, ownership);
                let read_up_to = Resume { next: record.offset + 1, last_record: record.fingerprint() };
                batch.next.insert(record.partition, read_up_to);
                match self.kind.read(&record, &self.rules, self.record_bytes_max) {
                    Ok((Change::Interaction(other), _)) if !self.sources.contains(&other.source) => {}
                    Ok((change, marks)) => {
                        self.count(&change, &marks);
                        batch.content.changes.push(change);
                        batch.places.push((record.partition, record.offset));
                    }
                    Err(refusal) => batch.content.set_aside.push(self.refuse(&record, refusal)),
                }
            }
            // Where it goes on is known with its next record.
            Heard::Gap { partition, .. } => _ = batch.next.remove(&partition),
            Heard::CaughtUp => (batch.caught_up, batch.unreachable) = (true, false),
            Heard::Unreachable => (batch.caught_up, batch.unreachable) = (false, true),
        }
    }

    fn refuse(&self, record: &Record, refusal: Refusal) -> SetAside {
        self.refused.note(&self.topic, record, refusal);
        if self.kind == Kind::Erasures {
            self.metrics.recorders.erasure_unread();
        }
        SetAside::refused(&self.topic, record, refusal, Utc::now())
    }

    fn warn_once(&self, mark: Mark) {
        if self.warned.lock().insert(mark) {
            warn!(
                kafka.topic = self.topic,
                mark = mark.name(),
                "records are kept, but not as they came: {mark}; further ones are counted only"
            );
        }
    }

    /// Kept, and for somebody to look at.
    fn count(&self, change: &Change, marks: &Marks) {
        self.metrics.addresses_as_given(&self.topic, change.addresses_as_given());
        for mark in marks.iter() {
            self.metrics.marked(&self.topic, mark);
            self.warn_once(mark);
        }
        let Change::Interaction(interaction) = change else { return };
        if let Some(outcome) = &interaction.outcome
            && self.catalogue.lacks_outcome(interaction.campaign.as_deref(), outcome)
        {
            self.metrics.unmapped_outcome();
        }
        if interaction.ended_at.is_some_and(|at| at < interaction.started_at) {
            self.metrics.ended_before_start();
        }
    }
}
