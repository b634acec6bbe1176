//! A timeline made ready for a time zone, what a session remembers of it, and the difference between two. Pure.

use std::borrow::Cow;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use super::{Call, Encoded, Missing, MissingCode, Update};
use crate::journey::encoded::{EncodedTimeline, Item, Raw};
use crate::journey::timeline::Timeline;
use crate::journey::{Interaction, Source};
use crate::policy::Fields;

/// A timeline, encoded, or why there is none.
pub struct Prepared {
    pub timeline: Option<EncodedTimeline>,
    pub missing: Option<Missing>,
    pub outline: Arc<Outline>,
}

/// What is kept of a timeline while a session shows it.
#[derive(Debug, Default)]
pub struct Outline {
    /// Hash of what the agent sees; the period and `asOf` are no part of it.
    pub content: u64,
    /// Contact ids and addresses that lead into it: what concerns them concerns it.
    pub leads: Vec<SmolStr>,
    /// Sources that had not answered.
    missing: Vec<Source>,
    /// `None` where no timeline is shown.
    items: Option<ShownItems>,
    /// Batches that were kept when its look-up began: a later look-up is never undone by an earlier one.
    pub seen: u64,
    /// What whoever it is for may see.
    pub fields: Fields,
}

impl Outline {
    /// The timeline's call as somebody sees it who may see these fields.
    pub fn call_as<'c>(&self, call: &'c Call, fields: &Fields) -> Cow<'c, Call> {
        fields.call(call, &self.leads)
    }

    /// What it takes in memory.
    pub fn bytes(&self) -> usize {
        let leads =
            self.leads.iter().map(|lead| size_of::<SmolStr>() + if lead.is_heap_allocated() { lead.len() } else { 0 });
        let items = self.items.as_ref().map_or(0, |items| items.ids.len() + size_of_val(&*items.hashes));
        size_of::<Self>() + leads.sum::<usize>() + items
    }

    pub fn has_items(&self) -> bool {
        self.items.is_some()
    }

    /// Without what differences are made from: the next one brings the whole timeline.
    pub fn without_items(&self) -> Self {
        let Self { content, leads, missing, seen, fields, items: _ } = self;
        let (leads, missing, fields) = (leads.clone(), missing.clone(), fields.clone());
        Self { content: *content, leads, missing, items: None, seen: *seen, fields }
    }
}

/// The interactions of a timeline, each with its hash, packed: every session that shows one keeps this.
#[derive(Debug)]
struct ShownItems {
    /// One id behind the other, and behind each the byte that no text has.
    ids: Box<[u8]>,
    /// In the same order.
    hashes: Box<[u64]>,
}

const END_OF_ID: u8 = 0xff;

impl ShownItems {
    fn of(items: &[Item]) -> Self {
        let ids = items.iter().flat_map(|item| item.interaction_id.bytes().chain([END_OF_ID])).collect();
        Self { ids, hashes: items.iter().map(|item| item.hash).collect() }
    }

    fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        let ids = self.ids.split(|byte| *byte == END_OF_ID).map(|id| str::from_utf8(id).unwrap_or_default());
        ids.zip(self.hashes.iter().copied())
    }
}

impl Prepared {
    pub fn of(timeline: Timeline<&Interaction>, leads: Vec<SmolStr>, seen: u64, fields: Fields) -> Self {
        // Serialising these types to memory cannot fail; if it did, the agent would be told rather than shown nothing.
        let Ok(timeline) = EncodedTimeline::of(timeline) else {
            return Self::missing(MissingCode::Failed, seen, fields);
        };
        let items = ShownItems::of(&timeline.items);
        let missing = timeline.missing.clone();
        let outline = Outline { content: timeline.content_hash(), leads, missing, items: Some(items), seen, fields };
        Self { timeline: Some(timeline), missing: None, outline: Arc::new(outline) }
    }

    pub fn missing(code: MissingCode, seen: u64, fields: Fields) -> Self {
        let outline = Outline { content: code as u64, seen, fields, ..Outline::default() };
        Self { timeline: None, missing: Some(code.into()), outline: Arc::new(outline) }
    }

    /// The frame that turns what is shown into this, and whether it is the whole timeline: where none is shown yet, and where
    /// something else may be seen of it now. `None` where there is nothing to say.
    pub fn update_of(&self, shown: &Outline, empty: Update<'_, Raw<'_>, Raw<'_>>) -> Option<(String, bool)> {
        if shown.content == self.outline.content || shown.seen > self.outline.seen {
            return None;
        }
        let whole = |timeline: &EncodedTimeline| {
            Some((Encoded::Update(Update { timeline: Some(timeline.json()), ..empty }).encode(), true))
        };
        match (&shown.items, &self.timeline) {
            (Some(_), Some(timeline)) if self.outline.fields != shown.fields => whole(timeline),
            // What is on screen is better than what lacks a source that it has.
            (Some(_), Some(_)) if self.outline.missing.iter().any(|source| !shown.missing.contains(source)) => None,
            (Some(_), Some(timeline)) if self.outline.missing != shown.missing => whole(timeline),
            (Some(items), Some(timeline)) => Some((difference(items, timeline, empty), false)),
            (None, Some(timeline)) => whole(timeline),
            (None, None) => Some((Encoded::Update(Update { missing: self.missing, ..empty }).encode(), false)),
            // What is on screen is better than a sentence that says why there is nothing newer.
            (Some(_), None) => None,
        }
    }
}

fn difference(shown: &ShownItems, now: &EncodedTimeline, empty: Update<'_, Raw<'_>, Raw<'_>>) -> String {
    let before: FxHashMap<&str, u64> = shown.iter().collect();
    let ids: FxHashSet<&str> = now.items.iter().map(|item| item.interaction_id.as_str()).collect();
    let changed = now.items.iter().filter(|item| before.get(item.interaction_id.as_str()) != Some(&item.hash));
    let interactions: Vec<Raw<'_>> = changed.map(|item| now.interaction(item)).collect();
    let mut removed: Vec<&str> = shown.iter().map(|(id, _)| id).filter(|id| !ids.contains(id)).collect();
    removed.sort_unstable();
    let update = Update {
        interactions: &interactions,
        removed: &removed,
        contacts: Some(&now.contacts),
        campaigns: Some(&now.campaigns),
        channels: Some(&now.channels),
        total: Some(now.total),
        matching: Some(now.matching),
        ..empty
    };
    Encoded::Update(update).encode()
}
