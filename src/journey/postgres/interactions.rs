//! Interactions of a batch: what all that it says of one id comes to is written at once.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use smol_str::SmolStr;

use super::millis;
use super::removed::Removals;
use super::write::{Batch, Place};
use crate::journey::erasure::{HashKey, Subject};
use crate::journey::store::StoreError;
use crate::journey::{Change, Interaction};

const INSERT_INTERACTIONS: &str = include_str!("insert_interactions.sql");
const UPSERT_INTERACTIONS: &str = include_str!("upsert_interactions.sql");

/// An interaction that is kept: where it belongs, and when it was last changed.
struct Kept {
    place: Place,
    updated_at: DateTime<Utc>,
}

/// What several changes of one interaction come to.
#[derive(Default)]
struct Net<'a> {
    /// What was kept goes.
    removed: bool,
    /// The newest of those given that no removal takes back.
    put: Option<&'a Interaction>,
    /// Up to when removals hold.
    removed_at: Option<DateTime<Utc>>,
    /// It is more than was remembered.
    remember: bool,
}

impl Batch<'_> {
    pub(super) async fn interactions(&mut self, run: &[Change], key: &HashKey) -> Result<(), StoreError> {
        let ids: BTreeSet<&str> = run.iter().flat_map(ids_of).collect();
        let ids: Vec<&str> = ids.into_iter().collect();
        let before = self.kept(&ids).await?;
        let subjects = ids.iter().map(|id| Subject::Interaction(id));
        let removals = self.removals(key, subjects).await?;
        let nets = self.nets(run, &before, &removals);
        let mut places: BTreeMap<&str, Place> =
            before.iter().map(|(id, kept)| (id.as_str(), kept.place.clone())).collect();
        let removed: Vec<&str> = nets.iter().filter(|(_, net)| net.removed).map(|(id, _)| *id).collect();
        if !removed.is_empty() {
            self.execute("DELETE FROM backstory.interactions WHERE interaction_id = ANY ($1)", &[&removed]).await?;
        }
        let puts: Vec<&Interaction> = nets.values().filter_map(|net| net.put).collect();
        let mut changed = self.put(INSERT_INTERACTIONS, &puts).await?;
        let known: Vec<&Interaction> =
            puts.iter().copied().filter(|put| !changed.contains(put.interaction_id.as_str())).collect();
        // Somebody else has written these since they were looked for.
        let missed: Vec<&str> = known.iter().map(|put| put.interaction_id.as_str()).collect();
        let missed: Vec<&str> = missed.into_iter().filter(|id| !before.contains_key(*id)).collect();
        let since = self.kept(&missed).await?;
        places.extend(since.iter().map(|(id, kept)| (id.as_str(), kept.place.clone())));
        changed.extend(self.put(UPSERT_INTERACTIONS, &known).await?);
        self.written.known += (puts.len() - changed.len()) as u64;
        self.written.changed += changed.len() as u64;
        let gone = |id: &str| nets.get(id).is_some_and(|net| net.removed);
        places.retain(|id, _| changed.contains(*id) || gone(id));
        let after: BTreeSet<Place> = puts
            .iter()
            .filter(|put| changed.contains(put.interaction_id.as_str()))
            .map(|put| (put.contact_id.as_ref().map(SmolStr::to_string), put.address.to_string()))
            .collect();
        self.reach(&after).await?;
        let left: BTreeSet<Place> = places.into_values().filter(|place| !after.contains(place)).collect();
        self.unreach(&left).await?;
        for (contact_id, address) in after.into_iter().chain(left) {
            self.written.touched.extend(contact_id);
            self.written.touched.insert(address);
        }
        let remember = nets.iter().filter(|(_, net)| net.remember);
        let remember = remember.filter_map(|(id, net)| Some((Subject::Interaction(id), net.removed_at?)));
        self.remember_removals(key, remember).await
    }

    /// One change after the other, as if each was written by itself.
    fn nets<'c>(
        &mut self,
        run: &'c [Change],
        before: &BTreeMap<String, Kept>,
        removals: &Removals<'_>,
    ) -> BTreeMap<&'c str, Net<'c>> {
        let mut nets: BTreeMap<&str, Net<'_>> = BTreeMap::new();
        let known = |id: &str| Net { removed_at: removals.get(&Subject::Interaction(id)).copied(), ..Net::default() };
        for change in run {
            match change {
                Change::Interaction(put) => {
                    let net = nets.entry(&put.interaction_id).or_insert_with(|| known(&put.interaction_id));
                    if net.removed_at.is_some_and(|removed_at| updated_at(put) <= removed_at) {
                        self.written.removed_since += 1;
                        continue;
                    }
                    let older = net.put.is_some_and(|other| updated_at(put) < updated_at(other));
                    self.written.known += u64::from(net.put.is_some());
                    net.put = if older { net.put } else { Some(put) };
                }
                Change::RemoveInteraction(removal) => {
                    let (mut any_gone, mut any_repeated) = (false, false);
                    for id in &removal.keys {
                        let net = nets.entry(id).or_insert_with(|| known(id));
                        let kept = before.get(id).filter(|_| !net.removed).map(|kept| kept.updated_at);
                        let verdict = removal.judge(kept.max(net.put.map(updated_at)), net.removed_at);
                        if verdict.goes {
                            // The record that goes with it was written for nothing.
                            self.written.known += u64::from(net.put.is_some());
                            (net.removed, net.put) = (net.removed || kept.is_some(), None);
                        }
                        net.remember |= verdict.remember.is_some();
                        net.removed_at = verdict.remember.or(net.removed_at);
                        any_gone |= verdict.goes;
                        any_repeated |= verdict.is_repeated;
                    }
                    self.count_removal(any_gone, any_repeated);
                }
                Change::Contact(_) | Change::RemoveContact(_) | Change::Erase(_) => {}
            }
        }
        nets
    }

    /// The interactions that are kept already; locks them.
    async fn kept(&self, ids: &[&str]) -> Result<BTreeMap<String, Kept>, StoreError> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let sql = "SELECT interaction_id, contact_id, address, updated_at FROM backstory.interactions
                   WHERE interaction_id = ANY ($1) ORDER BY interaction_id FOR UPDATE";
        let statement = self.transaction.prepare_cached(sql).await?;
        let rows = self.transaction.query(&statement, &[&ids]).await?;
        let mut kept = BTreeMap::new();
        for row in &rows {
            let place = (row.try_get(1)?, row.try_get(2)?);
            kept.insert(row.try_get(0)?, Kept { place, updated_at: row.try_get(3)? });
        }
        Ok(kept)
    }

    /// The ids of those that were written.
    async fn put(&self, sql: &str, puts: &[&Interaction]) -> Result<HashSet<String>, StoreError> {
        if puts.is_empty() {
            return Ok(HashSet::new());
        }
        fn column<'a, T>(puts: &[&'a Interaction], of: impl Fn(&'a Interaction) -> T) -> Vec<T> {
            puts.iter().copied().map(of).collect()
        }
        let statement = self.transaction.prepare_cached(sql).await?;
        let outcome = |of: fn(&crate::journey::Outcome) -> Option<&str>| {
            column(puts, move |put| put.outcome.as_deref().and_then(of))
        };
        let rows = self
            .transaction
            .query(
                &statement,
                &[
                    &column(puts, |put| put.interaction_id.as_str()),
                    &column(puts, |put| put.source.name()),
                    &column(puts, |put| put.contact_id.as_deref()),
                    &column(puts, |put| put.address.as_str()),
                    &column(puts, |put| put.campaign.as_ref().map(|campaign| campaign.id.as_str())),
                    &column(puts, |put| put.campaign.as_ref().and_then(|campaign| campaign.name.as_deref())),
                    &column(puts, |put| put.channel.as_str()),
                    &column(puts, |put| put.mode.as_deref()),
                    &column(puts, |put| put.direction.map(|direction| direction.name())),
                    &column(puts, |put| millis(put.started_at)),
                    &column(puts, |put| put.ended_at.map(millis)),
                    &outcome(|outcome| Some(&outcome.code)),
                    &outcome(|outcome| outcome.label.as_deref()),
                    &outcome(|outcome| outcome.class.map(|class| class.name())),
                    &outcome(|outcome| outcome.parent.as_deref()),
                    &outcome(|outcome| outcome.telephony.as_deref()),
                    &column(puts, |put| put.outcome.as_ref().and_then(|outcome| outcome.reached)),
                    &column(puts, |put| put.previous_score),
                    &column(puts, |put| put.current_score),
                    &column(puts, |put| put.agent.as_ref().map(|agent| agent.id.as_str())),
                    &column(puts, |put| put.agent.as_ref().and_then(|agent| agent.name.as_deref())),
                    &column(puts, |put| put.comments.as_deref()),
                    &column(puts, updated_at),
                ],
            )
            .await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }
}

fn ids_of(change: &Change) -> Vec<&str> {
    match change {
        Change::Interaction(put) => vec![&put.interaction_id],
        Change::RemoveInteraction(removal) => removal.keys.iter().map(String::as_str).collect(),
        Change::Contact(_) | Change::RemoveContact(_) | Change::Erase(_) => Vec::new(),
    }
}

fn updated_at(interaction: &Interaction) -> DateTime<Utc> {
    millis(interaction.updated_at.unwrap_or(interaction.started_at))
}
