//! Connections that nobody wants, from a process of their own: what they cost here is no part of what is measured.

use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use futures_util::{SinkExt as _, StreamExt as _};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::ClientRequestBuilder;

use crate::push::SUBPROTOCOL;
use crate::tools::Common;
use crate::tools::call::rate;
use crate::tools::output::say;
use crate::tools::service::RunningService;
use crate::tools::trust::Entrance;

/// They come one after the other: several at once would have to wait for each other, and pops for all of them.
const TICK: Duration = Duration::from_millis(1);
/// A TLS record that says it holds a greeting of 512 bytes.
const TLS_RECORD: [u8; 9] = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc];
const COME: &[u8] = b"come\n";
const GO: &[u8] = b"go\n";

/// Open bad connections to a service while standard input says so: the other half of `bench attack`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Standard input: \"come\" and \"go\" in lines of their own; at its end everything is closed, and what was done is printed as JSON.")]
pub struct Args {
    /// Bad connections a second
    #[arg(long, value_name = "R", value_parser = rate)]
    bad: f64,

    /// Address of the service
    #[arg(long)]
    url: String,
}

/// What they did.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Came {
    pub opened: u64,
    /// No connection came about.
    pub refused: u64,
    pub open_most: u64,
}

/// Their process, told when to come.
pub struct Strangers(Child);

impl Strangers {
    pub fn start(common: &Common, service: &RunningService, bad: f64) -> anyhow::Result<Self> {
        // Where they share the service's cores, what they do themselves must not take its time: it is no part of what is measured.
        let mut command = Command::new("nice");
        command.args(["-n", "19"]);
        command.arg(std::env::current_exe().context("this program's own file cannot be found")?);
        if let Some(config) = &common.config {
            command.arg("--config").arg(config);
        }
        for (key, value) in &common.set {
            command.args(["--set", &format!("{key}={value}")]);
        }
        command.args(common.trust.arguments());
        command.args(["bench", "strangers", "--bad", &bad.to_string(), "--url", service.base()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        Ok(Self(command.spawn().context("the strangers' process did not start (by nice)")?))
    }

    pub async fn come(&mut self, come: bool) -> anyhow::Result<()> {
        let input = self.0.stdin.as_mut().context("the strangers do not listen")?;
        Ok(input.write_all(if come { COME } else { GO }).await?)
    }

    pub async fn end(mut self) -> anyhow::Result<Came> {
        drop(self.0.stdin.take());
        let output = self.0.wait_with_output().await?;
        serde_json::from_slice(&output.stdout).context("the strangers said nothing")
    }
}

pub async fn run(common: &Common, args: Args) -> anyhow::Result<ExitCode> {
    stand_back();
    let settings = common.settings_without_kafka()?;
    let service = RunningService::at(Some(&args.url), &settings, &common.trust)?;
    let entrance = Arc::new(service.entrance());
    // On one thread: handing connections from one to another would be work that no stranger makes for a service.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let came = tokio::task::spawn_blocking(move || runtime.block_on(come_and_go(args.bad, entrance))).await??;
    say(&serde_json::to_string(&came)?);
    Ok(ExitCode::SUCCESS)
}

/// Where Linux shares time out between sessions first (autogroup), `nice` alone says nothing to those in another one, as brokers are.
fn stand_back() {
    // Where that is not so, `nice` is enough.
    _ = rustix::process::setsid();
    _ = std::fs::write("/proc/self/autogroup", "19");
}

async fn come_and_go(bad: f64, entrance: Arc<Entrance>) -> anyhow::Result<Came> {
    let count = Arc::new(Count::default());
    let mut told = BufReader::new(tokio::io::stdin()).lines();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut open, mut comes, mut due, mut nth) = (JoinSet::new(), false, 0.0, 0_usize);
    loop {
        tokio::select! {
            line = told.next_line() => match line?.as_deref() {
                None => break,
                Some("come") => comes = true,
                Some(_) => {
                    comes = false;
                    due = 0.0;
                    open.shutdown().await;
                }
            },
            Some(_) = open.join_next() => {}
            _ = tick.tick() => {
                if comes {
                    due += bad * TICK.as_secs_f64();
                }
                while due >= 1.0 {
                    due -= 1.0;
                    nth += 1;
                    open.spawn(Stranger::ALL[nth % Stranger::ALL.len()].knock(Arc::clone(&entrance), Arc::clone(&count)));
                }
                count.open_most.fetch_max(open.len() as u64, Ordering::Relaxed);
            }
        }
    }
    open.shutdown().await;
    Ok(count.came())
}

#[derive(Default)]
struct Count {
    opened: AtomicU64,
    refused: AtomicU64,
    open_most: AtomicU64,
}

impl Count {
    fn came(&self) -> Came {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Came { opened: of(&self.opened), refused: of(&self.refused), open_most: of(&self.open_most) }
    }
}

/// What one of them does.
#[derive(Debug, Clone, Copy)]
enum Stranger {
    Silent,
    HalfHeader,
    Garbage,
    WrongHello,
    TlsGarbage,
}

impl Stranger {
    const ALL: [Self; 5] = [Self::Silent, Self::HalfHeader, Self::Garbage, Self::WrongHello, Self::TlsGarbage];

    async fn knock(self, entrance: Arc<Entrance>, count: Arc<Count>) {
        count.opened.fetch_add(1, Ordering::Relaxed);
        let done = match self {
            Self::WrongHello => wrong_hello(&entrance).await,
            Self::Silent => says(&entrance, &[]).await,
            Self::HalfHeader => says(&entrance, b"GET /v1/agent HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ").await,
            Self::Garbage => says(&entrance, &rand::random::<[u8; 32]>().repeat(16)).await,
            Self::TlsGarbage => {
                says(&entrance, &[&TLS_RECORD[..], &rand::random::<[u8; 32]>().repeat(15)].concat()).await
            }
        };
        if done.is_err() {
            count.refused.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Then listens until it is sent away.
async fn says(entrance: &Entrance, bytes: &[u8]) -> anyhow::Result<()> {
    let mut stream: TcpStream = entrance.connect().await?;
    // Turned away at once is what it is for, and no failure.
    _ = stream.write_all(bytes).await;
    let mut nothing = [0; 256];
    while let Ok(1..) = stream.read(&mut nothing).await {}
    Ok(())
}

async fn wrong_hello(entrance: &Entrance) -> anyhow::Result<()> {
    let request = ClientRequestBuilder::new(entrance.url.parse()?).with_sub_protocol(SUBPROTOCOL);
    let Ok(stream) = entrance.open().await else { return Ok(()) };
    let Ok((mut socket, _)) = client_async(request, stream).await else { return Ok(()) };
    _ = socket.send(Message::text(r#"{"type":"hello","token":"e30.e30.bm8"}"#)).await;
    while let Some(Ok(_)) = socket.next().await {}
    Ok(())
}
