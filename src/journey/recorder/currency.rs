//! How current the store is: when the recorders had last read everything there is.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

/// When the recorders had last read everything there is.
#[derive(Default)]
pub struct Currency(Mutex<HashMap<String, AsOf>>);

#[derive(Clone, Copy)]
enum AsOf {
    Now,
    Then(Option<DateTime<Utc>>),
}

impl Currency {
    /// The oldest of the topics counts: what is missing in one is missing on the screen.
    pub fn as_of(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let of = |as_of: &AsOf| match as_of {
            AsOf::Now => Some(now),
            AsOf::Then(then) => *then,
        };
        self.0.lock().values().map(of).min().flatten()
    }

    pub(super) fn begin(&self, topic: &str) {
        self.0.lock().insert(topic.to_owned(), AsOf::Then(None));
    }

    pub(super) fn caught_up(&self, topic: &str) {
        self.0.lock().insert(topic.to_owned(), AsOf::Now);
    }

    /// Says whether it was current until now.
    pub(super) fn behind(&self, topic: &str, now: DateTime<Utc>) -> bool {
        let mut topics = self.0.lock();
        let Some(as_of @ AsOf::Now) = topics.get_mut(topic) else { return false };
        *as_of = AsOf::Then(Some(now));
        true
    }

    /// Other nodes keep the topic, too: it was current when they were asked.
    pub(super) fn was_current(&self, topic: &str, asked_at: DateTime<Utc>) {
        self.0.lock().insert(topic.to_owned(), AsOf::Then(Some(asked_at)));
    }
}
