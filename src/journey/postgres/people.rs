//! Who is behind a number, from rows: contacts by the id that each goes by now, and the ids that led there.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use crate::journey::{Campaign, KnownContact, NoIds};

/// A chain of merges longer than this is a ring.
const MERGES_MAX: usize = 16;

/// One listing of somebody who may be behind the number.
#[derive(Debug, Default)]
pub struct Listing {
    pub contact_id: String,
    /// Listed with the number or reached on it; else somebody that such a one was merged with.
    pub behind: bool,
    pub campaign: Option<Campaign>,
    pub name: Option<String>,
    pub time_zone: Option<String>,
    pub merged_into: Option<String>,
    /// Milliseconds since 1970; `None` for a contact without a listing.
    pub updated_at: Option<i64>,
    pub addresses: Vec<String>,
}

impl Listing {
    fn says(&self) -> KnownContact {
        KnownContact {
            name: self.name.clone(),
            time_zone: self.time_zone.clone(),
            listed: self.campaign.iter().cloned().collect(),
            ..KnownContact::default()
        }
    }
}

/// The people behind a number.
#[derive(Debug, Default)]
pub struct People {
    pub contacts: Vec<KnownContact>,
    /// The id that each id goes by now.
    pub current: FxHashMap<String, SmolStr>,
    pub addresses: BTreeSet<String>,
}

impl People {
    pub fn of(mut listings: Vec<Listing>, no_ids: &NoIds) -> Self {
        // A node of an earlier release may have put strangers together by a placeholder.
        listings.retain(|listing| !no_ids.has(&listing.contact_id));
        listings.iter_mut().for_each(|listing| _ = listing.merged_into.take_if(|id| no_ids.has(id)));
        // Names, campaigns and mergers of the newest listing hold; within one moment the order must be the same everywhere.
        listings.sort_by(|a, b| {
            let campaign = |listing: &Listing| listing.campaign.as_ref().map(|campaign| campaign.id.clone());
            b.updated_at.cmp(&a.updated_at).then_with(|| campaign(a).cmp(&campaign(b)))
        });
        let known = Known::of(&listings);
        let mut people = Self::default();
        let behind: BTreeSet<&str> =
            listings.iter().filter(|one| one.behind).map(|one| known.current_id(&one.contact_id)).collect();
        for current in behind {
            let earlier = known.earlier_ids(current);
            let mut contact = KnownContact::of(current);
            // Its own listings before those of earlier ids.
            let mut said = Vec::new();
            for id in std::iter::once(current).chain(earlier) {
                // Where several go on in one's place, or in a ring, the first has them.
                people.current.entry(id.to_owned()).or_insert_with(|| current.into());
                for listing in known.of_contact.get(id).into_iter().flatten() {
                    people.addresses.extend(listing.addresses.iter().cloned());
                    said.push(listing.says());
                }
            }
            contact.learn(said);
            people.contacts.push(contact);
        }
        people
    }
}

/// Listings, newest first, by whose they are and by whom they are merged into.
struct Known<'a> {
    of_contact: FxHashMap<&'a str, Vec<&'a Listing>>,
    merged_into: FxHashMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> Known<'a> {
    fn of(newest_first: &'a [Listing]) -> Self {
        let mut known = Self { of_contact: FxHashMap::default(), merged_into: FxHashMap::default() };
        for listing in newest_first {
            known.of_contact.entry(&listing.contact_id).or_default().push(listing);
            if let Some(merged_into) = &listing.merged_into {
                known.merged_into.entry(merged_into).or_default().insert(&listing.contact_id);
            }
        }
        known
    }

    fn current_id(&self, id: &'a str) -> &'a str {
        let mut current = id;
        for _ in 0..MERGES_MAX {
            let newest = self.of_contact.get(current).into_iter().flatten();
            match newest.filter_map(|listing| listing.merged_into.as_deref()).next() {
                Some(next) if next != current => current = next,
                _ => break,
            }
        }
        current
    }

    fn earlier_ids(&self, current: &'a str) -> BTreeSet<&'a str> {
        let (mut earlier, mut open) = (BTreeSet::new(), vec![current]);
        while let Some(id) = open.pop() {
            for &from in self.merged_into.get(id).into_iter().flatten() {
                if from != current && earlier.insert(from) {
                    open.push(from);
                }
            }
        }
        earlier
    }
}
