//! Interactions, contacts and erasures: each input is read as all three. What is read is bounded, has addresses as they are
//! kept, and is read the same once it was written.
#![no_main]

use std::fmt::Debug;

use backstory::journey::{Change, Contact, Erasure, Interaction};
use backstory::phone;
use backstory::record::text::{COMMENTS_CHARS_MAX, LABEL_BYTES_MAX};
use backstory::record::{ID_BYTES_MAX, Marks, Refusal, Times};
use backstory_fuzz::{REGION, good, is_kept, now};
use chrono::TimeDelta;
use libfuzzer_sys::fuzz_target;
use serde::Serialize;

fuzz_target!(|data: &[u8]| {
    let interaction = comes_again(data, |bytes| Interaction::read(bytes, REGION, now()));
    if let Some(read) = interaction {
        assert!(read.interaction_id.len() <= ID_BYTES_MAX && read.address.len() <= ID_BYTES_MAX);
        assert!(read.comments.as_ref().is_none_or(|comments| comments.chars().count() <= COMMENTS_CHARS_MAX));
        assert!(
            read.channel.len() <= LABEL_BYTES_MAX
                && read.mode.as_ref().is_none_or(|mode| mode.len() <= LABEL_BYTES_MAX)
        );
        let texts = [Some(&read.interaction_id), read.contact_id.as_ref(), read.mode.as_ref(), read.comments.as_ref()];
        assert!(texts.into_iter().flatten().all(|text| !text.contains('\0')), "no PostgreSQL keeps a NUL");
        assert!(read.updated_at.is_some(), "it has no version");
        match phone::address(&read.address, REGION) {
            Some(_) => is_kept(&read.address, REGION),
            None => assert!(read.contact_id.is_some(), "nobody can be found by it"),
        }
        assert!(Change::Interaction(Box::new(read)).addresses_as_given() <= 1);
    }
    if let Some(read) = comes_again(data, |bytes| Contact::read(bytes, REGION, now())) {
        read.addresses.iter().for_each(|known| is_kept(&known.address, REGION));
        assert!(read.key().starts_with(&read.contact_id), "its key is another contact's");
    }
    let times = Times::of_record(Some(now()), TimeDelta::minutes(5));
    if let Some(read) = comes_again(data, |bytes| Erasure::read(bytes, REGION, times, &mut Marks::default())) {
        read.addresses.iter().for_each(|address| is_kept(address, REGION));
        assert!(!read.contact_ids.is_empty() || !read.addresses.is_empty(), "it erases nobody");
    }
});

/// What is read, after it was written and read again.
fn comes_again<T: Serialize + Debug + PartialEq>(data: &[u8], read: impl Fn(&[u8]) -> Result<T, Refusal>) -> Option<T> {
    let first = read(data)
        .inspect_err(|refusal| assert!(refusal.to_string().len() < 100 && !refusal.name().is_empty()))
        .ok()?;
    let written = good(serde_json::to_vec(&first), "it cannot be written");
    let again = good(read(&written), "it cannot be read again");
    assert_eq!(again, first, "it is another one when it is read again");
    Some(first)
}
