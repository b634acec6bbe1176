//! CSV with a header: column names are the fields of the JSON records, dotted for fields of fields.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};
use serde_json::{Map, Number, Value};

use super::Reason;
use super::files::Kind;

/// Columns of the two kinds; others are named and not used. `addresses.0.mode` stands for any place in the list.
const INTERACTION_COLUMNS: &[&str] = &[
    "interactionId",
    "source",
    "contactId",
    "address",
    "campaign.id",
    "campaign.name",
    "channel",
    "mode",
    "direction",
    "startedAt",
    "endedAt",
    "outcome.code",
    "outcome.label",
    "outcome.class",
    "outcome.parent",
    "outcome.telephony",
    "outcome.reached",
    "previousScore",
    "currentScore",
    "agent.id",
    "agent.name",
    "comments",
    "updatedAt",
];
const CONTACT_COLUMNS: &[&str] = &[
    "contactId",
    "name",
    "addresses.0.mode",
    "addresses.0.address",
    "campaign.id",
    "campaign.name",
    "listedAt",
    "mergedInto",
    "updatedAt",
];
const ADDRESS_PLACES_MAX: usize = 100;

/// What a cell becomes in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Becomes {
    Text,
    Number,
    Truth,
}

/// Where a column's cells go.
#[derive(Debug)]
struct Column {
    /// Path in the record; empty where the column is not used.
    path: Vec<String>,
    becomes: Becomes,
}

/// A header, understood.
#[derive(Debug)]
pub struct Header {
    pub kind: Kind,
    pub unused: Vec<String>,
    columns: Vec<Column>,
}

impl Header {
    /// `kind` overrides what the column names say.
    pub fn read(cells: &[&str], kind: Option<Kind>) -> Result<Self, Reason> {
        let has = |name: &str| cells.contains(&name);
        let told =
            if has("interactionId") { Some(Kind::Interactions) } else { has("contactId").then_some(Kind::Contacts) };
        let kind = kind.or(told).ok_or(Reason::HeaderOfNothing)?;
        let (mut columns, mut unused, mut seen) = (Vec::new(), Vec::new(), Vec::new());
        for &name in cells {
            let path = path_of(name, kind);
            if path.is_empty() {
                unused.push(name.to_owned());
            } else if seen.contains(&path) {
                return Err(Reason::HeaderTwice);
            }
            seen.push(path.clone());
            columns.push(Column { path, becomes: becomes(name) });
        }
        Ok(Self { kind, unused, columns })
    }

    /// A record as JSON; empty cells are absent fields.
    pub fn record(&self, cells: &[&str]) -> Result<Value, Reason> {
        if cells.len() != self.columns.len() {
            return Err(Reason::Cells { found: cells.len(), expected: self.columns.len() });
        }
        let mut record = Value::Object(Map::new());
        for (column, cell) in self.columns.iter().zip(cells) {
            let cell = cell.trim();
            if !cell.is_empty() && !column.path.is_empty() {
                put(&mut record, &column.path, json(cell, column.becomes));
            }
        }
        Ok(record)
    }
}

/// A contact's one address may stand in plain `address` and `mode` columns.
fn path_of(name: &str, kind: Kind) -> Vec<String> {
    let full = match (kind, name) {
        (Kind::Contacts, "address" | "mode") => format!("addresses.0.{name}"),
        _ => name.to_owned(),
    };
    let path: Vec<String> = full.split('.').map(str::to_owned).collect();
    let place = |part: &str| part.parse::<usize>().is_ok_and(|place| place < ADDRESS_PLACES_MAX);
    let generic: Vec<&str> = path.iter().map(|part| if place(part) { "0" } else { part.as_str() }).collect();
    let known = match kind {
        Kind::Interactions => INTERACTION_COLUMNS,
        Kind::Contacts => CONTACT_COLUMNS,
    };
    if known.contains(&generic.join(".").as_str()) { path } else { Vec::new() }
}

fn becomes(name: &str) -> Becomes {
    match name {
        "previousScore" | "currentScore" => Becomes::Number,
        "outcome.reached" => Becomes::Truth,
        _ => Becomes::Text,
    }
}

/// What does not fit stays text, so that the record is refused for its type and not for its absence.
fn json(cell: &str, becomes: Becomes) -> Value {
    let fits = match becomes {
        Becomes::Text => None,
        Becomes::Number => cell.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number),
        Becomes::Truth => cell.to_ascii_lowercase().parse().ok().map(Value::Bool),
    };
    fits.unwrap_or_else(|| Value::String(cell.to_owned()))
}

fn put(record: &mut Value, path: &[String], cell: Value) {
    let mut into = record;
    for (at, part) in path.iter().enumerate() {
        let list_next = path.get(at + 1).is_some_and(|next| next.parse::<usize>().is_ok());
        let empty = || if list_next { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
        into = match into {
            Value::Array(list) => {
                let place = part.parse::<usize>().unwrap_or_default();
                list.resize(list.len().max(place + 1), Value::Null);
                &mut list[place]
            }
            Value::Object(object) => object.entry(part).or_insert_with(empty),
            _ => return,
        };
        if into.is_null() {
            *into = empty();
        }
    }
    *into = cell;
}

/// A gap between the addresses of a contact is an empty cell, not an address.
pub fn without_gaps(record: &mut Value) {
    if let Some(addresses) = record.get_mut("addresses").and_then(Value::as_array_mut) {
        addresses.retain(|address| !address.is_null());
    }
}

/// Puts the cells of one record together, which may go over several lines where a quote is open.
pub struct Cells {
    delimiter: u8,
    reader: Reader,
    text: Vec<u8>,
    text_end: usize,
    ends: Vec<usize>,
    ends_end: usize,
}

impl Cells {
    pub fn new(delimiter: u8) -> Self {
        let reader = ReaderBuilder::new().delimiter(delimiter).terminator(Terminator::Any(b'\n')).build();
        Self { delimiter, reader, text: vec![0; 4096], text_end: 0, ends: vec![0; 64], ends_end: 0 }
    }

    pub fn clear(&mut self) {
        self.reader.reset();
        (self.text_end, self.ends_end) = (0, 0);
    }

    /// Whether the record is complete with this line.
    pub fn add_line(&mut self, line: &[u8]) -> bool {
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
    pub fn well_quoted<'a>(&self, lines: impl IntoIterator<Item = &'a [u8]>) -> bool {
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
    pub fn cells(&self) -> Option<Vec<&str>> {
        let text = std::str::from_utf8(&self.text[..self.text_end]).ok()?;
        let ends = &self.ends[..self.ends_end];
        let starts = std::iter::once(&0).chain(ends);
        starts.zip(ends).map(|(&start, &end)| text.get(start..end)).collect()
    }
}

/// The most frequent of the usual three in the header.
pub fn delimiter_of(header: &[u8]) -> u8 {
    let count = |delimiter: u8| header.iter().filter(|byte| **byte == delimiter).count();
    [b',', b';', b'\t'].into_iter().rev().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn dotted_columns_become_fields_of_fields_and_empty_cells_nothing() {
        let header = Header::read(
            &["interactionId", "campaign.id", "outcome.reached", "currentScore", "comments", "colour"],
            None,
        )
        .unwrap();
        assert_eq!((header.kind, header.unused.as_slice()), (Kind::Interactions, &["colour".to_owned()][..]));
        let record = header.record(&["i-1", "td", "TRUE", " 4.5 ", "", "red"]).unwrap();
        assert_eq!(
            record,
            json!({ "interactionId": "i-1", "campaign": { "id": "td" }, "outcome": { "reached": true }, "currentScore": 4.5 })
        );
    }

    #[test]
    fn a_contact_may_have_one_plain_address_or_many_numbered_ones() {
        let plain = Header::read(&["contactId", "address", "mode"], None).unwrap();
        let record = plain.record(&["c", "+1", "home"]).unwrap();
        assert_eq!(record, json!({ "contactId": "c", "addresses": [{ "address": "+1", "mode": "home" }] }));
        let many = Header::read(&["contactId", "addresses.0.address", "addresses.1.address", "addresses.1.mode"], None)
            .unwrap();
        let mut record = many.record(&["c", "", "+2", "work"]).unwrap();
        without_gaps(&mut record);
        assert_eq!(record, json!({ "contactId": "c", "addresses": [{ "address": "+2", "mode": "work" }] }));
    }

    #[test]
    fn a_cell_of_the_wrong_type_stays_text_to_be_refused_by_name() {
        let header = Header::read(&["interactionId", "currentScore"], None).unwrap();
        assert_eq!(header.record(&["i", "5,5"]).unwrap()["currentScore"], json!("5,5"));
    }

    #[test]
    fn a_header_that_names_nothing_or_one_thing_twice_is_refused() {
        assert_eq!(Header::read(&["CALL_ID", "PHONE"], None).unwrap_err(), Reason::HeaderOfNothing);
        let twice = Header::read(&["contactId", "address", "addresses.0.address"], None);
        assert_eq!(twice.unwrap_err(), Reason::HeaderTwice);
    }

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
