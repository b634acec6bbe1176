//! The fences under which a shared store takes what was read: who owned a partition before and is late writes nothing any more.

use std::collections::HashMap;

use crate::journey::store::Fence;

#[derive(Default)]
pub struct Fences {
    /// By partition: the ownership for which a fence was claimed, and the fence.
    claimed: HashMap<i32, (u64, Fence)>,
    /// By partition: the last ownership of which something was given up. What else was read under it is not kept either: the records
    /// before it are missing, and an offset behind them would be committed.
    given_up: HashMap<i32, u64>,
}

impl Fences {
    /// The fence of this ownership, where it was claimed.
    pub fn of(&self, partition: i32, ownership: u64) -> Option<&Fence> {
        self.claimed.get(&partition).filter(|(claimed_for, _)| *claimed_for == ownership).map(|(_, fence)| fence)
    }

    pub fn claimed(&mut self, ownership: u64, fence: Fence) {
        self.claimed.insert(fence.partition, (ownership, fence));
    }

    /// Others may have claimed since.
    pub fn forget(&mut self, partitions: impl IntoIterator<Item = i32>) {
        for partition in partitions {
            self.claimed.remove(&partition);
        }
    }

    pub fn give_up(&mut self, partition: i32, ownership: u64) {
        self.given_up.insert(partition, ownership);
        self.claimed.remove(&partition);
    }

    pub fn is_given_up(&self, partition: i32, ownership: u64) -> bool {
        self.given_up.get(&partition).is_some_and(|given_up| ownership <= *given_up)
    }
}
