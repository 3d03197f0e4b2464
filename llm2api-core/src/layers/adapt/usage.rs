//! Estimates token counts where the upstream gives none.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::Stream;

use crate::adapt::{TokenCounter, estimate_prompt, estimate_request};
use crate::chat::{ChatItem, ChatRequest, ChatStream, Chunk, ChunkBody, Message, Tool, Usage};
use crate::error::Result;

/// Counts what passes and, at the end, adds the estimate unless the upstream gave figures.
struct Counter {
    stream: ChatStream,
    /// Count a chunk as a token, which most servers make it, instead of its text.
    by_chunk: bool,
    prompt: Prompt,
    chunks: u64,
    text: TokenCounter,
    head: Option<ChunkBody>,
    counted: bool,
}

/// What was asked, or how many tokens that has.
pub(super) enum Prompt {
    /// Counted only where nobody says how many there are: that takes time for each letter.
    Asked { messages: Arc<[Message]>, tools: Option<Arc<[Tool]>> },
    /// Counted at once: a stream that lasts must not hold what may be megabytes.
    Counted(u64),
}

impl Prompt {
    pub(super) fn of(request: &ChatRequest) -> Self {
        if request.streams() {
            return Self::Counted(estimate_request(request));
        }
        Self::Asked { messages: request.messages.clone(), tools: request.tools.clone() }
    }

    fn tokens(&self) -> u64 {
        match self {
            Self::Asked { messages, tools } => {
                estimate_prompt(messages, tools.as_deref().unwrap_or_default())
            }
            Self::Counted(tokens) => *tokens,
        }
    }
}

/// Adds an estimate to an answer that ends without figures; where they are to be expected, looking
/// into each chunk would be for nothing, and `by_chunk` counts those.
pub(super) fn with_usage(stream: ChatStream, prompt: Prompt, by_chunk: bool) -> ChatStream {
    let (chunks, text) = (0, TokenCounter::new());
    ChatStream::new(Counter { stream, by_chunk, prompt, chunks, text, head: None, counted: false })
}

impl Stream for Counter {
    type Item = Result<ChatItem>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(Pin::new(&mut self.stream).poll_next(cx));
        match &next {
            Some(Ok(item)) => self.count(item),
            Some(Err(_)) => self.counted = true,
            None => return Poll::Ready(self.estimate().map(Ok)),
        }
        Poll::Ready(next)
    }
}

impl Counter {
    fn count(&mut self, item: &ChatItem) {
        let ChatItem::Chunk(chunk) = item else {
            self.counted = true;
            return;
        };
        self.counted |= chunk.has_usage();
        if self.by_chunk {
            self.chunks += u64::from(chunk.has_content());
        } else {
            self.text.push(chunk.reasoning());
            self.text.push(chunk.text());
        }
        self.head.get_or_insert_with(|| chunk.body().head());
    }

    fn estimate(&mut self) -> Option<ChatItem> {
        if std::mem::replace(&mut self.counted, true) {
            return None;
        }
        let usage = Some(Usage::estimate(self.prompt.tokens(), self.chunks + self.text.tokens()));
        let body = ChunkBody { usage, ..self.head.take()? };
        Some(ChatItem::Chunk(Chunk::from(body)))
    }
}
