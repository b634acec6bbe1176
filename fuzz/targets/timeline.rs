//! The timeline: whatever the history, the zone and what is asked for, it counts right, is newest first, and its pages
//! are together exactly what matches.
#![no_main]

use std::sync::Arc;

use backstory::journey::order::newest_first;
use backstory::journey::timeline::{Ask, Limits, Timeline, prepare};
use backstory::journey::{Campaign, Direction, Interaction, Journey, KnownContact, Outcome, OutcomeClass, Source};
use backstory_fuzz::{good, now};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

const TOUCHES_MAX: usize = 64;

#[derive(Debug, Arbitrary)]
struct Told {
    touches: Vec<Touch>,
    contacts: [Option<u8>; 3],
    /// Where the clock of the node stands.
    now: When,
    months: u8,
    zone: u16,
    campaign: Option<u8>,
    channel: Option<u8>,
    page: u8,
    limits: u8,
}

#[derive(Debug, Arbitrary)]
struct Touch {
    started: When,
    contact: Option<u8>,
    campaign: Option<u8>,
    channel: u8,
    direction: Option<bool>,
    class: Option<bool>,
    reached: Option<bool>,
    score: Option<f64>,
}

/// Mostly near each other, so that days and moments are shared; now and then anywhere.
#[derive(Debug, Clone, Copy, Arbitrary)]
enum When {
    Minutes(u16),
    Hours(u16),
    Anywhere(i64),
}

fuzz_target!(|told: Told| {
    let journey = journey(&told);
    let ask = ask(&told);
    let timeline = prepare(&journey, Vec::new(), &ask);
    counts_right(&timeline, &ask);
    is_newest_first(&timeline, &ask);
    good(serde_json::to_vec(&timeline), "it cannot be written");
    pages_are_what_matches(&journey, &timeline, &ask);
});

fn counts_right(timeline: &Timeline<&Interaction>, ask: &Ask) {
    let content = &timeline.content;
    assert!(content.shown <= ask.limits.interactions_max && content.contacts.len() <= ask.limits.contacts_max);
    let shown: usize = content.days.iter().map(|day| day.interactions.len()).sum();
    assert_eq!(content.shown, shown);
    assert!(content.total >= content.matching && content.matching >= content.shown);
    assert!(ask.campaign.is_some() || ask.channel.is_some() || content.matching == content.total);
    let of_campaigns: usize = content.campaigns.iter().map(|campaign| campaign.interactions).sum();
    let of_channels: usize = content.channels.iter().map(|channel| channel.interactions).sum();
    assert!(of_campaigns <= content.total && of_channels <= content.total);
    let all_channels = ask.campaign.is_none() && content.more_channels == 0;
    assert!(!all_channels || of_channels == content.total, "a channel is not counted");
    assert!(content.contacts.is_sorted_by(|a, b| (b.last_at, &a.contact_id) <= (a.last_at, &b.contact_id)));
}

fn is_newest_first(timeline: &Timeline<&Interaction>, ask: &Ask) {
    let days = &timeline.content.days;
    assert!(days.is_sorted_by(|a, b| a.date > b.date), "days: {days:?}");
    let all = || days.iter().flat_map(|day| &day.interactions);
    assert!(all().is_sorted_by(|a, b| newest_first(a, b).is_lt()));
    for interaction in all() {
        assert!(interaction.started_at >= timeline.period.from, "from before the period");
        assert!(ask.before.as_ref().is_none_or(|before| before.is_before(interaction)), "of another page");
    }
}

fn pages_are_what_matches(journey: &Journey, first: &Timeline<&Interaction>, ask: &Ask) {
    let (mut shown, mut before) = (first.content.shown, first.content.older.clone());
    while before.is_some() {
        let asked = Ask { before, ..ask.clone() };
        let next = prepare(journey, Vec::new(), &asked);
        is_newest_first(&next, &asked);
        assert_eq!(next.content.matching, first.content.matching, "a page counts otherwise");
        assert!(next.content.shown > 0, "a page without anything");
        shown += next.content.shown;
        before = next.content.older;
    }
    assert_eq!(shown, first.content.matching, "a page is missing, or comes twice");
}

fn journey(told: &Told) -> Journey {
    let contacts = told.contacts.iter().flatten().map(|nth| KnownContact {
        listed: vec![Campaign { id: campaign(*nth), name: None }],
        ..KnownContact::of(contact(*nth))
    });
    let touches = told.touches.iter().take(TOUCHES_MAX).enumerate();
    let mut journey = Journey {
        number: "+12015550142".into(),
        leads: Vec::new(),
        contacts: contacts.collect(),
        interactions: touches.map(|(nth, touch)| interaction(nth, touch)).collect(),
        ..Journey::default()
    };
    journey.sort();
    journey
}

fn interaction(nth: usize, touch: &Touch) -> Interaction {
    let class = touch.class.map(|good| if good { OutcomeClass::Success } else { OutcomeClass::Failure });
    let outcome =
        Outcome { code: "NI".into(), label: None, class, parent: None, telephony: None, reached: touch.reached };
    Interaction {
        interaction_id: format!("i-{nth}").into(),
        source: Source::DataCloud,
        contact_id: touch.contact.map(|nth| contact(nth).into()),
        address: "+12015550142".into(),
        campaign: touch.campaign.map(|nth| Arc::new(Campaign { id: campaign(nth), name: None })),
        channel: channel(touch.channel).into(),
        mode: None,
        direction: touch.direction.map(|out| if out { Direction::Outbound } else { Direction::Inbound }),
        started_at: touch.started.moment(),
        ended_at: None,
        outcome: Some(Arc::new(outcome)),
        previous_score: touch.score,
        current_score: touch.score,
        agent: None,
        comments: None,
        updated_at: None,
        is_light: false,
    }
}

fn ask(told: &Told) -> Ask {
    Ask {
        // The node's own clock: it may be wrong, and is not at the end of time.
        now: match told.now {
            When::Anywhere(_) => now(),
            near => near.moment(),
        },
        months: 3 * (1 + u32::from(told.months % 4)),
        time_zone: zone(told.zone),
        campaign: told.campaign.map(campaign),
        channel: told.channel.map(channel),
        before: None,
        limits: Limits {
            contacts_max: 1 + usize::from(told.limits % 4),
            campaigns_max: 1 + usize::from(told.limits / 4 % 4),
            interactions_max: 1 + usize::from(told.page % 16),
            bytes_max: 8 << 20,
        },
    }
}

fn zone(nth: u16) -> Tz {
    TZ_VARIANTS[usize::from(nth) % TZ_VARIANTS.len()]
}

fn contact(nth: u8) -> String {
    format!("c-{}", nth % 4)
}

fn campaign(nth: u8) -> String {
    format!("td-{}", nth % 4)
}

fn channel(nth: u8) -> String {
    ["voice", "sms", "email", "chat"][usize::from(nth % 4)].into()
}

impl When {
    fn moment(self) -> DateTime<Utc> {
        match self {
            Self::Minutes(minutes) => now() - TimeDelta::minutes(i64::from(minutes)),
            Self::Hours(hours) => now() - TimeDelta::hours(i64::from(hours)),
            Self::Anywhere(millis) => DateTime::from_timestamp_millis(millis).unwrap_or(DateTime::<Utc>::MAX_UTC),
        }
    }
}
