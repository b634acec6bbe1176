//! The commands beside `serve`, a file each.

use std::path::PathBuf;

use crate::config::{Layers, Problems, Settings, load, load_without_kafka};

// A command each.
pub mod audit;
pub mod backup;
pub mod bench;
pub mod call;
pub mod catalogue;
pub mod check;
pub mod config;
pub mod demo;
pub mod erase;
pub mod import;
pub mod journey;
pub mod migrate;
pub mod restore;
pub mod watch;
pub mod why;

// What several of them need.
pub mod agent;
mod output;
mod progress;
mod publish;
mod readable;
mod service;
mod stores;
mod trust;

/// Where settings come from; the same for every command.
#[derive(Debug, Clone, clap::Args)]
pub struct Common {
    /// Settings file (TOML); environment variables BACKSTORY_… go over it, flags over both
    #[arg(long, short, value_name = "FILE", global = true, env = "BACKSTORY_CONFIG")]
    pub config: Option<PathBuf>,

    /// One setting, over file and environment; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", global = true, value_parser = key_value)]
    pub set: Vec<(String, String)>,

    #[command(flatten)]
    pub trust: trust::Trust,
}

fn key_value(text: &str) -> Result<(String, String), &'static str> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE, such as journey.period_months=6")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

impl Common {
    pub fn layers(&self) -> Result<Layers, Problems> {
        Layers::new(self.config.as_deref(), &self.set)
    }

    /// For commands that hear or publish: `kafka.brokers` is required.
    pub fn settings(&self) -> Result<Settings, Problems> {
        load(&self.layers()?)
    }

    /// For commands that can do without Kafka.
    pub fn settings_without_kafka(&self) -> Result<Settings, Problems> {
        load_without_kafka(&self.layers()?)
    }
}
