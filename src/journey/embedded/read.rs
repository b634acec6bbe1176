//! Looking a number up in the embedded store: number → contacts → their interactions on any of their addresses.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use parking_lot::RwLock;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::de::DeserializeOwned;

use crate::journey::store::{LookUp, StoreError};
use crate::journey::{Agent, Campaign, Direction, Interaction, Journey, KnownContact, Outcome, Source};

/// A chain of merges longer than this is a ring.
const MERGES_MAX: usize = 16;

/// What stands in `words`, by id and as interactions carry it, as far as look-ups have met it.
#[derive(Default)]
pub struct Words {
    texts: Known<Arc<str>>,
    campaigns: Known<Campaign>,
    outcomes: Known<Outcome>,
    agents: Known<Agent>,
}

type Known<T> = RwLock<HashMap<i64, T>>;

pub fn look_up(connection: &Connection, words: &Words, look_up: &LookUp) -> Result<Journey, StoreError> {
    // One snapshot for all statements: what a writer commits in between is seen whole or not at all.
    let transaction = connection.unchecked_transaction()?;
    let reader = Reader { connection: &transaction, words, look_up };
    let mut journey = Journey { number: look_up.number.clone(), ..Journey::default() };
    let mut addresses = BTreeSet::from([look_up.number.clone()]);
    for (contact_id, earlier_ids) in reader.contacts_behind_number()? {
        let mut contact = KnownContact { contact_id, ..KnownContact::default() };
        for id in std::iter::once(&contact.contact_id.clone()).chain(&earlier_ids) {
            reader.describe(id, &mut contact)?;
            reader.addresses_of(id, &mut addresses)?;
            journey.leads.insert(id.clone());
            let first = journey.interactions.len();
            reader.interactions_of(id, &mut journey.interactions)?;
            for interaction in &mut journey.interactions[first..] {
                interaction.contact_id = Some(contact.contact_id.clone());
            }
        }
        journey.contacts.push(contact);
    }
    for address in &addresses {
        reader.interactions_of_nobody(address, &mut journey.interactions)?;
    }
    journey.leads.append(&mut addresses);
    journey.sort();
    Ok(journey)
}

struct Reader<'a> {
    connection: &'a Connection,
    words: &'a Words,
    look_up: &'a LookUp,
}

impl Reader<'_> {
    /// Contacts listed with the number or reached on it, each by the id it goes by now, with its earlier ids.
    fn contacts_behind_number(&self) -> Result<BTreeMap<String, BTreeSet<String>>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT contact_id FROM addresses WHERE address = ?1 UNION SELECT contact_id FROM reached WHERE address = ?1",
        )?;
        let found = statement.query_map([&self.look_up.number], |row| row.get::<_, String>(0))?;
        let mut contacts = BTreeMap::new();
        for id in found {
            let current = self.current_id(id?)?;
            let earlier = self.earlier_ids(&current)?;
            contacts.insert(current, earlier);
        }
        Ok(contacts)
    }

    fn current_id(&self, mut id: String) -> Result<String, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT merged_into FROM listings WHERE contact_id = ?1 AND merged_into IS NOT NULL ORDER BY updated_at DESC LIMIT 1",
        )?;
        for _ in 0..MERGES_MAX {
            match statement.query_row([&id], |row| row.get::<_, String>(0)).optional()? {
                Some(next) if next != id => id = next,
                _ => break,
            }
        }
        Ok(id)
    }

    fn earlier_ids(&self, current: &str) -> Result<BTreeSet<String>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT DISTINCT contact_id FROM listings WHERE merged_into = ?1")?;
        let mut earlier = BTreeSet::new();
        let mut open = vec![current.to_owned()];
        while let Some(id) = open.pop() {
            for from in statement.query_map([&id], |row| row.get::<_, String>(0))? {
                let from = from?;
                if from != current && earlier.insert(from.clone()) {
                    open.push(from);
                }
            }
        }
        Ok(earlier)
    }

    /// Name (of the newest record that has one) and campaigns.
    fn describe(&self, contact_id: &str, contact: &mut KnownContact) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT campaign_id, campaign, name FROM listings WHERE contact_id = ?1 ORDER BY updated_at DESC, campaign_id",
        )?;
        let mut rows = statement.query([contact_id])?;
        while let Some(row) = rows.next()? {
            let campaign_id: String = row.get(0)?;
            if !campaign_id.is_empty() && contact.listed.iter().all(|campaign| campaign.id != campaign_id) {
                contact.listed.push(Campaign { id: campaign_id, name: row.get(1)? });
            }
            if contact.name.is_none() {
                contact.name = row.get(2)?;
            }
        }
        Ok(())
    }

    fn addresses_of(&self, contact_id: &str, into: &mut BTreeSet<String>) -> Result<(), StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT DISTINCT address FROM addresses WHERE contact_id = ?1")?;
        for address in statement.query_map([contact_id], |row| row.get(0))? {
            into.insert(address?);
        }
        Ok(())
    }

    fn interactions_of(&self, contact_id: &str, into: &mut Vec<Interaction>) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT interaction_id, source, contact_id, address, channel, mode, direction, campaign, outcome, agent,
                    started_at, ended_at, previous_score, current_score, comments, updated_at
             FROM interactions WHERE contact_id = ?1 AND started_at >= ?2",
        )?;
        let mut rows = statement.query(params![contact_id, self.look_up.from.timestamp_millis()])?;
        while let Some(row) = rows.next()? {
            into.extend(self.interaction(row)?);
        }
        Ok(())
    }

    fn interactions_of_nobody(&self, address: &str, into: &mut Vec<Interaction>) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT interaction_id, source, contact_id, address, channel, mode, direction, campaign, outcome, agent,
                    started_at, ended_at, previous_score, current_score, comments, updated_at
             FROM interactions WHERE contact_id = '' AND address = ?1 AND started_at >= ?2",
        )?;
        let mut rows = statement.query(params![address, self.look_up.from.timestamp_millis()])?;
        while let Some(row) = rows.next()? {
            into.extend(self.interaction(row)?);
        }
        Ok(())
    }

    /// `None` for one of a source that is not asked for.
    fn interaction(&self, row: &Row<'_>) -> Result<Option<Interaction>, StoreError> {
        let words = self.words;
        let source = self.text(row.get(1)?)?;
        let Some(source) = self.look_up.sources.iter().copied().find(|known: &Source| known.name() == &*source) else {
            return Ok(None);
        };
        let text = |column| self.optional_text(row, column);
        Ok(Some(Interaction {
            interaction_id: row.get(0)?,
            source,
            contact_id: row.get::<_, Option<String>>(2)?.filter(|id| !id.is_empty()),
            address: row.get(3)?,
            channel: self.text(row.get(4)?)?.to_string(),
            mode: text(5)?.map(|mode| mode.to_string()),
            direction: text(6)?.and_then(|direction| Direction::of_name(&direction)),
            campaign: self.part(&words.campaigns, row, 7)?,
            outcome: self.part(&words.outcomes, row, 8)?,
            agent: self.part(&words.agents, row, 9)?,
            started_at: time(row.get(10)?),
            ended_at: row.get::<_, Option<i64>>(11)?.map(time),
            previous_score: row.get(12)?,
            current_score: row.get(13)?,
            comments: row.get(14)?,
            updated_at: Some(time(row.get(15)?)),
        }))
    }

    fn text(&self, id: i64) -> Result<Arc<str>, StoreError> {
        self.word(&self.words.texts, id, |text| Ok(text.into()))
    }

    fn optional_text(&self, row: &Row<'_>, column: usize) -> Result<Option<Arc<str>>, StoreError> {
        row.get::<_, Option<i64>>(column)?.map(|id| self.text(id)).transpose()
    }

    /// A part that is kept as JSON.
    fn part<T: DeserializeOwned + Clone>(
        &self,
        known: &Known<T>,
        row: &Row<'_>,
        column: usize,
    ) -> Result<Option<T>, StoreError> {
        let read = |id| self.word(known, id, |json| Ok(serde_json::from_str(&json)?));
        row.get::<_, Option<i64>>(column)?.map(read).transpose()
    }

    fn word<T: Clone>(
        &self,
        known: &Known<T>,
        id: i64,
        read: impl FnOnce(String) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if let Some(word) = known.read().get(&id) {
            return Ok(word.clone());
        }
        let mut statement = self.connection.prepare_cached("SELECT text FROM words WHERE id = ?1")?;
        let word = read(statement.query_row([id], |row| row.get(0))?)?;
        known.write().insert(id, word.clone());
        Ok(word)
    }
}

fn time(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}
