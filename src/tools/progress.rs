//! How far a long command is: a bar with rate and remaining time on a terminal, a line every few seconds elsewhere.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressStyle};

use super::output::{note, thousands};

/// Where nobody watches a terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);
const TEMPLATE_BYTES: &str = "{wide_bar} {bytes}/{total_bytes}  {msg}  {eta} left";
const TEMPLATE_COUNT: &str = "{wide_bar} {pos}/{len}  {msg}  {eta} left";

/// What the length of the bar stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Bytes,
    Things,
}

pub struct Progress {
    bar: Option<ProgressBar>,
    unit: Unit,
    /// What is counted beside the length, in the plural: "records".
    things: &'static str,
    length: u64,
    count: u64,
    started: Instant,
    said: Instant,
}

impl Progress {
    /// Over a length in bytes, with the rate of `things`.
    pub fn of_bytes(length: u64, things: &'static str) -> Self {
        Self::new(Unit::Bytes, length, things)
    }

    /// Over so many `things`.
    pub fn of_things(length: u64, things: &'static str) -> Self {
        Self::new(Unit::Things, length, things)
    }

    fn new(unit: Unit, length: u64, things: &'static str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let template = if unit == Unit::Bytes { TEMPLATE_BYTES } else { TEMPLATE_COUNT };
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(length).with_style(style.progress_chars("█▉▊▋▌▍▎▏ "))
        });
        let now = Instant::now();
        Self { bar, unit, things, length, count: 0, started: now, said: now }
    }

    /// `position` in the bar's unit; `count` things so far.
    pub fn at(&mut self, position: u64, count: u64) {
        self.count = count;
        if let Some(bar) = &self.bar {
            bar.set_message(self.rate());
            bar.set_position(position);
        } else if self.said.elapsed() >= LINE_EVERY {
            self.said = Instant::now();
            note(&self.line(position));
        }
    }

    fn rate(&self) -> String {
        let per_second = self.count as f64 / self.started.elapsed().as_secs_f64().max(0.001);
        format!("{} {}  {}/s", thousands(self.count), self.things, thousands(per_second as u64))
    }

    fn line(&self, position: u64) -> String {
        let done = position as f64 / self.length.max(1) as f64;
        let left = self.started.elapsed().mul_f64(((1.0 - done) / done.max(0.001)).clamp(0.0, 1e6));
        let of = match self.unit {
            Unit::Bytes => format!("{} of {}", HumanBytes(position), HumanBytes(self.length)),
            Unit::Things => format!("{} of {}", thousands(position), thousands(self.length)),
        };
        format!("{:.0} %, {of}, {}, {} left", done * 100.0, self.rate(), HumanDuration(left))
    }

    /// Takes the bar away; says how long it took.
    pub fn finish(self) -> Duration {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
        self.started.elapsed()
    }
}
