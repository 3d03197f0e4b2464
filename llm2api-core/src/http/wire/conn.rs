//! A connection and what has been read from it.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes, BytesMut};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::unconstrained;
use tokio_rustls::client::TlsStream;
use zeroize::Zeroizing;

/// What is set aside for a read: an answer's head, or a few chunks.
const READ: usize = 4 << 10;
/// What is set aside where more comes than fits.
const LARGE_READ: usize = 64 << 10;
/// With less room than this a read would cost more than it brings.
const LEAST: usize = 1 << 10;

/// A connection.
pub(super) struct Conn {
    stream: Stream,
    pub(super) buffer: BytesMut,
    read: usize,
    unsent: Unsent,
}

/// Either kind of connection.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// What is still to be sent.
#[derive(Default)]
struct Unsent {
    head: Zeroizing<Vec<u8>>,
    sent: usize,
    body: Bytes,
    flushed: bool,
    given_up: bool,
}

impl Conn {
    pub(super) fn new(stream: Stream) -> Self {
        let unsent = Unsent { flushed: true, ..Unsent::default() };
        Self { stream, buffer: BytesMut::new(), read: READ, unsent }
    }

    /// Begins to send a request.
    pub(super) fn begin(&mut self, head: Zeroizing<Vec<u8>>, body: Bytes) {
        self.unsent = Unsent { head, body, ..Unsent::default() };
    }

    /// Takes a request back of which nothing has been sent.
    pub(super) fn take_back(mut self) -> (Zeroizing<Vec<u8>>, Bytes) {
        let Unsent { head, body, .. } = std::mem::take(&mut self.unsent);
        (head, body)
    }

    /// Says whether any of the request has been sent.
    pub(super) fn is_touched(&self) -> bool {
        self.unsent.sent > 0
    }

    /// Says whether all of the request has been sent.
    pub(super) fn is_sent(&self) -> bool {
        self.unsent.flushed
    }

    /// Sends what is still to be sent.
    pub(super) fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.unsent.given_up {
            return Poll::Ready(Ok(()));
        }
        while !self.unsent.is_empty() {
            let slices = self.unsent.slices();
            match ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, &slices))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => self.unsent.advance(sent),
            }
        }
        if !self.unsent.flushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            // The credential need not outlive the request.
            self.unsent = Unsent { sent: self.unsent.sent, flushed: true, ..Unsent::default() };
        }
        Poll::Ready(Ok(()))
    }

    /// Gives up what has not been sent. The other side still waits for it, so the connection never
    /// counts as one that has sent all.
    pub(super) fn stop_sending(&mut self) {
        let sent = self.unsent.sent;
        self.unsent = Unsent { sent, given_up: true, ..Unsent::default() };
    }

    /// Reads what has come; 0 bytes are the end.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.buffer.capacity() - self.buffer.len() < LEAST {
            self.buffer.reserve(self.read);
        }
        let room = self.buffer.capacity() - self.buffer.len();
        let read = ready!(pin!(self.stream.read_buf(&mut self.buffer)).poll(cx))?;
        self.read = if read == room { LARGE_READ } else { READ };
        Poll::Ready(Ok(read))
    }

    /// Says whether the connection may serve another call: nothing has come that nobody asked for, not
    /// even the end.
    pub(super) fn is_idle(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        // Else a task that has done much would be told to wait, without a look.
        let mut look = pin!(unconstrained(poll_fn(|cx| self.poll_fill(cx))));
        let nothing = look.as_mut().poll(&mut cx).is_pending();
        nothing && self.buffer.is_empty()
    }

    /// Lets go of what only a call needs.
    pub(super) fn rest(&mut self) {
        (self.buffer, self.read) = (BytesMut::new(), READ);
    }
}

impl Drop for Conn {
    /// Closes the connection itself, and not this process's hold of it alone: a process that was
    /// forked off has one as well.
    fn drop(&mut self) {
        // One that is closed already needs nothing.
        drop(SockRef::from(self.stream.tcp()).shutdown(Shutdown::Both));
    }
}

impl fmt::Debug for Conn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What goes out and what comes in are secrets and content.
        f.debug_struct("Conn").field("stream", &self.stream).finish_non_exhaustive()
    }
}

impl Unsent {
    fn is_empty(&self) -> bool {
        self.sent >= self.head.len() && self.body.is_empty()
    }

    fn slices(&self) -> [IoSlice<'_>; 2] {
        [IoSlice::new(self.head.get(self.sent..).unwrap_or_default()), IoSlice::new(&self.body)]
    }

    fn advance(&mut self, sent: usize) {
        let head = self.head.len().saturating_sub(self.sent).min(sent);
        self.sent += sent;
        self.body.advance(sent - head);
    }
}

impl Stream {
    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }

    fn inner(&mut self) -> Pin<&mut dyn Duplex> {
        match self {
            Self::Plain(stream) => Pin::new(stream),
            Self::Tls(stream) => Pin::new(&mut **stream),
        }
    }
}

trait Duplex: AsyncRead + AsyncWrite + Unpin {}

impl Duplex for TcpStream {}
impl Duplex for TlsStream<TcpStream> {}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.inner().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.inner().poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.inner().poll_write_vectored(cx, slices)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_shutdown(cx)
    }
}
