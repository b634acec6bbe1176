//! `backstory migrate`: makes Backstory's tables in PostgreSQL, or brings them to what this release knows.

use std::process::ExitCode;

use super::Common;
use super::output::{counted, say};
use crate::journey::Store;
use crate::journey::store::Freed;

pub async fn run(common: &Common) -> anyhow::Result<ExitCode> {
    let settings = common.settings_without_kafka()?;
    let store = Store::open(&settings.journey)?;
    let place = store.describe();
    match &store {
        Store::Embedded(_) => say(&format!("{place}: nothing to do, the embedded store makes its tables itself")),
        Store::Postgres(postgres) => {
            match postgres.migrate().await?.as_slice() {
                [] => say(&format!("{place}: nothing to do, this release works with the tables as they are")),
                applied => say(&format!("{place}: applied {}", applied.join(", "))),
            }
            let Freed { interactions, merges } = store.free_the_joined().await?;
            if interactions + merges > 0 {
                let (interactions, merges) = (counted(interactions, "interaction"), counted(merges, "contact"));
                say(&format!("{place}: took apart what placeholders had joined: {interactions}, {merges}"));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
