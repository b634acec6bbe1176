//! An agent at a desk: a WebSocket client of the tests' own.

use std::collections::HashMap;
use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::PATIENCE;

/// A desk whose TCP window is this small soon holds up whoever writes to it.
const SMALL_WINDOW_BYTES: u32 = 4096;

/// What a WebSocket runs on: plain, or within TLS.
pub trait Line: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Line for S {}

pub struct Agent {
    socket: WebSocketStream<Box<dyn Line>>,
    /// What `hello` was answered with; null before.
    pub welcome: Value,
    /// The newest version of each call, by its agent and id: what is sent again is read once.
    versions: HashMap<(Value, Value), u64>,
    /// Whether pops and updates are acknowledged as received, as a client should.
    acknowledges: bool,
}

impl Agent {
    /// Opens the socket; `headers` stand over those of an ordinary handshake. Refused: the HTTP status.
    pub async fn connect(address: SocketAddr, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let stream = TcpStream::connect(address).await.expect("the service listens");
        Self::shake_hands(stream, address, headers).await
    }

    /// An agent whose connection takes in next to nothing unless it is read.
    pub async fn connect_with_a_small_window(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(SMALL_WINDOW_BYTES).unwrap();
        let stream = socket.connect(address).await.expect("the service listens");
        Self::shake_hands(stream, address, &[]).await.expect("a handshake")
    }

    /// With a URL of the test's own.
    pub async fn connect_at(address: SocketAddr, path: &str) -> Result<Self, u16> {
        let stream = TcpStream::connect(address).await.expect("the service listens");
        Self::shake_hands_at(stream, &format!("ws://{address}{path}"), &[]).await
    }

    /// Over a line that is open already.
    pub async fn shake_hands(
        stream: impl Line + 'static,
        address: SocketAddr,
        headers: &[(&str, &str)],
    ) -> Result<Self, u16> {
        Self::shake_hands_at(stream, &format!("ws://{address}/v1/agent"), headers).await
    }

    async fn shake_hands_at(stream: impl Line + 'static, url: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let stream: Box<dyn Line> = Box::new(stream);
        let mut request = url.into_client_request().unwrap();
        let protocol = HeaderValue::from_static("backstory.v1");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let shaken = timeout(PATIENCE, tokio_tungstenite::client_async(request, stream)).await;
        match shaken.expect("an answer to the handshake") {
            Ok((socket, _)) => Ok(Self { socket, welcome: Value::Null, versions: HashMap::new(), acknowledges: true }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("the handshake failed: {error}"),
        }
    }

    pub async fn says(&mut self, frame: Value) {
        self.sends(Message::text(frame.to_string())).await;
    }

    /// A message as it is, be it a frame or not.
    pub async fn sends(&mut self, message: Message) {
        // Where the service has closed already, its reason waits to be read.
        _ = self.socket.send(message).await;
    }

    pub async fn says_hello(mut self, hello: Value) -> Self {
        self.says(hello).await;
        self.welcome = self.next("welcome").await;
        self
    }

    /// A client that never says what it has received, and sees everything that comes.
    pub fn that_never_acknowledges(mut self) -> Self {
        self.acknowledges = false;
        self
    }

    pub async fn next_frame(&mut self) -> Value {
        loop {
            let frame: Value = match self.next_message().await {
                Message::Text(text) => serde_json::from_str(&text).expect("frames are JSON"),
                other => panic!("expected a frame, got {other:?}"),
            };
            if !self.acknowledges || self.is_news(&frame).await {
                return frame;
            }
        }
    }

    /// Acknowledges a frame of a call, and says whether it is read for the first time.
    async fn is_news(&mut self, frame: &Value) -> bool {
        let Some(version) = frame["version"].as_u64() else { return true };
        let of = if frame["type"] == "pop" { &frame["call"] } else { frame };
        let (call_id, agent_id) = (&of["callId"], &of["agentId"]);
        if frame["type"] != "ended" {
            let ack = json!({ "type": "ack", "callId": call_id, "version": version, "stage": "received", "ms": 1 });
            self.says(self.whose(ack, agent_id)).await;
        }
        let agent_id = if agent_id.is_null() { self.welcome["agent"].clone() } else { agent_id.clone() };
        let newest = self.versions.insert((agent_id, call_id.clone()), version);
        assert!(newest <= Some(version), "versions grow: {frame} after {newest:?}");
        newest != Some(version)
    }

    fn whose(&self, mut frame: Value, agent_id: &Value) -> Value {
        if !agent_id.is_null() && *agent_id != self.welcome["agent"] {
            frame["agentId"] = agent_id.clone();
        }
        frame
    }

    /// The next frame, which must be of this type.
    pub async fn next(&mut self, kind: &str) -> Value {
        let frame = self.next_frame().await;
        assert_eq!(frame["type"], kind, "{frame}");
        frame
    }

    pub async fn next_pop(&mut self) -> Value {
        self.next("pop").await
    }

    pub async fn next_update(&mut self) -> Value {
        self.next("update").await
    }

    pub async fn next_ended(&mut self) -> Value {
        self.next("ended").await
    }

    /// Everything that the service had to say until now was read.
    pub async fn was_told_nothing(&mut self) {
        self.says(json!({ "type": "ping" })).await;
        self.next("pong").await;
    }

    /// The frames that the service has sent until now.
    pub async fn frames_until_now(&mut self) -> Vec<Value> {
        self.says(json!({ "type": "ping" })).await;
        let mut frames = Vec::new();
        loop {
            match self.next_frame().await {
                frame if frame["type"] == "pong" => return frames,
                frame => frames.push(frame),
            }
        }
    }

    /// The answer to a search, whose request number is added.
    pub async fn searches(&mut self, mut search: Value) -> Value {
        search["type"] = json!("search");
        search["request"] = json!(7);
        self.says(search).await;
        let answer = self.next_frame().await;
        assert_eq!(answer["request"], 7, "{answer}");
        answer
    }

    /// The timeline that a search finds.
    pub async fn finds(&mut self, search: Value) -> Value {
        let mut answer = self.searches(search).await;
        assert_eq!(answer["type"], "timeline", "{answer}");
        answer["timeline"].take()
    }

    /// The next frame, or the code and the reason with which the service closes.
    pub async fn next_frame_or_close(&mut self) -> Result<Value, (u16, String)> {
        match self.next_message().await {
            Message::Text(text) => Ok(serde_json::from_str(&text).expect("frames are JSON")),
            Message::Close(Some(close)) => Err((close.code.into(), close.reason.to_string())),
            other => panic!("expected a frame or a close with a code, got {other:?}"),
        }
    }

    /// Reads to the close, which says this.
    pub async fn is_closed_because(&mut self) -> (u16, String) {
        loop {
            match self.next_message().await {
                Message::Close(Some(close)) => return (close.code.into(), close.reason.to_string()),
                Message::Close(None) => panic!("closed without a code"),
                _ => {}
            }
        }
    }

    /// Reads to the close, whose code this is; frames before it are passed over.
    pub async fn is_closed(&mut self) -> u16 {
        self.is_closed_because().await.0
    }

    async fn next_message(&mut self) -> Message {
        loop {
            let next = timeout(PATIENCE, self.socket.next()).await;
            let next = next.unwrap_or_else(|_| panic!("nothing was heard from the service for {PATIENCE:?}"));
            match next.expect("the socket ended without a close").expect("the socket works") {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return message,
            }
        }
    }
}
