//! What all outboxes of the node hold together, in bytes, and which one goes where that is too much.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::outbox::Shared;
use crate::metrics::memory::Memory;

/// A frame of this size goes to a session that reads, whatever the others hold: most timelines are smaller. Only outboxes that
/// hold more are looked at where the node's bound is reached.
pub const SMALL_BYTES: usize = 256 << 10;

/// The outboxes of one node.
///
/// Where they hold `http.outboxes_bytes_max` together, the one that holds most goes first: it is that of somebody who does not read,
/// and who comes back to a fresh start. Refusing the newcomer instead would let one agent who does not read take the pops
/// from everybody. A frame is refused only where its own outbox would hold most; and not even there if it is small and nothing
/// waits before it. So all together hold at most the bound and one small frame a session.
pub struct Outboxes {
    bytes_max: usize,
    pub memory: Memory,
    /// Those that hold more than a small frame, by their address.
    large: Mutex<HashMap<usize, Arc<Held>>>,
}

/// What one outbox holds: frames that wait, and the one that is being written.
pub struct Held {
    bytes: AtomicUsize,
    all: Arc<Outboxes>,
    outbox: Weak<Shared>,
}

/// A frame's part of it. Counted for each session: a frame carries its session's version of a call and is encoded for it alone; only
/// what is kept to be sent again shares its bytes, and is counted there, too.
#[derive(Debug)]
pub struct Share {
    held: Arc<Held>,
    bytes: usize,
}

impl Outboxes {
    pub fn new(bytes_max: usize, memory: Memory) -> Arc<Self> {
        Arc::new(Self { bytes_max, memory, large: Mutex::default() })
    }

    pub fn lack(&self, bytes: usize) -> bool {
        usize::try_from(self.memory.outbox_bytes.get()).unwrap_or(0) + bytes > self.bytes_max
    }

    /// Closes those that hold most until so many bytes more fit, but for `own` and for those that hold no more than `own` then would.
    /// Called without the lock of any outbox.
    pub fn make_room(&self, bytes: usize, own: &Arc<Held>) {
        if !self.lack(bytes) {
            return;
        }
        let least = own.bytes() + bytes;
        let others = |held: &&Arc<Held>| !Arc::ptr_eq(held, own) && held.bytes() > least;
        let mut largest: Vec<_> =
            self.large.lock().values().filter(others).map(|held| (held.bytes(), Arc::clone(held))).collect();
        largest.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
        for outbox in largest.iter().filter_map(|(_, held)| held.outbox.upgrade()) {
            if !self.lack(bytes) {
                return;
            }
            outbox.make_way();
        }
    }
}

impl Held {
    pub fn of(all: &Arc<Outboxes>, outbox: Weak<Shared>) -> Arc<Self> {
        Arc::new(Self { bytes: AtomicUsize::new(0), all: Arc::clone(all), outbox })
    }

    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::SeqCst)
    }

    pub fn all(&self) -> &Outboxes {
        &self.all
    }

    /// Whoever changes the size last sees it as it stays.
    fn crossed(self: &Arc<Self>) {
        let mut large = self.all.large.lock();
        if self.bytes() > SMALL_BYTES {
            large.insert(Arc::as_ptr(self) as usize, Arc::clone(self));
        } else {
            large.remove(&(Arc::as_ptr(self) as usize));
        }
    }
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Held({} bytes)", self.bytes())
    }
}

impl Share {
    pub fn of(held: &Arc<Held>, bytes: usize) -> Self {
        held.all.memory.outbox_bytes.inc_by(i64::try_from(bytes).unwrap_or(i64::MAX));
        let before = held.bytes.fetch_add(bytes, Ordering::SeqCst);
        if before <= SMALL_BYTES && before + bytes > SMALL_BYTES {
            held.crossed();
        }
        Self { held: Arc::clone(held), bytes }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Self { held, bytes } = self;
        held.all.memory.outbox_bytes.dec_by(i64::try_from(*bytes).unwrap_or(i64::MAX));
        let before = held.bytes.fetch_sub(*bytes, Ordering::SeqCst);
        if before > SMALL_BYTES && before - *bytes <= SMALL_BYTES {
            held.crossed();
        }
    }
}
