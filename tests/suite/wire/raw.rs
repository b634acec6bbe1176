//! A connection on which anything may be said, byte by byte.

use std::net::{IpAddr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::harness::{PATIENCE, Service};

pub struct Raw(pub TcpStream);

impl Raw {
    pub async fn to(service: &Service) -> Self {
        Self(TcpStream::connect(service.socket_address()).await.expect("the service listens"))
    }

    /// From another address of this machine: all of 127.0.0.0/8 is.
    pub async fn from(address: IpAddr, to: SocketAddr) -> std::io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(address, 0))?;
        socket.connect(to).await.map(Self)
    }

    pub async fn says(&mut self, bytes: impl AsRef<[u8]>) {
        // Where it was closed meanwhile, that is what the test looks at.
        _ = self.0.write_all(bytes.as_ref()).await;
    }

    /// Everything until the service closes.
    pub async fn rest(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        let read = timeout(PATIENCE, self.0.read_to_end(&mut all)).await;
        // A reset closes, too.
        _ = read.expect("the service closes the connection");
        all
    }

    pub async fn is_closed(&mut self) {
        self.rest().await;
    }

    /// The next bytes, up to what ends them.
    pub async fn up_to(&mut self, end: &[u8]) -> Vec<u8> {
        let mut all = Vec::new();
        while !all.ends_with(end) {
            match timeout(PATIENCE, self.0.read_u8()).await.expect("an answer") {
                Ok(byte) => all.push(byte),
                Err(_) => break,
            }
        }
        all
    }

    /// The head of an answer.
    pub async fn head(&mut self) -> String {
        String::from_utf8(self.up_to(b"\r\n\r\n").await).unwrap().to_ascii_lowercase()
    }

    /// Becomes a WebSocket, with these headers more: the answer's head.
    pub async fn shakes_hands(&mut self, headers: &str) -> String {
        let request = format!(
            "GET /v1/agent HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: backstory.v1\r\n{headers}\r\n"
        );
        self.says(request).await;
        self.head().await
    }

    /// A WebSocket frame as a client masks it; `first`: FIN, reserved bits and opcode.
    pub async fn says_frame(&mut self, first: u8, payload: &[u8]) {
        let mut frame = vec![first];
        match payload.len() {
            short @ ..126 => frame.push(0x80 | u8::try_from(short).unwrap()),
            middle @ 126..65536 => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(middle).unwrap().to_be_bytes());
            }
            long => {
                frame.push(0x80 | 127);
                frame.extend((long as u64).to_be_bytes());
            }
        }
        frame.extend([0; 4]); // this mask changes nothing
        frame.extend(payload);
        self.says(frame).await;
    }

    /// The next WebSocket frame: its opcode, and what it carries. `None` once the line is closed.
    pub async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let read = async {
            let first = self.0.read_u8().await?;
            let length = match self.0.read_u8().await? {
                126 => usize::from(self.0.read_u16().await?),
                127 => usize::try_from(self.0.read_u64().await?).unwrap(),
                short => usize::from(short),
            };
            let mut payload = vec![0; length];
            self.0.read_exact(&mut payload).await?;
            std::io::Result::Ok((first & 0x0f, payload))
        };
        timeout(PATIENCE, read).await.expect("a frame, or the end").ok()
    }

    /// The code that a WebSocket is closed with, if it could be read; frames before it are passed over.
    pub async fn close_code(&mut self) -> Option<u16> {
        loop {
            let (opcode, payload) = self.frame().await?;
            if opcode == 8 {
                return Some(u16::from_be_bytes([payload[0], payload[1]]));
            }
        }
    }

    /// Becomes a session of this agent.
    pub async fn says_hello(&mut self, agent: &str) {
        assert!(self.shakes_hands("").await.starts_with("http/1.1 101"));
        self.is_welcomed(agent).await;
    }

    pub async fn is_welcomed(&mut self, agent: &str) {
        let hello = serde_json::json!({ "type": "hello", "agent": agent, "timeZone": "UTC" });
        self.says_frame(0x81, hello.to_string().as_bytes()).await;
        let (_, welcome) = self.frame().await.expect("a welcome");
        assert!(String::from_utf8(welcome).unwrap().contains("\"welcome\""));
    }
}
