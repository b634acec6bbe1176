//! `backstory catalogue`: the words in force for codes and ids, or those that are still to be found, as TOML to paste.

use std::process::ExitCode;

use anyhow::bail;
use serde::Serialize;
use serde_json::{Value, json};

use super::Common;
use super::output::say;
use crate::config::{StoreAddress, toml_key, toml_text};
use crate::journey::{Catalogue, Outcome, Source, Store};

mod unmapped;

use unmapped::Unmapped;

/// The parts of entries, in the order in which they are printed.
const PARTS: &[&str] = &["label", "class", "parent", "telephony", "reached", "channel", "icon", "color", "outcomes"];

/// Print the catalogue of outcomes, campaigns, agents, modes, channels and sources, or what is missing in it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The catalogue stands in the settings file, under [catalogue]. What a record says itself stands over it.

  backstory catalogue --unmapped >> backstory.toml

adds an entry for each that is missing, which says what agents see now: the bare code, neutral. Mend labels and \
classes there, and restart the service.")]
pub struct Args {
    /// Print what the kept interactions use and nobody has words for: neither their records nor the catalogue; most used
    /// first
    #[arg(long)]
    unmapped: bool,

    /// Print one JSON object instead
    #[arg(long)]
    json: bool,
}

pub async fn run(common: &Common, args: Args) -> anyhow::Result<ExitCode> {
    let settings = common.settings_without_kafka()?;
    let catalogue = &settings.catalogue;
    if !args.unmapped {
        say(&if args.json { serde_json::to_string_pretty(&json(catalogue))? } else { toml(catalogue) });
        return Ok(ExitCode::SUCCESS);
    }
    if let StoreAddress::Sqlite(path) = &settings.journey.store
        && !path.exists()
    {
        bail!("there is no store at {} yet, so nothing is kept that could be unmapped", path.display());
    }
    let unmapped = Unmapped::of(Store::open(&settings.journey)?.in_use().await?, catalogue);
    say(&if args.json { serde_json::to_string_pretty(&unmapped.json())? } else { unmapped.toml(catalogue) });
    Ok(ExitCode::SUCCESS)
}

/// A settings file that says the same: a line an entry.
pub(super) fn toml(catalogue: &Catalogue) -> String {
    let mut text = String::new();
    let all = json(catalogue);
    for table in ["outcomes", "campaigns", "agents", "modes", "channels", "sources"] {
        let entries = all[table].as_object().filter(|entries| !entries.is_empty());
        for (nth, (name, said)) in entries.into_iter().flatten().enumerate() {
            if nth == 0 {
                text += &format!("\n[catalogue.{table}]\n");
            }
            text += &format!("{} = {}\n", toml_key(name), inline(said));
        }
    }
    text.trim().to_owned()
}

fn inline(said: &Value) -> String {
    match said {
        Value::Object(entry) => {
            let known = PARTS.iter().filter_map(|part| Some((*part, entry.get(*part)?)));
            let codes =
                entry.iter().map(|(name, said)| (name.as_str(), said)).filter(|(name, _)| !PARTS.contains(name));
            let parts = known.chain(codes).map(|(name, said)| format!("{} = {}", toml_key(name), inline(said)));
            format!("{{ {} }}", parts.collect::<Vec<_>>().join(", "))
        }
        Value::String(text) => toml_text(text),
        other => other.to_string(),
    }
}

/// In the shape of the settings.
pub(super) fn json(catalogue: &Catalogue) -> Value {
    let outcomes = |outcomes: &std::collections::BTreeMap<String, Outcome>| -> Value {
        outcomes.iter().map(|(code, outcome)| (code.clone(), entry(outcome, "code"))).collect()
    };
    let campaigns = catalogue.campaigns.iter().map(|(id, campaign)| {
        let mut entry = json!({ "label": campaign.label, "outcomes": outcomes(&campaign.outcomes) });
        if let Value::Object(parts) = &mut entry {
            parts.retain(|_, part| !part.is_null() && part.as_object().is_none_or(|outcomes| !outcomes.is_empty()));
        }
        (id.clone(), entry)
    });
    json!({
        "outcomes": outcomes(&catalogue.outcomes),
        "campaigns": campaigns.collect::<Value>(),
        "agents": catalogue.agents,
        "modes": catalogue.modes.iter().map(|mode| (mode.mode.clone(), entry(mode, "mode"))).collect::<Value>(),
        "channels":
            catalogue.channels.iter().map(|one| (one.channel.clone(), entry(one, "channel"))).collect::<Value>(),
        "sources": Source::ALL.into_iter().map(|source| {
            (source.name().to_owned(), json!({ "show_modes": !catalogue.without_modes.contains(&source) }))
        }).collect::<Value>(),
    })
}

/// What stands under its name, so without the name.
fn entry(said: &impl Serialize, name: &str) -> Value {
    let mut entry = serde_json::to_value(said).unwrap_or_default();
    if let Value::Object(parts) = &mut entry {
        parts.remove(name);
    }
    entry
}
