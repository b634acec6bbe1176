//! Stores that a command looks into, and does not make.

use anyhow::bail;

use crate::config::{Journey, StoreAddress};
use crate::journey::Source;

/// A store of this machine's that is not there would be made, and found empty.
pub fn require_stores(settings: &Journey) -> anyhow::Result<()> {
    let own = Source::ALL.into_iter().filter_map(|source| settings.sources.of(source).store.as_ref());
    for store in own.chain([&settings.store]) {
        if let StoreAddress::Sqlite(path) = store
            && !path.exists()
        {
            bail!("there is no store at {}: run this where it is, with the service's settings", path.display());
        }
    }
    Ok(())
}
