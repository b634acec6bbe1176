//! How much is read, counted by a store in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use futures_util::FutureExt as _;
use proptest::prelude::*;

use super::*;
use crate::journey::Limits;
use crate::journey::timeline::{self, Ask, prepare};
use crate::journey::{KnownContact, Source};

const LIMITS: Limits = Limits { contacts_max: 20, counted_max: 20_000, interactions_max: 500, bytes_max: 8 << 20 };

/// Strands by their contacts, and what was read of them.
#[derive(Default)]
struct Memory {
    strands: BTreeMap<String, Vec<Interaction>>,
    rows: usize,
    strands_looked_for: usize,
    details: usize,
}

impl Memory {
    fn put(&mut self, contact: &str, id: &str, minutes_ago: i64) {
        let value = serde_json::json!({ "interactionId": id, "source": "data_cloud", "contactId": contact, "channel": "voice",
            "address": "+12015550142", "startedAt": (now() - TimeDelta::minutes(minutes_ago)).to_rfc3339() });
        let read = Interaction::read(value.to_string().as_bytes(), rlibphonenumber::Region::US, now()).unwrap();
        self.strands.entry(contact.into()).or_default().push(read);
    }

    fn look_up(&mut self, limits: Limits, before: Option<Cursor>) -> Journey {
        self.look_up_page(limits, before, Arc::new(|_| true))
    }

    /// The contacts in the order in which they were reached last.
    fn look_up_page(&mut self, limits: Limits, before: Option<Cursor>, page: crate::journey::Keep) -> Journey {
        for strand in self.strands.values_mut() {
            strand.sort_by(newest_first);
        }
        let mut contacts: Vec<(DateTime<Utc>, SmolStr)> =
            self.strands.iter().map(|(id, own)| (own[0].started_at, id.as_str().into())).collect();
        contacts.sort_by(|(a, id), (b, other)| b.cmp(a).then_with(|| id.cmp(other)));
        let mut journey = Journey::default();
        let mut strands = Vec::new();
        for (nth, (newest, id)) in contacts.into_iter().enumerate() {
            if nth < limits.contacts_max {
                journey.contacts.push(KnownContact::of(id.as_str()));
                strands.push(Strand::new(Key::Contact(id.clone()), Some(id)));
            } else {
                journey.more_contacts += 1;
                strands.push(Strand::of_other(id.clone(), id, newest));
            }
        }
        let from = now() - TimeDelta::days(360);
        let whole = LookUp::whole("+12015550142".into(), from, Source::ALL.to_vec());
        let look_up = LookUp { before, pages: vec![page], limits, ..whole };
        read(self, &look_up, strands, &mut journey).now_or_never().unwrap().unwrap();
        journey
    }

    /// What one look-up reads of the store.
    fn work(&self) -> usize {
        self.rows + self.strands_looked_for + self.details
    }
}

impl Reader for Memory {
    async fn rows(&mut self, parts: &[Part<'_>]) -> Result<Vec<Rows>, StoreError> {
        let mut all = Vec::new();
        for part in parts {
            let Key::Contact(id) = &part.strand.key else { panic!("nobody's") };
            let own = &self.strands[id.as_str()];
            let behind = |one: &&Interaction| part.before.as_ref().is_none_or(|before| before.is_before(one));
            let first = own.iter().position(|one| behind(&one)).unwrap_or(own.len());
            let read: Vec<Interaction> = own[first..].iter().take(part.rows_max).cloned().collect();
            (self.rows, self.strands_looked_for) = (self.rows + read.len(), self.strands_looked_for + 1);
            let more_behind = read.last().filter(|_| read.len() == part.rows_max).map(Cursor::behind);
            let light = |one: Interaction| Interaction { is_light: true, updated_at: None, ..one };
            let rows = read.len();
            all.push(Rows { interactions: read.into_iter().map(light).collect(), rows, more_behind });
        }
        Ok(all)
    }

    async fn details(&mut self, ids: &[SmolStr]) -> Result<HashMap<SmolStr, Details>, StoreError> {
        self.details += ids.len();
        Ok(ids.iter().map(|id| (id.clone(), Details { comments: None, updated_at: now() })).collect())
    }
}

fn now() -> DateTime<Utc> {
    "2026-11-20T21:00:00Z".parse().unwrap()
}

fn ask(limits: Limits, before: Option<Cursor>) -> Ask {
    let limits = timeline::Limits {
        contacts_max: limits.contacts_max,
        campaigns_max: 100,
        interactions_max: limits.interactions_max,
        bytes_max: limits.bytes_max,
    };
    Ask { now: now(), months: 12, time_zone: chrono_tz::Tz::UTC, campaign: None, channel: None, before, limits }
}

/// Each page's ids, until there is nothing older.
fn pages(memory: &mut Memory, limits: Limits) -> Vec<Vec<String>> {
    let (mut pages, mut before) = (Vec::new(), None);
    loop {
        let journey = memory.look_up(limits, before.clone());
        let timeline = prepare(&journey, Vec::new(), &ask(limits, before.take()));
        pages.push(timeline.interactions().map(|one| one.interaction_id.to_string()).collect());
        before = timeline.content.older;
        if before.is_none() {
            return pages;
        }
        assert!(pages.len() < 2000, "paging does not end");
    }
}

fn many(contacts: usize, each: usize) -> Memory {
    let mut memory = Memory::default();
    for contact in 0..contacts {
        for nth in 0..each {
            memory.put(&format!("p-{contact}"), &format!("i-{contact}-{nth}"), (nth * 1440 / each + contact) as i64);
        }
    }
    memory
}

#[test]
fn the_work_of_a_look_up_is_bounded_by_what_is_counted_and_shown() {
    let work = |contacts, each| {
        let mut memory = many(contacts, each);
        let journey = memory.look_up(LIMITS, None);
        let content = prepare(&journey, Vec::new(), &ask(LIMITS, None)).content;
        assert_eq!((content.shown, content.contacts.len()), (500, 20));
        assert_eq!(content.more_contacts, contacts - 20);
        (memory.work(), content.total, content.at_least)
    };
    let (few, total, at_least) = work(20, 1000);
    assert_eq!((total, at_least), (20_000, false));
    let (crowd, total, at_least) = work(10_000, 10);
    assert_eq!((total, at_least), (20_000, true));
    assert!(crowd <= few * 3 && few <= crowd * 3, "{few} and {crowd}");
    let (crowd_of_two, ..) = work(20_000, 10);
    assert!(crowd_of_two <= crowd + 10, "{crowd} and {crowd_of_two}");
}

#[test]
fn counts_are_exact_up_to_the_limit_and_lower_bounds_beyond() {
    let total = |memory: &mut Memory| {
        let journey = memory.look_up(LIMITS, None);
        let content = prepare(&journey, Vec::new(), &ask(LIMITS, None)).content;
        (content.total, content.at_least, content.contacts[0].at_least)
    };
    assert_eq!(total(&mut many(1, 20_000)), (20_000, false, false));
    assert_eq!(total(&mut many(10_000, 2)), (20_000, false, false));
    assert_eq!(total(&mut many(1, 20_001)), (20_000, true, true));
    assert_eq!(total(&mut many(10_001, 2)), (20_000, true, false));
}

#[test]
fn whatever_is_behind_a_number_the_first_page_holds_its_newest() {
    let mut memory = many(3, 15_000);
    let newest = |memory: &Memory| {
        let mut all: Vec<Interaction> = memory.strands.values().flatten().cloned().collect();
        all.sort_by(newest_first);
        all.into_iter().take(500).map(|one| one.interaction_id.to_string()).collect::<Vec<_>>()
    };
    let journey = memory.look_up(LIMITS, None);
    let timeline = prepare(&journey, Vec::new(), &ask(LIMITS, None));
    let shown: Vec<String> = timeline.interactions().map(|one| one.interaction_id.to_string()).collect();
    assert_eq!(shown, newest(&memory));
    assert!(timeline.interactions().all(|one| !one.is_light), "all of a page is read whole");
}

#[test]
fn a_filter_that_finds_nothing_within_the_limit_says_where_to_go_on() {
    let mut memory = many(1, 90_000);
    memory.strands.get_mut("p-0").unwrap().last_mut().unwrap().channel = "email".into();
    let (mut found, mut looks, mut before) = (Vec::new(), 0, None);
    loop {
        let page: crate::journey::Keep = Arc::new(|one| one.channel == "email");
        let journey = memory.look_up_page(LIMITS, before.clone(), page);
        let asked = Ask { channel: Some("email".into()), ..ask(LIMITS, before.take()) };
        let timeline = prepare(&journey, Vec::new(), &asked);
        found.extend(timeline.interactions().map(|one| one.interaction_id.to_string()));
        (looks, before) = (looks + 1, timeline.content.older);
        if before.is_none() {
            break;
        }
    }
    assert_eq!(found, ["i-0-89999"]);
    assert!((3..12).contains(&looks), "{looks} looks");
}

#[test]
fn a_hundred_thousand_of_one_moment_are_paged_without_reading_them_again_and_again() {
    let mut memory = Memory::default();
    for nth in 0..5_000 {
        memory.put("p", &format!("i-{nth:05}"), 60);
    }
    let limits = Limits { counted_max: 1000, interactions_max: 100, ..LIMITS };
    let pages = pages(&mut memory, limits);
    assert!(
        pages.iter().rev().skip(1).all(|page| page.len() == 100),
        "{:?}",
        pages.iter().map(Vec::len).collect::<Vec<_>>()
    );
    let all: Vec<String> = pages.into_iter().flatten().collect();
    assert_eq!(all, (0..5_000).map(|nth| format!("i-{nth:05}")).collect::<Vec<_>>());
    assert!(memory.rows < 50 * 3 * 1000, "{}", memory.rows);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Whatever the limits, as long as every strand may be looked for: pages are together everything, each once, in the one order.
    #[test]
    fn pages_are_together_all_there_is_each_once_and_in_order(
        touches in prop::collection::vec((0_u8..6, 0_i64..12), 0..60),
        counted_max in 16_usize..60,
        interactions_max in 1_usize..10,
        contacts_max in 1_usize..4,
    ) {
        let mut memory = Memory::default();
        for (nth, (contact, minutes)) in touches.iter().enumerate() {
            memory.put(&format!("p-{contact}"), &format!("i-{nth}"), *minutes);
        }
        let limits = Limits { contacts_max, counted_max, interactions_max, bytes_max: 8 << 20 };
        let shown: Vec<String> = pages(&mut memory, limits).into_iter().flatten().collect();
        let mut all: Vec<Interaction> = memory.strands.values().flatten().cloned().collect();
        all.sort_by(newest_first);
        let all: Vec<String> = all.into_iter().map(|one| one.interaction_id.to_string()).collect();
        prop_assert_eq!(shown, all);
    }
}
