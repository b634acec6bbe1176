//! What all sessions of the node keep of timelines on their screens: found by address and contact, counted in bytes.
//!
//! Sessions that see a call alike share its outline; here it is counted and indexed once, and goes with the last of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Deref;
use std::sync::Arc;

use parking_lot::Mutex;
use smol_str::SmolStr;

use super::open_calls::CallKey;
use super::prepared::Outline;
use crate::metrics::memory::Memory;

/// What the index takes for one lead, beside its text.
const LEAD_BYTES: usize = 64;

pub struct Outlines(Arc<Mutex<Index>>);

struct Index {
    bytes_max: usize,
    bytes: usize,
    /// By their addresses in memory.
    outlines: HashMap<(usize, Arc<CallKey>), Entry>,
    calls: HashMap<Arc<CallKey>, OfCall>,
    by_lead: BTreeMap<(SmolStr, u64), Arc<CallKey>>,
    /// Calls of which more is kept than they need, in the order in which that goes.
    full: BTreeMap<Turn, Arc<CallKey>>,
    next: u64,
    memory: Memory,
}

/// Calls that are over go first, each of them the one first that has been so for longest; then the others, the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    is_open: bool,
    nth: u64,
}

struct Entry {
    nth: u64,
    sessions: usize,
    bytes: usize,
}

#[derive(Default)]
struct OfCall {
    outlines: usize,
    /// Outlines that could be slimmer.
    full: usize,
    turn: Option<Turn>,
}

/// An outline that a session keeps.
pub struct Kept {
    key: Arc<CallKey>,
    outline: Arc<Outline>,
    index: Arc<Mutex<Index>>,
}

impl Outlines {
    pub fn new(bytes_max: usize, memory: Memory) -> Self {
        Self(Arc::new(Mutex::new(Index {
            bytes_max,
            bytes: 0,
            outlines: HashMap::new(),
            calls: HashMap::new(),
            by_lead: BTreeMap::new(),
            full: BTreeMap::new(),
            next: 0,
            memory,
        })))
    }

    /// A session keeps this of a call, which is over or not, until it drops what it gets here.
    pub fn keep(&self, key: &Arc<CallKey>, outline: &Arc<Outline>, over: bool) -> Kept {
        self.0.lock().add(key, outline, over);
        Kept { key: Arc::clone(key), outline: Arc::clone(outline), index: Arc::clone(&self.0) }
    }

    /// The call is over. `false`: nothing is kept of it.
    pub fn ended(&self, key: &CallKey) -> bool {
        let mut index = self.0.lock();
        let Some((key, of_call)) = index.calls.get_key_value(key) else { return false };
        if let (key, Some(turn)) = (Arc::clone(key), of_call.turn) {
            index.full.remove(&turn);
            index.takes_its_turn(&key, false);
        }
        true
    }

    /// The call whose outlines are to be made slimmer, where all of them together are too large.
    pub fn surplus(&self) -> Option<Arc<CallKey>> {
        let mut index = self.0.lock();
        if index.bytes <= index.bytes_max {
            return None;
        }
        let (_, key) = index.full.pop_first()?;
        if let Some(of_call) = index.calls.get_mut(&key) {
            of_call.turn = None;
        }
        index.memory.outlines_dropped();
        Some(key)
    }

    /// Calls that one of these leads into, and how many entries of the index that took.
    pub fn concerned(&self, touched: &BTreeSet<String>) -> (BTreeSet<Arc<CallKey>>, usize) {
        let index = self.0.lock();
        let mut entries = 0;
        let of = |lead: &String| index.by_lead.range((lead.into(), 0)..=(lead.into(), u64::MAX));
        let keys = touched.iter().flat_map(of).inspect(|_| entries += 1).map(|(_, key)| Arc::clone(key)).collect();
        (keys, entries)
    }
}

impl Index {
    fn add(&mut self, key: &Arc<CallKey>, outline: &Arc<Outline>, over: bool) {
        if let Some(entry) = self.outlines.get_mut(&place(key, outline)) {
            entry.sessions += 1;
            return;
        }
        let entry = Entry { nth: self.next, sessions: 1, bytes: outline.bytes() + LEAD_BYTES * outline.leads.len() };
        self.next += 1;
        self.count(self.bytes + entry.bytes);
        for lead in &outline.leads {
            self.by_lead.insert((lead.clone(), entry.nth), Arc::clone(key));
        }
        self.outlines.insert(place(key, outline), entry);
        let of_call = self.calls.entry(Arc::clone(key)).or_default();
        of_call.outlines += 1;
        if outline.has_items() {
            of_call.full += 1;
            if let Some(turn) = of_call.turn {
                self.full.remove(&turn);
            }
            self.takes_its_turn(key, !over);
        }
    }

    fn release(&mut self, key: &Arc<CallKey>, outline: &Arc<Outline>) {
        let place = place(key, outline);
        let Some(entry) = self.outlines.get_mut(&place) else { return };
        entry.sessions -= 1;
        if entry.sessions > 0 {
            return;
        }
        let Some(Entry { nth, bytes, .. }) = self.outlines.remove(&place) else { return };
        self.count(self.bytes - bytes);
        for lead in &outline.leads {
            self.by_lead.remove(&(lead.clone(), nth));
        }
        let Some(of_call) = self.calls.get_mut(key) else { return };
        of_call.outlines -= 1;
        of_call.full -= usize::from(outline.has_items());
        if of_call.full == 0
            && let Some(turn) = of_call.turn.take()
        {
            self.full.remove(&turn);
        }
        if of_call.outlines == 0 {
            self.calls.remove(key);
        }
    }

    fn takes_its_turn(&mut self, key: &Arc<CallKey>, is_open: bool) {
        let turn = Turn { is_open, nth: self.next };
        self.next += 1;
        if let Some(of_call) = self.calls.get_mut(key) {
            of_call.turn = Some(turn);
            self.full.insert(turn, Arc::clone(key));
        }
    }

    fn count(&mut self, bytes: usize) {
        self.bytes = bytes;
        self.memory.outline_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }
}

fn place(key: &Arc<CallKey>, outline: &Arc<Outline>) -> (usize, Arc<CallKey>) {
    (Arc::as_ptr(outline) as usize, Arc::clone(key))
}

impl Kept {
    /// The same with less; `None` where there is nothing that could go.
    pub fn slimmer(&self, slim: &mut Slimmer) -> Option<Arc<Outline>> {
        let outline = &self.outline;
        outline.has_items().then(|| {
            let made = slim.0.entry(Arc::as_ptr(outline) as usize);
            let made = made.or_insert_with(|| (Arc::clone(outline), Arc::new(outline.without_items())));
            Arc::clone(&made.1)
        })
    }
}

/// Outlines of one call that were made slimmer, each once, by their address; they live as long as that is looked up.
#[derive(Default)]
pub struct Slimmer(HashMap<usize, (Arc<Outline>, Arc<Outline>)>);

impl Deref for Kept {
    type Target = Outline;

    fn deref(&self) -> &Outline {
        &self.outline
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.index.lock().release(&self.key, &self.outline);
    }
}

#[cfg(test)]
mod tests;
