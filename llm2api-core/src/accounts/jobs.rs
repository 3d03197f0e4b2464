//! Changes that are made whole, whoever waits for them.
//!
//! A caller may leave at any moment, and a change that was half made then would leave the store and
//! the pool apart. So the engine's own task makes it, and the caller only waits for it.

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::oneshot;

use super::handle::Accounts;
use crate::error::{Error, ErrorKind, Result};

pub(super) type Job = BoxFuture<'static, ()>;

impl Accounts {
    /// Has a change made to its end, and returns what came of it.
    pub(super) async fn finish<T: Send + 'static>(
        &self,
        change: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let job = change.map(|result| drop(reply.send(result)));
        // Refused and dropped with it: the engine has stopped.
        let _ = self.shared.jobs.send(job.boxed());
        answer.await.unwrap_or_else(|_| {
            let text = "the server stops and takes no more changes: try again when it is back";
            Err(Error::new(ErrorKind::Store, "change account", text))
        })
    }
}
