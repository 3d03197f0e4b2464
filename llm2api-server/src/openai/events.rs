//! A chat stream as server-sent events.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use llm2api_core::{ChatItem, ChatStream, Chunk};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::error::Failure;
use super::keep_alive::KeepAlive;
use crate::edge::Record;

/// The first sign of life comes after this much silence, and not before: the simplest hand-written
/// clients cannot read comments.
const SILENCE: Duration = Duration::from_secs(15);
const COMMENT: &[u8] = b": keep-alive\n\n";
const DONE: &[u8] = b"data: [DONE]\n\n";
const FRAME: usize = 256;

/// Writes each chunk as one `data:` event, and the end so that nobody takes half an answer for a
/// whole one: `[DONE]` after the last chunk, an error event without `[DONE]` after a fault.
///
/// Dropping it drops the chat stream, and with it everything upstream.
#[derive(Debug)]
pub(crate) struct Events {
    chunks: Option<ChatStream>,
    keep_alive: KeepAlive,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    record: Record,
    room: usize,
}

impl Events {
    /// Makes the events of `chunks`; `cut` ends them with an error.
    pub(crate) fn new(
        chunks: ChatStream,
        cut: WaitForCancellationFutureOwned,
        record: Record,
    ) -> Self {
        let keep_alive = KeepAlive::new(SILENCE);
        Self { chunks: Some(chunks), keep_alive, cut: Box::pin(cut), record, room: FRAME }
    }

    fn frame(&mut self, chunk: &Chunk) -> Bytes {
        self.keep_alive.touch();
        let mut frame = Vec::with_capacity(self.room);
        frame.extend_from_slice(b"data: ");
        chunk.write_json(&mut frame);
        frame.extend_from_slice(b"\n\n");
        // Chunks of one answer differ little in size: the next one fits at the first go.
        self.room = self.room.max(frame.len()).min(4 * FRAME);
        frame.into()
    }

    fn fail(&mut self, failure: Failure) -> Bytes {
        self.chunks = None;
        let mut frame = b"data: ".to_vec();
        failure.write_json(self.record.id(), &mut frame);
        frame.extend_from_slice(b"\n\n");
        self.record.fail(failure);
        frame.into()
    }

    fn silent(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        if self.cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(self.fail(Failure::shutting_down()));
        }
        self.keep_alive.poll_due(cx).map(|()| Bytes::from_static(COMMENT))
    }
}

impl Stream for Events {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let Some(chunks) = &mut this.chunks else { return Poll::Ready(None) };
        loop {
            let frame = match Pin::new(&mut *chunks).poll_next(cx) {
                Poll::Ready(Some(Ok(ChatItem::Chunk(chunk)))) => this.frame(&chunk),
                // `into_chunks` leaves nothing else.
                Poll::Ready(Some(Ok(_))) => continue,
                Poll::Ready(Some(Err(error))) => this.fail(error.into()),
                Poll::Ready(None) => {
                    this.chunks = None;
                    Bytes::from_static(DONE)
                }
                Poll::Pending => std::task::ready!(this.silent(cx)),
            };
            return Poll::Ready(Some(Ok(frame)));
        }
    }
}

#[cfg(test)]
mod tests;
