//! What is recorded while an agent reads: merged into the open timelines it concerns.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::Utc;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Way, encoded};
use crate::journey::recorder::Kept;
use crate::journey::timeline::{self, Ask, Content};
use crate::journey::{Change, Interaction};
use crate::push::agents::Session;
use crate::push::open_calls::CallKey;
use crate::push::{Encoded, Update};

/// Follows what the recorders keep until stopped.
pub async fn follow_changes(way: Arc<Way>, mut kept: mpsc::Receiver<Kept>, stop: CancellationToken) {
    loop {
        let kept = tokio::select! {
            () = stop.cancelled() => return,
            kept = kept.recv() => kept,
        };
        let Some(kept) = kept.map(Arc::new) else { return };
        // Counted before it is asked which calls it concerns: a look-up that runs now looks again.
        way.kept.fetch_add(1, Ordering::Relaxed);
        for (key, sessions) in way.agents().concerned(&kept.touched) {
            way.tasks.spawn(update_call(Arc::clone(&way), key, sessions, Arc::clone(&kept)));
        }
    }
}

/// Sends what changed in one call's timeline to the sessions that show it.
async fn update_call(way: Arc<Way>, key: CallKey, sessions: Vec<Arc<Session>>, kept: Arc<Kept>) {
    let now = Utc::now();
    let Some(number) = way.agents().call(&key, now).and_then(|seen| way.customer(&seen.call).ok()) else { return };
    // A look-up that fails was logged; what is on screen stays.
    let Ok(journey) = way.look_up(number, now).await else { return };
    let leads = Arc::new(journey.leads.clone());
    let changed: BTreeSet<&str> = changed_ids(&kept.changes);
    let replaced = kept.replaced.iter().filter(|old| leads.contains(&old.contact_id) || leads.contains(&old.address));
    let replaced: BTreeSet<&str> = replaced.map(|old| old.interaction_id.as_str()).collect();
    for session in sessions {
        let sources = way.currency.states(way.settings.journey.source.sources(), now);
        let ask = Ask { time_zone: session.time_zone, ..way.default_ask(now) };
        let timeline = timeline::prepare(&journey, sources, &ask);
        let prepared = encoded(&timeline, &leads);
        let delivery = way.agents().update(&key, &session, &prepared, now, |version, digest| {
            difference(&timeline.content, (&changed, &replaced), Update::of(version, digest, &key.call_id))
        });
        way.metrics.update(delivery);
    }
}

fn changed_ids(changes: &[Change]) -> BTreeSet<&str> {
    let ids = changes.iter().filter_map(|change| match change {
        Change::Interaction(interaction) => Some(interaction.interaction_id.as_str()),
        Change::RemoveInteraction { interaction_id } => Some(interaction_id.as_str()),
        Change::Contact(_) | Change::RemoveContact { .. } => None,
    });
    ids.collect()
}

/// Interactions of the batch that are shown now, ids of those that were replaced and are no longer shown, and what is counted.
fn difference(
    content: &Content,
    (changed, replaced): (&BTreeSet<&str>, &BTreeSet<&str>),
    empty: Update<'_, &RawValue>,
) -> String {
    let shown = content.days.iter().flat_map(|day| &day.interactions);
    let interactions: Vec<&Interaction> = shown.filter(|i| changed.contains(i.interaction_id.as_str())).collect();
    let still_there: BTreeSet<&str> = interactions.iter().map(|i| i.interaction_id.as_str()).collect();
    let removed: Vec<&str> = replaced.difference(&still_there).copied().collect();
    let update = Update {
        interactions: &interactions,
        removed: &removed,
        contacts: Some(&content.contacts),
        campaigns: Some(&content.campaigns),
        channels: Some(&content.channels),
        total: Some(content.total),
        matching: Some(content.matching),
        ..empty
    };
    Encoded::Update(update).encode()
}
