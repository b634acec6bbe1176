//! Who is behind a number in PostgreSQL is put together at write: it is what the embedded store finds by asking.

use backstory::journey::{Change, Journey, Store, WriteBatch};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;

use crate::harness::ANA;
use crate::harness::postgres::{client, database, open};
use crate::harness::shelf::{Shelf, changed_interaction, contact, interaction};

const WRITERS: usize = 4;
const BATCHES_EACH: usize = 40;
const CHANGES_A_BATCH: usize = 5;

/// Few people, few addresses: everything meets everything. No two changes are of one time.
fn changes(random: &mut StdRng, nth: usize) -> Vec<Change> {
    let person = |random: &mut StdRng| format!("p-{}", random.random_range(0..8));
    let address = |random: &mut StdRng| format!("+1201555010{}", random.random_range(0..8));
    let change = |place: usize| {
        let updated_at = format!("2026-11-20T{:02}:{:02}:{place:02}Z", nth / 60, nth % 60);
        let id = person(random);
        match random.random_range(0..10) {
            0..4 => {
                let interaction_id = format!("i-{}", random.random_range(0..24));
                let contact = if random.random_bool(0.8) { Some(id.as_str()) } else { None };
                changed_interaction(&interaction_id, contact, &address(random), "2026-11-01T00:00:00Z", &updated_at)
            }
            4..8 => {
                let addresses: Vec<_> =
                    (0..random.random_range(0..3)).map(|_| json!({ "address": address(random) })).collect();
                let campaign = ["td", "cards"].choose(random).map(|campaign| json!({ "id": campaign }));
                contact(
                    json!({ "contactId": id, "addresses": addresses, "campaign": campaign, "updatedAt": updated_at }),
                )
            }
            _ => {
                let into = (random.random_bool(0.7)).then(|| person(random));
                contact(json!({ "contactId": id, "mergedInto": into, "updatedAt": updated_at }))
            }
        }
    };
    (0..CHANGES_A_BATCH).map(change).collect()
}

fn addresses() -> impl Iterator<Item = String> {
    (0..8).map(|nth| format!("+1201555010{nth}"))
}

/// A look-up's answer, but for what leads to it: there each store says what it needs for itself.
fn found(journey: Journey) -> Journey {
    Journey { leads: Vec::new(), ..journey }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_writes_at_once_it_is_what_the_embedded_store_finds() {
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let batches: Vec<Vec<Change>> = (0..WRITERS * BATCHES_EACH).map(|nth| changes(&mut random, nth)).collect();
    let url = database().await;
    let writers = batches.chunks(BATCHES_EACH).map(|own| {
        let (store, own) = (open(&url), own.to_vec());
        tokio::spawn(async move {
            for batch in own {
                store.write(WriteBatch::of(batch)).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let (embedded, postgres) = (Shelf::sqlite(), Shelf::of(open(&url)));
    for batch in &batches {
        embedded.put(batch).await;
    }
    for address in addresses() {
        let (expected, kept) = (embedded.journey(&address).await, postgres.journey(&address).await);
        assert_eq!(found(kept), found(expected), "seed {seed}, {address}");
    }
}

/// What the first two releases' tables had.
const AS_IN_VERSION_2: &str = "
    DROP TABLE backstory.behind, backstory.behind_turn;
    DROP INDEX backstory.reached_of_contact, backstory.interactions_in_order;
    ALTER TABLE backstory.reached DROP COLUMN times;
    CREATE INDEX interactions_of_contact ON backstory.interactions (contact_id, started_at DESC);
    CREATE INDEX interactions_of_nobody ON backstory.interactions (address, started_at DESC) WHERE contact_id IS NULL;
    ALTER TABLE backstory.listings DROP COLUMN time_zone;
    DROP TABLE backstory.removed, backstory.set_aside, backstory.fences;
    DELETE FROM backstory.migrations WHERE version > 2;
    ALTER TABLE backstory.migrations DROP COLUMN needs";

#[tokio::test]
async fn a_store_of_an_earlier_version_is_put_together_by_the_migration() {
    let url = database().await;
    let shelf = Shelf::of(open(&url));
    shelf
        .put(&[
            contact(json!({"contactId": "old", "addresses": [{"address": ANA}], "mergedInto": "new"})),
            contact(json!({"contactId": "new", "name": "Ana", "addresses": [{"address": "ana@example.com"}]})),
            interaction("mail", Some("new"), "ana@example.com", "2026-11-02T00:00:00Z"),
            interaction("only-reached", Some("ben"), "+12015550111", "2026-11-02T00:00:00Z"),
        ])
        .await;
    let before = [shelf.journey(ANA).await, shelf.journey("+12015550111").await];
    assert_eq!((before[0].interactions.len(), before[1].interactions.len()), (1, 1));
    client(&url.parse().unwrap()).await.batch_execute(AS_IN_VERSION_2).await.unwrap();

    let again = open(&url);
    let said = again.ready().await.unwrap_err().to_string();
    assert!(said.contains("version 2") && said.contains("`backstory migrate`"), "{said}");
    let Store::Postgres(server) = &again else { unreachable!() };
    assert_eq!(
        server.migrate().await.unwrap(),
        ["0003_behind", "0004_time_zone", "0005_removed_and_set_aside", "0006_order_of_a_moment", "0007_one_order"]
    );
    let shelf = Shelf::of(again);
    assert_eq!([shelf.journey(ANA).await, shelf.journey("+12015550111").await], before);
}
