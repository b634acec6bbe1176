//! What came of it: budgets, the pairs behind them and memory, as tables or as JSON.

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use super::cpu::Cpu;
use super::latency::Latency;
use super::memory::Memory;
use super::paired::Paired;
use crate::tools::bench::journey::report::{Budget, Measured, Report};
use crate::tools::output::thousands;

/// p99 of others' pops, over the quiet one's.
const P99_RATIO_MAX: f64 = 1.5;
const ABOVE_MIB_MAX: f64 = 300.0;
const LEFT_MIB_MAX: f64 = 50.0;
/// CPU time a call, over that of the other release.
const CPU_RATIO_MAX: f64 = 1.03;

pub struct Told {
    pub report: Report,
    pub latency: Vec<Latency>,
    pub cpu: Option<Cpu>,
    pub memory: Vec<Memory>,
}

impl Told {
    pub fn add_latency(&mut self, latency: Latency) {
        let what = &latency.what;
        let ratio = latency.p99_ms.ratio().unwrap_or(f64::INFINITY);
        self.budget(format!("others' pops, {what}: p99 over the quiet one's"), "times", P99_RATIO_MAX, ratio);
        self.budget(format!("others' pops, {what}: without timeline"), "pops", 0.0, latency.without[1] as f64);
        self.none_lost(what, latency.lost);
        self.latency.push(latency);
    }

    pub fn add_cpu(&mut self, cpu: Cpu) {
        if let Some(ratio) = cpu.us_a_call.ratio() {
            let what = format!("{}: CPU time over that of the other program", cpu.what);
            self.budget(what, "times", CPU_RATIO_MAX, ratio);
        }
        self.none_lost(&cpu.what, cpu.lost);
        self.cpu = Some(cpu);
    }

    pub fn add_memory(&mut self, memory: Memory) {
        let what = &memory.what;
        if !memory.is_quiet {
            self.budget(format!("memory, {what}: above quiet"), "MiB", ABOVE_MIB_MAX, memory.above_mib());
            self.budget(format!("memory, {what}: left above quiet"), "MiB", LEFT_MIB_MAX, memory.left_mib());
        }
        self.none_lost(what, memory.lost);
        self.memory.push(memory);
    }

    /// Lost pops are a row only if there are some: at no speed may a pop be lost.
    fn none_lost(&mut self, what: &str, lost: u64) {
        if lost > 0 {
            self.budget(format!("{what}: lost"), "pops", 0.0, lost as f64);
        }
    }

    fn budget(&mut self, what: String, unit: &'static str, at_most: f64, value: f64) {
        self.report.measured.push(Measured { what, unit, budget: Budget::AtMost(at_most), value: value.max(0.0) });
    }

    pub fn holds(&self) -> bool {
        self.report.all_hold()
    }

    pub fn text(&self) -> String {
        let mut parts = vec![self.report.text().trim_end().to_owned()];
        if !self.latency.is_empty() || self.cpu.is_some() {
            parts.push(format!("Medians of the windows. A and A' are quiet (CPU time: the other program), B is compared with them\n\n{}", self.pairs_table()));
        }
        parts.extend(self.latency.iter().map(|latency| {
            let Latency { what, pops, without, seen, .. } = latency;
            format!(
                "{what}: others' pops without timeline {} of {} in B, {} of {} in A and A'; {}",
                without[1],
                thousands(pops[1]),
                without[0],
                thousands(pops[0]),
                seen.text()
            )
        }));
        if let Some(cpu) = &self.cpu {
            parts.push(format!("{}: without timeline {}", cpu.what, cpu.without_timeline));
        }
        if !self.memory.is_empty() {
            parts.push(format!("Resident memory of the node in MiB\n\n{}", self.memory_table()));
            parts.extend(self.memory.iter().map(|memory| {
                let Memory { what, without_timeline, seen, .. } = memory;
                let seen = if seen.0.is_empty() { String::new() } else { format!("; {}", seen.text()) };
                format!("{what}: others' pops without timeline {without_timeline}{seen}")
            }));
        }
        parts.join("\n\n")
    }

    fn pairs_table(&self) -> Table {
        let mut table = table(["", "A", "A'", "B", "", "A' ÷ A", "B ÷ A"]);
        for latency in &self.latency {
            table.add_row(row(&format!("{}: p50", latency.what), &latency.p50_ms, "ms"));
            table.add_row(row(&format!("{}: p99", latency.what), &latency.p99_ms, "ms"));
        }
        if let Some(cpu) = &self.cpu {
            table.add_row(row(&format!("CPU time a call; {}", cpu.what), &cpu.us_a_call, "µs"));
        }
        table
    }

    fn memory_table(&self) -> Table {
        let mut table = table(["", "quiet", "highest", "above", "later", "left", "anonymous: quiet, highest, later"]);
        for memory in &self.memory {
            let Memory { quiet, highest, left, .. } = memory;
            let mib = [quiet.mib, highest.mib, memory.above_mib(), left.mib, memory.left_mib()];
            let anonymous = [quiet, highest, left].map(|resident| format!("{:.0}", resident.anonymous_mib)).join(", ");
            let mib = mib.map(|mib| format!("{mib:.0}"));
            table.add_row([memory.what.clone()].into_iter().chain(mib).chain([anonymous]));
        }
        table
    }

    pub fn json(&self) -> String {
        let mut value = self.report.value();
        value["latency"] = self.latency.iter().map(|latency| (latency.name.to_owned(), of_latency(latency))).collect();
        value["cpu"] = self.cpu.as_ref().map_or(Value::Null, of_cpu);
        value["memory"] = self.memory.iter().map(|memory| (memory.name.to_owned(), of_memory(memory))).collect();
        value.to_string()
    }
}

fn of_latency(latency: &Latency) -> Value {
    let Latency { p50_ms, p99_ms, without, pops, lost, seen, .. } = latency;
    json!({
        "p50Milliseconds": p50_ms.json(), "p99Milliseconds": p99_ms.json(), "lost": lost, "meanwhile": seen.0,
        "withoutTimeline": { "quiet": without[0], "compared": without[1] }, "pops": { "quiet": pops[0], "compared": pops[1] },
    })
}

fn of_cpu(cpu: &Cpu) -> Value {
    let Cpu { us_a_call, without_timeline, lost, is_compared, .. } = cpu;
    json!({
        "callMicroseconds": us_a_call.json(), "isCompared": is_compared, "withoutTimeline": without_timeline, "lost": lost,
    })
}

fn of_memory(memory: &Memory) -> Value {
    let Memory { quiet, highest, left, without_timeline, lost, seen, .. } = memory;
    json!({
        "unit": "MiB", "quiet": quiet.mib, "highest": highest.mib, "left": left.mib,
        "above": memory.above_mib(), "leftAbove": memory.left_mib(),
        "anonymous": { "quiet": quiet.anonymous_mib, "highest": highest.anonymous_mib, "left": left.anonymous_mib },
        "withoutTimeline": without_timeline, "lost": lost, "meanwhile": seen.0,
    })
}

fn table<const N: usize>(head: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header(head);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn row(what: &str, paired: &Paired, unit: &str) -> Vec<String> {
    let number = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.2}"));
    let medians = paired.medians().map(number);
    let ratios = [paired.noise(), paired.ratio()].map(number);
    [what.to_owned()].into_iter().chain(medians).chain([unit.to_owned()]).chain(ratios).collect()
}
