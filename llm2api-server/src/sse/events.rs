//! A chat stream as server-sent events of some dialect.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use llm2api_core::dormant::{Dormant, IdleClock};
use llm2api_core::{ChatItem, ChatStream, Chunk};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::edge::Record;
use crate::openai::error::Failure;

/// The first sign of life comes after this much silence, and not before: the simplest hand-written
/// clients cannot read comments.
const SILENCE: Duration = Duration::from_secs(15);
const FRAME: usize = 256;

/// Writes an answer as the events of one dialect.
pub(crate) trait Encode: Send + Unpin + 'static {
    /// What fills a silence.
    const SIGN_OF_LIFE: &'static [u8];

    /// Appends what a chunk says; that may be nothing.
    fn chunk(&mut self, chunk: Chunk, out: &mut Vec<u8>) -> Result<(), Failure>;

    /// Appends the end of a whole answer.
    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Failure>;

    /// Appends the end of one that broke, which nobody may take for the other.
    fn fail(&mut self, failure: &Failure, request_id: &str, out: &mut Vec<u8>);
}

/// Writes each chunk as it comes, with one frame for all that it says, and the end so that nobody
/// takes half an answer for a whole one.
///
/// Dropping it drops the chat stream, and with it everything upstream.
#[derive(Debug)]
pub(crate) struct Events<E> {
    chunks: Option<ChatStream>,
    encoder: E,
    silence: IdleClock,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    cut_signal: Dormant,
    record: Record,
    room: usize,
}

impl<E: Encode> Events<E> {
    /// Makes the events of `chunks`; `cut` ends them with an error.
    pub(crate) fn new(
        chunks: ChatStream,
        encoder: E,
        cut: WaitForCancellationFutureOwned,
        record: Record,
    ) -> Self {
        Self {
            chunks: Some(chunks),
            encoder,
            silence: IdleClock::new(SILENCE),
            cut: Box::pin(cut),
            cut_signal: Dormant::default(),
            record,
            room: FRAME,
        }
    }

    /// Makes the frame of a chunk, unless it says nothing in this dialect.
    fn frame(&mut self, chunk: Chunk) -> Option<Bytes> {
        let mut frame = Vec::with_capacity(self.room);
        match self.encoder.chunk(chunk, &mut frame) {
            Ok(()) if frame.is_empty() => return None,
            Ok(()) => {}
            Err(failure) => return Some(self.fail(failure)),
        }
        self.silence.touch();
        // Chunks of one answer differ little in size: the next one fits at the first go.
        self.room = self.room.max(frame.len()).min(4 * FRAME);
        Some(frame.into())
    }

    fn end(&mut self) -> Bytes {
        self.chunks = None;
        let mut frame = Vec::with_capacity(self.room);
        match self.encoder.end(&mut frame) {
            Ok(()) => frame.into(),
            Err(failure) => self.fail(failure),
        }
    }

    fn fail(&mut self, failure: Failure) -> Bytes {
        self.chunks = None;
        let mut frame = Vec::new();
        self.encoder.fail(&failure, self.record.id(), &mut frame);
        self.record.fail(failure);
        frame.into()
    }

    fn silent(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        if self.cut_signal.poll(cx, |cx| self.cut.as_mut().poll(cx)).is_ready() {
            return Poll::Ready(self.fail(Failure::shutting_down()));
        }
        ready!(self.silence.poll_expired(cx));
        self.silence.touch();
        Poll::Ready(Bytes::from_static(E::SIGN_OF_LIFE))
    }
}

impl<E: Encode> Stream for Events<E> {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            let Some(chunks) = &mut this.chunks else { return Poll::Ready(None) };
            let frame = match Pin::new(&mut *chunks).poll_next(cx) {
                Poll::Ready(Some(Ok(ChatItem::Chunk(chunk)))) => this.frame(chunk),
                // `into_chunks` leaves nothing else.
                Poll::Ready(Some(Ok(_))) => None,
                Poll::Ready(Some(Err(error))) => Some(this.fail(error.into())),
                Poll::Ready(None) => Some(this.end()),
                Poll::Pending => Some(ready!(this.silent(cx))),
            };
            if let Some(frame) = frame {
                return Poll::Ready(Some(Ok(frame)));
            }
        }
    }
}
