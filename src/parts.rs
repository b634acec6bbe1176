//! The parts of a running service, and what becomes of it when one of them breaks.

use std::panic::{AssertUnwindSafe, PanicHookInfo};

use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::error;

/// Tasks without which a service is none. One that panics, or ends before all are to end, would leave it deaf, and ready: so the
/// whole service ends instead, and whoever started it starts it anew.
#[derive(Clone)]
pub struct Parts {
    tasks: TaskTracker,
    stop: CancellationToken,
    broken: CancellationToken,
}

impl Parts {
    /// Their tasks are among these, and end once they are told to `stop`.
    pub fn of(tasks: TaskTracker, stop: CancellationToken) -> Self {
        Self { tasks, stop, broken: CancellationToken::new() }
    }

    /// As important, but ended with other tasks.
    pub fn among(&self, tasks: TaskTracker) -> Self {
        Self { tasks, ..self.clone() }
    }

    pub fn spawn(&self, part: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let Self { stop, broken, .. } = self.clone();
        self.tasks.spawn(async move {
            if AssertUnwindSafe(task).catch_unwind().await.is_err() || !stop.is_cancelled() {
                error!(part, "this part of the service broke; the service ends, to be started anew");
                broken.cancel();
            }
        });
    }

    /// Until one of them has broken.
    pub async fn break_down(&self) {
        self.broken.cancelled().await;
    }
}

/// Panics are logged by where they happened. A text that was put together at that moment may quote what was being read, and people's
/// numbers are in no log.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic: &PanicHookInfo<'_>| {
        let at = panic.location().map(ToString::to_string);
        let what =
            panic.payload().downcast_ref::<&'static str>().unwrap_or(&"what it says may quote data, and is left out");
        error!(at, what, "a panic: this is a bug of backstory's, please report it");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a service breaks down on it.
    async fn breaks_down(is_told_to_stop: bool, part: impl Future<Output = ()> + Send + 'static) -> bool {
        let parts = Parts::of(TaskTracker::new(), CancellationToken::new());
        if is_told_to_stop {
            parts.stop.cancel();
        }
        parts.spawn("part", part);
        parts.tasks.close();
        parts.tasks.wait().await;
        parts.break_down().now_or_never().is_some()
    }

    #[tokio::test]
    async fn a_part_that_panics_or_ends_too_early_breaks_the_service_down_and_one_that_is_told_to_stop_does_not() {
        assert!(breaks_down(false, async { panic!("as it is told to") }).await);
        assert!(breaks_down(true, async { panic!("as it is told to") }).await);
        assert!(breaks_down(false, async {}).await);
        assert!(!breaks_down(true, async {}).await);
    }
}
