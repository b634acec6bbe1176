//! What the ledger's lines say together: which nodes were alive at a moment, and who had a session there. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::push::ledger::record::{Line, NodeLine, NodeState, Pop, SessionLine};

/// A node whose next line does not come within so many of its own intervals is gone, or stood still.
const INTERVALS_MISSED: f64 = 2.5;

/// A ledger that says nothing for longer than this has ended, whatever became of the nodes.
const SILENCE_MAX: TimeDelta = TimeDelta::minutes(10);

/// The lines of a time, later ones in the place of earlier ones with the same key.
#[derive(Debug, Default)]
pub struct Ledger {
    pops: BTreeMap<String, Pop>,
    sessions: BTreeMap<String, SessionLine>,
    /// Every line of each node, in the order of time.
    nodes: BTreeMap<String, Vec<NodeLine>>,
}

/// A node at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeThen<'a> {
    /// Its last line before.
    pub line: &'a NodeLine,
    pub state: NodeState,
    /// Nothing was heard of it after that line, though it should have been.
    pub fell_silent: bool,
}

impl Ledger {
    /// Takes a line in; those with the same key in the order in which they were written.
    pub fn take(&mut self, line: Line) {
        match line {
            Line::Pop(pop) => _ = self.pops.insert(Line::Pop(pop.clone()).key(), *pop),
            Line::Session(line) => _ = self.sessions.insert(line.session.clone(), line),
            Line::Node(line) => {
                let lines = self.nodes.entry(line.node.clone()).or_default();
                let place = lines.partition_point(|known| known.at <= line.at);
                lines.insert(place, line);
            }
        }
    }

    /// What became of a call at its agent's sessions, earliest first.
    pub fn pops_of(&self, call_id: &str, agent_id: &str) -> Vec<&Pop> {
        let of_both = |pop: &&Pop| pop.call_id == call_id && pop.agent_id == agent_id;
        let mut pops: Vec<&Pop> = self.pops.values().filter(of_both).collect();
        pops.sort_by_key(|pop| (pop.heard_at, pop.sent_at));
        pops
    }

    /// Calls and agents that there are pops of.
    pub fn pops(&self) -> impl Iterator<Item = &Pop> {
        self.pops.values()
    }

    /// Nodes that were alive at this moment.
    pub fn nodes_at(&self, at: DateTime<Utc>) -> Vec<NodeThen<'_>> {
        self.nodes.values().filter_map(|lines| node_at(lines, at)).collect()
    }

    /// Some node was heard of shortly before and shortly after: what is not in the ledger was not.
    pub fn reaches(&self, at: DateTime<Utc>) -> bool {
        let lines = || self.nodes.values().flatten();
        lines().any(|line| line.at <= at) && lines().any(|line| line.started_at <= at || line.at >= at)
    }

    /// No node said that it stops, and nothing was heard of any since long before: whether one was alive is not known.
    pub fn ended_before(&self, at: DateTime<Utc>) -> bool {
        let stopped = self.nodes.values().filter_map(|lines| lines.last()).any(|line| line.state == NodeState::Stopped);
        !stopped && self.span().is_some_and(|(_, last)| at - last > SILENCE_MAX)
    }

    /// The first and the last line of any node.
    pub fn span(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let times = || self.nodes.values().flatten().map(|line| line.at);
        times().min().zip(times().max())
    }

    /// Every line of every node, in the order of time.
    pub fn node_lines(&self) -> Vec<&NodeLine> {
        let mut lines: Vec<&NodeLine> = self.nodes.values().flatten().collect();
        lines.sort_by_key(|line| line.at);
        lines
    }

    /// When this node, or any, was ready next.
    pub fn ready_after(&self, at: DateTime<Utc>, node: Option<&str>) -> Option<DateTime<Utc>> {
        let meant = |line: &&NodeLine| node.is_none_or(|node| node == line.node);
        let ready = self.nodes.values().flatten().filter(|line| line.state == NodeState::Ready && line.at > at);
        ready.filter(meant).map(|line| line.at).min()
    }

    /// Sessions of a node that was alive, open at this moment.
    pub fn sessions_at(&self, at: DateTime<Utc>) -> Vec<&SessionLine> {
        let alive = self.nodes_at(at);
        let held = |session: &&SessionLine| {
            session.opened_at <= at
                && session.closed_at.is_none_or(|closed_at| closed_at >= at)
                && alive.iter().any(|node| node.line.node == session.node)
        };
        self.sessions.values().filter(held).collect()
    }

    /// Sessions of an agent, earliest first.
    pub fn sessions_of(&self, agent_id: &str) -> Vec<&SessionLine> {
        let mut sessions: Vec<&SessionLine> =
            self.sessions.values().filter(|session| session.agent_id == agent_id).collect();
        sessions.sort_by_key(|session| session.opened_at);
        sessions
    }

    /// Lines that nodes lost within this time: what the ledger would have said is missing.
    pub fn lost_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> u64 {
        let lost = |lines: &Vec<NodeLine>| {
            let before = lines.iter().take_while(|line| line.at <= from).last().map_or(0, |line| line.lost);
            // What is lost now is said by the next line.
            let next = lines.partition_point(|line| line.at <= to) + 1;
            let most = lines.iter().take(next).map(|line| line.lost).max().unwrap_or_default();
            most.saturating_sub(before)
        };
        self.nodes.values().map(lost).sum()
    }

    /// The agent ids with a session at this moment that mean the same person to whoever reads them.
    pub fn like(&self, agent_id: &str, at: DateTime<Utc>) -> Vec<&SessionLine> {
        let sessions = self.sessions_at(at);
        sessions
            .into_iter()
            .filter(|session| session.agent_id != agent_id && alike(&session.agent_id, agent_id))
            .collect()
    }
}

fn node_at(lines: &[NodeLine], at: DateTime<Utc>) -> Option<NodeThen<'_>> {
    let next = lines.partition_point(|line| line.at <= at);
    let Some(line) = next.checked_sub(1).map(|last| &lines[last]) else {
        // It was starting, and had not said so yet.
        let line = lines.first().filter(|line| line.started_at <= at)?;
        return Some(NodeThen { line, state: line.state, fell_silent: false });
    };
    if line.state == NodeState::Stopped {
        return None;
    }
    let patience = TimeDelta::milliseconds((line.every_ms as f64 * INTERVALS_MISSED) as i64);
    let until = lines.get(next).map(|following| following.at);
    let fell_silent = until.is_none_or(|until| until - line.at > patience);
    (!fell_silent || at - line.at <= patience).then_some(NodeThen { line, state: line.state, fell_silent })
}

/// Ids that differ in upper and lower case, in spaces and marks, or in the domain that stands with one of them.
pub fn alike(one: &str, other: &str) -> bool {
    let bare = |id: &str| {
        let id = id.trim().to_lowercase();
        let id = id.rsplit(['\\', '/']).next().unwrap_or_default();
        let local = id.split('@').next().unwrap_or_default();
        local.chars().filter(|c| c.is_alphanumeric()).collect::<String>()
    };
    let (one, other) = (bare(one), bare(other));
    !one.is_empty() && one == other
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000 + second, 0).unwrap()
    }

    fn alive(second: i64, state: NodeState) -> Line {
        Line::Node(NodeLine {
            node: "n-1".into(),
            started_at: at(0),
            state,
            sessions: 1,
            lost: 0,
            every_ms: 10_000,
            at: at(second),
        })
    }

    fn states(lines: &[(i64, NodeState)], second: i64) -> Vec<NodeState> {
        let mut ledger = Ledger::default();
        for (second, state) in lines {
            ledger.take(alive(*second, *state));
        }
        ledger.nodes_at(at(second)).iter().map(|node| node.state).collect()
    }

    #[test]
    fn a_node_is_alive_from_its_start_until_it_stops_or_falls_silent() {
        let stops = [(1, NodeState::Starting), (5, NodeState::Ready), (15, NodeState::Ready), (20, NodeState::Stopped)];
        assert_eq!(states(&stops, -1), []);
        assert_eq!(states(&stops, 0), [NodeState::Starting]);
        assert_eq!(states(&stops, 4), [NodeState::Starting]);
        assert_eq!(states(&stops, 12), [NodeState::Ready]);
        assert_eq!(states(&stops, 20), []);
        let killed = [(5, NodeState::Ready), (15, NodeState::Ready)];
        assert_eq!((states(&killed, 16).len(), states(&killed, 41).len()), (1, 0));
        let stood_still = [(5, NodeState::Ready), (65, NodeState::Ready)];
        assert_eq!([6, 40, 66].map(|second| states(&stood_still, second).len()), [1, 0, 1]);
    }

    #[test]
    fn ids_are_alike_that_a_person_takes_for_the_same() {
        for (one, other) in
            [("ana", "Ana"), ("ana.silva@example.com", "CORP\\ana.silva"), ("agent-4", "agent 4"), (" ana", "ana")]
        {
            assert!(alike(one, other), "{one} {other}");
        }
        for (one, other) in [("ana", "ann"), ("agent-1", "agent-2"), ("1001", "1002"), ("", "-")] {
            assert!(!alike(one, other), "{one} {other}");
        }
    }
}
