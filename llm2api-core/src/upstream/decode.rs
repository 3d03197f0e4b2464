//! From an upstream's bytes to the items of an answer.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;

use crate::chat::ChatItem;
use crate::dormant::IdleClock;
use crate::error::{Error, ErrorKind, PROGRESS_TIMEOUT, Result};
use crate::http::BodyStream;

/// A protocol's decoder: pure, driven by the bytes that it is given.
pub(super) trait Decode: Send + Unpin {
    /// Takes the next bytes.
    fn push(&mut self, bytes: Bytes);

    /// Gives the next item; none when more bytes are needed.
    fn next(&mut self) -> Result<Option<ChatItem>>;

    /// Learns that no more bytes come. An error says that the answer is not whole; items may follow.
    fn finish(&mut self) -> Result<()>;

    /// Once the answer is whole: how long the end of the body may still take. Waiting for it lets
    /// the connection serve the next call.
    fn tail(&self) -> Option<Duration>;
}

/// An upstream's answer.
pub(super) struct Answer<D> {
    pub(super) decoder: D,
    body: Option<BodyStream>,
    progress: IdleClock,
    tail: Option<IdleClock>,
    failed: bool,
    /// The body ended, or broke, before the decoder had all of the answer.
    lost: bool,
}

impl<D: Decode> Answer<D> {
    pub(super) fn new(body: Option<BodyStream>, decoder: D, progress: Duration) -> Self {
        let progress = IdleClock::new(progress);
        Self { decoder, body, progress, tail: None, failed: false, lost: false }
    }

    /// Goes on with another body, or with what the decoder has already.
    #[cfg(feature = "chat-ui")]
    pub(super) fn go_on(&mut self, body: Option<BodyStream>) {
        (self.body, self.failed, self.lost) = (body, false, false);
    }

    /// Says whether it was the connection that ended the answer with `error`.
    #[cfg(feature = "chat-ui")]
    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }

    /// Ends the answer with an error.
    #[cfg(feature = "chat-ui")]
    pub(super) fn fail(&mut self, error: Error) -> Error {
        (self.body, self.failed) = (None, true);
        error
    }

    /// Is ready when no content has come for too long.
    pub(super) fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        ready!(self.progress.poll_expired(cx));
        let message = "the upstream sent no content for PROGRESS_TIMEOUT";
        Poll::Ready(
            Error::new(ErrorKind::UpstreamIncomplete, "read stream", message)
                .with_code(PROGRESS_TIMEOUT),
        )
    }

    /// Takes bytes into the decoder until it has an item, or the body ends.
    fn poll_decoded(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<ChatItem>>> {
        loop {
            if let Some(item) = self.decoder.next()? {
                return Poll::Ready(Ok(Some(item)));
            }
            let Some(body) = self.body.as_mut() else {
                return Poll::Ready(Ok(None));
            };
            match Pin::new(body).poll_next(cx) {
                Poll::Ready(Some(Ok(bytes))) => self.decoder.push(bytes),
                Poll::Ready(Some(Err(error))) => self.broken(error)?,
                Poll::Ready(None) => self.ended()?,
                Poll::Pending => ready!(self.poll_late(cx))?,
            }
        }
    }

    /// Decides what a broken body means: nothing, once the answer is whole.
    fn broken(&mut self, error: Error) -> Result<()> {
        self.body = None;
        self.lost = self.decoder.tail().is_none();
        if self.lost { Err(error) } else { Ok(()) }
    }

    fn ended(&mut self) -> Result<()> {
        self.body = None;
        self.decoder.finish().inspect_err(|_| self.lost = true)
    }

    /// Is ready when waiting any longer makes no sense.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if let Some(limit) = self.decoder.tail() {
            let clock = self.tail.get_or_insert_with(|| IdleClock::new(limit));
            ready!(clock.poll_expired(cx));
            self.body = None;
            return Poll::Ready(Ok(()));
        }
        self.poll_stalled(cx).map(Err)
    }
}

impl<D: Decode> Stream for Answer<D> {
    type Item = Result<ChatItem>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.failed {
            return Poll::Ready(None);
        }
        let next = ready!(self.poll_decoded(cx));
        match &next {
            Ok(Some(item)) if item.has_content() => self.progress.touch(),
            Ok(_) => {}
            Err(_) => {
                self.failed = true;
                self.body = None;
            }
        }
        Poll::Ready(next.transpose())
    }
}
