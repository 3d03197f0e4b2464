//! A client as one process has it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use llm2api_core::Client;
use llm2api_server::Config;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::fault::Fault;
use crate::process::{OfProcess, Process};

/// What is to be done at upstreams when a client goes has so long for it.
pub(crate) const CLEAN_UP: Duration = Duration::from_secs(5);

/// A client and the answers that are on their way. It opens at its first use, so that one that was
/// made before a fork serves every child.
pub(crate) struct Cell {
    process: &'static Process,
    pub(crate) config: Arc<Config>,
    client: Mutex<Option<Client>>,
    /// Those who read answers, or wait for them.
    followers: TaskTracker,
    closing: CancellationToken,
}

impl Cell {
    pub(crate) fn new(process: &'static Process, config: Arc<Config>) -> Arc<OfProcess<Self>> {
        let (client, followers) = (Mutex::default(), TaskTracker::new());
        let cell = Self { process, config, client, followers, closing: CancellationToken::new() };
        let cell = Arc::new(OfProcess::new(process, cell));
        process.enrol(&cell);
        cell
    }

    /// Returns the client, opened.
    pub(crate) async fn client(&self) -> Result<Client, Fault> {
        let mut client = self.client.lock().await;
        match &*client {
            Some(client) => Ok(client.clone()),
            None => Ok(client.insert(llm2api_server::client(&self.config).await?).clone()),
        }
    }

    /// Does something, unless the client is closed before it is done.
    pub(crate) async fn unless_closed<T>(
        &self,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        // Given back behind `work`, which leaves something to be done where it is dropped.
        let _waiting = self.followers.token();
        tokio::select! {
            biased;
            () = self.closing.cancelled() => Err(Fault::Closed),
            result = work => result,
        }
    }

    /// Has an answer read, until it ends, or the client does, or somebody cancels what is returned.
    pub(crate) fn follow(
        &self,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> CancellationToken {
        let stop = self.closing.child_token();
        let stopped = stop.clone().cancelled_owned();
        let work = async move {
            tokio::select! {
                biased;
                () = stopped => {}
                () = work => {}
            }
        };
        self.process.runtime.spawn(self.followers.track_future(work));
        stop
    }

    /// Ends everything under way, and does what that leaves to be done.
    pub(crate) async fn close(&self, grace: Duration) {
        self.closing.cancel();
        let client = self.client.lock().await.take();
        clean_up(client, self.followers.clone(), grace).await;
    }
}

/// Cleans up behind a client that nobody closed, once the last of its answers is gone too.
impl Drop for Cell {
    fn drop(&mut self) {
        let Process { runtime, leaving, .. } = self.process;
        let work = clean_up(self.client.get_mut().take(), self.followers.clone(), CLEAN_UP);
        runtime.spawn(leaving.track_future(work));
    }
}

/// Does what answers leave to be done, once they are gone, within `grace`. The client's store is closed
/// then.
async fn clean_up(client: Option<Client>, followers: TaskTracker, grace: Duration) {
    let begun = Instant::now();
    followers.close();
    // Whoever is late is a thread that Python does not let go on.
    let _late = timeout(grace / 2, followers.wait()).await;
    if let Some(client) = client {
        client.shutdown(grace.saturating_sub(begun.elapsed())).await;
    }
}
