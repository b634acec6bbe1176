//! Positions of records that were set aside, and fences: whose partitions a batch is from.

use super::write::Batch;
use super::{Postgres, unreachable};
use crate::journey::SetAside;
use crate::journey::set_aside::SET_ASIDE_MAX;
use crate::journey::store::{Fence, StoreError};

impl Batch<'_> {
    /// Every node reads every call: the same position may come from several at once, so rows are locked in one order.
    pub(super) async fn set_aside(&self, records: &[SetAside]) -> Result<(), StoreError> {
        if records.is_empty() {
            return Ok(());
        }
        let mut rows: Vec<&SetAside> = records.iter().collect();
        let place = |row: &&SetAside| (row.topic.clone(), row.partition, row.offset);
        rows.sort_by_key(place);
        rows.dedup_by_key(|row| place(row));
        let column = |of: fn(&SetAside) -> &str| rows.iter().map(|row| of(row)).collect::<Vec<_>>();
        self.execute(
            "INSERT INTO backstory.set_aside (topic, kafka_partition, kafka_offset, reason, field, at)
             SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[])
             ON CONFLICT (topic, kafka_partition, kafka_offset)
             DO UPDATE SET reason = excluded.reason, field = excluded.field, at = excluded.at",
            &[
                &column(|row| &row.topic),
                &rows.iter().map(|row| row.partition).collect::<Vec<_>>(),
                &rows.iter().map(|row| row.offset).collect::<Vec<_>>(),
                &column(|row| &row.reason),
                &rows.iter().map(|row| row.field.as_deref()).collect::<Vec<_>>(),
                &rows.iter().map(|row| row.at).collect::<Vec<_>>(),
            ],
        )
        .await?;
        let mut topics = column(|row| &row.topic);
        topics.dedup();
        for topic in topics {
            self.execute(
                "DELETE FROM backstory.set_aside WHERE topic = $1 AND nth <= (
                   SELECT nth FROM backstory.set_aside WHERE topic = $1 ORDER BY nth DESC OFFSET $2 LIMIT 1)",
                &[&topic, &(SET_ASIDE_MAX as i64)],
            )
            .await?;
        }
        Ok(())
    }

    /// First of all, and locked until the end: who takes a partition over waits for what is being written, and what comes after it
    /// under an earlier ownership is refused.
    pub(super) async fn pass(&self, fences: &[Fence]) -> Result<(), StoreError> {
        if fences.is_empty() {
            return Ok(());
        }
        let sql = "SELECT 1 FROM backstory.fences
                   WHERE (consumer_group, kafka_partition, generation)
                         IN (SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[]))
                   ORDER BY consumer_group, kafka_partition FOR SHARE";
        let statement = self.transaction.prepare_cached(sql).await?;
        let values: (Vec<&str>, Vec<i32>, Vec<i64>) =
            fences.iter().map(|fence| (fence.group.as_str(), fence.partition, fence.generation)).collect();
        let rows = self.transaction.query(&statement, &[&values.0, &values.1, &values.2]).await?;
        if rows.len() == fences.len() { Ok(()) } else { Err(StoreError::Fenced) }
    }
}

impl Postgres {
    pub async fn claim(&self, group: &str, partition: i32) -> Result<Fence, StoreError> {
        let client = self.writers.get().await.map_err(unreachable)?;
        let sql =
            "INSERT INTO backstory.fences AS kept (consumer_group, kafka_partition, generation) VALUES ($1, $2, 1)
                   ON CONFLICT (consumer_group, kafka_partition) DO UPDATE SET generation = kept.generation + 1
                   RETURNING generation";
        let generation = client.query_one(sql, &[&group, &partition]).await?.try_get(0)?;
        Ok(Fence { group: group.to_owned(), partition, generation })
    }

    /// Newest first.
    pub async fn set_aside(&self) -> Result<Vec<SetAside>, StoreError> {
        let client = self.writers.get().await.map_err(unreachable)?;
        let sql =
            "SELECT topic, kafka_partition, kafka_offset, reason, field, at FROM backstory.set_aside ORDER BY nth DESC";
        let rows = client.query(sql, &[]).await?;
        let record = |row: &tokio_postgres::Row| {
            Ok(SetAside {
                topic: row.try_get(0)?,
                partition: row.try_get(1)?,
                offset: row.try_get(2)?,
                reason: row.try_get(3)?,
                field: row.try_get(4)?,
                at: row.try_get(5)?,
            })
        };
        Ok(rows.iter().map(record).collect::<Result<_, tokio_postgres::Error>>()?)
    }
}
