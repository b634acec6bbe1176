//! The lines of a file, one at a time, none of them larger than what is allowed to be in memory.

use std::io::{self, BufRead, Read as _};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One line without its end.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    Whole(&'a [u8]),
    /// Larger than allowed, and skipped.
    TooLong,
}

/// Reads line by line; lines without anything in them are passed over.
pub struct Lines<R> {
    reader: R,
    line: Vec<u8>,
    bytes_max: usize,
    number: u64,
    position: u64,
}

impl<R: BufRead> Lines<R> {
    pub fn new(reader: R, bytes_max: usize) -> Self {
        Self { reader, line: Vec::new(), bytes_max, number: 0, position: 0 }
    }

    /// Of the line that was read last, counted from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Where the line that was read last, a whole one, begins.
    pub fn begin(&self) -> u64 {
        self.position - self.line.len() as u64
    }

    /// Bytes read so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next line that is not empty; `None` at the end.
    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        loop {
            self.line.clear();
            let allowed = self.bytes_max as u64 + 2; // and the line's end
            let read = self.reader.by_ref().take(allowed).read_until(b'\n', &mut self.line)?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            self.position += read as u64;
            let whole = self.line.ends_with(b"\n") || (read as u64) < allowed;
            if !whole {
                self.position += self.reader.skip_until(b'\n')? as u64;
            }
            if !whole || self.bare().len() > self.bytes_max {
                return Ok(Some(Line::TooLong));
            }
            if !self.bare().trim_ascii().is_empty() {
                return Ok(Some(Line::Whole(self.bare())));
            }
        }
    }

    /// Without line end, and without the mark with which some programs begin a file.
    fn bare(&self) -> &[u8] {
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if self.number == 1 { without_mark(line) } else { line }
    }
}

/// The first line of a file, without what some programs put before it.
pub fn without_mark(line: &[u8]) -> &[u8] {
    line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8], bytes_max: usize) -> Vec<(u64, Option<String>)> {
        let mut lines = Lines::new(text, bytes_max);
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            let line = match line {
                Line::Whole(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
                Line::TooLong => None,
            };
            all.push((lines.number(), line));
        }
        assert_eq!(lines.position(), text.len() as u64);
        all
    }

    #[test]
    fn empty_lines_are_passed_over_and_counted() {
        let expected = [(1, Some("a".into())), (4, Some("b".into()))];
        assert_eq!(all(b"\xef\xbb\xbfa\r\n\r\n  \nb", 9), expected);
    }

    #[test]
    fn a_line_that_is_too_long_does_not_stop_the_next() {
        assert_eq!(
            all(b"12345\n1234\n123456789\n1\r\n", 4),
            [(1, None), (2, Some("1234".into())), (3, None), (4, Some("1".into()))]
        );
    }
}
