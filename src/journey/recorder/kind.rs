//! What a topic's records are, and what one of them changes.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::journey::removal::{RemovedAt, is_no_value};
use crate::journey::{Change, Erasure, Removal, Rules};
use crate::kafka::Record;
use crate::record::{Marks, Refusal, Times};

/// What a topic's records are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Interactions,
    Contacts,
    Erasures,
}

impl Kind {
    /// What a record changes, and what was done to it so that it could be kept. A key without a value removes. What panics is
    /// refused like anything else that cannot be read.
    pub fn read(self, record: &Record, rules: &Rules, record_bytes_max: usize) -> Result<(Change, Marks), Refusal> {
        let read = catch_unwind(AssertUnwindSafe(|| self.try_read(record, rules, record_bytes_max)));
        read.unwrap_or(Err(Refusal::Panicked))
    }

    fn try_read(self, record: &Record, rules: &Rules, record_bytes_max: usize) -> Result<(Change, Marks), Refusal> {
        fail::fail_point!("recorder::read", record.mentions("panics when it is read"), |_| Err(Refusal::Panicked));
        let times = Times::of_record(record.time, rules.ahead_max);
        if is_no_value(record.value.as_deref()) {
            return Ok((self.removal(record, rules, times)?, Marks::default()));
        }
        let value = record.value.as_deref().unwrap_or_default();
        if value.len() > record_bytes_max {
            return Err(Refusal::TooLarge);
        }
        let mut marks = Marks::default();
        let change = match self {
            Self::Interactions => Change::Interaction(Box::new(rules.interaction(value, times, &mut marks)?)),
            Self::Contacts => Change::Contact(Box::new(rules.contact(value, times, &mut marks)?)),
            Self::Erasures => Change::Erase(Box::new(Erasure::read(value, rules.regions.general, times, &mut marks)?)),
        };
        Ok((change, marks))
    }

    fn removal(self, record: &Record, rules: &Rules, times: Times) -> Result<Change, Refusal> {
        let at = times.own().map(|at| RemovedAt { at, ahead_max: rules.ahead_max });
        let key = record.key.as_deref();
        Ok(match self {
            Self::Interactions => Change::RemoveInteraction(Removal::read(key, "interactionId", at)?),
            Self::Contacts => Change::RemoveContact(Removal::read(key, "contactId", at)?),
            // What was erased does not come back.
            Self::Erasures => return Err(Refusal::NoValue),
        })
    }
}
