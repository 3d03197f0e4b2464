//! What stands around an upstream: one layer a file, each usable by itself.
//!
//! The order in which the client stacks them, with the reasons, is written in one place: the
//! `stack` module.

mod adapt;
mod auth_check;
mod first_chunk;
mod metrics;
mod pool;
mod retry;
#[cfg(feature = "web-search")]
mod web_search;

pub use adapt::{Adapt, AdaptLayer, Lacks};
pub use auth_check::{AuthCheck, AuthCheckLayer};
pub use first_chunk::{FirstChunk, FirstChunkLayer};
pub use metrics::{Metered, MetricsLayer};
pub use pool::{PoolLayer, Pooled};
pub use retry::{RetryLayer, RetryPolicy};
#[cfg(feature = "web-search")]
pub use web_search::{WebSearchLayer, WebSearched};

use std::pin::Pin;

use crate::chat::trail::Trail;
use crate::chat::{ChatRequest, ChatStream};
use crate::error::Result;
use crate::pool::{Route, Routes};

/// What every layer's service returns from `call`.
pub type ChatFuture = Pin<Box<dyn Future<Output = Result<ChatStream>> + Send>>;

/// Finds who serves the model of a request, which notes how long that took: upstreams may have to
/// list their models first. What is asked aside is noted as a whole elsewhere.
async fn find_routes(routes: &dyn Routes, request: &ChatRequest) -> Result<Vec<Route>> {
    let _wait =
        request.call.trail().filter(|_| !request.call.is_aside()).map(Trail::wait_for_lists);
    routes.routes(&request.model).await
}

/// Takes the service that was polled ready and leaves a clone in its place, which may not be.
pub(crate) fn take_ready<S: Clone>(service: &mut S) -> S {
    let clone = service.clone();
    std::mem::replace(service, clone)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_trait::async_trait;
    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::chat::Call;

    /// An upstream that takes a second to list its models.
    #[derive(Debug)]
    struct Slow;

    #[async_trait]
    impl Routes for Slow {
        async fn routes(&self, model: &str) -> Result<Vec<Route>> {
            sleep(Duration::from_secs(1)).await;
            Ok(vec![Route { upstream: "slow".into(), model: model.into() }])
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_for_lists_is_noted_also_where_the_caller_leaves() {
        let trail = Trail::new();
        let mut request = ChatRequest::new("m");
        request.call = Call::new("req_1").with_trail(trail.clone());
        find_routes(&Slow, &request).await.expect("routes");
        assert_eq!(trail.waits(), Duration::from_secs(1));
        let patience = Duration::from_millis(300);
        timeout(patience, find_routes(&Slow, &request)).await.expect_err("it left");
        assert_eq!(trail.waits(), Duration::from_millis(1300));
    }

    #[cfg(feature = "web-search")]
    #[tokio::test(start_paused = true)]
    async fn what_is_asked_aside_waits_for_no_lists_of_its_own() {
        let trail = Trail::new();
        let mut request = ChatRequest::new("m");
        let call = Call::new("req_1").with_trail(trail.clone());
        request.call = call.aside().expect("there are sends left");
        find_routes(&Slow, &request).await.expect("routes");
        assert_eq!(trail.waits(), Duration::ZERO);
    }
}
