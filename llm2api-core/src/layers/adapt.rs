//! Adds what an upstream lacks.

use std::sync::Arc;
use std::task::{Context, Poll};

use futures::{StreamExt, stream};
use tower::{Layer, Service};

use super::{ChatFuture, take_ready};
use crate::adapt::estimate_tokens;
use crate::chat::{ChatItem, ChatRequest, ChatStream, Chunk, ChunkBody, Ending, Usage};
use crate::error::{Error, Result};
use crate::pool::{Attempt, Sending};

/// Says whether an upstream counts tokens by itself.
type CountsTokens = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Wraps the upstream that was chosen: only there is it known what is lacking.
///
/// # Notes
/// It adds an estimated token count where the caller wants one and the upstream gives none;
/// everything else passes through.
///
/// # Order
/// Innermost, around the upstream: it holds the lease, under which it may send twice.
///
/// # Example
/// ```
/// let layer = llm2api_core::layers::AdaptLayer::new(|upstream| upstream == "local");
/// # drop(layer);
/// ```
#[derive(Clone)]
pub struct AdaptLayer {
    counts_tokens: CountsTokens,
}

impl AdaptLayer {
    /// Makes a layer; `counts_tokens` says of an upstream, by its name, that it counts by itself.
    pub fn new(counts_tokens: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self { counts_tokens: Arc::new(counts_tokens) }
    }
}

impl std::fmt::Debug for AdaptLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdaptLayer").finish_non_exhaustive()
    }
}

impl<S> Layer<S> for AdaptLayer {
    type Service = Adapt<S>;

    fn layer(&self, inner: S) -> Adapt<S> {
        Adapt { inner, layer: self.clone() }
    }
}

/// The service of [`AdaptLayer`].
#[derive(Clone, Debug)]
pub struct Adapt<S> {
    inner: S,
    layer: AdaptLayer,
}

// ===== impl Adapt =====

impl<S> Service<Attempt> for Adapt<S>
where
    S: Service<Sending, Response = ChatStream, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = ChatStream;
    type Error = Error;
    type Future = ChatFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, attempt: Attempt) -> ChatFuture {
        let inner = take_ready(&mut self.inner);
        let layer = self.layer.clone();
        Box::pin(async move {
            let (sending, mut lease) = attempt.into_sending();
            match layer.ask(inner, sending).await {
                Ok(stream) => Ok(stream.with_watch(lease)),
                Err(error) => {
                    lease.settle(Ending::Failed(&error));
                    Err(error)
                }
            }
        })
    }
}

impl AdaptLayer {
    async fn ask<S>(&self, mut inner: S, sending: Sending) -> Result<ChatStream>
    where
        S: Service<Sending, Response = ChatStream, Error = Error>,
    {
        if !sending.request.wants_usage() && sending.request.streams() {
            return inner.call(sending).await;
        }
        // Where figures are to be expected, looking into each chunk would be for nothing.
        let by_chunk = (self.counts_tokens)(&sending.upstream);
        let prompt = prompt_tokens(&sending.request);
        inner.call(sending).await.map(|stream| with_usage(stream, prompt, by_chunk))
    }
}

fn prompt_tokens(request: &ChatRequest) -> u64 {
    request.messages.iter().map(|message| estimate_tokens(&message.text()) + 4).sum()
}

/// Counts what passes and, at the end, adds the estimate unless the upstream gave figures.
struct Counter {
    stream: ChatStream,
    /// Count a chunk as a token, which most servers make it, instead of its text.
    by_chunk: bool,
    prompt: u64,
    completion: u64,
    head: Option<ChunkBody>,
    counted: bool,
}

fn with_usage(stream: ChatStream, prompt: u64, by_chunk: bool) -> ChatStream {
    let counter = Counter { stream, by_chunk, prompt, completion: 0, head: None, counted: false };
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
            self.counted |= matches!(item, ChatItem::Whole(_));
            return;
        };
        self.counted |= chunk.has_usage();
        self.completion += match self.by_chunk {
            true => u64::from(chunk.has_content()),
            false => estimate_tokens(chunk.text()) + estimate_tokens(chunk.reasoning()),
        };
        self.head.get_or_insert_with(|| {
            let ChunkBody { id, created, model, .. } = chunk.body().clone();
            ChunkBody { id, created, model, ..ChunkBody::default() }
        });
    }

    fn estimate(&mut self) -> Option<ChatItem> {
        if std::mem::replace(&mut self.counted, true) {
            return None;
        }
        let usage = Some(Usage::estimate(self.prompt, self.completion));
        let body = ChunkBody { usage, ..self.head.take()? };
        Some(ChatItem::Chunk(Chunk::from(body)))
    }
}
