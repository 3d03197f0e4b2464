//! Cuts bytes into lines without copying those that arrive in one piece.

use bytes::{Buf, Bytes, BytesMut};

use crate::error::{Error, ErrorKind, Result};

/// Where a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// At a line feed.
    LineFeed,
    /// At a line feed, a carriage return, or both together, as server-sent events have it.
    Any,
}

/// A line cutter. After an over-long line it stays broken: nothing is skipped.
#[derive(Debug)]
pub(super) struct Lines {
    ends: Ends,
    limit: usize,
    chunk: Bytes,
    partial: BytesMut,
    skip_line_feed: bool,
    broken: bool,
}

impl Lines {
    pub(super) fn new(ends: Ends, limit: usize) -> Self {
        Self {
            ends,
            limit,
            chunk: Bytes::new(),
            partial: BytesMut::new(),
            skip_line_feed: false,
            broken: false,
        }
    }

    /// Takes the next bytes; all lines of the bytes before must have been taken out.
    pub(super) fn push(&mut self, bytes: Bytes) {
        if self.chunk.is_empty() {
            self.chunk = bytes;
        } else {
            let mut joined = BytesMut::from(&self.chunk[..]);
            joined.extend_from_slice(&bytes);
            self.chunk = joined.freeze();
        }
    }

    /// Takes the next complete line, without its end.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>> {
        if std::mem::take(&mut self.skip_line_feed) {
            match self.chunk.first() {
                Some(b'\n') => self.chunk.advance(1),
                Some(_) => {}
                None => self.skip_line_feed = true,
            }
        }
        let end = match self.ends {
            Ends::LineFeed => memchr::memchr(b'\n', &self.chunk),
            Ends::Any => memchr::memchr2(b'\n', b'\r', &self.chunk),
        };
        self.check(end.unwrap_or(self.chunk.len()))?;
        Ok(match end {
            Some(end) => Some(self.cut(end)),
            None => {
                self.partial.extend_from_slice(&std::mem::take(&mut self.chunk));
                None
            }
        })
    }

    /// Takes what is left when no more bytes come: a line without its end.
    pub(super) fn rest(&mut self) -> Bytes {
        self.partial.extend_from_slice(&std::mem::take(&mut self.chunk));
        self.partial.split().freeze()
    }

    fn cut(&mut self, end: usize) -> Bytes {
        let line = self.chunk.split_to(end);
        self.skip_line_feed = self.ends == Ends::Any && self.chunk[0] == b'\r';
        self.chunk.advance(1);
        if self.partial.is_empty() {
            return line;
        }
        self.partial.extend_from_slice(&line);
        self.partial.split().freeze()
    }

    fn check(&mut self, more: usize) -> Result<()> {
        self.broken |= self.partial.len() + more > self.limit;
        if self.broken { Err(too_long(self.limit)) } else { Ok(()) }
    }
}

/// The error of a line or an event over its limit.
pub(super) fn too_long(limit: usize) -> Error {
    let message = format!("the upstream sent a line or event of more than {limit} bytes");
    Error::new(ErrorKind::UpstreamProtocol, "read stream", message)
}
