//! Files to batches of changes: reads, parses, sets aside what cannot be used. Runs beside the writer, on a thread of its own.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::mem;
use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::sync::mpsc;

use super::csv::Rows;
use super::fields::Header;
use super::files::{Format, Input, Kind};
use super::lines::Lines;
use super::map::Map;
use super::ordered::{Ordered, Records};
use super::{Reason, Remark};
use crate::journey::keep;
use crate::journey::{self, Change, Source};
use crate::record::{Marks, Refusal, Times};

/// Records in one transaction: the more, the more of them fall on one page of the store and one wait for the disk. About
/// 200 ms, so that a service's recorder beside this is not kept waiting; look-ups never wait.
const BATCH_RECORDS: usize = 16_384;
/// What a transaction's records take in their file at most, so that long ones do not fill the memory.
const BATCH_BYTES: u64 = 16 << 20;

/// How records are read.
#[derive(Debug, Clone)]
pub struct Rules {
    /// What `--kind` says.
    pub kind: Option<Kind>,
    /// How records of foreign shape become ours.
    pub map: Option<Arc<Map>>,
    pub records: journey::Rules,
    /// When the import began.
    pub began: DateTime<Utc>,
    /// Interactions of others have no place to go to.
    pub sources: Vec<Source>,
    pub record_bytes_max: usize,
}

/// A record that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub line: u64,
    pub reason: Reason,
}

/// Records that something is to be said about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub times: u64,
    pub first_line: u64,
}

/// What was read of a file since the batch before.
#[derive(Debug, Default)]
pub struct Batch {
    /// Place of the file among the inputs.
    pub file: usize,
    pub changes: Vec<Change>,
    pub refused: Vec<Refused>,
    /// How far the file was read.
    pub position: u64,
    /// Of each change.
    pub lines: Vec<u64>,
    pub remarks: BTreeMap<Remark, Seen>,
    /// What is said about the file, once.
    pub notes: Vec<String>,
}

impl Batch {
    /// The store does not take these of its changes.
    pub fn refuse(&mut self, refused: Vec<keep::Refused>) {
        let lines = refused.into_iter().map(|keep::Refused { nth, reason }| (self.lines[nth], reason));
        self.refused.extend(lines.map(|(line, reason)| Refused { line, reason: Reason::Store(reason) }));
        self.refused.sort_by_key(|refused| refused.line);
    }
}

/// Reads all files in order. Ends early only where nobody takes the batches any more.
pub fn read_all(inputs: &[Input], rules: &Rules, batches: &mpsc::Sender<Batch>) -> anyhow::Result<()> {
    for (file, input) in inputs.iter().enumerate() {
        let batch = Batch { file, changes: Vec::with_capacity(BATCH_RECORDS), ..Batch::default() };
        let mut reading = Reading {
            rules,
            times: Times::of_file(rules.began, input.modified_at, rules.records.ahead_max),
            batch,
            began: 0,
            remarks: Vec::new(),
            batches,
        };
        let lines = input.lines(rules.record_bytes_max);
        let read = lines.and_then(|lines| match input.format {
            Format::JsonLines => {
                let told = rules.map.as_ref().map(|map| map.kind).or(rules.kind);
                let kind = told.map_or_else(|| input.kind(rules.record_bytes_max), Ok)?;
                let records = match rules.map {
                    Some(_) => Records::AsTheyStand(lines),
                    None => Records::Ordered(Ordered::new(lines, &input.path)?),
                };
                reading.json_lines(records, kind)
            }
            Format::Csv => reading.csv(lines),
        });
        read.with_context(|| format!("cannot read {}", input.path.display()))?;
        reading.hand_over();
    }
    Ok(())
}

/// One file being read.
struct Reading<'a> {
    rules: &'a Rules,
    times: Times,
    batch: Batch,
    /// Where the batch begins in the file.
    began: u64,
    /// On the record being read.
    remarks: Vec<Remark>,
    batches: &'a mpsc::Sender<Batch>,
}

impl Reading<'_> {
    fn json_lines(&mut self, mut lines: Records, kind: Kind) -> std::io::Result<()> {
        let map = self.rules.map.as_deref();
        let mut seen = vec![false; map.map_or(0, |map| map.sources.len())];
        let mut none = true;
        while let Some(line) = lines.next()? {
            none = false;
            let read = line.bytes().and_then(|bytes| match map {
                None => self.change(bytes, kind),
                Some(map) => {
                    let record = map.object(&object(bytes)?, &mut seen, &mut self.remarks)?;
                    self.change(&record, kind)
                }
            });
            let (number, position) = (lines.number(), lines.position());
            if !self.take(read, number, position) {
                break;
            }
        }
        if none {
            self.batch.notes.push("nothing is in it".into());
        } else if let Some(map) = map {
            let never = map.sources.iter().zip(seen).filter(|(_, seen)| !seen).map(|(source, _)| source.as_str());
            self.note_names("fields of the mapping that no record has", never);
        }
        self.batch.position = lines.position();
        Ok(())
    }

    fn csv(&mut self, lines: Lines<impl BufRead>) -> std::io::Result<()> {
        let mut rows = Rows::new(lines, self.rules.record_bytes_max);
        let columns = match rows.header(self.rules.map.as_ref().and_then(|map| map.delimiter))? {
            None => {
                self.batch.notes.push("nothing is in it".into());
                return Ok(());
            }
            Some(names) => names.and_then(|names| self.columns(&names)),
        };
        let columns = match columns {
            Ok(columns) => columns,
            Err(reason) => {
                self.batch.refused.push(Refused { line: 1, reason });
                return Ok(());
            }
        };
        let mut none = true;
        while let Some((number, record)) = rows.next(|cells| match &columns {
            Columns::Own(header) => header.record(cells),
            Columns::Mapped(map, columns) => map.row(columns, cells, &mut self.remarks),
        })? {
            none = false;
            let kind = match &columns {
                Columns::Own(header) => header.kind,
                Columns::Mapped(map, _) => map.kind,
            };
            let read = record.and_then(|record| self.change(&record, kind));
            if !self.take(read, number, rows.position()) {
                break;
            }
        }
        if none {
            self.batch.notes.push("nothing is below its header".into());
        }
        self.batch.position = rows.position();
        Ok(())
    }

    fn columns(&mut self, names: &[String]) -> Result<Columns, Reason> {
        let Some(map) = &self.rules.map else {
            let header = Header::read(names, self.rules.kind)?;
            self.note_names("columns not used", header.unused.iter().map(String::as_str));
            return Ok(Columns::Own(header));
        };
        // Which ones are missing was said before anything was read.
        let columns = map.columns(names).map_err(|_| Reason::HeaderOfAnother)?;
        let unused = names.iter().enumerate().filter(|(place, _)| !columns.contains(place));
        self.note_names("columns not used", unused.map(|(_, name)| name.as_str()));
        Ok(Columns::Mapped(Arc::clone(map), columns))
    }

    fn note_names<'n>(&mut self, what: &str, names: impl Iterator<Item = &'n str>) {
        let names: Vec<&str> = names.collect();
        if !names.is_empty() {
            self.batch.notes.push(format!("{what}: {}", names.join(", ")));
        }
    }

    fn change(&mut self, json: &[u8], kind: Kind) -> Result<Change, Reason> {
        let Rules { records, sources, .. } = self.rules;
        let mut marks = Marks::default();
        let read = match kind {
            Kind::Interactions => {
                records.interaction(json, self.times, &mut marks).map(Box::new).map(Change::Interaction)
            }
            Kind::Contacts => records.contact(json, self.times, &mut marks).map(Box::new).map(Change::Contact),
        };
        self.remarks.extend(marks.iter().map(Remark::Marked));
        match read {
            Ok(Change::Interaction(other)) if !sources.contains(&other.source) => Err(Reason::Elsewhere),
            Err(Refusal::NotJson) => Err(not_json(json)),
            read => Ok(read?),
        }
    }

    /// Whether to go on.
    fn take(&mut self, read: Result<Change, Reason>, line: u64, position: u64) -> bool {
        match read {
            Ok(change) => {
                if change.addresses_as_given() > 0 {
                    self.remarks.push(Remark::AsGiven);
                }
                for remark in self.remarks.drain(..) {
                    let seen = self.batch.remarks.entry(remark).or_insert(Seen { times: 0, first_line: line });
                    seen.times += 1;
                }
                self.batch.changes.push(change);
                self.batch.lines.push(line);
            }
            Err(reason) => self.batch.refused.push(Refused { line, reason }),
        }
        self.remarks.clear(); // of one that was refused
        self.batch.position = position;
        let records = self.batch.changes.len() + self.batch.refused.len();
        let room = records < BATCH_RECORDS && position - self.began < BATCH_BYTES;
        room || self.hand_over()
    }

    fn hand_over(&mut self) -> bool {
        self.began = self.batch.position;
        self.batch.refused.sort_by_key(|refused| refused.line);
        let next = Batch { file: self.batch.file, changes: Vec::with_capacity(BATCH_RECORDS), ..Batch::default() };
        self.batches.blocking_send(mem::replace(&mut self.batch, next)).is_ok()
    }
}

/// What the cells of a CSV file are.
enum Columns {
    Own(Header),
    Mapped(Arc<Map>, Vec<usize>),
}

/// A line of foreign JSON.
fn object(bytes: &[u8]) -> Result<Value, Reason> {
    let json: Value = serde_json::from_slice(bytes).map_err(|_| not_json(bytes))?;
    if json.is_object() { Ok(json) } else { Err(Reason::Record(Refusal::NotObject)) }
}

fn not_json(bytes: &[u8]) -> Reason {
    if std::str::from_utf8(bytes).is_err() { Reason::NotUtf8 } else { Reason::Record(Refusal::NotJson) }
}

#[cfg(test)]
mod tests;
