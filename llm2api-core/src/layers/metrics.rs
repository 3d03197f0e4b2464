//! Counts every call once, however it ends.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::time::Instant;
use tower::{Layer, Service};

use super::{ChatFuture, take_ready};
use crate::chat::{Call, ChatItem, ChatRequest, ChatStream, Ending, Outcome, Watch};
use crate::error::Error;
use crate::metrics::{Metrics, Tally, TokenCount};

/// Counts calls, how they end, how long they take and their tokens: in all, by model and by
/// [caller](crate::Call::with_caller), and the tokens by the credential that answered as well.
///
/// # Order
/// Outermost: below `Retry` it would count attempts, not calls. It costs two clock readings a call
/// and one look at each item until the first content.
///
/// # Cancellation safety
/// A call whose future or stream is dropped is counted as cancelled.
///
/// # Example
/// ```
/// use llm2api_core::Metrics;
/// use llm2api_core::layers::MetricsLayer;
///
/// let metrics = Metrics::default();
/// let layer = MetricsLayer::new(metrics.clone());
/// # drop(layer);
/// ```
#[derive(Clone)]
pub struct MetricsLayer {
    metrics: Metrics,
    lists: Lists,
}

/// Says whether a model is listed, or an alias.
type Lists = Arc<dyn Fn(&str) -> bool + Send + Sync>;

impl MetricsLayer {
    /// Counts into `metrics`.
    pub fn new(metrics: Metrics) -> Self {
        Self { metrics, lists: Arc::new(|_| false) }
    }

    /// Counts each model of which `lists` says that it is listed under its name; by default, and of
    /// all others, only those that have answered, and not more than a hundred.
    #[must_use]
    pub fn with_listed_models(
        mut self,
        lists: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.lists = Arc::new(lists);
        self
    }
}

impl fmt::Debug for MetricsLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsLayer").field("metrics", &self.metrics).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for MetricsLayer {
    type Service = Metered<S>;

    fn layer(&self, inner: S) -> Metered<S> {
        Metered { inner, layer: self.clone() }
    }
}

/// The service of [`MetricsLayer`].
#[derive(Clone, Debug)]
pub struct Metered<S> {
    inner: S,
    layer: MetricsLayer,
}

// ===== impl Metered =====

impl<S> Service<ChatRequest> for Metered<S>
where
    S: Service<ChatRequest, Response = ChatStream, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = ChatStream;
    type Error = Error;
    type Future = ChatFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: ChatRequest) -> ChatFuture {
        let mut inner = take_ready(&mut self.inner);
        let mut meter = Meter::start(&self.layer, &request);
        let streams = request.streams();
        Box::pin(async move {
            match inner.call(request).await {
                Ok(stream) => {
                    if streams {
                        meter.begin_stream();
                    }
                    Ok(stream.with_watch(meter))
                }
                Err(error) => {
                    meter.end(Ending::Failed(&error));
                    Err(error)
                }
            }
        })
    }
}

/// One call. Dropped before its end, it counts as cancelled.
struct Meter {
    metrics: Metrics,
    lists: Lists,
    call: Call,
    model: String,
    tokens: TokenCount,
    started: Instant,
    waits_for_content: bool,
    /// The answer is being streamed.
    streams: bool,
    ended: bool,
}

impl Meter {
    fn start(layer: &MetricsLayer, request: &ChatRequest) -> Self {
        let MetricsLayer { metrics, lists } = layer.clone();
        metrics.start();
        Self {
            metrics,
            lists,
            call: request.call.clone(),
            model: request.model.clone(),
            tokens: TokenCount::new(request.text_bytes()),
            started: Instant::now(),
            waits_for_content: true,
            streams: false,
            ended: false,
        }
    }

    /// Returns the counters of the model, which has answered or not.
    fn tally(&self, answered: bool) -> Arc<Tally> {
        let own = self.metrics.own_model(&self.model);
        own.unwrap_or_else(|| match answered {
            _ if (self.lists)(&self.model) => self.metrics.listed_model(&self.model),
            true => self.metrics.model(&self.model),
            false => self.metrics.known_model(&self.model),
        })
    }

    fn begin_stream(&mut self) {
        self.streams = true;
        self.metrics.begin_stream();
    }

    fn close(&mut self, outcome: Outcome) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        if self.streams {
            self.metrics.end_stream();
        }
        let elapsed = self.started.elapsed();
        self.metrics.end(outcome, elapsed, &self.tokens);
        let model = self.tally(!self.waits_for_content || outcome == Outcome::Completed);
        model.add_usage(&self.tokens);
        let caller = self.call.caller().map(|caller| self.metrics.caller(caller));
        for tally in [Some(model), caller].into_iter().flatten() {
            tally.begin();
            tally.end(outcome, elapsed);
            tally.add_tokens(&self.tokens);
        }
        let last = self.call.last_credential();
        // One that was removed meanwhile is counted no more.
        if let Some(tally) = last.and_then(|last| self.metrics.known_credential(&last)) {
            tally.add_tokens(&self.tokens);
        }
    }
}

impl Watch for Meter {
    fn item(&mut self, item: &ChatItem) {
        self.tokens.see(item);
        if self.waits_for_content && item.has_content() {
            self.waits_for_content = false;
            let elapsed = self.started.elapsed();
            self.metrics.first_content(elapsed);
            self.tally(true).first_content(elapsed);
            if let Some(caller) = self.call.caller() {
                self.metrics.caller(caller).first_content(elapsed);
            }
        }
    }

    fn end(&mut self, ending: Ending<'_>) {
        self.close(ending.outcome());
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.close(Outcome::Cancelled);
    }
}

#[cfg(test)]
mod tests {
    use tower::service_fn;

    use super::*;
    use crate::chat::Message;
    use crate::error::ErrorKind;
    use crate::metrics::TallySnapshot;

    #[tokio::test]
    async fn failures_of_listed_models_have_their_names_and_others_have_none() {
        let metrics = Metrics::default();
        let layer = MetricsLayer::new(metrics.clone()).with_listed_models(|name| name == "llama");
        let fails = service_fn(|_: ChatRequest| async {
            Err::<ChatStream, _>(Error::new(ErrorKind::Connect, "chat", "nobody is there"))
        });
        let mut service = layer.layer(fails);
        for model in ["llama", "made-up", "llama"] {
            let request = ChatRequest::new(model).with_message(Message::user("Hello"));
            assert!(service.call(request).await.is_err());
        }
        let failed: Vec<_> = metrics.series("model");
        let failed: Vec<_> =
            failed.iter().map(|(name, tally)| (name.as_str(), tally.failed)).collect();
        assert_eq!(failed, [("llama", 2), ("other", 1)]);
    }

    #[tokio::test]
    async fn what_is_refused_is_no_failure() {
        let metrics = Metrics::default();
        for kind in ErrorKind::ALL {
            let refuses = service_fn(move |_: ChatRequest| async move {
                Err::<ChatStream, _>(Error::new(kind, "chat", "no"))
            });
            let mut service = MetricsLayer::new(metrics.clone()).layer(refuses);
            assert!(service.call(ChatRequest::new("llama")).await.is_err());
        }
        let counted = metrics.snapshot();
        assert_eq!((counted.refused, counted.failed), (4, ErrorKind::ALL.len() as u64 - 4));
        assert_eq!(counted.in_flight(), 0);
        let (total, handed) = (metrics.total(), metrics.pending());
        assert_eq!(TallySnapshot::from_figures(&total.figures()), total);
        assert!(handed.figures().any(|figure| figure == ("total", "refused".to_owned(), 4)));
    }
}
