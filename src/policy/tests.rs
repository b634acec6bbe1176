//! What a policy lets through.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::digits::{MASK, Secrets};
use super::*;
use crate::arrival::CallState;
use crate::auth::Scopes;
use crate::config::{Layers, load_without_kafka};
use crate::journey::encoded::EncodedTimeline;
use crate::journey::timeline::{self, Ask};
use crate::journey::{Campaign, Direction, Interaction, Journey, KnownContact};
use crate::push::Call;

mod search;
mod slow;
mod timelines;

const NUMBER: &str = "+12015550142";
const OTHER: &str = "+442079460188";

fn policy(toml: &str) -> FieldPolicy {
    let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    std::fs::write(file.path(), toml).unwrap();
    FieldPolicy::of(&load_without_kafka(&Layers::new(Some(file.path()), &[]).unwrap()).unwrap().policy)
}

fn somebody(scopes: &[&str], teams: &[&str]) -> Identity {
    let teams = teams.iter().map(|team| SmolStr::from(*team)).collect();
    Identity { agent_id: "ana".into(), scopes: Scopes::of(scopes.iter().copied()), teams, expires_at: None }
}

fn now() -> DateTime<Utc> {
    "2026-11-20T21:00:00Z".parse().unwrap()
}

fn interaction(id: &str, with: Value) -> Interaction {
    let mut value = json!({ "interactionId": id, "source": "data_cloud", "contactId": "p-1", "address": NUMBER,
                            "channel": "voice", "startedAt": "2026-11-18T10:30:23Z", "direction": "outbound" });
    value.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
    Interaction::read(value.to_string().as_bytes(), rlibphonenumber::Region::US, now()).unwrap()
}

fn journey(interactions: Vec<Interaction>) -> Journey {
    let listed = vec![Campaign { id: "td-2026".into(), name: Some("Term deposit".into()) }];
    Journey {
        number: NUMBER.into(),
        leads: [NUMBER, OTHER, "p-1", "rita.quintela@example.com"].map(SmolStr::from).into(),
        contacts: vec![KnownContact { name: Some("Rita Quintela".into()), listed, ..KnownContact::of("p-1") }],
        interactions,
        ..Journey::default()
    }
}

fn ask() -> Ask {
    Ask {
        now: now(),
        months: 12,
        time_zone: chrono_tz::Tz::UTC,
        campaign: None,
        channel: None,
        before: None,
        limits: timeline::Limits { contacts_max: 20, campaigns_max: 100, interactions_max: 500, bytes_max: 8 << 20 },
    }
}

/// The timeline's JSON, as it leaves.
fn seen(fields: &Fields, journey: &Journey) -> Value {
    seen_of(fields, journey, &ask())
}

fn seen_of(fields: &Fields, journey: &Journey, ask: &Ask) -> Value {
    let divided = fields.divided(journey);
    let timeline = fields.shown(&divided, timeline::prepare(&divided, Vec::new(), ask));
    serde_json::from_str(&EncodedTimeline::of(timeline).unwrap().into_json()).unwrap()
}

fn secrets(shown: u8) -> Secrets {
    Secrets::of([NUMBER, OTHER, "rita.quintela@example.com", "CUST-00427781", "AB-12"].into_iter(), shown)
}

#[test]
fn a_number_is_found_however_it_is_written() {
    for written in [
        "+12015550142",
        "12015550142",
        "2015550142",
        "(201) 555-0142",
        "201.555.0142",
        "201 / 555 / 0142",
        "2 0 1 5 5 5 0 1 4 2",
        "tel:+1-201-555-0142",
        "0012015550142",
        "011 1 201 555 0142",
        "555-0142",
        "٢٠١٥٥٥٠١٤٢",
        "２０１５５５０１４２",
        "201\u{a0}555\u{2011}0142",
        "2\u{200b}015550142",
        "%2B1%20201%20555%200142",
        "201_555_0142",
        "1201555",
        "201-555",
        "12015550142x12",
        "[201] 555/0142",
        "(201) - 555 - 0142",
    ] {
        let text = format!("a{written}z and (b)");
        let masked = secrets(4).text(&text).into_owned();
        assert!(
            masked.starts_with('a') && masked.ends_with("z and (b)") && masked.contains(MASK),
            "{written}: {masked}"
        );
        for part in ["201", "555", "1201", "2015", "5550", "٥٥٥", "５５５"] {
            assert!(!masked.contains(part), "{written}: {masked}");
        }
    }
    for written in ["+44 (0)20 7946 0188", "020 7946 0188", "+442079460188", "00442079460188", "(020) 79460188"] {
        let masked = secrets(2).text(written).into_owned();
        assert!(masked.ends_with("…88"), "{written}: {masked}");
        assert!(!masked.contains("20") && !masked.contains("44") && !masked.contains("79"), "{written}: {masked}");
    }
    assert_eq!(secrets(0).text("call 2015550142 now"), "call … now");
    assert_eq!(secrets(4).text("bm-12015550142-03"), "bm-…0142-03");
    assert_eq!(secrets(4).text("see cust-0042 7781, or ab-12!"), "see cust-…7781, or …2!");
}

#[test]
fn what_is_no_number_of_the_persons_is_left_as_it_is() {
    for text in
        ["", "Declined", "td-2026", "2026-11-18", "bm-00042-03", "call 0142", "ends in 0142", "+1", "ANA@ example"]
    {
        assert_eq!(secrets(4).text(text), text);
    }
}

#[test]
fn a_comment_shows_no_number_of_anybody_and_every_date() {
    let of = |text: &str| secrets(4).comment(text).into_owned();
    assert_eq!(of("Her sister's is (202) 555-0199."), "Her sister's is (…0199.");
    assert_eq!(of("Account 4711004711, call 2015550142"), "Account …4711, call …0142");
    assert_eq!(
        of("Call back on 2026-11-18 at 10:30, or 18.11.2026, 11/18/2026"),
        "Call back on 2026-11-18 at 10:30, or 18.11.2026, 11/18/2026"
    );
    assert_eq!(of("since 2026-11-18 2025550199"), "since 2026-11-18 …0199");
    assert_eq!(of("12 boxes of 500, 3 left; 1,250,000 paid"), "12 boxes of 500, 3 left; 1,250,000 paid");
    assert_eq!(of("Rita.Quintela@Example.com or <x.y@z.org>."), "r…@… or <x…@…>.");
}

#[test]
fn an_address_shows_its_end_and_a_mail_address_its_first_letter() {
    assert_eq!([0, 2, 4, 6].map(|shown| masked(NUMBER, shown)), ["…", "…42", "…0142", "…50142"]);
    assert_eq!(masked("1234567", 6), "…567");
    assert_eq!(masked("rita@example.com", 4), "r…@…");
    assert_eq!(masked("2015550142@sms.example", 4), "…@…");
    assert_eq!(masked("anonymous", 4), "anonymous");
}

proptest! {
    /// Whatever stands between its digits, and whatever stands around it.
    #[test]
    fn no_six_digits_of_a_number_survive_in_any_text(
        number in "\\+[1-9][0-9]{9,13}",
        shown in 0_u8..=5,
        before in "[a-z .:(]{0,6}",
        after in "[a-z .,)]{0,6}",
        national in 0_usize..4,
        marks in prop::collection::vec("[ ().+/-]{0,2}|\u{a0}|\u{200b}|\u{2011}", 16),
    ) {
        let digits = &number[1 + national..];
        let written: String = digits.chars().zip(&marks).map(|(digit, mark)| format!("{mark}{digit}")).collect();
        let text = format!("{before}{written}{after}");
        let secrets = Secrets::of([number.as_str()].into_iter(), shown);
        for masked in [secrets.text(&text), secrets.comment(&text)] {
            let left: String = masked.chars().filter(char::is_ascii_digit).collect();
            prop_assert!(left.len() <= usize::from(shown), "{} became {}", text, masked);
            prop_assert!(number.ends_with(&left), "{} became {}", text, masked);
        }
    }

    #[test]
    fn a_text_of_anything_is_masked_without_a_fall(text in "\\PC*", shown in 0_u8..=6) {
        let secrets = secrets(shown);
        _ = (secrets.text(&text).len(), secrets.comment(&text).len());
    }
}

/// Planted wherever a record has room for a text.
fn planted() -> Journey {
    let with = json!({
        "campaign": { "id": "list-2015550142", "name": "Recall of (201) 555-0142" },
        "outcome": { "code": "cb:12015550142", "label": "Call back 201-555-0142", "class": "neutral",
                     "parent": "12015550142", "telephony": "busy 2015550142" },
        "agent": { "id": "desk-12015550142", "name": "Desk 201.555.0142" },
        "comments": "Said +1 201 555 0142, 020 7946 0188 or rita.quintela@example.com",
        "contactId": "12015550142", "mode": "to 2015550142",
    });
    let mut interactions = vec![interaction("12015550142/7", with.clone()), interaction("2015550142/7", with)];
    interactions.push(interaction("mail", json!({ "address": "rita.quintela@example.com", "channel": "email" })));
    let listed = vec![Campaign { id: "l-12015550142".into(), name: Some("2015550142".into()) }];
    let mut journey = journey(interactions);
    journey.contacts =
        vec![KnownContact { name: Some("+1 201 555 0142".into()), listed, ..KnownContact::of("12015550142") }];
    journey
}

#[test]
fn a_masked_number_survives_in_no_field_of_a_timeline() {
    let fields = policy("policy.number_digits = 4").fields(&somebody(&[], &[]));
    let seen = seen(&fields, &planted());
    let text = seen.to_string();
    for part in ["201", "555", "7946", "quintela", "example.com"] {
        let there = text.replace("2026-", "").contains(part);
        assert!(!there, "{part} is in {text}");
    }
    assert_eq!(seen["number"], "…0142");
    assert_eq!((&seen["total"], &seen["contacts"][0]["contactId"]), (&json!(3), &json!("…0142")));
    assert_eq!(seen["contacts"][0]["interactions"], 2, "its interactions are still the contact's");
}

#[test]
fn ids_that_look_alike_when_masked_are_told_apart() {
    let fields = policy("policy.number_digits = 4").fields(&somebody(&[], &[]));
    let seen = seen(&fields, &planted());
    let ids: Vec<&str> = seen["days"][0]["interactions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["interactionId"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["…0142/7~mwlzcwew", "…0142/7~mwlzcwew.2", "mail"]);
}

#[test]
fn each_field_is_hidden_from_whoever_lacks_the_scope_for_it() {
    let policy = policy("policy.number_digits = 4\npolicy.hide = [\"comments\", \"scores\", \"names\"]");
    let scored = json!({ "comments": "Prefers mornings", "previousScore": 50, "currentScore": 45 });
    let journey = journey(vec![interaction("i-1", scored)]);
    let all = ["numbers:read", "comments:read", "scores:read", "names:read"];
    let marks = ["12015550142", "Prefers mornings", "45", "Rita Quintela"];
    for (lacking, word) in all.iter().zip(["numbers", "comments", "scores", "names"]) {
        let scopes: Vec<&str> = all.iter().copied().filter(|scope| scope != lacking).collect();
        let fields = policy.fields(&somebody(&scopes, &[]));
        assert_eq!(fields.hidden(), [word]);
        let text = seen(&fields, &journey).to_string().replace("2026-", "");
        for (scope, mark) in all.iter().zip(marks) {
            assert_eq!(text.contains(mark), scope != lacking, "{mark} without {lacking}: {text}");
        }
    }
    let fields = policy.fields(&somebody(&all, &[]));
    assert!(fields.is_open() && fields.hidden().is_empty());
    let shown = fields.shown(&journey, timeline::prepare(&journey, Vec::new(), &ask()));
    let copied = |one: &Cow<'_, Interaction>| matches!(one, Cow::Owned(_));
    assert!(
        !shown.content.days.iter().flat_map(|day| &day.interactions).any(copied),
        "what is seen whole is not copied"
    );
    let brief = &seen(&policy.fields(&somebody(&[], &[])), &journey)["contacts"][0]["brief"];
    assert_eq!((&brief["score"], &brief["scoreChange"]), (&Value::Null, &Value::Null));
}

#[test]
fn what_another_team_sees_is_in_no_list_and_no_count() {
    let policy = policy("[policy.teams]\n\"vip\" = [\"gold\", \"silver\"]\n\"none\" = []");
    let of = |id: &str, campaign: &str| interaction(id, json!({ "campaign": { "id": campaign }, "channel": campaign }));
    let mut journey =
        journey(vec![of("i-1", "vip"), of("i-2", "td-2026"), of("i-3", "none"), interaction("i-4", json!({}))]);
    journey.contacts[0].listed.push(Campaign { id: "vip".into(), name: None });
    let hidden_person = KnownContact {
        name: Some("Ben".into()),
        listed: vec![Campaign { id: "vip".into(), name: None }],
        ..KnownContact::of("p-2")
    };
    journey.contacts.push(hidden_person);
    let fields = policy.fields(&somebody(&[], &["bronze"]));
    assert_eq!(fields.hidden(), ["campaigns"]);
    let bronze = seen(&fields, &journey);
    assert!(!bronze.to_string().contains("vip") && !bronze.to_string().contains("none"), "{bronze}");
    assert_eq!((&bronze["total"], &bronze["matching"], &bronze["shown"]), (&json!(2), &json!(2), &json!(2)));
    assert_eq!(bronze["contacts"].as_array().unwrap().len(), 1, "a person of another team's campaign alone is nobody");
    assert_eq!(bronze["contacts"][0]["interactions"], 2);
    assert_eq!(bronze["contacts"][0]["brief"]["attempts7d"], 2);
    assert_eq!(bronze["channels"].as_array().unwrap().len(), 2);
    let gold = seen(&policy.fields(&somebody(&[], &["gold"])), &journey);
    assert_eq!((&gold["total"], gold["contacts"].as_array().unwrap().len()), (&json!(3), 2));
}

#[test]
fn two_who_see_the_same_compare_equal_and_others_do_not() {
    let policy = policy("policy.number_digits = 4\n[policy.teams]\nvip = [\"gold\"]");
    let of = |scopes: &[&str], teams: &[&str]| policy.fields(&somebody(scopes, teams));
    assert_eq!(of(&[], &["x"]), of(&["supervise"], &["x"]));
    assert_ne!(of(&[], &["x"]), of(&["numbers:read"], &["x"]));
    assert_ne!(of(&[], &["x"]), of(&[], &["gold"]));
    assert!(FieldPolicy::default().fields(&somebody(&[], &[])).is_open());
}

#[test]
fn a_call_shows_neither_the_number_nor_another_teams_campaign() {
    let policy = policy("policy.number_digits = 4\n[policy.teams]\nvip = [\"gold\"]");
    let fields = policy.fields(&somebody(&[], &[]));
    let mut call = Call {
        call_id: "c-1".into(),
        state: CallState::Offered,
        agent_id: "ana".into(),
        direction: Direction::Outbound,
        number: Some(NUMBER.into()),
        campaign: Some(Campaign { id: "2015550142".into(), name: Some("For 020 7946 0188".into()) }),
        parent_call_id: Some("p/12015550142".into()),
        at: now(),
    };
    let leads = [SmolStr::from(OTHER), "p-1".into()];
    let seen = serde_json::to_string(&fields.call(&call, &leads)).unwrap();
    assert!(!seen.contains("201") && !seen.contains("555") && !seen.contains("7946"), "{seen}");
    call.campaign = Some(Campaign { id: "vip".into(), name: None });
    assert_eq!(fields.call(&call, &leads).campaign, None);
}

#[test]
fn an_address_is_found_by_the_id_that_is_shown_and_never_in_what_belongs_to_others() {
    let policy = policy("policy.number_digits = 4\n[policy.teams]\nvip = [\"gold\"]");
    let fields = policy.fields(&somebody(&[], &[]));
    let mut journey = planted();
    let vip = interaction("vip-1", json!({ "address": OTHER, "campaign": { "id": "vip" } }));
    journey.interactions.insert(0, vip);
    journey.interactions[2].address = OTHER.into();
    assert_eq!(fields.address_behind(&journey, "…0142/7~mwlzcwew").as_deref(), Some(NUMBER));
    assert_eq!(fields.address_behind(&journey, "…0142/7~mwlzcwew.2").as_deref(), Some(OTHER));
    assert_eq!(fields.address_behind(&journey, "vip-1"), None);
    assert_eq!(fields.address_behind(&journey, "12015550142/7"), None, "not by what is not shown");
}
