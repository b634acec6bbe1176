//! Puts what was read into the store. Only an absent store is waited for; what it refuses is set aside with its place.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;

use super::batch::Batch;
use super::reading::Reading;
use super::{Fences, Kept, Recorder, Waiting};
use crate::journey::SetAside;
use crate::journey::keep::{NotKept, Refused, sift};
use crate::journey::store::{Fence, Offset, StoreError, WriteBatch, Written};
use crate::kafka::{GroupConsumer, Resume};

/// Between two questions whether a partition is still owned.
const VERIFY_AGAIN: Duration = Duration::from_millis(250);

impl Recorder {
    /// Waits as long as it takes: what was read is kept, in order, or nothing after it.
    pub(super) async fn keep(&self, mut batch: Batch, reading: &mut Reading, fences: &mut Fences) {
        // Nothing is current while it is being written, nor while nobody can know what is new.
        let was_current = self.currency.behind(&self.topic, Utc::now());
        let written = self.write(&mut batch, reading, fences).await;
        self.metrics.recorded(&self.topic, &written);
        self.announce(written.touched, reading).await;
        reading.kept(&batch.next);
        match reading {
            Reading::Shared(group) => {
                // An offset of a partition that went to another node meanwhile is that one's to commit.
                give_up_the_lost(&mut batch, group, fences);
                let next = batch.next.iter().map(|(&partition, resume)| (partition, resume.next)).collect();
                group.commit(&next).await;
            }
            Reading::Own { .. } if batch.caught_up || (was_current && !batch.unreachable) => {
                self.currency.caught_up(&self.topic);
            }
            Reading::Own { .. } => {}
        }
    }

    async fn write(&self, batch: &mut Batch, reading: &mut Reading, fences: &mut Fences) -> Written {
        let mut waiting = Waiting::new(self, "cannot keep what was read").at(batch.begins());
        let mut written = Written::default();
        loop {
            match self.try_write(batch, reading, fences, &mut written).await {
                Ok(()) => {
                    waiting.end();
                    return written;
                }
                Err(NotKept::Store(StoreError::Fenced)) => fences.forget(batch.ownerships.keys().copied()),
                Err(NotKept::NotOwned) => {}
                Err(not_kept @ NotKept::StoreRefuses(_)) => {
                    waiting.after(&not_kept).await;
                    // Further records may show that it is not the store.
                    self.gather_more(batch, reading);
                }
                Err(not_kept) => waiting.after(&not_kept).await,
            }
        }
    }

    /// Adds to `written` what it wrote, also where that was a part of the batch: the next try finds it known.
    async fn try_write(
        &self,
        batch: &mut Batch,
        reading: &Reading,
        fences: &mut Fences,
        written: &mut Written,
    ) -> Result<(), NotKept> {
        let held = self.fences_for(batch, reading, fences).await?;
        let mut content = std::mem::take(&mut batch.content);
        (content.offsets, content.fences) = (self.offsets(batch, reading), held);
        if content.is_empty() {
            return Ok(());
        }
        let content = Arc::new(content);
        let wrote = match self.store.write(Arc::clone(&content)).await {
            Ok(wrote) => {
                written.join(wrote);
                Ok(())
            }
            Err(error) if error.concerns_record() => self.write_without_the_refused(&content, batch, written).await,
            Err(error) => Err(error.into()),
        };
        // The store has let go of it: nothing is copied.
        batch.content = Arc::unwrap_or_clone(content);
        wrote
    }

    /// What the store refuses is set aside in the transaction that says how far the topic was read.
    async fn write_without_the_refused(
        &self,
        content: &WriteBatch,
        batch: &Batch,
        written: &mut Written,
    ) -> Result<(), NotKept> {
        let refused = sift(&self.store, &content.changes, &content.fences, written).await?;
        let set_aside = refused.iter().map(|refused| self.refused_by_the_store(refused, batch.places[refused.nth]));
        let rest = WriteBatch {
            changes: Vec::new(),
            set_aside: content.set_aside.iter().cloned().chain(set_aside).collect(),
            offsets: content.offsets.clone(),
            fences: content.fences.clone(),
        };
        written.join(self.store.write(Arc::new(rest)).await?);
        // Only now: where the store fails before it, they are refused once more.
        for refused in &refused {
            self.refused.note_by_the_store(&self.topic, batch.places[refused.nth], &refused.reason);
        }
        Ok(())
    }

    fn refused_by_the_store(&self, refused: &Refused, (partition, offset): (i32, i64)) -> SetAside {
        let (topic, reason) = (self.topic.clone(), refused.reason.clone());
        SetAside { topic, partition, offset, reason, field: None, at: Utc::now() }
    }

    /// The fences of the partitions that the batch was read from; what was read of partitions that others own by now is left out.
    async fn fences_for(
        &self,
        batch: &mut Batch,
        reading: &Reading,
        fences: &mut Fences,
    ) -> Result<Vec<Fence>, NotKept> {
        let Reading::Shared(group) = reading else { return Ok(Vec::new()) };
        give_up_the_lost(batch, group, fences);
        let mut unclaimed = Vec::new();
        for (&partition, &ownership) in &batch.ownerships {
            if fences.of(partition, ownership).is_none()
                && let Some(fence) = self.store.claim(&self.group, partition).await?
            {
                fences.claimed(ownership, fence);
                unclaimed.push(partition);
            }
        }
        // Claiming may have taken long.
        give_up_the_lost(batch, group, fences);
        // The brokers take a commit of the group's present members alone: who was in the group after it had claimed, and owns the
        // partition still, owned it when it claimed. Others may have claimed since, and then write under a greater generation.
        let begins = batch.begins().into_iter().filter(|(partition, _)| unclaimed.contains(partition)).collect();
        if group.verify(begins).await.is_err() {
            fences.forget(unclaimed);
            // The group is being shared out anew, or the brokers are away: which of both shows itself.
            tokio::time::sleep(VERIFY_AGAIN).await;
        }
        give_up_the_lost(batch, group, fences);
        let held = batch.ownerships.iter().map(|(partition, ownership)| fences.of(*partition, *ownership).cloned());
        held.collect::<Option<Vec<_>>>().ok_or(NotKept::NotOwned)
    }

    fn offsets(&self, batch: &Batch, reading: &Reading) -> Vec<Offset> {
        let Reading::Own { cluster: Some(cluster), .. } = reading else { return Vec::new() };
        let at = |(&partition, resume): (&i32, &Resume)| Offset {
            cluster: cluster.clone(),
            topic: self.topic.clone(),
            partition,
            next: resume.next,
            last_record: resume.last_record,
        };
        batch.next.iter().map(at).collect()
    }

    /// Open timelines on this node follow; those on all nodes hear of a shared store's changes through [`super::tail`].
    async fn announce(&self, touched: BTreeSet<String>, reading: &Reading) {
        if matches!(reading, Reading::Own { .. }) && !touched.is_empty() {
            // Waiting here slows recording down, never a pop. An ended receiver means that we are stopping.
            _ = self.kept.send(Kept { touched }).await;
        }
    }
}

/// Others own these partitions now, and read them again from where they were kept.
fn give_up_the_lost(batch: &mut Batch, group: &GroupConsumer, fences: &mut Fences) {
    let is_lost =
        |partition: i32, ownership: u64| !group.owns(partition, ownership) || fences.is_given_up(partition, ownership);
    let lost: Vec<(i32, u64)> =
        batch.ownerships.iter().map(|(&partition, &ownership)| (partition, ownership)).collect();
    let lost: Vec<(i32, u64)> =
        lost.into_iter().filter(|&(partition, ownership)| is_lost(partition, ownership)).collect();
    for (partition, ownership) in lost {
        fences.give_up(partition, ownership);
        batch.give_up(&[partition]);
    }
}
