//! The fences under which a shared store takes what was read: who owned a partition before and is late writes nothing any more.

use std::collections::HashMap;

use crate::journey::store::Fence;

/// By partition: the ownership for which a fence was claimed, and the fence.
#[derive(Default)]
pub struct Fences(HashMap<i32, (u64, Fence)>);

impl Fences {
    /// The fence of this ownership, where it was claimed.
    pub fn of(&self, partition: i32, ownership: u64) -> Option<&Fence> {
        self.0.get(&partition).filter(|(claimed_for, _)| *claimed_for == ownership).map(|(_, fence)| fence)
    }

    pub fn claimed(&mut self, ownership: u64, fence: Fence) {
        self.0.insert(fence.partition, (ownership, fence));
    }

    /// Others own these, or did: what was claimed holds no longer.
    pub fn forget(&mut self, partitions: impl IntoIterator<Item = i32>) {
        for partition in partitions {
            self.0.remove(&partition);
        }
    }
}
