//! Positions of records that were set aside, written with what was read beside them.

use chrono::DateTime;
use rusqlite::params;

use super::Embedded;
use super::write::Batch;
use crate::journey::SetAside;
use crate::journey::set_aside::SET_ASIDE_MAX;
use crate::journey::store::StoreError;

impl Batch<'_> {
    pub(super) fn set_aside(&self, records: &[SetAside]) -> rusqlite::Result<()> {
        let mut put = self.transaction.prepare_cached(
            "INSERT INTO set_aside (topic, kafka_partition, kafka_offset, reason, field, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET reason = excluded.reason, field = excluded.field, at = excluded.at",
        )?;
        for SetAside { topic, partition, offset, reason, field, at } in records {
            put.execute(params![topic, partition, offset, reason, field, at.timestamp_millis()])?;
        }
        let mut topics: Vec<&str> = records.iter().map(|record| record.topic.as_str()).collect();
        topics.sort_unstable();
        topics.dedup();
        let mut forget = self.transaction.prepare_cached(
            "DELETE FROM set_aside WHERE topic = ?1 AND nth <= (
               SELECT nth FROM set_aside WHERE topic = ?1 ORDER BY nth DESC LIMIT 1 OFFSET ?2)",
        )?;
        for topic in topics {
            forget.execute(params![topic, SET_ASIDE_MAX as i64])?;
        }
        Ok(())
    }
}

impl Embedded {
    /// Newest first.
    pub fn set_aside(&self) -> Result<Vec<SetAside>, StoreError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT topic, kafka_partition, kafka_offset, reason, field, at FROM set_aside ORDER BY nth DESC",
            )?;
            let records = select.query_map([], |row| {
                Ok(SetAside {
                    topic: row.get(0)?,
                    partition: row.get(1)?,
                    offset: row.get(2)?,
                    reason: row.get(3)?,
                    field: row.get(4)?,
                    at: DateTime::from_timestamp_millis(row.get(5)?).unwrap_or_default(),
                })
            })?;
            Ok(records.collect::<Result<_, _>>()?)
        })
    }
}
