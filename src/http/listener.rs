//! The accept loop: no delay, a time limit for headers, a bound on connections, an orderly end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::metrics::Metrics;

/// After an accept that failed (no more open files): let connections end first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Bounds of a listener.
pub struct Limits {
    pub connections_max: usize,
    pub header_timeout: Duration,
}

pub async fn bind(address: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; another program may: choose another {key}"))
}

/// Accepts until the drain begins; each connection is a task of `tasks`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    metrics: Arc<Metrics>,
    tasks: TaskTracker,
    drain: CancellationToken,
) {
    let permits = Arc::new(Semaphore::new(limits.connections_max));
    loop {
        let accepted = tokio::select! {
            () = drain.cancelled() => return,
            accepted = async {
                // A permit first: connections beyond the bound wait in the kernel's queue.
                let permit = Arc::clone(&permits).acquire_owned().await;
                (permit, listener.accept().await)
            } => accepted,
        };
        match accepted {
            (Ok(permit), Ok((stream, _))) => {
                let connection = serve_connection(stream, router.clone(), limits.header_timeout, drain.clone());
                let metrics = Arc::clone(&metrics);
                tasks.spawn(async move {
                    metrics.connection_opened();
                    connection.await;
                    metrics.connection_closed();
                    drop(permit);
                });
            }
            (_, Err(error)) => {
                warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            (Err(_), _) => return,
        }
    }
}

async fn serve_connection(stream: TcpStream, router: Router, header_timeout: Duration, drain: CancellationToken) {
    // A pop is small and must not wait for the one before it to be acknowledged by TCP.
    _ = stream.set_nodelay(true);
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(header_timeout);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = drain.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "connection ended");
    }
}
