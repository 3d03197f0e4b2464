//! A client's socket, with an end to every wait.

use std::io::{self, ErrorKind, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Buf;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::busy::Turns;
use super::clocks::Clocks;
use super::refusal::Refusal;
use super::stall::Deadline;
use crate::config::ClientLimits;

/// Closing at once while the client still sends would reset the connection, and the reset can
/// overtake our answer. So the rest is read away, up to this much and this long.
const LEFTOVERS: usize = 32 << 20;
const LINGER: Duration = Duration::from_secs(2);

/// A socket that fails with `TimedOut` when its client is too slow; [`Clocks`] says when that is.
///
/// The stream is shared because somebody has to see the client leave while hyper does not read, see
/// [`left`](super::departure::left). Reading and writing stay here.
#[derive(Debug)]
pub(super) struct Socket {
    stream: Arc<TcpStream>,
    turns: Turns,
    clocks: Clocks,
    refusal: Refusal,
    linger: Deadline,
    leftovers: Option<usize>,
}

impl Socket {
    pub(super) fn new(stream: Arc<TcpStream>, limits: ClientLimits, turns: Turns) -> Self {
        let (clocks, refusal) = (Clocks::new(limits, turns.clone()), Refusal::new(turns.clone()));
        Self { stream, turns, clocks, refusal, linger: Deadline::default(), leftovers: None }
    }

    /// Reads once there is something to read.
    fn poll_receive(&self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.stream.poll_read_ready(cx))?;
            match self.stream.try_read_buf(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result.map(drop)),
            }
        }
    }

    /// Writes with `write` once there is room.
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        while self.stream.poll_write_ready(cx)?.is_ready() {
            match write(&self.stream) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => {
                    self.clocks.wrote(cx);
                    return Poll::Ready(result);
                }
            }
        }
        self.clocks.poll_writing(cx)
    }

    /// Sends a refusal in place of hyper's, which has `replaced` bytes.
    fn poll_refusal(&mut self, cx: &mut Context<'_>, replaced: usize) -> Poll<io::Result<usize>> {
        while let Some(rest) = self.refusal.rest().cloned() {
            let sent = ready!(self.poll_send(cx, |stream| stream.try_write(&rest)))?;
            self.refusal.rest().into_iter().for_each(|rest| rest.advance(sent));
        }
        Poll::Ready(Ok(replaced))
    }

    /// Tells the client that nothing more will come. One that is gone needs no telling.
    fn finish(&self) -> io::Result<()> {
        match SockRef::from(&*self.stream).shutdown(Shutdown::Write) {
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(()),
            result => result,
        }
    }

    /// Reads away what the client still sends, until it closes or the limits are reached.
    fn poll_leftovers(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut scratch = [0; 8192];
        if self.leftovers.is_none() {
            self.leftovers = Some(LEFTOVERS);
            self.linger.set(LINGER);
        }
        while let Some(left) = self.leftovers.filter(|left| *left > 0) {
            let mut buffer = ReadBuf::new(&mut scratch);
            if self.poll_receive(cx, &mut buffer).is_pending() {
                // Out of time is as good an end as any other.
                return self.linger.poll(cx).map(|_: io::Result<()>| Ok(()));
            }
            let read = buffer.filled().len();
            self.leftovers = Some(if read == 0 { 0 } else { left.saturating_sub(read) });
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.clocks.keep_turn();
        if self.poll_receive(cx, buffer)?.is_pending() {
            return self.clocks.poll_reading(cx);
        }
        self.clocks.read();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.refusal.replaces(bytes) {
            return self.poll_refusal(cx, bytes.len());
        }
        self.poll_send(cx, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [only] = slices
            && self.refusal.replaces(only)
        {
            return self.poll_refusal(cx, only.len());
        }
        self.poll_send(cx, |stream| stream.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// The kernel sends what it has taken.
    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.refusal.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.finish()?;
        // What was begun goes on, though an idle client is settled meanwhile.
        let begun = self.leftovers.is_some();
        if begun || self.turns.has_leftovers() {
            self.poll_leftovers(cx)
        } else {
            Poll::Ready(Ok(()))
        }
    }
}
