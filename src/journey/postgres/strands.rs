//! Interactions of a look-up in PostgreSQL, where there are too many to read them all: strands, many in one statement.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use deadpool_postgres::ClientWrapper;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use tokio_postgres::types::ToSql;

use super::read::{Parts, light};
use crate::journey::Cursor;
use crate::journey::LookUp;
use crate::journey::order::newest_first;
use crate::journey::reading::{Details, Key, Part, Reader, Rows};
use crate::journey::store::StoreError;

const STRANDS: &str = include_str!("strands.sql");
const STRANDS_OF_MOMENT: &str = include_str!("strands_of_moment.sql");
const DETAILS: &str =
    "SELECT interaction_id, comments, updated_at FROM backstory.interactions WHERE interaction_id = ANY ($1)";
/// In the statements' rows: which strand it is of, from 1.
const NTH: usize = 21;

/// What reads them.
pub struct Strands<'a> {
    pub client: &'a ClientWrapper,
    pub look_up: &'a LookUp,
}

/// What one statement is asked for, column by column.
#[derive(Default)]
struct Asked<'a> {
    /// Of the parts.
    nths: Vec<usize>,
    keys: Vec<&'a str>,
    are_contacts: Vec<bool>,
    moments: Vec<DateTime<Utc>>,
    ids: Vec<&'a str>,
    rows_max: Vec<i64>,
}

impl<'a> Asked<'a> {
    fn ask(&mut self, nth: usize, key: &'a Key, (at, id): (DateTime<Utc>, &'a str), rows_max: usize) {
        let (key, is_contact) = match key {
            Key::Contact(id) => (id, true),
            Key::Nobody(address) => (address, false),
        };
        self.nths.push(nth);
        self.keys.push(key);
        self.are_contacts.push(is_contact);
        self.moments.push(at);
        self.ids.push(id);
        self.rows_max.push(i64::try_from(rows_max).unwrap_or(i64::MAX));
    }
}

impl Reader for Strands<'_> {
    async fn rows(&mut self, parts: &[Part<'_>]) -> Result<Vec<Rows>, StoreError> {
        let mut read: Vec<Rows> = parts.iter().map(|_| Rows::default()).collect();
        let mut of_moment = Asked::default();
        for (nth, part) in parts.iter().enumerate() {
            if let Some(Cursor { at, id: Some(id) }) =
                part.before.as_ref().filter(|before| before.id.as_deref() != Some(""))
            {
                of_moment.ask(nth, &part.strand.key, (*at, id), part.rows_max);
            }
        }
        if !of_moment.nths.is_empty() {
            let values: [&(dyn ToSql + Sync); 5] =
                [&of_moment.keys, &of_moment.are_contacts, &of_moment.moments, &of_moment.ids, &of_moment.rows_max];
            self.read(STRANDS_OF_MOMENT, &values, &of_moment.nths, parts, &mut read).await?;
        }
        let mut before = Asked::default();
        for (nth, part) in parts.iter().enumerate().filter(|(nth, part)| read[*nth].rows < part.rows_max) {
            let at = match &part.before {
                None => latest(),
                // In front of all that began at that moment.
                Some(Cursor { at, id: Some(id) }) if id.is_empty() => {
                    (*at + chrono::TimeDelta::milliseconds(1)).min(latest())
                }
                Some(Cursor { at, .. }) => *at,
            };
            before.ask(nth, &part.strand.key, (at.min(latest()), ""), part.rows_max - read[nth].rows);
        }
        if !before.nths.is_empty() {
            let values: [&(dyn ToSql + Sync); 5] =
                [&before.keys, &before.are_contacts, &before.moments, &before.rows_max, &self.look_up.from];
            self.read(STRANDS, &values, &before.nths, parts, &mut read).await?;
        }
        Ok(read)
    }

    async fn details(&mut self, ids: &[SmolStr]) -> Result<HashMap<SmolStr, Details>, StoreError> {
        let ids: Vec<&str> = ids.iter().map(SmolStr::as_str).collect();
        let statement = self.client.prepare_cached(DETAILS).await?;
        let mut all = HashMap::new();
        for row in self.client.query(&statement, &[&ids]).await? {
            let (id, comments): (&str, Option<&str>) = (row.try_get(0)?, row.try_get(1)?);
            all.insert(id.into(), Details { comments: comments.map(SmolStr::from), updated_at: row.try_get(2)? });
        }
        Ok(all)
    }
}

impl Strands<'_> {
    async fn read(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
        nths: &[usize],
        parts: &[Part<'_>],
        read: &mut [Rows],
    ) -> Result<(), StoreError> {
        let statement = self.client.prepare_cached(sql).await?;
        let rows = self.client.query(&statement, values).await?;
        let mut shared = Parts::default();
        let mut came: FxHashMap<usize, Vec<_>> = FxHashMap::default();
        for row in &rows {
            let nth = usize::try_from(row.try_get::<_, i64>(NTH)? - 1).unwrap_or_default();
            came.entry(nths[nth]).or_default().push(light(row, &self.look_up.sources, &mut shared)?);
        }
        for (nth, mut own) in came {
            own.sort_by(|(a, _), (b, _)| newest_first(a, b));
            let (part, into) = (&parts[nth], &mut read[nth]);
            into.rows += own.len();
            into.more_behind = own.last().filter(|_| into.rows == part.rows_max).map(|(last, _)| Cursor::behind(last));
            let contact_id = match &part.strand.key {
                Key::Contact(_) => part.strand.current.clone(),
                Key::Nobody(_) => None,
            };
            for (mut interaction, _) in own.into_iter().filter(|(_, is_asked_for)| *is_asked_for) {
                interaction.contact_id.clone_from(&contact_id);
                into.interactions.push(interaction);
            }
        }
        Ok(())
    }
}

/// Later than anything that is kept, and within what PostgreSQL writes.
fn latest() -> DateTime<Utc> {
    DateTime::from_timestamp(253_402_300_799, 0).unwrap_or_default()
}
