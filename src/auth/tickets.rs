//! Tickets: good for one `hello` within a short time, at the node that issued them. For pages that are to hold no token.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::Identity;

/// One agent's, or one program's that speaks for it, at a time; a further one takes the place of the oldest.
const OF_ONE_AGENT_MAX: usize = 16;

pub struct Tickets {
    lifetime: Duration,
    tickets_max: usize,
    issued: Mutex<HashMap<String, Issued>>,
}

struct Issued {
    identity: Identity,
    at: Instant,
}

impl Tickets {
    pub fn new(lifetime: Duration, tickets_max: usize) -> Self {
        Self { lifetime, tickets_max, issued: Mutex::default() }
    }

    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// `None`: so many are there that no further one is to be kept.
    pub fn issue(&self, identity: Identity, now: Instant) -> Option<String> {
        let mut issued = self.issued.lock();
        let own = issued.iter().filter(|(_, ticket)| ticket.identity.agent_id == identity.agent_id);
        if own.clone().count() >= OF_ONE_AGENT_MAX
            && let Some(oldest) = own.min_by_key(|(_, ticket)| ticket.at).map(|(name, _)| name.clone())
        {
            issued.remove(&oldest);
        }
        if issued.len() >= self.tickets_max {
            issued.retain(|_, ticket| now - ticket.at < self.lifetime);
        }
        if issued.len() >= self.tickets_max {
            return None;
        }
        // 256 bits of the generator that is made for secrets: nobody guesses one.
        let name = rand::random::<[u128; 2]>().map(|half| format!("{half:032x}")).concat();
        issued.insert(name.clone(), Issued { identity, at: now });
        Some(name)
    }

    /// Takes it: it is good once.
    pub fn redeem(&self, name: &str, now: Instant) -> Option<Identity> {
        let issued = self.issued.lock().remove(name)?;
        (now - issued.at < self.lifetime).then_some(issued.identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: Duration = Duration::from_secs(30);

    fn ana() -> Identity {
        Identity::unverified("ana".into())
    }

    #[test]
    fn a_ticket_is_good_once_and_not_for_long() {
        let (tickets, now) = (Tickets::new(LIFETIME, 10), Instant::now());
        let [first, second] = [(), ()].map(|()| tickets.issue(ana(), now).unwrap());
        assert_ne!(first, second);
        assert_eq!(tickets.redeem(&first, now + LIFETIME / 2), Some(ana()));
        assert_eq!(tickets.redeem(&first, now + LIFETIME / 2), None, "twice");
        assert_eq!(tickets.redeem(&second, now + LIFETIME), None, "too late");
        assert_eq!(tickets.redeem("another", now), None);
    }

    #[test]
    fn tickets_are_bounded_and_one_agent_does_not_take_all() {
        let (tickets, now) = (Tickets::new(LIFETIME, OF_ONE_AGENT_MAX + 1), Instant::now());
        let first = tickets.issue(ana(), now).unwrap();
        for nth in 0..2 * OF_ONE_AGENT_MAX as u64 {
            assert!(tickets.issue(ana(), now + Duration::from_millis(nth)).is_some());
        }
        assert_eq!(tickets.redeem(&first, now), None, "later ones took its place");
        let of = |agent: &str| Identity::unverified(agent.into());
        assert!(tickets.issue(of("ben"), now).is_some());
        assert!(tickets.issue(of("eva"), now).is_none(), "it is full");
        assert!(tickets.issue(of("eva"), now + 2 * LIFETIME).is_some(), "those that are too old make room");
    }
}
