//! The dialler of the demo: offers calls to four agents through the topic, as a telephone system would, for as long as it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rdkafka::producer::FutureRecord;
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::history::{Customer, Touch};
use super::random::Random;
use super::words::{AGENTS, AGENTS_ON_CALLS, ANSWERED, Ending, SERVICE, UNANSWERED};
use crate::arrival::{CallEvent, CallState};
use crate::journey::{Direction, Interaction};
use crate::kafka::{Brokers, Producer};

/// The company's own number.
const COMPANY: &str = "+12125550100";
/// The first call, at the first agent: the page must not be empty for long.
const FIRST_CALL_AFTER: Duration = Duration::from_millis(500);
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs until stopped. The first customer is the first to be called.
pub async fn run(brokers: &Brokers, customers: Vec<Customer>, stop: CancellationToken) -> anyhow::Result<()> {
    let floor = Arc::new(Floor {
        producer: brokers.producer()?,
        calls: brokers.topics().calls.clone(),
        interactions: brokers.topics().interactions.clone(),
        customers,
        busy: Default::default(),
    });
    let mut lives = JoinSet::new();
    for agent in 0..AGENTS_ON_CALLS {
        lives.spawn(Arc::clone(&floor).live(agent));
    }
    stop.cancelled().await;
    lives.shutdown().await;
    Ok(())
}

/// The contact centre: its line to Kafka, its customers, and who is on a call.
struct Floor {
    producer: Producer,
    calls: String,
    interactions: String,
    customers: Vec<Customer>,
    busy: [AtomicBool; AGENTS_ON_CALLS],
}

/// One call, from the first ring on.
struct Ringing<'a> {
    call_id: String,
    agent: usize,
    direction: Direction,
    customer: &'a Customer,
    started_at: DateTime<Utc>,
}

impl Floor {
    async fn live(self: Arc<Self>, agent: usize) {
        // Another sequence at every start: the history is fixed, the day is not.
        let mut random = Random::new(rand::random());
        let mut first = agent == 0;
        sleep(FIRST_CALL_AFTER + Duration::from_secs(3 * agent as u64)).await;
        loop {
            if self.take(agent) {
                self.call(agent, std::mem::take(&mut first), &mut random).await;
                self.leave(agent);
            }
            sleep(seconds(&mut random, 3, 8)).await;
        }
    }

    /// Idle, and from now on not.
    fn take(&self, agent: usize) -> bool {
        !self.busy[agent].swap(true, Ordering::Relaxed)
    }

    fn leave(&self, agent: usize) {
        self.busy[agent].store(false, Ordering::Relaxed);
    }

    /// A whole call: rings, is answered or not, is wrapped up, ends, and becomes history.
    async fn call(&self, agent: usize, first: bool, random: &mut Random) {
        let customer = if first { &self.customers[0] } else { random.pick(&self.customers) };
        let direction = match random.between(0, 99) {
            _ if first => Direction::Outbound,
            0..30 => Direction::Inbound,
            30..42 => Direction::ManualOutbound,
            _ => Direction::Outbound,
        };
        let call_id = format!("demo-call-{:012x}", rand::random::<u64>() >> 16);
        let ringing = Ringing { call_id, agent, direction, customer, started_at: Utc::now() };
        self.publish_state(&ringing, agent, CallState::Offered).await;
        let colleague =
            if direction == Direction::Inbound && random.percent(40) { self.colleague(agent) } else { None };
        if let Some(colleague) = colleague {
            self.publish_state(&ringing, colleague, CallState::Offered).await;
        }
        sleep(seconds(random, 3, 5)).await;
        let answered = first || direction == Direction::Inbound || random.percent(85);
        if answered {
            // Whoever takes the call first has it: the service tells the colleague.
            self.publish_state(&ringing, agent, CallState::Connected).await;
            colleague.into_iter().for_each(|colleague| self.leave(colleague));
            sleep(seconds(random, 15, 30)).await;
            self.publish_state(&ringing, agent, CallState::WrapUp).await;
            sleep(Duration::from_secs(5)).await;
        }
        self.publish_state(&ringing, agent, CallState::Ended).await;
        let interaction = ringing.finished(answered, random);
        self.publish(&self.interactions, &interaction.interaction_id, &interaction).await;
    }

    /// Somebody who is idle, and is kept from other calls while this one rings.
    fn colleague(&self, agent: usize) -> Option<usize> {
        (0..AGENTS_ON_CALLS).find(|other| *other != agent && self.take(*other))
    }

    async fn publish_state(&self, ringing: &Ringing<'_>, agent: usize, state: CallState) {
        let (customer, company) = (Some(ringing.customer.number.clone()), Some(COMPANY.to_owned()));
        let (from, to) =
            if ringing.direction == Direction::Inbound { (customer, company) } else { (company, customer) };
        let event = CallEvent {
            call_id: ringing.call_id.as_str().into(),
            state: Some(state),
            agent_id: AGENTS[agent].0.into(),
            direction: ringing.direction,
            from,
            to,
            campaign: ringing.campaign().cloned(),
            parent_call_id: None,
            at: Some(Utc::now()),
        };
        self.publish(&self.calls, &event.agent_id, &event).await;
    }

    /// A demo goes on without a record that Kafka did not take.
    async fn publish<T: Serialize>(&self, topic: &str, key: &str, value: &T) {
        let Ok(json) = serde_json::to_vec(value) else { return };
        let record = FutureRecord::to(topic).key(key).payload(&json);
        if let Err((error, _)) = self.producer.send(record, PUBLISH_TIMEOUT).await {
            warn!(kafka.topic = topic, %error, "the dialler's record was not taken");
        }
    }
}

impl Ringing<'_> {
    /// An inbound call belongs to none.
    fn campaign(&self) -> Option<&crate::journey::Campaign> {
        self.customer.campaign.as_ref().filter(|_| self.direction != Direction::Inbound)
    }

    fn finished(self, answered: bool, random: &mut Random) -> Interaction {
        let endings: &[Ending] = match (answered, self.direction) {
            (false, _) => UNANSWERED,
            (true, Direction::Inbound) => &SERVICE[..SERVICE.len() - 1], // answered, so not abandoned
            (true, _) => ANSWERED,
        };
        let customer = Customer { campaign: self.campaign().cloned(), ..self.customer.clone() };
        let took = Utc::now() - self.started_at;
        let touch = Touch {
            id: self.call_id,
            channel: "voice",
            direction: self.direction,
            agent: self.agent,
            started_at: self.started_at,
        };
        touch.ended_after(took, &customer, random.pick(endings), random)
    }
}

fn seconds(random: &mut Random, low: i64, high: i64) -> Duration {
    Duration::from_millis(random.between(low * 1000, high * 1000).unsigned_abs())
}

/// Their ids, for the page and the greeting.
pub fn agents() -> Vec<&'static str> {
    AGENTS[..AGENTS_ON_CALLS].iter().map(|(id, _)| *id).collect()
}
