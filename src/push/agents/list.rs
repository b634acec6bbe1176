//! Who is known here, for people who ask.

use std::collections::HashMap;

use serde::Serialize;

use super::Agents;

/// An agent for the list of `/v1/agents`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentSummary {
    pub agent_id: String,
    pub open_calls: usize,
    pub sessions: usize,
}

impl Agents {
    pub fn list(&self) -> Vec<AgentSummary> {
        let inner = self.lock();
        let mut agents: HashMap<&str, AgentSummary> = HashMap::new();
        let called = inner.calls.agents().map(|(agent_id, open_calls)| (agent_id, open_calls, 0));
        let seated = inner.seats.agents().map(|(agent_id, sessions)| (agent_id, 0, sessions));
        for (agent_id, open_calls, sessions) in called.chain(seated) {
            let agent = agents.entry(agent_id).or_insert_with(|| AgentSummary {
                agent_id: agent_id.to_owned(),
                open_calls: 0,
                sessions: 0,
            });
            agent.open_calls += open_calls;
            agent.sessions += sessions;
        }
        let mut agents: Vec<AgentSummary> = agents.into_values().collect();
        agents.sort_by(|a, b| a.agent_id.cmp(&b.agent_id));
        agents
    }

    pub fn sessions(&self) -> usize {
        self.lock().seats.agents().map(|(_, sessions)| sessions).sum()
    }
}
