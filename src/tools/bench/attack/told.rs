//! What came of it, with and without strangers, as a table or as JSON.

use comfy_table::{CellAlignment, Table, presets};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::RATIO_MAX;
use super::strangers::Came;
use crate::tools::bench::report::{microseconds, times};
use crate::tools::output::thousands;

pub struct Told {
    pub agents: u32,
    pub rate: f64,
    pub bad: f64,
    pub quiet: Histogram<u64>,
    pub attacked: Histogram<u64>,
    pub clean: bool,
    pub wrong: Value,
    pub came: Came,
}

impl Told {
    fn ratio(&self) -> f64 {
        self.attacked.value_at_quantile(0.99) as f64 / self.quiet.value_at_quantile(0.99).max(1) as f64
    }

    pub fn holds(&self) -> bool {
        self.clean && self.ratio() <= RATIO_MAX
    }

    pub fn text(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY);
        table.set_header(["", "p50", "p90", "p99", "p99.9", "max", "pops"]);
        for (name, took) in [("quiet", &self.quiet), ("with strangers", &self.attacked)] {
            let times = times(took).into_iter().map(|ms| format!("{ms:.3}"));
            table.add_row([name.to_owned()].into_iter().chain(times).chain([thousands(took.len())]));
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let Came { opened, refused, open_most } = &self.came;
        let holds = if self.ratio() <= RATIO_MAX { "holds" } else { "MISSED" };
        format!(
            "{} agents, {} calls a second; milliseconds from publishing\n\n{}\n\n\
             p99 with strangers ÷ without: {:.2} (budget {RATIO_MAX}: {holds})\n\
             strangers: {} connections ({} a second), {} of them could not be opened, at most {} open at once\n\
             lost, doubled, unpublished, broken: {}",
            thousands(self.agents.into()),
            self.rate,
            table.trim_fmt(),
            self.ratio(),
            thousands(*opened),
            self.bad,
            thousands(*refused),
            thousands(*open_most),
            self.wrong
        )
    }

    pub fn json(&self) -> String {
        json!({
            "agents": self.agents, "rate": self.rate, "badRate": self.bad, "unit": "microseconds",
            "quiet": microseconds(&self.quiet), "attacked": microseconds(&self.attacked),
            "ratio": self.ratio(), "budget": RATIO_MAX, "holds": self.holds(), "wrong": self.wrong, "strangers": self.came,
        })
        .to_string()
    }
}
