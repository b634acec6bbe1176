//! Looking a number up in the embedded store: number → contacts → their interactions on any of their addresses.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use parking_lot::RwLock;
use rusqlite::{Connection, Row, params};
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
    // One snapshot for all statements: what a writer commits in between is seen whole or not at all. A connection on which
    // something failed is not used again.
    connection.prepare_cached("BEGIN")?.execute([])?;
    let journey = Reader { connection, words, look_up }.journey()?;
    connection.prepare_cached("COMMIT")?.execute([])?;
    Ok(journey)
}

struct Reader<'a> {
    connection: &'a Connection,
    words: &'a Words,
    look_up: &'a LookUp,
}

struct Listing {
    campaign_id: String,
    campaign: Option<String>,
    name: Option<String>,
    merged_into: Option<String>,
    updated_at: i64,
}

/// A contact behind the number, by the id it goes by now.
struct Found {
    listings: Vec<Listing>,
    earlier_ids: BTreeSet<String>,
}

// None of these statements sorts or compares rows: for each that does, SQLite makes a table.
impl Reader<'_> {
    fn journey(&self) -> Result<Journey, StoreError> {
        let mut journey = Journey { number: self.look_up.number.clone(), ..Journey::default() };
        let mut addresses = BTreeSet::from([self.look_up.number.clone()]);
        for (current, Found { listings, earlier_ids }) in self.contacts_behind_number()? {
            let mut contact = KnownContact { contact_id: current.clone(), ..KnownContact::default() };
            describe(listings, &mut contact);
            for id in &earlier_ids {
                describe(self.listings_of(id)?, &mut contact);
            }
            for id in std::iter::once(&current).chain(&earlier_ids) {
                self.addresses_of(id, &mut addresses)?;
                self.interactions_of(id, &current, &mut journey.interactions)?;
            }
            journey.leads.extend(earlier_ids);
            journey.leads.insert(current);
            journey.contacts.push(contact);
        }
        for address in &addresses {
            self.interactions_of_nobody(address, &mut journey.interactions)?;
        }
        journey.leads.append(&mut addresses);
        journey.sort();
        Ok(journey)
    }

    /// Contacts listed with the number or reached on it.
    fn contacts_behind_number(&self) -> Result<BTreeMap<String, Found>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT contact_id FROM addresses WHERE address = ?1 UNION ALL SELECT contact_id FROM reached WHERE address = ?1",
        )?;
        let found = statement.query_map([&self.look_up.number], |row| row.get::<_, String>(0))?;
        let found: BTreeSet<String> = found.collect::<Result<_, _>>()?;
        let mut contacts = BTreeMap::new();
        for id in found {
            let (current, listings) = self.current(id)?;
            let earlier_ids = self.earlier_ids(&current)?;
            contacts.insert(current, Found { listings, earlier_ids });
        }
        Ok(contacts)
    }

    /// The id that a contact goes by now, and its listings.
    fn current(&self, mut id: String) -> Result<(String, Vec<Listing>), StoreError> {
        let mut listings = self.listings_of(&id)?;
        for _ in 0..MERGES_MAX {
            match listings.iter().find_map(|listing| listing.merged_into.clone()) {
                Some(next) if next != id => id = next,
                _ => break,
            }
            listings = self.listings_of(&id)?;
        }
        Ok((id, listings))
    }

    fn earlier_ids(&self, current: &str) -> Result<BTreeSet<String>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT contact_id FROM listings WHERE merged_into = ?1")?;
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

    /// Newest first, within a moment by campaign.
    fn listings_of(&self, contact_id: &str) -> Result<Vec<Listing>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT campaign_id, campaign, name, merged_into, updated_at FROM listings WHERE contact_id = ?1",
        )?;
        let listings = statement.query_map([contact_id], |row| {
            Ok(Listing {
                campaign_id: row.get(0)?,
                campaign: row.get(1)?,
                name: row.get(2)?,
                merged_into: row.get(3)?,
                updated_at: row.get(4)?,
            })
        })?;
        let mut listings: Vec<Listing> = listings.collect::<Result<_, _>>()?;
        listings.sort_by(|a, b| b.updated_at.cmp(&a.updated_at).then_with(|| a.campaign_id.cmp(&b.campaign_id)));
        Ok(listings)
    }

    fn addresses_of(&self, contact_id: &str, into: &mut BTreeSet<String>) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT address FROM addresses WHERE contact_id = ?1")?;
        for address in statement.query_map([contact_id], |row| row.get(0))? {
            into.insert(address?);
        }
        Ok(())
    }

    /// Kept under this id, and shown under the current one.
    fn interactions_of(&self, id: &str, current: &str, into: &mut Vec<Interaction>) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT interaction_id, source, address, channel, mode, direction, campaign, outcome, agent, started_at,
                    ended_at, previous_score, current_score, comments, updated_at
             FROM interactions WHERE contact_id = ?1 AND started_at >= ?2",
        )?;
        let mut rows = statement.query(params![id, self.look_up.from.timestamp_millis()])?;
        while let Some(row) = rows.next()? {
            into.extend(self.interaction(row, Some(current))?);
        }
        Ok(())
    }

    fn interactions_of_nobody(&self, address: &str, into: &mut Vec<Interaction>) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT interaction_id, source, address, channel, mode, direction, campaign, outcome, agent, started_at,
                    ended_at, previous_score, current_score, comments, updated_at
             FROM interactions WHERE contact_id = '' AND address = ?1 AND started_at >= ?2",
        )?;
        let mut rows = statement.query(params![address, self.look_up.from.timestamp_millis()])?;
        while let Some(row) = rows.next()? {
            into.extend(self.interaction(row, None)?);
        }
        Ok(())
    }

    /// `None` for one of a source that is not asked for.
    fn interaction(&self, row: &Row<'_>, contact_id: Option<&str>) -> Result<Option<Interaction>, StoreError> {
        let words = self.words;
        let source = self.text(row.get(1)?)?;
        let Some(source) = self.look_up.sources.iter().copied().find(|known: &Source| known.name() == &*source) else {
            return Ok(None);
        };
        let text = |column| self.optional_text(row, column);
        Ok(Some(Interaction {
            interaction_id: row.get(0)?,
            source,
            contact_id: contact_id.map(str::to_owned),
            address: row.get(2)?,
            channel: self.text(row.get(3)?)?.to_string(),
            mode: text(4)?.map(|mode| mode.to_string()),
            direction: text(5)?.and_then(|direction| Direction::of_name(&direction)),
            campaign: self.part(&words.campaigns, row, 6)?,
            outcome: self.part(&words.outcomes, row, 7)?,
            agent: self.part(&words.agents, row, 8)?,
            started_at: time(row.get(9)?),
            ended_at: row.get::<_, Option<i64>>(10)?.map(time),
            previous_score: row.get(11)?,
            current_score: row.get(12)?,
            comments: row.get(13)?,
            updated_at: Some(time(row.get(14)?)),
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

/// Name (of the newest record that has one) and campaigns.
fn describe(listings: Vec<Listing>, contact: &mut KnownContact) {
    for listing in listings {
        if !listing.campaign_id.is_empty() && contact.listed.iter().all(|known| known.id != listing.campaign_id) {
            contact.listed.push(Campaign { id: listing.campaign_id, name: listing.campaign });
        }
        contact.name = contact.name.take().or(listing.name);
    }
}

fn time(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}
