//! One WebSocket: one task, one `select!`. Reads frames, writes what the outbox holds, keeps the heartbeat, closes in order.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use chrono_tz::Tz;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode as WireCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig, frame::Frame};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::agents::{Agents, Wanted};
use super::open_calls::CallKey;
use super::outbox::Queued;
use super::session::Session;
use super::{BadFrame, ClientFrame, CloseCode, Encoded, Hello, RequestId, Stage, Subscribe};
use crate::auth;
use crate::config::Aliases;
use crate::journey::Catalogue;
use crate::metrics::Metrics;

/// tungstenite never gives its outgoing buffer back: long frames leave in pieces of this size (5.4 KiB a connection
/// after a 20 KB timeline, instead of 27).
const FRAGMENT_BYTES: usize = 2048;
const READ_BUFFER_BYTES: usize = 1024;
const WRITE_BUFFER_BYTES_MAX: usize = 64 * 1024;
/// For the client to answer a close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Bounds of one connection, and what every one of them needs.
pub struct Door {
    pub agents: Agents,
    pub metrics: Arc<Metrics>,
    pub catalogue: Arc<Catalogue>,
    pub node: String,
    pub hello_timeout: Duration,
    pub write_timeout: Duration,
    pub heartbeat: Duration,
    pub frame_bytes_max: usize,
    pub outbox_frames_max: usize,
    pub subscribed_agents_max: usize,
    pub aliases: Arc<Aliases>,
    /// Sessions are told to come back elsewhere, spread over this time.
    pub come_back_within: Duration,
}

/// Serves an upgraded connection until it ends.
pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: S, door: &Door, drain: CancellationToken) {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER_BYTES_MAX)
        .max_message_size(Some(door.frame_bytes_max))
        .max_frame_size(Some(door.frame_bytes_max));
    let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
    let mut connection = Connection { socket, door };
    let closed = connection.greet_and_talk(drain).await;
    match closed {
        Err(End::Close(code)) => connection.close(code).await,
        Err(End::Stuck) => door.metrics.closed(CloseCode::Slow),
        Ok(()) | Err(End::Gone) => {}
    }
}

/// Why a connection ends.
enum End {
    /// We close it.
    Close(CloseCode),
    /// A frame could not be written in time: half of it is on the line, so nothing can follow, not even why.
    Stuck,
    /// The client left, or the line broke.
    Gone,
}

type Flow<T = ()> = Result<T, End>;

struct Connection<'a, S> {
    socket: WebSocketStream<S>,
    door: &'a Door,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<'_, S> {
    async fn greet_and_talk(&mut self, drain: CancellationToken) -> Flow {
        let hello = tokio::select! {
            () = drain.cancelled() => return Err(End::Close(CloseCode::Drain)),
            first = timeout(self.door.hello_timeout, self.first_frame()) => first.unwrap_or(Err(End::Close(CloseCode::HelloLate)))?,
        };
        let agent_id = self.door.aliases.agent(auth::agent_of(&hello).map_err(End::Close)?);
        let time_zone = hello.time_zone.as_deref().map(str::parse::<Tz>);
        let zone = time_zone.and_then(Result::ok).unwrap_or(Tz::UTC);
        let session = Arc::new(Session::new(agent_id, zone, self.door.outbox_frames_max));
        session.outbox.put(Queued::plain(self.welcome(&session)));
        if matches!(time_zone, Some(Err(_))) {
            let text = "This time zone is unknown; times are grouped by UTC days.";
            session.outbox.put(Queued::plain(error(BadFrame("unknown_time_zone", text))));
        }
        self.door.agents.join(&session, hello.showing, Utc::now()).map_err(End::Close)?;
        self.ask(&session, Wanted::OpenCalls(vec![session.agent_id.clone()]));
        info!(agent.id = session.agent_id, session.id = session.id, "session opened");
        let ended = self.talk(&session, drain).await;
        let code = match &ended {
            Err(End::Close(code)) => Some(*code),
            Err(End::Stuck) => Some(CloseCode::Slow),
            Ok(()) | Err(End::Gone) => None,
        };
        self.door.agents.leave(&session, code, Utc::now());
        let code = code.map_or(0, |code| code.wire().0);
        info!(agent.id = session.agent_id, session.id = session.id, close.code = code, "session closed");
        ended
    }

    /// Where too many wait for an answer, the session comes back when there is less to do.
    fn ask(&self, session: &Arc<Session>, what: Wanted) {
        if !self.door.agents.ask(session, what) {
            session.outbox.close(CloseCode::Slow);
        }
    }

    /// Anything before `hello` ends the connection: nobody is known yet.
    async fn first_frame(&mut self) -> Flow<Hello> {
        loop {
            match self.read().await? {
                Read::Text(text) => {
                    return match ClientFrame::decode(&text) {
                        Ok(ClientFrame::Hello(hello)) => Ok(hello),
                        Ok(_) | Err(_) => Err(End::Close(CloseCode::HelloFirst)),
                    };
                }
                Read::Control => {}
            }
        }
    }

    async fn talk(&mut self, session: &Arc<Session>, drain: CancellationToken) -> Flow {
        let mut heartbeat = tokio::time::interval(self.door.heartbeat);
        let mut heard_at = Instant::now();
        heartbeat.tick().await; // the first is due at once
        loop {
            tokio::select! {
                biased;
                () = drain.cancelled() => {
                    let come_back_ms = rand::random_range(0..=self.door.come_back_within.as_millis().max(1) as u64);
                    self.write(Encoded::Goodbye { reason: "drain", come_back_ms }.encode().into()).await?;
                    return Err(End::Close(CloseCode::Drain));
                }
                next = session.outbox.next() => self.write_out(session, next.map_err(End::Close)?).await?,
                read = self.read() => {
                    heard_at = Instant::now();
                    if let Read::Text(text) = read? {
                        self.answer(session, &text);
                    }
                }
                _ = heartbeat.tick() => {
                    if heard_at.elapsed() >= 2 * self.door.heartbeat {
                        return Err(End::Close(CloseCode::Silent));
                    }
                    self.send(Message::Ping(Bytes::new())).await?;
                }
            }
        }
    }

    async fn write_out(&mut self, session: &Arc<Session>, Queued { frame, about }: Queued) -> Flow {
        let bytes = frame.len();
        self.write(frame).await?;
        self.door.agents.written(session, about.as_ref(), bytes, Utc::now());
        Ok(())
    }

    fn answer(&self, session: &Arc<Session>, text: &str) {
        let frame = match ClientFrame::decode(text) {
            Ok(ClientFrame::Ping {}) => Encoded::Pong {}.encode(),
            Ok(ClientFrame::Ack { call_id, agent_id, version, stage, ms }) => {
                let agent_id = agent_id.unwrap_or_else(|| session.agent_id.clone());
                return self.acknowledged(session, &CallKey { agent_id, call_id }, version, stage, ms);
            }
            Ok(ClientFrame::Search(search)) => {
                let request = search.request.clone();
                if self.door.agents.ask(session, Wanted::Search(search)) {
                    return;
                }
                busy(&request)
            }
            Ok(ClientFrame::Subscribe(subscribe)) => match self.subscribed(session, subscribe) {
                Ok(()) => return,
                Err(text) => Encoded::Error { request: None, code: "too_many_agents", text: text.into() }.encode(),
            },
            Ok(ClientFrame::Hello(_)) => error(BadFrame("hello_twice", "This session has said hello already.")),
            Ok(ClientFrame::Authenticate { .. }) => {
                error(BadFrame("no_authentication", "No authentication is configured, so no token is needed."))
            }
            Err(bad) => {
                self.door.metrics.bad_frame(bad.0);
                error(bad)
            }
        };
        self.door.agents.say(session, frame, Utc::now());
    }

    fn acknowledged(&self, session: &Session, key: &CallKey, version: u64, stage: Stage, ms: Option<f64>) {
        let ms = ms.filter(|ms| ms.is_finite() && *ms >= 0.0);
        if self.door.agents.acknowledge(session, key, version, (stage, ms), Utc::now()) {
            self.door.metrics.acknowledged(stage, ms.map(|ms| ms / 1000.0));
        }
    }

    /// While no authentication can be configured, everybody may follow everybody, as everybody may be anybody.
    fn subscribed(&self, session: &Arc<Session>, Subscribe { agents, showing }: Subscribe) -> Result<(), String> {
        let agents: BTreeSet<String> = agents.into_iter().map(|agent_id| self.door.aliases.agent(agent_id)).collect();
        let others: Vec<String> = agents.into_iter().filter(|agent_id| *agent_id != session.agent_id).collect();
        let most = self.door.subscribed_agents_max;
        if others.len() > most {
            return Err(format!("A session may follow {most} agents; these are {}.", others.len()));
        }
        let new = self.door.agents.follow(session, others, showing, Utc::now());
        if !new.is_empty() {
            self.ask(session, Wanted::OpenCalls(new));
        }
        Ok(())
    }

    fn welcome(&self, session: &Session) -> String {
        let welcome = Encoded::Welcome {
            session: &session.id,
            agent: &session.agent_id,
            node: &self.door.node,
            server_time: Utc::now(),
            heartbeat_seconds: self.door.heartbeat.as_secs().max(1),
            modes: &self.door.catalogue.modes,
            channels: &self.door.catalogue.channels,
        };
        welcome.encode()
    }

    async fn read(&mut self) -> Flow<Read> {
        match self.socket.next().await {
            Some(Ok(Message::Text(text))) => Ok(Read::Text(text.as_str().to_owned())),
            Some(Ok(Message::Binary(_))) => Err(End::Close(CloseCode::NotText)),
            // tungstenite answers pings and closes itself; reading on lets its answers out.
            Some(Ok(_)) => Ok(Read::Control),
            Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. }))) => {
                Err(End::Close(CloseCode::FrameTooLarge))
            }
            Some(Err(error)) => {
                debug!(%error, "websocket ended");
                Err(End::Gone)
            }
            None => Err(End::Gone),
        }
    }

    /// A long frame leaves in fragments, so that no large buffer stays with the connection.
    async fn write(&mut self, bytes: Bytes) -> Flow {
        let last = bytes.len().saturating_sub(1) / FRAGMENT_BYTES;
        let fragments = (0..=last).map(|nth| {
            let opcode = if nth == 0 { OpCode::Data(Data::Text) } else { OpCode::Data(Data::Continue) };
            let piece = bytes.slice(nth * FRAGMENT_BYTES..bytes.len().min((nth + 1) * FRAGMENT_BYTES));
            Message::Frame(Frame::message(piece, opcode, nth == last))
        });
        let write = async {
            for fragment in fragments {
                self.socket.feed(fragment).await?;
            }
            self.socket.flush().await
        };
        ended(timeout(self.door.write_timeout, write).await)
    }

    async fn send(&mut self, message: Message) -> Flow {
        ended(timeout(self.door.write_timeout, self.socket.send(message)).await)
    }

    /// Says why, then reads on until the client has answered: leaving earlier loses the close frame.
    async fn close(&mut self, code: CloseCode) {
        let (number, reason) = code.wire();
        self.door.metrics.closed(code);
        let frame = CloseFrame { code: WireCode::from(number), reason: reason.into() };
        let close = async {
            _ = self.socket.close(Some(frame)).await;
            while let Some(Ok(_)) = self.socket.next().await {}
        };
        _ = timeout(CLOSE_TIMEOUT, close).await;
    }
}

enum Read {
    Text(String),
    Control,
}

fn ended<E>(written: Result<Result<(), Error>, E>) -> Flow {
    match written {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => Err(End::Stuck),
    }
}

fn error(BadFrame(code, text): BadFrame) -> String {
    Encoded::Error { request: None, code, text: text.into() }.encode()
}

fn busy(request: &RequestId) -> String {
    let text = "Too much is being asked for right now; try again.".into();
    Encoded::Error { request: Some(request), code: "busy", text }.encode()
}
