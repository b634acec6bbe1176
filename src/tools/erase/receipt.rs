//! What became of an erasure, place by place: what was removed, and what stays until when.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::journey::erasure::Holdings;
use crate::journey::{Erasure, Store};
use crate::kafka::Brokers;
use crate::tools::check::topic_config;
use crate::tools::output::counted;

/// A store, and what it had of the person.
pub struct Place {
    pub store: Store,
    pub holdings: Holdings,
}

pub struct Receipt<'a> {
    pub erasure: &'a Erasure,
    pub places: &'a [Place],
    /// Tombstones for interactions and for contacts.
    pub published: [u64; 2],
    /// Tables that are the administrator's own.
    pub tables: Vec<String>,
}

/// What an erasure comes to, before it is done.
pub fn would_go(erasure: &Erasure, places: &[Place]) -> String {
    let mut lines = vec![format!("{} would be erased:", person(erasure))];
    lines.extend(places.iter().map(|place| row(&place.store.describe(), &held(&place.holdings))));
    lines.push("nothing was erased: say --yes to erase".into());
    lines.join("\n")
}

impl Receipt<'_> {
    pub async fn text(&self, brokers: &Brokers) -> String {
        let at = self.erasure.erased_at;
        let mut lines = vec![format!("erased on {}: {}", at.format("%F %T UTC"), person(self.erasure)), String::new()];
        lines.push("removed".into());
        for Place { store, holdings } in self.places {
            lines.push(row(&store.describe(), &format!("{}; a hash keeps them out", held(holdings))));
        }
        lines.push("  every other node's copy removes them as it reads the topic of erasures".into());
        lines.push("  agents' open timelines have lost them, or do so as their node hears of it".into());
        lines.push(String::new());
        lines.push("stays for a time".into());
        let topics = brokers.topics();
        let [interactions, contacts] = self.published.map(|tombstones| counted(tombstones, "tombstone"));
        for (topic, what) in [
            (&topics.interactions, format!("{interactions} published; older records are")),
            (&topics.contacts, format!("{contacts} published; older records are")),
            (&topics.calls, "call events with the number are".into()),
            (&topics.erasures, format!("the erasure itself ({}), with ids and addresses, is", self.erasure.erasure_id)),
            (
                &topics.pops,
                "the ledger of pops, which holds ids of calls and agents, no number and no contact, is".into(),
            ),
            (&topics.audit, "the audit, which says who saw the number's journey when, is".into()),
        ] {
            let stay = match topic_config(brokers, topic).await {
                Ok(config) => stays(&config, at),
                Err(_) => "kept as long as the topic is set to, which cannot be read here".into(),
            };
            lines.push(row(&format!("topic {topic}"), &format!("{what} {stay}")));
        }
        if self.places.iter().any(|place| matches!(place.store, Store::Postgres(_))) {
            lines.push(row("PostgreSQL", "deleted rows stay in its files until they are vacuumed"));
        }
        lines.push(String::new());
        lines.push("not reached".into());
        for tables in &self.tables {
            lines.push(row(tables, "tables of yours: erase the person there"));
        }
        lines.push("  audit.file, where the audit is kept in one: it goes with its rotation".into());
        lines.push("  backups that were made before now, and logs of other programs".into());
        lines.push("  where the records came from: what it publishes with a later date is new".into());
        lines.join("\n")
    }
}

fn row(place: &str, what: &str) -> String {
    format!("  {place}: {what}")
}

fn person(erasure: &Erasure) -> String {
    let contacts = match erasure.contact_ids.as_slice() {
        [] => "nobody that is known".into(),
        [one] => format!("contact {one}"),
        several => format!("contact {} (its ids)", several.join(", ")),
    };
    match erasure.addresses.as_slice() {
        [] => contacts,
        addresses => format!("{contacts}, {}", addresses.join(", ")),
    }
}

fn held(holdings: &Holdings) -> String {
    let interactions = counted(holdings.interactions.len() as u64, "interaction");
    format!("{interactions}, {}", counted(holdings.listings.len() as u64, "listing"))
}

/// How long a topic keeps what was published until `at`, by its settings.
fn stays(config: &HashMap<String, String>, at: DateTime<Utc>) -> String {
    let after = |name: &str| {
        let millis = config.get(name).and_then(|text| text.parse::<i64>().ok()).filter(|millis| *millis >= 0)?;
        at.checked_add_signed(TimeDelta::try_milliseconds(millis)?)
    };
    let policy = config.get("cleanup.policy").map_or("delete", String::as_str);
    let compacted = policy.contains("compact").then(|| after("max.compaction.lag.ms"));
    let deleted = policy.contains("delete").then(|| after("retention.ms"));
    let day = |date: DateTime<Utc>| date.format("%F");
    match (compacted, deleted) {
        (_, Some(Some(date))) | (Some(Some(date)), _) => {
            format!("kept until {}, and a little longer while their segment is written", day(date))
        }
        (Some(None), _) => "kept until Kafka compacts the topic: its max.compaction.lag.ms would give a date".into(),
        _ => "kept for ever: set the topic's retention.ms, or delete its records".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn until_when_records_stay_is_what_the_topic_is_set_to() {
        let at = "2026-11-20T21:00:00Z".parse().unwrap();
        let stays = |pairs: &[(&str, &str)]| {
            stays(&pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(), at)
        };
        let week = stays(&[("cleanup.policy", "delete"), ("retention.ms", "604800000")]);
        assert!(week.starts_with("kept until 2026-11-27,"), "{week}");
        let bounded = stays(&[("cleanup.policy", "compact"), ("max.compaction.lag.ms", "86400000")]);
        assert!(bounded.starts_with("kept until 2026-11-21,"), "{bounded}");
        let unbounded = stays(&[("cleanup.policy", "compact"), ("max.compaction.lag.ms", "9223372036854775807")]);
        assert!(unbounded.contains("until Kafka compacts"), "{unbounded}");
        assert!(stays(&[("cleanup.policy", "delete"), ("retention.ms", "-1")]).contains("for ever"));
    }
}
