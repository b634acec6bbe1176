//! A timeline made ready for a time zone, what a session remembers of it, and the difference between two. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64_with_seed};

use super::{Encoded, Missing, MissingCode, Update};
use crate::journey::timeline::{Content, Period, Timeline};
use crate::journey::{Interaction, Source, SourceState};

/// A timeline, encoded and as it is, or why there is none.
pub struct Prepared {
    pub timeline: Option<(Box<RawValue>, Content)>,
    pub missing: Option<Missing>,
    pub outline: Arc<Outline>,
}

/// What is kept of a timeline while a session shows it.
#[derive(Debug, Default)]
pub struct Outline {
    /// Hash of what the agent sees; the period and `asOf` are no part of it.
    pub content: u64,
    /// Contact ids and addresses that lead into it: what concerns them concerns it.
    pub leads: BTreeSet<String>,
    /// Sources that had not answered.
    missing: Vec<Source>,
    /// Hash of each interaction in it, by id; `None` where no timeline is shown.
    items: Option<BTreeMap<String, u64>>,
    /// Batches that were kept when its look-up began: a later look-up is never undone by an earlier one.
    pub seen: u64,
}

impl Prepared {
    pub fn of(timeline: Timeline, leads: BTreeSet<String>, seen: u64) -> Self {
        // Serialising these types to memory cannot fail; if it did, the agent would be told rather than shown nothing.
        let missing: Vec<Source> =
            timeline.sources.iter().filter(|state| state.missing.is_some()).map(|state| state.source).collect();
        let (Ok(raw), Ok(head)) = (serde_json::value::to_raw_value(&timeline), encoded_head(&timeline)) else {
            return Self::missing(MissingCode::Failed, seen);
        };
        let content = &raw.get().as_bytes()[head.len() - 1..];
        let interactions = timeline.content.days.iter().flat_map(|day| &day.interactions);
        let items = interactions.map(|interaction| (interaction.interaction_id.clone(), hash(interaction))).collect();
        // Whole, it is the same on every node; what lacks a source is another timeline.
        let lacks = missing.iter().fold(0, |lacks, source| lacks | 1 << *source as u64);
        let content = xxh3_64_with_seed(content, lacks);
        let outline = Outline { content, leads, missing, items: Some(items), seen };
        Self { timeline: Some((raw, timeline.content)), missing: None, outline: Arc::new(outline) }
    }

    pub fn missing(code: MissingCode, seen: u64) -> Self {
        let outline = Outline { content: code as u64, seen, ..Outline::default() };
        Self { timeline: None, missing: Some(code.into()), outline: Arc::new(outline) }
    }

    /// The frame that turns what is shown into this: the difference, or the whole timeline where none is shown yet.
    /// `None` where there is nothing to say.
    pub fn update_of(&self, shown: &Outline, empty: Update<'_, &RawValue>) -> Option<String> {
        if shown.content == self.outline.content || shown.seen > self.outline.seen {
            return None;
        }
        match (&shown.items, &self.timeline) {
            // What is on screen is better than what lacks a source that it has.
            (Some(_), Some(_)) if self.outline.missing.iter().any(|source| !shown.missing.contains(source)) => None,
            (Some(_), Some((raw, _))) if self.outline.missing != shown.missing => {
                Some(Encoded::Update(Update { timeline: Some(&**raw), ..empty }).encode())
            }
            (Some(items), Some((_, content))) => Some(difference(items, content, empty)),
            (None, Some((raw, _))) => Some(Encoded::Update(Update { timeline: Some(&**raw), ..empty }).encode()),
            (None, None) => Some(Encoded::Update(Update { missing: self.missing, ..empty }).encode()),
            // What is on screen is better than a sentence that says why there is nothing newer.
            (Some(_), None) => None,
        }
    }
}

fn difference(shown: &BTreeMap<String, u64>, content: &Content, empty: Update<'_, &RawValue>) -> String {
    let now: Vec<&Interaction> = content.days.iter().flat_map(|day| &day.interactions).collect();
    let ids: BTreeSet<&str> = now.iter().map(|interaction| interaction.interaction_id.as_str()).collect();
    let changed = |interaction: &&Interaction| shown.get(&interaction.interaction_id) != Some(&hash(interaction));
    let interactions: Vec<&Interaction> = now.into_iter().filter(changed).collect();
    let removed: Vec<&str> = shown.keys().map(String::as_str).filter(|id| !ids.contains(id)).collect();
    let update = Update {
        interactions: &interactions,
        removed: &removed,
        contacts: Some(&content.contacts),
        campaigns: Some(&content.campaigns),
        channels: Some(&content.channels),
        total: Some(content.total),
        matching: Some(content.matching),
        ..empty
    };
    Encoded::Update(update).encode()
}

/// What stands before the content in an encoded timeline, as an object of its own: as long, but for its closing brace.
fn encoded_head(Timeline { period, sources, content: _ }: &Timeline) -> serde_json::Result<Vec<u8>> {
    #[derive(Serialize)]
    struct Head<'a> {
        period: &'a Period,
        sources: &'a [SourceState],
    }
    serde_json::to_vec(&Head { period, sources })
}

/// Tells versions of an interaction apart, within this process.
fn hash(interaction: &Interaction) -> u64 {
    let Interaction { interaction_id, source, contact_id, address, campaign, channel, mode, direction, .. } =
        interaction;
    let Interaction { started_at, ended_at, outcome, agent, comments, updated_at, .. } = interaction;
    let scores = [interaction.previous_score, interaction.current_score].map(|score| score.map(f64::to_bits));
    let mut hasher = Xxh3Default::new();
    (interaction_id, source, contact_id, address, campaign, channel, mode, direction).hash(&mut hasher);
    (started_at, ended_at, outcome, agent, comments, updated_at, scores).hash(&mut hasher);
    hasher.finish()
}
