//! A client's socket, with an end to every wait.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::busy::Turns;
use super::stall::Deadline;
use crate::config::ClientLimits;

/// Closing at once while the client still sends would reset the connection, and the reset can
/// overtake our answer. So the rest is read away, up to this much and this long.
const LEFTOVERS: usize = 32 << 20;
const LINGER: Duration = Duration::from_secs(2);

/// A socket that fails with `TimedOut` when its client is too slow.
///
/// - A new connection has the head time-out from its first moment.
/// - A kept connection has the idle time-out, and from the first byte of a head on the head
///   time-out, which later bytes do not move.
/// - While a request is worked on, reading has no deadline: the body has one of its own.
/// - A write that makes no progress has the write-stall time-out at any time.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    limits: ClientLimits,
    turns: Turns,
    turn: Option<u64>,
    head_begun: bool,
    read: Deadline,
    write: Deadline,
    leftovers: Option<usize>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, limits: ClientLimits, turns: Turns) -> Self {
        Self {
            stream,
            limits,
            turns,
            turn: None,
            head_begun: false,
            read: Deadline::default(),
            write: Deadline::default(),
            leftovers: None,
        }
    }

    /// Sets the deadline that the turn begins with.
    fn keep_turn(&mut self) {
        let turn = self.turns.now();
        if self.turn == Some(turn) {
            return;
        }
        self.turn = Some(turn);
        self.head_begun = turn == 0;
        match turn {
            0 => self.read.set(self.limits.head_timeout),
            turn if turn % 2 == 0 => self.read.set(self.limits.idle_timeout),
            _ => self.read.off(),
        }
    }

    fn waits_for_head(&self) -> bool {
        self.turn.is_some_and(|turn| turn % 2 == 0)
    }

    fn written<T>(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.write.off();
            return result;
        }
        self.write.set_if_off(self.limits.write_stall_timeout);
        self.write.poll(cx)
    }

    /// Reads away what the client still sends, until it closes or the limits are reached.
    fn poll_leftovers(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut scratch = [0; 8192];
        if self.leftovers.is_none() {
            self.leftovers = Some(LEFTOVERS);
            self.read.set(LINGER);
        }
        while let Some(left) = self.leftovers.filter(|left| *left > 0) {
            let mut buffer = ReadBuf::new(&mut scratch);
            if Pin::new(&mut self.stream).poll_read(cx, &mut buffer).is_pending() {
                // Out of time is as good an end as any other.
                return self.read.poll(cx).map(|_: io::Result<()>| Ok(()));
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
        self.keep_turn();
        if Pin::new(&mut self.stream).poll_read(cx, buffer)?.is_pending() {
            self.turns.watch(cx);
            return self.read.poll(cx);
        }
        if self.waits_for_head() && !self.head_begun {
            self.head_begun = true;
            let wait = self.limits.head_timeout;
            self.read.set(wait);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.written(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        if self.turns.has_leftovers() { self.poll_leftovers(cx) } else { Poll::Ready(Ok(())) }
    }
}
