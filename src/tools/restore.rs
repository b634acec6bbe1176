//! `backstory restore`: puts a backup of the embedded store in its place.

use std::path::PathBuf;
use std::process::ExitCode;

use chrono::Utc;

use super::Common;
use super::backup::{Which, describe};
use super::output::{note, say};
use crate::journey::embedded::backup::restore;

/// Put a backup in the place of the SQLite store; the service must be stopped
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The backup is looked through first, every row and index of it: one that is damaged, is no store of Backstory's, or is of a later \
release is refused, and nothing is changed. The store that was there is kept beside the new one, under a name that is printed.

When the service starts, it reads on in Kafka from where the backup was taken: what was published since is recorded again, and \
erasures published since are carried out again. What Kafka no longer keeps from that time is lost, as is what was imported into \
the store since: import it again.

Exit code: 0 if the backup is in place, 1 if not (the store is as it was), 64 if the settings cannot be used or the store is in \
PostgreSQL.")]
pub struct Args {
    /// A file that `backstory backup` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    which: Which,
}

pub async fn run(common: &Common, args: Args) -> anyhow::Result<ExitCode> {
    let settings = common.settings_without_kafka()?.journey;
    let store = args.which.file(&settings, "pg_restore")?;
    note(&format!("looking {} through", args.file.display()));
    let restored = restore(&args.file, store, Utc::now())?;
    say(&format!("{}: {}", store.display(), describe(&restored.contents)));
    if let Some(kept_as) = restored.kept_as {
        say(&format!("the store that was there is kept as {}; remove it when nothing is missing", kept_as.display()));
    }
    say("start the service now: it reads on from the offsets above, as far back as Kafka still has the records");
    Ok(ExitCode::SUCCESS)
}
