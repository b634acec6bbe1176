//! `backstory check --set-aside`: the records that nothing could be made of, by their place in Kafka.

use std::process::ExitCode;

use chrono::SecondsFormat;
use comfy_table::{CellAlignment, Table, presets};
use serde_json::json;

use crate::config::{Journey, JourneySource, Settings};
use crate::journey::{SetAside, Sources};
use crate::tools::output::{counted, note, say};
use crate::tools::stores::require_stores;

/// Every store that is recorded into.
pub async fn list(settings: &Settings, as_json: bool) -> anyhow::Result<ExitCode> {
    require_stores(&settings.journey)?;
    let sources = Sources::open(&Journey { source: JourneySource::Both, ..settings.journey.clone() })?;
    for (store, ..) in sources.stores() {
        store.ready().await?;
        let records = store.set_aside().await?;
        if as_json {
            records.iter().for_each(|record| say(&json(record)));
            continue;
        }
        let found = counted(records.len() as u64, "record");
        note(&format!("{}: {found} set aside", store.describe()));
        if !records.is_empty() {
            say(&table(&records));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn json(record: &SetAside) -> String {
    let SetAside { topic, partition, offset, reason, field, at } = record;
    let at = at.to_rfc3339_opts(SecondsFormat::Millis, true);
    json!({"topic": topic, "partition": partition, "offset": offset, "reason": reason, "field": field, "at": at})
        .to_string()
}

fn table(records: &[SetAside]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["time (UTC)", "topic", "partition", "offset", "reason", "field"]);
    for SetAside { topic, partition, offset, reason, field, at } in records {
        table.add_row([
            at.format("%F %T").to_string(),
            topic.clone(),
            partition.to_string(),
            offset.to_string(),
            reason.clone(),
            field.clone().unwrap_or_default(),
        ]);
    }
    for column in table.column_iter_mut().skip(2).take(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.trim_fmt()
}
