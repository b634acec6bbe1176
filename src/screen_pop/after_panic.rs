//! What becomes of a call whose event or timeline made something panic: the next one goes on, and nothing half done is used.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use chrono::Utc;
use parking_lot::Mutex;
use tracing::error;

use super::Way;
use crate::journey::SetAside;
use crate::kafka::{Next, Record};
use crate::push::MissingCode;
use crate::push::open_calls::{CallKey, Visible};
use crate::push::prepared::Prepared;
use crate::push::session::Session;
use crate::record::Refusal;

/// Records that are passed over when the window is read again; beyond them the first ones get another chance.
const PASSED_OVER_MAX: usize = 1000;

/// Records of calls that panicked while they were taken in, by partition and offset.
#[derive(Default)]
pub struct PassedOver(Mutex<BTreeSet<(i32, i64)>>);

impl PassedOver {
    pub fn has(&self, record: &Record) -> bool {
        self.0.lock().contains(&(record.partition, record.offset))
    }

    fn add(&self, record: &Record) {
        let mut places = self.0.lock();
        places.insert((record.partition, record.offset));
        if places.len() > PASSED_OVER_MAX {
            places.pop_first();
        }
    }
}

impl Way {
    /// Lets `take` take the record in. Where that panics, the record is counted, set aside and passed over; and where it left the
    /// calls half changed, the replay window is read again without it.
    pub(super) fn take_in(&self, record: &Record, passed_over: &PassedOver, take: impl FnOnce()) -> Next {
        if catch_unwind(AssertUnwindSafe(take)).is_err() {
            passed_over.add(record);
            let topic = &self.settings.kafka.topics.calls;
            self.refused.note(topic, record, Refusal::Panicked);
            self.set_aside.put(SetAside::refused(topic, record, Refusal::Panicked, Utc::now()));
            self.metrics.call("refused");
        }
        if !self.agents().is_broken() {
            return Next::GoOn;
        }
        error!("something panicked while it changed the agents' calls: they are made anew from the replay window");
        self.agents().begin_anew();
        Next::ReadAgain
    }

    /// The pop goes out without its timeline, and says so.
    pub(super) fn show_after_panic(self: &Arc<Self>, key: &Arc<CallKey>, sessions: &[Arc<Session>]) {
        self.metrics.pop("panicked");
        let now = Utc::now();
        let Some(Visible { call, heard, .. }) = self.agents().call(key, now) else { return };
        self.set_aside.put(SetAside {
            topic: self.settings.kafka.topics.calls.clone(),
            partition: heard.partition,
            offset: heard.offset,
            reason: Refusal::Panicked.name().to_owned(),
            field: None,
            at: now,
        });
        let mut context = self.context(call.at, heard);
        (context.announced, context.missing) = (self.young(heard.since, now), Some(MissingCode::Failed));
        let seen = self.updates.seen();
        let reach = || {
            self.reach(key, sessions, (context, None), |view| {
                Prepared::missing(MissingCode::Failed, seen, view.fields.clone())
            });
        };
        // Where that panics, too, there is nothing left to try.
        _ = catch_unwind(AssertUnwindSafe(reach));
    }
}
