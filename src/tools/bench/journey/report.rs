//! The budgets of the store beside what was measured: a table, or JSON.

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use super::machine::Machine;
use crate::tools::output::thousands;

/// One budget and what was measured of it.
pub struct Measured {
    pub what: String,
    pub unit: &'static str,
    pub budget: Budget,
    pub value: f64,
}

#[derive(Debug, Clone, Copy)]
pub enum Budget {
    AtMost(f64),
    AtLeast(f64),
}

impl Measured {
    pub fn holds(&self) -> bool {
        match self.budget {
            Budget::AtMost(most) => self.value <= most,
            Budget::AtLeast(least) => self.value >= least,
        }
    }

    fn row(&self) -> [String; 5] {
        let budget = match self.budget {
            Budget::AtMost(most) => format!("≤ {}", readable(most)),
            Budget::AtLeast(least) => format!("≥ {}", readable(least)),
        };
        let verdict = if self.holds() { "held" } else { "missed" };
        [self.what.clone(), budget, readable(self.value), self.unit.to_owned(), verdict.to_owned()]
    }

    fn json(&self) -> Value {
        let (bound, budget) = match self.budget {
            Budget::AtMost(most) => ("atMost", most),
            Budget::AtLeast(least) => ("atLeast", least),
        };
        json!({ "what": self.what, "unit": self.unit, bound: budget, "measured": self.value, "holds": self.holds() })
    }
}

pub struct Report {
    pub machine: Machine,
    pub measured: Vec<Measured>,
    /// What no budget is about, a line each.
    pub notes: Vec<String>,
}

impl Report {
    pub fn all_hold(&self) -> bool {
        self.measured.iter().all(Measured::holds)
    }

    pub fn text(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header(["", "budget", "measured", "", ""]);
        self.measured.iter().for_each(|measured| _ = table.add_row(measured.row()));
        for column in table.column_iter_mut().skip(1).take(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        format!("{}\n\n{}\n\n{}", self.machine.text(), table.trim_fmt(), self.notes.join("\n"))
    }

    pub fn json(&self) -> String {
        self.value().to_string()
    }

    pub fn value(&self) -> Value {
        let measured: Vec<Value> = self.measured.iter().map(Measured::json).collect();
        json!({ "machine": self.machine.json(), "measured": measured, "notes": self.notes })
    }
}

fn readable(value: f64) -> String {
    if value < 10.0 { format!("{value:.2}") } else { thousands(value.round() as u64) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_missed_budget_is_said_in_both_forms() {
        let measured =
            |value| Measured { what: "import".into(), unit: "a second", budget: Budget::AtLeast(80_000.0), value };
        let mut report = Report {
            machine: Machine::of(Path::new("/")),
            measured: vec![measured(80_000.0)],
            notes: vec!["so".into()],
        };
        assert!(report.all_hold() && report.text().contains("held"));
        report.measured.push(measured(79_999.0));
        assert!(!report.all_hold() && report.text().contains("≥ 80,000") && report.text().contains("missed"));
        let json: Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!((&json["measured"][1]["atLeast"], &json["measured"][1]["holds"]), (&json!(80_000.0), &json!(false)));
    }
}
