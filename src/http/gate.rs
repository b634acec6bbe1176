//! Who is let in: bounds for all connections, for each address, and for those that are nobody's session yet.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::config::Http;
use crate::limited_log::{LINE_EVERY, LimitedLog, Line};
use crate::metrics::Metrics;
use crate::metrics::wire::{Refused, Waited};
use crate::pace::{Budget, Pace};

/// Addresses whose connections are gone are forgotten this often.
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// While all connections are taken, the oldest that is no session makes room this often.
const MAKE_ROOM_EVERY: Duration = Duration::from_millis(100);
/// How long a handshake waits for its turn before it looks again.
const PACE_EVERY: Duration = Duration::from_millis(5);

/// One listener's bounds, and what counts against them.
pub struct Gate {
    permits: Arc<Semaphore>,
    addresses: Arc<Addresses>,
    pending: Pending,
    pace: Pace,
    paced: Mutex<Budget>,
    proxies: Vec<IpNet>,
    log: Mutex<LimitedLog<Refused, IpAddr>>,
    metrics: Arc<Metrics>,
}

impl Gate {
    pub fn new(http: &Http, metrics: Arc<Metrics>) -> Arc<Self> {
        let now = Instant::now();
        let pace = Pace::steady(http.handshakes_per_second_max);
        Arc::new(Self {
            permits: Arc::new(Semaphore::new(http.connections_max)),
            addresses: Arc::new(Addresses {
                open_max: http.connections_per_address_max,
                pace: Pace::per_second(http.handshakes_per_second_per_address_max),
                known: Mutex::new(Known { seen: FxHashMap::default(), swept_at: now }),
            }),
            // Half of the connections stay with those who are somebody.
            pending: Pending::new(http.pending_max.min((http.connections_max / 2).max(1))),
            pace,
            paced: Mutex::new(Budget::full(&pace, now)),
            proxies: http.trusted_proxies.clone(),
            log: Mutex::default(),
            metrics,
        })
    }

    /// Waits until one more connection may be open: those to come wait in the kernel's queue.
    pub async fn room(&self) -> Option<OwnedSemaphorePermit> {
        let mut waited = false;
        loop {
            let permit = tokio::time::timeout(MAKE_ROOM_EVERY, Arc::clone(&self.permits).acquire_owned());
            if let Ok(permit) = permit.await {
                return permit.ok();
            }
            if !std::mem::replace(&mut waited, true) {
                self.metrics.wire.waited(Waited::Connections);
            }
            self.make_room();
        }
    }

    /// Waits until one more handshake may begin; those of addresses that come too often are turned away before, and count nothing.
    pub async fn pace(&self) {
        let mut waited = false;
        while !self.paced.lock().take(&self.pace, Instant::now()) {
            if !std::mem::replace(&mut waited, true) {
                self.metrics.wire.waited(Waited::Rate);
            }
            tokio::time::sleep(PACE_EVERY).await;
        }
    }

    /// Lets a connection in, or says why not: before a byte of it was read.
    pub fn enter(self: &Arc<Self>, permit: OwnedSemaphorePermit, peer: IpAddr) -> Result<Arc<Held>, Turned> {
        let seat = if self.is_proxy(peer) {
            None
        } else {
            match self.seat(peer) {
                Ok(seat) => Some(seat),
                Err(refused) => return Err(Turned(permit, refused)),
            }
        };
        self.metrics.connection_opened();
        let (id, leave) = self.pending.add();
        if self.pending.is_over() {
            self.make_room();
        }
        Ok(Arc::new(Held { id, peer, leave, gate: Arc::clone(self), _seat: seat, _permit: permit }))
    }

    /// One more connection of an address.
    pub fn seat(self: &Arc<Self>, of: IpAddr) -> Result<Seat, Refused> {
        let now = Instant::now();
        let place = place(of);
        match self.addresses.enter(place, now) {
            Ok(()) => Ok(Seat { addresses: Arc::clone(&self.addresses), place }),
            Err(refused) => {
                self.refused(refused, of, now);
                Err(refused)
            }
        }
    }

    pub fn is_proxy(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.proxies.iter().any(|network| network.contains(&address))
    }

    fn make_room(&self) {
        if self.pending.leave_oldest() {
            self.refused(Refused::Pending, IpAddr::V6(Ipv6Addr::UNSPECIFIED), Instant::now());
        }
    }

    /// Counted each time, and said now and then.
    fn refused(&self, why: Refused, who: IpAddr, now: Instant) {
        self.metrics.wire.refused(why);
        match self.log.lock().note(now, why, who) {
            Some(line) => say(why, &line),
            None => self.metrics.log_suppressed(),
        }
    }

    /// For ever; what was refused last is said too.
    pub async fn follow_log(&self) {
        let mut every = tokio::time::interval(LINE_EVERY);
        loop {
            every.tick().await;
            let lines = self.log.lock().flush(Instant::now());
            lines.iter().for_each(|(why, line)| say(*why, line));
        }
    }
}

fn say(why: Refused, Line { times, last, .. }: &Line<IpAddr>) {
    let (reason, limit) = (why.name(), why.limit());
    if why == Refused::Pending {
        warn!(reason, limit, times, "connections that were no session yet were closed for new ones");
    } else {
        warn!(reason, limit, times, client.address = %last, "connections were refused");
    }
}

/// A connection that is not let in, and the room that it would have taken.
pub struct Turned(pub OwnedSemaphorePermit, pub Refused);

/// One open connection, counted until the last of its owners is gone: a WebSocket outlives its handshake.
pub struct Held {
    id: u64,
    pub peer: IpAddr,
    /// Cancelled when it has to make room.
    leave: CancellationToken,
    gate: Arc<Gate>,
    /// None for a proxy: each of its clients takes one.
    _seat: Option<Seat>,
    _permit: OwnedSemaphorePermit,
}

impl Held {
    pub fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Until it has to make room for others; a session never has to.
    pub async fn is_sent_away(&self) {
        self.leave.cancelled().await;
    }

    /// Somebody said hello on it. `false`: it has to make room already.
    pub fn is_a_session(&self) -> bool {
        self.gate.pending.remove(self.id)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.gate.pending.remove(self.id);
        self.gate.metrics.connection_closed();
    }
}

/// Connections that nobody has said hello on, oldest first.
struct Pending {
    max: usize,
    next: AtomicU64,
    open: Mutex<BTreeMap<u64, CancellationToken>>,
}

impl Pending {
    fn new(max: usize) -> Self {
        Self { max, next: AtomicU64::new(0), open: Mutex::default() }
    }

    fn add(&self) -> (u64, CancellationToken) {
        let (id, leave) = (self.next.fetch_add(1, Ordering::Relaxed), CancellationToken::new());
        self.open.lock().insert(id, leave.clone());
        (id, leave)
    }

    /// `false`: it had to make room.
    fn remove(&self, id: u64) -> bool {
        self.open.lock().remove(&id).is_some()
    }

    fn is_over(&self) -> bool {
        self.open.lock().len() > self.max
    }

    fn leave_oldest(&self) -> bool {
        let mut open = self.open.lock();
        let oldest = open.pop_first();
        oldest.inspect(|(_, leave)| leave.cancel()).is_some()
    }
}

/// Whose connections are counted together: an IPv4 address, or a site's IPv6 network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    V4(u32),
    /// The first 64 bits: the rest is any client's to choose.
    V6(u64),
}

pub fn place(address: IpAddr) -> Place {
    match address.to_canonical() {
        IpAddr::V4(address) => Place::V4(address.to_bits()),
        IpAddr::V6(address) => Place::V6((address.to_bits() >> 64) as u64),
    }
}

struct Addresses {
    open_max: usize,
    pace: Pace,
    known: Mutex<Known>,
}

struct Known {
    seen: FxHashMap<Place, Seen>,
    swept_at: Instant,
}

struct Seen {
    open: usize,
    budget: Budget,
}

impl Addresses {
    fn enter(&self, place: Place, now: Instant) -> Result<(), Refused> {
        let mut known = self.known.lock();
        if now.saturating_duration_since(known.swept_at) >= SWEEP_EVERY {
            known.swept_at = now;
            known.seen.retain(|_, seen| seen.open > 0 || !seen.budget.is_full(&self.pace, now));
        }
        let seen = known.seen.entry(place);
        let seen = seen.or_insert_with(|| Seen { open: 0, budget: Budget::full(&self.pace, now) });
        if seen.open >= self.open_max {
            return Err(Refused::PerAddress);
        }
        if !seen.budget.take(&self.pace, now) {
            return Err(Refused::Rate);
        }
        seen.open += 1;
        Ok(())
    }
}

/// A place's part in its bounds; given back when dropped.
pub struct Seat {
    addresses: Arc<Addresses>,
    place: Place,
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(seen) = self.addresses.known.lock().seen.get_mut(&self.place) {
            seen.open = seen.open.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests;
