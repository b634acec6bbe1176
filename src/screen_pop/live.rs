//! What is recorded while an agent reads: merged into the open timelines it concerns.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::Utc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Way;
use crate::journey::recorder::Kept;
use crate::journey::sources::Known;
use crate::push::agents::Session;
use crate::push::open_calls::CallKey;

/// Follows what the recorders keep until stopped.
pub async fn follow_changes(way: Arc<Way>, mut kept: mpsc::Receiver<Kept>, stop: CancellationToken) {
    loop {
        let kept = tokio::select! {
            () = stop.cancelled() => return,
            kept = kept.recv() => kept,
        };
        let Some(Kept { touched }) = kept else { return };
        // Counted before it is asked which calls it concerns: a pop that is being prepared looks again.
        way.kept.fetch_add(1, Ordering::SeqCst);
        for (key, sessions) in way.agents().concerned(&touched) {
            way.tasks.spawn(update_call(Arc::clone(&way), key, sessions));
        }
    }
}

/// Looks a call's customer up again, and sends each session what is new to it.
pub(super) async fn update_call(way: Arc<Way>, key: CallKey, sessions: Vec<Arc<Session>>) {
    look_again(&way, &key, &sessions).await;
}

/// As above, and gives back what is known now; `None` where the call is over.
pub(super) async fn look_again(way: &Way, key: &CallKey, sessions: &[Arc<Session>]) -> Option<Known> {
    let now = Utc::now();
    let number = way.agents().call(key, now).and_then(|seen| way.customer(&seen.call).ok())?;
    let seen = way.kept.load(Ordering::SeqCst);
    let mut look_up = way.look_up(&number, now);
    way.finish(&mut look_up).await;
    let known = way.known(&look_up, now);
    way.send_updates(key, sessions, &known, seen, now);
    Some(known)
}
