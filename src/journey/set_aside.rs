//! Records that nothing could be made of: where they stand in Kafka and why they were passed over, without anything of their content.

use chrono::{DateTime, Utc};

use crate::kafka::Record;
use crate::record::Refusal;

/// Positions that a store keeps, for each topic; beyond them the oldest are forgotten.
pub const SET_ASIDE_MAX: usize = 10_000;

/// A record that was passed over. Its content is in its topic, for as long as that keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    /// One of a closed set, such as `missing_field`; behind `store_refused` stands the store's own code.
    pub reason: String,
    /// The field that is wrong, where it is one.
    pub field: Option<String>,
    /// When it was set aside.
    pub at: DateTime<Utc>,
}

impl SetAside {
    /// A record that cannot be read.
    pub fn refused(topic: &str, record: &Record, refusal: Refusal, at: DateTime<Utc>) -> Self {
        Self {
            topic: topic.to_owned(),
            partition: record.partition,
            offset: record.offset,
            reason: refusal.name().to_owned(),
            field: refusal.field().map(str::to_owned),
            at,
        }
    }
}
