//! Erasing a person: what is asked for, what a store has of it, and the keyed hashes that keep it erased.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rlibphonenumber::Region;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::{Contact, Interaction};
use crate::phone;
use crate::record::{self, Field, Holds, ID_BYTES_MAX, Mark, Marks, Refusal, Times, text, times};

/// More ids or addresses are not one person's.
const NAMES_MAX: usize = 1000;

/// That a person is to be forgotten. Record of the topic `erasures`, key `erasureId`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Erasure {
    #[serde(deserialize_with = "record::id")]
    pub erasure_id: String,
    /// Every id that the contact goes by or went by. A store adds those that it knows to be merged with them.
    #[serde(default, deserialize_with = "record::ids")]
    pub contact_ids: Vec<String>,
    /// E.164 or e-mail: interactions of no known contact on them go, too, unless another contact has the address.
    #[serde(default, deserialize_with = "record::ids")]
    pub addresses: Vec<String>,
    /// What began, or was listed, until then is erased and kept out; what comes after is new.
    pub erased_at: DateTime<Utc>,
}

const ERASURE: &[Field] = &[
    ("erasureId", Holds::Id, true),
    ("contactIds", Holds::List, false),
    ("addresses", Holds::List, false),
    ("erasedAt", Holds::Time, true),
];

impl Erasure {
    /// Reads one from JSON, its addresses as they are kept. Its ids are taken as they stand, placeholders included: what was once
    /// kept under them can be erased. An entry that names nobody keeps the others from nothing.
    pub fn read(value: &[u8], region: Region, times: Times, marks: &mut Marks) -> Result<Self, Refusal> {
        let mut erasure: Self = record::read(value, ERASURE, marks)?;
        text::required_id("erasureId", &mut erasure.erasure_id)?;
        if erasure.contact_ids.len() + erasure.addresses.len() > NAMES_MAX {
            return Err(Refusal::WrongType("contactIds"));
        }
        for given in std::mem::take(&mut erasure.contact_ids) {
            let mut id = given.clone();
            if text::required_id("contactIds", &mut id).is_err() {
                marks.set(Mark::LeftOut("contactIds"));
                continue;
            }
            if id != given && !given.contains('\0') && given.len() <= ID_BYTES_MAX {
                erasure.contact_ids.push(given);
            }
            erasure.contact_ids.push(id);
        }
        for mut address in std::mem::take(&mut erasure.addresses) {
            let read = text::id("addresses", &mut address).ok().and_then(|()| phone::address(&address, region));
            match read {
                Some(address) => erasure.addresses.push(address),
                None => marks.set(Mark::LeftOut("addresses")),
            }
        }
        if erasure.contact_ids.is_empty() && erasure.addresses.is_empty() {
            return Err(Refusal::Missing("contactIds"));
        }
        let erased_at = times::required("erasedAt", erasure.erased_at)?;
        erasure.erased_at = times.updated("erasedAt", Some(erased_at), None, marks);
        Ok(erasure)
    }
}

/// What a store has of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Those asked for, and those merged with them.
    pub contact_ids: BTreeSet<String>,
    /// Those asked for and the contact's own, as far as no other contact has them.
    pub addresses: BTreeSet<String>,
    /// Ids.
    pub interactions: BTreeSet<String>,
    /// Contact id and campaign id; the latter is empty for the contact itself.
    pub listings: BTreeSet<(String, String)>,
}

impl Holdings {
    pub fn is_empty(&self) -> bool {
        self.interactions.is_empty() && self.listings.is_empty()
    }

    /// Of another store, too.
    pub fn join(&mut self, other: Self) {
        self.contact_ids.extend(other.contact_ids);
        self.addresses.extend(other.addresses);
        self.interactions.extend(other.interactions);
        self.listings.extend(other.listings);
    }

    /// What is remembered of whom.
    pub fn subjects(&self) -> impl Iterator<Item = Subject<'_>> {
        let contacts = self.contact_ids.iter().map(|id| Subject::Contact(id));
        contacts.chain(self.addresses.iter().map(|address| Subject::Address(address)))
    }
}

/// Who or what is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject<'a> {
    Contact(&'a str),
    /// Of interactions whose contact nobody knows.
    Address(&'a str),
    /// An interaction that was removed, by its id.
    Interaction(&'a str),
    /// A listing that was removed: contact id and campaign id.
    Listing(&'a str, &'a str),
}

impl<'a> Subject<'a> {
    pub fn of_interaction(interaction: &'a Interaction) -> (Self, DateTime<Utc>) {
        let contact = interaction.contact_id.as_deref().map(Self::Contact);
        // What was known before the erasure is of before it, whatever its source's clock says of the start.
        let known_at = interaction.updated_at.map_or(interaction.started_at, |at| at.min(interaction.started_at));
        (contact.unwrap_or(Self::Address(&interaction.address)), known_at)
    }

    pub fn of_contact(contact: &'a Contact) -> (Self, DateTime<Utc>) {
        (Self::Contact(&contact.contact_id), contact.updated_at.unwrap_or_default())
    }
}

/// A store's own key: its hashes tell nobody else who was erased.
pub struct HashKey(Vec<u8>);

impl HashKey {
    pub fn new(key: Vec<u8>) -> Self {
        Self(key)
    }

    /// 32 bytes.
    pub fn hash(&self, subject: Subject<'_>) -> Vec<u8> {
        // No id and no address has a NUL in it: two subjects are never one text.
        let parts: [&str; 4] = match subject {
            Subject::Contact(id) => ["contact", "\0", id, ""],
            Subject::Address(address) => ["address", "\0", address, ""],
            Subject::Interaction(id) => ["interaction", "\0", id, ""],
            Subject::Listing(contact_id, campaign_id) => ["listing\0", contact_id, "\0", campaign_id],
        };
        // A key of any length will do.
        let Ok(mut hash) = Hmac::<Sha256>::new_from_slice(&self.0) else { return Vec::new() };
        parts.iter().for_each(|part| hash.update(part.as_bytes()));
        hash.finalize().into_bytes().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Erasure, Refusal> {
        let times = Times::of_record(None, chrono::TimeDelta::zero());
        Erasure::read(value.as_bytes(), Region::US, times, &mut Marks::default())
    }

    #[test]
    fn addresses_are_read_as_they_are_kept() {
        let text = r#"{"erasureId":"e","contactIds":["c"],"addresses":["tel:(201) 555-0142"],"erasedAt":"2026-11-20T21:00:00Z"}"#;
        assert_eq!(read(text).unwrap().addresses, ["+12015550142"]);
    }

    #[test]
    fn an_erasure_of_nobody_is_refused() {
        let nobody = r#"{"erasureId":"e","erasedAt":"2026-11-20T21:00:00Z"}"#;
        assert_eq!(read(nobody), Err(Refusal::Missing("contactIds")));
        assert_eq!(read(r#"{"erasureId":"e","contactIds":["c"]}"#), Err(Refusal::Missing("erasedAt")));
        let unnamed = r#"{"erasureId":"e","contactIds":[" "],"erasedAt":"2026-11-20T21:00:00Z"}"#;
        assert_eq!(read(unnamed), Err(Refusal::Missing("contactIds")));
    }

    #[test]
    fn an_entry_that_names_nobody_keeps_the_others_from_nothing() {
        for odd in [
            r#""contactIds":["c",""]"#,
            r#""contactIds":["c",null,"a\u0000b"],"addresses":null"#,
            r#""contactIds":["c"],"addresses":["anonymous",null]"#,
        ] {
            let read = read(&format!(r#"{{"erasureId":"e",{odd},"erasedAt":"2026-11-20T21:00:00Z"}}"#)).unwrap();
            assert_eq!((read.contact_ids, read.addresses), (vec!["c".to_owned()], vec![]), "{odd}");
        }
    }

    #[test]
    fn an_erasure_of_a_clock_that_is_ahead_keeps_nobody_out_for_years() {
        let value = r#"{"erasureId":"e","contactIds":["c"],"erasedAt":"2099-01-01T00:00:00Z"}"#;
        let own = "2026-11-20T21:00:00Z".parse().unwrap();
        let times = Times::of_record(Some(own), chrono::TimeDelta::minutes(5));
        let read = Erasure::read(value.as_bytes(), Region::US, times, &mut Marks::default()).unwrap();
        assert_eq!(read.erased_at, own);
    }

    #[test]
    fn a_hash_says_nothing_without_its_key_and_tells_kinds_apart() {
        let [one, other] = [vec![1; 32], vec![2; 32]].map(HashKey::new);
        assert_eq!(one.hash(Subject::Contact("c")), one.hash(Subject::Contact("c")));
        assert_ne!(one.hash(Subject::Contact("c")), other.hash(Subject::Contact("c")));
        assert_ne!(one.hash(Subject::Contact("c")), one.hash(Subject::Address("c")));
        assert_eq!(one.hash(Subject::Contact("c")).len(), 32);
    }
}
