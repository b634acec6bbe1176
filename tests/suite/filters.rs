//! What an agent chooses to see: days in the agent's zone, campaign, channel, period, the next page.

use chrono::{DateTime, Duration, Timelike as _, Utc};
use chrono_tz::Tz;
use serde_json::json;

use crate::harness::{ANA, Agent, BEN, Kafka, Service, call, channels, contact, days, days_ago, ids, interaction};

on_all_stores![
    s09_every_interaction_of_every_campaign_has_its_time_and_its_mode,
    s11_interactions_are_grouped_by_the_days_of_the_agents_time_zone,
    s14_s15_s16_a_search_keeps_to_the_campaign_and_the_channel,
    s17_the_period_is_3_6_9_or_12_months,
    s18_a_search_pages_past_the_interactions_that_fit_in_one_timeline,
    s18_a_search_asks_for_a_customer_of_the_agents_own_calls_only,
];

async fn s09_every_interaction_of_every_campaign_has_its_time_and_its_mode(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let (earlier, later) = (days_ago(40), days_ago(3));
    service
        .record(&[
            interaction("i-1").campaign("cards").channel("sms").with("mode", json!("sms")).started(earlier),
            interaction("i-2").campaign("td-2026").with("mode", json!("home")).started(later),
        ])
        .await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    let timeline = &ana.next_pop().await["timeline"];
    assert_eq!(ids(timeline), ["i-2", "i-1"], "newest first");
    for (day, mode, channel, at) in [(0, "home", "voice", later), (1, "sms", "sms", earlier)] {
        let shown = &timeline["days"][day]["interactions"][0];
        assert_eq!((&shown["mode"], &shown["channel"]), (&json!(mode), &json!(channel)));
        let shown_at: DateTime<Utc> = shown["startedAt"].as_str().unwrap().parse().unwrap();
        assert_eq!(shown_at.timestamp_millis(), at.timestamp_millis());
    }
}

/// Yesterday, at a moment that is two different days in Los Angeles and Auckland, whatever the season.
fn yesterday_noon() -> DateTime<Utc> {
    days_ago(1).with_hour(14).unwrap().with_minute(0).unwrap()
}

async fn s11_interactions_are_grouped_by_the_days_of_the_agents_time_zone(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let noon = yesterday_noon();
    let morning = noon - Duration::hours(5); // on the same day in every zone between them
    service.record(&[interaction("noon").started(noon), interaction("morning").started(morning)]).await;
    let mut west = service.agent_in("ana", "America/Los_Angeles").await;
    let mut east = service.agent_in("ana", "Pacific/Auckland").await;
    service.offer(call("c-1")).await;
    for (agent, zone) in [(&mut west, "America/Los_Angeles"), (&mut east, "Pacific/Auckland")] {
        let pop = agent.next_pop().await;
        let timeline = &pop["timeline"];
        assert_eq!(timeline["timeZone"], zone);
        let day = |at: DateTime<Utc>| at.with_timezone(&zone.parse::<Tz>().unwrap()).date_naive().to_string();
        let mut expected = vec![(day(noon), vec!["noon"])];
        if day(noon) == day(morning) {
            expected[0].1.push("morning");
        } else {
            expected.push((day(morning), vec!["morning"]));
        }
        let shown: Vec<_> = days(timeline).into_iter().map(|(date, ids)| (date.to_owned(), ids)).collect();
        assert_eq!(shown, expected, "{zone}");
    }
    let day_of = |zone: &str| noon.with_timezone(&zone.parse::<Tz>().unwrap()).date_naive();
    assert_ne!(day_of("America/Los_Angeles"), day_of("Pacific/Auckland"), "the test means something");
}

/// An agent on a call with the customer of these interactions.
async fn on_a_call(service: &Service) -> Agent {
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    ana.next_pop().await;
    ana
}

async fn s14_s15_s16_a_search_keeps_to_the_campaign_and_the_channel(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service
        .record(&[
            interaction("td-voice").campaign("td").channel("voice").days_ago(1),
            interaction("td-sms").campaign("td").channel("sms").days_ago(2),
            interaction("cards-voice").campaign("cards").channel("voice").days_ago(3),
            interaction("cards-chat").campaign("cards").channel("chat").days_ago(4),
            interaction("no-campaign").channel("email").days_ago(5),
        ])
        .await;
    let mut ana = on_a_call(&service).await;
    let everything = ["td-voice", "td-sms", "cards-voice", "cards-chat", "no-campaign"];
    let all_channels = vec![("voice", 2), ("chat", 1), ("email", 1), ("sms", 1)];
    let of_td = vec![("sms", 1), ("voice", 1)];
    for (search, found, offered) in [
        (json!({ "callId": "c-1" }), &everything[..], &all_channels),
        (json!({ "callId": "c-1", "campaign": "td" }), &["td-voice", "td-sms"], &of_td),
        (json!({ "callId": "c-1", "channel": "voice" }), &["td-voice", "cards-voice"], &all_channels),
        (json!({ "callId": "c-1", "campaign": "td", "channel": "voice" }), &["td-voice"], &of_td),
        (json!({ "callId": "c-1", "campaign": "td", "channel": "chat" }), &[], &of_td),
        (json!({ "number": "(201) 555-0142", "campaign": "td" }), &["td-voice", "td-sms"], &of_td),
    ] {
        let timeline = ana.finds(search.clone()).await;
        assert_eq!(ids(&timeline), found, "{search}");
        assert_eq!(channels(&timeline), *offered, "{search}: the channels are those of the campaign");
        assert_eq!(timeline["total"], 5, "counts are of the whole period");
        assert_eq!(timeline["campaigns"].as_array().unwrap().len(), 2, "the other campaign can still be chosen");
    }
}

async fn s17_the_period_is_3_6_9_or_12_months(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    let of = |days: i64| interaction(&format!("of-{days}-days-ago")).days_ago(days);
    service.record(&[of(60), of(150), of(240), of(330), of(400)]).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    let pop = ana.next_pop().await;
    assert_eq!(pop["timeline"]["period"]["months"], 12, "12 by default");
    assert_eq!(pop["timeline"]["total"], 4);
    for (months, total) in [(3, 1), (6, 2), (9, 3), (12, 4)] {
        let timeline = ana.finds(json!({ "callId": "c-1", "months": months })).await;
        assert_eq!((&timeline["period"]["months"], &timeline["total"]), (&json!(months), &json!(total)));
    }
    let answer = ana.searches(json!({ "callId": "c-1", "months": 5 })).await;
    assert_eq!((&answer["type"], &answer["code"]), (&json!("error"), &json!("bad_months")));
}

async fn s18_a_search_pages_past_the_interactions_that_fit_in_one_timeline(kafka: Kafka) {
    let service = Service::with(&kafka, &[("journey.interactions_max", "3")]).await;
    let interactions: Vec<_> = (1..=8).map(|nth| interaction(&format!("i-{nth}")).days_ago(nth)).collect();
    service.record(&interactions).await;
    let mut ana = service.agent("ana").await;
    service.offer(call("c-1")).await;
    let mut page = ana.next_pop().await["timeline"].take();
    let mut pages = Vec::new();
    loop {
        assert_eq!((&page["total"], &page["matching"]), (&json!(8), &json!(8)), "nothing is shortened silently");
        assert_eq!(page["shown"], ids(&page).len());
        pages.push(ids(&page).join(" "));
        let Some(older) = page["older"].as_object() else { break };
        page = ana.finds(json!({ "callId": "c-1", "before": older["before"], "beforeId": older["beforeId"] })).await;
    }
    assert_eq!(pages, ["i-1 i-2 i-3", "i-4 i-5 i-6", "i-7 i-8"]);
}

async fn s18_a_search_asks_for_a_customer_of_the_agents_own_calls_only(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.list(&[contact("c-ben").has("mobile", BEN)]).await;
    let mut ana = on_a_call(&service).await;
    service.offer(call("c-2").to("eva").number(BEN)).await;
    for search in [json!({ "number": BEN }), json!({ "callId": "c-2" }), json!({ "callId": "never was" })] {
        let answer = ana.searches(search.clone()).await;
        assert_eq!((&answer["type"], &answer["code"]), (&json!("error"), &json!("forbidden")), "{search}");
        assert!(answer["text"].as_str().unwrap().ends_with('.'), "a sentence: {answer}");
    }
    assert_eq!(ana.searches(json!({})).await["code"], "bad_frame");
    assert_eq!(ana.searches(json!({ "number": "anonymous" })).await["code"], "no_number");
    assert_eq!(ana.finds(json!({ "number": ANA })).await["number"], ANA);
}
