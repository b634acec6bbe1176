//! The sample history: some hundred people of the last fourteen months, the same at every run but for the day it ends on.

use std::sync::Arc;

use chrono::{DateTime, Datelike as _, Duration, NaiveTime, TimeDelta, Utc, Weekday};

use super::random::Random;
use super::words::{self, ANSWERED, Ending, LETTERS, SERVICE, TEXTS, UNANSWERED};
use crate::journey::{
    Campaign, Change, Contact, ContactAddress, Direction, Interaction, Outcome, OutcomeClass, Source,
};

const SEED: u64 = 0x0042_6163_6b53_746f;
const CONTACTS: usize = 300;
/// Longer than the longest period, so that a shorter one shows less.
const DAYS: i64 = 420;
const STRANGERS: usize = 20;
const SCORE_FIRST: i64 = 50;
/// The person with whom the first call is: has everything that can be shown.
const SHOWPIECE: usize = 0;

/// Somebody to have calls with.
#[derive(Debug, Clone)]
pub struct Customer {
    /// `None`: nobody knows whose number this is.
    pub contact_id: Option<String>,
    pub number: String,
    pub mode: String,
    pub campaign: Option<Campaign>,
    pub score: i64,
}

/// Everything that the store is filled with, and whom the dialler calls. The first customer is the showpiece.
pub struct Sample {
    pub changes: Vec<Change>,
    pub customers: Vec<Customer>,
}

/// The history as it is at `now`.
pub fn sample(now: DateTime<Utc>) -> Sample {
    let mut random = Random::new(SEED);
    let mut sample = Sample { changes: Vec::new(), customers: Vec::new() };
    let mut home_before = None;
    for index in 0..CONTACTS {
        let person = Person::new(index, home_before.take(), &mut random, now);
        home_before = person.phone("home");
        person.tell(&mut sample, &mut random, now);
    }
    for index in 0..STRANGERS {
        sample.customers.push(Customer {
            contact_id: None,
            number: words::strangers_number(index),
            mode: "mobile".into(),
            campaign: None,
            score: SCORE_FIRST,
        });
    }
    sample
}

pub fn campaign(index: usize, now: DateTime<Utc>) -> Campaign {
    let (id, name) = words::CAMPAIGNS[index % words::CAMPAIGNS.len()];
    Campaign { id: format!("{id}-{}", now.year()), name: Some(format!("{name} {}", now.year())) }
}

/// One contact, before anything happened.
struct Person {
    index: usize,
    id: String,
    name: String,
    addresses: Vec<ContactAddress>,
    campaigns: Vec<Campaign>,
}

impl Person {
    /// `home_before`: the home number of the one before, which some share.
    fn new(index: usize, home_before: Option<String>, random: &mut Random, now: DateTime<Utc>) -> Self {
        let showpiece = index == SHOWPIECE;
        let (first, first_mail) = words::FIRST_NAMES[index % words::FIRST_NAMES.len()];
        let (last, last_mail) = words::LAST_NAMES[index % words::LAST_NAMES.len()];
        let mut addresses = Vec::new();
        let mut add = |mode: &str, address| addresses.push(ContactAddress { mode: Some(mode.into()), address });
        add("mobile", words::number(index * 4));
        match home_before.filter(|_| index % 17 == 1) {
            Some(shared) => add("home", shared),
            None if showpiece || random.percent(55) || index.is_multiple_of(17) => {
                add("home", words::number(index * 4 + 1));
            }
            None => {}
        }
        if showpiece || random.percent(20) {
            add("work", words::number(index * 4 + 2));
        } else if random.percent(20) {
            add("office", words::number(index * 4 + 3));
        }
        if showpiece || random.percent(70) {
            add("email", format!("{first_mail}.{last_mail}{index:03}@example.com"));
        }
        let listings = if showpiece { 2 } else { *random.pick(&[0, 1, 1, 1, 1, 2, 2, 3]) };
        let first_campaign = if showpiece { 0 } else { random.between(0, 3) as usize };
        let campaigns = (0..listings).map(|nth| campaign(first_campaign + nth, now)).collect();
        Self { index, id: format!("demo-{index:05}"), name: format!("{first} {last}"), addresses, campaigns }
    }

    fn phone(&self, mode: &str) -> Option<String> {
        let of_mode = self.addresses.iter().find(|known| known.mode.as_deref() == Some(mode));
        of_mode.map(|known| known.address.clone())
    }

    /// The contact, its listings, and what happened.
    fn tell(&self, sample: &mut Sample, random: &mut Random, now: DateTime<Utc>) {
        let known_since = now - Duration::days(DAYS);
        sample.changes.push(self.contact(None, known_since));
        for campaign in &self.campaigns {
            let listed_at = now - Duration::days(random.between(30, 120));
            sample.changes.push(self.contact(Some(campaign), listed_at));
        }
        let count = match self.index {
            SHOWPIECE => 24,
            _ if self.index % 25 == 5 => random.between(20, 40),
            _ if random.percent(10) => 0, // listed, and never called
            _ => random.between(1, 12),
        };
        let mut times: Vec<_> = (0..count).map(|_| moment(random, now)).collect();
        if self.index == SHOWPIECE {
            times.extend([1, 3].map(|days| moment_on(now - Duration::days(days), random)));
        }
        times.sort_unstable();
        let mut score = SCORE_FIRST;
        for (nth, at) in times.into_iter().enumerate() {
            let interaction = self.interaction(nth, at, &mut score, random);
            sample.changes.push(Change::Interaction(Box::new(interaction)));
        }
        for known in self.addresses.iter().filter(|known| known.address.starts_with('+')) {
            sample.customers.push(Customer {
                contact_id: Some(self.id.clone()),
                number: known.address.clone(),
                mode: known.mode.clone().unwrap_or_default(),
                campaign: self.campaigns.first().cloned(),
                score,
            });
        }
    }

    fn contact(&self, campaign: Option<&Campaign>, at: DateTime<Utc>) -> Change {
        Change::Contact(Box::new(Contact {
            contact_id: self.id.clone(),
            name: Some(self.name.clone()),
            addresses: self.addresses.clone(),
            campaign: campaign.cloned(),
            listed_at: campaign.map(|_| at),
            merged_into: None,
            // Where area code 201 is.
            time_zone: Some("America/New_York".into()),
            updated_at: Some(at),
        }))
    }

    /// One touch: for a campaign where the person is listed in one, else with the company's service.
    fn interaction(&self, nth: usize, at: DateTime<Utc>, score: &mut i64, random: &mut Random) -> Interaction {
        let campaign = (!self.campaigns.is_empty() && random.percent(60)).then(|| random.pick(&self.campaigns).clone());
        let mail = self.phone("email");
        // The showpiece goes through all channels, whatever chance says.
        let roll = if self.index == SHOWPIECE { nth as i64 * 17 % 100 } else { random.between(0, 99) };
        let (channel, mode, address) = match roll {
            0..12 => ("sms", "sms".to_owned(), self.phone("mobile").unwrap_or_default()),
            12..24 if mail.is_some() => ("email", "email".to_owned(), mail.unwrap_or_default()),
            24..34 if campaign.is_none() => ("chat", "chat".to_owned(), self.phone("mobile").unwrap_or_default()),
            _ => {
                let phones: Vec<_> = self.addresses.iter().filter(|known| known.address.starts_with('+')).collect();
                let known = random.pick(&phones);
                ("voice", known.mode.clone().unwrap_or_default(), known.address.clone())
            }
        };
        let (direction, ending) = direction_and_ending(channel, campaign.is_some(), random);
        let customer = Customer { contact_id: Some(self.id.clone()), number: address, mode, campaign, score: *score };
        let agent = random.between(0, words::AGENTS.len() as i64 - 1) as usize;
        let touch = Touch { id: format!("{}-{nth:02}", self.id), channel, direction, agent, started_at: at };
        let interaction = touch.ended(&customer, ending, random);
        *score = interaction.current_score.map_or(*score, |score| score as i64);
        interaction
    }
}

fn direction_and_ending(channel: &str, for_campaign: bool, random: &mut Random) -> (Direction, &'static Ending) {
    match (channel, for_campaign) {
        ("sms", _) => (Direction::Outbound, random.pick(TEXTS)),
        ("email", true) => (Direction::Outbound, random.pick(LETTERS)),
        ("voice", true) => {
            let direction = if random.percent(15) { Direction::ManualOutbound } else { Direction::Outbound };
            let endings = if random.percent(45) { UNANSWERED } else { ANSWERED };
            (direction, random.pick(endings))
        }
        _ => (Direction::Inbound, random.pick(SERVICE)),
    }
}

/// A moment in working hours, rather of late than long ago, and over by now.
fn moment(random: &mut Random, now: DateTime<Utc>) -> DateTime<Utc> {
    let nearness = random.between(0, 1000);
    moment_on(now - Duration::days(1 + DAYS * nearness * nearness / 1_000_000), random)
}

/// In the working hours of that day, or of the Friday before.
fn moment_on(day: DateTime<Utc>, random: &mut Random) -> DateTime<Utc> {
    let mut day = day.date_naive();
    while matches!(day.weekday(), Weekday::Sat | Weekday::Sun) {
        day -= Duration::days(1);
    }
    let in_day = TimeDelta::seconds(random.between(9 * 3600, 20 * 3600));
    (day.and_time(NaiveTime::MIN) + in_day).and_utc()
}

/// What is known of an interaction while it goes on.
pub struct Touch {
    pub id: String,
    pub channel: &'static str,
    pub direction: Direction,
    /// Index into the agents.
    pub agent: usize,
    pub started_at: DateTime<Utc>,
}

impl Touch {
    /// The interaction as it is kept, with an end of its own making.
    pub fn ended(self, customer: &Customer, ending: &Ending, random: &mut Random) -> Interaction {
        let seconds = match (self.channel, ending.reached) {
            ("voice" | "chat", true) => random.between(45, 900),
            ("voice" | "chat", false) => random.between(8, 40),
            _ => 0,
        };
        self.ended_after(TimeDelta::seconds(seconds), customer, ending, random)
    }

    pub fn ended_after(
        self,
        took: TimeDelta,
        customer: &Customer,
        ending: &Ending,
        random: &mut Random,
    ) -> Interaction {
        let ended_at = self.started_at + took;
        let spoke = ending.reached && matches!(self.channel, "voice" | "chat");
        let score = (customer.score + ending.points).clamp(0, 100);
        let comments = (!ending.comments.is_empty() && spoke).then(|| (*random.pick(ending.comments)).to_owned());
        Interaction {
            interaction_id: self.id.into(),
            source: if customer.campaign.is_some() { Source::CampaignManager } else { Source::DataCloud },
            contact_id: customer.contact_id.clone().map(Into::into),
            address: customer.number.clone().into(),
            campaign: customer.campaign.clone().map(Arc::new),
            channel: self.channel.into(),
            mode: Some(customer.mode.clone().into()),
            direction: Some(self.direction),
            started_at: self.started_at,
            ended_at: (took > TimeDelta::zero()).then_some(ended_at),
            outcome: Some(Arc::new(outcome(ending, self.channel))),
            previous_score: spoke.then_some(customer.score as f64),
            current_score: spoke.then_some(score as f64),
            agent: spoke.then(|| Arc::new(words::agent(self.agent))),
            comments: comments.map(Into::into),
            updated_at: Some(ended_at + TimeDelta::seconds(5)),
            is_light: false,
        }
    }
}

fn outcome(ending: &Ending, channel: &str) -> Outcome {
    let unanswered = channel == "voice" && !ending.reached && ending.class == OutcomeClass::Neutral;
    Outcome {
        code: ending.code.into(),
        label: Some(ending.label.into()),
        class: Some(ending.class),
        parent: None,
        telephony: unanswered.then(|| ending.code.into()),
        reached: Some(ending.reached),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn now() -> DateTime<Utc> {
        "2026-11-20T21:00:00Z".parse().unwrap()
    }

    fn interactions(sample: &Sample) -> Vec<&Interaction> {
        let mut interactions = Vec::new();
        for change in &sample.changes {
            if let Change::Interaction(interaction) = change {
                interactions.push(&**interaction);
            }
        }
        interactions
    }

    #[test]
    fn the_history_is_the_same_at_every_run() {
        assert_eq!(format!("{:?}", sample(now()).changes), format!("{:?}", sample(now()).changes));
    }

    #[test]
    fn every_number_is_fiction_and_nothing_happens_tomorrow() {
        let sample = sample(now());
        for interaction in interactions(&sample) {
            let fiction = interaction.address.get(5..10) == Some("55501") && interaction.address.len() == 12;
            assert!(fiction || interaction.address.ends_with("@example.com"), "{}", interaction.address);
            assert!(interaction.started_at < now() && interaction.ended_at.is_none_or(|at| at < now()));
        }
    }

    #[test]
    fn everything_that_can_be_shown_is_there() {
        let sample = sample(now());
        let all = interactions(&sample);
        let modes: BTreeSet<_> = all.iter().filter_map(|interaction| interaction.mode.as_deref()).collect();
        assert_eq!(modes, ["chat", "email", "home", "mobile", "office", "sms", "work"].into());
        assert!(all.len() > 1500, "{}", all.len());
        for source in [Source::CampaignManager, Source::DataCloud] {
            assert!(all.iter().filter(|interaction| interaction.source == source).count() > 400);
        }
        let mut people: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for customer in &sample.customers {
            if let Some(contact_id) = &customer.contact_id {
                people.entry(&customer.number).or_default().insert(contact_id);
            }
        }
        assert!(people.values().filter(|contacts| contacts.len() == 2).count() >= 10, "no number is shared");
        assert!(sample.customers.iter().any(|customer| customer.contact_id.is_none()));
        let showpiece = all.iter().filter(|i| i.contact_id.as_deref() == sample.customers[0].contact_id.as_deref());
        assert!(showpiece.clone().count() == 26 && showpiece.clone().any(|i| i.class() == OutcomeClass::Failure));
    }

    #[test]
    fn the_records_can_be_read_as_they_are_written() {
        for interaction in interactions(&sample(now())) {
            let json = serde_json::to_vec(interaction).unwrap();
            let read = Interaction::read(&json, rlibphonenumber::Region::US, now()).unwrap();
            assert_eq!(&read, interaction);
        }
    }
}
