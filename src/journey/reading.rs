//! How much of a journey is read, whatever is kept of it: all, where that is little; else what pages show, and as much as is counted.
//! The same for every store: it reads strands, each the interactions of one contact's id, or of nobody on one address.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use smol_str::SmolStr;

use super::LookUp;
use super::order::{Cursor, newest_first};
use super::store::StoreError;
use super::{Interaction, Journey};

/// Of contacts that are not shown themselves, so many are read at first.
const OTHERS_AT_FIRST: usize = 20;
/// Strands that are read for a page in one step.
const STRANDS_A_STEP: usize = 500;
/// Comments that are read in one step.
const DETAILS_A_STEP: usize = 50;

/// Whose interactions a strand holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// Kept under this contact's id.
    Contact(SmolStr),
    /// On this address, where nobody knows whose they are.
    Nobody(SmolStr),
}

/// Interactions that a store reads in their order.
#[derive(Debug)]
pub struct Strand {
    pub key: Key,
    /// The id that the contact goes by now.
    pub current: Option<SmolStr>,
    /// Of one of the contacts that are shown, or of the number itself.
    pub is_shown: bool,
    /// Nothing in it is newer, where that is known.
    pub newest: Option<DateTime<Utc>>,
    read: Read,
}

#[derive(Debug)]
enum Read {
    Nothing,
    /// Up to this place; behind it there may be more.
    Until(Cursor),
    All,
}

/// A part of a strand that is to be read.
pub struct Part<'a> {
    pub strand: &'a Strand,
    pub before: Option<Cursor>,
    pub rows_max: usize,
}

/// What was read of a part.
#[derive(Debug, Default)]
pub struct Rows {
    /// Newest first, of the sources that were asked for.
    pub interactions: Vec<Interaction>,
    /// How many rows that took, and where the last one stands, if there may be more behind it.
    pub rows: usize,
    pub more_behind: Option<Cursor>,
}

/// What a light interaction lacks.
pub struct Details {
    pub comments: Option<SmolStr>,
    pub updated_at: DateTime<Utc>,
}

/// A store, within one look-up.
pub trait Reader {
    /// One answer for each part.
    fn rows(&mut self, parts: &[Part<'_>]) -> impl Future<Output = Result<Vec<Rows>, StoreError>>;

    /// By interaction id.
    fn details(&mut self, ids: &[SmolStr]) -> impl Future<Output = Result<HashMap<SmolStr, Details>, StoreError>>;
}

impl Strand {
    pub fn new(key: Key, current: Option<SmolStr>) -> Self {
        Self { key, current, is_shown: true, newest: None, read: Read::Nothing }
    }

    /// Of a contact who is not shown; under any of its ids it was reached last at that time.
    pub fn of_other(contact_id: SmolStr, current: SmolStr, newest: DateTime<Utc>) -> Self {
        let (key, newest) = (Key::Contact(contact_id), Some(newest));
        Self { key, current: Some(current), is_shown: false, newest, read: Read::Nothing }
    }

    fn is_read(&self) -> bool {
        matches!(self.read, Read::All)
    }

    /// Where reading goes on; `None`: at its beginning.
    fn place(&self) -> Option<&Cursor> {
        match &self.read {
            Read::Until(place) => Some(place),
            Read::Nothing | Read::All => None,
        }
    }

    /// Nothing that was not read stands in front of it.
    fn unread(&self, before: Option<&Cursor>) -> Option<Cursor> {
        let at = self.newest.unwrap_or(DateTime::<Utc>::MAX_UTC);
        let place = match &self.read {
            Read::Nothing => Cursor::in_front_of(at),
            Read::Until(place) => place.clone(),
            Read::All => return None,
        };
        Some(before.map_or(place.clone(), |before| place.max(before.clone())))
    }
}

/// What may still be read: rows, and strands that are looked for.
struct Budget {
    rows: usize,
    strands: usize,
}

impl Budget {
    /// Each contact behind a number may have one interaction, and nobody's stand beside them.
    fn of(rows: usize) -> Self {
        Self { rows, strands: rows.saturating_mul(2) }
    }

    fn is_spent(&self) -> bool {
        self.rows == 0 || self.strands == 0
    }

    /// For one strand.
    fn spend(&mut self, rows: usize) {
        self.rows = self.rows.saturating_sub(rows);
        self.strands = self.strands.saturating_sub(1);
    }
}

/// Reads the strands of a journey into it; those who are shown, and who were reached last, come first. `journey.at_least` may be set
/// already, where there are more strands.
pub async fn read<R: Reader>(
    reader: &mut R,
    look_up: &LookUp,
    mut strands: Vec<Strand>,
    journey: &mut Journey,
) -> Result<(), StoreError> {
    let mut interactions = Vec::new();
    // One more than is counted tells whether there are more.
    let mut budget = Budget::of(look_up.limits.counted_max.saturating_add(1));
    let at_first = look_up.limits.interactions_max.max(1);
    for (of_shown, of_others) in [(at_first, OTHERS_AT_FIRST), (usize::MAX, usize::MAX)] {
        let rows_max = |strand: &Strand| if strand.is_shown { of_shown } else { of_others };
        count(reader, &mut strands, rows_max, &mut budget, &mut interactions).await?;
    }
    for strand in strands.iter().filter(|strand| !strand.is_read()) {
        journey.at_least = true;
        let cut = journey.contacts.iter_mut().find(|contact| strand.current.as_deref() == Some(&contact.contact_id));
        cut.into_iter().for_each(|contact| contact.at_least = true);
    }
    journey.unread = fill_pages(reader, look_up, &mut strands, &mut interactions).await?;
    interactions.sort_by(newest_first);
    fill_in_details(reader, look_up, journey.unread.as_ref(), &mut interactions).await?;
    journey.interactions = interactions;
    Ok(())
}

/// Reads the strands one after the other, so many rows of each, while the budget lasts.
async fn count<R: Reader>(
    reader: &mut R,
    strands: &mut [Strand],
    rows_max: impl Fn(&Strand) -> usize,
    budget: &mut Budget,
    into: &mut Vec<Interaction>,
) -> Result<(), StoreError> {
    let mut next = 0;
    while !budget.is_spent() && next < strands.len() {
        let (mut nths, mut parts, mut planned) = (Vec::new(), Vec::new(), 0);
        while next < strands.len() && planned < budget.rows && parts.len() < budget.strands {
            let strand = &strands[next];
            if !strand.is_read() {
                let rows_max = rows_max(strand).min(budget.rows - planned);
                planned += rows_max;
                nths.push(next);
                parts.push(Part { strand, before: strand.place().cloned(), rows_max });
            }
            next += 1;
        }
        let read = reader.rows(&parts).await?;
        for (nth, mut rows) in nths.into_iter().zip(read) {
            budget.spend(rows.rows);
            if budget.rows == 0 {
                rows.interactions.pop();
                match rows.interactions.last() {
                    Some(last) => strands[nth].read = Read::Until(Cursor::behind(last)),
                    None => return Ok(()),
                }
            } else {
                strands[nth].read = rows.more_behind.map_or(Read::All, Read::Until);
            }
            into.extend(rows.interactions);
        }
    }
    Ok(())
}

/// Reads on where a page might lack something, with a budget of its own; gives back where the first thing that was not read may stand.
async fn fill_pages<R: Reader>(
    reader: &mut R,
    look_up: &LookUp,
    strands: &mut [Strand],
    interactions: &mut Vec<Interaction>,
) -> Result<Option<Cursor>, StoreError> {
    let before = look_up.before.as_ref();
    let mut budget = Budget::of(look_up.limits.counted_max.max(look_up.limits.interactions_max));
    let mut rows_max = look_up.limits.interactions_max;
    loop {
        let mut unread: Vec<(Cursor, usize)> =
            strands.iter().enumerate().filter_map(|(nth, strand)| Some((strand.unread(before)?, nth))).collect();
        let Some(first) = unread.iter().map(|(place, _)| place).min().cloned() else { return Ok(None) };
        if budget.is_spent() || look_up.pages.iter().all(|keep| is_full(keep, look_up, &first, interactions)) {
            return Ok(Some(first));
        }
        unread.sort();
        unread.truncate(STRANDS_A_STEP.min(budget.rows).min(budget.strands));
        let each = rows_max.min(budget.rows / unread.len());
        let parts: Vec<Part<'_>> = unread
            .iter()
            .map(|(place, nth)| Part { strand: &strands[*nth], before: Some(place.clone()), rows_max: each })
            .collect();
        let read = reader.rows(&parts).await?;
        for ((_, nth), rows) in unread.into_iter().zip(read) {
            budget.spend(rows.rows);
            strands[nth].read = rows.more_behind.map_or(Read::All, Read::Until);
            interactions.extend(rows.interactions);
        }
        rows_max = rows_max.saturating_mul(2);
    }
}

/// Whether so much was read that a page has all that it can hold.
fn is_full(keep: &super::Keep, look_up: &LookUp, unread: &Cursor, interactions: &[Interaction]) -> bool {
    let is_sure = |one: &&Interaction| {
        !unread.is_before(one) && look_up.before.as_ref().is_none_or(|before| before.is_before(one))
    };
    let sure = interactions.iter().filter(is_sure).filter(|one| keep(one));
    sure.take(look_up.limits.interactions_max).count() == look_up.limits.interactions_max
}

/// What the pages show is read whole, as far as their bytes go.
async fn fill_in_details<R: Reader>(
    reader: &mut R,
    look_up: &LookUp,
    unread: Option<&Cursor>,
    interactions: &mut [Interaction],
) -> Result<(), StoreError> {
    if interactions.iter().all(|one| !one.is_light) {
        return Ok(());
    }
    for keep in &look_up.pages {
        let first =
            look_up.before.as_ref().map_or(0, |before| interactions.partition_point(|one| !before.is_before(one)));
        let last =
            unread.map_or(interactions.len(), |unread| interactions.partition_point(|one| !unread.is_before(one)));
        let of_page = (first..last.max(first)).filter(|nth| keep(&interactions[*nth]));
        let of_page: Vec<usize> = of_page.take(look_up.limits.interactions_max).collect();
        let mut bytes = 0;
        for step in of_page.chunks(DETAILS_A_STEP) {
            let light = step.iter().filter(|nth| interactions[**nth].is_light);
            let ids: Vec<SmolStr> = light.map(|nth| interactions[*nth].interaction_id.clone()).collect();
            if !ids.is_empty() {
                let mut details = reader.details(&ids).await?;
                for nth in step {
                    fill_in(&mut interactions[*nth], &mut details);
                }
            }
            bytes += step.iter().map(|nth| interactions[*nth].bytes()).sum::<usize>();
            if bytes > look_up.limits.bytes_max {
                break;
            }
        }
    }
    Ok(())
}

/// One that has gone meanwhile stays light, and ends the page.
fn fill_in(interaction: &mut Interaction, details: &mut HashMap<SmolStr, Details>) {
    if let Some(Details { comments, updated_at }) = details.remove(&interaction.interaction_id) {
        (interaction.comments, interaction.updated_at) = (comments, Some(updated_at));
        interaction.is_light = false;
    }
}

#[cfg(test)]
mod tests;
