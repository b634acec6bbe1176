//! What an agent is shown of a journey.

use chrono::TimeZone as _;

use super::*;
use crate::journey::{Campaign, Catalogue, Direction, KnownContact, OutcomeClass, Source};

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn ask(now: &str) -> Ask {
    Ask { now: utc(now), months: 12, time_zone: Tz::UTC, campaign: None, channel: None, before: None, limits: LIMITS }
}

const LIMITS: Limits = Limits { contacts_max: 20, campaigns_max: 100, interactions_max: 500, bytes_max: 8 << 20 };

fn pages_of(interactions_max: usize) -> Limits {
    Limits { interactions_max, ..LIMITS }
}

fn interaction(id: &str, started_at: &str) -> Interaction {
    Interaction {
        interaction_id: id.into(),
        source: Source::CampaignManager,
        contact_id: Some("ana".into()),
        address: "+12015550142".into(),
        campaign: Some(Arc::new(Campaign { id: "td".into(), name: Some("Term deposit".into()) })),
        channel: "voice".into(),
        mode: Some("mobile".into()),
        direction: Some(Direction::Outbound),
        started_at: utc(started_at),
        ended_at: None,
        outcome: None,
        previous_score: None,
        current_score: None,
        agent: None,
        comments: None,
        updated_at: None,
        is_light: false,
    }
}

fn with_class(id: &str, started_at: &str, class: Option<OutcomeClass>, reached: Option<bool>) -> Interaction {
    Interaction { outcome: Some(Arc::new(Outcome { class, reached, ..bare("x") })), ..interaction(id, started_at) }
}

fn bare(code: &str) -> Outcome {
    Outcome { code: code.into(), label: None, class: None, parent: None, telephony: None, reached: None }
}

fn journey(interactions: Vec<Interaction>) -> Journey {
    let contact = KnownContact {
        listed: vec![Campaign { id: "never-called".into(), name: Some("Never called".into()) }],
        ..KnownContact::of("ana")
    };
    Journey { number: "+12015550142".into(), contacts: vec![contact], interactions, ..Journey::default() }
}

fn ids<'a>(timeline: &Timeline<&'a Interaction>) -> Vec<&'a str> {
    timeline.content.days.iter().flat_map(|day| &day.interactions).map(|i| i.interaction_id.as_str()).collect()
}

#[test]
fn s17_a_period_starts_with_a_day_of_the_agents_zone_and_is_clamped() {
    let from = |now: &str, months, zone: Tz| period(utc(now), months, zone).from;
    assert_eq!(from("2026-05-31T12:00:00Z", 3, Tz::UTC), utc("2026-02-28T00:00:00Z"));
    assert_eq!(from("2028-05-31T12:00:00Z", 3, Tz::UTC), utc("2028-02-29T00:00:00Z"));
    assert_eq!(from("2026-11-20T23:30:00Z", 12, Tz::Europe__Lisbon), utc("2025-11-20T00:00:00Z"));
    assert_eq!(from("2026-11-20T23:30:00Z", 3, Tz::Asia__Tokyo), utc("2026-08-20T15:00:00Z"), "it is the 21st there");
    // On 2026-03-29 clocks in Beirut skip midnight: the day starts at one.
    assert_eq!(from("2026-06-29T12:00:00Z", 3, Tz::Asia__Beirut), utc("2026-03-28T22:00:00Z"));
}

#[test]
fn s17_what_lies_before_the_period_is_neither_shown_nor_counted() {
    let journey = journey(vec![interaction("in", "2026-08-20T00:00:00Z"), interaction("out", "2026-08-19T23:59:59Z")]);
    let timeline = prepare(&journey, vec![], &Ask { months: 3, ..ask("2026-11-20T21:00:00Z") });
    assert_eq!((ids(&timeline), timeline.content.total), (vec!["in"], 1));
}

#[test]
fn s11_one_day_of_the_agents_zone_holds_all_interactions_of_that_day() {
    let journey = journey(vec![
        interaction("c", "2026-11-19T01:00:00Z"),
        interaction("b", "2026-11-18T23:30:00Z"),
        interaction("a", "2026-11-18T10:00:00Z"),
    ]);
    let dates = |zone: Tz| -> Vec<(String, usize)> {
        let timeline = prepare(&journey, vec![], &Ask { time_zone: zone, ..ask("2026-11-20T21:00:00Z") });
        timeline.content.days.iter().map(|day| (day.date.to_string(), day.interactions.len())).collect()
    };
    assert_eq!(dates(Tz::UTC), [("2026-11-19".into(), 1), ("2026-11-18".into(), 2)]);
    assert_eq!(dates(Tz::America__New_York), [("2026-11-18".into(), 3)]);
    assert_eq!(dates(Tz::Asia__Tokyo), [("2026-11-19".into(), 2), ("2026-11-18".into(), 1)]);
}

#[test]
fn s16_the_channels_offered_are_those_of_the_campaign_and_counts_come_before_filters() {
    let sms = Interaction { channel: "sms".into(), ..interaction("sms", "2026-11-18T10:00:00Z") };
    let other = Interaction {
        campaign: Some(Arc::new(Campaign { id: "other".into(), name: None })),
        channel: "email".into(),
        ..interaction("mail", "2026-11-17T10:00:00Z")
    };
    let journey = journey(vec![interaction("call", "2026-11-19T10:00:00Z"), sms, other]);
    let filtered = Ask { campaign: Some("td".into()), channel: Some("sms".into()), ..ask("2026-11-20T21:00:00Z") };
    let content = prepare(&journey, vec![], &filtered).content;
    assert_eq!((content.total, content.matching, content.shown), (3, 1, 1));
    let channels: Vec<_> = content.channels.iter().map(|c| (c.channel.as_str(), c.interactions)).collect();
    assert_eq!(channels, [("sms", 1), ("voice", 1)]);
    let campaigns: Vec<_> = content.campaigns.iter().map(|c| (c.id.as_str(), c.listed, c.interactions)).collect();
    assert_eq!(campaigns, [("never-called", true, 0), ("other", false, 1), ("td", false, 2)]);
}

#[test]
fn a_page_holds_exactly_as_many_as_it_may_also_where_they_began_at_one_moment() {
    let moments = ["2026-11-19T12:00:00Z", "2026-11-19T11:00:00Z", "2026-11-19T11:00:00Z", "2026-11-19T10:00:00Z"];
    let journey = journey(moments.iter().enumerate().map(|(nth, at)| interaction(&nth.to_string(), at)).collect());
    let first = Ask { limits: pages_of(2), ..ask("2026-11-20T21:00:00Z") };
    let timeline = prepare(&journey, vec![], &first);
    let older = Cursor { at: utc("2026-11-19T11:00:00Z"), id: Some("1".into()) };
    assert_eq!((ids(&timeline), &timeline.content.older), (vec!["0", "1"], &Some(older.clone())));
    let second = Ask { before: Some(older), ..first.clone() };
    let timeline = prepare(&journey, vec![], &second);
    assert_eq!((ids(&timeline), &timeline.content.older), (vec!["2", "3"], &None));
    assert_eq!((timeline.content.matching, timeline.content.total), (4, 4));
    let by_time = Ask { before: Some(Cursor { at: utc("2026-11-19T11:00:00Z"), id: None }), ..first };
    assert_eq!(ids(&prepare(&journey, vec![], &by_time)), ["3"], "without an id, all of that moment are passed");
}

#[test]
fn a_page_ends_before_it_has_too_many_bytes_but_never_without_one() {
    let long = |id: &str, at: &str| Interaction { comments: Some("x".repeat(5000).into()), ..interaction(id, at) };
    let journey = journey(vec![
        long("0", "2026-11-19T12:00:00Z"),
        long("1", "2026-11-19T11:00:00Z"),
        long("2", "2026-11-19T10:00:00Z"),
    ]);
    let with = |bytes_max| {
        let asked = Ask { limits: Limits { bytes_max, ..LIMITS }, ..ask("2026-11-20T21:00:00Z") };
        let timeline = prepare(&journey, vec![], &asked);
        (ids(&timeline).len(), timeline.content.older.and_then(|older| older.id))
    };
    assert_eq!(with(12_000), (2, Some("1".into())));
    assert_eq!(with(10), (1, Some("0".into())));
    assert_eq!(with(20_000), (3, None));
}

#[test]
fn of_many_campaigns_and_channels_those_used_last_and_most_are_shown_and_the_rest_is_counted() {
    let of = |nth: usize| Interaction {
        campaign: Some(Arc::new(Campaign { id: format!("c-{nth}"), name: None })),
        channel: format!("channel-{}", nth % 3).into(),
        ..interaction(&nth.to_string(), &format!("2026-11-1{nth}T10:00:00Z"))
    };
    let journey = journey((0..8).rev().map(of).collect());
    let asked = Ask { limits: Limits { campaigns_max: 2, ..LIMITS }, ..ask("2026-11-20T21:00:00Z") };
    let content = prepare(&journey, vec![], &asked).content;
    let campaigns: Vec<_> = content.campaigns.iter().map(|campaign| campaign.id.as_str()).collect();
    assert_eq!((campaigns, content.more_campaigns), (vec!["c-6", "c-7"], 7), "one is listed and was never used");
    let channels: Vec<_> = content.channels.iter().map(|channel| channel.channel.as_str()).collect();
    assert_eq!((channels, content.more_channels), (vec!["channel-0", "channel-1"], 1));
}

#[test]
fn the_brief_is_arithmetic() {
    use OutcomeClass::{Failure, Neutral, Success};
    let mut newest = with_class("5", "2026-11-19T10:00:00Z", Some(Failure), None);
    newest.previous_score = None;
    let mut scored = with_class("4", "2026-11-18T10:00:00Z", Some(Neutral), None);
    (scored.previous_score, scored.current_score) = (Some(50.0), Some(45.5));
    let inbound = Interaction {
        direction: Some(Direction::Inbound),
        ..with_class("3", "2026-11-01T10:00:00Z", Some(Failure), Some(false))
    };
    let before = with_class("2", "2026-10-30T10:00:00Z", Some(Success), None);
    let earlier = with_class("1", "2026-10-01T10:00:00Z", Some(Failure), None);
    let journey = journey(vec![newest, scored, inbound, before, earlier]);
    let timeline = prepare(&journey, vec![], &ask("2026-11-20T21:00:00Z"));
    let brief = &timeline.content.contacts[0].brief;
    assert_eq!((brief.attempts7d, brief.attempts30d, brief.failures_in_a_row), (2, 3, 2));
    assert_eq!((brief.score, brief.score_change), (Some(45.5), Some(-4.5)));
    assert_eq!(brief.last_at, Some(utc("2026-11-19T10:00:00Z")));
    assert_eq!(
        brief.last_reached_at,
        Some(utc("2026-11-19T10:00:00Z")),
        "a failure was spoken to, unless it says otherwise"
    );
}

#[test]
fn the_brief_counts_by_what_the_catalogue_says_of_a_code() {
    let mut catalogue = Catalogue::default();
    let refused =
        Outcome { label: Some("Refused".into()), class: Some(OutcomeClass::Failure), reached: Some(true), ..bare("x") };
    catalogue.outcomes.insert("x".into(), refused.clone());
    let mut journey = journey(vec![
        with_class("2", "2026-11-19T10:00:00Z", None, None),
        with_class("1", "2026-11-18T10:00:00Z", None, Some(false)),
    ]);
    catalogue.resolve(&mut journey);
    let content = prepare(&journey, vec![], &ask("2026-11-20T21:00:00Z")).content;
    let brief = &content.contacts[0].brief;
    assert_eq!((brief.failures_in_a_row, brief.last_reached_at), (2, Some(utc("2026-11-19T10:00:00Z"))));
    assert_eq!(brief.last_outcome.as_deref(), Some(&refused));
    assert_eq!(content.days[0].interactions[0].outcome.as_deref(), Some(&refused));
}

#[test]
fn s03_several_contacts_are_candidates_the_one_reached_last_first_then_by_id() {
    let of =
        |contact: &str, id: &str, at: &str| Interaction { contact_id: Some(contact.into()), ..interaction(id, at) };
    let mut journey = journey(vec![
        of("ben", "d", "2026-11-19T10:00:00Z"),
        of("ana", "c", "2026-11-18T10:00:00Z"),
        of("ana", "b", "2026-11-17T10:00:00Z"),
    ]);
    journey.contacts.extend(["zoe", "ben", "eva"].map(KnownContact::of));
    let of_most = |contacts_max| {
        let asked = Ask { limits: Limits { contacts_max, ..LIMITS }, ..ask("2026-11-20T21:00:00Z") };
        let content = prepare(&journey, vec![], &asked).content;
        let contacts = content.contacts.into_iter().map(|contact| (contact.contact_id, contact.interactions));
        (contacts.collect::<Vec<_>>(), content.more_contacts)
    };
    let all = [("ben".to_owned(), 1), ("ana".into(), 2), ("eva".into(), 0), ("zoe".into(), 0)];
    assert_eq!(of_most(4), (all.to_vec(), 0));
    assert_eq!(of_most(2), (all[..2].to_vec(), 2));
}

#[test]
fn a_look_up_reaches_back_to_the_earliest_start_of_any_zone() {
    let now = utc("2026-05-31T12:00:00Z");
    for zone in [Tz::Pacific__Kiritimati, Tz::UTC, Tz::Pacific__Pago_Pago] {
        assert!(earliest(now, 3) <= period(now, 3, zone).from, "{zone}");
    }
    assert!(Utc.timestamp_opt(0, 0).unwrap() < earliest(now, 12));
}

/// Found by fuzzing (`fuzz/corpus/timeline/at-the-end-of-time`).
#[test]
fn an_interaction_at_the_end_of_time_has_a_day_in_every_zone() {
    let moments = [DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC];
    for (zone, moment) in [Tz::Pacific__Auckland, Tz::America__Los_Angeles].into_iter().zip(moments) {
        let found = journey(vec![Interaction { started_at: moment, ..interaction("a", "2026-11-18T10:00:00Z") }]);
        let asked = Ask { time_zone: zone, ..ask("2026-11-20T12:00:00Z") };
        let timeline = prepare(&found, Vec::new(), &asked);
        assert_eq!(timeline.content.total, usize::from(moment == DateTime::<Utc>::MAX_UTC));
        assert_eq!(date_in(zone, moment), moment.date_naive());
    }
}
