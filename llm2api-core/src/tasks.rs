//! The engine's background work: the only place that spawns.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{join, join_all};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::accounts::Accounts;
use crate::auth::Monitor;
use crate::catalog::Catalog;
use crate::clock::after;
use crate::conversations::Tending;
use crate::credential::CredentialId;
use crate::error::{Error, ErrorKind, Result};
use crate::keys::ClientKeys;
use crate::outbox::Desk;
use crate::quota::Quotas;
use crate::stats::Statistics;
use crate::upstream::Directory;

/// The running tasks. Dropping them lets the work in hand finish and takes no more.
#[derive(Debug)]
pub(crate) struct Tasks {
    outbox: Task,
    accounts: Task,
    keys: Task,
    catalog: Task,
    quotas: Task,
    monitor: Task,
    statistics: Task,
}

/// What there is to do.
pub(crate) struct Work {
    pub(crate) desk: Desk,
    pub(crate) conversations: Tending,
    pub(crate) upstreams: Directory,
    pub(crate) accounts: Accounts,
    pub(crate) keys: ClientKeys,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) quotas: Quotas,
    pub(crate) monitor: Monitor,
    pub(crate) statistics: Statistics,
}

/// A task, and the end of the rope that stops it.
#[derive(Debug)]
struct Task {
    stop: watch::Sender<()>,
    handle: JoinHandle<()>,
}

impl Tasks {
    /// Starts the tasks on the runtime of the caller.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] outside a tokio runtime.
    pub(crate) fn start(work: Work) -> Result<Self> {
        let Work { desk, conversations, upstreams, accounts, keys, .. } = work;
        let Work { catalog, quotas, monitor, statistics, .. } = work;
        let runtime = Handle::try_current().map_err(|error| {
            let message = "a client needs a tokio runtime: build it inside one";
            Error::new(ErrorKind::Configuration, "start tasks", message).with_source(error)
        })?;
        let outbox = Task::start(&runtime, |stopped| {
            let known = accounts.clone();
            let current = move |id: &CredentialId| known.credential(id);
            let desk = desk.work(upstreams, current, conversations.last(), stopped.clone());
            join(desk, conversations.work(stopped)).map(|_| ())
        });
        let accounts = Task::start(&runtime, |stopped| async move { accounts.work(stopped).await });
        let keys = Task::start(&runtime, |stopped| async move { keys.work(stopped).await });
        let catalog = Task::start(&runtime, |stopped| async move { catalog.work(stopped).await });
        let quotas = Task::start(&runtime, |stopped| async move { quotas.work(stopped).await });
        let monitor = Task::start(&runtime, |stopped| monitor.work(stopped));
        let look = |stopped| async move { statistics.work(stopped).await };
        let statistics = Task::start(&runtime, look);
        Ok(Self { outbox, accounts, keys, catalog, quotas, monitor, statistics })
    }

    /// Takes no more work and waits at most `grace` for what is in hand: first the clean-ups, then
    /// what is to be kept and the fleet to be left.
    pub(crate) async fn shutdown(self, grace: Duration) {
        let deadline = after(grace);
        // Nobody waits for lists of models any more, or for news of keys, or for codes to be checked. They
        // are gone before this returns, and so is their hold on the store.
        let idle = [self.catalog, self.keys, self.monitor, self.statistics];
        join_all(idle.map(Task::cut)).await;
        // The others have something to keep even where clean-ups take all the time.
        let outbox = self.outbox.end(deadline - grace / 4).await;
        let (quotas, accounts) = join(self.quotas.end(deadline), self.accounts.end(deadline)).await;
        if !(outbox && quotas && accounts) {
            tracing::warn!("clean-ups at upstreams, or the store, did not finish in time");
        }
    }
}

impl Task {
    fn start<F>(runtime: &Handle, work: impl FnOnce(watch::Receiver<()>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, stopped) = watch::channel(());
        Self { stop, handle: runtime.spawn(work(stopped)) }
    }

    /// Ends it where it is.
    async fn cut(self) {
        self.handle.abort();
        let _aborted = self.handle.await;
    }

    /// Says whether it ended by itself before the deadline.
    async fn end(self, deadline: Instant) -> bool {
        let Self { stop, mut handle } = self;
        drop(stop);
        let ended = timeout_at(deadline, &mut handle).await.is_ok();
        if !ended {
            handle.abort();
        }
        ended
    }
}
