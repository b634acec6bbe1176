//! The made-up history of the nodes: the store's benchmark's, and one more customer of whom there is more to say.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::{DateTime, SubsecRound as _, Utc};
use serde_json::{Value, json};

use crate::tools::bench::journey::history;

/// Set aside for fiction, and of nobody in the history.
pub const LONG_NUMBER: &str = "+12015550199";
/// A timeline of about 20 KB.
const LONG_INTERACTIONS: u32 = 40;

/// Files of this many customers, in the order in which they are to be imported.
pub fn history(folder: &Path, customers: u32, now: DateTime<Utc>) -> anyhow::Result<Vec<PathBuf>> {
    let now = now.trunc_subsecs(0);
    let contacts = write(folder, "contacts.jsonl", |file| Ok(history::write_contacts(0..customers, now, file)?))?;
    let interactions = write(folder, "interactions.jsonl", |file| {
        Ok(history::write_interactions(&history::shuffled(0..customers), now, file)?)
    })?;
    let long = write(folder, "long.jsonl", |file| {
        let mut lines = Vec::new();
        history::write_interactions(&(0..LONG_INTERACTIONS).collect::<Vec<_>>(), now, &mut lines)?;
        for (nth, line) in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate() {
            let mut interaction: Value = serde_json::from_slice(line)?;
            interaction["interactionId"] = json!(format!("long-{nth}"));
            interaction["contactId"] = json!("long");
            interaction["address"] = json!(LONG_NUMBER);
            writeln!(file, "{interaction}")?;
        }
        Ok(())
    })?;
    Ok(vec![contacts, interactions, long])
}

pub fn write(
    folder: &Path,
    name: &str,
    fill: impl FnOnce(&mut BufWriter<File>) -> anyhow::Result<()>,
) -> anyhow::Result<PathBuf> {
    let path = folder.join(name);
    let mut file = BufWriter::new(File::create(&path).with_context(|| format!("cannot write {}", path.display()))?);
    fill(&mut file).and_then(|()| Ok(file.flush()?)).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}
