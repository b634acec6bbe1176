//! What a benchmark counted, and how it is told: a table, a small histogram, or JSON.

use std::collections::HashMap;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::agents::Pop;
use super::load::Plan;
use super::push::Outcome;
use super::server::Used;
use crate::tools::output::thousands;

/// A minute: beyond it a pop is lost for its call.
const TOOK_US_MAX: u64 = 60_000_000;
const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];
const BAR_CHARS: f64 = 40.0;

/// Microseconds, to three digits.
pub fn histogram() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, TOOK_US_MAX, 3)?)
}

/// What became of the measured calls.
pub struct Tally {
    pub took: Histogram<u64>,
    /// Pops of any call, warm-up included.
    pub read: u64,
    pub doubled: u64,
    pub out_of_order: u64,
    pub without_timeline: u64,
    /// Of the frames of all pops that were received.
    bytes: u64,
    sent: u64,
    received: u64,
    seen: Vec<bool>,
    /// What each call took; nothing for the warm-up, and for what was not read.
    took_us: Vec<u32>,
    last_of_agent: HashMap<u32, u64>,
}

impl Tally {
    pub fn new(plan: &Plan) -> anyhow::Result<Self> {
        Ok(Self {
            took: histogram()?,
            read: 0,
            doubled: 0,
            out_of_order: 0,
            without_timeline: 0,
            bytes: 0,
            sent: plan.calls - plan.warm,
            received: 0,
            seen: vec![false; plan.calls as usize],
            took_us: vec![0; plan.calls as usize],
            last_of_agent: HashMap::new(),
        })
    }

    /// Whether it is the call's first.
    pub fn add(&mut self, plan: &Plan, pop: &Pop) -> bool {
        let first = !std::mem::replace(&mut self.seen[pop.call as usize], true);
        let last = self.last_of_agent.insert(pop.agent, pop.call);
        self.read += u64::from(first);
        if plan.measured(pop.call) {
            self.doubled += u64::from(!first);
            self.out_of_order += u64::from(last.is_some_and(|last| last > pop.call));
            if first {
                self.received += 1;
                self.bytes += pop.bytes as u64;
                self.without_timeline += u64::from(!pop.with_timeline);
                let took_us = plan.took(pop.call, pop.at).as_micros() as u64;
                self.took.saturating_record(took_us);
                self.took_us[pop.call as usize] = u32::try_from(took_us).unwrap_or(u32::MAX).max(1);
            }
        }
        first
    }

    pub fn was_read(&self, call: u64) -> bool {
        self.seen[call as usize]
    }

    /// The measured calls that were read, with what each took in microseconds.
    pub fn each(&self) -> impl Iterator<Item = (u64, u64)> {
        let read = (0..).zip(&self.took_us).filter(|(_, took_us)| **took_us > 0);
        read.map(|(call, took_us)| (call, u64::from(*took_us)))
    }

    pub fn complete(&self) -> bool {
        self.read == self.seen.len() as u64
    }

    /// Of one pop's frame, on average.
    pub fn pop_bytes(&self) -> u64 {
        self.bytes / self.received.max(1)
    }

    pub fn lost(&self) -> u64 {
        self.sent - self.received
    }
}

pub struct Report {
    pub agents: u32,
    pub rate: f64,
    pub seconds: Duration,
    pub outcome: Outcome,
    /// `None` where the nodes were not asked.
    pub taken: Option<Used>,
}

impl Report {
    pub fn text(&self) -> String {
        let Outcome { tally, bare, unpublished, connections_lost, .. } = &self.outcome;
        let mut text = format!(
            "{} agents, {} calls a second for {} s; milliseconds from publishing\n\n{}\n\n",
            thousands(u64::from(self.agents)),
            self.rate,
            self.seconds.as_secs_f64(),
            self.table().trim_fmt()
        );
        text += &format!(
            "pops: {} sent, {} received, {} lost, {} doubled, {} out of order, {} without a timeline; {} bytes each\n",
            thousands(tally.sent),
            thousands(tally.received),
            tally.lost(),
            tally.doubled,
            tally.out_of_order,
            tally.without_timeline,
            thousands(tally.pop_bytes())
        );
        text += &self.taken.map_or_else(
            || "nodes: not asked what they took; name their admin addresses with --admin\n".to_owned(),
            |Used { idle_session_bytes, session_bytes, call_cpu_us }| {
                format!(
                    "nodes: {:.1} KiB a session idle, {:.1} KiB after its calls; {call_cpu_us:.0} µs of CPU a call\n",
                    idle_session_bytes / 1024.0,
                    session_bytes / 1024.0
                )
            },
        );
        if *unpublished > 0 {
            text += &format!("{unpublished} records were not taken by Kafka\n");
        }
        if *connections_lost > 0 {
            text += &format!("{connections_lost} connections broke\n");
        }
        text + "\n" + &bars(&tally.took, bare)
    }

    fn table(&self) -> Table {
        let (pop, bare) = (&self.outcome.tally.took, &self.outcome.bare);
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY);
        table.set_header(["", "p50", "p90", "p99", "p99.9", "max"]);
        let (of_pop, of_bare) = (times(pop), times(bare));
        let row = |name: &str, times: &[f64]| {
            std::iter::once(name.to_owned()).chain(times.iter().map(|ms| format!("{ms:.3}"))).collect::<Vec<_>>()
        };
        table.add_row(row("pop: frame read", &of_pop));
        table.add_row(row("bare consumer: record read", &of_bare));
        let difference: Vec<f64> = of_pop.iter().zip(&of_bare).map(|(pop, bare)| pop - bare).collect();
        table.add_row(row("difference", &difference));
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    pub fn json(&self) -> String {
        let Outcome { tally, bare, unpublished, connections_lost, .. } = &self.outcome;
        json!({
            "agents": self.agents,
            "rate": self.rate,
            "seconds": self.seconds.as_secs_f64(),
            "unit": "microseconds",
            "pop": microseconds(&tally.took),
            "bare": microseconds(bare),
            "sent": tally.sent,
            "received": tally.received,
            "lost": tally.lost(),
            "doubled": tally.doubled,
            "outOfOrder": tally.out_of_order,
            "withoutTimeline": tally.without_timeline,
            "popBytes": tally.pop_bytes(),
            "unpublished": unpublished,
            "connectionsLost": connections_lost,
            "idleSessionBytes": self.taken.map(|taken| taken.idle_session_bytes),
            "sessionBytes": self.taken.map(|taken| taken.session_bytes),
            "callCpuMicroseconds": self.taken.map(|taken| taken.call_cpu_us),
        })
        .to_string()
    }
}

/// The quantiles and the maximum, in milliseconds.
pub fn times(took: &Histogram<u64>) -> Vec<f64> {
    let quantiles = QUANTILES.iter().map(|(_, quantile)| took.value_at_quantile(*quantile));
    quantiles.chain([took.max()]).map(|us| us as f64 / 1000.0).collect()
}

pub fn microseconds(took: &Histogram<u64>) -> Value {
    let mut values: serde_json::Map<String, Value> = QUANTILES
        .iter()
        .map(|(name, quantile)| ((*name).to_owned(), took.value_at_quantile(*quantile).into()))
        .collect();
    values.insert("max".into(), took.max().into());
    values.insert("count".into(), took.len().into());
    Value::Object(values)
}

/// How many fell into each doubling of a quarter of a millisecond: pops above, the bare consumer's records below.
pub fn bars(pop: &Histogram<u64>, bare: &Histogram<u64>) -> String {
    let mut lines = Vec::new();
    let mut low = 0;
    let mut high = 250;
    while low <= pop.max().max(bare.max()) && low < TOOK_US_MAX {
        let share = |took: &Histogram<u64>| took.count_between(low, high - 1) as f64 / took.len().max(1) as f64;
        for (name, share) in [("pop ", share(pop)), ("bare", share(bare))] {
            if share > 0.0 {
                let bar = "█".repeat((share * BAR_CHARS).ceil() as usize);
                lines.push(format!("under {:>8} ms  {name} {bar} {:.1} %", high as f64 / 1000.0, share * 100.0));
            }
        }
        low = high;
        high *= 2;
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn pop(agent: u32, call: u64) -> Pop {
        Pop { agent, call, at: Instant::now(), with_timeline: true, bytes: 500 }
    }

    #[test]
    fn lost_doubled_and_disordered_pops_are_counted_after_the_warm_up() {
        let plan = Plan::new(2, 10.0, Duration::from_millis(200), Duration::from_secs(1), vec!["+1".into()]);
        let mut tally = Tally::new(&plan).unwrap();
        for (agent, call) in [(0, 0), (0, 0), (0, 3), (0, 2), (1, 4), (1, 4)] {
            tally.add(&plan, &pop(agent, call));
        }
        assert_eq!((tally.read, tally.lost(), tally.doubled, tally.out_of_order), (4, 7, 1, 1));
        assert!(!tally.complete() && tally.was_read(3) && !tally.was_read(5));
    }

    #[test]
    fn a_report_shows_both_beside_each_other() {
        let plan = Plan::new(1, 1.0, Duration::ZERO, Duration::from_secs(1), vec!["+1".into()]);
        let mut tally = Tally::new(&plan).unwrap();
        tally.took.saturating_record(1500);
        let mut bare = histogram().unwrap();
        bare.saturating_record(600);
        let outcome = Outcome { calls: plan.calls, tally, bare, unpublished: 0, connections_lost: 2, server: None };
        let taken = Some(Used { idle_session_bytes: 5120.0, session_bytes: 6656.0, call_cpu_us: 41.6 });
        let report = Report { agents: 1000, rate: 200.0, seconds: Duration::from_secs(30), outcome, taken };
        let text = report.text();
        let nodes = "5.0 KiB a session idle, 6.5 KiB after its calls; 42 µs of CPU a call";
        for part in
            [nodes, "1,000 agents", "difference", "1.500", "0.600", "2 connections broke", "under        2 ms  pop "]
        {
            assert!(text.contains(part), "{part} is not in:\n{text}");
        }
        assert_eq!(serde_json::from_str::<Value>(&report.json()).unwrap()["bare"]["max"], 600);
    }
}
