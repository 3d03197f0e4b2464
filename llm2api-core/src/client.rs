//! What most users see.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::timeout_at;
use tower::ServiceExt;

use crate::accounts::Accounts;
use crate::catalog::Catalog;
use crate::chat::{Call, ChatRequest, ChatStream, Message, Model};
use crate::clock::after;
use crate::error::{Error, ErrorKind, Result, TOTAL_TIMEOUT};
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::pool::Pool;
use crate::stack::{ChatService, ClientBuilder, Parts};
use crate::tasks::Tasks;

/// A client over all upstreams. Cloning is cheap and shares everything.
///
/// Background work, such as deleting conversations at an upstream, lives as long as the last clone
/// and the last stream; [`Client::shutdown`] waits for it.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> llm2api_core::Result<()> {
/// use futures::StreamExt;
/// use llm2api_core::{ChatItem, ChatRequest, Client, Message};
///
/// let client = Client::builder().build().await?; // no upstream: the built-in demo
/// let request = ChatRequest::new("demo").with_message(Message::user("Hello")).with_stream(true);
/// let mut answer = client.chat(request).await?;
/// while let Some(item) = answer.next().await {
///     if let ChatItem::Chunk(chunk) = item? {
///         print!("{}", chunk.text());
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    service: ChatService,
    limits: Limits,
    catalog: Arc<Catalog>,
    pool: Pool,
    accounts: Accounts,
    metrics: Metrics,
    tasks: Mutex<Option<Tasks>>,
}

impl Client {
    /// Starts to put a client together.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    pub(crate) fn new(service: ChatService, parts: Parts, tasks: Tasks) -> Self {
        let tasks = Mutex::new(Some(tasks));
        let Parts { limits, catalog, pool, accounts, metrics, .. } = parts;
        let inner = Inner { service, limits, catalog, pool, accounts, metrics, tasks };
        Self { inner: Arc::new(inner) }
    }

    /// Asks for an answer.
    ///
    /// Returns once the answer has its first content, or is whole. Dropping the future or the
    /// stream ends the call and frees the upstream.
    ///
    /// # Errors
    /// Any [`ErrorKind`]. What was safe to try again has been tried; [`Error::retry_after`] says
    /// when a later call may succeed, where that is known.
    pub async fn chat(&self, mut request: ChatRequest) -> Result<ChatStream> {
        request.validate()?;
        // A call of its own: the same request may be sent again.
        request.call = Call::new(request.call.id()).with_sends(self.inner.limits.max_attempts);
        let answer = self.inner.service.clone().oneshot(request);
        let stream = match self.inner.limits.total_timeout {
            None => answer.await?,
            Some(limit) => {
                let deadline = after(limit);
                let answer = timeout_at(deadline, answer).await.map_err(|_| too_long())?;
                answer?.with_deadline(deadline)
            }
        };
        Ok(stream.with_keeper(self.inner.clone()))
    }

    /// Asks one question and returns the whole text of the answer.
    ///
    /// # Errors
    /// As [`Client::chat`].
    pub async fn ask(&self, model: &str, question: &str) -> Result<String> {
        let request = ChatRequest::new(model).with_message(Message::user(question));
        Ok(self.chat(request).await?.collect().await?.text().to_owned())
    }

    /// Lists the models of all upstreams, and the aliases.
    ///
    /// # Errors
    /// The last upstream's error where none could be asked.
    pub async fn models(&self) -> Result<Vec<Model>> {
        self.inner.catalog.models().await
    }

    /// Returns the pool of credentials.
    pub fn pool(&self) -> &Pool {
        &self.inner.pool
    }

    /// Returns the accounts: to add, check, change and remove them.
    pub fn accounts(&self) -> &Accounts {
        &self.inner.accounts
    }

    /// Returns the counters.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// Stops the background work, waiting at most `grace` for what is in hand.
    pub async fn shutdown(&self, grace: Duration) {
        let tasks = self.inner.tasks.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(tasks) = tasks {
            tasks.shutdown(grace).await;
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("pool", &self.inner.pool.list()).finish_non_exhaustive()
    }
}

fn too_long() -> Error {
    Error::new(ErrorKind::Timeout, "chat", "the call took longer than TOTAL_TIMEOUT")
        .with_code(TOTAL_TIMEOUT)
}
