//! Timed look-ups: the way of a call from its number to its frame, by the functions that the service calls.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{bail, ensure};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use hdrhistogram::Histogram;

use super::history::{self, INTERACTIONS_EACH};
use crate::arrival::CallState;
use crate::journey::embedded::Embedded;
use crate::journey::timeline::{self, Ask};
use crate::journey::{Direction, Store};
use crate::policy::Fields;
use crate::push::prepared::{Kept, Prepared};
use crate::push::{Call, Encoded};
use crate::tools::progress::Progress;

/// A minute, in nanoseconds: a look-up that takes longer was given up.
pub const TOOK_NS_MAX: u64 = 60_000_000_000;

/// As `journey.dictionary_bytes_max` is, unless it is set.
const DICTIONARY_BYTES_MAX: usize = 64 << 20;

pub struct LookUps(pub Histogram<u64>);

impl LookUps {
    /// Microseconds at a quantile.
    pub fn us(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1000.0
    }

    pub fn note(&self, what: &str) -> String {
        let [p50, p90, p99, max] = [0.5, 0.9, 0.99, 1.0].map(|quantile| self.us(quantile));
        format!("{what}: p50 {p50:.1} µs, p90 {p90:.1} µs, p99 {p99:.1} µs, max {max:.1} µs")
    }
}

/// Looks every customer up once, to be warm, and then random ones, one after the other.
pub async fn measure(path: PathBuf, customers: u32, lookups: u32, now: DateTime<Utc>) -> anyhow::Result<LookUps> {
    let store = Store::Embedded(Arc::new(Embedded::open(&path, 1, Arc::default(), DICTIONARY_BYTES_MAX)?));
    let mut took = Histogram::new_with_bounds(1, TOOK_NS_MAX, 3)?;
    let mut progress = Progress::of_things(u64::from(customers) + u64::from(lookups), "look-ups");
    for customer in 0..customers {
        pop(&store, customer, now).await?;
        progress.at(customer.into(), customer.into());
    }
    for nth in 0..u64::from(lookups) {
        let customer = rand::random_range(0..customers);
        let started = Instant::now();
        pop(&store, customer, now).await?;
        took.saturating_record(started.elapsed().as_nanos() as u64);
        progress.at(u64::from(customers) + nth, u64::from(customers) + nth);
    }
    progress.finish();
    Ok(LookUps(took))
}

/// The frame of a call with this customer.
async fn pop(store: &Store, customer: u32, now: DateTime<Utc>) -> anyhow::Result<String> {
    let number = history::number(customer);
    let from = timeline::earliest(now, 12);
    let journey = store.look_up(history::look_up(&number, from)).await?;
    let ask = Ask {
        now,
        months: 12,
        time_zone: Tz::Europe__Lisbon,
        campaign: None,
        channel: None,
        before: None,
        limits: timeline::Limits { contacts_max: 20, campaigns_max: 100, interactions_max: 500, bytes_max: 8 << 20 },
    };
    let timeline = timeline::prepare(&journey, Vec::new(), &ask);
    let page: Vec<Kept> = timeline.interactions().map(|one| Kept::of(one)).collect();
    let shown = timeline.content.shown;
    ensure!(
        shown == INTERACTIONS_EACH as usize,
        "a journey of {INTERACTIONS_EACH} interactions came back with {shown}"
    );
    let prepared = Prepared::of(timeline, &page, &journey, 0, Fields::default());
    let Some(timeline) = &prepared.timeline else { bail!("a timeline could not be encoded") };
    let call = Call {
        call_id: "bench".into(),
        state: CallState::Offered,
        agent_id: "bench".into(),
        direction: Direction::Outbound,
        number: Some(number.into()),
        campaign: None,
        parent_call_id: None,
        at: now,
    };
    let frame = Encoded::Pop {
        version: 1,
        digest: "",
        announce: true,
        call: &call,
        timeline: Some(timeline.json()),
        missing: None,
    };
    Ok(frame.encode())
}
