//! The agents of a benchmark: as many WebSockets as wanted, each acknowledging its frames as the element does.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::load::Plan;
use crate::tools::agent::{AgentSocket, Frame, Heard, Who};
use crate::tools::progress::Progress;
use crate::tools::trust::Entrance;

/// Handshakes at a time.
const CONNECTING_MAX: usize = 64;

/// A pop that was read.
pub struct Pop {
    pub agent: u32,
    pub call: u64,
    pub at: Instant,
    pub with_timeline: bool,
    pub bytes: usize,
}

/// An agent that was welcomed.
pub struct Seated {
    pub agent: u32,
    pub socket: AgentSocket,
}

/// Spread over the nodes at these addresses, each with its token, where there are some.
pub async fn connect(entrances: &[Entrance], agents: u32, tokens: &[String]) -> anyhow::Result<Vec<Seated>> {
    connect_those(entrances, 0..agents, tokens).await
}

/// As above, agents with these numbers.
pub async fn connect_those(
    entrances: &[Entrance],
    agents: Range<u32>,
    tokens: &[String],
) -> anyhow::Result<Vec<Seated>> {
    let mut progress = Progress::of_things(agents.len() as u64, "agents");
    let mut seated = Vec::with_capacity(agents.len());
    let token = |agent: u32| tokens.get(agent as usize).map(String::as_str);
    let mut connecting = stream::iter(agents)
        .map(|agent| seat(&entrances[agent as usize % entrances.len()], agent, token(agent)))
        .buffer_unordered(CONNECTING_MAX);
    while let Some(agent) = connecting.try_next().await? {
        seated.push(agent);
        progress.at(seated.len() as u64, seated.len() as u64);
    }
    progress.finish();
    Ok(seated)
}

/// Welcomed, showing nothing.
pub async fn seat(entrance: &Entrance, agent: u32, token: Option<&str>) -> anyhow::Result<Seated> {
    let name = format!("bench-{agent}");
    let who = Who { agent: Some(&name), token, time_zone: None };
    let mut socket = AgentSocket::connect(entrance, who, &[]).await.with_context(|| name.clone())?;
    match socket.next().await {
        Heard::Frame(frame) if frame.head.r#type == "welcome" => Ok(Seated { agent, socket }),
        Heard::Frame(frame) => bail!("{name}: {} came before welcome", frame.head.r#type),
        Heard::Closed { code, reason } => bail!("{name}: closed ({code}): {reason}"),
    }
}

/// Reads on every socket until stopped; the answer is how many broke before.
pub fn read_all(
    agents: Vec<Seated>,
    plan: &Arc<Plan>,
    pops: &mpsc::UnboundedSender<Pop>,
    stop: &CancellationToken,
) -> impl Future<Output = u64> + use<> {
    let mut reading = JoinSet::new();
    for seated in agents {
        reading.spawn(read(seated, Arc::clone(plan), pops.clone(), stop.clone()));
    }
    async move {
        let mut lost = 0;
        while let Some(broke) = reading.join_next().await {
            lost += u64::from(broke.unwrap_or(true));
        }
        lost
    }
}

/// Whether the line broke.
async fn read(mut seated: Seated, plan: Arc<Plan>, pops: mpsc::UnboundedSender<Pop>, stop: CancellationToken) -> bool {
    loop {
        let heard = tokio::select! {
            heard = seated.socket.next() => heard,
            () = stop.cancelled() => {
                seated.socket.close().await;
                return false;
            }
        };
        let Heard::Frame(frame) = heard else { return true };
        if let Some(pop) = pop_of(&frame, seated.agent, &plan) {
            _ = pops.send(pop);
        }
        if matches!(frame.head.r#type.as_str(), "pop" | "update") {
            // A line that breaks here is noticed by the next read.
            _ = seated.socket.acknowledge(&frame.head, "received", Duration::ZERO).await;
            _ = seated.socket.acknowledge(&frame.head, "rendered", frame.at.elapsed()).await;
        }
    }
}

fn pop_of(frame: &Frame, agent: u32, plan: &Plan) -> Option<Pop> {
    if frame.head.r#type != "pop" || frame.is_repeated {
        return None;
    }
    let call = plan.call(frame.head.call_id()?)?;
    Some(Pop { agent, call, at: frame.at, with_timeline: frame.head.missing.is_none(), bytes: frame.text.len() })
}
