//! Interactions of a look-up in the embedded store, strand by strand, in the order in which they are kept.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use smol_str::SmolStr;

use super::dictionary::{AsOf, Ids};
use super::read::{Clock, rows, time};
use crate::journey::LookUp;
use crate::journey::reading::{Details, Key, Part, Reader, Rows};
use crate::journey::store::StoreError;
use crate::journey::{Cursor, Interaction};

/// Light, and whole: comments and what is kept behind them may be long, and are read from pages of their own.
macro_rules! statements {
    ($of:literal) => {
        [
            concat!(
                "SELECT interaction_id, address, source, channel, mode, direction, campaign, outcome, agent, started_at,
                        ended_at, previous_score, current_score
                 FROM interactions ",
                $of
            ),
            concat!(
                "SELECT interaction_id, address, source, channel, mode, direction, campaign, outcome, agent, started_at,
                        ended_at, previous_score, current_score, comments, updated_at
                 FROM interactions ",
                $of
            ),
        ]
    };
}

/// `?1` whose, `?2` and `?3` between these moments, `?4` at most so many.
const OF_CONTACT: [&str; 2] = statements!(
    "WHERE contact_id = ?1 AND started_at >= ?2 AND started_at < ?3 ORDER BY started_at DESC, interaction_id LIMIT ?4"
);
const OF_NOBODY: [&str; 2] = statements!(
    "WHERE contact_id = '' AND address = ?1 AND started_at >= ?2 AND started_at < ?3
     ORDER BY started_at DESC, interaction_id LIMIT ?4"
);
/// `?1` whose, `?2` of this moment, `?3` behind this id, `?4` at most so many.
const OF_CONTACT_AT: [&str; 2] =
    statements!("WHERE contact_id = ?1 AND started_at = ?2 AND interaction_id > ?3 ORDER BY interaction_id LIMIT ?4");
const OF_NOBODY_AT: [&str; 2] = statements!(
    "WHERE contact_id = '' AND address = ?1 AND started_at = ?2 AND interaction_id > ?3 ORDER BY interaction_id LIMIT ?4"
);

/// What reads them.
pub struct Strands<'a> {
    connection: &'a Connection,
    texts: AsOf<'a>,
    look_up: &'a LookUp,
    clock: Clock,
    /// So many rows may still be read whole, and so many bytes of their comments. A journey without more has no light ones.
    whole_rows: usize,
    whole_bytes: usize,
}

impl Reader for Strands<'_> {
    async fn rows(&mut self, parts: &[Part<'_>]) -> Result<Vec<Rows>, StoreError> {
        parts.iter().map(|part| self.part(part)).collect()
    }

    async fn details(&mut self, ids: &[SmolStr]) -> Result<HashMap<SmolStr, Details>, StoreError> {
        let sql = "SELECT comments, updated_at FROM interactions WHERE interaction_id = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut all = HashMap::new();
        for id in ids {
            let read = |row: &Row<'_>| Ok((row.get::<_, Option<String>>(0)?, row.get(1)?));
            if let Some((comments, updated_at)) = statement.query_row([id.as_str()], read).optional()? {
                let comments = comments.map(SmolStr::from);
                all.insert(id.clone(), Details { comments, updated_at: time(updated_at) });
            }
            self.clock.row()?;
        }
        Ok(all)
    }
}

/// Where reading a strand stands.
enum Place {
    /// Between other ones of this moment.
    Within(i64, SmolStr),
    /// In front of everything that began earlier.
    Before(i64),
}

impl Place {
    fn of(cursor: Option<&Cursor>) -> Self {
        let Some(Cursor { at, id }) = cursor else { return Self::Before(i64::MAX) };
        let at = at.timestamp_millis();
        match id {
            None => Self::Before(at),
            Some(id) if id.is_empty() => Self::Before(at.saturating_add(1)),
            Some(id) => Self::Within(at, id.clone()),
        }
    }
}

impl<'a> Strands<'a> {
    pub fn new(connection: &'a Connection, texts: AsOf<'a>, look_up: &'a LookUp, clock: Clock) -> Self {
        let (whole_rows, whole_bytes) = (look_up.limits.interactions_max, look_up.limits.bytes_max);
        Self { connection, texts, look_up, clock, whole_rows, whole_bytes }
    }

    fn part(&mut self, part: &Part<'_>) -> Result<Rows, StoreError> {
        let mut read = Rows::default();
        let mut place = Place::of(part.before.as_ref());
        while read.rows < part.rows_max {
            let is_whole = self.whole_rows > 0 && self.whole_bytes > 0;
            let left = part.rows_max - read.rows;
            let most = if is_whole { left.min(self.whole_rows) } else { left };
            let last = self.step(part, &place, is_whole, most, &mut read)?;
            place = match (last, place) {
                (Some(last), _) => {
                    read.more_behind = Some(last.clone());
                    Place::of(Some(&last))
                }
                (None, Place::Within(at, _)) => Place::Before(at),
                (None, Place::Before(_)) => {
                    read.more_behind = None;
                    break;
                }
            };
        }
        self.clock.in_time()?;
        Ok(read)
    }

    /// One statement; the place of the last row, if it ended before there were no more.
    fn step(
        &mut self,
        part: &Part<'_>,
        place: &Place,
        is_whole: bool,
        most: usize,
        into: &mut Rows,
    ) -> Result<Option<Cursor>, StoreError> {
        let (key, of_contact) = match &part.strand.key {
            Key::Contact(id) => (id.as_str(), true),
            Key::Nobody(address) => (address.as_str(), false),
        };
        let sql = match (place, of_contact) {
            (Place::Before(_), true) => OF_CONTACT,
            (Place::Before(_), false) => OF_NOBODY,
            (Place::Within(..), true) => OF_CONTACT_AT,
            (Place::Within(..), false) => OF_NOBODY_AT,
        };
        let mut statement = self.connection.prepare_cached(sql[usize::from(is_whole)])?;
        let mut found = match place {
            Place::Before(at) => statement.query(params![key, self.look_up.from.timestamp_millis(), at, rows(most)])?,
            Place::Within(at, id) => statement.query(params![key, at, id.as_str(), rows(most)])?,
        };
        let mut read = 0;
        while let Some(row) = found.next()? {
            read += 1;
            into.rows += 1;
            self.clock.row()?;
            let interaction = self.interaction(row, part.strand.current.as_ref(), is_whole)?;
            if is_whole {
                let comments = interaction.as_ref().and_then(|one| one.comments.as_deref());
                self.whole_rows -= 1;
                self.whole_bytes = self.whole_bytes.saturating_sub(comments.map_or(0, str::len));
            }
            let ends = read == most || (is_whole && self.whole_bytes == 0);
            let place = if ends { Some(Cursor { at: time(row.get(9)?), id: text(row, 0)? }) } else { None };
            into.interactions.extend(interaction);
            if ends {
                return Ok(place);
            }
        }
        Ok(None)
    }

    /// `None` for one of a source that is not asked for.
    fn interaction(
        &self,
        row: &Row<'_>,
        contact_id: Option<&SmolStr>,
        is_whole: bool,
    ) -> Result<Option<Interaction>, StoreError> {
        let interaction_id = text(row, 0)?.unwrap_or_default();
        let said = self.texts.texts(&Ids::of(row, 2)?, &interaction_id, self.connection)?;
        let Some(source) = said.source.filter(|source| self.look_up.sources.contains(source)) else {
            return Ok(None);
        };
        Ok(Some(Interaction {
            interaction_id,
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
            comments: if is_whole { text(row, 13)? } else { None },
            updated_at: if is_whole { Some(time(row.get(14)?)) } else { None },
            is_light: !is_whole,
        }))
    }
}

fn text(row: &Row<'_>, column: usize) -> Result<Option<SmolStr>, StoreError> {
    let text = row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)?;
    Ok(text.map(SmolStr::new))
}
