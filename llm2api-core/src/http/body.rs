//! The body of an answer, as a stream that notices silence.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;

use super::client::broken;
use super::wire::WireBody;
use crate::dormant::IdleClock;
use crate::error::{Error, ErrorKind, LIVENESS_TIMEOUT, Result};
use crate::limits::Limits;

/// The bytes of an answer. Ends with an error when no byte comes for too long.
///
/// A service may send the head at once and then think: until the first byte the clock allows as
/// long as the first content may take.
pub(crate) struct BodyStream {
    chunks: WireBody,
    clock: IdleClock,
    liveness: Option<Duration>,
}

impl BodyStream {
    pub(super) fn new(chunks: WireBody, limits: &Limits) -> Self {
        let liveness = limits.liveness_timeout;
        Self {
            chunks,
            clock: IdleClock::new(limits.first_content_timeout.max(liveness)),
            liveness: Some(liveness),
        }
    }

    fn touch(&mut self) {
        match self.liveness.take() {
            Some(liveness) => self.clock = IdleClock::new(liveness),
            None => self.clock.touch(),
        }
    }
}

impl Stream for BodyStream {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Poll::Ready(next) = Pin::new(&mut self.chunks).poll_next(cx) {
            self.touch();
            return Poll::Ready(next.map(|bytes| bytes.map_err(broken)));
        }
        std::task::ready!(self.clock.poll_expired(cx));
        let message = "the upstream sent nothing for LIVENESS_TIMEOUT";
        Poll::Ready(Some(Err(Error::new(ErrorKind::UpstreamIncomplete, "read stream", message)
            .with_code(LIVENESS_TIMEOUT))))
    }
}

impl fmt::Debug for BodyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyStream").field("clock", &self.clock).finish_non_exhaustive()
    }
}
