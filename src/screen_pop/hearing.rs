//! 1 hear: what the topic of calls says, on the thread that polls it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::Utc;
use futures_util::FutureExt as _;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info};

use super::after_panic::PassedOver;
use super::{CallResult, Way, screen_pop, show_open_calls};
use crate::journey::SetAside;
use crate::kafka::{Heard, Hears, Next, Record};

/// Lets each record go its way where it is polled: nothing on the way waits, and to hand it to another thread first would take
/// as long as deciding does.
pub struct Hearing {
    way: Arc<Way>,
    ready: CancellationToken,
    stop: CancellationToken,
    passed_over: PassedOver,
    /// The replay window is being read again: what is open is shown when that has caught up.
    reads_again: AtomicBool,
    /// Where look-ups run that have to be waited for.
    runtime: Handle,
}

impl Hearing {
    /// Until stopped; `ready` is cancelled once the replay window was read. Called within the runtime.
    pub fn of(way: Arc<Way>, ready: CancellationToken, stop: CancellationToken) -> Self {
        let (passed_over, reads_again) = (PassedOver::default(), AtomicBool::new(false));
        Self { way, ready, stop, passed_over, reads_again, runtime: Handle::current() }
    }
}

impl Hears for Hearing {
    fn hear(&self, heard: Heard) -> Next {
        if self.stop.is_cancelled() {
            return Next::Stop;
        }
        let _runtime = self.runtime.enter();
        match heard {
            Heard::Record(record) if self.passed_over.has(&record) => {}
            Heard::Record(record) => {
                let next = self.way.take_in(&record, &self.passed_over, || account(&self.way, &record));
                self.reads_again.fetch_or(next == Next::ReadAgain, Ordering::Relaxed);
                return next;
            }
            Heard::CaughtUp if self.ready.is_cancelled() && !self.reads_again.swap(false, Ordering::Relaxed) => {}
            Heard::CaughtUp => {
                for (session, agents) in self.way.agents().caught_up(Utc::now()) {
                    show_open_calls(&self.way, &session, &agents);
                }
                self.ready.cancel();
                info!("caught up with the calls: ready");
            }
            // A gap was logged where it was found; brokers come back by themselves.
            Heard::Gap { .. } | Heard::Unreachable => {}
        }
        Next::GoOn
    }
}

fn account(way: &Arc<Way>, record: &Record) {
    let now = Utc::now();
    let result = screen_pop(way, record, now);
    // The reason first: who counts a refused call finds it.
    if let CallResult::Refused(refusal) = result {
        let topic = &way.settings.kafka.topics.calls;
        way.refused.note(topic, record, refusal);
        way.set_aside.put(SetAside::refused(topic, record, refusal, now));
    } else {
        debug!(kafka.partition = record.partition, kafka.offset = record.offset, result = result.name(), "call heard");
    }
    way.metrics.call(result.name());
}

/// Goes as far as it comes without waiting, and the rest by itself: most pops are on their way before another thread would have
/// begun. Whatever goes wrong there, the next record is heard.
pub(super) fn begin(tasks: &TaskTracker, show: impl Future<Output = ()> + Send + 'static) {
    let mut show = Box::pin(AssertUnwindSafe(show).catch_unwind());
    if show.as_mut().now_or_never().is_none() {
        tasks.spawn(show);
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_has_to_wait_for_nothing_is_done_when_it_has_begun_and_what_has_to_goes_on_by_itself() {
        let tasks = TaskTracker::new();
        let (at_once, mut done) = oneshot::channel();
        begin(&tasks, async move { at_once.send(()).unwrap() });
        assert_eq!((done.try_recv(), tasks.len()), (Ok(()), 0));

        let ((answer, answered), (later, done)) = (oneshot::channel::<()>(), oneshot::channel());
        begin(&tasks, async move {
            answered.await.unwrap();
            later.send(()).unwrap();
        });
        assert_eq!(tasks.len(), 1);
        answer.send(()).unwrap();
        done.await.unwrap();
    }

    #[tokio::test]
    async fn what_breaks_at_once_does_not_break_the_thread_that_hears() {
        let tasks = TaskTracker::new();
        begin(&tasks, async { panic!("a timeline that cannot be prepared") });
        assert_eq!(tasks.len(), 0);
    }
}
