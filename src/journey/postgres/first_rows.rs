//! Rows of a query that is not ours: it may give any number of them.

use std::pin::pin;

use futures_util::TryStreamExt as _;
use tokio_postgres::{Row, RowStream};

use crate::journey::store::StoreError;

/// Interactions of one number that are read, in bytes: the queries are not ours, and may give anything.
const BYTES_MAX: usize = 64 << 20;

/// So many rows, as long as they have not too many bytes; and whether there are more.
pub async fn first<T>(
    rows: RowStream,
    most: usize,
    read: impl Fn(&Row) -> Result<T, StoreError>,
    bytes_of: impl Fn(&T) -> usize,
) -> Result<(Vec<T>, bool), StoreError> {
    let mut rows = pin!(rows);
    let (mut first, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.try_next().await? {
        if first.len() == most || bytes > BYTES_MAX {
            return Ok((first, true));
        }
        let row = read(&row)?;
        bytes += bytes_of(&row);
        first.push(row);
    }
    Ok((first, false))
}
