//! A dialler that lets many agents' calls come and go at random: several at once, offered to two, repeated, out of order; by a
//! clock that may be wrong. Every event that Kafka took is written down.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt as _;
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::json;
use tokio::task::JoinSet;

use super::parameter;
use crate::harness::{Kafka, call, interaction};
use crate::history::{Entry, Event, History, State};

/// Whom is called.
pub const CUSTOMERS: i64 = 5;
pub const INTERACTIONS_EACH: i64 = 3;
pub const LONG_INTERACTIONS: i64 = 400;
/// More of them at once would only be more of the same.
const OPEN_EACH_MAX: usize = 2;

pub fn customer(nth: i64) -> String {
    format!("+1201555010{nth}")
}

/// What there is to know of the customers.
pub async fn publish_history(kafka: &Kafka) {
    let mut records = Vec::new();
    for customer_nth in 0..CUSTOMERS {
        for nth in 1..=INTERACTIONS_EACH {
            let one = interaction(&format!("i-{customer_nth}-{nth}")).on(&customer(customer_nth)).days_ago(nth);
            records.push((one.key().to_owned(), Some(one.json().clone())));
        }
    }
    kafka.publish_many(&kafka.interactions, records).await;
}

/// Of one more customer: more than a megabyte.
pub async fn publish_a_long_history(kafka: &Kafka) {
    let comments = json!("A long letter. ".repeat(200));
    let records = (0..LONG_INTERACTIONS).map(|nth| {
        let one = interaction(&format!("long-{nth}")).on(&customer(CUSTOMERS)).days_ago(nth % 300 + 1);
        let one = one.with("comments", comments.clone());
        (one.key().to_owned(), Some(one.json().clone()))
    });
    kafka.publish_many(&kafka.interactions, records.collect()).await;
}

/// What the dialler thinks the time is.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    Right,
    Off(TimeDelta),
    /// By up to so much in either direction, from event to event.
    Jumping(TimeDelta),
}

impl Clock {
    fn now(self) -> DateTime<Utc> {
        let off = match self {
            Self::Right => TimeDelta::zero(),
            Self::Off(by) => by,
            Self::Jumping(by) => {
                TimeDelta::milliseconds(rand::random_range(-by.num_milliseconds()..=by.num_milliseconds()))
            }
        };
        // As it is written in events.
        DateTime::from_timestamp_millis((Utc::now() + off).timestamp_millis()).unwrap_or_default()
    }
}

/// A call as the dialler has it.
#[derive(Clone)]
struct Open {
    call_id: String,
    customer: String,
    state: State,
    /// The other agent that it was offered to.
    beside: Option<String>,
}

pub struct Dialler {
    topic: String,
    producer: FutureProducer,
    history: Arc<History>,
    clock: Clock,
    agents: Vec<String>,
    open: BTreeMap<String, Vec<Open>>,
    calls: usize,
    /// So many agents, from the first on.
    with_long_histories: usize,
    /// The last event, as it was sent: to be sent again.
    last: Option<(String, Open, DateTime<Utc>)>,
    taken: JoinSet<()>,
}

impl Dialler {
    pub fn of(kafka: &Kafka, agents: Vec<String>, history: &Arc<History>, clock: Clock) -> Self {
        Self {
            topic: kafka.calls.clone(),
            producer: kafka.patient_producer(),
            history: Arc::clone(history),
            clock,
            agents,
            open: BTreeMap::new(),
            calls: 0,
            with_long_histories: 0,
            last: None,
            taken: JoinSet::new(),
        }
    }

    pub fn goes_by(&mut self, clock: Clock) {
        self.clock = clock;
    }

    /// Call events at random for so long. Kafka's answers are not waited for.
    pub async fn works(&mut self, long: Duration) {
        let events = parameter("FAULTS_CALLS_A_SECOND", 60).max(1);
        let mut pace = tokio::time::interval(Duration::from_secs(1) / u32::try_from(events).unwrap_or(60));
        let until = tokio::time::Instant::now() + long;
        while tokio::time::Instant::now() < until {
            pace.tick().await;
            let agent_id = self.agents[rand::rng().random_range(0..self.agents.len())].clone();
            self.step(&agent_id);
        }
    }

    /// As after a restart: with a client that knows the topic as it is now.
    pub fn starts_again(&mut self, kafka: &Kafka) {
        self.producer = kafka.patient_producer();
    }

    /// Customers of the first agents are those of whom there is much to say.
    pub fn lets_the_first_call_those_with_long_histories(&mut self, agents: usize) {
        self.with_long_histories = agents;
    }

    pub fn ends_all(&mut self) {
        for agent_id in self.agents.clone() {
            while let Some(open) = self.open.get_mut(&agent_id).and_then(Vec::pop) {
                self.send(&agent_id, &Open { state: State::Ended, ..open }, self.clock.now());
            }
        }
    }

    /// Everyone is offered a call.
    pub fn offers_one_to_each(&mut self) {
        for agent_id in self.agents.clone() {
            self.offer(&agent_id, None);
        }
    }

    /// All that was sent was taken.
    pub async fn finish(&mut self) {
        while let Some(taken) = self.taken.join_next().await {
            taken.expect("Kafka took the event");
        }
    }

    fn step(&mut self, agent_id: &str) {
        let open = self.open.get(agent_id).map_or(0, Vec::len);
        match rand::rng().random_range(0..10) {
            0 => {
                if let Some((agent_id, open, at)) = self.last.clone() {
                    self.send(&agent_id, &open, at);
                }
            }
            1 if open < OPEN_EACH_MAX => {
                let other = self.agents[rand::rng().random_range(0..self.agents.len())].clone();
                self.offer(agent_id, Some(other).filter(|other| other != agent_id));
            }
            2..=4 if open < OPEN_EACH_MAX => self.offer(agent_id, None),
            _ if open == 0 => self.offer(agent_id, None),
            _ => self.goes_on(agent_id, rand::rng().random_range(0..open)),
        }
    }

    fn offer(&mut self, agent_id: &str, beside: Option<String>) {
        self.calls += 1;
        let call_id = format!("c-{}", self.calls);
        let is_long = self.agents.iter().take(self.with_long_histories).any(|one| one == agent_id);
        let customer = customer(if is_long { CUSTOMERS } else { rand::rng().random_range(0..CUSTOMERS) });
        let open = Open { call_id, customer, state: State::Offered, beside: beside.clone() };
        let at = self.clock.now();
        for agent_id in std::iter::once(agent_id.to_owned()).chain(beside) {
            self.send(&agent_id, &open, at);
        }
        self.open.entry(agent_id.to_owned()).or_default().push(open);
    }

    fn goes_on(&mut self, agent_id: &str, nth: usize) {
        let Some(open) = self.open.get_mut(agent_id).and_then(|open| open.get_mut(nth)) else { return };
        let now = self.clock.now();
        let next = match open.state {
            State::Offered => State::Connected,
            State::Connected if rand::rng().random_bool(0.3) => State::WrapUp,
            _ => State::Ended,
        };
        open.state = next;
        let sent = open.clone();
        if next != State::Ended {
            self.send(agent_id, &sent, now);
            return;
        }
        if let Some(calls) = self.open.get_mut(agent_id) {
            calls.remove(nth);
        }
        let overtaken = Open { state: State::WrapUp, ..sent.clone() };
        self.send(agent_id, &sent, now);
        if rand::rng().random_bool(0.2) {
            // What was before the end is heard after it.
            self.send(agent_id, &overtaken, now - TimeDelta::milliseconds(1));
        }
        if let Some(other) = &sent.beside {
            // Whoever it was offered to as well has lost it by now, unless the clock says otherwise.
            self.send(other, &sent, now);
        }
    }

    fn send(&mut self, agent_id: &str, open: &Open, at: DateTime<Utc>) {
        let event = call(&open.call_id).to(agent_id).number(&open.customer).at(at).event(open.state.name()).to_string();
        let record = FutureRecord::to(&self.topic).key(agent_id).payload(&event);
        let delivery = self.producer.send_result(record).map_err(|(error, _)| error).expect("the producer has room");
        let history = Arc::clone(&self.history);
        let (call_id, owner, state) = (open.call_id.clone(), agent_id.to_owned(), open.state);
        self.taken.spawn(async move {
            let placed = delivery.await.expect("the producer lives").expect("Kafka takes the event");
            let (partition, offset) = (placed.partition, placed.offset);
            history.add(Entry::Published(Event { call_id, agent_id: owner, state, at, partition, offset }));
        });
        self.last = Some((agent_id.to_owned(), open.clone(), at));
    }
}
