//! The WebSocket: whatever bytes come in whatever pieces, the line ends, hands over no message that is too large, and
//! answers with no more than was asked.
//!
//! An input begins with a byte that says how large the pieces are; the rest is what the client sends.
#![no_main]

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use backstory::push::ClientFrame;
use backstory::push::line::{Line, Read};
use backstory_fuzz::good;
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const MESSAGE_BYTES_MAX: usize = 512;
/// A close frame and its reason, and a frame of our own.
const OWN_BYTES_MAX: usize = 256;
const LONG: Duration = Duration::from_secs(60);

fuzz_target!(|data: &[u8]| {
    let Some((piece, sent)) = data.split_first() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    good(runtime, "no runtime").block_on(talk(usize::from(*piece) + 1, sent));
});

async fn talk(piece: usize, sent: &[u8]) {
    let mut answered = 0;
    let client = Client { sends: sent, piece, answered: &mut answered };
    let mut line = Line::upgraded(client, MESSAGE_BYTES_MAX, LONG).await;
    let mut read = 0;
    loop {
        match line.read().await {
            Ok(Read::Text(text)) => {
                assert!(text.len() <= MESSAGE_BYTES_MAX, "a text of {} bytes got through", text.len());
                _ = ClientFrame::decode(&text);
            }
            Ok(Read::Binary(bytes)) => assert!(bytes.len() <= MESSAGE_BYTES_MAX),
            Ok(Read::Control) => {}
            Ok(Read::TooLarge) => {
                line.close(3506, "the frame is too large").await;
                break;
            }
            Err(_) => break,
        }
        read += 1;
        assert!(read <= sent.len(), "more messages than bytes were read");
    }
    _ = line.write_text("{}".into()).await;
    drop(line);
    assert!(answered <= sent.len() + OWN_BYTES_MAX, "{answered} bytes were the answer to {}", sent.len());
}

/// Sends what it has in pieces, then leaves; counts what it is told.
struct Client<'a> {
    sends: &'a [u8],
    piece: usize,
    answered: &'a mut usize,
}

impl AsyncRead for Client<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let bytes = self.piece.min(into.remaining()).min(self.sends.len());
        let (now, later) = self.sends.split_at(bytes);
        into.put_slice(now);
        self.sends = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Client<'_> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        *self.answered += bytes.len();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
