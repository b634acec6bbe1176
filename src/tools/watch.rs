//! `backstory watch`: an agent in the terminal. Comes back by itself when the line breaks, and knows what it shows already.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use chrono_tz::Tz;
use serde_json::Value;

use super::agent::{AgentSocket, Frame, Heard, Showing, Who, comes_back};
use super::output::{Colors, note, say};
use super::service::{RunningService, TokenFile};
use super::trust::Entrance;
use super::{Common, readable};

/// The first wait after a lost line; it doubles up to the last.
const BACKOFF_FIRST: Duration = Duration::from_millis(250);
const BACKOFF_LAST: Duration = Duration::from_secs(15);

/// Be an agent in the terminal: print what arrives on the screen
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Whose calls to show: the agent's id, as call events name it [default: the agent of the token]
    #[arg(long, short, value_name = "ID", required_unless_present = "token_file")]
    agent: Option<String>,

    /// Print every frame as it came, one JSON object a line
    #[arg(long)]
    json: bool,

    /// Leave after this many screen pops, those of calls that were open before included; without it, watch until interrupted
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,

    /// Time zone that days and hours follow (IANA name, such as Europe/Lisbon)
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: Tz,

    /// Address of the service, such as http://127.0.0.1:8080 [default: http.listen of the settings]
    #[arg(long)]
    url: Option<String>,

    #[command(flatten)]
    token: TokenFile,
}

pub async fn run(common: &Common, args: Args) -> anyhow::Result<ExitCode> {
    let service = RunningService::at(args.url.as_deref(), &common.settings_without_kafka()?, &common.trust)?;
    let mut watch = Watch { args, colors: Colors::of_stdout(), showing: BTreeMap::new(), pops: 0, come_back: None };
    let mut backoff = BACKOFF_FIRST;
    loop {
        let showing: Vec<_> = watch.showing.clone().into_iter().collect();
        let reason = match watch.connect(&service.entrance(), &showing).await {
            Ok(mut socket) => match watch.follow(&mut socket).await? {
                Followed::Counted => {
                    socket.close().await;
                    return Ok(ExitCode::SUCCESS);
                }
                Followed::Lost { reason, welcomed } => {
                    if welcomed {
                        backoff = BACKOFF_FIRST;
                    }
                    reason
                }
            },
            Err(error) => error.to_string(),
        };
        // Everybody lost the line at the same moment: nobody comes back at the same moment.
        let wait = watch.come_back.take().unwrap_or_else(|| backoff.mul_f64(rand::random_range(0.5..1.5)));
        note(&format!("not connected to {} ({reason}); trying again in {:.1} s", service.base(), wait.as_secs_f64()));
        tokio::time::sleep(wait).await;
        backoff = (backoff * 2).min(BACKOFF_LAST);
    }
}

struct Watch {
    args: Args,
    colors: Colors,
    /// Call id → digest of what is on the screen.
    showing: BTreeMap<String, String>,
    pops: u64,
    /// What a goodbye asked for.
    come_back: Option<Duration>,
}

impl Watch {
    /// With the token that the file holds at this moment: the last one may have ended.
    async fn connect(&self, entrance: &Entrance, showing: &[Showing]) -> anyhow::Result<AgentSocket> {
        let Args { agent, token, time_zone, .. } = &self.args;
        let token = token.token()?;
        let who = Who { agent: agent.as_deref(), token: token.as_deref(), time_zone: Some(time_zone.name()) };
        AgentSocket::connect(entrance, who, showing).await
    }
}

enum Followed {
    /// As many pops as were wanted.
    Counted,
    Lost {
        reason: String,
        welcomed: bool,
    },
}

impl Watch {
    /// Until the line ends; fails where coming back is of no use.
    async fn follow(&mut self, socket: &mut AgentSocket) -> anyhow::Result<Followed> {
        let mut welcomed = false;
        loop {
            let frame = match socket.next().await {
                Heard::Frame(frame) => frame,
                Heard::Closed { code, reason } if comes_back(code) => {
                    return Ok(Followed::Lost { reason: format!("{code}: {reason}"), welcomed });
                }
                Heard::Closed { code, reason } => bail!("the service closed the session ({code}): {reason}"),
            };
            welcomed |= frame.head.r#type == "welcome";
            // A line that breaks here is noticed by the next read.
            _ = socket.acknowledge(&frame.head, "received", Duration::ZERO).await;
            if frame.is_repeated {
                continue;
            }
            self.keep(&frame);
            self.print(&frame);
            _ = socket.acknowledge(&frame.head, "rendered", frame.at.elapsed()).await;
            self.pops += u64::from(frame.head.r#type == "pop");
            if self.args.count.is_some_and(|count| self.pops >= count) {
                return Ok(Followed::Counted);
            }
        }
    }

    /// What the next hello will say is shown.
    fn keep(&mut self, frame: &Frame) {
        let (head, call_id) = (&frame.head, frame.head.call_id());
        match (head.r#type.as_str(), call_id, &head.digest) {
            ("pop" | "update", Some(call_id), Some(digest)) => {
                self.showing.insert(call_id.to_owned(), digest.clone());
            }
            ("ended", Some(call_id), _) => _ = self.showing.remove(call_id),
            ("goodbye", ..) => self.come_back = head.come_back_ms.map(|ms| Duration::from_millis(ms.min(60_000))),
            _ => {}
        }
    }

    fn print(&self, frame: &Frame) {
        if self.args.json {
            return say(&frame.text);
        }
        let json = frame.json();
        match frame.head.r#type.as_str() {
            "pop" => self.print_pop(&json),
            "update" => self.print_update(&json),
            "ended" => say(&self.colors.dim(&format!(
                "   call {} is over: {}",
                readable::text(&json, "callId"),
                readable::text(&json, "reason")
            ))),
            "welcome" => note(&format!(
                "agent {} on node {}, waiting for calls",
                readable::text(&json, "agent"),
                readable::text(&json, "node")
            )),
            "error" => note(&format!(
                "the service says: {} ({})",
                readable::text(&json, "text"),
                readable::text(&json, "code")
            )),
            _ => {}
        }
    }

    fn print_pop(&self, pop: &Value) {
        let announce = pop["announce"].as_bool().unwrap_or(true);
        say(&format!("\n{}", readable::call(&pop["call"], announce, self.args.time_zone, self.colors)));
        self.print_timeline(pop);
    }

    fn print_timeline(&self, frame: &Value) {
        if frame["timeline"].is_object() {
            say(&readable::timeline(&frame["timeline"], self.colors));
        } else if let Some(why) = frame["missing"]["text"].as_str() {
            say(&format!("   {}", self.colors.yellow(why)));
        }
    }

    fn print_update(&self, update: &Value) {
        let call_id = readable::text(update, "callId");
        if let Some(state) = update["call"]["state"].as_str() {
            say(&format!("   call {call_id}: {}", state.replace('_', " ")));
        }
        for interaction in readable::list(&update["interactions"]) {
            say(&format!(
                "   call {call_id}: new  {}",
                readable::interaction(interaction, self.args.time_zone, self.colors)
            ));
        }
        for removed in readable::list(&update["removed"]) {
            say(&format!("   call {call_id}: interaction {} was removed", removed.as_str().unwrap_or_default()));
        }
        self.print_timeline(update);
    }
}
