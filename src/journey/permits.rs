//! Which look-up may begin. Pops go first, and everything else shares a bounded rest fairly.
//!
//! Two bounds work together. Each place has as many permits as connections; look-ups for pops may take all of them, all others
//! together at most half. And all others, over all places, are bounded by the number of cores less one: a look-up in SQLite and
//! the preparing of its timeline use a core from beginning to end, so two searches would keep both cores of a small machine busy
//! while pops arrive. One core is always left to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// What a look-up is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Pop,
    /// An open timeline is brought up to date.
    Update,
    Search,
    /// `GET /v1/journeys/{number}`.
    Api,
    Reveal,
}

const PURPOSES: usize = 5;

impl Purpose {
    const OTHERS: [Self; PURPOSES - 1] = [Self::Update, Self::Search, Self::Api, Self::Reveal];

    pub fn name(self) -> &'static str {
        match self {
            Self::Pop => "pop",
            Self::Update => "update",
            Self::Search => "search",
            Self::Api => "api",
            Self::Reveal => "reveal",
        }
    }

    fn index(self) -> usize {
        self as usize
    }
}

/// Connections that a place needs: one is left for pops, however few are set.
pub fn connections(lookups_max: usize) -> usize {
    lookups_max.max(2)
}

/// How many look-ups that are not for pops may run at the same time on so many cores.
pub fn others_max(lookups_max: usize, cores: usize) -> usize {
    (connections(lookups_max) / 2).min(cores.saturating_sub(1)).max(1)
}

pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Permits of one place, or of the program.
#[derive(Debug)]
pub struct Permits {
    total: usize,
    /// Those that pops leave to all others together.
    others_max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    running: [usize; PURPOSES],
    /// In the order in which they came.
    waiting: [BTreeMap<u64, oneshot::Sender<Permit>>; PURPOSES],
    /// When each purpose got a permit last, counted in permits.
    served_at: [u64; PURPOSES],
    next: u64,
}

/// Permits of a purpose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    pub running: usize,
    pub waiting: usize,
}

/// Given back when dropped.
#[derive(Debug)]
pub struct Permit {
    of: Arc<Permits>,
    purpose: Purpose,
}

impl Permits {
    pub fn new(total: usize, others_max: usize) -> Arc<Self> {
        Arc::new(Self { total, others_max, state: Mutex::default() })
    }

    /// Of each purpose that takes its permits here: of the program all but pops, of a place pops alone.
    pub fn load(program: &Self, places: &[Arc<Self>]) -> Vec<(Purpose, Load)> {
        let pops = places.iter().map(|place| place.load_of(Purpose::Pop));
        let pops = pops.fold(Load::default(), |all, of| Load {
            running: all.running + of.running,
            waiting: all.waiting + of.waiting,
        });
        let others = Purpose::OTHERS.into_iter().map(|purpose| (purpose, program.load_of(purpose)));
        others.chain([(Purpose::Pop, pops)]).collect()
    }

    fn load_of(&self, purpose: Purpose) -> Load {
        let state = self.state.lock();
        Load { running: state.running[purpose.index()], waiting: state.waiting[purpose.index()].len() }
    }

    /// Waits for a permit. Ready at once if one is free and nobody with a better right waits. Safe to cancel.
    pub async fn acquire(self: &Arc<Self>, purpose: Purpose) -> Permit {
        loop {
            let (id, granted) = {
                let mut state = self.state.lock();
                if state.waiting[purpose.index()].is_empty() && self.has_room(&state, purpose) {
                    return self.start(&mut state, purpose);
                }
                let (grant, granted) = oneshot::channel();
                let id = state.next();
                state.waiting[purpose.index()].insert(id, grant);
                (id, granted)
            };
            let _waits = Waits { of: self, purpose, id };
            // The sender lives in `waiting` until it has sent.
            if let Ok(permit) = granted.await {
                return permit;
            }
        }
    }

    fn has_room(&self, state: &State, purpose: Purpose) -> bool {
        let others: usize = Purpose::OTHERS.iter().map(|other| state.running[other.index()]).sum();
        let pops = state.running[Purpose::Pop.index()];
        let pops_wait = !state.waiting[Purpose::Pop.index()].is_empty();
        pops + others < self.total && (purpose == Purpose::Pop || (others < self.others_max && !pops_wait))
    }

    fn start(self: &Arc<Self>, state: &mut State, purpose: Purpose) -> Permit {
        state.running[purpose.index()] += 1;
        state.served_at[purpose.index()] = state.next();
        Permit { of: Arc::clone(self), purpose }
    }

    /// Whose turn is next: pops; then the purpose of which the fewest run; among equals the one that was served longest ago.
    fn next_purpose(&self, state: &State) -> Option<Purpose> {
        let waits = |purpose: Purpose| !state.waiting[purpose.index()].is_empty() && self.has_room(state, purpose);
        if waits(Purpose::Pop) {
            return Some(Purpose::Pop);
        }
        let others = Purpose::OTHERS.into_iter().filter(|purpose| waits(*purpose));
        others.min_by_key(|purpose| (state.running[purpose.index()], state.served_at[purpose.index()]))
    }

    fn give_out(self: &Arc<Self>) {
        loop {
            let (grant, permit) = {
                let mut state = self.state.lock();
                let Some(purpose) = self.next_purpose(&state) else { return };
                let Some((_, grant)) = state.waiting[purpose.index()].pop_first() else { return };
                (grant, self.start(&mut state, purpose))
            };
            // A waiter that has gone gives its permit back, outside the lock.
            drop(grant.send(permit));
        }
    }

    #[cfg(test)]
    fn waiting(&self) -> usize {
        self.state.lock().waiting.iter().map(BTreeMap::len).sum()
    }
}

impl State {
    fn next(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        {
            let mut state = self.of.state.lock();
            let running = &mut state.running[self.purpose.index()];
            *running = running.saturating_sub(1);
        }
        self.of.give_out();
    }
}

/// A waiter. Leaves the queue if it is cancelled.
struct Waits<'p> {
    of: &'p Arc<Permits>,
    purpose: Purpose,
    id: u64,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        let was_waiting = self.of.state.lock().waiting[self.purpose.index()].remove(&self.id).is_some();
        // Others may have waited only because this pop did.
        if was_waiting && self.purpose == Purpose::Pop {
            self.of.give_out();
        }
    }
}

/// The right to look a journey up and to prepare what comes of it. Cheap to clone; given back with the last clone, so that work
/// that nobody waits for any more still counts.
#[derive(Debug, Clone)]
pub struct Turn {
    pub purpose: Purpose,
    _permit: Option<Arc<Permit>>,
}

impl Turn {
    /// Pops take no turn: only a place's connections bound them.
    pub fn of_pop() -> Self {
        Self { purpose: Purpose::Pop, _permit: None }
    }

    /// Everything else waits for one of the program's.
    pub async fn wait(permits: &Arc<Permits>, purpose: Purpose) -> Self {
        Self { purpose, _permit: Some(Arc::new(permits.acquire(purpose).await)) }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn at_once(permits: &Arc<Permits>, purpose: Purpose) -> Option<Permit> {
        permits.acquire(purpose).now_or_never()
    }

    #[test]
    fn at_least_one_connection_and_one_core_are_left_for_pops() {
        for lookups_max in 1..20 {
            for cores in 1..20 {
                let others = others_max(lookups_max, cores);
                assert!((1..connections(lookups_max)).contains(&others), "{lookups_max} look-ups: {others}");
                assert!(others < cores || cores == 1, "{cores} cores: {others}");
                assert!(2 * others <= connections(lookups_max));
            }
        }
        assert_eq!((connections(1), connections(4), others_max(4, 2), others_max(8, 16)), (2, 4, 1, 4));
    }

    #[test]
    fn a_pop_finds_a_permit_whatever_else_is_asked_for() {
        let permits = Permits::new(4, 2);
        let mut others = Vec::new();
        for purpose in [Purpose::Search, Purpose::Update, Purpose::Api, Purpose::Reveal, Purpose::Search] {
            others.extend(at_once(&permits, purpose));
        }
        assert_eq!(others.len(), 2);
        let pops: Vec<_> = (0..3).filter_map(|_| at_once(&permits, Purpose::Pop)).collect();
        assert_eq!(pops.len(), 2, "all that are left, and no more");
        drop(others);
        assert!(at_once(&permits, Purpose::Pop).is_some());
    }

    #[tokio::test]
    async fn a_waiting_pop_goes_before_what_waited_longer() {
        let permits = Permits::new(2, 1);
        let held = [permits.acquire(Purpose::Pop).await, permits.acquire(Purpose::Pop).await];
        let (mut search, mut pop) =
            (Box::pin(permits.acquire(Purpose::Search)), Box::pin(permits.acquire(Purpose::Pop)));
        assert!(search.as_mut().now_or_never().is_none() && pop.as_mut().now_or_never().is_none());
        let [first, second] = held;
        drop(first);
        assert!(search.as_mut().now_or_never().is_none());
        let pop = pop.as_mut().now_or_never().unwrap();
        drop(second);
        assert!(search.as_mut().now_or_never().is_some());
        drop(pop);
    }

    #[tokio::test]
    async fn no_purpose_starves_another_however_many_wait_for_it() {
        let permits = Permits::new(2, 1);
        let (served, mut tasks) = (Arc::new(Mutex::new(Vec::new())), Vec::new());
        let first = permits.acquire(Purpose::Search).await;
        for purpose in [[Purpose::Search; 20], [Purpose::Api; 20], [Purpose::Update; 20]].concat() {
            let (permits, served) = (Arc::clone(&permits), Arc::clone(&served));
            tasks.push(tokio::spawn(async move {
                let _permit = permits.acquire(purpose).await;
                served.lock().push(purpose);
                tokio::task::yield_now().await;
            }));
        }
        tokio::task::yield_now().await;
        drop(first);
        for task in tasks {
            task.await.unwrap();
        }
        for three in served.lock().chunks(3) {
            for purpose in [Purpose::Search, Purpose::Api, Purpose::Update] {
                assert_eq!(three.iter().filter(|one| **one == purpose).count(), 1, "{three:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_waiter_that_leaves_keeps_no_permit_and_no_place() {
        let permits = Permits::new(1, 1);
        let held = permits.acquire(Purpose::Search).await;
        let mut gone = Box::pin(permits.acquire(Purpose::Search));
        assert!(gone.as_mut().now_or_never().is_none());
        drop(gone);
        assert_eq!(permits.waiting(), 0);
        // And one that leaves after it was given a permit, before it saw that.
        let mut late = Box::pin(permits.acquire(Purpose::Search));
        assert!(late.as_mut().now_or_never().is_none());
        drop(held);
        drop(late);
        assert!(at_once(&permits, Purpose::Search).is_some());
    }

    #[tokio::test]
    async fn a_pop_that_waits_no_longer_holds_up_nobody() {
        let permits = Permits::new(2, 1);
        let (_one, other) = (permits.acquire(Purpose::Pop).await, permits.acquire(Purpose::Pop).await);
        let mut pop = Box::pin(permits.acquire(Purpose::Pop));
        let mut search = Box::pin(permits.acquire(Purpose::Search));
        assert!(pop.as_mut().now_or_never().is_none() && search.as_mut().now_or_never().is_none());
        drop(other);
        drop(pop);
        assert!(search.as_mut().now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_turn_is_given_back_with_its_last_clone() {
        let permits = Permits::new(1, 1);
        let turn = Turn::wait(&permits, Purpose::Search).await;
        let of_the_thread = turn.clone();
        drop(turn);
        assert!(at_once(&permits, Purpose::Update).is_none(), "the work goes on");
        let search = (Purpose::Search, Load { running: 1, waiting: 0 });
        assert!(Permits::load(&permits, &[]).contains(&search));
        drop(of_the_thread);
        assert!(at_once(&permits, Purpose::Update).is_some());
    }
}
