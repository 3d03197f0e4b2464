//! What most users see.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tower::{Service, ServiceExt};

use crate::accounts::Accounts;
use crate::auth::AuthStatus;
use crate::chat::{ChatRequest, ChatStream, Message, Model};
use crate::clock::after;
use crate::error::{Error, ErrorKind, Result, TOTAL_TIMEOUT};
use crate::keys::ClientKeys;
use crate::metrics::Metrics;
use crate::pool::Pool;
use crate::quota::Quotas;
use crate::stack::{ClientBuilder, Engine};
use crate::stats::Statistics;
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
    engine: Engine,
    tasks: Mutex<Option<Tasks>>,
}

impl Client {
    /// Starts to put a client together.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    pub(crate) fn new(engine: Engine, tasks: Tasks) -> Self {
        Self { inner: Arc::new(Inner { engine, tasks: Mutex::new(Some(tasks)) }) }
    }

    /// Asks for an answer.
    ///
    /// Returns once the answer has its first content, or is whole. Dropping the future or the
    /// stream ends the call and frees the upstream. The request's [`call`](ChatRequest::call) may ask
    /// for [a time](crate::Call::with_timeout) and [sends](crate::Call::with_sends) of its own.
    ///
    /// # Errors
    /// Any [`ErrorKind`]. What was safe to try again has been tried; [`Error::retry_after`] says
    /// when a later call may succeed, where that is known.
    pub async fn chat(&self, mut request: ChatRequest) -> Result<ChatStream> {
        request.validate()?;
        let course = self.inner.engine.course();
        // A call of its own: the same request may be sent again.
        let sends = request.call.own_sends().unwrap_or(course.limits.max_attempts);
        request.call = request.call.afresh(sends);
        let total_timeout = request.call.timeout().or(course.limits.total_timeout);
        let (deadline, mut service) = (total_timeout.map(after), course.service.clone());
        // Step by step: one future for both would hold the request a second time.
        within(deadline, service.ready()).await?;
        let mut stream = within(deadline, service.call(request)).await?;
        if let Some(deadline) = deadline {
            stream = stream.with_deadline(deadline);
        }
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

    /// Lists the models of all upstreams, and the aliases, with who serves each.
    ///
    /// Upstreams are asked once a minute. What one has listed holds as long as it cannot be asked.
    ///
    /// # Errors
    /// The last upstream's error where none could be asked.
    pub async fn models(&self) -> Result<Vec<Model>> {
        self.inner.engine.lasting.catalog.models().await
    }

    /// Returns one model under any name that a request may use: as it is listed, as
    /// `upstream/model`, or an alias. Its details say what becomes of each field of a request.
    ///
    /// # Errors
    /// [`ErrorKind::ModelNotFound`] where nobody lists it; an upstream's error where that one could
    /// not be asked.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
    /// let client = llm2api_core::Client::builder().build().await?;
    /// let details = client.model("demo").await?.details.expect("the catalogue adds them");
    /// assert_eq!(details.upstreams, ["demo"]);
    /// assert_eq!(details.parameters.expect("one model is shown")["temperature"], "ignored");
    /// # Ok(()) }
    /// ```
    pub async fn model(&self, id: &str) -> Result<Model> {
        self.inner.engine.lasting.catalog.model(id).await
    }

    /// Returns the names of the models that are known without asking anybody: those that upstreams
    /// have listed, and the aliases.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
    /// let client = llm2api_core::Client::builder().build().await?;
    /// assert!(client.known_models().is_empty(), "nobody has asked for a list");
    /// client.models().await?;
    /// assert_eq!(client.known_models(), ["demo"]);
    /// # Ok(()) }
    /// ```
    pub fn known_models(&self) -> Vec<String> {
        self.inner.engine.lasting.catalog.known()
    }

    /// Counts the clean-ups at upstreams, such as conversations to be deleted, that are in hand.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
    /// assert_eq!(llm2api_core::Client::builder().build().await?.outbox_pending(), 0);
    /// # Ok(()) }
    /// ```
    pub fn outbox_pending(&self) -> usize {
        self.inner.engine.outbox_pending()
    }

    /// Returns the pool of credentials.
    pub fn pool(&self) -> &Pool {
        &self.inner.engine.lasting.pool
    }

    /// Returns the accounts: to add, check, change and remove them.
    pub fn accounts(&self) -> &Accounts {
        &self.inner.engine.accounts
    }

    /// Returns the client keys: to find, make, change and revoke them.
    pub fn keys(&self) -> ClientKeys {
        self.inner.engine.keys.clone()
    }

    /// Returns the quotas, counted in the client's store: to be asked before a call, where whoever
    /// calls is limited. The client itself asks nobody.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
    /// use llm2api_core::quota::Allowance;
    /// use llm2api_core::{ChatRequest, Client, Message};
    ///
    /// let client = Client::builder().build().await?;
    /// let allowance = Allowance { requests_per_minute: Some(1), ..Allowance::default() };
    /// let request = ChatRequest::new("demo").with_message(Message::user("Hello"));
    /// let (mut ticket, _) = client.quotas().admit("key_1", &allowance, 8).await.expect("the first");
    /// let answer = client.chat(request).await?.collect().await?;
    /// ticket.settle(answer.usage().map_or(8, |usage| usage.total_tokens));
    /// assert!(client.quotas().admit("key_1", &allowance, 8).await.is_err());
    /// # Ok(()) }
    /// ```
    pub fn quotas(&self) -> Quotas {
        self.inner.engine.quotas.clone()
    }

    /// Says how the authorisation stands; none where the client needs none.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
    /// let client = llm2api_core::Client::builder().build().await?;
    /// assert!(client.authorisation().is_none());
    /// # Ok(()) }
    /// ```
    pub fn authorisation(&self) -> Option<AuthStatus> {
        self.inner.engine.lasting.monitor.status()
    }

    /// Returns the counters.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.engine.lasting.metrics
    }

    /// Returns the statistics: how things are, have been of late, and since ever.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
    /// let client = llm2api_core::Client::builder().build().await?;
    /// assert_eq!(client.statistics().now().success, None, "nobody has asked yet");
    /// # Ok(()) }
    /// ```
    pub fn statistics(&self) -> Statistics {
        self.inner.engine.statistics.clone()
    }

    /// Takes other settings while calls go on: upstreams, aliases, limits, the pool's figures, the
    /// check interval and layers, as if the client had been built by `builder`, and as a whole or
    /// not at all. What is known is kept: how accounts fare, what they carry, counters, which
    /// conversation is whose.
    ///
    /// - Calls under way go on as they began. Those that wait for a place go by the new settings.
    /// - An upstream whose kind, name and URL are the same, and whose limits are, keeps its
    ///   connections and its anonymous session; one that was handed in is replaced by the new one.
    /// - The accounts of an upstream that is missing stay in the store, out of use and unlisted.
    ///   They come back with it, as they were left.
    /// - Credentials that an earlier builder has not brought are kept and used at once, and checked
    ///   in the background. An account stays where the new builder does not bring it any more.
    /// - An authorisation code that is another one, or has another authority, is checked first. A
    ///   definite no refuses the reload; so does an authority that cannot be reached, as long as
    ///   chats are served by what was verified before.
    /// - What lives on its own is not exchanged: of `builder`, the store, the keyring, the gate and
    ///   the counters are not looked at.
    ///
    /// Several at once take turns.
    ///
    /// # Errors
    /// As [`ClientBuilder::build`], and [`ErrorKind::Configuration`] after
    /// [`shutdown`](Self::shutdown); [`ErrorKind::AuthUnverified`] where another authorisation cannot
    /// be verified now; [`ErrorKind::Store`] where the store has to be asked and
    /// cannot be. Nothing has changed then.
    ///
    /// # Cancellation safety
    /// Dropped before its end, nothing has changed, but that new credentials may be in the store.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
    /// use llm2api_core::{Client, UpstreamConfig};
    ///
    /// let settings = || Client::builder().with_upstream(UpstreamConfig::new("demo", "first"));
    /// let client = settings().build().await?;
    /// client.reload(settings().with_alias("gpt-4o", ["first/demo"])).await?;
    /// assert!(client.models().await?.iter().any(|model| model.id == "gpt-4o"));
    ///
    /// let wrong = settings().with_alias("gpt-4o", ["second/demo"]);
    /// assert!(client.reload(wrong).await.is_err());
    /// assert!(client.models().await?.iter().any(|model| model.id == "gpt-4o"));
    /// # Ok(()) }
    /// ```
    pub async fn reload(&self, builder: ClientBuilder) -> Result<()> {
        if self.inner.tasks.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            let message = "the client was shut down: build another";
            return Err(Error::new(ErrorKind::Configuration, "reload client", message));
        }
        self.inner.engine.reload(builder).await
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
        f.debug_struct("Client")
            .field("pool", &self.inner.engine.lasting.pool.list())
            .finish_non_exhaustive()
    }
}

/// Waits for a step of a call that has to be over by then.
async fn within<T>(deadline: Option<Instant>, step: impl Future<Output = Result<T>>) -> Result<T> {
    match deadline {
        Some(deadline) => timeout_at(deadline, step).await.unwrap_or_else(|_| Err(too_long())),
        None => step.await,
    }
}

fn too_long() -> Error {
    Error::new(
        ErrorKind::Timeout,
        "chat",
        "the call took longer than TOTAL_TIMEOUT, or than the time of its own",
    )
    .with_code(TOTAL_TIMEOUT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_call_holds_while_it_runs_stays_small() {
        let client = Client::builder().build().await.expect("the demo needs nothing");
        let call = size_of_val(&client.chat(ChatRequest::new("demo")));
        assert!(call <= 2048, "{call} bytes");
    }
}
