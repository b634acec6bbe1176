//! The schemas in `schemas/` are those of the types, and every example there is valid and is decoded.
//!
//! `UPDATE_SCHEMAS=1 cargo test --test house` writes them anew after a change of a type.

use std::path::{Path, PathBuf};

use backstory::arrival::{self, CallEvent, Limits};
use backstory::audit::Record as AuditRecord;
use backstory::journey::{Contact, Erasure, Interaction};
use backstory::kafka::Record;
use backstory::push::ledger::record::Line;
use backstory::push::{ClientFrame, ServerFrame};
use backstory::record::{Marks, Times};
use chrono::{DateTime, TimeDelta, Utc};
use rlibphonenumber::Region;
use schemars::generate::SchemaSettings;
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

fn schema<T: schemars::JsonSchema>(name: &str, read_by_us: bool) -> (String, Value) {
    let settings = SchemaSettings::draft2020_12();
    let settings = if read_by_us { settings.for_deserialize() } else { settings.for_serialize() };
    (format!("{name}.schema.json"), settings.into_generator().into_root_schema_for::<T>().to_value())
}

fn schemas() -> Vec<(String, Value)> {
    vec![
        schema::<CallEvent>("call", true),
        schema::<Interaction>("interaction", true),
        schema::<Contact>("contact", true),
        schema::<Erasure>("erasure", true),
        schema::<ClientFrame>("client-frame", true),
        schema::<ServerFrame<'static>>("server-frame", false),
        schema::<Line>("pop", true),
        schema::<AuditRecord>("audit", true),
    ]
}

fn examples() -> Vec<(String, Value)> {
    let mut examples: Vec<(String, Value)> = std::fs::read_dir(folder().join("examples"))
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
        })
        .collect();
    examples.sort_by(|a, b| a.0.cmp(&b.0));
    examples
}

#[test]
fn the_published_schemas_are_those_of_the_types() {
    for (name, schema) in schemas() {
        let path = folder().join(&name);
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(published == text, "schemas/{name} is not that of the type: UPDATE_SCHEMAS=1 cargo test --test house");
    }
}

/// Examples are named `KIND.what-it-shows.json`; there is one of each kind at least.
#[test]
fn every_example_fits_its_schema() {
    for (name, schema) in schemas() {
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let kind = name.trim_end_matches(".schema.json");
        let examples: Vec<_> =
            examples().into_iter().filter(|(name, _)| name.starts_with(&format!("{kind}."))).collect();
        assert!(!examples.is_empty(), "no example of {kind}");
        for (example, value) in examples {
            let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{example}: {errors:?}");
        }
    }
}

#[test]
fn every_example_of_a_record_or_client_frame_is_decoded() {
    let now: DateTime<Utc> = "2026-11-20T21:00:05Z".parse().unwrap();
    for (name, value) in examples() {
        let text = value.to_string();
        match name.split('.').next().unwrap() {
            "call" => {
                let limits = Limits { record_bytes_max: 1 << 20, future_max: TimeDelta::minutes(5) };
                let record = Record::of(text.into_bytes(), now);
                arrival::decode(&record, limits, now).unwrap_or_else(|error| panic!("{name}: {error}"));
            }
            "interaction" => {
                Interaction::read(text.as_bytes(), Region::US, now).unwrap_or_else(|e| panic!("{name}: {e}"));
            }
            "contact" => {
                Contact::read(text.as_bytes(), Region::US, now).unwrap_or_else(|e| panic!("{name}: {e}"));
            }
            "erasure" => {
                Erasure::read(
                    text.as_bytes(),
                    Region::US,
                    Times::of_record(None, TimeDelta::zero()),
                    &mut Marks::default(),
                )
                .unwrap_or_else(|e| panic!("{name}: {e}"));
            }
            "client-frame" => {
                ClientFrame::decode(&text).unwrap_or_else(|error| panic!("{name}: {error:?}"));
            }
            "pop" => {
                Line::decode(text.as_bytes()).unwrap_or_else(|| panic!("{name}: no line of the ledger"));
            }
            "audit" => {
                AuditRecord::decode(text.as_bytes()).unwrap_or_else(|| panic!("{name}: no record of the audit"));
            }
            "server-frame" => {}
            other => panic!("{name}: {other} is no kind of schema"),
        }
    }
}
