//! An agent's WebSocket, from the client's side: connects, says hello, reads frames, acknowledges.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::ClientRequestBuilder;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::trust::{Entrance, Stream};
use crate::push::SUBPROTOCOL;

/// Until the service says how often its heartbeat comes.
const SILENCE_MAX: Duration = Duration::from_secs(75);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A timeline of 500 interactions is about 300 KB; whoever sends more than this is no service of ours.
const FRAME_BYTES_MAX: usize = 64 << 20;
/// Small: a benchmark holds thousands of these.
const READ_BUFFER_BYTES: usize = 8 * 1024;
/// "The line broke" among the codes of RFC 6455; never on the wire.
const CODE_LOST: u16 = 1006;

/// What is read of every frame, whatever else it holds.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    pub r#type: String,
    #[serde(default)]
    version: Option<u64>,
    #[serde(default)]
    call_id: Option<String>,
    #[serde(default)]
    call: Option<HeadCall>,
    #[serde(default)]
    pub digest: Option<String>,
    /// A pop without a timeline.
    #[serde(default)]
    pub missing: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    heartbeat_seconds: Option<u64>,
    /// Of a goodbye: when to come back.
    #[serde(default)]
    pub come_back_ms: Option<u64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HeadCall {
    call_id: String,
}

impl Head {
    pub fn call_id(&self) -> Option<&str> {
        self.call_id.as_deref().or(self.call.as_ref().map(|call| call.call_id.as_str()))
    }
}

/// One frame, as it came.
#[derive(Debug, Clone)]
pub struct Frame {
    pub text: Utf8Bytes,
    pub head: Head,
    /// It was sent again because its acknowledgement was not heard in time: acknowledged once more, and shown once.
    pub is_repeated: bool,
    /// When it was read off the line.
    pub at: Instant,
}

impl Frame {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

/// What happened on the line.
#[derive(Debug)]
pub enum Heard {
    Frame(Frame),
    /// It is over. 3000–3499, and codes of lost lines: come back; 3500–3999: stay away.
    Closed {
        code: u16,
        reason: String,
    },
}

impl Heard {
    fn lost(reason: impl ToString) -> Self {
        Self::Closed { code: CODE_LOST, reason: reason.to_string() }
    }
}

/// Whether a client should come back after this close code.
pub fn comes_back(code: u16) -> bool {
    !(3500..=3999).contains(&code)
}

/// What a hello says of whose it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Who<'a> {
    /// Known from the token, where there is one.
    pub agent: Option<&'a str>,
    pub token: Option<&'a str>,
    /// IANA name; days follow UTC without one.
    pub time_zone: Option<&'a str>,
}

/// A call that is shown already, and its content's digest.
pub type Showing = (String, String);

pub struct AgentSocket {
    socket: WebSocketStream<Stream>,
    silence_max: Duration,
    /// The newest version of each call.
    versions: HashMap<String, u64>,
}

impl AgentSocket {
    /// Connects and says hello.
    pub async fn connect(entrance: &Entrance, who: Who<'_>, showing: &[Showing]) -> anyhow::Result<Self> {
        Self::connect_over(entrance, entrance.open(), who, showing).await
    }

    /// As above, over a stream that `open` makes.
    pub async fn connect_over(
        entrance: &Entrance,
        open: impl Future<Output = anyhow::Result<Stream>>,
        who: Who<'_>,
        showing: &[Showing],
    ) -> anyhow::Result<Self> {
        let request = ClientRequestBuilder::new(entrance.url.parse()?).with_sub_protocol(SUBPROTOCOL);
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_message_size(Some(FRAME_BYTES_MAX))
            .max_frame_size(Some(FRAME_BYTES_MAX));
        let connected = timeout(CONNECT_TIMEOUT, async {
            let stream = open.await?;
            client_async_with_config(request, stream, Some(config)).await.map_err(readable)
        });
        let (socket, _) = connected.await.context("no answer in time")??;
        let mut agent_socket = Self { socket, silence_max: SILENCE_MAX, versions: HashMap::new() };
        let showing: Vec<Value> =
            showing.iter().map(|(call_id, digest)| json!({ "callId": call_id, "digest": digest })).collect();
        let mut hello = json!({ "type": "hello", "showing": showing });
        for (field, said) in [("agent", who.agent), ("token", who.token), ("timeZone", who.time_zone)] {
            if let Some(said) = said {
                hello[field] = said.into();
            }
        }
        agent_socket.send(&hello).await?;
        Ok(agent_socket)
    }

    /// The next frame, or why there is none. Pings are answered here, and a silent line is a lost one.
    pub async fn next(&mut self) -> Heard {
        loop {
            let message = match timeout(self.silence_max, self.socket.next()).await {
                Err(_) => return Heard::lost("nothing was heard for two heartbeats"),
                Ok(None) => return Heard::lost("the line broke"),
                Ok(Some(Err(error))) => return Heard::lost(error),
                Ok(Some(Ok(message))) => message,
            };
            match message {
                Message::Text(text) => {
                    let at = Instant::now();
                    let head: Head = serde_json::from_str(&text).unwrap_or_default();
                    if let Some(seconds) = head.heartbeat_seconds {
                        self.silence_max = Duration::from_secs(2 * seconds.clamp(1, 3600) + 5);
                    }
                    let is_repeated = self.is_repeated(&head);
                    return Heard::Frame(Frame { text, head, is_repeated, at });
                }
                Message::Close(frame) => {
                    // Reading on lets the answer to the close out.
                    while let Ok(Some(Ok(_))) = timeout(Duration::from_secs(1), self.socket.next()).await {}
                    return frame.map_or_else(
                        || Heard::lost("closed without a reason"),
                        |frame| Heard::Closed { code: frame.code.into(), reason: frame.reason.to_string() },
                    );
                }
                _ => {}
            }
        }
    }

    fn is_repeated(&mut self, head: &Head) -> bool {
        let (Some(call_id), Some(version)) = (head.call_id(), head.version) else { return false };
        let newest = self.versions.get_mut(call_id).map(|newest| std::mem::replace(newest, version.max(*newest)));
        if newest.is_none() {
            self.versions.insert(call_id.to_owned(), version);
        }
        newest.is_some_and(|newest| newest >= version)
    }

    pub async fn send(&mut self, frame: &Value) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::text(frame.to_string())).await?)
    }

    /// `stage`: "received" or "rendered"; `since`: how long after the frame was read. Frames without a call need none.
    pub async fn acknowledge(&mut self, head: &Head, stage: &str, since: Duration) -> anyhow::Result<()> {
        let (Some(call_id), Some(version)) = (head.call_id(), head.version) else { return Ok(()) };
        let ms = since.as_secs_f64() * 1000.0;
        self.send(&json!({ "type": "ack", "callId": call_id, "version": version, "stage": stage, "ms": ms })).await
    }

    /// Takes leave in order, without waiting long.
    pub async fn close(mut self) {
        let goodbye = async {
            _ = self.socket.close(None).await;
            while let Some(Ok(_)) = self.socket.next().await {}
        };
        _ = timeout(Duration::from_secs(1), goodbye).await;
    }
}

/// tungstenite's words for a refused handshake name neither cause nor remedy.
fn readable(error: Error) -> anyhow::Error {
    match error {
        Error::Http(answer) => {
            let body = answer.body().as_deref().map(String::from_utf8_lossy).unwrap_or_default();
            let problem: Value = serde_json::from_str(&body).unwrap_or_default();
            let reason = problem["error"]["text"].as_str().unwrap_or("no reason given");
            anyhow::anyhow!("the service answered {} instead of opening a WebSocket: {reason}", answer.status())
        }
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_comes_back_unless_it_is_told_to_stay_away() {
        assert!([1000, 1006, 3000, 3499].into_iter().all(comes_back));
        assert!(![3500, 3502, 3999].into_iter().any(comes_back));
    }

    #[test]
    fn the_head_of_a_frame_finds_the_call_where_it_stands() {
        let head = |text: &str| serde_json::from_str::<Head>(text).unwrap();
        assert_eq!(
            head(r#"{"type":"pop","version":1,"call":{"callId":"c-1","state":"offered"}}"#).call_id(),
            Some("c-1")
        );
        assert_eq!(head(r#"{"type":"ended","version":3,"callId":"c-2","reason":"ended"}"#).call_id(), Some("c-2"));
        assert_eq!(head(r#"{"type":"welcome"}"#).call_id(), None);
    }
}
