//! A timeline made ready for a time zone, what a session remembers of it, and the difference between two. Pure.

use std::borrow::{Borrow, Cow};
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use xxhash_rust::xxh3::xxh3_64;

use super::{Call, Encoded, Missing, MissingCode, Update};
use crate::journey::encoded::{EncodedTimeline, Raw};
use crate::journey::timeline::Timeline;
use crate::journey::{Cursor, Interaction, Journey, Source};
use crate::policy::Fields;

/// A timeline, encoded, or why there is none.
pub struct Prepared {
    pub timeline: Option<EncodedTimeline>,
    pub missing: Option<Missing>,
    beyond: Beyond,
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
        let items = self
            .items
            .as_ref()
            .map_or(0, |items| items.ids.len() + 3 * size_of_val(&*items.hashes) + size_of_val(&*items.raw_ids));
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

/// The interactions on a screen, each with its hash, packed: every session that shows one keeps this.
#[derive(Debug)]
struct ShownItems {
    /// One id behind the other, and behind each the byte that no text has. As they are shown.
    ids: Box<[u8]>,
    /// In the same order.
    hashes: Box<[u64]>,
    /// Of the ids that they are kept by.
    kept_by: Box<[u64]>,
    /// When they started, in milliseconds.
    started_at: Box<[i64]>,
    /// The ids that they are kept by, where more is kept than is read: they tell on which side of that they stand. Else none.
    raw_ids: Box<[SmolStr]>,
}

const END_OF_ID: u8 = 0xff;

/// One of them.
#[derive(Debug, Clone, Copy)]
struct ShownItem<'a> {
    id: &'a str,
    hash: u64,
    kept_by: u64,
    started_at: i64,
    raw_id: Option<&'a SmolStr>,
}

impl ShownItems {
    fn of<'a>(items: impl Iterator<Item = ShownItem<'a>> + Clone) -> Self {
        Self {
            ids: items.clone().flat_map(|item| item.id.bytes().chain([END_OF_ID])).collect(),
            hashes: items.clone().map(|item| item.hash).collect(),
            kept_by: items.clone().map(|item| item.kept_by).collect(),
            started_at: items.clone().map(|item| item.started_at).collect(),
            raw_ids: items
                .clone()
                .all(|item| item.raw_id.is_some())
                .then(|| items.filter_map(|item| item.raw_id.cloned()))
                .into_iter()
                .flatten()
                .collect(),
        }
    }

    fn iter(&self) -> impl Iterator<Item = ShownItem<'_>> + Clone {
        let ids = self.ids.split(|byte| *byte == END_OF_ID).map(|id| str::from_utf8(id).unwrap_or_default());
        let rest = self.hashes.iter().zip(&self.kept_by).zip(&self.started_at).enumerate();
        ids.zip(rest).map(|(id, (nth, ((hash, kept_by), started_at)))| ShownItem {
            id,
            hash: *hash,
            kept_by: *kept_by,
            started_at: *started_at,
            raw_id: self.raw_ids.get(nth),
        })
    }
}

/// What a look-up read of the interactions beyond the page: they are not gone.
#[derive(Debug, Default)]
struct Beyond {
    /// Hashes of their ids.
    ids: FxHashSet<u64>,
    /// What stands behind this place may be kept though it was not read.
    unread: Option<Cursor>,
}

impl Beyond {
    /// `page` are the first of those that may be seen, or some of them.
    fn of(journey: &Journey, page: usize) -> Self {
        let all = journey.interactions.iter().map(|interaction| id_hash(&interaction.interaction_id));
        let ids = if journey.interactions.len() > page { all.collect() } else { FxHashSet::default() };
        Self { ids, unread: journey.unread.clone() }
    }

    fn holds(&self, item: ShownItem<'_>) -> bool {
        self.ids.contains(&item.kept_by) || self.unread.as_ref().is_some_and(|unread| may_be_behind(unread, item))
    }
}

fn may_be_behind(unread: &Cursor, item: ShownItem<'_>) -> bool {
    let at = unread.at.timestamp_millis();
    let in_moment = || unread.id.as_ref().zip(item.raw_id).is_none_or(|(unread, id)| unread < id);
    item.started_at < at || (item.started_at == at && in_moment())
}

fn id_hash(id: &str) -> u64 {
    xxh3_64(id.as_bytes())
}

/// So many interactions that newer ones have pushed beyond the page are followed; beyond them a screen gets the whole timeline anew.
const BEYOND_THE_PAGE_MAX: usize = 500;

impl Prepared {
    /// `journey` is what may be seen, as it is kept; the timeline was made of it, and may be masked.
    pub fn of<I: Borrow<Interaction>>(
        timeline: Timeline<I>,
        page: &[Kept],
        journey: &Journey,
        seen: u64,
        fields: Fields,
    ) -> Self {
        // Serialising these types to memory cannot fail; if it did, the agent would be told rather than shown nothing.
        let Ok(timeline) = EncodedTimeline::of(timeline) else {
            return Self::missing(MissingCode::Failed, seen, fields);
        };
        let items = timeline.items.iter().zip(page).map(|(item, kept)| ShownItem {
            id: &item.interaction_id,
            hash: item.hash,
            kept_by: id_hash(&kept.id),
            started_at: kept.started_at,
            raw_id: Some(&kept.id).filter(|_| journey.unread.is_some()),
        });
        let items = ShownItems::of(items);
        let (missing, beyond) = (timeline.missing.clone(), Beyond::of(journey, timeline.items.len()));
        let (content, leads) = (timeline.content_hash(), journey.leads.clone());
        let outline = Outline { content, leads, missing, items: Some(items), seen, fields };
        Self { timeline: Some(timeline), missing: None, beyond, outline: Arc::new(outline) }
    }

    pub fn missing(code: MissingCode, seen: u64, fields: Fields) -> Self {
        let outline = Outline { content: code as u64, seen, fields, ..Outline::default() };
        Self { timeline: None, missing: Some(code.into()), beyond: Beyond::default(), outline: Arc::new(outline) }
    }

    /// The frame that turns what is shown into this, and what is shown then; `None` where there is nothing to say.
    pub fn update_of(&self, shown: &Outline, empty: Update<'_, Raw<'_>, Raw<'_>>) -> Option<Changed> {
        if shown.content == self.outline.content || shown.seen > self.outline.seen {
            return None;
        }
        let outline = || Arc::clone(&self.outline);
        let whole = |timeline: &EncodedTimeline| {
            let frame = Encoded::Update(Update { timeline: Some(timeline.json()), ..empty }).encode();
            Some(Changed { frame, is_whole: true, outline: outline() })
        };
        match (&shown.items, &self.timeline) {
            (Some(_), Some(timeline)) if self.outline.fields != shown.fields => whole(timeline),
            // What is on screen is better than what lacks a source that it has.
            (Some(_), Some(_)) if self.outline.missing.iter().any(|source| !shown.missing.contains(source)) => None,
            (Some(_), Some(timeline)) if self.outline.missing != shown.missing => whole(timeline),
            (Some(items), Some(timeline)) => match self.beyond_the_page(items, timeline) {
                (_, beyond) if beyond.len() > BEYOND_THE_PAGE_MAX => whole(timeline),
                (removed, beyond) => {
                    let frame = difference(items, &removed, timeline, empty);
                    Some(Changed { frame, is_whole: false, outline: self.outline_with(&beyond) })
                }
            },
            (None, Some(timeline)) => whole(timeline),
            (None, None) => {
                let frame = Encoded::Update(Update { missing: self.missing, ..empty }).encode();
                Some(Changed { frame, is_whole: false, outline: outline() })
            }
            // What is on screen is better than a sentence that says why there is nothing newer.
            (Some(_), None) => None,
        }
    }

    /// Of what is shown and not on the page any more: what is gone, and what is kept beyond the page.
    fn beyond_the_page<'s>(&self, shown: &'s ShownItems, now: &EncodedTimeline) -> (Vec<&'s str>, Vec<ShownItem<'s>>) {
        let ids: FxHashSet<&str> = now.items.iter().map(|item| item.interaction_id.as_str()).collect();
        // A masked id may go though its interaction stays: that is shown under another one then.
        let on_page: FxHashSet<u64> =
            self.outline.items.iter().flat_map(|items| items.kept_by.iter().copied()).collect();
        let not_there = shown.iter().filter(|item| !ids.contains(item.id));
        let (beyond, gone): (Vec<_>, Vec<_>) =
            not_there.partition(|item| !on_page.contains(&item.kept_by) && self.beyond.holds(*item));
        let mut removed: Vec<&str> = gone.into_iter().map(|item| item.id).collect();
        removed.sort_unstable();
        (removed, beyond)
    }

    /// What a screen shows that keeps what newer interactions have pushed beyond the page.
    fn outline_with(&self, beyond: &[ShownItem<'_>]) -> Arc<Outline> {
        let items = self.outline.items.as_ref().filter(|_| !beyond.is_empty());
        let Some(items) = items else { return Arc::clone(&self.outline) };
        let items = ShownItems::of(items.iter().chain(beyond.iter().copied()));
        let Outline { content, leads, missing, seen, fields, .. } = &*self.outline;
        let (leads, missing, fields) = (leads.clone(), missing.clone(), fields.clone());
        Arc::new(Outline { content: *content, leads, missing, items: Some(items), seen: *seen, fields })
    }
}

/// What turns a screen into another one.
pub struct Changed {
    pub frame: String,
    /// It brings the whole timeline: where none was shown yet, and where something else may be seen of it now.
    pub is_whole: bool,
    pub outline: Arc<Outline>,
}

/// How an interaction on a page is kept.
pub struct Kept {
    id: SmolStr,
    started_at: i64,
}

impl Kept {
    pub fn of(interaction: &Interaction) -> Self {
        Self { id: interaction.interaction_id.clone(), started_at: interaction.started_at.timestamp_millis() }
    }
}

fn difference(
    shown: &ShownItems,
    removed: &[&str],
    now: &EncodedTimeline,
    empty: Update<'_, Raw<'_>, Raw<'_>>,
) -> String {
    let before: FxHashMap<&str, u64> = shown.iter().map(|item| (item.id, item.hash)).collect();
    let changed = now.items.iter().filter(|item| before.get(item.interaction_id.as_str()) != Some(&item.hash));
    let interactions: Vec<Raw<'_>> = changed.map(|item| now.interaction(item)).collect();
    let update = Update {
        interactions: &interactions,
        removed,
        contacts: Some(&now.contacts),
        more_contacts: Some(now.more_contacts),
        campaigns: Some(&now.campaigns),
        more_campaigns: Some(now.more_campaigns),
        channels: Some(&now.channels),
        more_channels: Some(now.more_channels),
        total: Some(now.total),
        matching: Some(now.matching),
        at_least: Some(now.at_least),
        ..empty
    };
    Encoded::Update(update).encode()
}
