//! Sessions of one agent that search the journey of their own call as often as a session may send frames.

use std::time::Duration;

use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::files::LONG;
use super::pressure::{Pressing, Seen};
use super::ringing::{enter, event};
use crate::tools::agent::{AgentSocket, Heard};
use crate::tools::bench::nodes::node::Node;
use crate::tools::publish::Publisher;

pub const SESSIONS: u32 = 5;
/// Nine tenths of `http.frames_per_second_max`: beyond it a session is closed, and acknowledgements are frames, too.
const SEARCH_EVERY: Duration = Duration::from_millis(11);

pub async fn begin(node: &Node, pressing: &mut Pressing) -> anyhow::Result<()> {
    let call_id = format!("bench-search-{:08x}", rand::random::<u32>());
    let agent = format!("{call_id}-agent");
    let mut publisher = Publisher::open(&node.brokers, &node.brokers.topics().calls)?;
    publisher.publish_and_wait(&agent, &event(&call_id, &agent, LONG, "offered")).await?;
    for _ in 0..SESSIONS {
        let socket = enter(&node.service.entrance(), &agent).await?;
        pressing.tasks.spawn(search(socket, call_id.clone(), pressing.stop.clone()));
    }
    let stop = pressing.stop.clone();
    pressing.tasks.spawn(async move {
        stop.cancelled().await;
        publisher.publish_and_wait(&agent, &event(&call_id, &agent, LONG, "ended")).await?;
        Ok(Seen::default())
    });
    Ok(())
}

/// Sends without waiting for answers, which are counted by what they are.
async fn search(mut socket: AgentSocket, call_id: String, stop: CancellationToken) -> anyhow::Result<Seen> {
    let (mut seen, mut request) = (Seen::default(), 0_u64);
    let mut every = interval(SEARCH_EVERY);
    // Late ones are made up for: the service refills a session's allowance, too.
    every.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut knows_call = false;
    loop {
        let heard = tokio::select! {
            () = stop.cancelled() => break,
            heard = socket.next() => heard,
            _ = every.tick(), if knows_call => {
                request += 1;
                seen.count("searches", 1);
                let search = json!({ "type": "search", "request": request, "callId": call_id });
                if socket.send(&search).await.is_err() {
                    seen.count("sessions closed", 1);
                    return Ok(seen);
                }
                continue;
            }
        };
        let Heard::Frame(frame) = heard else {
            seen.count("sessions closed", 1);
            return Ok(seen);
        };
        match frame.head.r#type.as_str() {
            "timeline" => seen.count("answered with a timeline", 1),
            "error" => {
                let code = frame.json()["code"].as_str().unwrap_or("an error").to_owned();
                seen.count(format!("answered `{code}`"), 1);
            }
            "pop" => {
                knows_call = true;
                every.reset();
                _ = socket.acknowledge(&frame.head, "received", Duration::ZERO).await;
            }
            _ => {}
        }
    }
    socket.close().await;
    Ok(seen)
}
