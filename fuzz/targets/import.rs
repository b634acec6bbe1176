//! Imports: a mapping file and the file that it is for. A mapping that cannot be used says why; with one that can, each row
//! and line is read once, and becomes a record or a reason.
//!
//! An input is the mapping, a line `---`, and the file.
#![no_main]

use std::path::Path;

use backstory::journey::{Contact, Interaction};
use backstory::record::Refusal;
use backstory::tools::import::Reason;
use backstory::tools::import::csv::Rows;
use backstory::tools::import::files::Kind;
use backstory::tools::import::lines::Lines;
use backstory::tools::import::map::Map;
use backstory_fuzz::{REGION, good, now};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const RECORD_BYTES_MAX: usize = 2048;

fuzz_target!(|data: &[u8]| {
    let (mapping, file) = parted(data);
    let Ok(mapping) = str::from_utf8(mapping) else { return };
    match Map::read(Path::new("map.toml"), mapping) {
        Ok(map) => {
            rows(&map, file);
            objects(&map, file);
        }
        Err(mistakes) => assert!(mistakes.to_string().lines().count() > 1, "it does not say why: {mistakes}"),
    }
});

fn parted(data: &[u8]) -> (&[u8], &[u8]) {
    const BETWEEN: &[u8] = b"\n---\n";
    match data.windows(BETWEEN.len()).position(|five| five == BETWEEN) {
        Some(at) => (&data[..at], &data[at + BETWEEN.len()..]),
        None => (data, b""),
    }
}

fn rows(map: &Map, file: &[u8]) {
    let lines = Lines::new(file, RECORD_BYTES_MAX).decoding(map.encoding);
    let mut rows = Rows::new(lines, RECORD_BYTES_MAX);
    let Some(Ok(header)) = good(rows.header(map.delimiter), "the header") else { return };
    let Ok(columns) = map.columns(&header) else { return };
    let (mut last, mut remarks) = (0, Vec::new());
    while let Some((number, row)) = good(rows.next(|cells| map.row(&columns, cells, &mut remarks)), "a row") {
        assert!(number > last, "line {number} comes after line {last}");
        last = number;
        is_read_or_refused(map, row);
    }
    assert_eq!(rows.position(), file.len() as u64, "it ends before the file does");
}

fn objects(map: &Map, file: &[u8]) {
    let mut lines = Lines::new(file, RECORD_BYTES_MAX).decoding(map.encoding);
    let (mut seen, mut remarks) = (vec![false; map.sources.len()], Vec::new());
    while let Some(line) = good(lines.next_line(), "a line") {
        let Ok(bytes) = line.bytes() else { continue };
        let Ok(object @ Value::Object(_)) = serde_json::from_slice(bytes) else { continue };
        is_read_or_refused(map, map.object(&object, &mut seen, &mut remarks));
    }
}

/// What the mapping makes is JSON of our fields: it may be refused for what is in it, never for being no record.
fn is_read_or_refused(map: &Map, row: Result<Vec<u8>, Reason>) {
    let record = match row {
        Ok(record) => record,
        Err(reason) => return assert!(!reason.to_string().is_empty()),
    };
    let refusal = match map.kind {
        Kind::Interactions => Interaction::read(&record, REGION, now()).err(),
        Kind::Contacts => Contact::read(&record, REGION, now()).err(),
    };
    let impossible = [Refusal::NotJson, Refusal::NotObject, Refusal::BadShape];
    assert!(!refusal.is_some_and(|refusal| impossible.contains(&refusal)), "{}", String::from_utf8_lossy(&record));
}
