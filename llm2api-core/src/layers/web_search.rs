//! Searches the web before a call, and tells in its answer what was found.

mod answer;
mod rewrite;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::{Either, Ready, ready};
use jiff::Timestamp;
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt};
use tracing::{debug, warn};

use self::answer::{Findings, with_findings};
use super::{ChatFuture, find_routes, take_ready};
use crate::adapt::estimate_tokens;
use crate::chat::{ChatRequest, ChatStream, Role, SearchNote};
use crate::clock::{after, unix_seconds};
use crate::error::{Error, ErrorKind, Result};
use crate::pool::Routes;
use crate::search::{
    Options, Query, Searcher, Source, WebSearch, no_question, strip_history, with_sources,
};

/// Fields by which vLLM and llama.cpp are told the form of an answer.
const FORMS: [&str; 7] = [
    "structured_outputs",
    "guided_json",
    "guided_regex",
    "guided_choice",
    "guided_grammar",
    "json_schema",
    "grammar",
];

/// Searches the web for calls that ask for it, by `web_search_options`.
///
/// # Notes
/// What is found stands as numbered sources in front of the question, as data with borders that no
/// page can write. The answer carries it as `url_citation` annotations, and in a `<search>` block at
/// its beginning; such blocks are taken out of the turns that come back in a history, of every call.
/// Where the search fails, the call goes on without: [`ChatStream::search_note`] and the field
/// `llm2api_search` of the answer say so. It does so, too, where the model says that the conversation
/// is too long with what was found.
///
/// The block leads answers to the person alone: while a model works with tools, the sources stay in
/// the question and the block has been shown. An answer that has to be JSON has none.
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
    /// None where only the blocks of earlier searches are taken out.
    searcher: Option<Arc<Searcher>>,
    routes: Option<Arc<dyn Routes>>,
}

impl WebSearchLayer {
    /// Searches as the settings say. Clones share what was found.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] where pages are to be read and the system's certificates cannot
    /// be.
    pub fn new(settings: WebSearch) -> Result<Self> {
        Ok(Self { searcher: Some(Arc::new(Searcher::new(settings)?)), routes: None })
    }

    /// Searches nothing, and leaves `web_search_options` to others: only what earlier searches have
    /// left in a history is taken out.
    pub fn idle() -> Self {
        Self { searcher: None, routes: None }
    }

    /// Searches only for models that `routes` knows: by default for any, also where the call is then
    /// refused for its model.
    #[must_use]
    pub fn with_routes(mut self, routes: Arc<dyn Routes>) -> Self {
        self.routes = Some(routes);
        self
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
        let Some(searcher) = self.layer.searcher.clone() else {
            return Either::Left(self.inner.call(request));
        };
        let options = match options(&searcher, &mut request) {
            Ok(Some(options)) => options,
            Ok(None) => return Either::Left(self.inner.call(request)),
            Err(error) => return Either::Right(Either::Right(ready(Err(error)))),
        };
        let inner = take_ready(&mut self.inner);
        let routes = self.layer.routes.clone();
        Either::Right(Either::Left(Box::pin(async move {
            if let Some(routes) = routes {
                find_routes(&*routes, &request).await?;
            }
            searched(searcher, inner, request, options).await
        })))
    }
}

/// Takes out of a request what is said about its search; none where there is to be none.
fn options(searcher: &Searcher, request: &mut ChatRequest) -> Result<Option<Options>> {
    let options = Options::take(request)?;
    let every_call = searcher.settings().every_call;
    Ok(options.or_else(|| every_call.then(Options::default)))
}

/// Searches, and asks with what was found; without it where that is too much for the model.
async fn searched<S>(
    searcher: Arc<Searcher>,
    mut inner: S,
    mut request: ChatRequest,
    options: Options,
) -> Result<ChatStream>
where
    S: Service<ChatRequest, Response = ChatStream, Error = Error> + Clone + Send,
    S::Future: Send,
{
    let (mut plain, again, began) = (request.clone(), inner.clone(), Instant::now());
    let (findings, tokens) =
        Box::pin(search(&searcher, inner.clone(), &mut request, &options)).await;
    if let Some(trail) = request.call.trail() {
        trail.note_search(began.elapsed());
    }
    let is_longer = !findings.sources.is_empty();
    match inner.call(request).await {
        Err(error) if is_longer && is_too_long(&error) => {
            plain.call = plain.call.anew().ok_or(error)?;
            let findings = failed(&plain, &too_much());
            Ok(with_findings(again.oneshot(plain).await?, findings))
        }
        answer => Ok(with_findings(answer?, findings).with_search_tokens(tokens)),
    }
}

/// Searches, and puts what was found into the request; says how many tokens that takes.
async fn search<S>(
    searcher: &Searcher,
    inner: S,
    request: &mut ChatRequest,
    options: &Options,
) -> (Findings, u64)
where
    S: Service<ChatRequest, Response = ChatStream, Error = Error> + Send,
    S::Future: Send,
{
    let settings = searcher.settings();
    let half = request.call.timeout().map(|total| total / 2);
    let timeout = half.map_or(settings.timeout, |half| settings.timeout.min(half));
    let (until, halfway) = (after(timeout), after(timeout / 2));
    let Some(question) = searcher.question(&request.messages, options) else {
        return (failed(request, &no_question()), 0);
    };
    let (mut query, mut tokens) = (question.query, 0);
    if settings.rewrite
        && is_turn(request)
        && !searcher.is_resting()
        && let Some(better) = rewrite::rewrite(inner, request, halfway).await
    {
        query = query.reworded(&better.query);
        tokens = better.tokens;
    }
    match searcher.find(&query, question.size, until).await {
        Err(error) => (failed(request, &error), tokens),
        Ok(sources) => {
            let cites = !wants_json(request);
            tokens += put(request, question.at, &sources, cites);
            (found(searcher, request, &query, sources, cites), tokens)
        }
    }
}

/// Puts what was found into a request; says how many tokens longer it is.
fn put(request: &mut ChatRequest, at: usize, sources: &[Source], cites: bool) -> u64 {
    let tokens = |request: &ChatRequest| estimate_tokens(&request.messages[at].text());
    let before = tokens(request);
    request.messages = with_sources(&request.messages, at, sources, &today(), cites);
    // What comes next has the question without the sources, and goes on from nothing that has them.
    request.call.pass();
    tokens(request).saturating_sub(before)
}

fn found(
    searcher: &Searcher,
    request: &ChatRequest,
    query: &Query,
    sources: Arc<[Source]>,
    cites: bool,
) -> Findings {
    let results = sources.len();
    debug!(request_id = request.call.id(), results, "searched the web");
    let note = SearchNote::Completed { query: query.text().to_owned(), results };
    let block = searcher.settings().block && cites && is_turn(request);
    Findings { note, sources, block, cites }
}

fn failed(request: &ChatRequest, error: &Error) -> Findings {
    let (request_id, code) = (request.call.id(), error.code());
    match error.kind() {
        ErrorKind::InvalidRequest => debug!(request_id, code, %error, "nothing to search for"),
        _ => warn!(request_id, code, %error, "no web search for a call"),
    }
    let (code, message) = (error.code(), error.message().to_owned());
    let note = SearchNote::Failed { code, message };
    Findings { note, sources: Arc::default(), block: false, cites: false }
}

/// Says whether the person has just spoken. Else a tool has, or an answer was begun, and what would
/// lead the answer has led it before.
fn is_turn(request: &ChatRequest) -> bool {
    request.messages.last().is_some_and(|message| message.role == Role::User)
}

/// Returns the date, in UTC.
fn today() -> String {
    let seconds = i64::try_from(unix_seconds()).unwrap_or_default();
    let now = Timestamp::from_second(seconds).unwrap_or_default();
    now.to_string().chars().take(10).collect()
}

/// Says whether the answer has a form that a block in front of it, or a marker in it, would break.
fn wants_json(request: &ChatRequest) -> bool {
    let form = request.response_format.as_ref().and_then(|form| form.get("type"));
    let is_form = form.and_then(serde_json::Value::as_str).is_some_and(|form| form != "text");
    is_form || FORMS.iter().any(|form| request.extra.contains_key(*form))
}

fn is_too_long(error: &Error) -> bool {
    error.code() == "context_length_exceeded" || error.kind() == ErrorKind::RequestTooLarge
}

fn too_much() -> Error {
    let message = "what was found is too long for the model beside the conversation: lower \
                   SEARCH_RESULTS, or ask with a `search_context_size` of `low`";
    Error::new(ErrorKind::RequestTooLarge, "search", message).with_code("search_too_long")
}
