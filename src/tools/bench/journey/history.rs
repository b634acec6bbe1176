//! The made-up history of a benchmark: customers with twenty interactions each, told in random order over customers and
//! times, and about as long as a dialler's records are. The same at every run but for the day it ends on.

use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::JourneySource;
use crate::journey::{Agent, Campaign, Contact, ContactAddress, Direction, Interaction, Outcome, OutcomeClass, Source};
use crate::journey::{Limits, LookUp};
use crate::tools::demo::random::Random;

pub const INTERACTIONS_EACH: u32 = 20;
const SEED: u64 = 0x6265_6e63_686a_6f75;
/// Within the shortest year, so that a look-up of twelve months finds all.
const DAYS: i64 = 360;
const CAMPAIGNS: u64 = 12;
const AGENTS: i64 = 200;
const MODES: &[&str] = &["mobile", "mobile", "home", "work", "office"];
/// Code, label, class, and what an agent writes.
type Ending = (&'static str, &'static str, OutcomeClass, &'static str);
const ENDINGS: &[Ending] = &[
    ("no_answer", "No answer", OutcomeClass::Neutral, ""),
    ("no_answer", "No answer", OutcomeClass::Neutral, ""),
    ("busy", "Busy", OutcomeClass::Neutral, ""),
    ("declined", "Declined", OutcomeClass::Failure, "Not interested now, has a deposit with another bank until"),
    ("call_back", "Call back", OutcomeClass::Neutral, "Asked to be called again in the evening, best after"),
    ("subscribed", "Subscribed", OutcomeClass::Success, "Opened a term deposit; papers were sent on"),
];

/// Customers by number, from 0. Ids and phone numbers are scattered, so that those who come together are not kept together.
fn scattered(customer: u32) -> u32 {
    customer.wrapping_mul(0x9e37_79b1) // odd, so no two customers meet
}

pub fn number(customer: u32) -> String {
    format!("+1{}", 2_000_000_000 + u64::from(scattered(customer)))
}

pub fn contact_id(customer: u32) -> String {
    format!("p-{:08x}", scattered(customer))
}

fn campaign(customer: u32) -> Campaign {
    let nth = u64::from(customer) % CAMPAIGNS;
    Campaign {
        id: format!("td-{}-{nth:02}", 2024 + nth % 3),
        name: Some(format!("Term deposit {} ({nth})", 2024 + nth % 3)),
    }
}

/// As the service looks a number up.
pub fn look_up(number: &str, from: DateTime<Utc>) -> LookUp {
    let limits = Limits { contacts_max: 20, counted_max: 20_000, interactions_max: 500, bytes_max: 8 << 20 };
    LookUp { limits, ..LookUp::whole(number.to_owned(), from, JourneySource::Both.sources().to_vec()) }
}

/// These customers' records of the topic `contacts`, a line each.
pub fn write_contacts(customers: Range<u32>, now: DateTime<Utc>, into: &mut impl Write) -> io::Result<()> {
    let listed_at = Some(now - TimeDelta::days(DAYS + 5));
    for customer in customers {
        let contact = Contact {
            contact_id: contact_id(customer),
            name: Some(format!("Customer {customer}")),
            addresses: vec![ContactAddress { mode: Some("mobile".into()), address: number(customer) }],
            campaign: Some(campaign(customer)),
            listed_at,
            merged_into: None,
            time_zone: None,
            updated_at: listed_at,
        };
        write_line(&contact, into)?;
    }
    Ok(())
}

/// All interactions of these customers, each as a number, in random order.
pub fn shuffled(customers: Range<u32>) -> Vec<u32> {
    let mut all: Vec<u32> = (customers.start * INTERACTIONS_EACH..customers.end * INTERACTIONS_EACH).collect();
    let mut random = Random::new(SEED);
    for last in (1..all.len()).rev() {
        let other = random.between(0, last as i64) as usize;
        all.swap(last, other);
    }
    all
}

/// These records of the topic `interactions`, a line each.
pub fn write_interactions(numbers: &[u32], now: DateTime<Utc>, into: &mut impl Write) -> io::Result<()> {
    numbers.iter().try_for_each(|nth| write_line(&interaction(*nth, now), into))
}

fn interaction(nth: u32, now: DateTime<Utc>) -> Interaction {
    let customer = nth / INTERACTIONS_EACH;
    let mut random = Random::new(SEED ^ u64::from(nth));
    let started_at = now - TimeDelta::seconds(random.between(600, DAYS * 86_400));
    let ended_at = started_at + TimeDelta::seconds(random.between(5, 500));
    let (code, label, class, said) = *random.pick(ENDINGS);
    let agent = random.between(0, AGENTS - 1);
    let score = random.between(0, 20) * 5;
    Interaction {
        interaction_id: format!("{}-{:02}", contact_id(customer), nth % INTERACTIONS_EACH).into(),
        source: Source::CampaignManager,
        contact_id: Some(contact_id(customer).into()),
        address: number(customer).into(),
        campaign: Some(Arc::new(campaign(customer))),
        channel: "voice".into(),
        mode: Some((*random.pick(MODES)).into()),
        direction: Some(Direction::Outbound),
        started_at,
        ended_at: Some(ended_at),
        outcome: Some(Arc::new(Outcome {
            code: code.into(),
            label: Some(label.into()),
            class: Some(class),
            parent: None,
            telephony: None,
            reached: None,
        })),
        previous_score: Some(score as f64),
        current_score: Some((score + random.between(-5, 5)) as f64),
        agent: Some(Arc::new(Agent { id: format!("agent-{agent}"), name: Some(format!("Agent No. {agent}")) })),
        comments: (!said.is_empty()).then(|| format!("{said} {}.", random.between(1, 1_000_000)).into()),
        updated_at: Some(ended_at + TimeDelta::seconds(30)),
        is_light: false,
    }
}

fn write_line(record: &impl serde::Serialize, into: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *into, record)?;
    into.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rlibphonenumber::Region;

    use super::*;

    #[test]
    fn every_customer_has_twenty_interactions_of_its_own_in_random_order() {
        let order = shuffled(3..53);
        assert!(!order.is_sorted());
        let now = Utc::now();
        let mut lines = Vec::new();
        write_interactions(&order, now, &mut lines).unwrap();
        let read = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let read: Vec<Interaction> = read.map(|line| Interaction::read(line, Region::US, now).unwrap()).collect();
        let of = |customer| read.iter().filter(|i| i.address == number(customer)).count();
        assert!((3..53).all(|customer| of(customer) == INTERACTIONS_EACH as usize));
        assert_eq!(read.iter().map(|i| &i.interaction_id).collect::<BTreeSet<_>>().len(), 1000);
        let bytes = lines.len() / read.len();
        assert!((400..600).contains(&bytes), "a record has {bytes} bytes, the bank's have 530");
    }
}
