//! The writer's side: which texts get rows in `words`, how often each is used, and which go.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, params};
use rustc_hash::FxHashMap;
use serde::Serialize;

use super::references::{References, UNKNOWN, text};
use super::seen::Seen;
use super::{Cache, ENTRY_BYTES, Held, Memory, NEXT_WORD, OWN, OwnTexts, Part, id_of};
use crate::journey::store::StoreError;
use crate::journey::{Agent, Campaign, Interaction, Outcome};

pub struct Interner {
    known: Known,
    seen: Seen,
    /// By how many references more or less, in this transaction, by id; every row that it makes is in it. Empty between two.
    uses: FxHashMap<i64, i64>,
    /// The id of the next row, and what it was when the transaction began.
    next_id: Option<(i64, i64)>,
    /// SQLite's: another one shows that another connection wrote.
    data_version: Option<i64>,
    readers: Arc<Cache>,
}

/// Ids in `words`: by text, and by what is kept as JSON there.
struct Known {
    texts: HashMap<String, i64>,
    campaigns: HashMap<Campaign, i64>,
    outcomes: HashMap<Outcome, i64>,
    agents: HashMap<Agent, i64>,
    held: Held,
}

impl Interner {
    pub fn new(memory: &Arc<Memory>, readers: Arc<Cache>) -> Self {
        let seen_max = memory.half() / 4;
        Self {
            known: Known::new(Held::new(memory, memory.half() - seen_max)),
            seen: Seen::new(memory, seen_max),
            uses: FxHashMap::default(),
            next_id: None,
            data_version: None,
            readers,
        }
    }

    /// In a transaction that has begun.
    pub fn begin(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if !self.uses.is_empty() {
            // The transaction before was not committed, and what it made is not there.
            self.uses = FxHashMap::default();
            self.seen.clear();
            self.forget();
        }
        let version = connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if self.data_version.replace(version).is_some_and(|before| before != version) {
            // Another program (an import beside the service) may have removed some.
            self.forget();
            self.readers.forget_all();
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.known.clear();
        self.next_id = None;
    }

    /// What the interaction refers to, as far as it is in `words`.
    pub fn find(&mut self, connection: &Connection, interaction: &Interaction) -> Result<References, StoreError> {
        // There are a few of these, whatever comes.
        let source = self.closed(connection, interaction.source.name())?;
        let direction = interaction.direction.map(|direction| self.closed(connection, direction.name())).transpose()?;
        let Known { texts, campaigns, outcomes, agents, held } = &mut self.known;
        let mut room = Room { connection, held, is_full: false };
        let parts = [
            Some(room.text(texts, &interaction.channel)?),
            interaction.mode.as_deref().map(|mode| room.text(texts, mode)).transpose()?,
            interaction.campaign.as_deref().map(|campaign| room.json(campaigns, campaign)).transpose()?,
            interaction.outcome.as_deref().map(|outcome| room.json(outcomes, outcome)).transpose()?,
            interaction.agent.as_deref().map(|agent| room.json(agents, agent)).transpose()?,
        ];
        if room.is_full {
            self.known.clear();
        }
        Ok(References { source, direction, parts })
    }

    /// Finds a place for what is not in `words`: there where it came before, else with the interaction. `kept` are the interaction's
    /// own texts until now: what only it has stays there.
    pub fn place(
        &mut self,
        connection: &Connection,
        interaction: &Interaction,
        references: &mut References,
        kept: &OwnTexts,
    ) -> Result<OwnTexts, StoreError> {
        let mut own = OwnTexts::default();
        for part in Part::ALL {
            let reference = &mut references.parts[part as usize];
            if *reference != Some(UNKNOWN) {
                continue;
            }
            let Some(text) = text(interaction, part)? else { continue };
            if kept.get(part) != Some(&*text) && self.seen.again(part, &text) {
                *reference = Some(self.intern(connection, &text)?);
            } else {
                *reference = Some(OWN);
                own.0[part as usize] = Some(text.into_owned());
            }
        }
        Ok(own)
    }

    /// Counts an interaction that was put (1) or removed (-1).
    pub fn count(&mut self, references: &References, more: i64) {
        for id in references.ids() {
            *self.uses.entry(id).or_default() += more;
        }
    }

    fn closed(&mut self, connection: &Connection, name: &'static str) -> Result<i64, StoreError> {
        if let Some(id) = self.known.texts.get(name) {
            return Ok(*id);
        }
        let id = self.intern(connection, name)?;
        self.known.texts.insert(name.to_owned(), id);
        self.known.held.add(ENTRY_BYTES);
        Ok(id)
    }

    fn intern(&mut self, connection: &Connection, text: &str) -> Result<i64, StoreError> {
        if let Some(id) = id_of(text, connection)? {
            return Ok(id);
        }
        let (id, first) = match self.next_id {
            Some(next) => next,
            None => next_id(connection).map(|id| (id, id))?,
        };
        self.next_id = Some((id + 1, first));
        self.uses.entry(id).or_default();
        let mut insert = connection.prepare_cached("INSERT INTO words (id, text, uses) VALUES (?1, ?2, 0)")?;
        insert.execute(params![id, text])?;
        Ok(id)
    }

    /// Writes how often each is used now, removes those that are not, and gives their ids. To be followed by a commit.
    pub fn settle(&mut self, connection: &Connection) -> Result<Vec<i64>, StoreError> {
        let mut gone = Vec::new();
        let made_from = self.next_id.map_or(i64::MAX, |(_, first)| first);
        let mut count = connection.prepare_cached("UPDATE words SET uses = uses + ?2 WHERE id = ?1 RETURNING uses")?;
        let mut remove = connection.prepare_cached("DELETE FROM words WHERE id = ?1")?;
        for (id, more) in self.uses.iter().filter(|(id, more)| **more != 0 || **id >= made_from) {
            let uses: Option<Option<i64>> = count.query_row(params![id, more], |row| row.get(0)).optional()?;
            if uses == Some(Some(0)) {
                remove.execute([id])?;
                gone.push(*id);
            }
        }
        if let Some((next, first)) = self.next_id
            && next != first
        {
            let mut note = connection.prepare_cached("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)")?;
            note.execute(params![NEXT_WORD, next])?;
        }
        Ok(gone)
    }

    /// What was settled is committed.
    pub fn committed(&mut self, gone: &[i64]) {
        self.uses.clear();
        self.next_id = self.next_id.map(|(next, _)| (next, next));
        if !gone.is_empty() {
            self.known.clear();
            self.readers.forget(gone);
        }
    }
}

/// Greater than every id that there was: a reader may still hold a text that is gone by its id.
fn next_id(connection: &Connection) -> rusqlite::Result<i64> {
    let noted = "SELECT value FROM meta WHERE name = ?1";
    let noted: Option<i64> = connection.prepare_cached(noted)?.query_row([NEXT_WORD], |row| row.get(0)).optional()?;
    let greatest: Option<i64> =
        connection.prepare_cached("SELECT max(id) FROM words")?.query_row([], |row| row.get(0))?;
    Ok(noted.unwrap_or(1).max(greatest.unwrap_or(0) + 1))
}

impl Known {
    fn new(held: Held) -> Self {
        let (texts, campaigns, outcomes, agents) = Default::default();
        Self { texts, campaigns, outcomes, agents, held }
    }

    fn clear(&mut self) {
        (self.texts, self.campaigns, self.outcomes, self.agents) = Default::default();
        self.held.clear();
    }
}

/// Looks texts up in `words`, and keeps what it found as long as there is room.
struct Room<'a> {
    connection: &'a Connection,
    held: &'a mut Held,
    is_full: bool,
}

impl Room<'_> {
    fn text(&mut self, known: &mut HashMap<String, i64>, text: &str) -> Result<i64, StoreError> {
        match known.get(text) {
            Some(id) => Ok(*id),
            None => self.find(known, text, || text.to_owned()),
        }
    }

    fn json<T: Serialize + Clone + Eq + Hash>(
        &mut self,
        known: &mut HashMap<T, i64>,
        part: &T,
    ) -> Result<i64, StoreError> {
        match known.get(part) {
            Some(id) => Ok(*id),
            None => self.find(known, &serde_json::to_string(part)?, || part.clone()),
        }
    }

    fn find<T: Eq + Hash>(
        &mut self,
        known: &mut HashMap<T, i64>,
        text: &str,
        key: impl FnOnce() -> T,
    ) -> Result<i64, StoreError> {
        let Some(id) = id_of(text, self.connection)? else { return Ok(UNKNOWN) };
        let bytes = ENTRY_BYTES + text.len();
        if self.held.is_full_with(bytes) {
            self.is_full = true;
        } else {
            known.insert(key(), id);
            self.held.add(bytes);
        }
        Ok(id)
    }
}
