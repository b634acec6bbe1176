//! Which calls fall into a quiet time, and which into one under attack.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::super::load::Plan;
use super::strangers::{Came, Strangers};

const LOOK_EVERY: Duration = Duration::from_millis(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Quiet,
    Attacked,
}

/// By the calls' numbers: they come at a steady rate.
pub struct Windows {
    warm: u64,
    calls: u64,
    /// Calls of a window.
    pub each: u64,
}

impl Windows {
    pub fn of(plan: &Plan, windows: u32) -> Self {
        Self { warm: plan.warm, calls: plan.calls, each: (plan.calls - plan.warm) / u64::from(windows) }
    }

    /// Quiet, attacked, attacked, quiet: what changes steadily is in both. The warm-up is quiet.
    fn kind(&self, call: u64) -> Kind {
        let Some(call) = call.checked_sub(self.warm) else { return Kind::Quiet };
        if matches!(call / self.each % 4, 1 | 2) { Kind::Attacked } else { Kind::Quiet }
    }

    /// Nothing for the warm-up, and for the beginning of a window.
    pub fn counts_as(&self, call: u64) -> Option<Kind> {
        let within = call.checked_sub(self.warm)? % self.each;
        (within >= self.each / 5).then(|| self.kind(call))
    }

    /// Lets the strangers come and go while the calls are published.
    pub async fn rule(&self, plan: &Plan, mut strangers: Strangers) -> anyhow::Result<Came> {
        let mut now = Kind::Quiet;
        loop {
            let published = plan.published.load(Ordering::Relaxed);
            if published >= self.calls {
                return strangers.end().await;
            }
            let kind = self.kind(published);
            if kind != now {
                now = kind;
                strangers.come(kind == Kind::Attacked).await?;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_come_as_quiet_attacked_attacked_quiet_without_their_beginnings() {
        let plan = Plan::new(1, 10.0, Duration::from_secs(1), Duration::from_secs(8), vec!["+12015550100".into()]);
        let windows = Windows::of(&plan, 8);
        assert_eq!((windows.each, windows.counts_as(9), windows.counts_as(11)), (10, None, None));
        let kinds: Vec<_> = (0..8).map(|nth| windows.counts_as(10 + nth * 10 + 2).unwrap() == Kind::Attacked).collect();
        assert_eq!(kinds, [false, true, true, false, false, true, true, false]);
    }
}
