//! Files to batches of changes: reads, parses, sets aside what cannot be used. Runs beside the writer, on a thread of its own.

use std::io::BufRead;
use std::mem;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use rlibphonenumber::Region;
use tokio::sync::mpsc;

use super::Reason;
use super::csv::{self, Cells, Header};
use super::files::{Format, Input, Kind};
use super::lines::{Line, Lines};
use super::ordered::Ordered;
use crate::journey::{Change, Contact, Interaction};
use crate::record::Refusal;

/// Records in one transaction: the more, the more of them fall on one page of the store and one wait for the disk. About
/// 200 ms, so that a service's recorder beside this is not kept waiting; look-ups never wait.
const BATCH_RECORDS: usize = 16_384;
/// What a transaction's records take in their file at most, so that long ones do not fill the memory.
const BATCH_BYTES: u64 = 16 << 20;

/// How records are read.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// What `--kind` says.
    pub kind: Option<Kind>,
    pub region: Region,
    pub record_bytes_max: usize,
}

/// A record that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    pub line: u64,
    pub reason: Reason,
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
    /// Columns of a CSV file that nobody knows; said once.
    pub unused_columns: Vec<String>,
}

/// Reads all files in order. Ends early only where nobody takes the batches any more.
pub fn read_all(inputs: &[Input], rules: Rules, batches: &mpsc::Sender<Batch>) -> anyhow::Result<()> {
    for (file, input) in inputs.iter().enumerate() {
        let batch = Batch { file, changes: Vec::with_capacity(BATCH_RECORDS), ..Batch::default() };
        let mut reading = Reading { rules, at: input.modified_at, batch, began: 0, batches };
        let lines = input.lines(rules.record_bytes_max);
        let read = lines.and_then(|lines| match input.format {
            Format::JsonLines => {
                let kind = rules.kind.map_or_else(|| input.kind(rules.record_bytes_max), Ok)?;
                reading.json_lines(Ordered::new(lines, &input.path)?, kind)
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
    rules: Rules,
    at: DateTime<Utc>,
    batch: Batch,
    /// Where the batch begins in the file.
    began: u64,
    batches: &'a mpsc::Sender<Batch>,
}

impl Reading<'_> {
    fn json_lines(&mut self, mut lines: Ordered, kind: Kind) -> std::io::Result<()> {
        while let Some(line) = lines.next()? {
            let read = match line {
                Line::Whole(bytes) => self.change(bytes, kind),
                Line::TooLong => Err(Reason::Record(Refusal::TooLarge)),
            };
            let (number, position) = (lines.number(), lines.position());
            if !self.take(read, number, position) {
                break;
            }
        }
        self.batch.position = lines.position();
        Ok(())
    }

    fn csv(&mut self, lines: Lines<impl BufRead>) -> std::io::Result<()> {
        let mut records = CsvRecords::new(lines, self.rules.record_bytes_max);
        let header = match records.header(self.rules.kind)? {
            None => return Ok(()),
            Some(Ok(header)) => header,
            Some(Err(reason)) => {
                self.batch.refused.push(Refused { line: 1, reason });
                return Ok(());
            }
        };
        self.batch.unused_columns = header.unused.clone();
        while let Some((number, record)) = records.next(&header)? {
            let read = record.and_then(|record| self.change(&record, header.kind));
            if !self.take(read, number, records.position()) {
                break;
            }
        }
        self.batch.position = records.position();
        Ok(())
    }

    fn change(&self, json: &[u8], kind: Kind) -> Result<Change, Reason> {
        let read = match kind {
            Kind::Interactions => {
                Interaction::read(json, self.rules.region, self.at).map(|read| Change::Interaction(Box::new(read)))
            }
            Kind::Contacts => {
                Contact::read(json, self.rules.region, self.at).map(|read| Change::Contact(Box::new(read)))
            }
        };
        read.map_err(|refusal| match refusal {
            Refusal::NotJson if std::str::from_utf8(json).is_err() => Reason::NotUtf8,
            refusal => Reason::Record(refusal),
        })
    }

    /// Whether to go on.
    fn take(&mut self, read: Result<Change, Reason>, line: u64, position: u64) -> bool {
        match read {
            Ok(change) => self.batch.changes.push(change),
            Err(reason) => self.batch.refused.push(Refused { line, reason }),
        }
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

/// The number of a record's first line, and the record as JSON.
type Numbered = (u64, Result<Vec<u8>, Reason>);

/// Records of a CSV file as JSON. A record that cannot be one gives back the lines after its first: a stray quote costs
/// one line, not the rest of the file.
struct CsvRecords<R> {
    lines: Lines<R>,
    /// Lines read ahead, oldest first, with their numbers; `None` for one that is too long.
    ahead: std::collections::VecDeque<(u64, Option<Vec<u8>>)>,
    cells: Cells,
    bytes_max: usize,
}

impl<R: BufRead> CsvRecords<R> {
    fn new(lines: Lines<R>, bytes_max: usize) -> Self {
        Self { lines, ahead: std::collections::VecDeque::new(), cells: Cells::new(b','), bytes_max }
    }

    fn position(&self) -> u64 {
        self.lines.position()
    }

    fn header(&mut self, kind: Option<Kind>) -> std::io::Result<Option<Result<Header, Reason>>> {
        let Some(used) = self.gather(|line| Cells::new(csv::delimiter_of(line)))? else { return Ok(None) };
        let header = match used.and_then(|_| self.cells.cells().ok_or(Reason::NotUtf8)) {
            Ok(cells) => Header::read(&cells.iter().map(|cell| cell.trim()).collect::<Vec<_>>(), kind),
            Err(reason) => Err(reason),
        };
        Ok(Some(header))
    }

    /// The next record with the number of its first line.
    fn next(&mut self, header: &Header) -> std::io::Result<Option<Numbered>> {
        if !self.fill(0)? {
            return Ok(None);
        }
        let number = self.ahead[0].0;
        let record = match self.gather_again()? {
            Ok(used) => {
                let record = self.cells.cells().ok_or(Reason::NotUtf8).and_then(|cells| header.record(&cells));
                // Several lines that are no record: the first is to blame until proven otherwise.
                let used = if matches!(record, Err(Reason::Cells { .. })) { 1 } else { used };
                self.ahead.drain(..used);
                record.map(|mut record| {
                    csv::without_gaps(&mut record);
                    record.to_string().into_bytes()
                })
            }
            Err(reason) => {
                self.ahead.pop_front();
                Err(reason)
            }
        };
        Ok(Some((number, record)))
    }

    /// The first record, whose line says how cells are told apart.
    fn gather(&mut self, cells_of: impl Fn(&[u8]) -> Cells) -> std::io::Result<Option<Result<usize, Reason>>> {
        if !self.fill(0)? {
            return Ok(None);
        }
        if let Some(line) = &self.ahead[0].1 {
            self.cells = cells_of(line);
        }
        let gathered = self.gather_again()?;
        self.ahead.drain(..*gathered.as_ref().unwrap_or(&1));
        Ok(Some(gathered))
    }

    /// Puts lines together until the record is complete; says how many it took.
    fn gather_again(&mut self) -> std::io::Result<Result<usize, Reason>> {
        self.cells.clear();
        let mut bytes = 0;
        for used in 0.. {
            if !self.fill(used)? {
                break;
            }
            let Some(line) = &self.ahead[used].1 else {
                return Ok(Err(if used == 0 { Reason::Record(Refusal::TooLarge) } else { Reason::OpenQuote }));
            };
            bytes += line.len();
            if bytes > self.bytes_max {
                break;
            }
            if self.cells.add_line(line) {
                let several = self.ahead.iter().take(used + 1).filter_map(|(_, line)| line.as_deref());
                let whole = used == 0 || self.cells.well_quoted(several);
                return Ok(if whole { Ok(used + 1) } else { Err(Reason::OpenQuote) });
            }
        }
        Ok(Err(Reason::OpenQuote))
    }

    /// Makes sure that a line stands at this place of `ahead`; false at the end of the file.
    fn fill(&mut self, place: usize) -> std::io::Result<bool> {
        if place < self.ahead.len() {
            return Ok(true);
        }
        let Some(line) = self.lines.next()? else { return Ok(false) };
        let line = match line {
            Line::Whole(bytes) => Some(bytes.to_owned()),
            Line::TooLong => None,
        };
        self.ahead.push_back((self.lines.number(), line));
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
