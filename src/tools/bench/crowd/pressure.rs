//! What is asked of a node beside ordinary calls, for as long as a window lasts.

use std::collections::BTreeMap;

use anyhow::anyhow;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Args, labels, ringing, searching, unread};
use crate::tools::bench::nodes::node::Node;
use crate::tools::output::{counted, thousands};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressure {
    None,
    Ringing,
    Searching,
    UnreadAnswers,
    UnreadSessions,
    LongLabels,
}

/// What came back, by what it was.
#[derive(Debug, Default, Clone)]
pub struct Seen(pub BTreeMap<String, u64>);

impl Seen {
    pub fn count(&mut self, what: impl Into<String>, times: u64) {
        *self.0.entry(what.into()).or_default() += times;
    }

    pub fn add(&mut self, other: Self) {
        other.0.into_iter().for_each(|(what, times)| self.count(what, times));
    }

    pub fn text(&self) -> String {
        let parts = self.0.iter().map(|(what, times)| format!("{what}: {}", thousands(*times)));
        parts.collect::<Vec<_>>().join(", ")
    }
}

impl Pressure {
    pub fn what(self, args: &Args, masked: bool) -> String {
        let masks = if masked { "with masks" } else { "without masks" };
        match self {
            Self::None => "quiet".to_owned(),
            Self::Ringing => {
                format!("calls of {} that share a number, {masks}", counted(args.contacts.into(), "contact"))
            }
            Self::Searching => {
                format!("{} sessions search {}", searching::SESSIONS, counted(args.interactions.into(), "interaction"))
            }
            Self::UnreadAnswers => format!("{} HTTP connections that do not read", unread::CONNECTIONS),
            Self::UnreadSessions => {
                format!("{} sessions that ask {} times and do not read", unread::SESSIONS, unread::SEARCHES_EACH)
            }
            Self::LongLabels => format!("{} with labels of 900 KB", counted(args.labels.into(), "record")),
        }
    }

    /// In effect when this returns.
    pub async fn begin(self, node: &Node, args: &Args) -> anyhow::Result<Pressing> {
        let mut pressing = Pressing { pressure: self, stop: CancellationToken::new(), tasks: JoinSet::new() };
        match self {
            Self::None => {}
            Self::Ringing => ringing::begin(node, &mut pressing).await?,
            Self::Searching => searching::begin(node, &mut pressing).await?,
            Self::UnreadAnswers => unread::answers(node, &mut pressing).await?,
            Self::UnreadSessions => unread::sessions(node, &mut pressing).await?,
            Self::LongLabels => labels::begin(node, args.labels, &mut pressing)?,
        }
        Ok(pressing)
    }
}

/// Under way until it is ended or dropped.
pub struct Pressing {
    pressure: Pressure,
    pub stop: CancellationToken,
    pub tasks: JoinSet<anyhow::Result<Seen>>,
}

impl Pressing {
    /// Clients that do not read are there until the end: what they hold does not become free because they leave.
    pub fn stays(&self) -> bool {
        matches!(self.pressure, Pressure::UnreadAnswers | Pressure::UnreadSessions)
    }

    /// Waits for what has an end of its own; stops all else.
    pub async fn end(mut self) -> anyhow::Result<Seen> {
        if self.pressure != Pressure::LongLabels {
            self.stop.cancel();
        }
        let mut seen = Seen::default();
        while let Some(ended) = self.tasks.join_next().await {
            seen.add(ended.map_err(|_| anyhow!("a client ended early"))??);
        }
        Ok(seen)
    }
}
