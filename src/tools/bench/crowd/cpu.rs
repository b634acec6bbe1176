//! CPU time that a node takes for an ordinary call, of this program and of another release.

use anyhow::Context as _;

use super::Args;
use super::files::{ordinary, ordinary_name, ordinary_numbers};
use super::paired::{Kind, Paired, in_turn};
use super::site::{Site, until_idle};
use super::window::{AGENTS, Window};
use crate::tools::bench::journey::processes::this_program;
use crate::tools::bench::load::Plan;
use crate::tools::bench::nodes::node::Node;
use crate::tools::output::{counted, note};

/// Calls a second: few enough for two cores, and enough for a window to be short.
const RATE: f64 = 500.0;

pub struct Cpu {
    pub what: String,
    pub us_a_call: Paired,
    pub without_timeline: u64,
    pub lost: u64,
    /// Whether there is a B.
    pub is_compared: bool,
}

/// A and A' are processes of their own, so that what differs between two starts of one program is in their ratio.
struct Nodes {
    before: Node,
    again: Node,
    compared: Option<Node>,
}

pub async fn measure(args: &Args, site: &Site<'_>) -> anyhow::Result<Cpu> {
    let nodes = Nodes::start(args, site).await?;
    let calls = counted(args.calls.into(), "call");
    let mut cpu = Cpu {
        what: format!("{}, {calls} a window", ordinary_name()),
        us_a_call: Paired::default(),
        without_timeline: 0,
        lost: 0,
        is_compared: nodes.compared.is_some(),
    };
    let [before, again] = [&nodes.before, &nodes.again];
    for node in [Some(before), Some(again), nodes.compared.as_ref()].into_iter().flatten() {
        window(node, args).await?; // the first calls of a node
    }
    for pair in 0..args.pairs {
        let [first, last] = in_turn(pair);
        let middle = nodes.compared.as_ref().map(|node| (Kind::B, node));
        let of = |kind| (kind, if kind == Kind::A { before } else { again });
        for (kind, node) in [Some(of(first)), middle, middle, Some(of(last))].into_iter().flatten() {
            cpu.add(kind, &window(node, args).await?);
        }
        let medians = cpu.us_a_call.medians().map(|us| us.map_or("–".to_owned(), |us| format!("{us:.1}")));
        note(&format!("cpu, pair {} of {}: {} µs a call so far (A, A', B)", pair + 1, args.pairs, medians.join(", ")));
    }
    Ok(cpu)
}

impl Nodes {
    /// Each on a store that its own release has written.
    async fn start(args: &Args, site: &Site<'_>) -> anyhow::Result<Self> {
        let (files, this) = (ordinary(site.folder)?, this_program()?);
        let start = async |program: &std::path::Path, name: &str| {
            site.import_by(program, &files, name).await?;
            site.start_by(program, name, name, &[]).await
        };
        let Some(against) = &args.against else {
            return Ok(Self {
                before: start(&this, "cpu-before").await?,
                again: start(&this, "cpu-again").await?,
                compared: None,
            });
        };
        let against = against.canonicalize().with_context(|| against.display().to_string())?;
        Ok(Self {
            before: start(&against, "cpu-before").await?,
            again: start(&against, "cpu-again").await?,
            compared: Some(start(&this, "cpu-this").await?),
        })
    }
}

async fn window(node: &Node, args: &Args) -> anyhow::Result<Window> {
    until_idle(node).await?;
    Window::run(node, Plan::exactly(AGENTS, RATE, args.calls.into(), ordinary_numbers())).await
}

impl Cpu {
    fn add(&mut self, kind: Kind, window: &Window) {
        self.us_a_call.push(kind, window.cpu_us_a_call);
        self.without_timeline += window.without_timeline;
        self.lost += window.lost;
    }
}
