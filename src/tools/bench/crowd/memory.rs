//! Resident memory of a node: before, at most during, and some time after what is asked of it.

use std::time::Duration;

use tokio::time::{interval, sleep};

use super::Args;
use super::pressure::{Pressing, Pressure, Seen};
use super::site::{MASK, Resident, Site, resident};
use super::window::Window;
use crate::tools::bench::nodes::node::Node;
use crate::tools::output::note;

const LOOK_EVERY: Duration = Duration::from_millis(20);
/// A node that has just started, and one after its first calls, still gives memory back.
const REST: Duration = Duration::from_secs(2);

pub struct Case {
    /// In JSON and in the names of topics.
    pub name: &'static str,
    pressure: Pressure,
    masked: bool,
}

/// The quiet case twice. What is left in the store by the last one is in nobody else's way.
pub const CASES: &[Case] = &[
    Case { name: "quiet", pressure: Pressure::None, masked: false },
    Case { name: "quietAgain", pressure: Pressure::None, masked: false },
    Case { name: "ringing", pressure: Pressure::Ringing, masked: false },
    Case { name: "ringingMasked", pressure: Pressure::Ringing, masked: true },
    Case { name: "searching", pressure: Pressure::Searching, masked: false },
    Case { name: "unreadAnswers", pressure: Pressure::UnreadAnswers, masked: false },
    Case { name: "unreadSessions", pressure: Pressure::UnreadSessions, masked: false },
    Case { name: "longLabels", pressure: Pressure::LongLabels, masked: false },
];

/// Of one case.
pub struct Memory {
    pub name: &'static str,
    pub what: String,
    /// Nothing was asked beside ordinary calls: what memory does by itself.
    pub is_quiet: bool,
    pub quiet: Resident,
    pub highest: Resident,
    pub left: Resident,
    /// Ordinary pops meanwhile.
    pub without_timeline: u64,
    pub lost: u64,
    pub seen: Seen,
}

impl Memory {
    pub fn above_mib(&self) -> f64 {
        self.highest.mib - self.quiet.mib
    }

    pub fn left_mib(&self) -> f64 {
        self.left.mib - self.quiet.mib
    }
}

pub async fn measure(args: &Args, site: &Site<'_>, case: &Case) -> anyhow::Result<Memory> {
    let what = case.pressure.what(args, case.masked);
    note(&format!("memory: {what}"));
    let settings: &[(&str, &str)] = if case.masked { &[MASK] } else { &[] };
    let node = site.start(case.name, settings).await?;
    Window::of_length(&node, args).await?;
    sleep(REST).await;
    let quiet = resident(&node)?;
    let mut highest = quiet;
    let (window, mut seen, staying) = watched(&node, &mut highest, during(args, &node, case)).await?;
    watched(&node, &mut highest, async {
        sleep(args.settle).await;
        Ok(())
    })
    .await?;
    let left = resident(&node)?;
    if let Some(staying) = staying {
        seen.add(staying.end().await?);
    }
    let Window { without_timeline, lost, .. } = window;
    let is_quiet = case.pressure == Pressure::None;
    Ok(Memory { name: case.name, what, is_quiet, quiet, highest, left, without_timeline, lost, seen })
}

/// A window of ordinary calls under pressure; what stays is handed back.
async fn during(args: &Args, node: &Node, case: &Case) -> anyhow::Result<(Window, Seen, Option<Pressing>)> {
    let pressing = case.pressure.begin(node, args).await?;
    let window = Window::of_length(node, args).await?;
    if pressing.stays() {
        return Ok((window, Seen::default(), Some(pressing)));
    }
    Ok((window, pressing.end().await?, None))
}

/// Looks at the node's memory until something is done.
async fn watched<T>(
    node: &Node,
    highest: &mut Resident,
    doing: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let mut doing = std::pin::pin!(doing);
    let mut every = interval(LOOK_EVERY);
    loop {
        tokio::select! {
            done = &mut doing => return done,
            _ = every.tick() => {
                let now = resident(node)?;
                if now.mib > highest.mib {
                    *highest = now;
                }
            }
        }
    }
}
