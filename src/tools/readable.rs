//! Calls and timelines as text for a terminal, from the JSON that the service sends.

use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::output::{Colors, at_least, counted};

/// A comment longer than this is cut, with a sign that it is.
const COMMENT_CHARS_MAX: usize = 80;

/// One line above a timeline: who calls whom, and about what.
pub fn call(call: &Value, announce: bool, time_zone: Tz, colors: Colors) -> String {
    let number = call["number"].as_str().unwrap_or("no number");
    let mut parts = vec![words(text(call, "state")), words(text(call, "direction")), number.to_owned()];
    parts.extend(named(&call["campaign"]));
    parts.extend(time(call, "at").map(|at| at.with_timezone(&time_zone).format("%H:%M:%S").to_string()));
    parts.push(format!("call {}", text(call, "callId")));
    let quiet = if announce { "" } else { "  (not announced: it is not new)" };
    format!("{}{quiet}", colors.bold(&format!("☎  {}", parts.join(" · "))))
}

/// The people behind the number, where they are listed, and what happened, newest first.
pub fn timeline(timeline: &Value, colors: Colors) -> String {
    let zone = text(timeline, "timeZone").parse().unwrap_or(Tz::UTC);
    let mut out = String::new();
    if timeline["numberAsGiven"] == true {
        _ = writeln!(out, "   this cannot be read as a phone number: it was looked up as given");
    }
    out.push_str(&people(timeline, zone, colors));
    let bound = is_lower_bound(timeline);
    let campaigns = list(&timeline["campaigns"]).iter().filter_map(|campaign| campaign_count(campaign, bound));
    counts(&mut out, "campaigns", campaigns.chain(and_more(timeline, "moreCampaigns", false)));
    counts(&mut out, "channels", list(&timeline["channels"]).iter().map(|channel| channel_count(channel, bound)));
    for day in list(&timeline["days"]) {
        let date = text(day, "date").parse::<NaiveDate>().map_or_else(|_| text(day, "date").into(), weekday);
        _ = writeln!(out, "   {}", colors.bold(&date));
        for interaction in list(&day["interactions"]) {
            _ = writeln!(out, "     {}", self::interaction(interaction, zone, colors));
        }
    }
    _ = write!(out, "   {}", colors.dim(&summary(timeline, zone)));
    out
}

/// Those who are listed, and how many more there are.
fn people(timeline: &Value, zone: Tz, colors: Colors) -> String {
    let mut out = String::new();
    let contacts = list(&timeline["contacts"]);
    let more = number(timeline, "moreContacts");
    let people = more + contacts.len() as u64;
    if people == 0 {
        out.push_str("   nobody is known behind this number\n");
    } else if people > 1 {
        let people = at_least(people, more > 0 && is_lower_bound(timeline));
        _ = writeln!(out, "   {people} people share this number: which one is it?");
    }
    for contact in contacts {
        out.push_str(&self::contact(contact, zone, colors));
    }
    if let Some(more) = and_more(timeline, "moreContacts", is_lower_bound(timeline)) {
        _ = writeln!(out, "   {more}");
    }
    out
}

/// `and 9,980 more`, where there are more than are listed.
fn and_more(timeline: &Value, name: &str, is_lower_bound: bool) -> Option<String> {
    let more = number(timeline, name);
    (more > 0).then(|| format!("and {} more", at_least(more, is_lower_bound)))
}

/// More than are counted are behind the number.
fn is_lower_bound(counted: &Value) -> bool {
    counted["atLeast"] == true
}

fn weekday(date: NaiveDate) -> String {
    date.format("%A, %-d %B %Y").to_string()
}

fn summary(timeline: &Value, zone: Tz) -> String {
    let period = &timeline["period"];
    let from = time(period, "from").map(|from| from.with_timezone(&zone).format(" since %-d %B %Y").to_string());
    let (total, shown) = (number(timeline, "total"), number(timeline, "shown"));
    let (matching, bound) = (timeline["matching"].as_u64().unwrap_or(total), is_lower_bound(timeline));
    let matches = at_least(matching, bound);
    let filtered = if matching < total { format!(", {matches} of them match") } else { String::new() };
    let is_part = shown < matching || timeline["older"].is_object();
    let of = if is_part { format!("; {} are shown", at_least(shown, false)) } else { String::new() };
    let total = if bound { format!("{} interactions", at_least(total, true)) } else { counted(total, "interaction") };
    format!("{total}{}{filtered}{of} ({})", from.unwrap_or_default(), zone.name())
}

/// A name or id, and the brief in a line or two.
fn contact(contact: &Value, zone: Tz, colors: Colors) -> String {
    let id = text(contact, "contactId");
    let name = contact["name"].as_str().map_or_else(|| id.to_owned(), |name| format!("{name} ({id})"));
    let brief = &contact["brief"];
    let mut facts = Vec::new();
    facts.extend(time(brief, "lastAt").map(|at| {
        let how = [words(text(brief, "lastChannel")), outcome(&brief["lastOutcome"], colors)];
        let how = how.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(", ");
        format!("last {} {how}", at.with_timezone(&zone).format("%-d %b %H:%M"))
    }));
    facts.extend(named(&brief["lastAgent"]).map(|agent| format!("by {agent}")));
    let mut line = format!("   {}", colors.bold(&name));
    if !facts.is_empty() {
        _ = write!(line, "  {}", facts.join(" "));
    }
    let more = brief_numbers(brief, zone);
    if !more.is_empty() {
        _ = write!(line, "\n     {}", more.join(" · "));
    }
    line + "\n"
}

fn brief_numbers(brief: &Value, zone: Tz) -> Vec<String> {
    let mut facts = Vec::new();
    let (week, month) = (number(brief, "attempts7d"), number(brief, "attempts30d"));
    if month > 0 {
        facts.push(format!("tried {} in 7 days, {month} in 30", counted(week, "time")));
    }
    let failures = number(brief, "failuresInARow");
    if failures > 0 {
        let failures = counted(failures, "failure");
        facts.push(format!("{failures} in a row"));
    }
    facts.extend(time(brief, "lastReachedAt").map(|at| {
        let mode = brief["lastReachedMode"].as_str().map(|mode| format!(" on {mode}")).unwrap_or_default();
        format!("reached {}{mode}", at.with_timezone(&zone).format("%-d %b %H:%M"))
    }));
    facts.extend(brief["score"].as_f64().map(|score| {
        let change = brief["scoreChange"].as_f64().filter(|change| *change != 0.0);
        format!("score {score}{}", change.map(|change| format!(" ({change:+})")).unwrap_or_default())
    }));
    facts
}

/// One interaction on one line: time, mode, direction, outcome with its mark, campaign, agent, score, comment.
pub fn interaction(interaction: &Value, zone: Tz, colors: Colors) -> String {
    let at = time(interaction, "startedAt").map(|at| at.with_timezone(&zone).format("%H:%M").to_string());
    let mode = interaction["mode"].as_str().unwrap_or(text(interaction, "channel"));
    let direction = match text(interaction, "direction") {
        "inbound" => "in ",
        "" => "   ",
        _ => "out",
    };
    let mut parts = vec![format!("{}  {mode:<7} {direction}", at.unwrap_or_else(|| "--:--".into()))];
    parts.push(outcome(&interaction["outcome"], colors));
    parts.extend(named(&interaction["campaign"]));
    parts.extend(named(&interaction["agent"]));
    let (before, after) = (interaction["previousScore"].as_f64(), interaction["currentScore"].as_f64());
    parts.extend(after.map(|after| match before {
        Some(before) if before != after => format!("score {before}→{after}"),
        _ => format!("score {after}"),
    }));
    parts.extend(interaction["comments"].as_str().filter(|said| !said.is_empty()).map(comment));
    parts.retain(|part| !part.is_empty());
    parts.join("  ")
}

fn comment(said: &str) -> String {
    let line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(COMMENT_CHARS_MAX) {
        Some((cut, _)) => format!("“{}…”", &line[..cut]),
        None => format!("“{line}”"),
    }
}

/// ✗ marks a failure, ✓ a success; unknown is neither.
fn outcome(outcome: &Value, colors: Colors) -> String {
    let Some(label) = outcome["label"].as_str().or(outcome["code"].as_str()) else { return String::new() };
    match outcome["class"].as_str() {
        Some("failure") => colors.red(&format!("✗ {label}")),
        Some("success") => colors.green(&format!("✓ {label}")),
        _ => format!("· {label}"),
    }
}

fn campaign_count(campaign: &Value, bound: bool) -> Option<String> {
    let name = named(campaign)?;
    let listed = if campaign["listed"].as_bool().unwrap_or(false) { "listed, " } else { "" };
    Some(format!("{name} ({listed}{})", at_least(number(campaign, "interactions"), bound)))
}

fn channel_count(channel: &Value, bound: bool) -> String {
    format!("{} ({})", text(channel, "channel"), at_least(number(channel, "interactions"), bound))
}

fn counts(out: &mut String, what: &str, counts: impl Iterator<Item = String>) {
    let counts: Vec<String> = counts.collect();
    if !counts.is_empty() {
        _ = writeln!(out, "   {what}: {}", counts.join(", "));
    }
}

fn named(thing: &Value) -> Option<String> {
    thing["name"].as_str().or(thing["id"].as_str()).map(str::to_owned)
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}

pub fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_default()
}

fn number(json: &Value, name: &str) -> u64 {
    json[name].as_u64().unwrap_or_default()
}

fn time(json: &Value, name: &str) -> Option<DateTime<Utc>> {
    json[name].as_str()?.parse().ok()
}

pub fn list(json: &Value) -> &[Value] {
    json.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_timeline_reads_from_the_people_to_the_days() {
        let shown = json!({
            "number": "+12015550142", "timeZone": "Europe/Lisbon",
            "period": { "months": 12, "from": "2025-11-20T00:00:00Z", "to": "2026-11-20T21:00:00Z" },
            "contacts": [{ "contactId": "bm-1", "name": null, "interactions": 1, "brief": {
                "lastAt": "2026-07-18T10:30:23Z", "lastChannel": "voice", "lastOutcome": { "label": "Declined", "class": "failure" },
                "lastAgent": { "id": "agent-4", "name": "Duarte Melo" }, "attempts7d": 0, "attempts30d": 1, "failuresInARow": 1,
                "score": 45.0, "scoreChange": -5.0 } }],
            "campaigns": [{ "id": "td", "name": "Term deposit 2026", "listed": true, "interactions": 1 }],
            "channels": [{ "channel": "voice", "interactions": 1 }],
            "days": [{ "date": "2026-07-18", "interactions": [{ "startedAt": "2026-07-18T10:30:23Z", "channel": "voice",
                "mode": "mobile", "direction": "outbound", "outcome": { "code": "declined", "label": "Declined", "class": "failure" },
                "previousScore": 50, "currentScore": 45, "comments": "Not\n interested." }] }],
            "total": 1, "matching": 1, "shown": 1 });
        assert_eq!(
            timeline(&shown, Colors::NONE),
            "   bm-1  last 18 Jul 11:30 voice, ✗ Declined by Duarte Melo\n     \
             tried 0 times in 7 days, 1 in 30 · 1 failure in a row · score 45 (-5)\n   \
             campaigns: Term deposit 2026 (listed, 1)\n   channels: voice (1)\n   Saturday, 18 July 2026\n     \
             11:30  mobile  out  ✗ Declined  score 50→45  “Not interested.”\n   \
             1 interaction since 20 November 2025 (Europe/Lisbon)"
        );
    }

    #[test]
    fn who_and_what_is_not_listed_is_counted() {
        let shared = json!({
            "contacts": [{ "contactId": "bm-1" }, { "contactId": "bm-2" }], "moreContacts": 9_980,
            "campaigns": [{ "id": "td", "interactions": 12_000 }], "moreCampaigns": 12,
            "channels": [{ "channel": "voice", "interactions": 15_000 }],
            "days": [], "total": 18_204, "shown": 500, "older": { "before": "2026-07-18T10:30:23Z", "beforeId": "i-1" } });
        let shown = timeline(&shared, Colors::NONE);
        let expected = "   9,982 people share this number: which one is it?\n   bm-1\n   bm-2\n   and 9,980 more\n   \
             campaigns: td (12,000), and 12 more\n   channels: voice (15,000)\n   \
             18,204 interactions; 500 are shown (UTC)";
        assert_eq!(shown, expected);
    }

    #[test]
    fn lower_bounds_are_said_to_be_such() {
        let vast = json!({
            "contacts": [{ "contactId": "bm-1" }], "moreContacts": 19_980, "atLeast": true,
            "campaigns": [{ "id": "td", "interactions": 12_000 }], "channels": [{ "channel": "voice", "interactions": 15_000 }],
            "days": [], "total": 20_000, "matching": 30, "shown": 30, "older": { "before": "2026-07-18T10:30:23Z", "beforeId": "i-1" } });
        let shown = timeline(&vast, Colors::NONE);
        for words in [
            "19,981+ people share this number",
            "and 19,980+ more\n",
            "campaigns: td (12,000+)\n",
            "channels: voice (15,000+)\n",
            "20,000+ interactions, 30+ of them match; 30 are shown (UTC)",
        ] {
            assert!(shown.contains(words), "{words:?} in {shown}");
        }
    }

    #[test]
    fn an_unknown_number_is_said_to_be_unknown() {
        let shown = timeline(&json!({ "contacts": [], "total": 0, "shown": 0, "numberAsGiven": true }), Colors::NONE);
        assert!(shown.contains("nobody is known behind this number"), "{shown}");
        assert!(shown.contains("looked up as given"), "{shown}");
    }
}
