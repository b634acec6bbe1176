//! The readers' side: texts of `words` as interactions carry them, read once, and shared by all that are looked up.

use std::sync::Arc;

use parking_lot::RwLock;
use rusqlite::{Connection, Row};
use rustc_hash::FxHashMap;
use serde::de::DeserializeOwned;
use smol_str::SmolStr;

use super::{ENTRY_BYTES, Held, Memory, OWN, OwnTexts, Part, text_of};
use crate::journey::store::StoreError;
use crate::journey::{Agent, Campaign, Direction, Outcome, Source};

/// Those that look-ups have met.
pub struct Cache(RwLock<Known>);

/// By id. One text may stand for a campaign here and for an agent there.
#[derive(Default)]
struct Texts {
    texts: FxHashMap<i64, SmolStr>,
    campaigns: FxHashMap<i64, Arc<Campaign>>,
    outcomes: FxHashMap<i64, Arc<Outcome>>,
    agents: FxHashMap<i64, Arc<Agent>>,
}

struct Known {
    texts: Texts,
    held: Held,
    /// How often some were forgotten because they are gone from the store.
    removals: u64,
}

/// The ids of one interaction's texts.
pub struct Ids {
    source: i64,
    channel: i64,
    mode: Option<i64>,
    direction: Option<i64>,
    campaign: Option<i64>,
    outcome: Option<i64>,
    agent: Option<i64>,
}

/// One interaction's texts.
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

/// What the interaction keeps itself.
#[derive(Default)]
struct Own {
    channel: Option<SmolStr>,
    mode: Option<SmolStr>,
    campaign: Option<Arc<Campaign>>,
    outcome: Option<Arc<Outcome>>,
    agent: Option<Arc<Agent>>,
}

const NOTHING: &Own = &Own { channel: None, mode: None, campaign: None, outcome: None, agent: None };

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

    fn have_own(&self) -> bool {
        self.channel == OWN || [self.mode, self.campaign, self.outcome, self.agent].contains(&Some(OWN))
    }
}

/// The cache for one look-up, whose snapshot of the store is no older than this.
#[derive(Clone, Copy)]
pub struct AsOf<'a> {
    cache: &'a Cache,
    removals: u64,
}

impl Cache {
    pub fn new(memory: &Arc<Memory>) -> Self {
        let held = Held::new(memory, memory.half());
        Self(RwLock::new(Known { texts: Texts::default(), held, removals: 0 }))
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.0.read().texts.bytes() == 0
    }

    /// To be taken before the look-up begins to read.
    pub fn as_of_now(&self) -> AsOf<'_> {
        AsOf { cache: self, removals: self.0.read().removals }
    }

    /// These are gone from the store.
    pub fn forget(&self, gone: &[i64]) {
        let mut known = self.0.write();
        known.removals += 1;
        for id in gone {
            let bytes = known.texts.remove(*id);
            known.held.sub(bytes);
        }
    }

    /// Any may be gone from the store.
    pub fn forget_all(&self) {
        let mut known = self.0.write();
        known.removals += 1;
        known.clear();
    }
}

impl AsOf<'_> {
    pub fn texts(&self, ids: &Ids, interaction_id: &str, connection: &Connection) -> Result<Said, StoreError> {
        let said = self.cache.0.read().texts.said(ids, NOTHING);
        match said {
            Some(said) => Ok(said),
            None => self.read(ids, interaction_id, connection),
        }
    }

    #[cold]
    fn read(&self, ids: &Ids, interaction_id: &str, connection: &Connection) -> Result<Said, StoreError> {
        let own = if ids.have_own() { Own::of(OwnTexts::of(connection, interaction_id)?)? } else { Own::default() };
        if let Some(said) = self.cache.0.read().texts.said(ids, &own) {
            return Ok(said);
        }
        // The lock is not held while the store is read: others go on with what is known.
        let met = Texts::read(ids, connection)?;
        let said = met.said(ids, &own).ok_or(StoreError::Foreign("words"))?;
        let mut known = self.cache.0.write();
        // What has gone since this look-up began would stay.
        if known.removals == self.removals {
            known.keep(met);
        }
        Ok(said)
    }
}

impl Known {
    fn keep(&mut self, met: Texts) {
        let bytes = met.bytes();
        if self.held.is_full_with(bytes) {
            self.clear();
        }
        if !self.held.is_full_with(bytes) {
            let twice = self.texts.extend(met);
            self.held.add(bytes);
            self.held.sub(twice);
        }
    }

    fn clear(&mut self) {
        self.texts = Texts::default();
        self.held.clear();
    }
}

impl Texts {
    /// `None` where one of them was not met yet, or is the interaction's own and not given.
    fn said(&self, ids: &Ids, own: &Own) -> Option<Said> {
        Some(Said {
            source: Source::of_name(self.texts.get(&ids.source)?),
            channel: one(&self.texts, ids.channel, &own.channel)?,
            mode: among(&self.texts, ids.mode, &own.mode)?,
            direction: match ids.direction {
                Some(id) => Direction::of_name(self.texts.get(&id)?),
                None => None,
            },
            campaign: among(&self.campaigns, ids.campaign, &own.campaign)?,
            outcome: among(&self.outcomes, ids.outcome, &own.outcome)?,
            agent: among(&self.agents, ids.agent, &own.agent)?,
        })
    }

    fn read(ids: &Ids, connection: &Connection) -> Result<Self, StoreError> {
        let mut met = Self::default();
        for id in [Some(ids.source), Some(ids.channel), ids.mode, ids.direction].into_iter().flatten() {
            if id != OWN {
                met.texts.insert(id, text_of(id, connection)?.into());
            }
        }
        met.campaigns.extend(part(ids.campaign, connection)?);
        met.outcomes.extend(part(ids.outcome, connection)?);
        met.agents.extend(part(ids.agent, connection)?);
        Ok(met)
    }

    fn bytes(&self) -> usize {
        fn all<T: Weighed>(known: &FxHashMap<i64, T>) -> usize {
            known.values().map(Weighed::entry_bytes).sum()
        }
        all(&self.texts) + all(&self.campaigns) + all(&self.outcomes) + all(&self.agents)
    }

    /// The bytes of those that were there.
    fn extend(&mut self, met: Self) -> usize {
        fn all<T: Weighed>(known: &mut FxHashMap<i64, T>, met: FxHashMap<i64, T>) -> usize {
            met.into_iter().filter_map(|(id, one)| known.insert(id, one)).map(|before| before.entry_bytes()).sum()
        }
        all(&mut self.texts, met.texts)
            + all(&mut self.campaigns, met.campaigns)
            + all(&mut self.outcomes, met.outcomes)
            + all(&mut self.agents, met.agents)
    }

    /// Its bytes.
    fn remove(&mut self, id: i64) -> usize {
        fn one<T: Weighed>(known: &mut FxHashMap<i64, T>, id: i64) -> usize {
            known.remove(&id).map_or(0, |gone| gone.entry_bytes())
        }
        one(&mut self.texts, id)
            + one(&mut self.campaigns, id)
            + one(&mut self.outcomes, id)
            + one(&mut self.agents, id)
    }
}

/// What takes memory by its texts.
trait Weighed {
    fn text_bytes(&self) -> usize;

    fn entry_bytes(&self) -> usize {
        ENTRY_BYTES + self.text_bytes()
    }
}

impl Weighed for SmolStr {
    fn text_bytes(&self) -> usize {
        self.len()
    }
}

impl Weighed for Arc<Campaign> {
    fn text_bytes(&self) -> usize {
        self.id.len() + self.name.as_ref().map_or(0, String::len)
    }
}

impl Weighed for Arc<Agent> {
    fn text_bytes(&self) -> usize {
        self.id.len() + self.name.as_ref().map_or(0, String::len)
    }
}

impl Weighed for Arc<Outcome> {
    fn text_bytes(&self) -> usize {
        let optional = [&self.label, &self.parent, &self.telephony].into_iter().flatten();
        self.code.len() + optional.map(String::len).sum::<usize>()
    }
}

impl Own {
    fn of(mut texts: OwnTexts) -> Result<Self, StoreError> {
        fn json<T: DeserializeOwned>(text: Option<String>) -> Result<Option<Arc<T>>, StoreError> {
            Ok(text.map(|text| serde_json::from_str(&text)).transpose()?.map(Arc::new))
        }
        let mut take = |part: Part| texts.0[part as usize].take();
        Ok(Self {
            channel: take(Part::Channel).map(SmolStr::from),
            mode: take(Part::Mode).map(SmolStr::from),
            campaign: json(take(Part::Campaign))?,
            outcome: json(take(Part::Outcome))?,
            agent: json(take(Part::Agent))?,
        })
    }
}

fn one<T: Clone>(known: &FxHashMap<i64, T>, id: i64, own: &Option<T>) -> Option<T> {
    if id == OWN { own.clone() } else { known.get(&id).cloned() }
}

/// No id is no text; an id that was not met is no answer.
fn among<T: Clone>(known: &FxHashMap<i64, T>, id: Option<i64>, own: &Option<T>) -> Option<Option<T>> {
    match id {
        Some(id) => one(known, id, own).map(Some),
        None => Some(None),
    }
}

/// A part that is kept as JSON.
fn part<T: DeserializeOwned>(id: Option<i64>, connection: &Connection) -> Result<Option<(i64, Arc<T>)>, StoreError> {
    let Some(id) = id.filter(|id| *id != OWN) else { return Ok(None) };
    Ok(Some((id, Arc::new(serde_json::from_str(&text_of(id, connection)?)?))))
}
