//! CSV as it is found: rows over several lines, stray quotes, three usual delimiters.

use std::collections::VecDeque;
use std::io::{self, BufRead};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

use super::Reason;
use super::lines::Lines;

/// Rows of a CSV file. One that cannot be a row gives back the lines after its first: a stray quote costs one line, not
/// the rest of the file.
pub struct Rows<R> {
    lines: Lines<R>,
    /// Lines read ahead, oldest first, with their numbers; or why one cannot be used.
    ahead: VecDeque<(u64, Result<Vec<u8>, Reason>)>,
    /// Of the header, once it was read: as many has every row.
    width: usize,
    cells: Cells,
    bytes_max: usize,
}

impl<R: BufRead> Rows<R> {
    pub fn new(lines: Lines<R>, bytes_max: usize) -> Self {
        Self { lines, ahead: VecDeque::new(), width: 0, cells: Cells::new(b','), bytes_max }
    }

    pub fn position(&self) -> u64 {
        self.lines.position()
    }

    /// The first row: the columns' names. Without a given delimiter, its line says how cells are told apart.
    pub fn header(&mut self, delimiter: Option<u8>) -> io::Result<Option<Result<Vec<String>, Reason>>> {
        if !self.fill(0)? {
            return Ok(None);
        }
        if let Ok(line) = &self.ahead[0].1 {
            self.cells = Cells::new(delimiter.unwrap_or_else(|| delimiter_of(line)));
        }
        let gathered = self.gather()?;
        self.ahead.drain(..*gathered.as_ref().unwrap_or(&1));
        let names = gathered.and_then(|_| self.cells.cells().ok_or(Reason::NotUtf8));
        let names = names.map(|names| names.iter().map(|name| name.trim().to_owned()).collect::<Vec<_>>());
        self.width = names.as_ref().map_or(0, Vec::len);
        Ok(Some(names))
    }

    /// What `read` makes of the next row, with the number of its first line.
    pub fn next<T>(
        &mut self,
        read: impl FnOnce(&[&str]) -> Result<T, Reason>,
    ) -> io::Result<Option<(u64, Result<T, Reason>)>> {
        if !self.fill(0)? {
            return Ok(None);
        }
        let number = self.ahead[0].0;
        let used = match self.gather()? {
            Ok(used) => used,
            Err(reason) => {
                self.ahead.pop_front();
                return Ok(Some((number, Err(reason))));
            }
        };
        let cells = self.cells.cells().ok_or(Reason::NotUtf8);
        let fits = |cells: &Vec<&str>| cells.len() == self.width;
        // Several lines that are no row: the first is to blame until proven otherwise.
        let used = if cells.as_ref().is_ok_and(|cells| !fits(cells)) { 1 } else { used };
        self.ahead.drain(..used);
        let row = cells.and_then(|cells| {
            if !fits(&cells) {
                return Err(Reason::Cells { found: cells.len(), expected: self.width });
            }
            read(&cells)
        });
        Ok(Some((number, row)))
    }

    /// Puts lines together until the record is complete; says how many it took.
    fn gather(&mut self) -> io::Result<Result<usize, Reason>> {
        self.cells.clear();
        let mut bytes = 0;
        for used in 0.. {
            if !self.fill(used)? {
                break;
            }
            let line = match &self.ahead[used].1 {
                Ok(line) => line,
                Err(reason) => return Ok(Err(if used == 0 { reason.clone() } else { Reason::OpenQuote })),
            };
            bytes += line.len();
            if bytes > self.bytes_max {
                break;
            }
            if self.cells.add_line(line) {
                let several = self.ahead.iter().take(used + 1).filter_map(|(_, line)| line.as_deref().ok());
                let whole = used == 0 || self.cells.well_quoted(several);
                return Ok(if whole { Ok(used + 1) } else { Err(Reason::OpenQuote) });
            }
        }
        Ok(Err(Reason::OpenQuote))
    }

    /// Makes sure that a line stands at this place of `ahead`; false at the end of the file.
    fn fill(&mut self, place: usize) -> io::Result<bool> {
        if place < self.ahead.len() {
            return Ok(true);
        }
        let Some(line) = self.lines.next_line()? else { return Ok(false) };
        let line = line.bytes().map(<[u8]>::to_owned);
        self.ahead.push_back((self.lines.number(), line));
        Ok(true)
    }
}

/// Puts the cells of one record together, which may go over several lines where a quote is open.
struct Cells {
    delimiter: u8,
    reader: Reader,
    text: Vec<u8>,
    text_end: usize,
    ends: Vec<usize>,
    ends_end: usize,
}

impl Cells {
    fn new(delimiter: u8) -> Self {
        let reader = ReaderBuilder::new().delimiter(delimiter).terminator(Terminator::Any(b'\n')).build();
        Self { delimiter, reader, text: vec![0; 4096], text_end: 0, ends: vec![0; 64], ends_end: 0 }
    }

    fn clear(&mut self) {
        self.reader.reset();
        (self.text_end, self.ends_end) = (0, 0);
    }

    /// Whether the record is complete with this line.
    fn add_line(&mut self, line: &[u8]) -> bool {
        let mut rest = line;
        let mut complete = false;
        for last in [false, true] {
            if last {
                rest = b"\n";
            }
            while !rest.is_empty() && !complete {
                let (result, read, wrote, ended) =
                    self.reader.read_record(rest, &mut self.text[self.text_end..], &mut self.ends[self.ends_end..]);
                rest = &rest[read..];
                self.text_end += wrote;
                self.ends_end += ended;
                match result {
                    ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                    ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                    ReadRecordResult::Record => complete = true,
                    ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
                }
            }
        }
        complete
    }

    /// Whether every closing quote ends its cell. A stray quote that meets the opening one of a later line does not: the
    /// lines between them are rows, and no part of a cell.
    fn well_quoted<'a>(&self, lines: impl IntoIterator<Item = &'a [u8]>) -> bool {
        #[derive(Clone, Copy, PartialEq)]
        enum Within {
            Start,
            Plain,
            Quoted,
            AfterQuote,
        }
        let mut within = Within::Start;
        for byte in lines.into_iter().flat_map(|line| line.iter().copied().chain([b'\n'])) {
            within = match (within, byte) {
                (Within::Quoted, b'"') => Within::AfterQuote,
                (Within::Quoted, _) | (Within::Start | Within::AfterQuote, b'"') => Within::Quoted,
                (_, byte) if byte == self.delimiter || byte == b'\n' => Within::Start,
                (Within::AfterQuote, _) => return false,
                (Within::Start | Within::Plain, _) => Within::Plain,
            };
        }
        true
    }

    /// `None` where a cell is not UTF-8.
    fn cells(&self) -> Option<Vec<&str>> {
        let text = std::str::from_utf8(&self.text[..self.text_end]).ok()?;
        let ends = &self.ends[..self.ends_end];
        let starts = std::iter::once(&0).chain(ends);
        starts.zip(ends).map(|(&start, &end)| text.get(start..end)).collect()
    }
}

/// The most frequent of the usual three in the header.
fn delimiter_of(header: &[u8]) -> u8 {
    let count = |delimiter: u8| header.iter().filter(|byte| **byte == delimiter).count();
    [b',', b';', b'\t'].into_iter().rev().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_cell_goes_over_lines() {
        let mut cells = Cells::new(b';');
        assert!(!cells.add_line(b"a;\"two"));
        assert!(cells.add_line(b"\"\"lines\"\"\";c"));
        assert_eq!(cells.cells().unwrap(), ["a", "two\n\"lines\"", "c"]);
        cells.clear();
        assert!(cells.add_line(b"5\" pipe;;"));
        assert_eq!(cells.cells().unwrap(), ["5\" pipe", "", ""]);
    }

    #[test]
    fn a_quote_that_closes_within_a_cell_is_a_stray_one() {
        let cells = Cells::new(b',');
        assert!(cells.well_quoted([&b"a,\"two \"\"big\"\""[..], b"lines\",5\" pipe"]));
        assert!(!cells.well_quoted([&b"a,\"stray"[..], b"b,\"good", b"line\""]));
    }

    #[test]
    fn long_records_fit() {
        let mut cells = Cells::new(b',');
        let line = format!("{},{}", "x".repeat(100_000), ",".repeat(500));
        assert!(cells.add_line(line.as_bytes()));
        assert_eq!(cells.cells().unwrap().len(), 502);
    }

    #[test]
    fn the_delimiter_is_read_from_the_header() {
        assert_eq!([&b"a,b,c"[..], b"a;b", b"a\tb", b"a"].map(delimiter_of), [b',', b';', b'\t', b',']);
    }
}
