//! The one stream type for both modes.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;
use tokio::time::{Instant, Sleep};

use super::{Chunk, Completion, SearchNote, TokenCounts};
use crate::error::{Error, ErrorKind, Result, TOTAL_TIMEOUT};

/// What an answer's stream yields.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ChatItem {
    /// A piece of a streamed answer.
    Chunk(Chunk),
    /// The whole answer of an upstream that was not asked to stream, or would not.
    Whole(Box<Completion>),
    /// The model writes what cannot be shown before it is whole, such as the arguments of a call.
    /// There is nothing to pass on.
    Progress,
}

impl ChatItem {
    /// Says whether this item commits the answer.
    pub fn has_content(&self) -> bool {
        match self {
            Self::Chunk(chunk) => chunk.has_content(),
            Self::Whole(_) => true,
            Self::Progress => false,
        }
    }

    /// Returns the token counts that this item carries. Nothing is parsed to find that it has none.
    pub fn token_counts(&self) -> Option<TokenCounts> {
        match self {
            Self::Chunk(chunk) if chunk.has_usage() => chunk.usage().map(TokenCounts::from),
            Self::Whole(completion) => completion.token_counts(),
            Self::Chunk(_) | Self::Progress => None,
        }
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The answer is whole.
    Completed,
    /// The caller left; also where every call starts.
    Cancelled,
    /// The call failed.
    Failed(ErrorKind),
}

/// How a stream ended, as told to those who [watch](Watch) it.
#[derive(Clone, Copy, Debug)]
pub enum Ending<'a> {
    /// The answer is whole.
    Completed,
    /// The stream was dropped before its end.
    Cancelled,
    /// The answer broke off.
    Failed(&'a Error),
}

impl Ending<'_> {
    /// Returns the outcome without the error.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Completed => Outcome::Completed,
            Self::Cancelled => Outcome::Cancelled,
            Self::Failed(error) => Outcome::Failed(error.kind()),
        }
    }
}

/// Sees what passes through a [`ChatStream`] and, exactly once, how it ended.
///
/// What must outlive a response future rides in the stream this way: a lease, a counter.
pub trait Watch: Send + 'static {
    /// Sees an item before the consumer gets it.
    fn item(&mut self, _item: &ChatItem) {}

    /// Learns how the stream ended. Called from `Drop` where the consumer left, so it must neither
    /// block nor spawn.
    fn end(&mut self, ending: Ending<'_>);
}

/// Cuts a whole answer into pieces.
type Split = fn(Completion) -> Result<VecDeque<ChatItem>>;
type Keeper = Arc<dyn Any + Send + Sync>;
type Items = Pin<Box<dyn Stream<Item = Result<ChatItem>> + Send>>;

/// An answer on its way: chunks, or one whole completion.
///
/// The stream ends after the last item, or after one error; nothing follows an error. Dropping it
/// releases everything behind it.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
/// use futures::{StreamExt, stream};
/// use llm2api_core::{ChatItem, ChatStream, Chunk, ChunkBody};
///
/// let chunk = Chunk::from(ChunkBody::text("chatcmpl-1", "demo", "Hello"));
/// let mut answer = ChatStream::new(stream::iter([Ok(ChatItem::Chunk(chunk))]));
/// while let Some(item) = answer.next().await {
///     assert!(item?.has_content());
/// }
/// # Ok(()) }
/// ```
pub struct ChatStream {
    items: Items,
    held: VecDeque<ChatItem>,
    watchers: Vec<Box<dyn Watch>>,
    split: Option<Split>,
    deadline: Option<Pin<Box<Sleep>>>,
    ignored: Vec<String>,
    search: Option<SearchNote>,
    search_tokens: u64,
    ended: bool,
    /// Declared last: what the rest hands over when it is dropped must still find its keeper.
    keeper: Option<Keeper>,
}

impl ChatStream {
    /// Wraps a stream of items.
    pub fn new(items: impl Stream<Item = Result<ChatItem>> + Send + 'static) -> Self {
        Self {
            items: Box::pin(items),
            held: VecDeque::new(),
            watchers: Vec::new(),
            split: None,
            deadline: None,
            ignored: Vec::new(),
            search: None,
            search_tokens: 0,
            ended: false,
            keeper: None,
        }
    }

    /// Makes the stream of one whole answer.
    pub fn whole(completion: Completion) -> Self {
        let item = ChatItem::Whole(Box::new(completion));
        Self::new(futures::stream::iter([Ok(item)]))
    }

    /// Puts items that were taken out back in front.
    #[must_use]
    pub fn with_held(mut self, mut held: VecDeque<ChatItem>) -> Self {
        held.append(&mut self.held);
        self.held = held;
        // A stream that was read to its end has told its watchers; it only gives these items again.
        self.ended = false;
        self
    }

    /// Lets `watcher` see the items from here on, and the end.
    #[must_use]
    pub fn with_watch(mut self, watcher: impl Watch) -> Self {
        self.watchers.push(Box::new(watcher));
        self
    }

    /// Ends the stream with an error where it is not over by `deadline`.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(Box::pin(tokio::time::sleep_until(deadline)));
        self
    }

    /// Says which parameters of the request the answer does not go by.
    #[must_use]
    pub fn with_ignored(mut self, parameters: Vec<String>) -> Self {
        self.ignored = parameters;
        self
    }

    /// Lists the parameters of the request that nobody honoured, sorted; see
    /// [`sort_out`](crate::adapt::sort_out).
    pub fn ignored_parameters(&self) -> &[String] {
        &self.ignored
    }

    /// Says what a web search for the call has led to.
    #[must_use]
    pub fn with_search_note(mut self, note: SearchNote) -> Self {
        self.search = Some(note);
        self
    }

    /// Says how many tokens, by an estimate, models have read and written for a web search beside what
    /// the caller asked.
    #[must_use]
    pub fn with_search_tokens(mut self, tokens: u64) -> Self {
        self.search_tokens = tokens;
        self
    }

    /// Returns how many tokens, by an estimate, models have read and written for a web search: what was
    /// found, and the question what to search for.
    pub fn search_tokens(&self) -> u64 {
        self.search_tokens
    }

    /// Returns what a web search for the call has led to; none where nobody searched.
    pub fn search_note(&self) -> Option<&SearchNote> {
        self.search.as_ref()
    }

    /// Keeps something alive for as long as the stream lives.
    #[must_use]
    pub(crate) fn with_keeper(mut self, keeper: Keeper) -> Self {
        self.keeper = Some(keeper);
        self
    }

    /// Cuts an answer that comes whole into pieces, from here on.
    #[must_use]
    pub(crate) fn with_split(mut self, split: Split) -> Self {
        self.split = Some(split);
        self
    }

    /// Tells the watchers how it ended, once, and frees what is behind the stream.
    pub(crate) fn end(&mut self, ending: Ending<'_>) {
        if !std::mem::replace(&mut self.ended, true) {
            self.held.clear();
            self.items = Box::pin(futures::stream::empty());
            for mut watcher in self.watchers.drain(..) {
                watcher.end(ending);
            }
        }
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ChatItem>>> {
        let item = std::task::ready!(self.poll_uncut(cx));
        let (Some(Ok(ChatItem::Whole(completion))), Some(split)) = (&item, self.split) else {
            return Poll::Ready(item);
        };
        let mut pieces = match split((**completion).clone()) {
            Ok(pieces) => pieces,
            Err(error) => return Poll::Ready(Some(Err(error))),
        };
        pieces.append(&mut self.held);
        self.held = pieces;
        Poll::Ready(self.held.pop_front().map(Ok))
    }

    fn poll_uncut(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ChatItem>>> {
        if let Some(item) = self.held.pop_front() {
            return Poll::Ready(Some(Ok(item)));
        }
        let next = self.items.as_mut().poll_next(cx);
        match &mut self.deadline {
            Some(deadline) if next.is_pending() => {
                std::task::ready!(deadline.as_mut().poll(cx));
                Poll::Ready(Some(Err(overdue())))
            }
            _ => next,
        }
    }
}

impl Stream for ChatStream {
    type Item = Result<ChatItem>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let next = std::task::ready!(self.poll_item(cx));
        match &next {
            Some(Ok(item)) => self.watchers.iter_mut().for_each(|watcher| watcher.item(item)),
            Some(Err(error)) => self.end(Ending::Failed(error)),
            None => self.end(Ending::Completed),
        }
        Poll::Ready(next)
    }
}

impl Drop for ChatStream {
    fn drop(&mut self) {
        self.end(Ending::Cancelled);
    }
}

impl fmt::Debug for ChatStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatStream")
            .field("held", &self.held.len())
            .field("watchers", &self.watchers.len())
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

fn overdue() -> Error {
    let message = "the answer took longer than TOTAL_TIMEOUT, or than the time of its own";
    Error::new(ErrorKind::UpstreamIncomplete, "read stream", message).with_code(TOTAL_TIMEOUT)
}
