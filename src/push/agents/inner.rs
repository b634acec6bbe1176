//! What changes in one step, under the lock.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Inner;
use crate::push::came_with::take_off_what_is_over;
use crate::push::digest::digest_of;
use crate::push::open_calls::{CallKey, Visible};
use crate::push::outlines::Slimmer;
use crate::push::seat::{Comes, Delivery, Moment, Seat, is_over};
use crate::push::session::Session;
use crate::push::{Call, Showing};

impl Inner {
    /// What a client shows of these agents' calls.
    pub fn comes_with(&mut self, session: &Session, showing: Vec<Showing>, of: &[String], moment: &Moment<'_>) {
        let Self { calls, seats, newcomers, caught_up, .. } = self;
        let Some(seat) = seats.get(session) else { return };
        let of: HashSet<&str> = of.iter().map(String::as_str).collect();
        let mut unknown = false;
        for Showing { call_id, agent_id, digest, ended } in showing {
            let agent_id = agent_id.unwrap_or_else(|| session.agent_id.as_str().into());
            if of.contains(agent_id.as_str()) {
                let key = calls.shared(CallKey { agent_id, call_id });
                unknown |= !calls.knows(&key);
                seat.comes(Comes { key, digest: digest.as_deref().and_then(digest_of), over: ended });
            }
        }
        if unknown {
            newcomers.add(seat, moment.now);
        }
        if *caught_up {
            take_off_what_is_over(seat, calls, moment);
        }
    }

    /// Before the replay window was read everything is unknown.
    pub fn doubt_what_is_unknown(&mut self, moment: &Moment<'_>) {
        let Self { calls, seats, newcomers, caught_up, .. } = self;
        while let Some(session) = newcomers.next_due(moment.now) {
            if let Some(seat) = seats.get(&session).filter(|_| *caught_up) {
                take_off_what_is_over(seat, calls, moment);
            }
        }
    }

    /// Tells a session something of a call that is on screens; what is kept of its timeline goes with its wrap-up.
    pub fn with_call(
        &mut self,
        key: &Arc<CallKey>,
        session: &Session,
        moment: &Moment<'_>,
        tell: impl FnOnce(&mut Seat, &Call) -> Delivery,
    ) -> Delivery {
        let Some(Visible { call, .. }) = self.calls.visible(key, moment.now) else { return Delivery::Gone };
        let seat = self.seats.get(session).filter(|seat| seat.is_for(&key.agent_id));
        let Some(seat) = seat else { return Delivery::Gone };
        let delivery = tell(seat, &call);
        if is_over(&call) {
            self.wraps_up(key, &call);
        }
        self.bound_outlines(moment);
        delivery
    }

    fn wraps_up(&mut self, key: &Arc<CallKey>, call: &Call) {
        self.wrapping_up.insert((call.at + self.keep_after_end, Arc::clone(key)));
    }

    /// Of calls whose wrap-up is over nothing is kept of their timelines.
    pub fn wrapped_up(&mut self, now: DateTime<Utc>) {
        while self.wrapping_up.first().is_some_and(|(due, _)| *due <= now) {
            let Some((_, key)) = self.wrapping_up.pop_first() else { return };
            if self.calls.visible(&key, now).is_none() {
                self.seats.for_each(&key.agent_id, |seat| seat.wrapped_up(&key));
            }
        }
    }

    /// Keeps less of calls that are over for longest, then of the oldest, where all together keep too much.
    fn bound_outlines(&mut self, moment: &Moment<'_>) {
        while let Some(key) = moment.outlines.surplus() {
            let mut slimmer = Slimmer::default();
            self.seats.for_each(&key.agent_id, |seat| seat.slim(&key, &mut slimmer, moment));
        }
    }

    pub fn tell_state(&mut self, key: &Arc<CallKey>, moment: &Moment<'_>) {
        let Some(Visible { call, .. }) = self.calls.visible(key, moment.now) else { return };
        self.seats.for_each(&key.agent_id, |seat| seat.tell_state(key, &call, moment));
    }

    pub fn tell_end(&mut self, key: &Arc<CallKey>, moment: &Moment<'_>) {
        let Some(over) = self.calls.over(key, moment.now) else { return };
        self.seats.for_each(&key.agent_id, |seat| seat.tell_end(key, &over, moment));
        if moment.outlines.ended(key)
            && let Some(call) = &over.call
        {
            self.wraps_up(key, call);
        }
    }
}
