//! The time that a connection takes: for a request's headers from their first byte on, between requests without a byte, and for an
//! answer of which the client reads nothing.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

#[derive(Debug, Clone, Copy)]
pub struct Times {
    pub header: Duration,
    pub idle: Duration,
    pub write: Duration,
}

/// What goes on on a connection.
pub struct Watch {
    times: Times,
    state: Mutex<State>,
}

struct State {
    /// Requests that are being answered.
    asked: usize,
    /// A header has begun, and is not whole.
    head_since: Option<Instant>,
    /// A byte went one way or the other.
    moved_at: Instant,
    /// There is more to write than the client takes, and it has taken nothing since.
    blocked_since: Option<Instant>,
}

impl Watch {
    /// The first header is waited for from now on.
    pub fn new(times: Times) -> Arc<Self> {
        let now = Instant::now();
        Arc::new(Self {
            times,
            state: Mutex::new(State { asked: 0, head_since: Some(now), moved_at: now, blocked_since: None }),
        })
    }

    /// A request has come, and is answered when this is dropped.
    pub fn asked(self: &Arc<Self>) -> Asked {
        let mut state = self.state.lock();
        state.asked += 1;
        state.head_since = None;
        Asked(Arc::clone(self))
    }

    /// Until a connection ends by itself, or its time is over: then it is nothing.
    pub async fn over<T>(&self, mut connection: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        let sleep = tokio::time::sleep(Duration::ZERO);
        tokio::pin!(sleep);
        std::future::poll_fn(|cx| {
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                return Poll::Ready(Some(ended));
            }
            // Whatever moved has woken this task, and is looked at here.
            loop {
                let Some(deadline) = self.deadline() else { return Poll::Pending };
                if deadline <= Instant::now() {
                    return Poll::Ready(None);
                }
                if sleep.deadline() != deadline {
                    sleep.as_mut().reset(deadline);
                }
                if sleep.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    /// None while an answer is made: what a look-up takes is bounded there.
    fn deadline(&self) -> Option<Instant> {
        let state = self.state.lock();
        if let Some(since) = state.blocked_since {
            return Some(since + self.times.write);
        }
        match state.head_since {
            _ if state.asked > 0 => None,
            Some(since) => Some(since + self.times.header),
            None => Some(state.moved_at + self.times.idle),
        }
    }

    fn has_read(&self) {
        let mut state = self.state.lock();
        state.moved_at = Instant::now();
        if state.asked == 0 && state.head_since.is_none() {
            state.head_since = Some(state.moved_at);
        }
    }

    fn has_written(&self) {
        let mut state = self.state.lock();
        state.moved_at = Instant::now();
        state.blocked_since = None;
    }

    fn is_blocked(&self) {
        self.state.lock().blocked_since.get_or_insert_with(Instant::now);
    }

    fn saw<T>(&self, written: Poll<T>) -> Poll<T> {
        if written.is_ready() {
            self.has_written();
        } else {
            self.is_blocked();
        }
        written
    }
}

/// A request that is being answered.
pub struct Asked(Arc<Watch>);

impl Drop for Asked {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.asked = state.asked.saturating_sub(1);
        state.moved_at = Instant::now();
    }
}

/// A stream whose bytes are noticed.
pub struct Watched<S> {
    stream: S,
    watch: Arc<Watch>,
}

impl<S> Watched<S> {
    pub fn new(stream: S, watch: Arc<Watch>) -> Self {
        Self { stream, watch }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.watch.has_read();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch.saw(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch.saw(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        // TLS takes what it cannot send yet, and says so here.
        if flushed.is_pending() {
            self.watch.is_blocked();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times =
        Times { header: Duration::from_secs(10), idle: Duration::from_secs(60), write: Duration::from_secs(3) };

    fn in_seconds(watch: &Watch, start: Instant) -> Option<u64> {
        // The clock went on for less than a second.
        watch.deadline().map(|deadline| (deadline - start).as_secs())
    }

    #[test]
    fn an_answer_of_which_nothing_is_taken_has_its_time_and_any_byte_begins_it_anew() {
        let (start, watch) = (Instant::now(), Watch::new(TIMES));
        assert_eq!(in_seconds(&watch, start), Some(10), "the first header");
        let asked = watch.asked();
        assert_eq!(in_seconds(&watch, start), None, "while the answer is made");
        watch.is_blocked();
        assert_eq!(in_seconds(&watch, start), Some(3), "also while another one is made");
        drop(asked);
        let first = watch.deadline();
        watch.is_blocked();
        assert_eq!(watch.deadline(), first, "it stays blocked since it was");
        watch.has_written();
        assert_eq!(in_seconds(&watch, start), Some(60));
        watch.is_blocked();
        assert!(watch.deadline() > first);
    }
}
