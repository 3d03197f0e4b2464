//! Holds an answer back until it has content.

use std::collections::VecDeque;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::StreamExt;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};
use tower::{Layer, Service};

use super::{ChatFuture, take_ready};
use crate::chat::{ChatItem, ChatStream, Ending};
use crate::clock::after;
use crate::error::{
    Error, ErrorKind, FIRST_CONTENT_TIMEOUT, LIVENESS_TIMEOUT, PROGRESS_TIMEOUT, Result,
};
use crate::pool::Attempt;

/// Items without content, and their bytes, that are held at most. Beyond that the answer begins
/// without content: nobody may fill the memory with what says nothing.
const MOST_HELD: usize = 1000;
const MOST_BYTES: usize = 64 << 10;

/// Lets an answer out only with its first content, so that a failure before it can be retried.
///
/// # Notes
/// The first content is text, reasoning, a refusal, a tool call or a file; not a byte, a role or a
/// keep-alive. An answer that is known to be written, and not to be shown before it is whole
/// ([`ChatItem::Progress`]), is waited for without a limit of this layer's. An answer that breaks off before it is an [`ErrorKind::ConnectionReset`], since
/// nobody has seen anything of it. At most 64 KiB are held.
///
/// # Default
/// The client gives 60 seconds, counted from the call.
///
/// # Order
/// Inside `Pool` and `Retry`: a failure here costs one attempt. Outside `Adapt`, which may turn
/// content into something else.
///
/// # Example
/// ```
/// use std::time::Duration;
/// let layer = llm2api_core::layers::FirstChunkLayer::new(Duration::from_secs(60));
/// # drop(layer);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FirstChunkLayer {
    limit: Duration,
}

impl FirstChunkLayer {
    /// Waits at most `limit` for the first content of a stream.
    pub fn new(limit: Duration) -> Self {
        Self { limit }
    }
}

impl<S> Layer<S> for FirstChunkLayer {
    type Service = FirstChunk<S>;

    fn layer(&self, inner: S) -> FirstChunk<S> {
        FirstChunk { inner, limit: self.limit }
    }
}

/// The service of [`FirstChunkLayer`].
#[derive(Clone, Debug)]
pub struct FirstChunk<S> {
    inner: S,
    limit: Duration,
}

// ===== impl FirstChunk =====

impl<S> Service<Attempt> for FirstChunk<S>
where
    S: Service<Attempt, Response = ChatStream, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = ChatStream;
    type Error = Error;
    type Future = ChatFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, attempt: Attempt) -> ChatFuture {
        let mut inner = take_ready(&mut self.inner);
        let deadline = after(self.limit);
        Box::pin(async move {
            // The head of an answer has a limit of its own, kept by the upstream.
            let stream = inner.call(attempt).await.map_err(nothing_seen)?;
            hold(stream, deadline).await
        })
    }
}

async fn hold(mut stream: ChatStream, deadline: Instant) -> Result<ChatStream> {
    let mut held = VecDeque::new();
    let (mut bytes, mut deadline) = (0, Some(deadline));
    while held.len() < MOST_HELD && bytes < MOST_BYTES {
        match next(&mut stream, deadline).await {
            // The upstream's own clocks see to it that it goes on.
            Ok(Some(Ok(ChatItem::Progress))) => deadline = None,
            Ok(Some(Ok(item))) => {
                let committed = item.has_content();
                bytes += if committed { 0 } else { size(&item) };
                held.push_back(item);
                if committed {
                    break;
                }
            }
            Ok(Some(Err(error))) => return Err(nothing_seen(error)),
            // Ended by the upstream itself: without content, but not without a word.
            Ok(None) if !held.is_empty() => break,
            Ok(None) => return Err(empty()),
            Err(_) => return Err(late(stream)),
        }
    }
    Ok(stream.with_held(held))
}

async fn next(
    stream: &mut ChatStream,
    deadline: Option<Instant>,
) -> Result<Option<Result<ChatItem>>, Elapsed> {
    match deadline {
        Some(deadline) => timeout_at(deadline, stream.next()).await,
        None => Ok(stream.next().await),
    }
}

/// The bytes of an item without content, which is rare enough to be written out for that.
fn size(item: &ChatItem) -> usize {
    let mut json = Vec::new();
    if let ChatItem::Chunk(chunk) = item {
        chunk.write_json(&mut json);
    }
    json.len()
}

fn late(mut stream: ChatStream) -> Error {
    let message = "the upstream sent no content within FIRST_CONTENT_TIMEOUT";
    let error = Error::new(ErrorKind::Timeout, "wait for content", message);
    let error = error.with_code(FIRST_CONTENT_TIMEOUT);
    stream.end(Ending::Failed(&error));
    error
}

fn empty() -> Error {
    Error::new(ErrorKind::UpstreamProtocol, "wait for content", "the upstream's answer is empty")
}

fn nothing_seen(error: Error) -> Error {
    match (error.kind(), error.code()) {
        // The model may be at work: asking again would cost quota and time.
        (ErrorKind::UpstreamIncomplete, LIVENESS_TIMEOUT | PROGRESS_TIMEOUT) => {
            error.with_kind(ErrorKind::Timeout)
        }
        (ErrorKind::UpstreamIncomplete, "upstream_incomplete") => {
            error.with_kind(ErrorKind::ConnectionReset)
        }
        _ => error,
    }
}
