//! The lines of a JSON Lines file by whose they are: a contact's journey lies together in the store, so what comes together
//! is written together, and a page of the file is written once for many records instead of once for each.
//!
//! A large file is put in order a window at a time, each by a thread that reads ahead. Kept in memory are the places of the
//! lines, not the lines.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, BufRead, BufReader};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::vec::IntoIter;

use serde::Deserialize;

use super::lines::{Line, Lines, without_mark};

/// Lines in a window: some 60 MB, and as much again for the one read ahead.
const LINES_MAX: usize = 1 << 20;
/// Of a contact's id; what is longer is in order by its beginning.
const KEY_BYTES_MAX: usize = 64;

/// Reads line by line, as [`Lines`] does, in another order.
pub struct Ordered {
    file: File,
    windows: Receiver<io::Result<Window>>,
    places: IntoIter<Place>,
    line: Vec<u8>,
    number: u64,
    /// Bytes of the lines read so far.
    position: u64,
}

/// The lines of a JSON Lines file: by whose they are, where each is a record of ours; else as they stand.
pub enum Records {
    Ordered(Ordered),
    AsTheyStand(Lines<BufReader<File>>),
}

impl Records {
    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        match self {
            Self::Ordered(lines) => lines.next(),
            Self::AsTheyStand(lines) => lines.next_line(),
        }
    }

    /// Of the line that was read last, counted from 1.
    pub fn number(&self) -> u64 {
        match self {
            Self::Ordered(lines) => lines.number(),
            Self::AsTheyStand(lines) => lines.number(),
        }
    }

    /// Bytes read so far.
    pub fn position(&self) -> u64 {
        match self {
            Self::Ordered(lines) => lines.position(),
            Self::AsTheyStand(lines) => lines.position(),
        }
    }
}

/// Lines that follow each other in a file, in the order in which they are to be stored.
#[derive(Default)]
struct Window(Vec<Place>);

/// Where a line is.
struct Place {
    number: u64,
    begin: u64,
    end: u64,
    too_long: bool,
    /// Of its contact's id, in the keys of the window.
    key: Range<u32>,
}

impl Ordered {
    /// Of the file at this path, whose lines these are.
    pub fn new<R: BufRead + Send + 'static>(lines: Lines<R>, path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let (sender, windows) = sync_channel(0);
        std::thread::Builder::new().name("import-order".into()).spawn(move || read_ahead(lines, &sender))?;
        Ok(Self { file, windows, places: Vec::new().into_iter(), line: Vec::new(), number: 0, position: 0 })
    }

    /// Of the line that was read last, counted from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next line that is not empty; `None` at the end.
    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        let Some(Place { number, begin, end, too_long, .. }) = self.next_place()? else { return Ok(None) };
        self.number = number;
        self.position += end - begin;
        if too_long {
            return Ok(Some(Line::TooLong));
        }
        self.line.resize((end - begin) as usize, 0);
        self.file.read_exact_at(&mut self.line, begin)?;
        Ok(Some(Line::Whole(if begin == 0 { without_mark(&self.line) } else { &self.line })))
    }

    fn next_place(&mut self) -> io::Result<Option<Place>> {
        if self.places.len() == 0 {
            let window = self.windows.recv().map_err(|_| io::Error::other("reading ahead ended early"))?;
            self.places = window?.0.into_iter();
        }
        Ok(self.places.next())
    }
}

/// Ends with an empty window at the end of the file, or where nobody takes the windows any more.
fn read_ahead(mut lines: Lines<impl BufRead>, windows: &SyncSender<io::Result<Window>>) {
    loop {
        let window = Window::read(&mut lines, LINES_MAX);
        let last = window.as_ref().map_or(true, |window| window.0.is_empty());
        if windows.send(window).is_err() || last {
            return;
        }
    }
}

impl Window {
    fn read(lines: &mut Lines<impl BufRead>, lines_max: usize) -> io::Result<Self> {
        let (mut places, mut keys) = (Vec::new(), Vec::new());
        // Versions of one interaction stay in their order, even where they tell of different contacts.
        let (hasher, mut first_of_id) = (RandomState::new(), HashMap::new());
        while places.len() < lines_max {
            let Some(line) = lines.next_line()? else { break };
            let (too_long, mut key) = (line == Line::TooLong, 0..0);
            if let Line::Whole(bytes) = line {
                let whose = Whose::of(bytes);
                key = whose.append_to(&mut keys);
                if let Some(Text(id)) = &whose.interaction_id {
                    key = first_of_id.entry(hasher.hash_one(id)).or_insert(key).clone();
                }
            }
            places.push(Place { number: lines.number(), begin: lines.begin(), end: lines.position(), too_long, key });
        }
        let bytes = |place: &Place| &keys[place.key.start as usize..place.key.end as usize];
        places.sort_by(|one, other| bytes(one).cmp(bytes(other)));
        Ok(Self(places))
    }
}

/// What the order depends on. A line that cannot be read is somebody else's to refuse.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Whose<'a> {
    #[serde(borrow)]
    contact_id: Option<Text<'a>>,
    #[serde(borrow)]
    interaction_id: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Whose<'a> {
    fn of(line: &'a [u8]) -> Self {
        serde_json::from_slice(line).unwrap_or_default()
    }

    fn append_to(&self, keys: &mut Vec<u8>) -> Range<u32> {
        let begin = keys.len() as u32;
        let contact_id = self.contact_id.as_ref().map_or(&b""[..], |Text(id)| id.as_bytes());
        keys.extend_from_slice(&contact_id[..contact_id.len().min(KEY_BYTES_MAX)]);
        begin..keys.len() as u32
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Write as _};

    use super::*;

    fn ordered(text: &str) -> Vec<(u64, Option<String>)> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let reader = BufReader::new(io::Cursor::new(text.to_owned()));
        let mut lines = Ordered::new(Lines::new(reader, 60), file.path()).unwrap();
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            let line = match line {
                Line::Whole(bytes) => Some(String::from_utf8_lossy(bytes).trim().to_owned()),
                Line::TooLong | Line::NotDecoded => None,
            };
            all.push((lines.number(), line));
        }
        all
    }

    #[test]
    fn a_contacts_lines_come_together_and_each_keeps_its_number() {
        let b = r#"{"interactionId":"1","contactId":"b"}"#;
        let a = r#"{"interactionId":"2","contactId":"a"}"#;
        let nobodys = r#"{"interactionId":"3","contactId":null}"#;
        let long = format!(r#"{{"contactId":"a","comments":"{}"}}"#, "long ".repeat(20));
        let text = format!("\u{feff}{b}\n{a}\n\nno JSON\r\n{long}\n{}\n{nobodys}", b.replace('1', "4"));
        let lines = ordered(&text);
        let own = |text: &str| Some(text.to_owned());
        assert_eq!(
            lines,
            [
                (4, own("no JSON")),
                (5, None),
                (7, own(nobodys)),
                (2, own(a)),
                (1, own(b)),
                (6, own(&b.replace('1', "4")))
            ]
        );
    }

    #[test]
    fn versions_of_one_interaction_keep_their_order_whoever_they_are_of() {
        let version = |contact: &str| format!(r#"{{"interactionId":"i","contactId":"{contact}"}}"#);
        let other = r#"{"interactionId":"j","contactId":"b"}"#;
        let text = [&version("c"), other, &version("a"), &version("b")].map(|line| format!("{line}\n")).concat();
        assert_eq!(ordered(&text).into_iter().map(|(number, _)| number).collect::<Vec<_>>(), [2, 1, 3, 4]);
    }

    #[test]
    fn a_file_larger_than_a_window_is_read_window_by_window() {
        let text = (0..10).map(|nth| format!("{{\"contactId\":\"{}\"}}\n", 9 - nth)).collect::<String>();
        let mut lines = Lines::new(text.as_bytes(), 60);
        let numbers = |window: Window| window.0.iter().map(|place| place.number).collect::<Vec<_>>();
        assert_eq!(numbers(Window::read(&mut lines, 4).unwrap()), [4, 3, 2, 1]);
        assert_eq!(numbers(Window::read(&mut lines, 9).unwrap()), [10, 9, 8, 7, 6, 5]);
    }
}
