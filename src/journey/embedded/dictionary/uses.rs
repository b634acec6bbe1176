//! Counting, once, how often each text is used in a file of a release that did not count.

use rusqlite::{Connection, params};
use tracing::info;

use super::{NEXT_WORD, References};
use crate::journey::store::StoreError;

/// In `meta`: the uses of all texts were counted.
const COUNTED: &str = "uses_counted";
/// Texts that are counted in one reading of all interactions: nearly always all.
const AT_A_TIME: usize = 1 << 20;
/// Texts that one transaction removes.
const REMOVED_MAX: usize = 10_000;

/// Where it was not done yet: it reads every interaction, but for the comments.
pub fn count_once(connection: &mut Connection) -> Result<(), StoreError> {
    count_by(connection, AT_A_TIME)
}

pub(super) fn count_by(connection: &mut Connection, at_a_time: usize) -> Result<(), StoreError> {
    let counted = "SELECT 1 FROM meta WHERE name = ?1";
    if connection.prepare_cached(counted)?.exists([COUNTED])? {
        return Ok(());
    }
    count(connection, at_a_time)?;
    let removed = remove_unused(connection)?;
    if removed > 0 {
        info!(removed, "removed texts from the store that no interaction has any more");
    }
    connection.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, 1)", [COUNTED])?;
    Ok(())
}

/// In one transaction: nothing is put or removed meanwhile.
fn count(connection: &mut Connection, at_a_time: usize) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let last: i64 = transaction.query_row("SELECT coalesce(max(id), 0) FROM words", [], |row| row.get(0))?;
    transaction.execute("UPDATE words SET uses = 0", [])?;
    transaction.execute("INSERT OR IGNORE INTO meta (name, value) VALUES (?1, ?2)", params![NEXT_WORD, last + 1])?;
    for first in (1..=last).step_by(at_a_time) {
        let most = usize::try_from(last - first).map_or(at_a_time, |behind| at_a_time.min(behind + 1));
        let mut uses = vec![0_i64; most];
        let mut all = transaction
            .prepare("SELECT source, channel, mode, direction, campaign, outcome, agent FROM interactions")?;
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            for id in References::read(row, 0)?.ids() {
                if let Some(uses) = usize::try_from(id - first).ok().and_then(|nth| uses.get_mut(nth)) {
                    *uses += 1;
                }
            }
        }
        let mut note = transaction.prepare("UPDATE words SET uses = ?2 WHERE id = ?1")?;
        for (id, uses) in (first..).zip(uses).filter(|(_, uses)| *uses > 0) {
            note.execute(params![id, uses])?;
        }
    }
    Ok(transaction.commit()?)
}

/// A little at a time.
fn remove_unused(connection: &mut Connection) -> Result<usize, StoreError> {
    let (mut after, mut removed) = (0, 0);
    loop {
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let unused: Vec<i64> = transaction
            .prepare_cached("SELECT id FROM words WHERE id > ?1 AND uses = 0 ORDER BY id LIMIT ?2")?
            .query_map(params![after, REMOVED_MAX as i64], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let mut remove = transaction.prepare_cached("DELETE FROM words WHERE id = ?1")?;
        for id in &unused {
            remove.execute([id])?;
        }
        drop(remove);
        transaction.commit()?;
        removed += unused.len();
        match unused.last() {
            Some(last) if unused.len() == REMOVED_MAX => after = *last,
            _ => return Ok(removed),
        }
    }
}
