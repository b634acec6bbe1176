//! One WebSocket as bytes: small buffers, and an end that the other side hears of. What is said on it is the connection's; the
//! Autobahn suite tests what is here.

use std::time::Duration;

use bytes::{Buf, Bytes};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode as WireCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tracing::debug;

/// Of a frame that is not masked.
const HEADER_BYTES_MAX: usize = 10;
const READ_BUFFER_BYTES: usize = 512;
/// Control frames alone go through it.
const WRITE_BUFFER_BYTES_MAX: usize = 4096;
/// For the client to answer a close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Why nothing more can be said or heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// A message could not be written in time: half of it is on the line, so nothing can follow, not even why.
    Stuck,
    /// The client left, or the line broke.
    Gone,
}

/// What was heard.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    Text(String),
    Binary(Bytes),
    /// A ping, pong or close; it was answered.
    Control,
    /// A message longer than it may be: it was not read.
    TooLarge,
}

pub struct Line<S> {
    socket: WebSocketStream<S>,
    write_timeout: Duration,
    /// The client has closed: after that, nothing may be written but the answer to it.
    is_left: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    /// After the handshake, on the server's side.
    pub async fn upgraded(stream: S, message_bytes_max: usize, write_timeout: Duration) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(WRITE_BUFFER_BYTES_MAX)
            .max_message_size(Some(message_bytes_max))
            .max_frame_size(Some(message_bytes_max));
        let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
        Self { socket, write_timeout, is_left: false }
    }

    pub async fn read(&mut self) -> Result<Read, Broken> {
        match self.socket.next().await {
            Some(Ok(Message::Text(text))) => Ok(Read::Text(text.as_str().to_owned())),
            Some(Ok(Message::Binary(bytes))) => Ok(Read::Binary(bytes)),
            // tungstenite answers pings and closes itself; reading on lets its answers out.
            Some(Ok(control)) => {
                self.is_left |= control.is_close();
                Ok(Read::Control)
            }
            Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. }))) => Ok(Read::TooLarge),
            Some(Err(error)) => {
                debug!(%error, "websocket ended");
                Err(Broken::Gone)
            }
            None => Err(Broken::Gone),
        }
    }

    pub async fn write_text(&mut self, text: Bytes) -> Result<(), Broken> {
        self.write(Data::Text, text).await
    }

    pub async fn write_binary(&mut self, bytes: Bytes) -> Result<(), Broken> {
        self.write(Data::Binary, bytes).await
    }

    /// From where it lies, in one piece: through tungstenite it would be copied into a buffer, which is never given back.
    async fn write(&mut self, kind: Data, payload: Bytes) -> Result<(), Broken> {
        if self.is_left {
            return Err(Broken::Gone);
        }
        let header = FrameHeader { opcode: OpCode::Data(kind), ..FrameHeader::default() };
        let mut head = Vec::with_capacity(HEADER_BYTES_MAX);
        header.format(payload.len() as u64, &mut head).map_err(|_| Broken::Gone)?;
        let mut frame = Buf::chain(head.as_slice(), payload);
        let written_in_time = timeout(self.write_timeout, async {
            // An answer to a ping may still wait there.
            self.socket.flush().await?;
            Ok(self.socket.get_mut().write_all_buf(&mut frame).await?)
        });
        written(written_in_time.await)
    }

    pub async fn ping(&mut self) -> Result<(), Broken> {
        written(timeout(self.write_timeout, self.socket.send(Message::Ping(Bytes::new()))).await)
    }

    /// Says why, then reads on until the client has answered: leaving earlier loses the close frame.
    pub async fn close(&mut self, code: u16, reason: &str) {
        let frame = CloseFrame { code: WireCode::from(code), reason: reason.into() };
        let close = async {
            _ = self.socket.close(Some(frame)).await;
            while let Some(Ok(_)) = self.socket.next().await {}
        };
        _ = timeout(CLOSE_TIMEOUT, close).await;
    }
}

fn written<E>(written: Result<Result<(), Error>, E>) -> Result<(), Broken> {
    match written {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Broken::Gone),
        Err(_) => Err(Broken::Stuck),
    }
}
