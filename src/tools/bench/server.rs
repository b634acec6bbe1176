//! What the measured nodes take of their machine, as their own metrics say it.

use std::time::Duration;

use anyhow::Context as _;

use super::push::Outcome;
use crate::tools::service::RunningService;

/// Connections that were made a moment ago still give back what the handshake took.
const REST: Duration = Duration::from_secs(2);

/// What all nodes together took until a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Taken {
    pub cpu_seconds: f64,
    pub resident_bytes: f64,
}

/// The admin addresses of the nodes; none where nobody asks.
pub struct Servers(Vec<RunningService>);

impl Servers {
    pub fn of(admin: Vec<RunningService>) -> Self {
        Self(admin)
    }

    pub async fn used(&self) -> anyhow::Result<Option<Taken>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let mut all = Taken::default();
        for node in &self.0 {
            let text =
                node.get(&["metrics"], &[]).await.with_context(|| format!("asking {} for metrics", node.base()))?;
            let (Some(cpu), Some(memory)) =
                (metric(&text, "process_cpu_seconds_total"), metric(&text, "process_resident_memory_bytes"))
            else {
                return Ok(None); // its system does not tell
            };
            all.cpu_seconds += cpu;
            all.resident_bytes += memory;
        }
        Ok(Some(all))
    }

    pub async fn used_at_rest(&self) -> anyhow::Result<Option<Taken>> {
        if !self.0.is_empty() {
            tokio::time::sleep(REST).await;
        }
        self.used().await
    }
}

fn metric(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

/// What that is for a session, and for a call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Used {
    pub idle_session_bytes: f64,
    /// After its calls.
    pub session_bytes: f64,
    pub call_cpu_us: f64,
}

impl Used {
    pub fn of(
        before: Option<Taken>,
        idle: Option<Taken>,
        outcome: &Outcome,
        sessions: u64,
        calls: u64,
    ) -> Option<Self> {
        let (before, idle, [first, last]) = (before?, idle?, outcome.server?);
        let each = |taken: Taken| (taken.resident_bytes - before.resident_bytes).max(0.0) / sessions.max(1) as f64;
        Some(Self {
            idle_session_bytes: each(idle),
            session_bytes: each(last),
            call_cpu_us: (last.cpu_seconds - first.cpu_seconds) * 1e6 / calls.max(1) as f64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_found_by_its_whole_name() {
        let text = "# TYPE process_cpu_seconds counter\nprocess_cpu_seconds_total 1.5\nprocess_cpu_seconds_total_x 9\n";
        assert_eq!(metric(text, "process_cpu_seconds_total"), Some(1.5));
        assert_eq!(metric(text, "process_cpu_seconds"), None);
    }
}
