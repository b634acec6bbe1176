//! What is older than `journey.retention` is shown no more, and goes.

use backstory::journey::retention::Next;
use chrono::{DateTime, Utc};

use crate::harness::shelf::{self, Shelf};
use crate::harness::{ANA, Kafka, Service, call, ids, interaction};

on_both_stores![what_is_too_old_goes_step_by_step_and_nothing_else_does];
on_kafka_with_both_stores![what_is_older_than_the_retention_is_not_shown_and_is_removed];

async fn what_is_too_old_goes_step_by_step_and_nothing_else_does(shelf: Shelf) {
    const CONTACTS: usize = 1500;
    const OLD: &str = "2025-01-01T00:00:00Z";
    let number = |nth: usize| format!("+1201555{nth:04}");
    let mut changes = Vec::new();
    for nth in 0..CONTACTS {
        let contact = format!("c-{nth}");
        changes.push(shelf::interaction(&format!("old-{nth}"), Some(&contact), &number(nth), OLD));
        changes.push(shelf::interaction(&format!("new-{nth}"), Some(&contact), &number(nth), "2026-06-01T00:00:00Z"));
        changes.push(shelf::interaction(&format!("nobody's-{nth}"), None, &number(nth), OLD));
    }
    changes.push(shelf::interaction("only", Some("gone"), "+12015559999", OLD));
    shelf.put(&changes).await;
    let before: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
    let (mut removed, mut after) = (0, None);
    loop {
        let step = shelf.store.expire(before, after).await.unwrap();
        assert!(step.removed <= 500, "no step holds others up for long");
        removed += step.removed;
        match step.next {
            Next::End => break,
            Next::After(contact) => after = contact,
        }
    }
    assert_eq!(removed as usize, 2 * CONTACTS + 1);
    for nth in [0, 1, CONTACTS / 2, CONTACTS - 1] {
        assert_eq!(shelf.ids(&number(nth)).await, [format!("new-{nth}")]);
    }
    assert!(shelf.knows_nothing_of("+12015559999").await, "nobody was ever reached there");
}

async fn what_is_older_than_the_retention_is_not_shown_and_is_removed(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.record(&[interaction("old").days_ago(100), interaction("new").days_ago(20)]).await;
    assert_eq!(service.journey(ANA).await["total"], 2, "off by default");

    let service = service.restart_with(&[("journey.retention", "30d")]).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    assert_eq!(ids(&ana.next_pop().await["timeline"]), ["new"]);
    service.counts("backstory_interactions_expired_total", &[], 1.0).await;
    let service = service.restart_with(&[]).await;
    assert_eq!(service.journey(ANA).await["total"], 1, "gone, and not only out of sight");
}
