//! What kept interactions use and nobody has words for, counted, most used first.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::config::{toml_key, toml_text};
use crate::journey::Catalogue;
use crate::journey::catalogue::InUse;
use crate::tools::output::{counted, thousands};

/// Campaigns that are named beside one outcome; `--json` has all.
const NAMED_MAX: usize = 5;

/// By code, id or name.
#[derive(Debug, Default, PartialEq)]
pub struct Unmapped {
    outcomes: BTreeMap<String, Used>,
    campaigns: BTreeMap<String, Used>,
    agents: BTreeMap<String, Used>,
    modes: BTreeMap<String, Used>,
    channels: BTreeMap<String, Used>,
}

/// By how many interactions, and where.
#[derive(Debug, Default, PartialEq)]
struct Used {
    interactions: u64,
    /// Of an outcome its campaigns (the empty one: none), of a mode its channels.
    within: BTreeMap<String, u64>,
    /// Of an outcome that the records label, but give no class.
    label: Option<String>,
}

impl Used {
    fn add(&mut self, interactions: u64, within: &str) {
        self.interactions += interactions;
        *self.within.entry(within.to_owned()).or_default() += interactions;
    }

    fn within_most_first(&self) -> Vec<(&str, u64)> {
        let mut within: Vec<_> = self.within.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        within.sort_by_key(|(_, count)| Reverse(*count));
        within
    }
}

impl Unmapped {
    pub fn of(in_use: InUse, catalogue: &Catalogue) -> Self {
        let mut unmapped = Self::default();
        for ((campaign, outcome), count) in in_use.campaigns_and_outcomes {
            let id = campaign.as_ref().map_or("", |campaign| campaign.id.as_str());
            if let Some(outcome) = outcome.filter(|outcome| catalogue.lacks_outcome(campaign.as_ref(), outcome)) {
                let used = unmapped.outcomes.entry(outcome.code).or_default();
                used.add(count, id);
                used.label = used.label.take().or(outcome.label);
            }
            if campaign.as_ref().is_some_and(|campaign| campaign.name.is_none())
                && !catalogue.campaigns.contains_key(id)
            {
                unmapped.campaigns.entry(id.to_owned()).or_default().interactions += count;
            }
        }
        for ((channel, mode), count) in in_use.channels_and_modes {
            if let Some(mode) = mode.filter(|mode| catalogue.modes.iter().all(|known| known.mode != *mode)) {
                unmapped.modes.entry(mode).or_default().add(count, &channel);
            }
            if catalogue.channels.iter().all(|known| known.channel != channel) {
                unmapped.channels.entry(channel).or_default().interactions += count;
            }
        }
        for (agent, count) in in_use.agents {
            if agent.name.is_none() && !catalogue.agents.contains_key(&agent.id) {
                unmapped.agents.entry(agent.id).or_default().interactions += count;
            }
        }
        unmapped
    }

    /// To stand behind the settings file that `catalogue` comes from: says what is shown now.
    pub fn toml(&self, catalogue: &Catalogue) -> String {
        let mut text = String::new();
        for (code, used) in most_first(&self.outcomes) {
            let label = toml_text(used.label.as_deref().unwrap_or(code));
            let campaigns = campaigns_of(used);
            text += &table("outcomes", code, used, &campaigns, &format!("label = {label}\nclass = \"neutral\""));
        }
        for (id, used) in most_first(&self.campaigns) {
            text += &table("campaigns", id, used, "", &format!("label = {}", toml_text(id)));
        }
        for (channel, used) in most_first(&self.channels) {
            text += &table("channels", channel, used, "", &format!("label = {}", toml_text(channel)));
        }
        for (mode, used) in most_first(&self.modes) {
            let channel = used.within_most_first().first().map_or("", |(channel, _)| channel);
            let says = format!("label = {}\nchannel = {}", toml_text(mode), toml_text(channel));
            text += &table("modes", mode, used, "", &says);
        }
        for (nth, (id, used)) in most_first(&self.agents).into_iter().enumerate() {
            if nth == 0 {
                // TOML refuses a second table of the same name.
                let there = if catalogue.agents.is_empty() { "" } else { "# these belong to the one that is there: " };
                text += &format!("\n{there}[catalogue.agents]\n");
            }
            let count = counted(used.interactions, "interaction");
            text += &format!("{} = {} # {count}\n", toml_key(id), toml_text(id));
        }
        if text.is_empty() {
            return "# there are words for everything that the kept interactions use".into();
        }
        text.trim().to_owned()
    }

    pub fn json(&self) -> Value {
        let list = |used: &BTreeMap<String, Used>, name: &str, within: Option<(&str, &str)>| -> Value {
            let one = |(of, used): (&str, &Used)| {
                let mut one = json!({ name: of, "interactions": used.interactions });
                if let Some((list, name)) = within {
                    let each = used.within_most_first().into_iter().map(|(within, count)| {
                        json!({ name: Some(within).filter(|within| !within.is_empty()), "interactions": count })
                    });
                    one[list] = each.collect();
                }
                one
            };
            most_first(used).into_iter().map(one).collect()
        };
        json!({
            "outcomes": list(&self.outcomes, "code", Some(("campaigns", "id"))),
            "campaigns": list(&self.campaigns, "id", None),
            "agents": list(&self.agents, "id", None),
            "modes": list(&self.modes, "mode", Some(("channels", "channel"))),
            "channels": list(&self.channels, "channel", None),
        })
    }
}

fn most_first(used: &BTreeMap<String, Used>) -> Vec<(&str, &Used)> {
    let mut all: Vec<_> = used.iter().map(|(name, used)| (name.as_str(), used)).collect();
    all.sort_by_key(|(_, used)| Reverse(used.interactions));
    all
}

fn table(kind: &str, name: &str, used: &Used, note: &str, says: &str) -> String {
    let count = counted(used.interactions, "interaction");
    format!("\n# {count}{note}\n[catalogue.{kind}.{}]\n{says}\n", toml_key(name))
}

fn campaigns_of(used: &Used) -> String {
    let within = used.within_most_first();
    let name = |id: &str| if id.is_empty() { "no campaign".into() } else { toml_text(id) };
    let named = within.iter().take(NAMED_MAX).map(|(id, count)| format!("{} {}", name(id), thousands(*count)));
    let more = within.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {}", counted(more as u64, "more campaign")) } else { String::new() };
    format!("; {}{more}", named.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layers, load_without_kafka};
    use crate::journey::{Agent, Campaign, Outcome};

    fn in_use() -> InUse {
        let outcome = |value: Value| -> Option<Outcome> { Some(serde_json::from_value(value).unwrap()) };
        let td = Some(Campaign { id: "td \"26\"".into(), name: None });
        let agent = |id: &str, name: Option<&str>| Agent { id: id.into(), name: name.map(str::to_owned) };
        InUse {
            campaigns_and_outcomes: vec![
                ((td.clone(), outcome(json!({"code": "zz.17"}))), 10),
                ((None, outcome(json!({"code": "zz.17"}))), 1_000),
                ((td, outcome(json!({"code": "CB", "label": "Call back"}))), 500),
                ((None, outcome(json!({"code": "busy", "label": "Busy", "class": "failure"}))), 5),
                ((None, None), 7),
            ],
            channels_and_modes: vec![
                (("voice".into(), Some("fax".into())), 1),
                (("post".into(), Some("fax".into())), 2),
                (("voice".into(), Some("mobile".into())), 9),
                (("sms".into(), None), 9),
            ],
            agents: vec![(agent("a", Some("Ana")), 4), (agent("b", None), 3)],
        }
    }

    fn catalogue(text: &str) -> Catalogue {
        let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
        std::fs::write(file.path(), text).unwrap();
        let settings = load_without_kafka(&Layers::new(Some(file.path()), &[]).unwrap()).unwrap();
        (*settings.catalogue).clone()
    }

    #[test]
    fn what_nobody_has_words_for_is_counted_most_used_first() {
        let object = Unmapped::of(in_use(), &Catalogue::default()).json();
        let expected = json!({
            "outcomes": [
                {"code": "zz.17", "interactions": 1010,
                 "campaigns": [{"id": null, "interactions": 1000}, {"id": "td \"26\"", "interactions": 10}]},
                {"code": "CB", "interactions": 500, "campaigns": [{"id": "td \"26\"", "interactions": 500}]},
            ],
            "campaigns": [{"id": "td \"26\"", "interactions": 510}],
            "agents": [{"id": "b", "interactions": 3}],
            "modes": [{"mode": "fax", "interactions": 3,
                       "channels": [{"channel": "post", "interactions": 2}, {"channel": "voice", "interactions": 1}]}],
            "channels": [{"channel": "post", "interactions": 2}],
        });
        assert_eq!(object, expected);
    }

    #[test]
    fn what_is_printed_stands_behind_a_settings_file_and_leaves_nothing_unmapped() {
        for before in [
            "",
            "[catalogue.outcomes]\nNI = { label = \"No\" }\n[catalogue.modes.telex]\nlabel = \"T\"\nchannel = \"sms\"\n",
        ] {
            let printed = Unmapped::of(in_use(), &catalogue(before)).toml(&catalogue(before));
            assert!(printed.contains("# 1,010 interactions; no campaign 1,000, \"td \\\"26\\\"\" 10\n"), "{printed}");
            let after = catalogue(&format!("{before}{printed}"));
            assert_eq!(Unmapped::of(in_use(), &after), Unmapped::default(), "{printed}");
            assert_eq!(after.outcomes["CB"].label.as_deref(), Some("Call back"), "as some records say");
        }
        assert!(Unmapped::default().toml(&Catalogue::default()).starts_with("# "));
    }
}
