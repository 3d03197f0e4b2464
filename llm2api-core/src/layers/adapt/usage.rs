//! Estimates token counts where the upstream gives none.

use futures::{StreamExt, stream};

use crate::adapt::TokenCounter;
use crate::chat::{ChatItem, ChatStream, Chunk, ChunkBody, Usage};
use crate::error::Result;

/// Counts what passes and, at the end, adds the estimate unless the upstream gave figures.
struct Counter {
    stream: ChatStream,
    /// Count a chunk as a token, which most servers make it, instead of its text.
    by_chunk: bool,
    prompt: u64,
    chunks: u64,
    text: TokenCounter,
    head: Option<ChunkBody>,
    counted: bool,
}

/// Adds an estimate to an answer that ends without figures; where they are to be expected, looking
/// into each chunk would be for nothing, and `by_chunk` counts those.
pub(super) fn with_usage(stream: ChatStream, prompt: u64, by_chunk: bool) -> ChatStream {
    let (chunks, text) = (0, TokenCounter::new());
    let counter = Counter { stream, by_chunk, prompt, chunks, text, head: None, counted: false };
    ChatStream::new(stream::unfold(counter, |mut counter| async move {
        let item = counter.next().await?;
        Some((item, counter))
    }))
}

impl Counter {
    async fn next(&mut self) -> Option<Result<ChatItem>> {
        match self.stream.next().await {
            Some(Ok(item)) => {
                self.count(&item);
                Some(Ok(item))
            }
            Some(Err(error)) => {
                self.counted = true;
                Some(Err(error))
            }
            None => self.estimate().map(Ok),
        }
    }

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
        let usage = Some(Usage::estimate(self.prompt, self.chunks + self.text.tokens()));
        let body = ChunkBody { usage, ..self.head.take()? };
        Some(ChatItem::Chunk(Chunk::from(body)))
    }
}
