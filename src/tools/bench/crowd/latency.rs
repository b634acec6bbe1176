//! Others' pops beside calls that cost more than others, and beside an agent who searches without pause.

use super::paired::{Kind, Paired, in_turn};
use super::pressure::{Pressure, Seen};
use super::site::{MASK, Site, until_idle};
use super::window::Window;
use super::{Args, Part};
use crate::tools::bench::nodes::node::Node;
use crate::tools::output::note;

pub struct Case {
    pub part: Part,
    /// In JSON and in the names of topics.
    pub name: &'static str,
    pub pressure: Pressure,
    pub masked: bool,
}

pub const CASES: [Case; 3] = [
    Case { part: Part::Crowd, name: "crowd", pressure: Pressure::Ringing, masked: false },
    Case { part: Part::Crowd, name: "crowdMasked", pressure: Pressure::Ringing, masked: true },
    Case { part: Part::Search, name: "search", pressure: Pressure::Searching, masked: false },
];

/// What was measured of one case.
pub struct Latency {
    pub name: &'static str,
    pub what: String,
    pub p50_ms: Paired,
    pub p99_ms: Paired,
    /// Pops without a timeline: in quiet windows, and in those under pressure.
    pub without: [u64; 2],
    pub lost: u64,
    pub pops: [u64; 2],
    /// What became of the calls or searches that made the pressure.
    pub seen: Seen,
}

pub async fn measure(args: &Args, site: &Site<'_>, case: &Case) -> anyhow::Result<Latency> {
    let settings: &[(&str, &str)] = if case.masked { &[MASK] } else { &[] };
    let node = site.start(case.name, settings).await?;
    let mut latency = Latency {
        name: case.name,
        what: case.pressure.what(args, case.masked),
        p50_ms: Paired::default(),
        p99_ms: Paired::default(),
        without: [0; 2],
        lost: 0,
        pops: [0; 2],
        seen: Seen::default(),
    };
    // What the first calls of a node take is no other window's.
    Window::of_length(&node, args).await?;
    for pair in 0..args.pairs {
        let [before, after] = in_turn(pair);
        latency.add(before, &Window::of_length(&node, args).await?);
        latency.under_pressure(args, &node, case.pressure).await?;
        until_idle(&node).await?;
        latency.add(after, &Window::of_length(&node, args).await?);
        let medians = latency.p99_ms.medians().map(|ms| format!("{:.2}", ms.unwrap_or_default())).join(", ");
        note(&format!("{}, pair {} of {}: p99 so far {medians} ms (A, A', B)", case.name, pair + 1, args.pairs));
    }
    Ok(latency)
}

impl Latency {
    async fn under_pressure(&mut self, args: &Args, node: &Node, pressure: Pressure) -> anyhow::Result<()> {
        let pressing = pressure.begin(node, args).await?;
        let window = Window::of_length(node, args).await;
        self.seen.add(pressing.end().await?);
        self.add(Kind::B, &window?);
        Ok(())
    }

    fn add(&mut self, kind: Kind, window: &Window) {
        self.p50_ms.push(kind, window.ms(0.5));
        self.p99_ms.push(kind, window.ms(0.99));
        self.without[usize::from(kind == Kind::B)] += window.without_timeline;
        self.pops[usize::from(kind == Kind::B)] += window.took.len();
        self.lost += window.lost;
    }
}
