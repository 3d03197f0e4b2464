//! The leaf of the stack: hands an attempt to the upstream that its lease names.

use std::sync::Arc;
use std::task::{Context, Poll};

use tower::Service;

use crate::chat::{ChatItem, ChatStream, Ending, Watch};
use crate::error::{Error, ErrorKind, Result};
use crate::layers::ChatFuture;
use crate::pool::{Attempt, Lease};
use crate::upstream::{Directory, Upstream, Upstreams};

/// Finds upstreams. An attempt goes to the one that has the name when it begins: a credential that a
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

    pub(super) fn upstream(&self, name: &str) -> Option<Arc<dyn Upstream>> {
        self.directory.get(name).or_else(|| self.own.get(name).cloned())
    }
}

/// What rides in an answer's stream: the lease, and the upstream, which lives as long as its answer
/// though the settings may not name it any more.
struct Ride {
    lease: Lease,
    _upstream: Arc<dyn Upstream>,
}

impl Watch for Ride {
    fn item(&mut self, item: &ChatItem) {
        self.lease.item(item);
    }

    fn end(&mut self, ending: Ending<'_>) {
        self.lease.end(ending);
    }
}

// ===== impl Dispatch =====

impl Service<Attempt> for Dispatch {
    type Response = ChatStream;
    type Error = Error;
    type Future = ChatFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, attempt: Attempt) -> ChatFuture {
        let upstream = self.upstream(attempt.lease.upstream());
        Box::pin(async move {
            let Attempt { request, mut lease, .. } = attempt;
            let upstream = upstream.ok_or_else(no_upstream)?;
            match upstream.chat(request, lease.credential()).await {
                Ok(stream) => Ok(stream.with_watch(Ride { lease, _upstream: upstream })),
                Err(error) => {
                    let error = error.with_context("upstream", lease.upstream());
                    lease.settle(Ending::Failed(&error));
                    Err(error)
                }
            }
        })
    }
}

fn no_upstream() -> Error {
    Error::new(ErrorKind::Internal, "chat", "the lease names an upstream that is not there")
}
