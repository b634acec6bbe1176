//! What stands in `words`, as interactions carry it: read once, and shared by all that are looked up.

use std::sync::Arc;

use parking_lot::RwLock;
use rusqlite::{Connection, Row};
use rustc_hash::FxHashMap;
use serde::de::DeserializeOwned;
use smol_str::SmolStr;

use crate::journey::store::StoreError;
use crate::journey::{Agent, Campaign, Direction, Outcome, Source};

/// Those that look-ups have met.
#[derive(Default)]
pub struct Words(RwLock<Known>);

/// By id. One text may stand for a campaign here and for an agent there.
#[derive(Default)]
struct Known {
    texts: FxHashMap<i64, SmolStr>,
    campaigns: FxHashMap<i64, Arc<Campaign>>,
    outcomes: FxHashMap<i64, Arc<Outcome>>,
    agents: FxHashMap<i64, Arc<Agent>>,
}

/// The ids of one interaction's words.
pub struct Ids {
    source: i64,
    channel: i64,
    mode: Option<i64>,
    direction: Option<i64>,
    campaign: Option<i64>,
    outcome: Option<i64>,
    agent: Option<i64>,
}

/// One interaction's words.
pub struct Said {
    /// `None`: one that this release does not know.
    pub source: Option<Source>,
    pub channel: SmolStr,
    pub mode: Option<SmolStr>,
    pub direction: Option<Direction>,
    pub campaign: Option<Arc<Campaign>>,
    pub outcome: Option<Arc<Outcome>>,
    pub agent: Option<Arc<Agent>>,
}

impl Ids {
    /// From seven columns: source, channel, mode, direction, campaign, outcome, agent.
    pub fn of(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            source: row.get(first)?,
            channel: row.get(first + 1)?,
            mode: row.get(first + 2)?,
            direction: row.get(first + 3)?,
            campaign: row.get(first + 4)?,
            outcome: row.get(first + 5)?,
            agent: row.get(first + 6)?,
        })
    }
}

impl Words {
    pub fn of(&self, ids: &Ids, connection: &Connection) -> Result<Said, StoreError> {
        if let Some(said) = self.0.read().said(ids) {
            return Ok(said);
        }
        // The lock is not held while the store is read: others go on with what is known.
        let met = Known::read(ids, connection)?;
        let said = met.said(ids).ok_or(StoreError::Foreign("words"))?;
        let mut known = self.0.write();
        known.texts.extend(met.texts);
        known.campaigns.extend(met.campaigns);
        known.outcomes.extend(met.outcomes);
        known.agents.extend(met.agents);
        Ok(said)
    }
}

impl Known {
    /// `None` where one of them was not met yet.
    fn said(&self, ids: &Ids) -> Option<Said> {
        Some(Said {
            source: Source::of_name(self.texts.get(&ids.source)?),
            channel: self.texts.get(&ids.channel)?.clone(),
            mode: among(&self.texts, ids.mode)?,
            direction: match ids.direction {
                Some(id) => Direction::of_name(self.texts.get(&id)?),
                None => None,
            },
            campaign: among(&self.campaigns, ids.campaign)?,
            outcome: among(&self.outcomes, ids.outcome)?,
            agent: among(&self.agents, ids.agent)?,
        })
    }

    fn read(ids: &Ids, connection: &Connection) -> Result<Self, StoreError> {
        let mut met = Self::default();
        for id in [Some(ids.source), Some(ids.channel), ids.mode, ids.direction].into_iter().flatten() {
            met.texts.insert(id, text(id, connection)?.into());
        }
        met.campaigns.extend(part(ids.campaign, connection)?);
        met.outcomes.extend(part(ids.outcome, connection)?);
        met.agents.extend(part(ids.agent, connection)?);
        Ok(met)
    }
}

/// No id is no word; an id that was not met is no answer.
fn among<T: Clone>(known: &FxHashMap<i64, T>, id: Option<i64>) -> Option<Option<T>> {
    match id {
        Some(id) => known.get(&id).cloned().map(Some),
        None => Some(None),
    }
}

/// A part that is kept as JSON.
fn part<T: DeserializeOwned>(id: Option<i64>, connection: &Connection) -> Result<Option<(i64, Arc<T>)>, StoreError> {
    let Some(id) = id else { return Ok(None) };
    Ok(Some((id, Arc::new(serde_json::from_str(&text(id, connection)?)?))))
}

fn text(id: i64, connection: &Connection) -> Result<String, StoreError> {
    let mut statement = connection.prepare_cached("SELECT text FROM words WHERE id = ?1")?;
    Ok(statement.query_row([id], |row| row.get(0))?)
}
