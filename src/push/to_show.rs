//! Calls that a session is still to be shown: more than its outbox has room for at a time. The newest first, as it reads.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use super::open_calls::CallKey;

#[derive(Default)]
pub struct ToShow(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    calls: BTreeSet<(Reverse<DateTime<Utc>>, Arc<CallKey>)>,
    is_shown_by_somebody: bool,
}

impl ToShow {
    /// `true`: nobody shows them yet, so the caller does, until `next` gives none.
    #[must_use]
    pub fn add(&self, calls: impl IntoIterator<Item = (DateTime<Utc>, Arc<CallKey>)>) -> bool {
        let mut waiting = self.0.lock();
        waiting.calls.extend(calls.into_iter().map(|(at, key)| (Reverse(at), key)));
        !waiting.calls.is_empty() && !std::mem::replace(&mut waiting.is_shown_by_somebody, true)
    }

    /// The newest of them.
    pub fn next(&self) -> Option<Arc<CallKey>> {
        let mut waiting = self.0.lock();
        let next = waiting.calls.pop_first();
        waiting.is_shown_by_somebody = next.is_some();
        next.map(|(_, key)| key)
    }

    /// The others are none of the session's any more.
    pub fn keep_only(&self, is_for: impl Fn(&str) -> bool) {
        self.0.lock().calls.retain(|(_, key)| is_for(&key.agent_id));
    }

    /// The session is closed.
    pub fn clear(&self) {
        *self.0.lock() = Waiting::default();
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    fn key(agent_id: &str, call_id: &str) -> Arc<CallKey> {
        Arc::new(CallKey { agent_id: agent_id.into(), call_id: call_id.into() })
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        Utc.timestamp_opt(seconds, 0).unwrap()
    }

    #[test]
    fn the_newest_call_comes_first_each_once_and_one_shows_them() {
        let to_show = ToShow::default();
        assert!(!to_show.add([]), "nothing to show");
        assert!(to_show.add([(at(1), key("ana", "old")), (at(3), key("ana", "new"))]));
        assert!(!to_show.add([(at(2), key("ana", "between")), (at(3), key("ana", "new"))]), "somebody shows them");
        let shown: Vec<_> = std::iter::from_fn(|| to_show.next()).map(|key| key.call_id.clone()).collect();
        assert_eq!(shown, ["new", "between", "old"]);
        assert!(to_show.add([(at(1), key("ana", "old"))]), "the one before has ended");
    }

    #[test]
    fn calls_of_agents_who_are_not_followed_any_more_go() {
        let to_show = ToShow::default();
        assert!(to_show.add([(at(1), key("ana", "c-1")), (at(2), key("ben", "c-1"))]));
        to_show.keep_only(|agent_id| agent_id == "ana");
        assert_eq!((to_show.next(), to_show.next()), (Some(key("ana", "c-1")), None));
    }
}
