//! `backstory config`: every setting in force, as TOML, with what it does, its default and where it was said. No secrets.

use std::collections::BTreeMap;
use std::process::ExitCode;

use figment::value::Value;
use serde_json::{Map, json};

use super::output::{note, say};
use super::{Common, catalogue};
use crate::config::{
    COLUMN_TABLES, Key, Layers, Problems, is_secret, keys, load_without_kafka, number_text, toml_key, toml_text,
    url_without_password,
};

/// Comments are wrapped at this width.
const COMMENT_CHARS_MAX: usize = 100;
const PROPERTIES: &str = "kafka.properties";

/// Print the settings in force, each with its meaning, default and origin; secrets stay hidden
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The output is a settings file: `backstory config > backstory.toml` is a good start for one of your own.
Any property of librdkafka may stand under [kafka.properties]. Secrets come from files or the environment:
  \"sasl.password.file\" = \"/run/secrets/kafka\"     in the settings file
  BACKSTORY_KAFKA__PROPERTIES__SASL_PASSWORD=…      in the environment
If there are problems they are listed on standard error, and the exit code is 64.")]
pub struct Args {
    /// Print one JSON object instead
    #[arg(long)]
    json: bool,
}

pub async fn run(common: &Common, args: Args) -> anyhow::Result<ExitCode> {
    let layers = common.layers()?;
    let problems = load_without_kafka(&layers).err();
    say(&if args.json { json(&layers, problems.as_ref()) } else { toml(&layers) });
    match problems {
        // Whoever reads the object has them already.
        Some(problems) if args.json => {
            note(&problems.to_string());
            Ok(ExitCode::from(crate::config::EXIT_SETTINGS))
        }
        Some(problems) => Err(problems.into()),
        None => Ok(ExitCode::SUCCESS),
    }
}

fn toml(layers: &Layers) -> String {
    let mut text =
        String::from("# Backstory's settings in force. The environment stands over the file, flags stand over both.\n");
    let mut table = "";
    for key in keys() {
        let (of, name) = key.name.rsplit_once('.').unwrap_or(("", key.name));
        // `[kafka.topics]` ends `[kafka]`, and what stands behind it belongs to it: the properties come last of all.
        if of != table {
            table = of;
            text += &format!("\n[{table}]\n");
        }
        let (value, origin) = layers.said(key.name);
        text += &comment(&about(key, origin.as_deref()));
        text += &match &value {
            Some(value) => format!("{name} = {}\n", toml_value(&shown(key, value))),
            None => format!("# {name} =\n"),
        };
    }
    for table in COLUMN_TABLES {
        let columns = layers.table(table);
        if !columns.is_empty() {
            text += &format!("\n[{table}]\n");
        }
        for (ours, theirs) in columns {
            text += &format!("{ours} = {}\n", toml_text(&theirs));
        }
    }
    text += &format!("\n[{PROPERTIES}]\n");
    text += &comment("any librdkafka property; default: none");
    for (name, value) in layers.properties() {
        text += &if hidden(&name) {
            format!("# {} is set, and a secret\n", toml_text(&name))
        } else {
            format!("{} = {}\n", toml_text(&name), toml_text(&value))
        };
    }
    text += "\n[agents.aliases]\n";
    text += &comment("other ids by which call events or desktops know agents: \"5551\" = \"ana\"; default: none");
    for (id, agent) in layers.aliases().0.iter() {
        text += &format!("{} = {}\n", toml_key(id), toml_text(agent));
    }
    text += "\n[policy.teams]\n";
    text += &comment(
        "campaigns that only some teams may see: \"td-2026\" = [\"sales\"]; default: everyone sees every campaign",
    );
    for (campaign, teams) in layers.teams().0 {
        let teams: Vec<String> = teams.iter().map(|team| toml_text(team)).collect();
        text += &format!("{} = [{}]\n", toml_key(&campaign), teams.join(", "));
    }
    text += "\n";
    text += &comment("the catalogue: words for codes and ids that records carry bare, and how modes and channels look");
    text += &catalogue::toml(&layers.catalogue().0);
    text
}

/// A store's URL may hold a password.
fn shown(key: &Key, value: &Value) -> Value {
    match (key.name.ends_with(".store"), value.as_str()) {
        (true, Some(url)) => url_without_password(url).into(),
        _ => value.clone(),
    }
}

fn about(key: &Key, origin: Option<&str>) -> String {
    let default = key.default.map_or_else(|| "no default".into(), |default| format!("default: {default}"));
    let said = origin.map(|origin| format!("; set by: {origin}")).unwrap_or_default();
    format!("{}; {default}{said}", key.about)
}

fn comment(text: &str) -> String {
    let mut lines = vec![String::from("#")];
    for word in text.split(' ') {
        let full = lines.last().is_some_and(|line| line.chars().count() + word.chars().count() >= COMMENT_CHARS_MAX);
        if full {
            lines.push("#  ".into());
        }
        if let Some(line) = lines.last_mut() {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines.join("\n") + "\n"
}

/// The path of a file that holds a secret is none.
fn hidden(property: &str) -> bool {
    is_secret(property) && !property.ends_with(".file")
}

fn toml_value(value: &Value) -> String {
    match value {
        Value::String(_, text) => toml_text(text),
        Value::Char(_, letter) => toml_text(&letter.to_string()),
        Value::Bool(_, truth) => truth.to_string(),
        Value::Num(_, number) => number_text(*number),
        Value::Array(_, list) => format!("[{}]", list.iter().map(toml_value).collect::<Vec<_>>().join(", ")),
        // Found only where a table stands for a value, which is one of the problems listed.
        Value::Dict(..) => "{}".into(),
        Value::Empty(..) => toml_text(""),
    }
}

fn json(layers: &Layers, problems: Option<&Problems>) -> String {
    let mut settings = Map::new();
    for key in keys() {
        let (value, origin) = layers.said(key.name);
        settings.insert(
            key.name.into(),
            json!({
                "value": value.and_then(|value| serde_json::to_value(shown(key, &value)).ok()),
                "default": key.default,
                "origin": origin.unwrap_or_else(|| "default".into()),
                "about": key.about,
            }),
        );
    }
    for (name, value) in layers.properties() {
        let origin = layers.said(&format!("{PROPERTIES}.{name}")).1;
        let value = (!hidden(&name)).then_some(value);
        settings.insert(
            format!("{PROPERTIES}.{name}"),
            json!({ "value": value, "origin": origin, "secret": hidden(&name) }),
        );
    }
    let problems = problems.map(|problems| problems.0.as_slice()).unwrap_or_default();
    serde_json::to_string_pretty(&json!({
        "settings": settings,
        "teams": layers.teams().0,
        "aliases": layers.aliases().0.iter().collect::<BTreeMap<_, _>>(),
        "catalogue": catalogue::json(&layers.catalogue().0),
        "problems": problems,
    }))
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journey::Source;

    fn layers(flags: &[(&str, &str)]) -> Layers {
        let flags: Vec<_> = flags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Layers::new(None, &flags).unwrap()
    }

    #[test]
    fn what_is_printed_is_a_settings_file_that_says_the_same() {
        let printed = toml(&layers(&[("journey.default_region", "PT"), ("kafka.brokers", "a:1,b:2")]));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("backstory.toml");
        std::fs::write(&file, &printed).unwrap();
        let again = Layers::new(Some(&file), &[]).unwrap();
        let settings = load_without_kafka(&again).unwrap();
        assert_eq!(settings.kafka.brokers.as_deref(), Some("a:1,b:2"));
        assert_eq!(settings.journey.default_region.0, rlibphonenumber::Region::PT);
        for key in keys() {
            let name = key.name.rsplit('.').next().unwrap_or_default();
            assert!(printed.contains(&format!("{name} =")), "{name} is not printed");
        }
    }

    #[test]
    fn the_printed_catalogue_is_the_one_in_force() {
        let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
        let said = "[catalogue]\nagents.\"Agent 4\" = \"Duarte \\\"Du\\\" Melo\"\nmodes.fax = { label = \"Fax\", channel = \"post\" }\n\
                    channels.post.label = \"Post\"\nsources.data_cloud.show_modes = false\n[catalogue.campaigns.\"td.26\"]\noutcomes.\"N.I\" = { class = \"failure\", reached = false }\n";
        std::fs::write(file.path(), said).unwrap();
        let layers = Layers::new(Some(file.path()), &[]).unwrap();
        let in_force = load_without_kafka(&layers).unwrap().catalogue;
        assert_eq!(in_force.agents["Agent 4"], "Duarte \"Du\" Melo");
        assert_eq!(in_force.without_modes, [Source::DataCloud]);
        std::fs::write(file.path(), toml(&layers)).unwrap();
        let again = Layers::new(Some(file.path()), &[]).unwrap();
        let mut printed = (*load_without_kafka(&again).unwrap().catalogue).clone();
        // They are printed by name; their order is nothing that anybody sees.
        printed.modes.sort_by_key(|mode| in_force.modes.iter().position(|known| known.mode == mode.mode));
        printed.channels.sort_by_key(|one| in_force.channels.iter().position(|known| known.channel == one.channel));
        assert_eq!(printed, *in_force);
        let object: serde_json::Value = serde_json::from_str(&json(&layers, None)).unwrap();
        assert_eq!(object["catalogue"]["campaigns"]["td.26"]["outcomes"]["N.I"]["class"], "failure");
    }

    #[test]
    fn the_printed_aliases_are_those_in_force() {
        let layers = layers(&[("agents.aliases.5551", "ana"), ("agents.aliases.Ext 7", "Ben \"B\" Sá")]);
        let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
        std::fs::write(file.path(), toml(&layers)).unwrap();
        let again = Layers::new(Some(file.path()), &[]).unwrap();
        assert_eq!(again.aliases(), layers.aliases());
        assert_eq!(again.aliases().0.agent("Ext 7".to_owned()), "Ben \"B\" Sá");
        let object: serde_json::Value = serde_json::from_str(&json(&layers, None)).unwrap();
        assert_eq!(object["aliases"]["5551"], "ana");
    }

    #[test]
    fn the_printed_teams_are_those_in_force() {
        let layers = layers(&[("policy.teams.td-2026", "[sales, \"B \\\"B\"]"), ("policy.teams.none", "[]")]);
        let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
        std::fs::write(file.path(), toml(&layers)).unwrap();
        let again = Layers::new(Some(file.path()), &[]).unwrap();
        assert_eq!(again.teams(), layers.teams());
        assert_eq!(again.teams().0["td-2026"].len(), 2);
    }

    #[test]
    fn secrets_are_not_printed() {
        let layers =
            layers(&[("kafka.properties.sasl.password", "hunter2"), ("kafka.properties.sasl.username", "backstory")]);
        for printed in [toml(&layers), json(&layers, None)] {
            assert!(!printed.contains("hunter2"), "{printed}");
            assert!(printed.contains("sasl.password") && printed.contains("backstory"), "{printed}");
        }
    }
}
