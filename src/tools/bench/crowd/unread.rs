//! Clients that ask for a fat journey and do not read what they are sent.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::files::FAT;
use super::pressure::{Pressing, Seen};
use super::ringing::event;
use crate::tools::agent::{AgentSocket, Who};
use crate::tools::bench::nodes::node::Node;
use crate::tools::publish::Publisher;
use crate::tools::trust::{Entrance, Stream};

pub const CONNECTIONS: u32 = 200;
/// As many as one agent may have.
pub const SESSIONS: u32 = 10;
pub const SEARCHES_EACH: u32 = 60;
const AGENT: &str = "bench-unread";
/// What the kernel takes for a client that does not read.
const RECEIVE_BUFFER_BYTES: u32 = 2048;
/// Every other connection reads a byte so often: a client that is slow, and not dead.
const BYTE_EVERY: Duration = Duration::from_secs(10);
/// So that not all connections begin at the same moment.
const CONNECTIONS_AT_ONCE: u32 = 50;
const BETWEEN: Duration = Duration::from_millis(500);

pub async fn answers(node: &Node, pressing: &mut Pressing) -> anyhow::Result<()> {
    let entrance = node.service.entrance();
    let host = entrance.authority()?;
    // A `+` in a path is a plus.
    let request = format!("GET /v1/journeys/{FAT} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    for nth in 0..CONNECTIONS {
        let mut stream = slow_stream(&entrance).await?;
        stream.write_all(request.as_bytes()).await?;
        pressing.tasks.spawn(hold(stream, nth.is_multiple_of(2), pressing.stop.clone()));
        if nth % CONNECTIONS_AT_ONCE == CONNECTIONS_AT_ONCE - 1 {
            sleep(BETWEEN).await;
        }
    }
    Ok(())
}

async fn slow_stream(entrance: &Entrance) -> anyhow::Result<Stream> {
    entrance.over(entrance.connect_with_buffer(RECEIVE_BUFFER_BYTES).await?).await
}

async fn hold(mut stream: Stream, reads: bool, stop: CancellationToken) -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    let mut byte = [0];
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = sleep(BYTE_EVERY) => {}
        }
        if reads {
            tokio::select! {
                () = stop.cancelled() => break,
                read = stream.read(&mut byte) => if !matches!(read, Ok(1)) {
                    seen.count("connections closed by the service", 1);
                    return Ok(seen);
                },
            }
        }
    }
    seen.count(
        if reads { "connections that read a byte now and then, still open" } else { "connections never read" },
        1,
    );
    Ok(seen)
}

pub async fn sessions(node: &Node, pressing: &mut Pressing) -> anyhow::Result<()> {
    let call_id = format!("bench-unread-{:08x}", rand::random::<u32>());
    let mut publisher = Publisher::open(&node.brokers, &node.brokers.topics().calls)?;
    publisher.publish_and_wait(AGENT, &event(&call_id, AGENT, FAT, "offered")).await?;
    sleep(BETWEEN).await; // until the node knows the call
    let entrance = node.service.entrance();
    for _ in 0..SESSIONS {
        let who = Who { agent: Some(AGENT), token: None, time_zone: None };
        let opening = slow_stream(&entrance);
        let mut socket = AgentSocket::connect_over(&entrance, opening, who, &[]).await.context(AGENT)?;
        let (call_id, stop) = (call_id.clone(), pressing.stop.clone());
        pressing.tasks.spawn(async move {
            let mut seen = Seen::default();
            for request in 0..SEARCHES_EACH {
                let search = json!({ "type": "search", "request": request, "callId": call_id });
                // A service that does not read waits until its own answers are taken.
                let sent = tokio::select! {
                    () = stop.cancelled() => break,
                    sent = socket.send(&search) => sent,
                };
                if sent.is_err() {
                    seen.count("sessions closed while they searched", 1);
                    break;
                }
                seen.count("searches", 1);
            }
            stop.cancelled().await;
            Ok(seen)
        });
    }
    let stop = pressing.stop.clone();
    pressing.tasks.spawn(async move {
        stop.cancelled().await;
        publisher.publish_and_wait(AGENT, &event(&call_id, AGENT, FAT, "ended")).await?;
        Ok(Seen::default())
    });
    Ok(())
}
