//! How long, and how many, calls are remembered, and which ones where there are more.

use chrono::TimeDelta;

/// How long, and how many, calls are believed in.
#[derive(Debug, Clone, Copy)]
pub struct CallLimits {
    pub open_max: TimeDelta,
    pub keep_after_end: TimeDelta,
    pub known_max: usize,
    /// Agents on one call id.
    pub agents_per_call_max: usize,
    /// Open calls of one agent.
    pub open_per_agent_max: usize,
}

#[cfg(test)]
impl CallLimits {
    /// The defaults, but for how many calls are remembered.
    pub fn of_tests(known_max: usize) -> Self {
        Self {
            open_max: TimeDelta::hours(2),
            keep_after_end: TimeDelta::minutes(2),
            known_max,
            agents_per_call_max: 4096,
            open_per_agent_max: 500,
        }
    }
}

/// Why a call was forgotten before it was too old. Each limit keeps the calls whose latest events are the latest. Of one moment, the
/// agents with the greater ids stay on a call id, and an agent keeps the calls with the greater ids.
///
/// Every node keeps the same agents of a call id, in whatever order the events arrive: an event only moves its call up, so a call
/// that belongs to the greatest in the end is not pushed out after its last event. Memory is bounded, so the order of arrival
/// still matters in three cases:
///
/// - Only open calls count at an agent. Each node keeps the open calls that belong to the greatest of *all* the agent's calls, ended
///   ones included. An older open call that was pushed out does not come back when a newer one ends.
/// - A call that exceeds one limit may first have pushed another call out by another limit.
/// - A call that was pushed out and then receives a later event starts again from that event. What earlier events said of it is lost (that it
///   was offered or answered, the campaign's name), except that a `connected` still takes back the offers of other agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Limit {
    /// `calls.known_max`
    Known,
    /// `calls.agents_per_call_max`
    AgentsPerCall,
    /// `calls.open_per_agent_max`
    OpenPerAgent,
}

impl Limit {
    pub const ALL: [Self; 3] = [Self::Known, Self::AgentsPerCall, Self::OpenPerAgent];

    pub fn name(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::AgentsPerCall => "agents_per_call",
            Self::OpenPerAgent => "open_per_agent",
        }
    }
}
