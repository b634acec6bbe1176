//! One WebSocket: one task, one `select!`. Reads frames, writes what the outbox holds, keeps the heartbeat, closes in order.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use chrono_tz::Tz;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::agents::Agents;
use super::asks::Wanted;
use super::lease::{Lease, News};
use super::line::{Broken, Line, Read};
use super::open_calls::CallKey;
use super::outbox::{OutboxLimits, Queued};
use super::seated::Seated;
use super::session::Session;
use super::{BadFrame, ClientFrame, CloseCode, Encoded, Hello, RequestId, Stage, Subscribe};
use crate::auth::{Authority, Refused, Scope};
use crate::config::Aliases;
use crate::journey::Catalogue;
use crate::metrics::Metrics;
use crate::pace::{Budget, Pace};
use crate::policy::FieldPolicy;

/// Bounds of one connection, and what every one of them needs.
pub struct Door {
    pub agents: Agents,
    pub authority: Authority,
    pub metrics: Arc<Metrics>,
    pub catalogue: Arc<Catalogue>,
    pub node: String,
    pub hello_timeout: Duration,
    pub write_timeout: Duration,
    pub heartbeat: Duration,
    pub frame_bytes_max: usize,
    /// Of one client, pings and pongs among them.
    pub frames: Pace,
    pub outbox: OutboxLimits,
    pub subscribed_agents_max: usize,
    pub aliases: Arc<Aliases>,
    pub policy: Arc<FieldPolicy>,
    /// Sessions are told to come back elsewhere, spread over this time.
    pub come_back_within: Duration,
}

/// Serves an upgraded connection until it ends. `bearer`: the token of the handshake's `Authorization` header; `opened` is asked
/// whether it may become a session, before it is one: `false` where it had to make room for another connection.
pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    door: &Door,
    bearer: Option<String>,
    drain: CancellationToken,
    opened: impl FnOnce() -> bool,
) {
    let line = Line::upgraded(stream, door.frame_bytes_max, door.write_timeout).await;
    let heard = Budget::full(&door.frames, std::time::Instant::now());
    let mut connection = Connection { line, door, heard };
    let closed = connection.greet_and_talk(bearer, drain, opened).await;
    match closed {
        Err(End::Close(code)) => connection.close(code).await,
        Err(End::Broken(Broken::Stuck)) => door.metrics.closed(CloseCode::Slow),
        Ok(()) | Err(End::Broken(Broken::Gone)) => {}
    }
}

/// Why a connection ends.
enum End {
    /// We close it.
    Close(CloseCode),
    /// Nothing can be said any more.
    Broken(Broken),
}

impl From<Broken> for End {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

type Flow<T = ()> = Result<T, End>;

struct Connection<'a, S> {
    line: Line<S>,
    door: &'a Door,
    /// How many frames may still come now.
    heard: Budget,
}

impl<'d, S: AsyncRead + AsyncWrite + Unpin> Connection<'d, S> {
    async fn greet_and_talk(
        &mut self,
        bearer: Option<String>,
        drain: CancellationToken,
        opened: impl FnOnce() -> bool,
    ) -> Flow {
        let mut seated = self.greet(bearer, &drain, opened).await?;
        let session = Arc::clone(&seated.session);
        tokio::select! {
            () = drain.cancelled() => {}
            () = self.door.agents.ask_for_own_calls(&session) => {}
        }
        let ended = self.talk(&session, drain).await;
        seated.code = match &ended {
            Err(End::Close(code)) => Some(*code),
            Err(End::Broken(Broken::Stuck)) => Some(CloseCode::Slow),
            Ok(()) | Err(End::Broken(Broken::Gone)) => None,
        };
        ended
    }

    /// Until it is known who this is. Apart from what follows, so that a session keeps no room for it.
    async fn greet(
        &mut self,
        bearer: Option<String>,
        drain: &CancellationToken,
        opened: impl FnOnce() -> bool,
    ) -> Flow<Seated<'d>> {
        let hello = tokio::select! {
            () = drain.cancelled() => return Err(End::Close(CloseCode::Drain)),
            first = timeout(self.door.hello_timeout, self.first_frame()) => first.unwrap_or(Err(End::Close(CloseCode::HelloLate)))?,
        };
        let identifying = self.door.authority.identify(&hello, bearer.as_deref(), &self.door.aliases);
        let identity = tokio::select! {
            () = drain.cancelled() => return Err(End::Close(CloseCode::Drain)),
            identity = identifying => identity.map_err(End::Close)?,
        };
        drop(bearer);
        let time_zone = hello.time_zone.as_deref().map(str::parse::<Tz>);
        let zone = time_zone.and_then(Result::ok).unwrap_or(Tz::UTC);
        // Before it is seated: from here on it does not have to make room, and one that had to leaves nothing behind.
        if !opened() {
            return Err(End::Broken(Broken::Gone));
        }
        let session = Session::new(identity, zone, self.door.outbox.clone()).under(Arc::clone(&self.door.policy));
        let session = Arc::new(session);
        session.outbox.put(Queued::plain(self.welcome(&session)));
        if matches!(time_zone, Some(Err(_))) {
            let text = "This time zone is unknown; times are grouped by UTC days.";
            session.outbox.put(Queued::plain(error(BadFrame("unknown_time_zone", text))));
        }
        self.door.agents.seat(session, hello.showing, Utc::now()).map_err(End::Close)
    }

    /// Anything before `hello` ends the connection: nobody is known yet.
    async fn first_frame(&mut self) -> Flow<Hello> {
        loop {
            if let Some(text) = self.read().await? {
                return match ClientFrame::decode(&text) {
                    Ok(ClientFrame::Hello(hello)) => Ok(hello),
                    Ok(_) | Err(_) => Err(End::Close(CloseCode::HelloFirst)),
                };
            }
        }
    }

    async fn talk(&mut self, session: &Arc<Session>, drain: CancellationToken) -> Flow {
        let mut heartbeat = tokio::time::interval(self.door.heartbeat);
        let mut heard_at = Instant::now();
        let mut lease = Lease::new(&self.door.authority, Arc::clone(session));
        heartbeat.tick().await; // the first is due at once
        let mut draining = pin!(drain.cancelled());
        loop {
            tokio::select! {
                biased;
                () = &mut draining => {
                    let come_back_ms = rand::random_range(0..=self.door.come_back_within.as_millis().max(1) as u64);
                    self.write(Encoded::Goodbye { reason: "drain", come_back_ms }.encode().into()).await?;
                    return Err(End::Close(CloseCode::Drain));
                }
                news = lease.next() => self.hear_of_token(session, news).await?,
                next = session.outbox.next() => self.write_out(session, next.map_err(End::Close)?).await?,
                read = self.read() => {
                    heard_at = Instant::now();
                    if let Some(text) = read? {
                        self.answer(session, &mut lease, &text);
                    }
                }
                _ = heartbeat.tick() => {
                    if heard_at.elapsed() >= 2 * self.door.heartbeat {
                        return Err(End::Close(CloseCode::Silent));
                    }
                    self.line.ping().await?;
                }
            }
        }
    }

    async fn write_out(&mut self, session: &Arc<Session>, queued: Queued) -> Flow {
        self.write(queued.frame.clone()).await?;
        self.door.agents.written(session, queued.about.as_ref(), queued.frame.len(), Utc::now());
        Ok(())
    }

    fn answer(&self, session: &Arc<Session>, lease: &mut Lease<'_>, text: &str) {
        let frame = match ClientFrame::decode(text) {
            Ok(ClientFrame::Ping {}) => Encoded::Pong {}.encode(),
            Ok(ClientFrame::Ack { call_id, agent_id, version, stage, ms }) => {
                let agent_id = agent_id.unwrap_or_else(|| session.agent_id.as_str().into());
                return self.acknowledged(session, &CallKey { agent_id, call_id }, version, stage, ms);
            }
            Ok(ClientFrame::Search(search)) => {
                let request = search.request.clone();
                if self.door.agents.ask(session, Wanted::Search(search)) {
                    return;
                }
                busy(&request)
            }
            Ok(ClientFrame::Reveal(reveal)) => {
                let request = reveal.request.clone();
                if self.door.agents.ask(session, Wanted::Reveal(reveal)) {
                    return;
                }
                busy(&request)
            }
            Ok(ClientFrame::Subscribe(subscribe)) => match self.subscribed(session, subscribe) {
                Ok(()) => return,
                Err((code, text)) => Encoded::Error { request: None, code, text: text.into() }.encode(),
            },
            Ok(ClientFrame::Hello(_)) => error(BadFrame("hello_twice", "This session has said hello already.")),
            Ok(ClientFrame::Authenticate { token }) => match lease.verify(token) {
                Ok(()) => return,
                Err(bad) => error(bad),
            },
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

    /// The session's token has ended, or a fresh one was looked at.
    async fn hear_of_token(&mut self, session: &Arc<Session>, news: News) -> Flow {
        match news {
            News::Over => Err(End::Close(CloseCode::TokenExpired)),
            News::Fresh(Ok(identity)) => {
                let (expires_at, scopes) = (identity.expires_at, identity.scopes);
                session.renew(identity);
                if !scopes.has(Scope::Supervise) {
                    self.door.agents.follow(session, Vec::new(), Vec::new(), Utc::now());
                }
                let frame = Encoded::Authenticated { expires_at, scopes: scopes.names() };
                self.door.agents.say(session, frame.encode(), Utc::now());
                Ok(())
            }
            // The session goes on for as long as it could before.
            News::Fresh(Err(refused)) => {
                self.write(error(BadFrame("token_refused", refused.text())).into()).await?;
                let stays = refused != Refused::AnotherAgent;
                stays.then_some(()).ok_or(End::Close(CloseCode::AnotherAgentsToken))
            }
        }
    }

    /// Without authentication everybody may follow everybody, as everybody may be anybody.
    fn subscribed(
        &self,
        session: &Arc<Session>,
        Subscribe { agents, showing }: Subscribe,
    ) -> Result<(), (&'static str, String)> {
        let agents: BTreeSet<String> = agents.into_iter().map(|agent_id| self.door.aliases.agent(agent_id)).collect();
        let others: Vec<String> = agents.into_iter().filter(|agent_id| *agent_id != session.agent_id).collect();
        if !others.is_empty() && !session.identity().scopes.has(Scope::Supervise) {
            return Err(("forbidden", "This token does not allow to follow other agents (scope supervise).".into()));
        }
        let most = self.door.subscribed_agents_max;
        if others.len() > most {
            return Err((
                "too_many_agents",
                format!("A session may follow {most} agents; these are {}.", others.len()),
            ));
        }
        let new = self.door.agents.follow(session, others, showing, Utc::now());
        // Where too many wait for an answer, it comes back when there is less to do.
        if !new.is_empty() && !self.door.agents.ask(session, Wanted::OpenCalls(new)) {
            session.outbox.close(CloseCode::Slow);
        }
        Ok(())
    }

    fn welcome(&self, session: &Session) -> String {
        let identity = session.identity();
        let welcome = Encoded::Welcome {
            session: &session.id,
            agent: &session.agent_id,
            node: &self.door.node,
            server_time: Utc::now(),
            heartbeat_seconds: self.door.heartbeat.as_secs().max(1),
            modes: &self.door.catalogue.modes,
            channels: &self.door.catalogue.channels,
            without_modes: &self.door.catalogue.without_modes,
            scopes: identity.expires_at.map(|_| identity.scopes.names()),
            expires_at: identity.expires_at,
            hidden: &session.fields().hidden(),
        };
        welcome.encode()
    }

    /// `None`: nothing that is a frame of ours.
    async fn read(&mut self) -> Flow<Option<String>> {
        let read = self.line.read().await?;
        if !self.heard.take(&self.door.frames, std::time::Instant::now()) {
            return Err(End::Close(CloseCode::TooFast));
        }
        match read {
            Read::Text(text) => Ok(Some(text)),
            Read::Control => Ok(None),
            Read::Binary(_) => Err(End::Close(CloseCode::NotText)),
            Read::TooLarge => Err(End::Close(CloseCode::FrameTooLarge)),
        }
    }

    async fn write(&mut self, frame: Bytes) -> Flow {
        Ok(self.line.write_text(frame).await?)
    }

    async fn close(&mut self, code: CloseCode) {
        let (number, reason) = code.wire();
        self.door.metrics.closed(code);
        self.line.close(number, reason).await;
    }
}

fn error(BadFrame(code, text): BadFrame) -> String {
    Encoded::Error { request: None, code, text: text.into() }.encode()
}

fn busy(request: &RequestId) -> String {
    let text = "Too much is being asked for right now; try again.".into();
    Encoded::Error { request: Some(request), code: "busy", text }.encode()
}

#[cfg(test)]
mod tests;
