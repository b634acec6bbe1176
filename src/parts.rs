//! The parts of a running service, and what becomes of it when one of them panics.

use std::panic::{AssertUnwindSafe, PanicHookInfo};

use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::error;

/// Tasks without which a service is none. One that panics would leave it deaf, and ready: so the whole service ends instead, and
/// whoever started it starts it anew.
#[derive(Clone)]
pub struct Parts {
    tasks: TaskTracker,
    broken: CancellationToken,
}

impl Parts {
    /// Their tasks are among these.
    pub fn of(tasks: TaskTracker) -> Self {
        Self { tasks, broken: CancellationToken::new() }
    }

    /// As important, but ended with other tasks.
    pub fn among(&self, tasks: TaskTracker) -> Self {
        Self { tasks, ..self.clone() }
    }

    pub fn spawn(&self, part: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let broken = self.broken.clone();
        self.tasks.spawn(async move {
            if AssertUnwindSafe(task).catch_unwind().await.is_err() {
                error!(part, "this part of the service broke; the service ends, to be started anew");
                broken.cancel();
            }
        });
    }

    /// Until one of them has panicked.
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

    #[tokio::test]
    async fn a_part_that_panics_breaks_the_service_down_and_one_that_ends_does_not() {
        let parts = Parts::of(TaskTracker::new());
        parts.spawn("ends", async {});
        parts.tasks.close();
        parts.tasks.wait().await;
        assert_eq!(parts.break_down().now_or_never(), None);
        parts.spawn("breaks", async { panic!("as it is told to") });
        parts.tasks.wait().await;
        assert_eq!(parts.break_down().now_or_never(), Some(()));
    }
}
