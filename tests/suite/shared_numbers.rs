//! Numbers that many people share, and histories of very many interactions: what both stores read of them.

use backstory::journey::{Change, Cursor, Journey, Keep, Limits, LookUp};
use chrono::DateTime;
use serde_json::json;

use crate::harness::shelf::{Shelf, contact, interaction};
use crate::harness::{ANA, BEN};

on_both_stores![
    of_many_who_share_a_number_those_reached_last_are_shown_and_the_rest_is_counted,
    who_was_merged_counts_once_among_many,
    what_was_kept_under_an_earlier_id_of_somebody_who_is_not_shown_is_counted,
    who_is_listed_in_very_many_campaigns_hides_nobody,
    pages_of_one_moment_are_exact_and_together_everything,
    a_page_is_read_whole_and_what_is_only_counted_without_its_comments,
];

const LIMITS: Limits = Limits { contacts_max: 20, counted_max: 20_000, interactions_max: 500, bytes_max: 1 << 24 };

async fn look_up(shelf: &Shelf, limits: Limits, before: Option<Cursor>) -> Journey {
    look_up_of(ANA, shelf, limits, before).await
}

async fn look_up_of(number: &str, shelf: &Shelf, limits: Limits, before: Option<Cursor>) -> Journey {
    let whole = LookUp::whole(number.into(), DateTime::UNIX_EPOCH, backstory::journey::Source::ALL.to_vec());
    shelf.store.look_up(LookUp { limits, before, ..whole }).await.unwrap()
}

fn shown(journey: &Journey) -> Vec<&str> {
    journey.contacts.iter().map(|contact| contact.contact_id.as_str()).collect()
}

/// Listed with a shared number, and reached on one of their own at that minute, if at all.
fn person(number: &str, nth: usize, minute: Option<usize>) -> Vec<Change> {
    let (id, own) = (format!("p-{nth:03}"), format!("+1203555{nth:04}"));
    let mut changes =
        vec![contact(json!({ "contactId": id, "addresses": [{ "address": number }, { "address": own }] }))];
    let at = |minute: usize| format!("2026-11-01T{:02}:{:02}:00Z", minute / 60, minute % 60);
    changes.extend(minute.map(|minute| interaction(&format!("i-{nth:03}"), Some(&id), &own, &at(minute))));
    changes
}

async fn of_many_who_share_a_number_those_reached_last_are_shown_and_the_rest_is_counted(shelf: Shelf) {
    // More than a row of the address holds in PostgreSQL, and as many as fit into one.
    for (number, people) in [(ANA, 0..150), (BEN, 200..230)] {
        for nth in people.clone() {
            // Each by itself, as they come from a dialler. Every third was never reached.
            shelf.put(&person(number, nth, (nth % 3 > 0).then_some(nth))).await;
        }
        shelf.put(&[interaction(&format!("nobody's {number}"), None, number, "2026-10-01T00:00:00Z")]).await;
        let of = |limits| look_up_of(number, &shelf, limits, None);
        let journey = of(Limits { contacts_max: 5, ..LIMITS }).await;
        let reached = people.clone().rev().filter(|nth| nth % 3 > 0);
        assert_eq!(shown(&journey), reached.clone().take(5).map(|nth| format!("p-{nth:03}")).collect::<Vec<_>>());
        assert_eq!((journey.more_contacts, journey.at_least), (people.len() - 5, false));
        assert_eq!(journey.interactions.len(), reached.count() + 1, "those of the others are counted");
        let all = of(Limits { contacts_max: 1000, ..LIMITS }).await;
        assert_eq!((all.contacts.len(), all.more_contacts), (people.len(), 0));
        let few = of(Limits { contacts_max: 5, counted_max: 10, interactions_max: 10, ..LIMITS }).await;
        assert!(few.at_least && few.interactions.len() <= 20, "{} were read", few.interactions.len());
    }
}

async fn who_was_merged_counts_once_among_many(shelf: Shelf) {
    for nth in 0..120 {
        shelf.put(&person(ANA, nth, Some(nth))).await;
    }
    // Each of the last ten goes on in the one ten before.
    for nth in 110..120 {
        let (id, into) = (format!("p-{nth:03}"), format!("p-{:03}", nth - 10));
        let merged = json!({ "contactId": id, "addresses": [{ "address": ANA }], "mergedInto": into,
                             "updatedAt": "2026-11-30T00:00:00Z" });
        shelf.put(&[contact(merged)]).await;
    }
    let journey = look_up(&shelf, Limits { contacts_max: 5, ..LIMITS }, None).await;
    assert_eq!(shown(&journey), ["p-109", "p-108", "p-107", "p-106", "p-105"]);
    assert_eq!((journey.more_contacts, journey.interactions.len()), (105, 120));
    let of_first = journey.interactions.iter().filter(|one| one.contact_id.as_deref() == Some("p-109"));
    assert_eq!(of_first.count(), 2, "its own, and what was kept under the earlier id");
}

async fn what_was_kept_under_an_earlier_id_of_somebody_who_is_not_shown_is_counted(shelf: Shelf) {
    let people = 120;
    for nth in 0..people {
        shelf.put(&person(ANA, nth, Some(nth + 10))).await;
    }
    // It is on no list any more, and its interaction is the newest of all, or one of the oldest.
    for (nth, into) in [(people - 1, 0), (1, 2)] {
        let merged = json!({ "contactId": format!("p-{nth:03}"), "addresses": [], "mergedInto": format!("p-{into:03}"),
                                 "updatedAt": "2026-11-30T00:00:00Z" });
        shelf.put(&[contact(merged)]).await;
    }
    let journey = look_up(&shelf, Limits { contacts_max: 5, ..LIMITS }, None).await;
    assert_eq!(journey.interactions.len(), people, "nothing is lost");
    assert_eq!((shown(&journey)[0], journey.more_contacts), ("p-000", people - 2 - 5));
    assert_eq!(journey.interactions[0].contact_id.as_deref(), Some("p-000"));
    assert!(!journey.at_least);
}

async fn who_is_listed_in_very_many_campaigns_hides_nobody(shelf: Shelf) {
    for nth in 0..3 {
        shelf.put(&person(ANA, nth, Some(nth))).await;
        let listed = |campaign: usize| {
            let campaign = json!({ "id": format!("td-{campaign}") });
            contact(
                json!({ "contactId": format!("p-{nth:03}"), "campaign": campaign, "addresses": [{ "address": ANA }] }),
            )
        };
        shelf.put(&(0..70).map(listed).collect::<Vec<_>>()).await;
    }
    let journey = look_up(&shelf, Limits { counted_max: 100, ..LIMITS }, None).await;
    let mut all = shown(&journey);
    all.sort_unstable();
    assert_eq!((all, journey.interactions.len(), journey.at_least), (vec!["p-000", "p-001", "p-002"], 3, false));
}

async fn pages_of_one_moment_are_exact_and_together_everything(shelf: Shelf) {
    let all: Vec<Change> =
        (0..700).map(|nth| interaction(&format!("i-{nth:03}"), Some("ana"), ANA, "2026-11-01T00:00:00Z")).collect();
    shelf.put(&all).await;
    let limits = Limits { counted_max: 150, interactions_max: 100, ..LIMITS };
    let (mut pages, mut before) = (Vec::new(), None);
    loop {
        let journey = look_up(&shelf, limits, before.clone()).await;
        let is_on_page =
            |one: &&backstory::journey::Interaction| before.as_ref().is_none_or(|before| before.is_before(one));
        let page: Vec<_> = journey.interactions.iter().filter(is_on_page).take(100).collect();
        assert!(page.iter().all(|one| !one.is_light), "a page is read whole");
        pages.push(page.iter().map(|one| one.interaction_id.to_string()).collect::<Vec<_>>());
        if pages.last().unwrap().len() < 100 || pages.len() == 7 {
            break;
        }
        before = page.last().map(|last| Cursor::behind(last));
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [100; 7]);
    assert_eq!(pages.concat(), (0..700).map(|nth| format!("i-{nth:03}")).collect::<Vec<_>>());
}

async fn a_page_is_read_whole_and_what_is_only_counted_without_its_comments(shelf: Shelf) {
    let one = |nth: usize| {
        let value = json!({ "interactionId": format!("i-{nth:03}"), "source": "data_cloud", "contactId": "ana", "address": ANA,
            "channel": if nth.is_multiple_of(2) { "voice" } else { "email" }, "comments": format!("said {nth}"),
            "startedAt": format!("2026-11-01T00:{:02}:{:02}Z", nth / 60, nth % 60), "updatedAt": "2026-11-02T00:00:00Z" });
        Change::Interaction(Box::new(crate::harness::shelf::read(&value, backstory::journey::Interaction::read)))
    };
    shelf.put(&(0..300).map(one).collect::<Vec<_>>()).await;
    let voice: Keep = std::sync::Arc::new(|one| one.channel == "voice");
    let whole = LookUp::whole(ANA.into(), DateTime::UNIX_EPOCH, backstory::journey::Source::ALL.to_vec());
    let limits = Limits { interactions_max: 20, ..LIMITS };
    let journey = shelf.store.look_up(LookUp { limits, pages: vec![voice], ..whole }).await.unwrap();
    assert_eq!((journey.interactions.len(), journey.at_least), (300, false));
    let page: Vec<_> = journey.interactions.iter().filter(|one| one.channel == "voice").take(20).collect();
    for (nth, one) in (0..300).rev().filter(|nth| nth % 2 == 0).zip(&page) {
        assert_eq!(one.comments.as_deref(), Some(format!("said {nth}").as_str()));
        assert!(one.updated_at.is_some() && !one.is_light);
    }
    let rest = journey.interactions.iter().rev().take(100);
    assert!(rest.into_iter().all(|one| one.is_light && one.comments.is_none()));
}
