//! The lines of a file, one at a time, none of them larger than what is allowed to be in memory.

use std::io::{self, BufRead, Read as _};

use encoding_rs::{Encoding, UTF_8};

use super::Reason;
use crate::record::Refusal;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One line without its end.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    Whole(&'a [u8]),
    /// Larger than allowed, and skipped.
    TooLong,
    /// Not of the encoding that the file is said to have.
    NotDecoded,
}

impl<'a> Line<'a> {
    pub fn bytes(self) -> Result<&'a [u8], Reason> {
        match self {
            Self::Whole(bytes) => Ok(bytes),
            Self::TooLong => Err(Reason::Record(Refusal::TooLarge)),
            Self::NotDecoded => Err(Reason::NotDecoded),
        }
    }
}

/// Reads line by line; lines without anything in them are passed over.
pub struct Lines<R> {
    reader: R,
    line: Vec<u8>,
    encoding: &'static Encoding,
    bytes_max: usize,
    number: u64,
    position: u64,
}

impl<R: BufRead> Lines<R> {
    pub fn new(reader: R, bytes_max: usize) -> Self {
        Self { reader, line: Vec::new(), encoding: UTF_8, bytes_max, number: 0, position: 0 }
    }

    /// Hands lines over in UTF-8, whatever they are in. Those in UTF-8 are not looked into: who reads them sees what is none.
    pub fn decoding(mut self, encoding: &'static Encoding) -> Self {
        self.encoding = encoding;
        self
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
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
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
            if self.bare().trim_ascii().is_empty() {
                continue;
            }
            if self.encoding != UTF_8 {
                let (text, broken) = self.encoding.decode_without_bom_handling(self.bare());
                if broken {
                    return Ok(Some(Line::NotDecoded));
                }
                self.line = text.into_owned().into_bytes();
            }
            return Ok(Some(Line::Whole(self.bare())));
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
        all_in(UTF_8, text, bytes_max)
    }

    fn all_in(encoding: &'static Encoding, text: &[u8], bytes_max: usize) -> Vec<(u64, Option<String>)> {
        let mut lines = Lines::new(text, bytes_max).decoding(encoding);
        let mut all = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            let line = line.bytes().ok().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
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

    #[test]
    fn lines_of_another_encoding_are_handed_over_in_utf_8() {
        let latin = all_in(encoding_rs::WINDOWS_1252, b"Jo\xe3o\r\n\x80 5\n", 9);
        assert_eq!(latin, [(1, Some("João".into())), (2, Some("€ 5".into()))]);
        let japanese = all_in(encoding_rs::SHIFT_JIS, b"\x83e\n\x83\n", 9);
        assert_eq!(japanese, [(1, Some("テ".into())), (2, None)], "the second is broken");
    }
}
