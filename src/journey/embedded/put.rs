//! Putting an interaction into the embedded store, with what it repeats of others and what is its own.

use rusqlite::{Statement, ToSql, params};

use super::dictionary::{OwnTexts, References};
use super::write::Batch;
use crate::journey::Interaction;
use crate::journey::store::StoreError;

const INSERT_INTERACTION: &str = "
    INSERT INTO interactions (contact_id, started_at, interaction_id, address, source, channel, mode, direction, campaign,
      outcome, agent, ended_at, previous_score, current_score, comments, updated_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
    ON CONFLICT DO NOTHING";

const SAME_INTERACTION: &str = "
    SELECT 1 FROM interactions WHERE interaction_id = ?3
      AND (contact_id, started_at, address, source, channel, mode, direction, campaign, outcome, agent, ended_at,
           previous_score, current_score, comments, updated_at)
       IS (?1, ?2, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";

impl Batch<'_> {
    /// `false` where it is kept already, or something newer is.
    pub(super) fn put_interaction(&mut self, interaction: &Interaction) -> Result<bool, StoreError> {
        let references = self.dictionary.find(&self.transaction, interaction)?;
        // Nearly all are new, and have nothing new: only what cannot be inserted is compared with what is kept.
        if !references.are_known() || !self.insert(interaction, &references)? {
            let Some((references, own)) = self.replace(interaction, references)? else { return Ok(false) };
            self.insert(interaction, &references)?;
            if !own.is_empty() {
                own.put(&self.transaction, &interaction.interaction_id)?;
            }
        }
        self.reach(interaction.contact_id.as_deref().unwrap_or_default(), &interaction.address)?;
        Ok(true)
    }

    /// Makes room for the interaction, and finds a place for all its texts. `None`: it is kept already, or something newer is.
    fn replace(
        &mut self,
        interaction: &Interaction,
        mut references: References,
    ) -> Result<Option<(References, OwnTexts)>, StoreError> {
        let id = &interaction.interaction_id;
        let mut own = OwnTexts::default();
        if let Some(kept) = self.updated_at(id)? {
            let updated_at = updated_at(interaction);
            if kept > updated_at || (kept == updated_at && self.is_kept(interaction, &references)?) {
                return Ok(None);
            }
            own = OwnTexts::of(&self.transaction, id)?;
            let as_kept = references.as_kept(&own, interaction)?;
            if kept == updated_at && as_kept != references && self.is_kept(interaction, &as_kept)? {
                return Ok(None);
            }
            self.remove_interaction(id)?;
        }
        let own = self.dictionary.place(&self.transaction, interaction, &mut references, &own)?;
        Ok(Some((references, own)))
    }

    /// `false` where one of its id is there.
    fn insert(&mut self, interaction: &Interaction, references: &References) -> rusqlite::Result<bool> {
        let is_new =
            self.run(INSERT_INTERACTION, interaction, references, |statement, row| statement.execute(row))? > 0;
        if is_new {
            self.dictionary.count(references, 1);
        }
        Ok(is_new)
    }

    fn is_kept(&self, interaction: &Interaction, references: &References) -> rusqlite::Result<bool> {
        self.run(SAME_INTERACTION, interaction, references, |statement, row| statement.exists(row))
    }

    /// A statement about a row of `interactions`.
    fn run<T>(
        &self,
        sql: &str,
        interaction: &Interaction,
        references: &References,
        run: impl FnOnce(&mut Statement<'_>, &[&dyn ToSql]) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let References { source, direction, parts: [channel, mode, campaign, outcome, agent] } = references;
        let row: &[&dyn ToSql] = params![
            interaction.contact_id.as_deref().unwrap_or_default(),
            interaction.started_at.timestamp_millis(),
            interaction.interaction_id.as_str(),
            interaction.address.as_str(),
            source,
            channel,
            mode,
            direction,
            campaign,
            outcome,
            agent,
            interaction.ended_at.map(|at| at.timestamp_millis()),
            interaction.previous_score,
            interaction.current_score,
            interaction.comments.as_deref(),
            updated_at(interaction),
        ];
        run(&mut *self.transaction.prepare_cached(sql)?, row)
    }
}

/// As it is kept.
fn updated_at(interaction: &Interaction) -> i64 {
    interaction.updated_at.unwrap_or(interaction.started_at).timestamp_millis()
}
