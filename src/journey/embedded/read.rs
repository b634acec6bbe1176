//! Looking a number up in the embedded store: number → contacts → their interactions on any of their addresses.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use rusqlite::{Connection, OptionalExtension as _, params};
use smol_str::SmolStr;

use super::dictionary::{AsOf, Cache};
use super::strands::Strands;
use crate::journey::LookUp;
use crate::journey::reading::{self, Key, Strand};
use crate::journey::store::StoreError;
use crate::journey::{Campaign, Journey, KnownContact, NoIds};

/// A chain of merges longer than this is a ring.
const MERGES_MAX: usize = 16;

/// So many rows say who is behind nearly every number.
const FEW_ROWS: usize = 100;

/// Rows between two looks at the clock.
const ROWS_AT_A_TIME: usize = 32;

/// `None` where it is not done by `until`.
pub fn look_up(
    connection: &Connection,
    (cache, no_ids): (&Cache, &NoIds),
    look_up: &LookUp,
    until: Option<Instant>,
) -> Result<Option<Journey>, StoreError> {
    let texts = cache.as_of_now();
    // One snapshot for all statements: what a writer commits in between is seen whole or not at all. A connection on which
    // something failed is not used again.
    connection.prepare_cached("BEGIN")?.execute([])?;
    let journey = Reader { connection, no_ids, look_up, clock: Clock::of(until) }.journey(texts);
    connection.prepare_cached("COMMIT")?.execute([])?;
    match journey {
        Err(StoreError::TimedOut) => Ok(None),
        journey => journey.map(Some),
    }
}

/// Looks at the time now and then.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    until: Option<Instant>,
    rows: usize,
}

impl Clock {
    fn of(until: Option<Instant>) -> Self {
        Self { until, rows: 0 }
    }

    /// One more row was read.
    pub fn row(&mut self) -> Result<(), StoreError> {
        self.rows += 1;
        if self.rows.is_multiple_of(ROWS_AT_A_TIME) { self.in_time() } else { Ok(()) }
    }

    pub fn in_time(&self) -> Result<(), StoreError> {
        if self.until.is_some_and(|until| Instant::now() >= until) { Err(StoreError::TimedOut) } else { Ok(()) }
    }
}

struct Reader<'a> {
    connection: &'a Connection,
    no_ids: &'a NoIds,
    look_up: &'a LookUp,
    clock: Clock,
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

/// Contacts behind a number of whom nothing but their interactions is read: when they were reached last, and all their ids.
type Others = Vec<(Option<DateTime<Utc>>, String, Vec<String>)>;

// None of these statements sorts or compares rows: for each that does, SQLite makes a table.
impl Reader<'_> {
    fn journey(mut self, texts: AsOf<'_>) -> Result<Journey, StoreError> {
        let mut journey = Journey { number: self.look_up.number.clone(), ..Journey::default() };
        let mut addresses = BTreeSet::from([self.look_up.number.clone()]);
        let mut ids = BTreeSet::new();
        let mut strands = Vec::new();
        let behind = self.ids_behind_number(&mut journey)?;
        let (shown, others) = if behind.len() <= self.look_up.limits.contacts_max {
            (self.found(behind)?, Others::new())
        } else {
            self.reached_last(behind)?
        };
        for (current, Found { listings, earlier_ids }) in shown {
            let mut contact = KnownContact::of(current.as_str());
            let mut said: Vec<KnownContact> = listings.into_iter().map(|listing| listing.says).collect();
            for id in &earlier_ids {
                said.extend(self.listings_of(id)?.into_iter().map(|listing| listing.says));
            }
            contact.learn(said);
            let name = SmolStr::from(current.as_str());
            for id in std::iter::once(&current).chain(&earlier_ids) {
                self.addresses_of(id, &mut addresses)?;
                // Where several go on in one's place, or in a ring, the first has them: none is shown twice.
                if ids.insert(id.clone()) {
                    strands.push(Strand::new(Key::Contact(id.into()), Some(name.clone())));
                }
            }
            journey.contacts.push(contact);
        }
        strands.extend(addresses.iter().map(|address| Strand::new(Key::Nobody(address.into()), None)));
        journey.more_contacts = others.len();
        for (newest, current, behind) in others {
            let own: Vec<String> = behind.into_iter().filter(|id| ids.insert(id.clone())).collect();
            if let Some(newest) = newest.filter(|newest| *newest >= self.look_up.from) {
                strands.extend(own.into_iter().map(|id| Strand::of_other(id.into(), current.as_str().into(), newest)));
            }
        }
        journey.leads.extend(ids.into_iter().chain(addresses).map(SmolStr::from));
        let mut reader = Strands::new(self.connection, texts, self.look_up, self.clock);
        let read = reading::read(&mut reader, self.look_up, strands, &mut journey);
        // Nothing is waited for: SQLite answers at once.
        read.now_or_never().unwrap_or(Err(StoreError::Stopped))?;
        Ok(journey)
    }

    /// Contacts listed with the number or reached on it, by the ids that lead there; at most as many as interactions are counted.
    fn ids_behind_number(&mut self, journey: &mut Journey) -> Result<BTreeSet<String>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT contact_id FROM addresses WHERE address = ?1 UNION ALL SELECT contact_id FROM reached WHERE address = ?1 LIMIT ?2",
        )?;
        let mut found = statement.query(params![self.look_up.number, rows(FEW_ROWS)])?;
        let (mut ids, mut read) = (BTreeSet::new(), 0);
        while let Some(row) = found.next()? {
            read += 1;
            let id = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
            // Whatever was kept under a placeholder is of different people.
            if !ids.contains(id) && !self.no_ids.has(id) {
                ids.insert(id.to_owned());
            }
        }
        if read == FEW_ROWS {
            journey.at_least = !self.each_behind_number(&mut ids)?;
        }
        Ok(ids)
    }

    /// One after the other: a contact may be listed with the number in very many campaigns. `false`: there are more.
    fn each_behind_number(&mut self, ids: &mut BTreeSet<String>) -> Result<bool, StoreError> {
        for sql in [
            "SELECT contact_id FROM addresses WHERE address = ?1 AND contact_id > ?2 ORDER BY contact_id LIMIT 1",
            "SELECT contact_id FROM reached WHERE address = ?1 AND contact_id > ?2 ORDER BY contact_id LIMIT 1",
        ] {
            let mut next = self.connection.prepare_cached(sql)?;
            let mut last = String::new();
            while let Some(id) =
                next.query_row([&self.look_up.number, &last], |row| row.get::<_, String>(0)).optional()?
            {
                if !self.no_ids.has(&id) {
                    ids.insert(id.clone());
                }
                if ids.len() > self.look_up.limits.counted_max {
                    ids.pop_last();
                    return Ok(false);
                }
                last = id;
                self.clock.row()?;
            }
        }
        Ok(true)
    }

    fn found(&mut self, ids: BTreeSet<String>) -> Result<Vec<(String, Found)>, StoreError> {
        let mut contacts = BTreeMap::new();
        for id in ids {
            let (current, listings) = self.current(id)?;
            let earlier_ids = self.earlier_ids(&current)?;
            contacts.insert(current, Found { listings, earlier_ids });
        }
        Ok(contacts.into_iter().collect())
    }

    /// Those who are shown, and the others, in the order in which they were reached.
    fn reached_last(&mut self, ids: BTreeSet<String>) -> Result<(Vec<(String, Found)>, Others), StoreError> {
        let any_merged = self
            .connection
            .prepare_cached("SELECT 1 FROM listings WHERE merged_into IS NOT NULL LIMIT 1")?
            .exists([])?;
        let mut newest = self.connection.prepare_cached(
            "SELECT started_at FROM interactions WHERE contact_id = ?1 ORDER BY started_at DESC LIMIT 1",
        )?;
        let mut by_current: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for id in ids {
            if any_merged {
                let current = self.current(id)?.0;
                if let Entry::Vacant(place) = by_current.entry(current) {
                    let mut all = self.earlier_ids(place.key())?;
                    all.insert(place.key().clone());
                    place.insert(all);
                }
            } else {
                by_current.insert(id.clone(), BTreeSet::from([id]));
            }
            self.clock.row()?;
        }
        let mut others = Others::new();
        for (current, all) in by_current {
            let mut last: Option<i64> = None;
            for id in &all {
                last = last.max(newest.query_row([id], |row| row.get(0)).optional()?);
                self.clock.row()?;
            }
            others.push((last.map(time), current, all.into_iter().collect()));
        }
        others.sort_by(|(a, ..), (b, ..)| b.cmp(a)); // stable: by id within a moment
        let rest = others.split_off(self.look_up.limits.contacts_max.min(others.len()));
        let mut shown = Vec::new();
        for (_, current, _) in others {
            let (current, listings) = self.current(current)?;
            let earlier_ids = self.earlier_ids(&current)?;
            shown.push((current, Found { listings, earlier_ids }));
        }
        Ok((shown, rest))
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

    fn earlier_ids(&mut self, current: &str) -> Result<BTreeSet<String>, StoreError> {
        let most = self.look_up.limits.counted_max;
        let mut statement =
            self.connection.prepare_cached("SELECT contact_id FROM listings WHERE merged_into = ?1 LIMIT ?2")?;
        let mut earlier = BTreeSet::new();
        let mut open = vec![current.to_owned()];
        while let Some(id) = open.pop().filter(|_| earlier.len() < most) {
            for from in statement.query_map(params![id, rows(most)], |row| row.get::<_, String>(0))? {
                let from = from?;
                if from != current && earlier.insert(from.clone()) {
                    open.push(from);
                }
                self.clock.row()?;
            }
        }
        Ok(earlier)
    }

    /// Newest first, within a moment by campaign.
    fn listings_of(&self, contact_id: &str) -> Result<Vec<Listing>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT campaign_id, campaign, name, time_zone, merged_into, updated_at FROM listings WHERE contact_id = ?1 LIMIT ?2",
        )?;
        let listings = statement.query_map(params![contact_id, rows(self.look_up.limits.counted_max)], |row| {
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

    fn addresses_of(&mut self, contact_id: &str, into: &mut BTreeSet<String>) -> Result<(), StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT address FROM addresses WHERE contact_id = ?1 LIMIT ?2")?;
        let mut found = statement.query(params![contact_id, rows(self.look_up.limits.counted_max)])?;
        while let Some(row) = found.next()? {
            let address = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
            if !into.contains(address) {
                into.insert(address.to_owned());
            }
            self.clock.row()?;
        }
        Ok(())
    }
}

pub fn rows(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

pub fn time(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}
