//! Whom a benchmark calls, and whether this process may open as many connections.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::tools::import::lines::{Line, Lines};

const NUMBERS_MAX: usize = 1_000_000;
const LINE_BYTES_MAX: usize = 1 << 20;
/// Beside the agents: Kafka, logs, the runtime.
const OTHER_FILES: u64 = 64;

/// Distinct numbers of a file, or made-up ones that nobody has.
pub fn numbers(file: Option<&Path>) -> anyhow::Result<Vec<String>> {
    let Some(path) = file else { return Ok(fiction()) };
    let reader = BufReader::new(File::open(path).with_context(|| format!("cannot open {}", path.display()))?);
    let mut lines = Lines::new(reader, LINE_BYTES_MAX);
    let mut numbers = BTreeSet::new();
    while let Some(line) = lines.next_line()? {
        if let Line::Whole(line) = line
            && let Some(number) = number_of(line)
        {
            numbers.insert(number);
        }
        if numbers.len() >= NUMBERS_MAX {
            break;
        }
    }
    if numbers.is_empty() {
        bail!("{}: no line holds a number in `address`, `addresses` or `to`", path.display());
    }
    Ok(numbers.into_iter().collect())
}

fn number_of(line: &[u8]) -> Option<String> {
    let record: Value = serde_json::from_slice(line).ok()?;
    let given = record["address"].as_str().or(record["addresses"][0]["address"].as_str()).or(record["to"].as_str())?;
    given.starts_with('+').then(|| given.to_owned())
}

/// +1 201 555 0100 and on: set aside for fiction.
fn fiction() -> Vec<String> {
    (201..=299).flat_map(|area| (0..100).map(move |line| format!("+1{area}55501{line:02}"))).collect()
}

/// Says so before the thousandth connection fails.
pub fn allow_open_files(agents: u64) -> anyhow::Result<()> {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let Some(allowed) = open_files(&limits) else { return Ok(()) }; // no Linux, or no limit
    let needed = agents + OTHER_FILES;
    if needed > allowed {
        bail!(
            "{agents} agents need {needed} open files and this process may have {allowed}: raise the limit (ulimit -n {needed}), \
             here and for the service, or run several of these at once"
        );
    }
    Ok(())
}

fn open_files(limits: &str) -> Option<u64> {
    let line = limits.lines().find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_interactions_contacts_and_calls() {
        for line in [
            r#"{"interactionId":"i","address":"+1"}"#,
            r#"{"contactId":"c","addresses":[{"address":"+1"},{"address":"+2"}]}"#,
            r#"{"callId":"c","from":"+9","to":"+1"}"#,
        ] {
            assert_eq!(number_of(line.as_bytes()).as_deref(), Some("+1"), "{line}");
        }
        assert_eq!(number_of(br#"{"address":"ana@example.com"}"#), None);
    }

    #[test]
    fn the_limit_of_open_files_is_read() {
        let limits = "Max processes             95895                95895                processes\n\
                      Max open files            20000                524288               files";
        assert_eq!(open_files(limits), Some(20_000));
        assert_eq!(open_files("Max open files            unlimited            unlimited            files"), None);
    }
}
