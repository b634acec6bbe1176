//! The journeys of this benchmark: ordinary ones, a number that many contacts share, a long one and a fat one.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, SubsecRound as _, TimeDelta, Utc};
use serde_json::{Value, json};

use super::Args;
use crate::tools::bench::journey::history::{self, INTERACTIONS_EACH};
use crate::tools::bench::nodes::files::write;

/// Numbers set aside for fiction, and of nobody in the ordinary history.
pub const SHARED: &str = "+12015550180";
pub const LONG: &str = "+12015550181";
pub const FAT: &str = "+12015550182";
pub const LABELLED: &str = "+12015550183";

/// Of ordinary calls, with 20 interactions each.
const CUSTOMERS: u32 = 1000;
const EACH_CONTACT: u32 = 10;
const FAT_INTERACTIONS: u32 = 500;
const FAT_COMMENT_CHARS: usize = 16_000;
/// Nobody has more interactions than fit into the period at one each five minutes; further ones share moments.
const MOMENTS: i64 = 100_000;
const SECONDS_BETWEEN: i64 = 300;
const CAMPAIGNS: u32 = 12;

pub fn ordinary_numbers() -> Vec<String> {
    (0..CUSTOMERS).map(history::number).collect()
}

/// Files of ordinary customers, in the order in which they are to be imported.
pub fn ordinary(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let now = Utc::now().trunc_subsecs(0);
    let contacts = write(folder, "contacts.jsonl", |file| Ok(history::write_contacts(0..CUSTOMERS, now, file)?))?;
    let interactions = write(folder, "interactions.jsonl", |file| {
        Ok(history::write_interactions(&history::shuffled(0..CUSTOMERS), now, file)?)
    })?;
    Ok(vec![contacts, interactions])
}

/// Those, and the journeys that cost more.
pub fn everything(folder: &Path, args: &Args) -> anyhow::Result<Vec<PathBuf>> {
    let now = Utc::now().trunc_subsecs(0);
    let mut files = ordinary(folder)?;
    files.push(write(folder, "shared-contacts.jsonl", |file| Ok(shared_contacts(args.contacts, now, file)?))?);
    files.push(write(folder, "costly.jsonl", |file| {
        shared_interactions(args.contacts, now, file)?;
        (0..args.interactions).try_for_each(|nth| line(&long(nth, now), file))?;
        (0..FAT_INTERACTIONS).try_for_each(|nth| line(&fat(nth, now), file))?;
        Ok(())
    })?);
    Ok(files)
}

fn shared_contacts(contacts: u32, now: DateTime<Utc>, into: &mut impl Write) -> io::Result<()> {
    (0..contacts).try_for_each(|contact| {
        let campaign = contact % CAMPAIGNS;
        let contact = json!({
            "contactId": format!("shared-{contact}"), "name": format!("Person No. {contact}"),
            "addresses": [{"mode": "office", "address": SHARED}],
            "campaign": {"id": format!("shared-{campaign}"), "name": format!("Campaign {campaign}")},
            "listedAt": moment(now, 0), "updatedAt": moment(now, 0),
        });
        line(&contact, into)
    })
}

/// Each contact's are spread over the whole period. The texts name the number, which a mask has to find.
fn shared_interactions(contacts: u32, now: DateTime<Utc>, into: &mut impl Write) -> io::Result<()> {
    (0..contacts * EACH_CONTACT).try_for_each(|nth| {
        let contact = nth % contacts;
        let text = format!("Person No. {contact} asked to be called back on {SHARED} after six.");
        let interaction = json!({ "contactId": format!("shared-{contact}"), "comments": text });
        line(&interaction_of("shared", nth, SHARED, interaction, now), into)
    })
}

fn long(nth: u32, now: DateTime<Utc>) -> Value {
    let text = format!("Asked about order {nth} and will call again.");
    interaction_of("long", nth, LONG, json!({ "contactId": "long", "comments": text }), now)
}

fn fat(nth: u32, now: DateTime<Utc>) -> Value {
    interaction_of("fat", nth, FAT, json!({ "contactId": "fat", "comments": "x".repeat(FAT_COMMENT_CHARS) }), now)
}

fn interaction_of(kind: &str, nth: u32, number: &str, mut more: Value, now: DateTime<Utc>) -> Value {
    more["interactionId"] = json!(format!("{kind}-{nth}"));
    more["source"] = json!("data_cloud");
    more["address"] = json!(number);
    more["channel"] = json!("voice");
    more["startedAt"] = json!(moment(now, i64::from(nth)));
    more["updatedAt"] = json!(moment(now, 0));
    more
}

/// The nth backwards from now.
fn moment(now: DateTime<Utc>, nth: i64) -> String {
    let at = now - TimeDelta::seconds(100 + nth % MOMENTS * SECONDS_BETWEEN);
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn line(record: &Value, into: &mut impl Write) -> io::Result<()> {
    writeln!(into, "{record}")
}

/// An ordinary journey, as it is named in reports.
pub fn ordinary_name() -> String {
    format!("ordinary pops of {INTERACTIONS_EACH} interactions")
}

/// A record of the topic `interactions` whose label is as long as a record may be.
pub fn labelled(nth: u32, label_bytes: usize) -> Value {
    let label = format!("{nth} {}", "x".repeat(label_bytes));
    let more = json!({ "contactId": "labelled", "outcome": {"code": "c", "label": label} });
    interaction_of("labelled", nth, LABELLED, more, Utc::now())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_contact_of_the_shared_number_has_ten_interactions_within_the_period() {
        let now = Utc::now();
        let mut lines = Vec::new();
        shared_interactions(30, now, &mut lines).unwrap();
        let mut of_contact: BTreeMap<String, u32> = BTreeMap::new();
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let interaction: Value = serde_json::from_slice(line).unwrap();
            let started_at: DateTime<Utc> = interaction["startedAt"].as_str().unwrap().parse().unwrap();
            assert!(started_at < now && started_at > now - TimeDelta::days(350));
            *of_contact.entry(interaction["contactId"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        assert!(of_contact.len() == 30 && of_contact.values().all(|interactions| *interactions == 10));
    }
}
