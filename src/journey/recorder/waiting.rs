//! A recorder whose store fails waits, says why, counts it, and says when it goes on.

use std::time::{Duration, Instant};

use tracing::{error, info};

use super::Recorder;
use std::fmt::Display;

/// The first wait; doubled up to the second, which is how long a store that works again may stay unnoticed.
const WAIT_MIN: Duration = Duration::from_millis(250);
const WAIT_MAX: Duration = Duration::from_secs(5);
/// The same reason is said again only after this time.
const SAY_AGAIN: Duration = Duration::from_secs(60);

pub struct Waiting<'a> {
    recorder: &'a Recorder,
    /// What fails, for the log.
    what: &'static str,
    wait: Duration,
    since: Option<Instant>,
    said: Option<(Instant, String)>,
}

impl<'a> Waiting<'a> {
    pub fn new(recorder: &'a Recorder, what: &'static str) -> Self {
        Self { recorder, what, wait: WAIT_MIN, since: None, said: None }
    }

    /// Until it is time to try again.
    pub async fn after(&mut self, error: &impl Display) {
        let recorder = self.recorder;
        recorder.metrics.store_failed(&recorder.topic);
        // The reason first: who sees that it waits finds it.
        self.say(error.to_string());
        if self.since.is_none() {
            self.since = Some(Instant::now());
            recorder.metrics.recorder_waits(&recorder.topic);
        }
        tokio::time::sleep(self.wait).await;
        self.wait = (self.wait * 2).min(WAIT_MAX);
    }

    fn say(&mut self, reason: String) {
        if self.said.as_ref().is_some_and(|(at, said)| *said == reason && at.elapsed() < SAY_AGAIN) {
            return;
        }
        error!(
            kafka.topic = self.recorder.topic,
            store = self.recorder.store.describe(),
            error = reason,
            "{}; waiting until it can: nothing is lost while Kafka keeps the records",
            self.what
        );
        self.said = Some((Instant::now(), reason));
    }

    /// It worked.
    pub fn end(self) {
        if let Some(since) = self.since {
            let waited_ms = since.elapsed().as_millis() as u64;
            info!(
                kafka.topic = self.recorder.topic,
                store = self.recorder.store.describe(),
                waited_ms,
                "recording goes on"
            );
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.since.is_some() {
            self.recorder.metrics.recorder_goes_on(&self.recorder.topic);
        }
    }
}
