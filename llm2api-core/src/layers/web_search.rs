//! Searches the web before a call, and tells in its answer what was found.

mod answer;
mod rewrite;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::{Either, Ready, ready};
use jiff::Timestamp;
use tower::{Layer, Service};
use tracing::{debug, warn};

use self::answer::{Findings, with_findings};
use super::{ChatFuture, take_ready};
use crate::chat::{ChatRequest, ChatStream, SearchNote};
use crate::clock::unix_seconds;
use crate::error::{Error, ErrorKind, Result};
use crate::search::{Options, Searcher, WebSearch, strip_history, with_sources};

/// Searches the web for calls that ask for it, by `web_search_options`.
///
/// # Notes
/// What is found stands as numbered sources in front of the question, as data with borders that no
/// page can write. The answer carries it as `url_citation` annotations, and in a `<search>` block at
/// its beginning; such blocks are taken out of the turns that come back in a history, of every call.
/// Where the search fails, the call goes on without: [`ChatStream::search_note`] and the field
/// `llm2api_search` of the answer say so.
///
/// # Order
/// Right: `WebSearch -> Retry -> Pool`. One search serves all attempts, and the answer is begun only
/// when an upstream has begun its own. Wrong: inside `Retry`, which would search again for every
/// attempt.
///
/// # Cost
/// A call without search pays for a look at its fields and at the beginnings of the assistant's
/// turns.
///
/// # Cancellation safety
/// Dropping the future ends the search, or the question to the model that comes before it.
///
/// # Example
/// ```
/// use llm2api_core::layers::WebSearchLayer;
/// use llm2api_core::search::WebSearch;
///
/// # fn main() -> llm2api_core::Result<()> {
/// let layer = WebSearchLayer::new(WebSearch::searxng("http://127.0.0.1:8888")?)?;
/// # drop(layer);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct WebSearchLayer {
    searcher: Arc<Searcher>,
}

impl WebSearchLayer {
    /// Searches as the settings say. Clones share what was found.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] where pages are to be read and the system's certificates cannot
    /// be.
    pub fn new(settings: WebSearch) -> Result<Self> {
        Ok(Self { searcher: Arc::new(Searcher::new(settings)?) })
    }

    /// Takes out of a request what is said about its search; none where there is to be none.
    fn options(&self, request: &mut ChatRequest) -> Result<Option<Options>> {
        let options = Options::take(request)?;
        let every_call = self.searcher.settings().every_call;
        Ok(options.or_else(|| every_call.then(Options::default)))
    }
}

impl<S> Layer<S> for WebSearchLayer {
    type Service = WebSearched<S>;

    fn layer(&self, inner: S) -> WebSearched<S> {
        WebSearched { inner, layer: self.clone() }
    }
}

/// The service of [`WebSearchLayer`].
#[derive(Clone, Debug)]
pub struct WebSearched<S> {
    inner: S,
    layer: WebSearchLayer,
}

// ===== impl WebSearched =====

impl<S> Service<ChatRequest> for WebSearched<S>
where
    S: Service<ChatRequest, Response = ChatStream, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = ChatStream;
    type Error = Error;
    type Future = Either<S::Future, Either<ChatFuture, Ready<Result<ChatStream>>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: ChatRequest) -> Self::Future {
        if let Some(messages) = strip_history(&request.messages) {
            request.messages = messages;
        }
        let options = match self.layer.options(&mut request) {
            Ok(Some(options)) => options,
            Ok(None) => return Either::Left(self.inner.call(request)),
            Err(error) => return Either::Right(Either::Right(ready(Err(error)))),
        };
        let mut inner = take_ready(&mut self.inner);
        let searcher = self.layer.searcher.clone();
        Either::Right(Either::Left(Box::pin(async move {
            let findings = search(&searcher, inner.clone(), &mut request, &options).await;
            Ok(with_findings(inner.call(request).await?, findings))
        })))
    }
}

/// Searches, and puts what was found into the request.
async fn search<S>(
    searcher: &Searcher,
    inner: S,
    request: &mut ChatRequest,
    options: &Options,
) -> Findings
where
    S: Service<ChatRequest, Response = ChatStream, Error = Error> + Send,
    S::Future: Send,
{
    let Some(question) = searcher.question(&request.messages, options) else {
        return failed(request, &no_question());
    };
    let mut query = question.query;
    if searcher.settings().rewrite
        && let Some(better) = rewrite::rewrite(inner, request, searcher.settings().timeout).await
    {
        query = query.reworded(&better);
    }
    match searcher.find(&query, question.size).await {
        Err(error) => failed(request, &error),
        Ok(sources) => {
            let results = sources.len();
            debug!(request_id = request.call.id(), results, "searched the web");
            request.messages = with_sources(&request.messages, question.at, &sources, &today());
            let note = SearchNote::Completed { query: query.text().to_owned(), results };
            let block = searcher.settings().block && !wants_json(request);
            Findings { note, sources, block }
        }
    }
}

fn failed(request: &ChatRequest, error: &Error) -> Findings {
    warn!(request_id = request.call.id(), code = error.code(), %error, "no web search for a call");
    let (code, message) = (error.code(), error.message().to_owned());
    let note = SearchNote::Failed { code, message };
    Findings { note, sources: Arc::default(), block: false }
}

/// Returns the date, in UTC.
fn today() -> String {
    let seconds = i64::try_from(unix_seconds()).unwrap_or_default();
    let now = Timestamp::from_second(seconds).unwrap_or_default();
    now.to_string().chars().take(10).collect()
}

/// A block in front of JSON would make it none.
fn wants_json(request: &ChatRequest) -> bool {
    let form = request.response_format.as_ref().and_then(|form| form.get("type"));
    form.and_then(serde_json::Value::as_str).is_some_and(|form| form != "text")
}

fn no_question() -> Error {
    let message = "the last message of the user has no text to search for";
    Error::new(ErrorKind::InvalidRequest, "search", message).with_code("search_no_question")
}
