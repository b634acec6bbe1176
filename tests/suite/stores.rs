//! What every store keeps and finds again, on real servers.

use backstory::journey::catalogue::InUse;
use backstory::journey::{Change, Interaction, Removal};
use serde_json::{Value, json};

use crate::harness::ANA;
use crate::harness::shelf::{Shelf, changed_interaction, contact, interaction, read};

on_both_stores![
    what_interactions_carry_is_counted_by_value,
    every_field_of_an_interaction_comes_back,
    a_number_leads_to_its_contacts_and_all_their_addresses_but_not_to_housemates,
    whoever_is_listed_in_many_campaigns_is_found_with_all_of_them,
    a_contact_that_was_only_ever_reached_on_a_number_is_found_until_that_is_taken_back,
    the_newest_update_wins_whatever_the_order_and_repeats_change_nothing,
    a_repeated_contact_changes_nothing_and_a_correction_of_the_same_time_does,
    a_removed_interaction_and_an_unlisted_contact_are_gone,
    an_id_that_was_merged_keeps_resolving,
    merges_in_a_ring_end,
    many_who_write_at_once_lose_and_double_nothing,
    a_batch_is_as_good_as_its_changes_one_by_one,
];

const SHARED: &str = "+12015550199";

async fn every_field_of_an_interaction_comes_back(shelf: Shelf) {
    let value = json!({"interactionId": "i", "source": "campaign_manager", "contactId": "ana", "address": ANA,
        "campaign": {"id": "td", "name": "Term deposit"}, "channel": "voice", "mode": "mobile", "direction": "manual_outbound",
        "startedAt": "2026-11-18T10:30:23.125Z", "endedAt": "2026-11-18T10:34:44Z",
        "outcome": {"code": "declined", "label": "Declined", "class": "failure", "parent": "no", "telephony": "answered", "reached": true},
        "previousScore": 50.5, "currentScore": -45.0, "agent": {"id": "agent-4", "name": "Duarte Melo"},
        "comments": "Não agora.", "updatedAt": "2026-11-18T10:35:14Z"});
    let given = read(&value, Interaction::read);
    shelf.put(&[Change::Interaction(Box::new(given.clone()))]).await;
    assert_eq!(shelf.journey(ANA).await.interactions, [given]);
}

async fn a_number_leads_to_its_contacts_and_all_their_addresses_but_not_to_housemates(shelf: Shelf) {
    shelf.put(&[
        contact(json!({"contactId": "ana", "addresses": [{"address": ANA}, {"address": "ana@example.com"}, {"address": SHARED}]})),
        contact(json!({"contactId": "ben", "addresses": [{"address": SHARED}]})),
        interaction("mail", Some("ana"), "ana@example.com", "2026-11-03T00:00:00Z"),
        interaction("call", Some("ana"), ANA, "2026-11-02T00:00:00Z"),
        interaction("hers", Some("ana"), SHARED, "2026-11-01T00:00:00Z"),
        interaction("his", Some("ben"), SHARED, "2026-11-04T00:00:00Z"),
        interaction("nobody's", None, SHARED, "2026-10-31T00:00:00Z"),
    ]).await;
    assert_eq!(shelf.ids(ANA).await, ["mail", "call", "hers", "nobody's"]);
    assert_eq!(
        shelf.ids(SHARED).await,
        ["his", "mail", "call", "hers", "nobody's"],
        "both live behind the shared number"
    );
}

async fn whoever_is_listed_in_many_campaigns_is_found_with_all_of_them(shelf: Shelf) {
    let listed = |nth: usize| {
        let campaign = json!({"id": format!("td-{nth}"), "name": format!("Term deposit of the region {nth}")});
        contact(json!({"contactId": "ana", "campaign": campaign, "addresses": [{"address": ANA}]}))
    };
    let mut changes: Vec<Change> = (0..30).map(listed).collect();
    changes.push(interaction("hers", Some("ana"), ANA, "2026-11-02T00:00:00Z"));
    changes.push(interaction("nobody's", None, ANA, "2026-11-01T00:00:00Z"));
    shelf.put(&changes).await;
    let journey = shelf.journey(ANA).await;
    assert_eq!(journey.contacts.iter().map(|contact| contact.listed.len()).collect::<Vec<_>>(), [30]);
    assert_eq!(shelf.ids(ANA).await, ["hers", "nobody's"]);
}

async fn a_contact_that_was_only_ever_reached_on_a_number_is_found_until_that_is_taken_back(shelf: Shelf) {
    shelf.put(&[interaction("i", Some("ana"), ANA, "2026-11-01T00:00:00Z")]).await;
    assert_eq!(shelf.journey(ANA).await.contacts.len(), 1);
    shelf.put(&[changed_interaction("i", Some("ana"), SHARED, "2026-11-01T00:00:00Z", "2026-11-21T00:00:00Z")]).await;
    assert!(shelf.knows_nothing_of(ANA).await);
    assert_eq!(shelf.ids(SHARED).await, ["i"]);
}

async fn the_newest_update_wins_whatever_the_order_and_repeats_change_nothing(shelf: Shelf) {
    let older = |id| changed_interaction(id, Some("ana"), ANA, "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z");
    let newer = |id| changed_interaction(id, Some("ana"), ANA, "2026-11-01T09:00:00Z", "2026-11-03T00:00:00Z");
    for order in [[older("i"), newer("i")], [newer("j"), older("j")]] {
        shelf.put(&order).await;
        let again = shelf.put(&order).await;
        assert_eq!((again.changed, again.known), (0, 2));
    }
    shelf.put(&[newer("k")]).await;
    assert_eq!(shelf.put(&[older("k")]).await.known, 1);
    let starts: Vec<_> =
        shelf.journey(ANA).await.interactions.into_iter().map(|one| one.started_at.to_rfc3339()).collect();
    assert_eq!(starts, ["2026-11-01T09:00:00+00:00"; 3]);
}

async fn a_repeated_contact_changes_nothing_and_a_correction_of_the_same_time_does(shelf: Shelf) {
    let listed = |address: &str| {
        contact(json!({"contactId": "ana", "addresses": [{"address": address}], "updatedAt": "2026-11-01T00:00:00Z"}))
    };
    assert_eq!(shelf.put(&[listed(ANA), listed(ANA)]).await.known, 1);
    assert_eq!(shelf.put(&[listed(SHARED)]).await.changed, 1);
    assert!(shelf.journey(ANA).await.contacts.is_empty() && !shelf.journey(SHARED).await.contacts.is_empty());
    let corrected = changed_interaction("i", Some("ana"), SHARED, "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z");
    let first = changed_interaction("i", Some("ana"), ANA, "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z");
    shelf.put(&[first]).await;
    let written = shelf.put(&[corrected]).await;
    assert_eq!((written.changed, shelf.journey(SHARED).await.interactions[0].address.as_str()), (1, SHARED));
}

async fn a_removed_interaction_and_an_unlisted_contact_are_gone(shelf: Shelf) {
    shelf.put(&[
        contact(json!({"contactId": "a/1", "addresses": [{"address": ANA}], "campaign": {"id": "td/26", "name": "Term deposit"}})),
        interaction("i", None, ANA, "2026-11-01T00:00:00Z"),
    ]).await;
    assert_eq!(shelf.journey(ANA).await.contacts[0].listed[0].id, "td/26");
    shelf.put(&[Change::RemoveContact(Removal::of("a/1/td/26")), Change::RemoveInteraction(Removal::of("i"))]).await;
    assert!(shelf.knows_nothing_of(ANA).await);
}

async fn an_id_that_was_merged_keeps_resolving(shelf: Shelf) {
    shelf
        .put(&[
            contact(json!({"contactId": "old", "addresses": [{"address": ANA}], "mergedInto": "new"})),
            contact(json!({"contactId": "new", "name": "Ana", "addresses": [{"address": SHARED}]})),
            interaction("before", Some("old"), ANA, "2026-11-01T00:00:00Z"),
            interaction("after", Some("new"), SHARED, "2026-11-02T00:00:00Z"),
        ])
        .await;
    for number in [ANA, SHARED] {
        let journey = shelf.journey(number).await;
        assert_eq!(journey.contacts.iter().map(|c| c.contact_id.as_str()).collect::<Vec<_>>(), ["new"]);
        assert!(journey.interactions.iter().all(|i| i.contact_id.as_deref() == Some("new")));
        assert_eq!(shelf.ids(number).await, ["after", "before"]);
    }
}

async fn merges_in_a_ring_end(shelf: Shelf) {
    shelf
        .put(&[
            contact(json!({"contactId": "a", "addresses": [{"address": ANA}], "mergedInto": "b"})),
            contact(json!({"contactId": "b", "addresses": [], "mergedInto": "a"})),
        ])
        .await;
    assert_eq!(shelf.journey(ANA).await.contacts.len(), 1);
}

async fn what_interactions_carry_is_counted_by_value(shelf: Shelf) {
    let mut nth = 0;
    let mut one = |parts: Value| {
        nth += 1;
        let mut value = json!({"interactionId": nth.to_string(), "source": "data_cloud", "address": ANA,
                               "startedAt": "2026-11-01T00:00:00Z"});
        value.as_object_mut().unwrap().extend(parts.as_object().unwrap().clone());
        Change::Interaction(Box::new(read(&value, Interaction::read)))
    };
    let (td, no) = (json!({"id": "td"}), json!({"code": "NI", "label": "No"}));
    let all = [
        one(
            json!({"channel": "voice", "mode": "fax", "campaign": td, "outcome": no, "agent": {"id": "a", "name": "Ana"}}),
        ),
        one(
            json!({"channel": "voice", "mode": "fax", "campaign": td, "outcome": no, "agent": {"id": "a", "name": "Ana"}}),
        ),
        one(json!({"channel": "social", "outcome": no, "agent": {"id": "a"}})),
        one(json!({"channel": "social"})),
    ];
    shelf.put(&all).await;
    let InUse { mut campaigns_and_outcomes, mut channels_and_modes, mut agents } = shelf.store.in_use().await.unwrap();
    campaigns_and_outcomes.sort_by_key(|((campaign, outcome), _)| (campaign.is_some(), outcome.is_some()));
    channels_and_modes.sort();
    agents.sort_by_key(|(_, count)| *count);
    let td = Some(serde_json::from_value(td).unwrap());
    let no = Some(serde_json::from_value(no).unwrap());
    assert_eq!(campaigns_and_outcomes, [((None, None), 1), ((None, no.clone()), 1), ((td, no), 2)]);
    assert_eq!(channels_and_modes, [(("social".into(), None), 2), (("voice".into(), Some("fax".into())), 2)]);
    let agents: Vec<_> = agents.into_iter().map(|(agent, count)| (agent.name, count)).collect();
    assert_eq!(agents, [(None, 1), (Some("Ana".into()), 2)], "each name of an id by itself");
}

/// Two writers correct the same interactions to and fro: what is kept in the end is what the newest said, and is found.
async fn many_who_write_at_once_lose_and_double_nothing(shelf: Shelf) {
    let version = |id: u32, at: u32| {
        let address = if (id + at).is_multiple_of(2) { ANA } else { SHARED };
        let updated_at = format!("2026-11-20T00:00:{at:02}Z");
        changed_interaction(&format!("i-{id}"), Some("ana"), address, "2026-11-01T00:00:00Z", &updated_at)
    };
    let writers = (0..4u32).map(|writer| {
        let shelf = shelf.clone();
        tokio::spawn(async move {
            for at in (writer..40).step_by(4) {
                let batch: Vec<_> = (0..20).map(|id| version(id, at)).collect();
                shelf.put(&batch).await;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let journey = shelf.journey(ANA).await;
    assert_eq!(journey.interactions.len(), 20);
    assert!(journey.interactions.iter().all(|one| one.updated_at.unwrap().to_rfc3339() == "2026-11-20T00:00:39+00:00"));
    assert_eq!(shelf.ids(SHARED).await.len(), 20, "she was reached on both");
    let removed: Vec<_> = (0..20).map(|id| Change::RemoveInteraction(Removal::of(format!("i-{id}")))).collect();
    shelf.put(&removed).await;
    assert!(shelf.knows_nothing_of(ANA).await && shelf.knows_nothing_of(SHARED).await);
}

async fn a_batch_is_as_good_as_its_changes_one_by_one(shelf: Shelf) {
    let remove = |id: &str| Change::RemoveInteraction(Removal::of(id));
    let at = |id: &str, updated_at: &str| changed_interaction(id, None, ANA, "2026-11-01T00:00:00Z", updated_at);
    let changes = [
        at("put-older", "2026-11-03T00:00:00Z"),
        at("put-older", "2026-11-02T00:00:00Z"),
        at("put-removed", "2026-11-03T00:00:00Z"),
        remove("put-removed"),
        at("removed-put-older", "2026-11-03T00:00:00Z"),
        remove("removed-put-older"),
        at("removed-put-older", "2026-11-02T00:00:00Z"),
        contact(json!({"contactId": "ana", "addresses": [{"address": ANA}]})),
        Change::RemoveContact(Removal::of("ana")),
        contact(json!({"contactId": "ben", "addresses": [{"address": ANA}], "updatedAt": "2026-11-03T00:00:00Z"})),
        contact(json!({"contactId": "ben", "addresses": [{"address": SHARED}], "updatedAt": "2026-11-02T00:00:00Z"})),
    ];
    shelf.put(&changes).await;
    let journey = shelf.journey(ANA).await;
    let mut kept: Vec<_> = journey
        .interactions
        .iter()
        .map(|one| (one.interaction_id.as_str(), one.updated_at.unwrap().format("%d").to_string()))
        .collect();
    kept.sort();
    assert_eq!(kept, [("put-older", "03".to_owned()), ("removed-put-older", "02".to_owned())]);
    assert_eq!(journey.contacts.iter().map(|one| one.contact_id.as_str()).collect::<Vec<_>>(), ["ben"]);
}
