//! The calls of a benchmark: who is called when, published at a steady rate from a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::{SecondsFormat, Utc};
use parking_lot::Mutex;
use rdkafka::producer::{DeliveryFuture, FutureRecord};
use serde::Deserialize;
use serde_json::json;

use super::report::Tally;
use crate::kafka::{Brokers, Producer};

/// What is published, and when it was.
pub struct Plan {
    /// Part of every call id: tells this run's calls from another's.
    run: String,
    agents: u32,
    /// Agents are those from this one on.
    pub first_agent: u32,
    numbers: Vec<String>,
    /// Agents are called one after the other, not at random.
    in_turn: bool,
    rate: f64,
    /// Calls in all, and how many of them are the warm-up.
    pub calls: u64,
    pub warm: u64,
    origin: Instant,
    /// Nanoseconds from `origin`, by call; 0 while it was not published.
    sent_ns: Vec<AtomicU64>,
    /// How many calls were published.
    pub published: AtomicU64,
}

impl Plan {
    pub fn new(agents: u32, rate: f64, warmup: Duration, measured: Duration, numbers: Vec<String>) -> Self {
        let warm = (rate * warmup.as_secs_f64()).round() as u64;
        let calls = warm + (rate * measured.as_secs_f64()).round() as u64;
        Self {
            run: format!("bench-{:08x}-", rand::random::<u32>()),
            agents,
            first_agent: 0,
            numbers,
            in_turn: false,
            rate,
            calls,
            warm,
            origin: Instant::now(),
            sent_ns: (0..calls).map(|_| AtomicU64::new(0)).collect(),
            published: AtomicU64::new(0),
        }
    }

    /// One call for each agent, each to this number.
    pub fn one_each(agents: u32, rate: f64, number: String) -> Self {
        let all = Duration::from_secs_f64(f64::from(agents) / rate);
        Self { in_turn: true, ..Self::new(agents, rate, Duration::ZERO, all, vec![number]) }
    }

    /// So many calls, at a rate, to agents at random; all of them are measured.
    pub fn exactly(agents: u32, rate: f64, calls: u64, numbers: Vec<String>) -> Self {
        Self { rate, ..Self::new(agents, calls as f64, Duration::ZERO, Duration::from_secs(1), numbers) }
    }

    /// So many calls, as fast as Kafka takes them.
    pub fn at_once(agents: u32, calls: u64, numbers: Vec<String>) -> Self {
        let rate = calls as f64;
        Self { rate: f64::INFINITY, ..Self::new(agents, rate, Duration::ZERO, Duration::from_secs(1), numbers) }
    }

    /// The call behind an id, if it is one of this run.
    pub fn call(&self, call_id: &str) -> Option<u64> {
        call_id.strip_prefix(&self.run)?.parse().ok().filter(|call| *call < self.calls)
    }

    /// From handing the call over until `at`.
    pub fn took(&self, call: u64, at: Instant) -> Duration {
        let sent = self.sent_ns[call as usize].load(Ordering::Acquire);
        at.saturating_duration_since(self.origin + Duration::from_nanos(sent))
    }

    pub fn measured(&self, call: u64) -> bool {
        call >= self.warm
    }

    /// The call that a record offers, if it is one of this run.
    pub fn offered_call(&self, value: &[u8]) -> Option<u64> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Event<'a> {
            call_id: &'a str,
            state: &'a str,
        }
        let event: Event<'_> = serde_json::from_slice(value).ok()?;
        if event.state == "offered" { self.call(event.call_id) } else { None }
    }
}

/// The producer, and what it was given.
pub struct Load {
    plan: Arc<Plan>,
    producer: Producer,
    topic: String,
    stopped: AtomicBool,
    /// Agent and number of each call, as far as they were published.
    given: Mutex<Vec<(u32, u32)>>,
    deliveries: Mutex<Vec<DeliveryFuture>>,
    refused: AtomicU64,
}

impl Load {
    pub fn open(brokers: &Brokers, plan: Arc<Plan>) -> anyhow::Result<Self> {
        Ok(Self {
            producer: brokers.producer()?,
            topic: brokers.topics().calls.clone(),
            stopped: AtomicBool::new(false),
            given: Mutex::new(Vec::with_capacity(plan.calls as usize)),
            deliveries: Mutex::new(Vec::with_capacity(2 * plan.calls as usize)),
            refused: AtomicU64::new(0),
            plan,
        })
    }

    /// Offers every call at its time; one that is late goes out at once. Blocks.
    pub fn offer_all(&self) {
        let started = Instant::now();
        for call in 0..self.plan.calls {
            let due = started + Duration::from_secs_f64(call as f64 / self.plan.rate);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if self.stopped.load(Ordering::Relaxed) {
                return;
            }
            let number = rand::random_range(0..self.plan.numbers.len()) as u32;
            let at_random = || rand::random_range(0..self.plan.agents);
            let agent = if self.plan.in_turn { call as u32 % self.plan.agents } else { at_random() };
            self.given.lock().push((self.plan.first_agent + agent, number));
            self.publish(call, "offered", true);
            self.plan.published.store(call + 1, Ordering::Relaxed);
        }
    }

    /// Ends a call whose pop was read, so that calls do not pile up.
    pub fn end(&self, call: u64) {
        self.publish(call, "ended", false);
    }

    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Leaves no call open behind.
    pub fn end_all(&self, tally: &Tally) {
        let published = self.plan.published.load(Ordering::Relaxed);
        (0..published).filter(|call| !tally.was_read(*call)).for_each(|call| self.end(call));
    }

    /// Waits for all acknowledgements; how many records were not taken.
    pub async fn unpublished(&self) -> u64 {
        let deliveries = std::mem::take(&mut *self.deliveries.lock());
        let mut refused = self.refused.load(Ordering::Relaxed);
        for delivery in deliveries {
            refused += u64::from(!matches!(delivery.await, Ok(Ok(_))));
        }
        refused
    }

    fn publish(&self, call: u64, state: &str, timed: bool) {
        let plan = &self.plan;
        let Some((agent, number)) = self.given.lock().get(call as usize).copied() else { return };
        let agent_id = format!("bench-{agent}");
        let event = json!({
            "callId": format!("{}{call}", plan.run), "state": state, "agentId": agent_id, "direction": "outbound",
            "from": "+12125550100", "to": plan.numbers[number as usize],
            "at": Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
        })
        .to_string();
        let record = FutureRecord::to(&self.topic).key(&agent_id).payload(&event);
        if timed {
            let now = plan.origin.elapsed().as_nanos() as u64;
            plan.sent_ns[call as usize].store(now, Ordering::Release);
        }
        match self.producer.send_result(record) {
            Ok(delivery) => self.deliveries.lock().push(delivery),
            Err(_) => _ = self.refused.fetch_add(1, Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_names_its_call_and_no_other_runs() {
        let plan = Plan::new(1, 10.0, Duration::from_secs(1), Duration::from_secs(2), vec!["+1".into()]);
        assert_eq!((plan.warm, plan.calls), (10, 30));
        let event = |run: &str, state: &str| format!(r#"{{"callId":"{run}7","state":"{state}","x":1}}"#).into_bytes();
        assert_eq!(plan.offered_call(&event(&plan.run, "offered")), Some(7));
        assert_eq!(plan.offered_call(&event(&plan.run, "ended")), None);
        assert_eq!(plan.offered_call(&event("bench-other-", "offered")), None);
        assert_eq!(plan.call(&format!("{}30", plan.run)), None);
    }
}
