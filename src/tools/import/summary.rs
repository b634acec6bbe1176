//! What became of an import: numbers by file, and the refused records with file, line and reason (never a value).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use comfy_table::{CellAlignment, Table, presets};
use serde_json::json;

use super::Remark;
use super::files::Input;
use super::read::{Batch, Refused, Seen};
use crate::journey::store::Written;
use crate::tools::output::{counted, thousands};

/// Refused records that are named one by one.
const NAMED_MAX: usize = 20;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    changed: u64,
    known: u64,
    kept_out: u64,
    removed_since: u64,
    refused: u64,
}

impl Counts {
    fn read(self) -> u64 {
        self.changed + self.known + self.kept_out + self.removed_since + self.refused
    }
}

pub struct Summary {
    files: Vec<(PathBuf, Counts)>,
    named: Vec<String>,
    by_reason: BTreeMap<String, u64>,
    /// How often something is to be said, and about which record first.
    remarks: BTreeMap<Remark, (u64, String)>,
    /// Where every refused record is written.
    all: Option<(PathBuf, BufWriter<File>)>,
}

impl Summary {
    pub fn new(inputs: &[Input], refused_file: Option<&Path>) -> anyhow::Result<Self> {
        let all = refused_file.map(|path| {
            let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
            anyhow::Ok((path.to_owned(), BufWriter::new(file)))
        });
        let files = inputs.iter().map(|input| (input.path.clone(), Counts::default())).collect();
        let (named, by_reason, remarks) = Default::default();
        Ok(Self { files, named, by_reason, remarks, all: all.transpose()? })
    }

    /// A batch, and what became of its changes.
    pub fn add(&mut self, batch: &Batch, written: &Written) -> anyhow::Result<()> {
        let Batch { refused, remarks, .. } = batch;
        let (path, counts) = &mut self.files[batch.file];
        counts.changed += written.changed;
        counts.known += written.known;
        counts.kept_out += written.kept_out;
        counts.removed_since += written.removed_since;
        counts.refused += refused.len() as u64;
        for Refused { line, reason } in refused {
            let (name, reason) = (path.display().to_string(), reason.to_string());
            if self.named.len() < NAMED_MAX {
                self.named.push(format!("{name}:{line}: {reason}"));
            }
            if let Some((_, all)) = &mut self.all {
                writeln!(all, "{}", json!({ "file": name, "line": line, "reason": reason }))?;
            }
            *self.by_reason.entry(reason).or_default() += 1;
        }
        for (remark, Seen { times, first_line }) in remarks {
            let first = || (0, format!("{}:{first_line}", path.display()));
            self.remarks.entry(*remark).or_insert_with(first).0 += times;
        }
        Ok(())
    }

    pub fn records(&self) -> u64 {
        self.total().read()
    }

    pub fn refused(&self) -> u64 {
        self.total().refused
    }

    fn total(&self) -> Counts {
        self.files.iter().fold(Counts::default(), |sum, (_, counts)| Counts {
            changed: sum.changed + counts.changed,
            known: sum.known + counts.known,
            kept_out: sum.kept_out + counts.kept_out,
            removed_since: sum.removed_since + counts.removed_since,
            refused: sum.refused + counts.refused,
        })
    }

    /// `stored`: what is said of the records that were taken ("stored", "published").
    pub fn print(mut self, stored: &str) -> anyhow::Result<String> {
        let mut text = self.table(stored).trim_fmt();
        for (remark, (times, first)) in &self.remarks {
            text += &format!("\n{} {remark}, first at {first}", counted(*times, "record"));
        }
        let kept_out = self.total().kept_out;
        if kept_out > 0 {
            text += &format!("\n{} kept out: whom they are about was erased", counted(kept_out, "record"));
        }
        let removed_since = self.total().removed_since;
        if removed_since > 0 {
            let records = counted(removed_since, "record");
            text += &format!("\n{records} kept out: they were removed at that time or later, less than 30 days ago");
        }
        let refused = self.refused();
        if refused > 0 {
            text += &format!("\n\nrefused, and not imported ({}):\n", counted(refused, "record"));
            text += &self.named.join("\n");
            if refused > self.named.len() as u64 {
                text += &format!("\n… and {} more", thousands(refused - self.named.len() as u64));
            }
            text += "\n\nby reason:";
            let mut reasons: Vec<_> = self.by_reason.iter().collect();
            reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            for (reason, count) in reasons {
                text += &format!("\n  {:>10}  {reason}", thousands(*count));
            }
        }
        if let Some((path, all)) = &mut self.all {
            all.flush()?;
            text += &format!("\n\nevery refused record by file and line: {}", path.display());
        }
        Ok(text)
    }

    fn table(&self, stored: &str) -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(["file", "read", stored, "already known", "refused"]);
        let row = |name: String, counts: Counts| {
            let numbers = [counts.read(), counts.changed, counts.known, counts.refused].map(thousands);
            std::iter::once(name).chain(numbers).collect::<Vec<_>>()
        };
        for (path, counts) in &self.files {
            table.add_row(row(path.display().to_string(), *counts));
        }
        if self.files.len() > 1 {
            table.add_row(row("total".into(), self.total()));
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Refusal;
    use crate::tools::import::{Reason, files};

    #[test]
    fn a_summary_counts_all_and_names_the_first_twenty_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        std::fs::write(&path, "").unwrap();
        let all = folder.path().join("refused.jsonl");
        let mut summary = Summary::new(&files::inspect(&[path], None).unwrap(), Some(&all)).unwrap();
        let refused: Vec<_> =
            (1..=25).map(|line| Refused { line, reason: Reason::Record(Refusal::Missing("address")) }).collect();
        let remarks = BTreeMap::from([(Remark::AsGiven, Seen { times: 3, first_line: 7 })]);
        let batch = Batch { refused, remarks, ..Batch::default() };
        summary.add(&batch, &Written { changed: 1000, known: 2, ..Written::default() }).unwrap();
        assert_eq!((summary.records(), summary.refused()), (1027, 25));
        let text = summary.print("stored").unwrap();
        assert!(text.contains("a.jsonl:20: the field address is missing") && !text.contains("a.jsonl:21:"), "{text}");
        assert!(text.contains("3 records with an address that was kept as given"), "{text}");
        assert!(text.contains("a.jsonl:7\n"), "{text}");
        assert!(text.contains("… and 5 more") && text.contains("        25  the field address is missing"), "{text}");
        assert_eq!(std::fs::read_to_string(all).unwrap().lines().count(), 25);
    }
}
