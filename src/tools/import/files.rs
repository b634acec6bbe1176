//! The files to import: which ones can be read, what format they have, and what their records are.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use anyhow::bail;
use chrono::{DateTime, Utc};
use encoding_rs::{Encoding, UTF_8};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::lines::{Line, Lines};
use super::map::Map;

const READ_BUFFER_BYTES: usize = 256 * 1024;
/// Lines that are looked at to find out what a file holds: broken ones do not decide.
const PROBED_LINES_MAX: usize = 1000;

/// What a file's records are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// One touch between a contact and the company each
    Interactions,
    /// One contact each, or one listing of a contact in a campaign
    Contacts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    JsonLines,
    Csv,
}

/// A file that can be read.
#[derive(Debug, Clone)]
pub struct Input {
    pub path: PathBuf,
    pub format: Format,
    pub encoding: &'static Encoding,
    pub bytes: u64,
    /// Stands in for an absent `updatedAt`.
    pub modified_at: DateTime<Utc>,
}

/// All of them, or everything that is wrong with any.
pub fn inspect(paths: &[PathBuf], map: Option<&Map>) -> anyhow::Result<Vec<Input>> {
    let (mut inputs, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        match inspect_one(path, map) {
            Ok(input) => inputs.push(input),
            Err(reason) => problems.push(format!("{}: {reason}", path.display())),
        }
    }
    if !problems.is_empty() {
        bail!("nothing was imported:\n  - {}", problems.join("\n  - "));
    }
    Ok(inputs)
}

fn inspect_one(path: &Path, map: Option<&Map>) -> Result<Input, String> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_ascii_lowercase();
    let format = match (map.and_then(|map| map.format), extension.as_str()) {
        (Some(format), _) => format,
        (None, "jsonl" | "ndjson" | "json") => Format::JsonLines,
        (None, "csv") => Format::Csv,
        _ => return Err("its name must end in .jsonl, .ndjson or .json (JSON Lines), or in .csv".into()),
    };
    let metadata = File::open(path).and_then(|file| file.metadata()).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("this is no file".into());
    }
    let modified_at = metadata.modified().map_or_else(|_| Utc::now(), DateTime::from);
    let encoding = map.map_or(UTF_8, |map| map.encoding);
    Ok(Input { path: path.to_owned(), format, encoding, bytes: metadata.len(), modified_at })
}

impl Input {
    pub fn lines(&self, bytes_max: usize) -> io::Result<Lines<BufReader<File>>> {
        let reader = BufReader::with_capacity(READ_BUFFER_BYTES, File::open(&self.path)?);
        Ok(Lines::new(reader, bytes_max).decoding(self.encoding))
    }

    /// What a file of JSON Lines holds, by its first record that says so. Of a file that never says it, each line is
    /// refused as an interaction.
    pub fn kind(&self, bytes_max: usize) -> io::Result<Kind> {
        let mut lines = self.lines(bytes_max)?;
        for _ in 0..PROBED_LINES_MAX {
            match lines.next_line()? {
                Some(Line::Whole(line)) => {
                    if let Some(kind) = kind_of(line) {
                        return Ok(kind);
                    }
                }
                Some(_) => {}
                None => break,
            }
        }
        Ok(Kind::Interactions)
    }
}

fn kind_of(line: &[u8]) -> Option<Kind> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Probe {
        interaction_id: Option<IgnoredAny>,
        contact_id: Option<IgnoredAny>,
    }
    match serde_json::from_slice(line).ok()? {
        Probe { interaction_id: Some(_), .. } => Some(Kind::Interactions),
        Probe { contact_id: Some(_), .. } => Some(Kind::Contacts),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_says_what_it_is() {
        assert_eq!(kind_of(br#"{"contactId":"c","interactionId":"i"}"#), Some(Kind::Interactions));
        assert_eq!(kind_of(br#"{"contactId":"c","addresses":[]}"#), Some(Kind::Contacts));
        for neither in [&b"{}"[..], b"[1]", b"no JSON", b"\xff"] {
            assert_eq!(kind_of(neither), None);
        }
    }

    #[test]
    fn every_file_that_cannot_be_read_is_named_at_once() {
        let error = inspect(&["/nowhere/a.jsonl".into(), "b.xlsx".into()], None).unwrap_err().to_string();
        assert!(error.contains("/nowhere/a.jsonl: ") && error.contains("b.xlsx: its name must end in"), "{error}");
    }

    #[test]
    fn a_broken_first_line_does_not_decide() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("contacts.json");
        std::fs::write(&path, "broken\n{\"contactId\":\"c\"}\n").unwrap();
        assert_eq!(inspect(&[path], None).unwrap()[0].kind(1000).unwrap(), Kind::Contacts);
    }
}
