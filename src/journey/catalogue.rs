//! The administrator's catalogue: labels, classes and names for the codes and ids that records carry bare, and how modes
//! and channels look.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Agent, Campaign, Interaction, Journey, Outcome, Source};

/// Icons that the element has drawings of.
pub const ICONS: &[&str] = &["call", "mobile", "sms", "email", "chat", "other"];
/// Colours that the element has, each for light and dark pages.
pub const COLORS: &[&str] = &["green", "blue", "amber", "violet", "teal", "indigo", "grey"];

/// What an administrator says about data. What a record says itself stands over it, part by part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    /// By code, in whatever campaign.
    pub outcomes: BTreeMap<String, Outcome>,
    /// By id.
    pub campaigns: BTreeMap<String, CampaignWords>,
    /// Names by id.
    pub agents: BTreeMap<String, String>,
    /// One of each name.
    pub modes: Vec<Mode>,
    /// One of each name.
    pub channels: Vec<Channel>,
    /// Sources whose interactions are shown by their channels alone (S23b).
    pub without_modes: Vec<Source>,
}

/// What an administrator says about a campaign.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CampaignWords {
    pub label: Option<String>,
    /// By code, part by part over those of the catalogue.
    pub outcomes: BTreeMap<String, Outcome>,
}

/// How a mode is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Mode {
    pub mode: String,
    pub label: String,
    pub channel: String,
    pub icon: &'static str,
    pub color: &'static str,
}

/// How a channel is shown, and every mode on it that is in no catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Channel {
    pub channel: String,
    pub label: String,
    pub icon: &'static str,
    pub color: &'static str,
}

/// S20–S23: home and work calls green, mobile blue, office amber.
impl Default for Catalogue {
    fn default() -> Self {
        let mode = |mode: &str, label: &str, channel: &str, icon, color| Mode {
            mode: mode.into(),
            label: label.into(),
            channel: channel.into(),
            icon,
            color,
        };
        let channel = |channel: &str, label: &str, icon, color| Channel {
            channel: channel.into(),
            label: label.into(),
            icon,
            color,
        };
        Self {
            outcomes: BTreeMap::new(),
            campaigns: BTreeMap::new(),
            agents: BTreeMap::new(),
            modes: vec![
                mode("home", "Home", "voice", "call", "green"),
                mode("work", "Work", "voice", "call", "green"),
                mode("mobile", "Mobile", "voice", "mobile", "blue"),
                mode("office", "Office", "voice", "call", "amber"),
                mode("sms", "SMS", "sms", "sms", "violet"),
                mode("email", "E-mail", "email", "email", "teal"),
                mode("chat", "Chat", "chat", "chat", "indigo"),
            ],
            channels: vec![
                channel("voice", "Voice", "call", "grey"),
                channel("sms", "SMS", "sms", "violet"),
                channel("email", "E-mail", "email", "teal"),
                channel("chat", "Chat", "chat", "indigo"),
            ],
            without_modes: Vec::new(),
        }
    }
}

/// Parts that interactions share, made once for all of them.
struct Replaced<T>(FxHashMap<usize, (Arc<T>, Arc<T>)>);

impl<T> Default for Replaced<T> {
    fn default() -> Self {
        Self(FxHashMap::default())
    }
}

impl<T> Replaced<T> {
    /// By where it lies: what was there before is held until the end, so that nothing else comes to lie there.
    fn replace(&mut self, shared: &mut Arc<T>, make: impl FnOnce(&T) -> T) {
        let place = Arc::as_ptr(shared).addr();
        let (_, made) = self.0.entry(place).or_insert_with(|| (Arc::clone(shared), Arc::new(make(shared))));
        *shared = Arc::clone(made);
    }
}

#[derive(Default)]
struct Resolved {
    campaigns: Replaced<Campaign>,
    agents: Replaced<Agent>,
    outcomes: Replaced<Outcome>,
    outcomes_of_campaigns: FxHashMap<String, Replaced<Outcome>>,
}

impl Catalogue {
    /// Fills in what the records of a journey leave open. An outcome that nobody mapped shows its code, and is neutral.
    pub fn resolve(&self, journey: &mut Journey) {
        for campaign in journey.contacts.iter_mut().flat_map(|contact| &mut contact.listed) {
            if let Some(name) = self.open_campaign_name(campaign) {
                campaign.name = Some(name.to_owned());
            }
        }
        let mut resolved = Resolved::default();
        for interaction in &mut journey.interactions {
            self.resolve_outcome(interaction, &mut resolved);
            if let Some(campaign) = &mut interaction.campaign
                && let Some(name) = self.open_campaign_name(campaign)
            {
                let named = |campaign: &Campaign| Campaign { name: Some(name.to_owned()), ..campaign.clone() };
                resolved.campaigns.replace(campaign, named);
            }
            if let Some(agent) = interaction.agent.as_mut().filter(|agent| agent.name.is_none())
                && let Some(name) = self.agents.get(&agent.id)
            {
                let named = |agent: &Agent| Agent { name: Some(name.clone()), ..agent.clone() };
                resolved.agents.replace(agent, named);
            }
        }
    }

    fn open_campaign_name(&self, campaign: &Campaign) -> Option<&str> {
        if campaign.name.is_none() { self.campaign_name(&campaign.id) } else { None }
    }

    pub fn campaign_name(&self, id: &str) -> Option<&str> {
        self.campaigns.get(id)?.label.as_deref()
    }

    fn resolve_outcome(&self, interaction: &mut Interaction, resolved: &mut Resolved) {
        let Some(shared) = &mut interaction.outcome else { return };
        let said = self.said_of(interaction.campaign.as_deref(), &shared.code);
        if shared.label.is_some() && shared.class.is_some() && said.iter().all(Option::is_none) {
            return; // most say it all themselves, and go on sharing it
        }
        let of_campaign = said[0].map_or(&mut resolved.outcomes, |_| {
            let id = interaction.campaign.as_deref().map_or_else(String::new, |campaign| campaign.id.clone());
            resolved.outcomes_of_campaigns.entry(id).or_default()
        });
        of_campaign.replace(shared, |outcome: &Outcome| {
            let mut outcome = outcome.clone();
            for said in said.into_iter().flatten() {
                fill(&mut outcome.label, &said.label);
                fill(&mut outcome.class, &said.class);
                fill(&mut outcome.parent, &said.parent);
                fill(&mut outcome.telephony, &said.telephony);
                fill(&mut outcome.reached, &said.reached);
            }
            outcome.label.get_or_insert_with(|| outcome.code.clone());
            outcome.class.get_or_insert_default();
            outcome
        });
    }

    /// The campaign's own words come first.
    fn said_of(&self, campaign: Option<&Campaign>, code: &str) -> [Option<&Outcome>; 2] {
        let own = campaign.and_then(|campaign| self.campaigns.get(&campaign.id));
        [own.and_then(|own| own.outcomes.get(code)), self.outcomes.get(code)]
    }

    /// Neither does the record say label and class, nor is there an entry for its code.
    pub fn lacks_outcome(&self, campaign: Option<&Campaign>, outcome: &Outcome) -> bool {
        (outcome.label.is_none() || outcome.class.is_none())
            && self.said_of(campaign, &outcome.code).iter().all(Option::is_none)
    }
}

/// What the kept interactions carry, in no order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InUse {
    pub campaigns_and_outcomes: Counts<(Option<Campaign>, Option<Outcome>)>,
    pub channels_and_modes: Counts<(String, Option<String>)>,
    pub agents: Counts<Agent>,
}

/// Each distinct value, with the number of interactions that carry it.
pub type Counts<T> = Vec<(T, u64)>;

fn fill<T: Clone>(open: &mut Option<T>, said: &Option<T>) {
    if open.is_none() {
        open.clone_from(said);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::journey::{KnownContact, OutcomeClass};

    fn outcome(value: Value) -> Outcome {
        serde_json::from_value(value).unwrap()
    }

    /// Two codes for all campaigns, and one of them otherwise in the campaign `td`.
    fn catalogue() -> Catalogue {
        let no =
            json!({"code": "NI", "label": "Not interested", "class": "failure", "parent": "Refusals", "reached": true});
        let yes = json!({"code": "YES", "label": "Yes", "class": "success"});
        let outcomes = [no, yes].map(outcome).into_iter().map(|said| (said.code.clone(), said)).collect();
        let mut catalogue = Catalogue { outcomes, ..Catalogue::default() };
        catalogue.agents.insert("agent-4".into(), "Duarte Melo".into());
        let in_td = [("NI".to_owned(), outcome(json!({"code": "NI", "class": "neutral"})))].into();
        let words = CampaignWords { label: Some("Term deposit".into()), outcomes: in_td };
        catalogue.campaigns.insert("td".into(), words);
        catalogue
    }

    fn resolved(parts: Value) -> Interaction {
        let mut whole = json!({"interactionId": "i", "source": "data_cloud", "address": "+12015550142", "channel": "voice",
                               "startedAt": "2026-11-18T10:30:23Z"});
        whole.as_object_mut().unwrap().extend(parts.as_object().unwrap().clone());
        let interactions = vec![serde_json::from_value(whole).unwrap()];
        let mut journey = Journey { interactions, ..Journey::default() };
        catalogue().resolve(&mut journey);
        journey.interactions.remove(0)
    }

    #[test]
    fn what_a_record_leaves_open_the_catalogue_fills_in_and_no_more() {
        let given = json!({"outcome": {"code": "NI", "label": "No, thanks"}, "agent": {"id": "agent-4"}});
        let shown = resolved(given);
        let expected =
            json!({"code": "NI", "label": "No, thanks", "class": "failure", "parent": "Refusals", "reached": true});
        assert_eq!(shown.outcome.as_deref(), Some(&outcome(expected)));
        assert_eq!(shown.agent.as_ref().unwrap().name.as_deref(), Some("Duarte Melo"));
        let named = json!({"agent": {"id": "agent-4", "name": "D."}, "campaign": {"id": "td", "name": "T. D."},
                           "outcome": {"code": "YES", "class": "neutral", "reached": false}});
        let shown = resolved(named);
        assert_eq!(shown.agent.as_ref().unwrap().name.as_deref(), Some("D."));
        assert_eq!(shown.campaign.as_ref().unwrap().name.as_deref(), Some("T. D."));
        let kept = json!({"code": "YES", "label": "Yes", "class": "neutral", "reached": false});
        assert_eq!(shown.outcome.as_deref(), Some(&outcome(kept)));
    }

    #[test]
    fn a_campaigns_own_words_stand_over_those_for_all_part_by_part() {
        let shown = resolved(json!({"outcome": {"code": "NI"}, "campaign": {"id": "td"}}));
        assert_eq!(shown.class(), OutcomeClass::Neutral);
        assert_eq!(shown.outcome.as_ref().unwrap().label.as_deref(), Some("Not interested"));
        assert_eq!(shown.campaign.as_ref().unwrap().name.as_deref(), Some("Term deposit"));
        let elsewhere = resolved(json!({"outcome": {"code": "NI"}, "campaign": {"id": "cards"}}));
        assert_eq!((elsewhere.class(), &elsewhere.campaign.as_ref().unwrap().name), (OutcomeClass::Failure, &None));
    }

    #[test]
    fn an_outcome_that_nobody_mapped_shows_its_code_and_is_neutral() {
        let shown = resolved(json!({"outcome": {"code": "zz-17"}, "campaign": {"id": "td"}})).outcome.unwrap();
        assert_eq!((shown.label.as_deref(), shown.class), (Some("zz-17"), Some(OutcomeClass::Neutral)));
        assert_eq!(resolved(json!({})).outcome, None, "nothing becomes an outcome");
    }

    #[test]
    fn a_campaign_that_only_lists_the_number_is_named_too() {
        let listed = vec![Campaign { id: "td".into(), name: None }, Campaign { id: "cards".into(), name: None }];
        let contacts = vec![KnownContact { listed, ..KnownContact::default() }];
        let mut journey = Journey { contacts, ..Journey::default() };
        catalogue().resolve(&mut journey);
        assert_eq!(journey.campaign_name("td"), Some("Term deposit"));
        assert_eq!(journey.campaign_name("cards"), None);
    }

    #[test]
    fn a_code_is_lacking_where_neither_the_record_nor_an_entry_says_what_it_is() {
        let td = Campaign { id: "td".into(), name: None };
        let lacks = |value: Value| catalogue().lacks_outcome(Some(&td), &outcome(value));
        assert!(lacks(json!({"code": "zz-17"})) && lacks(json!({"code": "zz-17", "label": "Z"})));
        assert!(!lacks(json!({"code": "zz-17", "label": "Z", "class": "success"})));
        assert!(!lacks(json!({"code": "NI"})) && !lacks(json!({"code": "YES"})));
    }
}
