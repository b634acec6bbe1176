//! Texts that many interactions repeat (campaign, outcome, agent, channel …) are kept once, in `words`; interactions refer to them.
//! A text of which no other interaction is known is kept with its own interaction, in `own_texts`. Each row of `words` counts the
//! references to it, and goes with the last one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rusqlite::{Connection, OptionalExtension as _, Row};

use crate::journey::store::StoreError;

mod cache;
mod interner;
mod references;
mod seen;
mod uses;

pub use cache::{AsOf, Cache, Ids};
pub use interner::Interner;
pub use references::References;
pub use uses::count_once;

/// Refers to what `own_texts` has of the interaction. No id in `words`.
const OWN: i64 = 0;
/// In `meta`: the id that the next row of `words` gets. None is given twice, since a reader may still hold what is gone.
const NEXT_WORD: &str = "next_word";
/// What an entry takes in memory beside its text: its place in a map that has room to grow, and what it is read into.
const ENTRY_BYTES: usize = 200;

const OWN_TEXTS: &str = "SELECT channel, mode, campaign, outcome, agent FROM own_texts WHERE interaction_id = ?1";
const TEXT: &str = "SELECT text FROM words WHERE id = ?1";
const ID: &str = "SELECT id FROM words WHERE text = ?1";

/// What one store's dictionary holds in memory. Writer and readers have half of it each; neither needs any of it to be right.
#[derive(Debug)]
pub struct Memory {
    bytes: AtomicUsize,
    bytes_max: usize,
}

impl Memory {
    pub fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { bytes: AtomicUsize::new(0), bytes_max })
    }

    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    fn half(&self) -> usize {
        self.bytes_max / 2
    }
}

/// A part of it, with a bound of its own.
#[derive(Debug)]
struct Held {
    memory: Arc<Memory>,
    bytes: usize,
    bytes_max: usize,
}

impl Held {
    fn new(memory: &Arc<Memory>, bytes_max: usize) -> Self {
        Self { memory: Arc::clone(memory), bytes: 0, bytes_max }
    }

    fn is_full_with(&self, more: usize) -> bool {
        self.bytes.saturating_add(more) > self.bytes_max
    }

    fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.memory.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn sub(&mut self, bytes: usize) {
        self.bytes -= bytes;
        self.memory.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn clear(&mut self) {
        self.sub(self.bytes);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Those parts of interactions that may be their own, in the order of the columns.
#[derive(Debug, Clone, Copy)]
enum Part {
    Channel,
    Mode,
    Campaign,
    Outcome,
    Agent,
}

impl Part {
    const ALL: [Self; 5] = [Self::Channel, Self::Mode, Self::Campaign, Self::Outcome, Self::Agent];
}

/// What an interaction keeps itself, by part.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct OwnTexts([Option<String>; 5]);

impl OwnTexts {
    /// Nothing where it has none.
    pub fn of(connection: &Connection, interaction_id: &str) -> rusqlite::Result<Self> {
        let read = |row: &Row<'_>| Ok(Self([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?]));
        Ok(connection.prepare_cached(OWN_TEXTS)?.query_row([interaction_id], read).optional()?.unwrap_or_default())
    }

    pub fn put(&self, connection: &Connection, interaction_id: &str) -> rusqlite::Result<()> {
        let Self([channel, mode, campaign, outcome, agent]) = self;
        let sql = "INSERT INTO own_texts (interaction_id, channel, mode, campaign, outcome, agent) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let row = (interaction_id, channel, mode, campaign, outcome, agent);
        connection.prepare_cached(sql)?.execute(row).map(drop)
    }

    pub fn remove(connection: &Connection, interaction_id: &str) -> rusqlite::Result<()> {
        let sql = "DELETE FROM own_texts WHERE interaction_id = ?1";
        connection.prepare_cached(sql)?.execute([interaction_id]).map(drop)
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    fn get(&self, part: Part) -> Option<&str> {
        self.0[part as usize].as_deref()
    }
}

fn text_of(id: i64, connection: &Connection) -> Result<String, StoreError> {
    let mut statement = connection.prepare_cached(TEXT)?;
    Ok(statement.query_row([id], |row| row.get(0))?)
}

fn id_of(text: &str, connection: &Connection) -> rusqlite::Result<Option<i64>> {
    connection.prepare_cached(ID)?.query_row([text], |row| row.get(0)).optional()
}

#[cfg(test)]
mod tests;
