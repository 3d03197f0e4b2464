//! Gives every attempt a credential.

use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::{BoxFuture, OptionFuture};
use tower::{Layer, Service};

use super::{ChatFuture, find_routes, take_ready};
use crate::chat::{Call, ChatRequest, ChatStream};
use crate::error::{Error, ErrorKind, Result};
use crate::pool::{Attempt, Lease, Pool, Routes, Thread};

/// Says which credential has answered a thread, where that is kept.
pub(crate) type ThreadOwners =
    Arc<dyn Fn(u64) -> BoxFuture<'static, Option<Arc<str>>> + Send + Sync>;

/// How often a call that has found nobody looks for other routes: more often than settings change
/// while it waits, and not for ever where routes never come to rest.
const REROUTES: usize = 100;

/// Turns a request into an [`Attempt`]: finds where the model is served and leases a credential.
///
/// # Notes
/// The choice is made in `call`, where the request is known, not in `poll_ready`. Each attempt draws
/// one send from the call's budget and is noted in the [`Call`](crate::Call), which is what
/// `Retry` goes by. A request that goes on with a conversation prefers the credential that has
/// answered before, unless that one carries more than another.
///
/// # Order
/// Inside `Retry`, so that every attempt chooses anew; outside everything that needs to know the
/// upstream. The lease rides in the answer's stream and is held until its end.
///
/// # Cancellation safety
/// A call that waits for its turn leaves the queue when dropped.
///
/// # Example
/// ```
/// # use std::{sync::Arc, time::Duration};
/// # use llm2api_core::{layers::PoolLayer, pool::{Pool, PoolRules, Route, Routes}};
/// #[derive(Debug)]
/// struct Everything;
///
/// #[async_trait::async_trait]
/// impl Routes for Everything {
///     async fn routes(&self, model: &str) -> llm2api_core::Result<Vec<Route>> {
///         Ok(vec![Route { upstream: "local".into(), model: model.into() }])
///     }
/// }
///
/// let layer = PoolLayer::new(
///     Pool::new(PoolRules::default(), Duration::from_secs(30)),
///     Arc::new(Everything),
/// );
/// # drop(layer);
/// ```
#[derive(Clone)]
pub struct PoolLayer {
    pool: Pool,
    routes: Arc<dyn Routes>,
    owners: Option<ThreadOwners>,
}

impl PoolLayer {
    /// Leases from `pool` what `routes` says.
    pub fn new(pool: Pool, routes: Arc<dyn Routes>) -> Self {
        Self { pool, routes, owners: None }
    }

    /// Asks `owners` who has answered a thread that the pool does not know.
    #[must_use]
    pub(crate) fn with_owners(mut self, owners: ThreadOwners) -> Self {
        self.owners = Some(owners);
        self
    }
}

impl std::fmt::Debug for PoolLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PoolLayer").field("pool", &self.pool).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for PoolLayer {
    type Service = Pooled<S>;

    fn layer(&self, inner: S) -> Pooled<S> {
        Pooled { inner, layer: self.clone() }
    }
}

/// The service of [`PoolLayer`].
#[derive(Clone, Debug)]
pub struct Pooled<S> {
    inner: S,
    layer: PoolLayer,
}

// ===== impl Pooled =====

impl<S> Service<ChatRequest> for Pooled<S>
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

    fn call(&mut self, request: ChatRequest) -> ChatFuture {
        let mut inner = take_ready(&mut self.inner);
        let layer = self.layer.clone();
        Box::pin(async move {
            let thread = Thread::of(&request);
            layer.prefer(thread, &request.call).await;
            let attempt = layer.attempt(request).await?;
            let credential = attempt.lease.credential().id().shared();
            let passes = attempt.request.call.is_passing();
            let answer = inner.call(attempt).await?;
            if !passes {
                layer.pool.note_answer(thread, credential);
            }
            Ok(answer)
        })
    }
}

fn no_sends() -> Error {
    Error::new(ErrorKind::Internal, "lease credential", "the call has no sends left")
}

impl PoolLayer {
    /// Prefers, for a call that goes on with a conversation, the credential that knows it. The store
    /// is asked by the first attempt only, and never for a conversation that begins.
    async fn prefer(&self, thread: Thread, call: &Call) {
        call.set_thread(thread.now());
        if self.pool.prefer(thread, call) || call.attempt_count() > 0 {
            return;
        }
        let asked =
            self.owners.as_ref().zip(thread.before()).map(|(owners, before)| owners(before));
        if let Some(owner) = OptionFuture::from(asked).await.flatten() {
            call.prefer(owner);
        }
    }

    /// Leases along the routes of a model; where they have changed while the call waited, and those
    /// that it knew lead nowhere any more, along the new ones, where its wait begins anew.
    async fn lease(&self, request: &ChatRequest) -> Result<Lease> {
        let mut routes = find_routes(&*self.routes, request).await?;
        for _ in 0..REROUTES {
            let refusal = match self.pool.lease(&routes, &request.call).await {
                Err(error) if error.kind() == ErrorKind::NoCredential => error,
                answer => return answer,
            };
            let now = find_routes(&*self.routes, request).await?;
            if now == routes {
                return Err(refusal);
            }
            routes = now;
        }
        self.pool.lease(&routes, &request.call).await
    }

    async fn attempt(&self, mut request: ChatRequest) -> Result<Attempt> {
        let mut lease = self.lease(&request).await.map_err(|error| {
            // On a retry, why the attempt before failed says more than that nobody is left.
            request.call.take_kept().map_or(error, Error::into_exhausted)
        })?;
        if !request.call.take_send() {
            return Err(request.call.take_kept().unwrap_or_else(no_sends).into_exhausted());
        }
        if let Some(kind) = request.call.attempts().last().and_then(|last| last.failure) {
            self.pool.count_retry(kind);
        }
        request.call.begin(lease.upstream().clone(), lease.credential().id().shared());
        lease.note_step();
        if *request.model != **lease.model() {
            request.model = lease.model().to_string();
        }
        Ok(Attempt::new(request, lease))
    }
}
