//! The whole stack: the only place that knows everything, and where the order of layers is written.

mod builder;
mod built;
mod dispatch;
mod draft;
mod engine;
mod files;
mod search;

use std::sync::Arc;

use futures::FutureExt;
use tower::ServiceBuilder;
use tower::util::BoxCloneSyncService;

pub use self::builder::ClientBuilder;
use self::dispatch::Dispatch;
use self::draft::Manner;
pub(crate) use self::engine::Engine;
use self::engine::Lasting;
use self::search::knowing;
use crate::chat::{ChatRequest, ChatStream};
use crate::error::Error;
use crate::layers::{AdaptLayer, AuthCheckLayer, FirstChunkLayer, Lacks, MetricsLayer, PoolLayer};
use crate::upstream::Upstreams;

/// The stack with its types erased: what a layer of yours wraps, and what a client calls.
pub type ChatService = BoxCloneSyncService<ChatRequest, ChatStream, Error>;

impl Lasting {
    /// Stacks the layers, outermost first.
    fn stack(&self, manner: Manner, upstreams: Upstreams) -> ChatService {
        let Manner { limits, strict, files, search } = manner;
        let dispatch = Dispatch::new(self.directory.clone(), upstreams);
        let known = dispatch.clone();
        let lacks = move |name: &str| {
            let capability = known.upstream(name).map(|upstream| upstream.capability());
            let capability = capability.unwrap_or_default();
            Lacks::new(capability.profile, capability.usage)
        };
        let adapt = AdaptLayer::new(lacks).with_strict_parameters(strict).with_files(files);
        let stack = ServiceBuilder::new()
            // Outermost: one count a call, however many attempts it takes.
            .layer(self.metrics_layer())
            // Before anything is spent on the call; a refusal is not retried.
            .layer(AuthCheckLayer::new(self.gate.clone()))
            // Likewise: the authorisation, where there is one; else this gate is open.
            .layer(AuthCheckLayer::new(self.monitor.gate()))
            // One search for all attempts; what it asks of the model is a call of its own.
            .layer(knowing(search, self.catalog.clone()))
            // Around the pool, so that every attempt gets a credential of its own. One for all
            // stacks: its budget is that of the client.
            .layer(self.retry.clone())
            // From here on a request has a credential: services take attempts.
            .layer(self.pool_layer(&dispatch))
            // Inside retry: what fails before the first content has not been seen by anyone.
            .layer(FirstChunkLayer::new(limits.first_content_timeout))
            // Around the one upstream that was chosen: only here is it known what that one lacks.
            .layer(adapt)
            .service(dispatch);
        ChatService::new(stack)
    }

    /// Counts models that are listed by their names.
    fn metrics_layer(&self) -> MetricsLayer {
        let catalog = self.catalog.clone();
        let lists = move |model: &str| catalog.is_known(model);
        MetricsLayer::new(self.metrics.clone()).with_listed_models(lists)
    }

    /// Gives out credentials; a thread that this process does not know is looked up in the store,
    /// where an upstream of this stack keeps conversations.
    fn pool_layer(&self, dispatch: &Dispatch) -> PoolLayer {
        let layer = PoolLayer::new(self.pool.clone(), self.catalog.clone());
        if !dispatch.reuse_conversations() {
            return layer;
        }
        let keeper = self.keeper.clone();
        layer.with_owners(Arc::new(move |thread| {
            let keeper = keeper.clone();
            async move { keeper.owner_of(thread).await.map(|id| id.shared()) }.boxed()
        }))
    }
}
