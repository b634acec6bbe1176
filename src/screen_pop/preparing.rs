//! Where a timeline is prepared: a short one where it is needed, a long one on a thread of its own, so that the thread that polls
//! Kafka and the timers of others go on meanwhile.

use std::cell::RefCell;
use std::panic::resume_unwind;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;

use super::Way;
use super::search::{Answer, Asked};
use super::views::View;
use crate::journey::permits::Turn;
use crate::journey::sources::{Known, LookingUp};
use crate::journey::{Interaction, Journey};
use crate::push::open_calls::CallKey;
use crate::push::prepared::Prepared;
use crate::push::session::Session;

/// A journey with at most so many interactions, contacts and keys takes less time to prepare (about 0.1 ms) than handing it to
/// another thread may take on a busy machine. Nearly all journeys are shorter.
const INLINE_ITEMS_MAX: usize = 64;
/// As long as an ordinary history with a comment on each of its interactions.
const INLINE_TEXT_BYTES_MAX: usize = 32 * 1024;

/// Long preparations at the same time: as many as there are cores. What is no pop holds a turn meanwhile, so that one is always left
/// for pops.
pub struct LongPreparations(Semaphore);

impl LongPreparations {
    pub fn on(cores: usize) -> Self {
        Self(Semaphore::new(cores.max(1)))
    }
}

/// Runs long work on a thread of its own. A panic there is one here.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime ends, and this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}

/// What a look-up found, and the timelines that were made of it.
pub(super) struct Preparation {
    /// Where some places have not answered yet, it goes on.
    pub look_up: LookingUp,
    pub known: Known,
    /// For each view, where they were prepared elsewhere; a short one is prepared when it is needed.
    ahead: RefCell<Vec<(View, Prepared)>>,
    seen: u64,
    now: DateTime<Utc>,
}

impl Preparation {
    /// What prepares for a view, or gives what was prepared for it.
    pub fn preparer(&self, way: &Way, key: &CallKey) -> impl Fn(&View) -> Prepared {
        let prepare = way.preparer(key, &self.known, self.seen, self.now);
        move |view| {
            let mut ahead = self.ahead.borrow_mut();
            match ahead.iter().position(|(of, _)| of == view) {
                Some(nth) => ahead.swap_remove(nth).1,
                // A fresh token changed what the session sees since.
                None => prepare(view),
            }
        }
    }
}

impl Way {
    /// Prepares what is known now for these sessions. Not ready at once only if that takes a thread of its own.
    pub(super) async fn prepare(
        self: &Arc<Self>,
        key: &Arc<CallKey>,
        sessions: &[Arc<Session>],
        look_up: LookingUp,
        (seen, now): (u64, DateTime<Utc>),
    ) -> Preparation {
        if is_short(look_up.journeys()) {
            let known = self.known(&look_up, now);
            return Preparation { look_up, known, ahead: RefCell::default(), seen, now };
        }
        let (way, key) = (Arc::clone(self), Arc::clone(key));
        let mut views: Vec<View> = Vec::new();
        for view in sessions.iter().map(|session| View::of(session)) {
            if !views.contains(&view) {
                views.push(view);
            }
        }
        let _one_of_few = self.preparing.0.acquire().await;
        blocking(move || {
            look_up.journeys().for_each(wait_if_asked);
            let known = way.known(&look_up, now);
            let prepare = way.preparer(&key, &known, seen, now);
            let ahead = views.into_iter().map(|view| (view.clone(), prepare(&view))).collect();
            drop(prepare);
            Preparation { look_up, known, ahead: RefCell::new(ahead), seen, now }
        })
        .await
    }

    /// For somebody who asked. `None`: no place has answered, or all failed.
    pub(super) async fn encode(self: &Arc<Self>, look_up: LookingUp, asked: Asked, turn: Turn) -> Option<Answer> {
        let way = Arc::clone(self);
        blocking(move || {
            let _turn = turn;
            way.encoded(&look_up, &asked)
        })
        .await
    }
}

fn is_short<'j>(journeys: impl Iterator<Item = &'j Journey>) -> bool {
    let (mut items, mut bytes) = (0, 0);
    for journey in journeys {
        let Journey { contacts, leads, interactions, .. } = journey;
        items = items.max(contacts.len()).max(leads.len()).max(interactions.len());
        if items > INLINE_ITEMS_MAX {
            return false;
        }
        bytes += interactions.iter().map(text_bytes).sum::<usize>();
    }
    bytes <= INLINE_TEXT_BYTES_MAX
}

fn text_bytes(interaction: &Interaction) -> usize {
    interaction.comments.as_ref().map_or(0, |comments| comments.len())
}

/// Where tests let a long preparation take as long as they like; without failpoints, nothing.
fn wait_if_asked(_journey: &Journey) {
    let _asked = |one: &Interaction| one.comments.as_deref() == Some("takes long to prepare");
    fail::fail_point!("screen_pop::long", _journey.interactions.iter().any(_asked), |_| ());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn journey(interactions: usize, comment: &str) -> Journey {
        let one = json!({ "interactionId": "i", "source": "data_cloud", "address": "+12015550142", "channel": "voice",
                          "startedAt": "2026-11-18T10:30:23Z", "comments": comment });
        let one: Interaction = serde_json::from_value(one).unwrap();
        Journey { interactions: vec![one; interactions], ..Journey::default() }
    }

    #[test]
    fn an_ordinary_journey_is_short_and_one_of_many_or_of_letters_is_not() {
        let is_short = |journey: Journey| is_short([journey].iter());
        assert!(is_short(Journey::default()) && is_short(journey(64, "Not interested now.")));
        assert!(!is_short(journey(65, "")));
        assert!(!is_short(journey(3, &"A long letter. ".repeat(1000))));
        assert!(!is_short(Journey { leads: vec!["bm-1".into(); 1000], ..Journey::default() }));
    }

    #[test]
    fn what_several_places_give_is_counted_together() {
        let letters = [journey(1, &"x".repeat(20_000)), journey(1, &"x".repeat(20_000))];
        assert!(is_short(letters[..1].iter()) && !is_short(letters.iter()));
    }
}
