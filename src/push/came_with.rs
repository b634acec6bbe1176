//! Calls that clients show already when they come. What is over is taken off at once; what nobody here has heard of, after a while:
//! the node that a client comes from may have read further than this one.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use chrono::{DateTime, TimeDelta, Utc};

use super::open_calls::{CallKey, OpenCalls};
use super::seat::{Moment, Seat};
use super::session::Session;

/// How far nodes are apart at most. They hear of a call within milliseconds of each other, and after an outage of their brokers
/// within seconds.
const APART_MAX: TimeDelta = TimeDelta::seconds(10);

/// How a client came to its seat.
#[derive(Default)]
pub struct Came {
    /// With more calls that are over than its outbox could say at a time: those that are still to be looked at.
    to_end: Vec<Arc<CallKey>>,
    /// With calls that, where nobody here has heard of them, count as open until then.
    believed_until: DateTime<Utc>,
}

/// Sessions that came with calls nobody here has heard of, in the order of their coming, until these count as over.
#[derive(Default)]
pub struct Newcomers(VecDeque<(DateTime<Utc>, Weak<Session>)>);

impl Newcomers {
    pub fn add(&mut self, seat: &mut Seat, now: DateTime<Utc>) {
        seat.came.believed_until = now + APART_MAX;
        self.0.push_back((seat.came.believed_until, Arc::downgrade(&seat.session)));
    }

    /// The next one whose time is over.
    pub fn next_due(&mut self, now: DateTime<Utc>) -> Option<Arc<Session>> {
        loop {
            let (_, session) = self.0.pop_front_if(|(due, _)| *due <= now)?;
            if let Some(session) = session.upgrade() {
                return Some(session);
            }
        }
    }
}

impl Came {
    pub fn has_more_to_end(&self) -> bool {
        !self.to_end.is_empty()
    }
}

/// Tells the ends of calls that the client came with, whatever a look-up takes; of very many, as they are read.
pub fn take_off_what_is_over(seat: &mut Seat, calls: &OpenCalls, moment: &Moment<'_>) {
    seat.came.to_end = seat.came_with();
    go_on_taking_off(seat, calls, moment);
}

/// The next of very many: each is looked at once.
pub fn go_on_taking_off(seat: &mut Seat, calls: &OpenCalls, moment: &Moment<'_>) {
    while !seat.session.outbox.is_half_full() {
        let Some(key) = seat.came.to_end.pop() else { return };
        let is_believed = moment.now < seat.came.believed_until && !calls.knows(&key);
        if is_believed || !seat.came_with_it(&key) {
            continue;
        }
        let Some(over) = calls.over(&key, moment.now) else { continue };
        seat.tell_end(&key, &over, moment);
        if over.call.is_none() {
            seat.forget(&key);
        }
    }
}
