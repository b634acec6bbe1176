//! Texts that were seen once: a text is worth a row of its own when it comes again.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{Held, Memory, Part};

/// What a hash takes in a set that has room to grow.
const HASH_BYTES: usize = 20;
/// Hashes in each of the two sets, however much memory there is.
const SEEN_MAX: usize = 1 << 17;

/// Two sets of hashes: when the newer one is full, the older one is forgotten.
#[derive(Debug)]
pub struct Seen {
    newer: FxHashSet<u64>,
    older: FxHashSet<u64>,
    each_max: usize,
    held: Held,
}

impl Seen {
    pub fn new(memory: &Arc<Memory>, bytes_max: usize) -> Self {
        let each_max = (bytes_max / 2 / HASH_BYTES).min(SEEN_MAX);
        Self { newer: FxHashSet::default(), older: FxHashSet::default(), each_max, held: Held::new(memory, bytes_max) }
    }

    /// Whether this part had this text before; notes that it has.
    pub fn again(&mut self, part: Part, text: &str) -> bool {
        let hash = xxh3_64_with_seed(text.as_bytes(), part as u64);
        if self.newer.contains(&hash) || self.older.contains(&hash) {
            return true;
        }
        if self.newer.len() >= self.each_max {
            self.older = std::mem::take(&mut self.newer);
            self.held.clear();
            self.held.add(self.older.len() * HASH_BYTES);
        }
        if self.each_max > 0 {
            self.newer.insert(hash);
            self.held.add(HASH_BYTES);
        }
        false
    }

    pub fn clear(&mut self) {
        (self.newer, self.older) = Default::default();
        self.held.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_to_have_come_before_in_bounded_memory() {
        let memory = Memory::new(1 << 20);
        let mut seen = Seen::new(&memory, 4000);
        assert!(!seen.again(Part::Mode, "home"));
        assert!(seen.again(Part::Mode, "home"));
        assert!(!seen.again(Part::Channel, "home"), "another part of the same interaction may have it");
        for nth in 0..10_000 {
            assert!(!seen.again(Part::Outcome, &nth.to_string()));
            assert!(memory.bytes() <= 4000 && seen.newer.len() + seen.older.len() <= 4000 / HASH_BYTES);
        }
        assert!(seen.again(Part::Outcome, "9950"), "the latest are known");
        assert!(!seen.again(Part::Mode, "home"), "of long ago");
        seen.clear();
        assert_eq!(memory.bytes(), 0);
    }
}
