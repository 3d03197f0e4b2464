//! The leaf of the stack: hands a request to the upstream that it is for.

use std::sync::Arc;
use std::task::{Context, Poll};

use tower::Service;

use crate::chat::{ChatStream, Ending, Watch};
use crate::error::{Error, ErrorKind, Result};
use crate::layers::ChatFuture;
use crate::pool::Sending;
use crate::upstream::{Directory, Upstream, Upstreams};

/// Finds upstreams. A request goes to the one that has the name when it begins: a credential that a
/// reload has brought never goes where its upstream was before. Only one that is gone altogether is
/// looked up among those that the stack was made with.
#[derive(Clone, Debug)]
pub(super) struct Dispatch {
    directory: Directory,
    own: Upstreams,
}

impl Dispatch {
    pub(super) fn new(directory: Directory, own: Upstreams) -> Self {
        Self { directory, own }
    }

    /// Says whether one of the stack's upstreams keeps conversations.
    pub(super) fn reuse_conversations(&self) -> bool {
        self.own.values().any(|upstream| upstream.reuses_conversations())
    }

    pub(super) fn upstream(&self, name: &str) -> Option<Arc<dyn Upstream>> {
        self.directory.get(name).or_else(|| self.own.get(name).cloned())
    }
}

/// Rides in an answer's stream: the upstream lives as long as its answer though the settings may not
/// name it any more.
struct Ride(#[expect(dead_code, reason = "it is only kept")] Arc<dyn Upstream>);

impl Watch for Ride {
    fn end(&mut self, _: Ending<'_>) {}
}

// ===== impl Dispatch =====

impl Service<Sending> for Dispatch {
    type Response = ChatStream;
    type Error = Error;
    type Future = ChatFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, sending: Sending) -> ChatFuture {
        let found = self.upstream(&sending.upstream);
        Box::pin(async move {
            let Sending { request, credential, upstream, .. } = sending;
            let asked = match found {
                Some(found) => {
                    let answer = found.chat(request, &credential).await;
                    answer.map(|stream| stream.with_watch(Ride(found)))
                }
                None => Err(gone()),
            };
            asked.map_err(|error| error.with_context("upstream", upstream))
        })
    }
}

/// Settings have taken it away between the choice and the sending: another one may serve the call.
fn gone() -> Error {
    Error::new(ErrorKind::Connect, "chat", "the settings have just lost the upstream: ask again")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::ChatRequest;
    use crate::credential::Credential;
    use crate::error::Evidence;

    #[tokio::test]
    async fn an_upstream_that_has_gone_is_tried_elsewhere_and_nobody_is_blamed() {
        let mut dispatch =
            Dispatch::new(Directory::new(Upstreams::default()), Upstreams::default());
        let request = ChatRequest::new("m");
        let credential = Credential::anonymous("gone");
        let sending = Sending { request, credential, upstream: "gone".into() };
        let error = dispatch.call(sending).await.expect_err("nobody is there");
        assert!(error.is_retryable(), "{error}");
        assert_eq!(error.kind().verdict().evidence, Evidence::None);
        assert!(error.to_string().contains("gone"), "{error}");
    }
}
