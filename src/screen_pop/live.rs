//! What is recorded while an agent reads: merged into the open timelines it concerns.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::{Way, views};
use crate::journey::recorder::Kept;
use crate::journey::sources::Known;
use crate::push::open_calls::CallKey;
use crate::push::seat::Delivery;
use crate::push::session::Session;

/// A source that failed is asked again after each of these times, in seconds, while the call is open.
const ASK_AGAIN_SECONDS: [u64; 7] = [1, 2, 4, 8, 15, 30, 60];

/// Open timelines that are brought up to date. However much is recorded, a call is looked up once at a time, and all of them
/// leave the store to new calls for the other half.
pub struct Updates {
    /// Batches that the recorders have kept: tells a look-up that it may have missed one.
    kept: AtomicU64,
    /// Calls that are being looked up again; `true` where there was more news since.
    under_way: Mutex<HashMap<Arc<CallKey>, bool>>,
    at_a_time: Semaphore,
}

impl Updates {
    pub fn new(lookups_max: usize) -> Self {
        let at_a_time = Semaphore::new((lookups_max / 2).max(1));
        Self { kept: AtomicU64::new(0), under_way: Mutex::default(), at_a_time }
    }

    /// What a look-up that begins now has seen.
    pub(super) fn seen(&self) -> u64 {
        self.kept.load(Ordering::SeqCst)
    }

    /// `false`: the look-up that is under way is followed by another one.
    fn begin(&self, key: &Arc<CallKey>) -> bool {
        let mut under_way = self.under_way.lock();
        let again = under_way.get_mut(key).map(|again| *again = true);
        again.is_none() && under_way.insert(Arc::clone(key), false).is_none()
    }

    /// `true`: there was news since it began.
    fn again(&self, key: &CallKey) -> bool {
        let mut under_way = self.under_way.lock();
        let again = under_way.get_mut(key).is_some_and(std::mem::take);
        if !again {
            under_way.remove(key);
        }
        again
    }
}

/// Follows what the recorders keep until stopped.
pub async fn follow_changes(way: Arc<Way>, mut kept: mpsc::Receiver<Kept>, stop: CancellationToken) {
    loop {
        let kept = tokio::select! {
            () = stop.cancelled() => return,
            kept = kept.recv() => kept,
        };
        let Some(Kept { touched }) = kept else { return };
        // Counted before it is asked which calls it concerns: a pop that is being prepared looks again.
        way.updates.kept.fetch_add(1, Ordering::SeqCst);
        for key in way.agents().concerned(&touched) {
            way.tasks.spawn(update_call(Arc::clone(&way), key));
        }
    }
}

/// Looks a call's customer up again, and sends each session what is new to it.
pub(super) async fn update_call(way: Arc<Way>, key: Arc<CallKey>) {
    if !way.updates.begin(&key) {
        return;
    }
    loop {
        let turn = way.updates.at_a_time.acquire().await;
        look_again(&way, &key).await;
        drop(turn);
        if !way.updates.again(&key) {
            return;
        }
    }
}

/// As above, at once, and gives back what is known now; `None` where the call is over.
pub(super) async fn look_again(way: &Way, key: &Arc<CallKey>) -> Option<Known> {
    let now = Utc::now();
    let number = way.agents().call(key, now).and_then(|seen| way.customer(&seen.call).ok())?;
    let seen = way.updates.seen();
    let sessions = way.agents().showing(key);
    let mut look_up = way.look_up(&number, &views::pages(&sessions), now);
    way.finish(&mut look_up).await;
    let known = way.known(&look_up, now);
    way.send_updates(key, &sessions, &known, seen, now);
    Some(known)
}

/// A source that could not answer gets further chances, so that the timeline is whole as soon as it can be.
pub(super) async fn ask_again(way: Arc<Way>, key: Arc<CallKey>) {
    for seconds in ASK_AGAIN_SECONDS {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        match look_again(&way, &key).await {
            Some(known) if !known.is_whole() => {}
            _ => return,
        }
    }
}

impl Way {
    /// Sends each session the difference to what it shows.
    pub(super) fn send_updates(
        &self,
        key: &Arc<CallKey>,
        sessions: &[Arc<Session>],
        known: &Known,
        seen: u64,
        now: DateTime<Utc>,
    ) {
        let said = self.say_updates(key, known);
        views::for_each(sessions, self.preparer(key, known, seen, now), |session, prepared| {
            said(session);
            let delivery = self.agents().update(key, session, prepared, Utc::now());
            if delivery == Delivery::SentWhole {
                self.tell_shown(key, session, known.journey.as_ref().map(|journey| journey.number.as_str()));
            }
            self.metrics.update(delivery);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_that_comes_during_a_look_up_leads_to_one_more() {
        let updates = Updates::new(8);
        let key = Arc::new(CallKey { agent_id: "ana".into(), call_id: "c-1".into() });
        assert!(updates.begin(&key));
        assert!(!updates.begin(&key) && !updates.begin(&key), "one at a time");
        assert!(updates.again(&key));
        assert!(!updates.again(&key), "one for all that came");
        assert!(updates.begin(&key), "over, it begins anew");
    }
}
