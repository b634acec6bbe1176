//! Looking a number up in the embedded store: number → contacts → their interactions on any of their addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, Rows, params};
use smol_str::SmolStr;

use super::words::{Ids, Words};
use crate::journey::store::{LookUp, StoreError};
use crate::journey::{Campaign, Interaction, Journey, KnownContact, NoIds};

/// A chain of merges longer than this is a ring.
const MERGES_MAX: usize = 16;

/// Rows between two looks at the clock.
const ROWS_AT_A_TIME: usize = 32;

/// `None` where it is not done by `until`.
pub fn look_up(
    connection: &Connection,
    (words, no_ids): (&Words, &NoIds),
    look_up: &LookUp,
    until: Option<Instant>,
) -> Result<Option<Journey>, StoreError> {
    // One snapshot for all statements: what a writer commits in between is seen whole or not at all. A connection on which
    // something failed is not used again.
    connection.prepare_cached("BEGIN")?.execute([])?;
    let journey = Reader { connection, words, no_ids, look_up, until }.journey();
    connection.prepare_cached("COMMIT")?.execute([])?;
    match journey {
        Err(StoreError::TimedOut) => Ok(None),
        journey => journey.map(Some),
    }
}

struct Reader<'a> {
    connection: &'a Connection,
    words: &'a Words,
    no_ids: &'a NoIds,
    look_up: &'a LookUp,
    until: Option<Instant>,
}

struct Listing {
    /// Of whom, whoever reads it knows.
    says: KnownContact,
    merged_into: Option<String>,
    updated_at: i64,
}

impl Listing {
    /// `None` for the contact itself.
    fn campaign_id(&self) -> Option<&str> {
        self.says.listed.first().map(|campaign| campaign.id.as_str())
    }
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
        let mut ids = BTreeSet::new();
        for (current, Found { listings, earlier_ids }) in self.contacts_behind_number()? {
            let mut contact = KnownContact::of(current.as_str());
            listings.into_iter().for_each(|listing| contact.learn(listing.says));
            for id in &earlier_ids {
                self.listings_of(id)?.into_iter().for_each(|listing| contact.learn(listing.says));
            }
            for id in std::iter::once(&current).chain(&earlier_ids) {
                self.addresses_of(id, &mut addresses)?;
                // Where several go on in one's place, or in a ring, the first has them: none is shown twice.
                if ids.insert(id.clone()) {
                    self.interactions_of(id, &current, &mut journey.interactions)?;
                }
            }
            journey.contacts.push(contact);
        }
        for address in &addresses {
            self.interactions_of_nobody(address, &mut journey.interactions)?;
        }
        journey.leads.extend(ids.into_iter().chain(addresses).map(SmolStr::from));
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
        // Whatever was kept under a placeholder is of different people.
        let found = found.into_iter().filter(|id| !self.no_ids.has(id));
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
            let merged = listings.iter().filter_map(|listing| self.no_ids.id(listing.merged_into.as_deref()?));
            match merged.map(str::to_owned).next() {
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
            "SELECT campaign_id, campaign, name, time_zone, merged_into, updated_at FROM listings WHERE contact_id = ?1",
        )?;
        let listings = statement.query_map([contact_id], |row| {
            let campaign = Campaign { id: row.get(0)?, name: row.get(1)? };
            Ok(Listing {
                says: KnownContact {
                    name: row.get(2)?,
                    time_zone: row.get(3)?,
                    listed: if campaign.id.is_empty() { Vec::new() } else { vec![campaign] },
                    ..KnownContact::default()
                },
                merged_into: row.get(4)?,
                updated_at: row.get(5)?,
            })
        })?;
        let mut listings: Vec<Listing> = listings.collect::<Result<_, _>>()?;
        listings.sort_by(|a, b| b.updated_at.cmp(&a.updated_at).then_with(|| a.campaign_id().cmp(&b.campaign_id())));
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
            "SELECT interaction_id, address, source, channel, mode, direction, campaign, outcome, agent, started_at,
                    ended_at, previous_score, current_score, comments, updated_at
             FROM interactions WHERE contact_id = ?1 AND started_at >= ?2",
        )?;
        let rows = statement.query(params![id, self.look_up.from.timestamp_millis()])?;
        self.interactions(rows, Some(current.into()), into)
    }

    fn interactions_of_nobody(&self, address: &str, into: &mut Vec<Interaction>) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT interaction_id, address, source, channel, mode, direction, campaign, outcome, agent, started_at,
                    ended_at, previous_score, current_score, comments, updated_at
             FROM interactions WHERE contact_id = '' AND address = ?1 AND started_at >= ?2",
        )?;
        let rows = statement.query(params![address, self.look_up.from.timestamp_millis()])?;
        self.interactions(rows, None, into)
    }

    fn interactions(
        &self,
        mut rows: Rows<'_>,
        contact_id: Option<SmolStr>,
        into: &mut Vec<Interaction>,
    ) -> Result<(), StoreError> {
        for nth in 1.. {
            let Some(row) = rows.next()? else { break };
            into.extend(self.interaction(row, contact_id.as_ref())?);
            if nth % ROWS_AT_A_TIME == 0 {
                self.in_time()?;
            }
        }
        self.in_time()
    }

    fn in_time(&self) -> Result<(), StoreError> {
        if self.until.is_some_and(|until| Instant::now() >= until) { Err(StoreError::TimedOut) } else { Ok(()) }
    }

    /// `None` for one of a source that is not asked for.
    fn interaction(&self, row: &Row<'_>, contact_id: Option<&SmolStr>) -> Result<Option<Interaction>, StoreError> {
        let said = self.words.of(&Ids::of(row, 2)?, self.connection)?;
        let Some(source) = said.source.filter(|source| self.look_up.sources.contains(source)) else {
            return Ok(None);
        };
        Ok(Some(Interaction {
            interaction_id: text(row, 0)?.unwrap_or_default(),
            source,
            contact_id: contact_id.cloned(),
            address: text(row, 1)?.unwrap_or_default(),
            channel: said.channel,
            mode: said.mode,
            direction: said.direction,
            campaign: said.campaign,
            outcome: said.outcome,
            agent: said.agent,
            started_at: time(row.get(9)?),
            ended_at: row.get::<_, Option<i64>>(10)?.map(time),
            previous_score: row.get(11)?,
            current_score: row.get(12)?,
            comments: text(row, 13)?,
            updated_at: Some(time(row.get(14)?)),
        }))
    }
}

fn text(row: &Row<'_>, column: usize) -> Result<Option<SmolStr>, StoreError> {
    let text = row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)?;
    Ok(text.map(SmolStr::new))
}

fn time(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}
