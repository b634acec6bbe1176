//! A mapping file: how records of foreign shape become ours. `docs/import.md` says what each of its keys does.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use encoding_rs::Encoding;
use rlibphonenumber::Region;
use serde_json::Value;

use super::csv::Rows;
use super::fields::Record;
use super::files::{Format, Input, Kind};
use super::{Reason, Remark};
use crate::config::nearest;

mod file;
mod rule;
mod time;

use rule::{Cell, Rule};

/// A mapping, checked.
#[derive(Debug)]
pub struct Map {
    path: PathBuf,
    pub kind: Kind,
    /// `None`: by the name of the file.
    pub format: Option<Format>,
    pub encoding: &'static Encoding,
    /// Of CSV; `None`: told from the header.
    pub delimiter: Option<u8>,
    pub region: Option<Region>,
    /// The source fields that rules read, each once: columns of CSV, dotted paths of JSON.
    pub sources: Vec<String>,
    rules: Vec<Rule>,
}

/// Everything that is wrong with a mapping, a line each.
#[derive(Debug, thiserror::Error)]
#[error("the mapping {} cannot be used, and nothing was imported:\n{}", .path.display(), .problems.iter().map(|p| format!("  - {p}")).collect::<Vec<_>>().join("\n"))]
pub struct Mistakes {
    path: PathBuf,
    problems: Vec<String>,
}

impl Map {
    pub fn open(path: &Path) -> Result<Self, Mistakes> {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| Mistakes { path: path.to_owned(), problems: vec![error.to_string()] })?;
        Self::read(path, &text)
    }

    /// What stands in the file; `path` is for naming it.
    pub fn read(path: &Path, text: &str) -> Result<Self, Mistakes> {
        file::read(path, text).map_err(|problems| Mistakes { path: path.to_owned(), problems })
    }

    /// Whether every column that a rule reads is in every CSV file, before the first record is imported.
    pub fn check(&self, inputs: &[Input], record_bytes_max: usize) -> Result<(), Mistakes> {
        let mut problems = Vec::new();
        for input in inputs.iter().filter(|input| input.format == Format::Csv) {
            // What cannot be read or is no header is said where it is imported.
            let Ok(lines) = input.lines(record_bytes_max) else { continue };
            if let Ok(Some(Ok(header))) = Rows::new(lines, record_bytes_max).header(self.delimiter) {
                let of_file = |problem| format!("{}: {problem}", input.path.display());
                problems.extend(self.columns(&header).err().into_iter().flatten().map(of_file));
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(Mistakes { path: self.path.clone(), problems }) }
    }

    /// Where each source field stands in the rows of this header, or all that are not there.
    pub fn columns(&self, header: &[String]) -> Result<Vec<usize>, Vec<String>> {
        let (mut columns, mut problems) = (Vec::new(), Vec::new());
        for source in &self.sources {
            let mut places = header.iter().enumerate().filter(|(_, name)| *name == source).map(|(place, _)| place);
            match (places.next(), places.next()) {
                (Some(place), None) => columns.push(place),
                (Some(_), Some(_)) => problems.push(format!("there are several columns {source}")),
                (None, _) => {
                    let nearest = did_you_mean(source, header.iter().map(String::as_str));
                    problems.push(format!("there is no column {source}{nearest}"));
                }
            }
        }
        if problems.is_empty() { Ok(columns) } else { Err(problems) }
    }

    /// A row of CSV as our record in JSON; `columns` are those of its header.
    pub fn row(&self, columns: &[usize], row: &[&str], remarks: &mut Vec<Remark>) -> Result<Vec<u8>, Reason> {
        let cells: Vec<Cell<'_>> = columns.iter().map(|&column| Cell::Text(row[column].into())).collect();
        self.record(&cells, remarks)
    }

    /// A foreign JSON object as our record in JSON. `seen` learns which source fields are there.
    pub fn object(&self, object: &Value, seen: &mut [bool], remarks: &mut Vec<Remark>) -> Result<Vec<u8>, Reason> {
        let cells: Vec<Cell<'_>> = self.sources.iter().map(|source| cell(object, source)).collect();
        for (seen, cell) in seen.iter_mut().zip(&cells) {
            *seen |= *cell != Cell::Absent;
        }
        self.record(&cells, remarks)
    }

    fn record(&self, cells: &[Cell<'_>], remarks: &mut Vec<Remark>) -> Result<Vec<u8>, Reason> {
        let mut record = Record::default();
        for rule in &self.rules {
            if let Some(value) = rule.value(cells, remarks)? {
                record.put(&rule.path, value);
            }
        }
        record.finish()
    }
}

/// What stands at a dotted path; a number in it is a place in a list. A name with dots in it is found as it is, too.
fn cell<'a>(object: &'a Value, path: &str) -> Cell<'a> {
    let step = |value: &'a Value, part: &str| match value {
        Value::Array(list) => list.get(part.parse::<usize>().ok()?),
        value => value.get(part),
    };
    match object.get(path).or_else(|| path.split('.').try_fold(object, step)) {
        None | Some(Value::Null) => Cell::Absent,
        Some(Value::String(text)) => Cell::Text(text.into()),
        Some(plain @ (Value::Number(_) | Value::Bool(_))) => Cell::Text(Cow::Owned(plain.to_string())),
        Some(Value::Object(_) | Value::Array(_)) => Cell::NotPlain,
    }
}

fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(name, known).map(|nearest| format!("; did you mean {nearest}?")).unwrap_or_default()
}

#[cfg(test)]
mod tests;
