//! Sessions leave however their connections end, and a hello that comes to nothing leaves nothing behind.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{DuplexStream, ReadBuf};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::*;
use crate::config::{Layers, load_without_kafka};
use crate::push::agents::SessionLimits;
use crate::push::ledger::Ledger;
use crate::push::open_calls::CallLimits;
use crate::push::outboxes::Outboxes;

fn door(said: &[(&str, &str)]) -> Arc<Door> {
    let said: Vec<_> = said.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let settings = load_without_kafka(&Layers::new(None, &said).unwrap()).unwrap();
    let metrics = Metrics::new();
    let limits = CallLimits::of_tests(1000);
    let sessions = SessionLimits { per_agent_max: 1, unacknowledged_bytes_max: 1 << 20, outlines_bytes_max: 1 << 20 };
    let (agents, _asks) = Agents::new(limits, sessions, Ledger::new(Arc::clone(&metrics)));
    let all = Outboxes::new(1 << 20, metrics.memory.clone());
    Arc::new(Door {
        agents,
        authority: Authority::of(&settings, &metrics).unwrap(),
        metrics,
        catalogue: Arc::clone(&settings.catalogue),
        node: "n".into(),
        hello_timeout: Duration::from_secs(60),
        write_timeout: Duration::from_secs(60),
        heartbeat: Duration::from_secs(60),
        frame_bytes_max: 1 << 16,
        frames: Pace::per_second(1000),
        outbox: OutboxLimits { frames_max: 64, bytes_max: 1 << 20, all },
        subscribed_agents_max: 10,
        aliases: Arc::clone(&settings.aliases),
        policy: Arc::new(FieldPolicy::of(&settings.policy)),
        come_back_within: Duration::from_secs(1),
    })
}

/// A stream that panics when it is written to, once it is told so.
struct Breaks {
    stream: DuplexStream,
    breaks: Arc<AtomicBool>,
}

impl AsyncRead for Breaks {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Breaks {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        assert!(!self.breaks.load(Ordering::SeqCst), "panics when it is written to");
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

const HELLO: &str = r#"{"type":"hello","agent":"ana"}"#;

/// A connection, served in a task of its own, and its client.
struct Visit {
    door: Arc<Door>,
    served: JoinHandle<()>,
    client: WebSocketStream<DuplexStream>,
    breaks: Arc<AtomicBool>,
    drain: CancellationToken,
}

impl Visit {
    /// Says hello; `may_open`: it does not have to make room.
    async fn says(hello: &str, door: &Arc<Door>, may_open: bool) -> Self {
        let (client, stream) = tokio::io::duplex(1 << 16);
        let (breaks, drain) = (Arc::new(AtomicBool::new(false)), CancellationToken::new());
        let stream = Breaks { stream, breaks: Arc::clone(&breaks) };
        let (serving, draining) = (Arc::clone(door), drain.clone());
        let served = tokio::spawn(async move { serve(stream, &serving, None, draining, || may_open).await });
        let mut client = WebSocketStream::from_raw_socket(client, Role::Client, None).await;
        client.send(Message::text(hello)).await.unwrap();
        Self { door: Arc::clone(door), served, client, breaks, drain }
    }

    async fn of_ana(door: &Arc<Door>) -> Self {
        let mut visit = Self::says(HELLO, door, true).await;
        let welcome = visit.client.next().await.unwrap().unwrap();
        assert!(welcome.to_text().unwrap().contains("welcome"));
        assert_eq!(visit.door.agents.sessions(), 1);
        visit
    }

    fn happened(&self, what: &str) -> u64 {
        let text = self.door.metrics.text(0);
        let series = format!("backstory_session_happenings_total{{what=\"{what}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&series)).map_or(0, |count| count.parse().unwrap())
    }

    fn has_left(&self) {
        assert_eq!(self.door.agents.sessions(), 0, "its seat is free");
        assert_eq!((self.happened("session_opened"), self.happened("session_closed")), (1, 1));
        assert_eq!(self.door.metrics.memory.outbox_bytes.get(), 0);
    }
}

#[tokio::test]
async fn a_session_whose_task_panics_leaves() {
    let visit = Visit::of_ana(&door(&[])).await;
    visit.breaks.store(true, Ordering::SeqCst);
    let mut visit = visit;
    visit.client.send(Message::text(r#"{"type":"ping"}"#)).await.unwrap();
    assert!((&mut visit.served).await.unwrap_err().is_panic());
    visit.has_left();
}

#[tokio::test]
async fn a_session_whose_task_is_dropped_leaves_and_what_waits_for_it_goes() {
    let mut visit = Visit::of_ana(&door(&[])).await;
    visit.served.abort();
    assert!((&mut visit.served).await.unwrap_err().is_cancelled());
    visit.has_left();
}

#[tokio::test]
async fn a_session_that_is_closed_leaves_once_with_its_code() {
    let visit = Visit::of_ana(&door(&[])).await;
    visit.drain.cancel();
    let Visit { mut client, served, door, breaks, drain } = visit;
    while let Some(Ok(_)) = client.next().await {}
    served.await.unwrap();
    let visit = Visit { served: tokio::spawn(async {}), client, door, breaks, drain };
    visit.has_left();
}

#[tokio::test]
async fn a_second_session_that_is_one_too_many_leaves_nothing_and_ends_nothing() {
    let first = Visit::of_ana(&door(&[])).await;
    let mut second = Visit::says(HELLO, &first.door, true).await;
    while let Some(Ok(_)) = second.client.next().await {}
    assert_eq!(first.door.agents.sessions(), 1);
    assert_eq!((first.happened("session_opened"), first.happened("session_closed")), (1, 0));
}

#[tokio::test]
async fn a_hello_on_a_connection_that_has_to_make_room_seats_nobody() {
    let visit = Visit::says(HELLO, &door(&[]), false).await;
    visit.served.await.unwrap();
    let text = visit.door.metrics.text(0);
    assert_eq!(visit.door.agents.sessions(), 0);
    assert!(!text.contains("session_opened") && !text.contains("session_closed"), "{text}");
}

#[tokio::test]
async fn a_hello_that_waits_for_the_providers_keys_and_is_sent_away_seats_nobody() {
    let provider = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let keys = format!("http://{}/keys", provider.local_addr().unwrap());
    let said = [("auth.jwks_url", keys.as_str()), ("auth.issuer", "https://login.example"), ("auth.audience", "b")];
    // Of a key that nobody knows yet.
    let hello = r#"{"type":"hello","token":"eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30.AA"}"#;
    let mut visit = Visit::says(hello, &door(&said), true).await;
    let _asked = provider.accept().await.unwrap();
    assert!(!visit.served.is_finished());
    visit.served.abort();
    assert!((&mut visit.served).await.unwrap_err().is_cancelled());
    let text = visit.door.metrics.text(0);
    assert_eq!(visit.door.agents.sessions(), 0);
    assert!(!text.contains("session_opened") && !text.contains("session_closed"), "{text}");
}
