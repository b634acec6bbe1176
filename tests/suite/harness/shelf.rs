//! A store by itself, and the changes that are put into it.

use std::sync::Arc;

use backstory::journey::LookUp;
use backstory::journey::store::Written;
use backstory::journey::{Change, Contact, Interaction, Journey, Source, Store, WriteBatch};
use backstory::record::Refusal;
use chrono::{DateTime, Utc};
use rlibphonenumber::Region;
use serde_json::{Value, json};

#[derive(Clone)]
pub struct Shelf {
    pub store: Store,
    _folder: Option<Arc<tempfile::TempDir>>,
}

impl Shelf {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = super::postgres::open(&format!("sqlite:{}", folder.path().join("store.db").display()));
        Self { store, _folder: Some(Arc::new(folder)) }
    }

    pub async fn postgres() -> Self {
        Self::of(super::postgres::open(&super::postgres::database().await))
    }

    pub fn of(store: Store) -> Self {
        Self { store, _folder: None }
    }

    pub async fn put(&self, changes: &[Change]) -> Written {
        self.store.write(WriteBatch::of(changes.to_vec())).await.unwrap()
    }

    pub async fn journey(&self, number: &str) -> Journey {
        let sources = Source::ALL.to_vec();
        self.store.look_up(LookUp::whole(number.into(), DateTime::UNIX_EPOCH, sources)).await.unwrap()
    }

    pub async fn knows_nothing_of(&self, number: &str) -> bool {
        let journey = self.journey(number).await;
        journey.contacts.is_empty() && journey.interactions.is_empty()
    }

    pub async fn ids(&self, number: &str) -> Vec<String> {
        self.journey(number)
            .await
            .interactions
            .into_iter()
            .map(|interaction| interaction.interaction_id.into())
            .collect()
    }
}

pub fn interaction(id: &str, contact: Option<&str>, address: &str, started_at: &str) -> Change {
    changed_interaction(id, contact, address, started_at, "2026-11-20T00:00:00Z")
}

pub fn changed_interaction(
    id: &str,
    contact: Option<&str>,
    address: &str,
    started_at: &str,
    updated_at: &str,
) -> Change {
    let value = json!({"interactionId": id, "source": "data_cloud", "contactId": contact, "address": address, "channel": "voice",
                       "startedAt": started_at, "updatedAt": updated_at});
    Change::Interaction(Box::new(read(&value, Interaction::read)))
}

pub fn contact(value: Value) -> Change {
    Change::Contact(Box::new(read(&value, Contact::read)))
}

pub type Read<T> = fn(&[u8], Region, DateTime<Utc>) -> Result<T, Refusal>;

pub fn read<T>(value: &Value, read: Read<T>) -> T {
    read(value.to_string().as_bytes(), Region::US, DateTime::UNIX_EPOCH).unwrap()
}
