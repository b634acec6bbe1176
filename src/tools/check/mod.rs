//! `backstory check`: tries out what a service will need, and says of each thing that is not as it should be what to do.

use std::process::ExitCode;

use chrono::Utc;
use serde_json::json;

use super::Common;
use super::output::{Colors, say};
use crate::config::{EXIT_SETTINGS, load_without_kafka};

mod auth;
mod kafka;
mod machine;
mod rights;
mod set_aside;
mod store;
mod tables;
mod tls;
mod topics;

pub use kafka::topic_config;

/// Try out settings, brokers, topics, store and addresses, and say what to do about each that fails
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code: 0 if nothing failed (warnings may be there), 1 if something failed, 64 if the settings cannot be used. With \
--set-aside: 0, also where nothing was set aside.")]
pub struct Args {
    /// Make the topics that are missing
    #[arg(long)]
    create: bool,

    /// Partitions of topics that are made: more are read by more threads of the brokers
    #[arg(long, value_name = "N", default_value_t = 6, requires = "create", value_parser = clap::value_parser!(i32).range(1..=1000))]
    partitions: i32,

    /// Copies of each partition of topics that are made; 3 is usual, 1 loses calls when a broker fails [default: 3, or as
    /// many as there are brokers]
    #[arg(long, value_name = "N", requires = "create", value_parser = clap::value_parser!(i32).range(1..=9))]
    replicas: Option<i32>,

    /// A customer's number, to run the queries of your own tables with and show what comes back
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    number: Option<String>,

    /// Only list the records that were set aside, newest first: topic, partition and offset, why, and when; the store
    /// keeps the newest 10,000 of each topic
    #[arg(long, conflicts_with_all = ["create", "number"])]
    set_aside: bool,

    /// Print one JSON object a check instead: check, state, text, todo; with --set-aside, one a record
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ok,
    Warn,
    Fail,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    check: String,
    state: State,
    text: String,
    /// What to do about it.
    todo: Option<String>,
}

impl Finding {
    fn ok(check: &str, text: impl Into<String>) -> Self {
        Self { check: check.into(), state: State::Ok, text: text.into(), todo: None }
    }

    fn warn(check: &str, text: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { check: check.into(), state: State::Warn, text: text.into(), todo: Some(todo.into()) }
    }

    fn fail(check: &str, text: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { check: check.into(), state: State::Fail, text: text.into(), todo: Some(todo.into()) }
    }

    fn line(&self, colors: Colors) -> String {
        let state = match self.state {
            State::Ok => colors.green("ok  "),
            State::Warn => colors.yellow("warn"),
            State::Fail => colors.red("fail"),
        };
        let todo = self.todo.as_deref().map(|todo| format!("\n      → {todo}")).unwrap_or_default();
        format!("{state}  {}: {}{todo}", self.check, self.text)
    }

    fn json(&self) -> String {
        let state = match self.state {
            State::Ok => "ok",
            State::Warn => "warn",
            State::Fail => "fail",
        };
        json!({ "check": self.check, "state": state, "text": self.text, "todo": self.todo }).to_string()
    }
}

pub async fn run(common: &Common, args: Args) -> anyhow::Result<ExitCode> {
    let colors = Colors::of_stdout();
    let mut failed = false;
    let mut print = |finding: &Finding| {
        failed |= finding.state == State::Fail;
        say(&if args.json { finding.json() } else { finding.line(colors) });
    };
    let settings = match common.layers().and_then(|layers| load_without_kafka(&layers)) {
        Ok(settings) => settings,
        Err(problems) => {
            for problem in problems.0 {
                print(&Finding::fail("settings", problem, "mend it; `backstory config` explains every setting"));
            }
            return Ok(ExitCode::from(EXIT_SETTINGS));
        }
    };
    if args.set_aside {
        return set_aside::list(&settings, args.json).await;
    }
    let from = common
        .config
        .as_ref()
        .map_or_else(|| "defaults, environment and flags".into(), |file| file.display().to_string());
    print(&Finding::ok("settings", format!("readable ({from})")));
    kafka::check(&settings, &args, &mut print).await;
    print(&store::check(&settings.journey).await);
    tables::check(&settings.journey, args.number.as_deref(), &mut print).await;
    for finding in auth::check(&settings.auth).await {
        print(&finding);
    }
    let http = &settings.http;
    let is_tls = http.tls.files().is_some();
    tls::check(&http.tls, Utc::now()).iter().for_each(&mut print);
    print(&machine::listen("http.listen", http.listen, is_tls).await);
    print(&machine::listen("http.admin_listen", http.admin_listen, is_tls && http.tls.admin).await);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
