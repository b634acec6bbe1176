//! Calls that a session is shown as it reads: all of them at once would fill its outbox, and it would be closed as slow.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Way, show_call};
use crate::push::open_calls::CallKey;
use crate::push::session::Session;

/// Pops of one session that are under way at most, beside those of calls that come in.
const AT_A_TIME_MAX: usize = 8;

/// Shows the open calls of these agents, the newest first.
pub(super) fn show_open_calls(way: &Arc<Way>, session: &Arc<Session>, agents: &[String]) {
    let now = Utc::now();
    let calls = agents.iter().flat_map(|agent_id| way.agents().newest_calls_of(agent_id, now));
    show_in_turn(way, session, calls.map(|seen| (seen.call.at, seen.key)));
}

/// Shows these calls, and those that wait already, when the session has read what came before them.
pub(super) fn show_in_turn(
    way: &Arc<Way>,
    session: &Arc<Session>,
    calls: impl IntoIterator<Item = (DateTime<Utc>, Arc<CallKey>)>,
) {
    if session.to_show.add(calls) {
        way.tasks.spawn(show_as_it_reads(Arc::clone(way), Arc::clone(session)));
    }
}

/// One look-up after the other, so that the newest call comes first. One that takes long is not waited for: its pop goes out at
/// its deadline, so that only so many are under way as the free half of the outbox has room for.
async fn show_as_it_reads(way: Arc<Way>, session: Arc<Session>) {
    let at_a_time = (way.settings.http.outbox_frames_max / 4).clamp(1, AT_A_TIME_MAX);
    let wait = way.settings.journey.lookup_timeout.div_f64(at_a_time as f64);
    while session.outbox.has_room().await {
        let Some(key) = session.to_show.next() else { return };
        let shown = way.tasks.spawn(show_call(Arc::clone(&way), key, vec![Arc::clone(&session)]));
        _ = tokio::time::timeout(wait, shown).await;
    }
}
