//! Calls that are known no more: those that are too old, and those that exceed a limit. They end on the screens that show them.

use chrono::{DateTime, Utc};

use super::{Agents, Inner};
use crate::push::open_calls::{Forgotten, Over};
use crate::push::seat::Moment;

impl Agents {
    /// Ends calls whose end was never heard, on screens also those that were never heard of, and forgets old ones; gives back how
    /// many expired. Before the replay window was read nothing expires: the later events of a call may still be to come.
    pub fn expire(&self, now: DateTime<Utc>) -> usize {
        let moment = self.at(now);
        let mut inner = self.lock();
        inner.doubt_what_is_unknown(&moment);
        if inner.caught_up {
            inner.wrapped_up(now);
            inner.expire(&moment);
        }
        std::mem::take(&mut inner.expired)
    }
}

impl Inner {
    pub(super) fn expire(&mut self, moment: &Moment<'_>) {
        let gone = self.calls.expire(moment.now);
        self.expired += gone.iter().filter(|gone| gone.was_open).count();
        self.forget(gone, moment);
    }

    /// Ends on every screen what is known no more; also what was over already, where a client came with it as an open one.
    pub(super) fn forget(&mut self, forgotten: Vec<Forgotten>, moment: &Moment<'_>) {
        for Forgotten { key, .. } in forgotten {
            self.seats.for_each(&key.agent_id, |seat| {
                seat.tell_end(&key, &Over::EXPIRED, moment);
                seat.forget(&key);
            });
        }
    }
}
