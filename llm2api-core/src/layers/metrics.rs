//! Counts every call once, however it ends.

use std::task::{Context, Poll};

use tokio::time::Instant;
use tower::{Layer, Service};

use super::{ChatFuture, take_ready};
use crate::chat::{Call, ChatItem, ChatRequest, ChatStream, Ending, Outcome, Watch};
use crate::error::Error;
use crate::metrics::{Metrics, TokenCount};

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
#[derive(Clone, Debug)]
pub struct MetricsLayer {
    metrics: Metrics,
}

impl MetricsLayer {
    /// Counts into `metrics`.
    pub fn new(metrics: Metrics) -> Self {
        Self { metrics }
    }
}

impl<S> Layer<S> for MetricsLayer {
    type Service = Metered<S>;

    fn layer(&self, inner: S) -> Metered<S> {
        Metered { inner, metrics: self.metrics.clone() }
    }
}

/// The service of [`MetricsLayer`].
#[derive(Clone, Debug)]
pub struct Metered<S> {
    inner: S,
    metrics: Metrics,
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
        let mut meter = Meter::start(self.metrics.clone(), &request);
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
    fn start(metrics: Metrics, request: &ChatRequest) -> Self {
        metrics.start();
        Self {
            metrics,
            call: request.call.clone(),
            model: request.model.clone(),
            tokens: TokenCount::new(request.text_bytes()),
            started: Instant::now(),
            waits_for_content: true,
            streams: false,
            ended: false,
        }
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
        let model = match self.waits_for_content && outcome != Outcome::Completed {
            true => self.metrics.known_model(&self.model),
            false => self.metrics.model(&self.model),
        };
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
            self.metrics.model(&self.model).first_content(elapsed);
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
