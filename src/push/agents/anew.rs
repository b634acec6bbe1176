//! What becomes of the agents' calls when something panicked while it changed them: half a change is not gone on with.

use std::collections::BTreeMap;

use super::Agents;
use crate::push::open_calls::CallKey;
use crate::push::seat::Seat;

impl Agents {
    /// Something panicked while it changed what is known here: it may be half changed.
    pub fn is_broken(&self) -> bool {
        self.inner.is_poisoned()
    }

    /// Forgets every call, and of what sessions were told all but which calls they show, as if their clients had just come with
    /// them. The calls are known again when the replay window was read again.
    pub fn begin_anew(&self) {
        let mut inner = self.lock();
        inner.calls = inner.calls.emptied();
        (inner.caught_up, inner.unreceived) = (false, BTreeMap::new());
        inner.seats.all_mut().for_each(Seat::begin_anew);
        drop(inner);
        self.inner.clear_poison();
    }
}

/// Where tests let a change of the state end in its middle; without failpoints, nothing.
pub(super) fn panic_if_asked(_key: &CallKey) {
    fail::fail_point!("push::hear", _key.call_id.contains("panics while the state changes"), |_| ());
}
