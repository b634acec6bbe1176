//! What is recorded while an agent reads: merged into the open timelines it concerns.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::Utc;
use parking_lot::Mutex;
use smol_str::SmolStr;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::preparing::Preparation;
use super::{Way, views};
use crate::journey::permits::Purpose;
use crate::journey::recorder::Kept;
use crate::push::open_calls::CallKey;
use crate::push::seat::Delivery;
use crate::push::session::Session;

/// A source that failed is asked again after each of these times, in seconds, while the call is open; see [`spread`].
const ASK_AGAIN_SECONDS: [u64; 7] = [1, 2, 4, 8, 15, 30, 60];
/// After an update a call waits so many times as long as that took before its next one: a number of which records come all the time
/// costs at most a tenth of a core.
const PAUSE_TIMES: u32 = 9;
/// Longer ones would be those of a store that does not answer, which costs no core.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Open timelines that are brought up to date. However much is recorded, a call is looked up once at a time, and after a pause.
#[derive(Default)]
pub struct Updates {
    /// Batches that the recorders have kept: tells a look-up that it may have missed one.
    kept: AtomicU64,
    under_way: Mutex<UnderWay>,
    /// Cancelled when the drain begins: nothing waits for a later update then.
    stop: CancellationToken,
}

#[derive(Default)]
struct UnderWay {
    /// Calls that are being looked up again, or pause after that; `true` if there was more news since.
    calls: HashMap<Arc<CallKey>, bool>,
    /// How many of these calls share a number.
    numbers: HashMap<SmolStr, u32>,
}

impl UnderWay {
    fn remove(&mut self, key: &CallKey, number: &str) {
        self.calls.remove(key);
        if let Some(alike) = self.numbers.get_mut(number) {
            *alike -= 1;
            if *alike == 0 {
                self.numbers.remove(number);
            }
        }
    }
}

impl Updates {
    pub fn until(stop: CancellationToken) -> Self {
        Self { stop, ..Self::default() }
    }

    /// `false`: the drain begins before the wait is over.
    async fn wait(&self, wait: Duration) -> bool {
        self.stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_some()
    }

    /// What a look-up that begins now has seen.
    pub(super) fn seen(&self) -> u64 {
        self.kept.load(Ordering::SeqCst)
    }

    /// `None`: the look-up that is under way is followed by another one.
    fn begin(&self, key: &Arc<CallKey>, number: &str) -> Option<Updating<'_>> {
        let mut under_way = self.under_way.lock();
        if let Some(again) = under_way.calls.get_mut(key) {
            *again = true;
            return None;
        }
        under_way.calls.insert(Arc::clone(key), false);
        *under_way.numbers.entry(number.into()).or_default() += 1;
        Some(Updating { of: self, key: Arc::clone(key), number: number.into(), over: false })
    }
}

/// A call that is being brought up to date. No longer when this is dropped, however that comes about.
struct Updating<'u> {
    of: &'u Updates,
    key: Arc<CallKey>,
    number: SmolStr,
    over: bool,
}

impl Updating<'_> {
    /// What was announced until now will be in the look-up that begins.
    fn begins(&self) {
        if let Some(again) = self.of.under_way.lock().calls.get_mut(&self.key) {
            *again = false;
        }
    }

    /// How long the call waits after a look-up that took so long; calls that share a number share its tenth of a core.
    fn pause(&self, took: Duration) -> Duration {
        let alike = self.of.under_way.lock().numbers.get(&self.number).copied().unwrap_or(1);
        took.saturating_mul(PAUSE_TIMES.saturating_mul(alike)).min(PAUSE_MAX)
    }

    /// Ends, unless there was news since the last look-up began: news that comes later begins anew.
    fn ends(mut self) -> Option<Self> {
        // Under one lock: news in between would lead to no look-up.
        let mut under_way = self.of.under_way.lock();
        let news = under_way.calls.get(&self.key).copied().unwrap_or(false);
        if news {
            drop(under_way);
            return Some(self);
        }
        under_way.remove(&self.key, &self.number);
        self.over = true;
        None
    }
}

impl Drop for Updating<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.of.under_way.lock().remove(&self.key, &self.number);
        }
    }
}

/// A random part of a wait, from half of it to the whole: after an outage thousands of calls fail at the same moment, and must not
/// ask again at the same moment. `random` is from 0 to 1.
fn spread(wait: Duration, random: f64) -> Duration {
    wait.mul_f64(0.5 + random / 2.0)
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
    let Some(number) = way.number_of(&key) else { return };
    let mut updating = way.updates.begin(&key, &number);
    // However much is recorded: one look-up at a time, and a pause after each.
    while let Some(call) = updating {
        call.begins();
        let mut took = Duration::ZERO;
        look_again(&way, &key, &mut took).await;
        updating = if way.updates.wait(call.pause(took)).await { call.ends() } else { None };
    }
}

/// As above, at once, and gives back whether all of it is known now; `None` if the call is over. `took` is the time since its turn came.
async fn look_again(way: &Arc<Way>, key: &Arc<CallKey>, took: &mut Duration) -> Option<bool> {
    let turn = way.sources.turn(Purpose::Update).await;
    let began = Instant::now();
    // Only now: it may have waited.
    let (now, seen, number) = (Utc::now(), way.updates.seen(), way.number_of(key)?);
    let sessions = way.agents().showing(key);
    let mut look_up = way.look_up(&number, &views::pages(&sessions), now, &turn);
    way.finish(&mut look_up).await;
    let done = way.prepare(key, &sessions, look_up, (seen, now)).await;
    way.send_updates(key, &sessions, &done);
    *took = began.elapsed();
    Some(done.known.is_whole())
}

/// A source that could not answer gets further chances, so that the timeline is whole as soon as it can be.
pub(super) async fn ask_again(way: Arc<Way>, key: Arc<CallKey>) {
    for seconds in ASK_AGAIN_SECONDS {
        if !way.updates.wait(spread(Duration::from_secs(seconds), rand::random())).await {
            return;
        }
        match look_again(&way, &key, &mut Duration::default()).await {
            Some(false) => {}
            _ => return,
        }
    }
}

impl Way {
    /// Whom to look up for a call; `None` if it is over, or for nobody.
    fn number_of(&self, key: &CallKey) -> Option<String> {
        self.agents().call(key, Utc::now()).and_then(|seen| self.customer(&seen.call).ok())
    }

    /// Sends each session the difference to what it shows.
    pub(super) fn send_updates(&self, key: &Arc<CallKey>, sessions: &[Arc<Session>], done: &Preparation) {
        let known = &done.known;
        let said = self.say_updates(key, known);
        views::for_each(sessions, done.preparer(self, key), |session, prepared| {
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

    const NUMBER: &str = "+12015550142";

    fn key(call_id: &str) -> Arc<CallKey> {
        Arc::new(CallKey { agent_id: "ana".into(), call_id: call_id.into() })
    }

    #[test]
    fn news_that_comes_during_a_look_up_or_its_pause_leads_to_one_more() {
        let (updates, key) = (Updates::default(), key("c-1"));
        let call = updates.begin(&key, NUMBER).unwrap();
        call.begins();
        for _ in 0..3 {
            assert!(updates.begin(&key, NUMBER).is_none(), "one at a time");
        }
        let call = call.ends().expect("one more for all that came");
        call.begins();
        assert!(call.ends().is_none(), "one");
        let left = updates.under_way.lock();
        assert!(left.calls.is_empty() && left.numbers.is_empty());
        drop(left);
        drop(updates.begin(&key, NUMBER).expect("over, it begins anew"));
        assert!(updates.begin(&key, NUMBER).is_some(), "also after one that broke");
    }

    #[test]
    fn calls_of_a_number_of_which_records_come_all_the_time_work_for_a_tenth_of_it_together() {
        let updates = Updates::default();
        for calls in [1, 3, 20] {
            let begun: Vec<_> = (0..calls).map(|nth| updates.begin(&key(&nth.to_string()), NUMBER).unwrap()).collect();
            let took = Duration::from_millis(40);
            let busy: f64 = begun.iter().map(|call| took.as_secs_f64() / (took + call.pause(took)).as_secs_f64()).sum();
            assert!((0.09..0.12).contains(&busy), "{calls} calls keep {busy} cores busy");
        }
        let alone = updates.begin(&key("c-1"), "+12015550143").unwrap();
        assert_eq!(alone.pause(Duration::from_millis(1)), Duration::from_millis(9));
        assert_eq!(alone.pause(Duration::from_secs(60)), PAUSE_MAX);
    }

    #[tokio::test]
    async fn a_drain_waits_for_no_pause() {
        let updates = Updates::default();
        updates.stop.cancel();
        assert!(!updates.wait(PAUSE_MAX).await);
    }

    #[test]
    fn calls_that_failed_together_ask_again_spread_over_half_of_the_wait() {
        let wait = Duration::from_secs(8);
        assert_eq!((spread(wait, 0.0), spread(wait, 0.5)), (Duration::from_secs(4), Duration::from_secs(6)));
        assert_eq!(spread(wait, 1.0), wait);
        let mut waits: Vec<_> = (0..1000).map(|_| spread(wait, rand::random()).as_millis() / 100).collect();
        waits.sort_unstable();
        let most = waits.chunk_by(|a, b| a == b).map(<[_]>::len).max().unwrap();
        assert!(most < 100, "{most} of 1000 in the same tenth of a second");
    }
}
