//! Which partitions a group member owns. Ownership is numbered: a partition that is lost and assigned again has another number.

use std::collections::HashMap;

use parking_lot::Mutex;

/// The partitions of one member, over all the clients that it has one after the other. Never waits.
#[derive(Default)]
pub(super) struct Assignments(Mutex<State>);

#[derive(Default)]
struct State {
    /// The events of earlier clients no longer count.
    client: u64,
    partitions: HashMap<i32, Ownership>,
}

#[derive(Default)]
struct Ownership {
    number: u64,
    owned: bool,
}

impl Assignments {
    /// Every ownership ends. Returns the number of the next client.
    pub(super) fn renew(&self) -> u64 {
        let mut state = self.0.lock();
        for ownership in state.partitions.values_mut() {
            *ownership = Ownership { number: ownership.number + 1, owned: false };
        }
        state.client += 1;
        state.client
    }

    pub(super) fn assigned(&self, client: u64, partitions: impl IntoIterator<Item = i32>) {
        self.change(client, partitions, true);
    }

    pub(super) fn revoked(&self, client: u64, partitions: impl IntoIterator<Item = i32>) {
        self.change(client, partitions, false);
    }

    fn change(&self, client: u64, partitions: impl IntoIterator<Item = i32>, owned: bool) {
        let mut state = self.0.lock();
        if state.client != client {
            return;
        }
        for partition in partitions {
            let ownership = state.partitions.entry(partition).or_default();
            *ownership = Ownership { number: ownership.number + 1, owned };
        }
    }

    /// The partition's ownership number now.
    pub(super) fn number(&self, partition: i32) -> u64 {
        self.0.lock().partitions.get(&partition).map_or(0, |ownership| ownership.number)
    }

    /// The partition is owned, and has been without a break since it had this number.
    pub(super) fn owns(&self, partition: i32, number: u64) -> bool {
        let state = self.0.lock();
        state.partitions.get(&partition).is_some_and(|ownership| ownership.owned && ownership.number == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ownership_ends_with_its_revocation_and_does_not_come_back() {
        let assignments = Assignments::default();
        assert!(!assignments.owns(0, assignments.number(0)), "nothing is owned at first");
        assignments.assigned(0, [0, 1]);
        let (zero, one) = (assignments.number(0), assignments.number(1));
        assert!(assignments.owns(0, zero) && assignments.owns(1, one));
        assignments.revoked(0, [0]);
        assert!(!assignments.owns(0, zero) && !assignments.owns(0, assignments.number(0)));
        assert!(assignments.owns(1, one), "the other partition stays");
        assignments.assigned(0, [0]);
        assert!(!assignments.owns(0, zero) && assignments.owns(0, assignments.number(0)));
    }

    #[test]
    fn a_new_client_owns_nothing_and_the_late_events_of_the_old_one_change_nothing() {
        let assignments = Assignments::default();
        assignments.assigned(0, [0]);
        let old = assignments.number(0);
        let client = assignments.renew();
        assert!(!assignments.owns(0, old) && !assignments.owns(0, assignments.number(0)));
        assignments.assigned(client, [0]);
        let new = assignments.number(0);
        // The old client is closed on a thread of its own.
        assignments.revoked(0, [0]);
        assert!(assignments.owns(0, new));
    }
}
