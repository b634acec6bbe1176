//! Keeps a batch as far as the store takes it: a record that it refuses is found out and passed over, and a store that refuses
//! everything is waited for.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use serde_json::json;

use super::store::{Fence, Store, StoreError, WriteBatch, Written};
use super::{Change, Contact, Interaction, Regions, Source};

/// Fewer records say nothing about the store.
const DECIDED_MIN: usize = 100;

/// What became of a batch's changes.
#[derive(Debug, Default)]
pub struct Sifted {
    pub written: Written,
    /// The changes that the store refuses, by their place in the batch, in order.
    pub refused: Vec<Refused>,
}

impl From<Written> for Sifted {
    fn from(written: Written) -> Self {
        Self { written, refused: Vec::new() }
    }
}

/// A change that the store refuses, alone and twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub nth: usize,
    /// `store_refused`, with the store's own code behind it; or `panicked`.
    pub reason: String,
}

impl Refused {
    /// Of the list that these were chosen from.
    pub fn among(self, places: &[usize]) -> Self {
        Self { nth: places[self.nth], ..self }
    }
}

/// Why a batch is not kept.
#[derive(Debug, thiserror::Error)]
pub enum NotKept {
    /// It is away, or in trouble: it is waited for.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It refuses most records: it is the store and not they.
    #[error("the store refuses most records: {0}")]
    StoreRefuses(StoreError),
    /// Whether the partitions are this node's is not known right now.
    #[error("the consumer group is being shared out anew")]
    NotOwned,
    /// A person is not erased until it is.
    #[error("the store refuses an erasure: {0}")]
    ErasureRefused(StoreError),
}

/// Keeps the changes as far as the store takes them.
pub async fn keep(store: &Store, changes: Vec<Change>) -> Result<Sifted, NotKept> {
    let batch = WriteBatch::of(changes);
    match store.write(Arc::clone(&batch)).await {
        Ok(written) => Ok(written.into()),
        Err(error) if error.concerns_record() => {
            let mut written = Written::default();
            let refused = sift(store, &batch.changes, &[], &mut written).await?;
            Ok(Sifted { written, refused })
        }
        Err(error) => Err(error.into()),
    }
}

/// Writes the changes of a batch that the store refused as a whole, in order: halves it until each record that is refused is alone.
/// Returns those, and adds to `written` what it wrote, also where it fails in the middle.
pub async fn sift(
    store: &Store,
    changes: &[Change],
    fences: &[Fence],
    written: &mut Written,
) -> Result<Vec<Refused>, NotKept> {
    let mut refused = Vec::new();
    let before = written.changed;
    let (mut taken, mut erasure_refused) = (None, None);
    // What is to be written, as ranges of the batch; the last one is the next.
    let mut open = halves(0, changes.len());
    while let Some((from, to)) = open.pop() {
        let mut wrote = write(store, &changes[from..to], fences).await;
        if to - from == 1 && is_refusal(&wrote) {
            wrote = write(store, &changes[from..to], fences).await;
        }
        match wrote {
            Ok(wrote) => {
                written.join(wrote);
                taken = taken.or(changes[from..to].iter().find_map(later));
            }
            Err(error) if !error.concerns_record() => return Err(error.into()),
            Err(_) if to - from > 1 => open.extend(halves(from, to)),
            Err(error) if matches!(changes[from], Change::Erase(_)) => erasure_refused = Some(error),
            Err(error) => {
                refused.push(Refused { nth: from, reason: reason(&error) });
                if changes.len() >= DECIDED_MIN && refused.len() * 2 > changes.len() {
                    return Err(NotKept::StoreRefuses(error));
                }
            }
        }
    }
    if let Some(error) = erasure_refused {
        return Err(NotKept::ErasureRefused(error));
    }
    // What changed nothing says nothing of the store. Where nothing else was taken, a record that was kept before shows whether it
    // takes any; or, where there is none, a plain one.
    if let Some(first) = refused.first().filter(|_| written.changed == before)
        && let Some(probe) = taken.or_else(|| plain(&changes[first.nth]))
    {
        would_take(store, probe).await?;
    }
    Ok(refused)
}

/// The second before the first: the last one is the next.
fn halves(from: usize, to: usize) -> Vec<(usize, usize)> {
    match to - from {
        0 => Vec::new(),
        1 => vec![(from, to)],
        _ => vec![(from.midpoint(to), to), (from, from.midpoint(to))],
    }
}

async fn write(store: &Store, changes: &[Change], fences: &[Fence]) -> Result<Written, StoreError> {
    let (changes, fences) = (changes.to_vec(), fences.to_vec());
    store.write(Arc::new(WriteBatch { changes, fences, ..WriteBatch::default() })).await
}

fn is_refusal(written: &Result<Written, StoreError>) -> bool {
    written.as_ref().is_err_and(StoreError::concerns_record)
}

fn reason(error: &StoreError) -> String {
    match (error, error.code()) {
        (StoreError::Panicked, _) => "panicked".into(),
        (_, Some(code)) => format!("store_refused {code}"),
        (_, None) => "store_refused".into(),
    }
}

async fn would_take(store: &Store, probe: Change) -> Result<(), NotKept> {
    match store.would_take(WriteBatch::of(vec![probe])).await {
        Ok(()) => Ok(()),
        Err(error) if error.concerns_record() => Err(NotKept::StoreRefuses(error)),
        Err(error) => Err(error.into()),
    }
}

/// The same, as if it had been corrected a moment later.
fn later(change: &Change) -> Option<Change> {
    let moment = TimeDelta::milliseconds(1);
    let mut later = change.clone();
    match &mut later {
        Change::Interaction(one) => one.updated_at = one.updated_at.map(|at| at + moment),
        Change::Contact(one) => one.updated_at = one.updated_at.map(|at| at + moment),
        Change::RemoveInteraction(_) | Change::RemoveContact(_) | Change::Erase(_) => return None,
    }
    Some(later)
}

/// Nobody's, and never committed.
fn plain(like: &Change) -> Option<Change> {
    let (id, now) = (format!("backstory-probe-{:016x}", rand::random::<u64>()), Utc::now());
    let regions = Regions::from(rlibphonenumber::Region::US);
    match like {
        Change::Interaction(_) | Change::RemoveInteraction(_) => {
            let value = json!({"interactionId": id, "source": Source::DataCloud, "contactId": id, "address": "+12015550100",
                               "channel": "voice", "startedAt": now});
            let read = Interaction::read(value.to_string().as_bytes(), regions, now).ok()?;
            Some(Change::Interaction(Box::new(read)))
        }
        Change::Contact(_) | Change::RemoveContact(_) => {
            let value = json!({"contactId": id, "addresses": [{"address": "+12015550100"}]});
            let read = Contact::read(value.to_string().as_bytes(), regions.general, now).ok()?;
            Some(Change::Contact(Box::new(read)))
        }
        Change::Erase(_) => None,
    }
}
