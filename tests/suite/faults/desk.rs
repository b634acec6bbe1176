//! Agents at their desks, who do as the element does (`widget/src/client.ts`): stay alive, notice a dead line, come back with
//! what is on the screen, after a growing pause that is left to chance by half; here to another node of a list each time.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use crate::history::{Desk, Entry, History, Limits, Screen, Verdict};

/// As the element's.
const WELCOME_WAIT: Duration = Duration::from_secs(10);
const BACKOFF_FIRST_MS: u64 = 500;
const BACKOFF_MAX_MS: u64 = 15_000;
/// The element waits for 10 s, with heartbeats of 25 s.
const PONG_WAIT_HEARTBEATS: u32 = 2;
/// How long it may take until all is as it should be.
pub const SETTLING: Duration = Duration::from_secs(90);

/// Whoever writes to a desk with such a window is soon held up.
const SMALL_WINDOW_BYTES: u32 = 4096;

type Socket = WebSocketStream<TcpStream>;

/// All desks, and the record that they keep.
pub struct Office {
    history: Arc<History>,
    desks: Vec<At>,
    working: JoinSet<()>,
}

/// Somebody at a desk, to be asked from outside.
struct At {
    commands: mpsc::UnboundedSender<Command>,
    standing: Arc<Mutex<String>>,
    reads_every_ms: Arc<AtomicU64>,
}

enum Command {
    /// Hang up and go to the next node.
    MoveOn,
    /// Answer when everything that was on its way has been read.
    Flush(oneshot::Sender<()>),
}

/// How a session ended, which says when the next one begins.
enum End {
    Lost,
    ComeBack(Duration),
    Refused(u16),
}

struct Worker {
    desk: Desk,
    history: Arc<History>,
    commands: mpsc::UnboundedReceiver<Command>,
    standing: Arc<Mutex<String>>,
    /// How long one frame keeps it from the next.
    reads_every_ms: Arc<AtomicU64>,
    screen: Screen,
    attempt: u32,
}

impl Office {
    /// A desk for each agent; all are welcomed when this returns.
    pub async fn open(agents: &[String], nodes: Vec<SocketAddr>, history: &Arc<History>) -> Self {
        let mut office = Self { history: Arc::clone(history), desks: Vec::new(), working: JoinSet::new() };
        for (nth, agent_id) in agents.iter().enumerate() {
            let mut list = nodes.clone();
            list.rotate_left(nth % nodes.len());
            office.seat(Desk { agent_id: agent_id.clone(), nth: 0 }, list);
        }
        office.all_are_welcomed().await;
        office
    }

    pub fn seat(&mut self, desk: Desk, nodes: Vec<SocketAddr>) {
        let (commands, commanded) = mpsc::unbounded_channel();
        let standing = Arc::new(Mutex::new(String::from("not seated")));
        let reads_every_ms = Arc::new(AtomicU64::new(0));
        self.desks.push(At { commands, standing: Arc::clone(&standing), reads_every_ms: Arc::clone(&reads_every_ms) });
        let history = Arc::clone(&self.history);
        let worker = Worker {
            desk,
            history,
            commands: commanded,
            standing,
            reads_every_ms,
            screen: Screen::default(),
            attempt: 0,
        };
        self.working.spawn(worker.work(nodes));
    }

    /// The first desks take next to nothing in, and their time for each frame.
    pub fn lets_the_first_read_slowly(&self, desks: usize, pause: Duration) {
        for at in &self.desks[..desks] {
            at.reads_every_ms.store(pause.as_millis() as u64, Ordering::Relaxed);
            _ = at.commands.send(Command::MoveOn); // windows are as small as they began
        }
    }

    pub fn lets_all_read_at_once(&self) {
        for at in self.desks.iter().filter(|at| at.reads_every_ms.swap(0, Ordering::Relaxed) > 0) {
            _ = at.commands.send(Command::MoveOn);
        }
    }

    pub async fn all_are_welcomed(&self) {
        let all_there = async || (self.away() == 0).then_some(());
        crate::harness::until_within(SETTLING, "every agent to be welcomed", all_there).await;
    }

    pub async fn some_are_away(&self) {
        crate::harness::until("agents to leave", async || (self.away() > 0).then_some(())).await;
    }

    /// Everyone goes to another node.
    pub fn all_move_on(&self) {
        self.desks.iter().for_each(|at| _ = at.commands.send(Command::MoveOn));
    }

    /// Waits until nothing is wrong that time could mend, with everyone there and nothing on its way; what is wrong then is wrong.
    pub async fn settles(&self, limits: Limits) -> Verdict {
        let deadline = Instant::now() + SETTLING;
        loop {
            self.all_are_welcomed().await;
            for at in &self.desks {
                self.flush(at).await;
            }
            let verdict = self.history.judge(limits);
            if (verdict.is_settled() && self.away() == 0) || Instant::now() > deadline {
                return verdict;
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    fn away(&self) -> usize {
        self.desks.iter().filter(|at| *at.standing.lock() != "welcomed").count()
    }

    async fn flush(&self, at: &At) {
        let deadline = Instant::now() + SETTLING;
        while Instant::now() < deadline {
            let (answer, answered) = oneshot::channel();
            _ = at.commands.send(Command::Flush(answer));
            // Where the session ended meanwhile, the next one is asked.
            if answered.await.is_ok() {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Worker {
    async fn work(mut self, nodes: Vec<SocketAddr>) {
        for node in nodes.into_iter().cycle() {
            let pause = match self.session(node).await {
                End::ComeBack(pause) => pause,
                End::Lost => self.backoff(),
                End::Refused(code) => {
                    *self.standing.lock() = format!("refused: {code}");
                    return;
                }
            };
            sleep(pause).await;
        }
    }

    /// Doubling, with the upper half left to chance.
    fn backoff(&mut self) -> Duration {
        let ceiling = BACKOFF_MAX_MS.min(BACKOFF_FIRST_MS << self.attempt.min(10));
        self.attempt += 1;
        Duration::from_millis(rand::random_range(ceiling / 2..=ceiling))
    }

    async fn session(&mut self, node: SocketAddr) -> End {
        let Ok(Some((mut socket, welcome, showing))) = timeout(WELCOME_WAIT, self.open(node)).await else {
            return End::Lost;
        };
        let session = text(&welcome, "session");
        let (desk, node) = (self.desk.clone(), text(&welcome, "node"));
        self.history.add(Entry::Opened { desk, session: session.clone(), node, showing });
        self.attempt = 0;
        self.screen.begin_session();
        *self.standing.lock() = "welcomed".into();
        let heartbeat = Duration::from_secs(welcome["heartbeatSeconds"].as_u64().unwrap_or(1));
        let end = self.talk(&mut socket, &session, heartbeat).await;
        *self.standing.lock() = "away".into();
        self.history.add(Entry::Closed { session });
        end
    }

    async fn open(&self, node: SocketAddr) -> Option<(Socket, Value, usize)> {
        let socket = TcpSocket::new_v4().ok()?;
        if self.reads_every_ms.load(Ordering::Relaxed) > 0 {
            socket.set_recv_buffer_size(SMALL_WINDOW_BYTES).ok()?;
        }
        let stream = socket.connect(node).await.ok()?;
        _ = stream.set_nodelay(true);
        let mut request = format!("ws://{node}/v1/agent").into_client_request().ok()?;
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("backstory.v1"));
        let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.ok()?;
        let shown = self.screen.showing();
        let showing = shown.len();
        let hello = json!({ "type": "hello", "agent": self.desk.agent_id, "timeZone": "UTC", "showing": shown });
        socket.send(Message::text(hello.to_string())).await.ok()?;
        loop {
            if let Message::Text(text) = socket.next().await?.ok()? {
                let frame: Value = serde_json::from_str(&text).ok()?;
                return (frame["type"] == "welcome").then_some((socket, frame, showing));
            }
        }
    }

    async fn talk(&mut self, socket: &mut Socket, session: &str, heartbeat: Duration) -> End {
        let mut pings = tokio::time::interval(heartbeat);
        let mut asked: VecDeque<Option<oneshot::Sender<()>>> = VecDeque::new();
        let (mut dead_at, mut come_back_at) = (None, None);
        let far = Instant::now() + Duration::from_secs(86_400);
        loop {
            tokio::select! {
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => {
                        dead_at = None;
                        sleep(Duration::from_millis(self.reads_every_ms.load(Ordering::Relaxed))).await;
                        let frame: Value = serde_json::from_str(&text).unwrap_or_default();
                        match frame["type"].as_str() {
                            Some("pop" | "update" | "ended") => self.show(socket, session, frame).await,
                            Some("pong") => {
                                if let Some(Some(answer)) = asked.pop_front() {
                                    _ = answer.send(());
                                }
                            }
                            Some("goodbye") => {
                                let pause = Duration::from_millis(frame["comeBackMs"].as_u64().unwrap_or_default());
                                come_back_at = Some(Instant::now() + pause);
                            }
                            _ => {}
                        }
                    }
                    Some(Ok(Message::Close(close))) => {
                        let code = close.map_or(1005, |close| u16::from(close.code));
                        // Reading on lets the answer out.
                        _ = timeout(heartbeat, async { while let Some(Ok(_)) = socket.next().await {} }).await;
                        return closed(code, come_back_at);
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return closed(1006, come_back_at),
                },
                _ = pings.tick() => {
                    ask(socket, &mut asked, None).await;
                    dead_at.get_or_insert(Instant::now() + heartbeat * PONG_WAIT_HEARTBEATS);
                }
                () = sleep_until(dead_at.unwrap_or(far)) => return End::Lost,
                () = sleep_until(come_back_at.unwrap_or(far)) => return End::ComeBack(Duration::ZERO),
                command = self.commands.recv() => match command {
                    Some(Command::Flush(answer)) => ask(socket, &mut asked, Some(answer)).await,
                    Some(Command::MoveOn) => {
                        _ = timeout(heartbeat, socket.close(None)).await;
                        return End::ComeBack(Duration::ZERO);
                    }
                    None => return End::Lost,
                },
            }
        }
    }

    /// Shows a frame and acknowledges it twice.
    async fn show(&mut self, socket: &mut Socket, session: &str, frame: Value) {
        self.screen.apply(&frame);
        if frame["type"] != "ended" {
            let call_id = frame["call"]["callId"].as_str().or(frame["callId"].as_str());
            for stage in ["received", "rendered"] {
                let ack =
                    json!({ "type": "ack", "callId": call_id, "version": frame["version"], "stage": stage, "ms": 1 });
                // A line that breaks here is noticed by the next read.
                _ = socket.send(Message::text(ack.to_string())).await;
            }
        }
        self.history.add(Entry::Frame { desk: self.desk.clone(), session: session.to_owned(), frame });
    }
}

/// Written in order; answered in order.
async fn ask(
    socket: &mut Socket,
    asked: &mut VecDeque<Option<oneshot::Sender<()>>>,
    answer: Option<oneshot::Sender<()>>,
) {
    asked.push_back(answer);
    _ = socket.send(Message::text(json!({ "type": "ping" }).to_string())).await;
}

/// The service asks to come back (3000–3499) or to stay away (3500–3999); all else is a lost line.
fn closed(code: u16, come_back_at: Option<Instant>) -> End {
    match (code, come_back_at) {
        (3500..=3999, _) => End::Refused(code),
        (_, Some(at)) => End::ComeBack(at.saturating_duration_since(Instant::now())),
        (_, None) => End::Lost,
    }
}

fn text(frame: &Value, name: &str) -> String {
    frame[name].as_str().unwrap_or_default().to_owned()
}
