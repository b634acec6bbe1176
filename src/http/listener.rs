//! The accept loop: no delay, time limits, TLS where it is set, an orderly end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use tracing::{debug, warn};

use super::gate::{Gate, Held, Turned};
use super::tls::Tls;
use super::watched::{Times, Watch, Watched};
use crate::config::Http;
use crate::metrics::Metrics;
use crate::metrics::wire::Handshake;

/// After an accept that failed (no more open files): let connections end first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections that wait to be accepted: as many as the kernel lets (`net.core.somaxconn`). After a node died thousands come at
/// once to another one, and whoever finds no room knocks again after 1, 3 and 7 s.
const BACKLOG: u32 = 65_535;

/// What the connections of a listener are served with.
#[derive(Clone)]
pub struct Site {
    pub router: Router,
    pub tls: Option<Arc<Tls>>,
    pub times: Times,
    pub header_bytes_max: usize,
    pub metrics: Arc<Metrics>,
    pub drain: CancellationToken,
}

pub fn bind(address: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    let listen = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen().with_context(|| format!("cannot listen on {address} (another program may do so: choose another {key})"))
}

/// Accepts until the drain begins; each connection is a task of `tasks`.
pub async fn serve(listener: TcpListener, http: Http, site: Site, tasks: TaskTracker) {
    let gate = Gate::new(&http, Arc::clone(&site.metrics));
    tokio::select! {
        () = accept(listener, &gate, site, tasks) => {}
        () = gate.follow_log() => {}
    }
}

async fn accept(listener: TcpListener, gate: &Arc<Gate>, site: Site, tasks: TaskTracker) {
    let mut permit = None;
    loop {
        let accepted = tokio::select! {
            () = site.drain.cancelled() => return,
            accepted = async {
                // A permit first: connections beyond the bound wait in the kernel's queue.
                if permit.is_none() {
                    permit = gate.room().await;
                }
                listener.accept().await
            } => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let Some(room) = permit.take() else { return };
                match gate.enter(room, peer.ip()) {
                    Ok(held) => {
                        gate.pace().await;
                        tasks.spawn(serve_connection(stream, site.clone(), held));
                    }
                    Err(Turned(room, _)) => {
                        permit = Some(room);
                        turn_away(stream);
                    }
                }
            }
            Err(error) => {
                warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// At once, and leaving nothing behind in the kernel.
fn turn_away(stream: TcpStream) {
    _ = stream.set_zero_linger();
}

async fn serve_connection(stream: TcpStream, site: Site, held: Arc<Held>) {
    // A pop is small and must not wait for the one before it to be acknowledged by TCP.
    _ = stream.set_nodelay(true);
    tokio::select! {
        () = held.is_sent_away() => {}
        () = speak(stream, site, Arc::clone(&held)) => {}
    }
}

async fn speak(stream: TcpStream, site: Site, held: Arc<Held>) {
    let Some(tls) = &site.tls else { return answer(stream, site, held).await };
    let shaken = timeout(site.times.header, tls.acceptor().accept(stream)).await;
    let how = match &shaken {
        Ok(Ok(_)) => Handshake::Done,
        Ok(Err(error)) => {
            debug!(%error, "no TLS");
            Handshake::Failed
        }
        Err(_) => Handshake::Late,
    };
    site.metrics.wire.handshake(how);
    if let Ok(Ok(stream)) = shaken {
        answer(stream, site, held).await;
    }
}

/// HTTP on it, until it ends or becomes a WebSocket.
async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, site: Site, held: Arc<Held>) {
    let Site { router, tls, times, header_bytes_max, drain, .. } = site;
    let watch = Watch::new(times);
    let peer = Peer { held, is_tls: tls.is_some() };
    let service = service_fn({
        let watch = Arc::clone(&watch);
        move |mut request: hyper::Request<Incoming>| {
            let asked = watch.asked();
            request.extensions_mut().insert(peer.clone());
            let answer = router.clone().oneshot(request);
            async move {
                let answer = answer.await;
                drop(asked);
                answer
            }
        }
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    // The watch counts the time: a header's begins with its first byte, not with the end of the request before.
    builder.header_read_timeout(None).max_header_size(header_bytes_max);
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&watch)));
    let connection = builder.serve_connection(io, service).with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = watch.over(connection.as_mut()) => ended,
        () = drain.cancelled() => {
            connection.as_mut().graceful_shutdown();
            watch.over(connection.as_mut()).await
        }
    };
    if let Some(Err(error)) = ended {
        debug!(%error, "connection ended");
    }
}

/// Whose request it is.
#[derive(Clone)]
pub struct Peer {
    pub held: Arc<Held>,
    pub is_tls: bool,
}

#[cfg(test)]
mod tests {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use super::*;

    /// Nobody accepts: each has to find room in the kernel's queue.
    #[tokio::test]
    async fn a_crowd_that_comes_at_once_need_not_knock_twice() {
        let limit = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
        let most =
            std::fs::read_to_string("/proc/sys/net/core/somaxconn").map_or(128, |most| most.trim().parse().unwrap());
        let listener = bind(([127, 0, 0, 1], 0).into(), "http.listen").unwrap();
        let address = listener.local_addr().unwrap();
        let mut crowd = Vec::new();
        for nth in 0..usize::min(1_100, most) {
            let connected = timeout(Duration::from_secs(15), TcpStream::connect(address)).await;
            crowd.push(
                connected.unwrap_or_else(|_| panic!("{nth} connections wait, and there is no room for more")).unwrap(),
            );
        }
    }
}
