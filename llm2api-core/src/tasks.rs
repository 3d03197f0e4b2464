//! The engine's background work: the only place that spawns.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{join, join_all};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

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

/// The pause between two looks for what upstreams have kept too long.
const REST: Duration = Duration::from_secs(30);

/// The running tasks. Dropping them lets the work in hand finish and takes no more.
#[derive(Debug)]
pub(crate) struct Tasks {
    outbox: Task,
    rest: Task,
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
        let all = upstreams.clone();
        let rest = Task::start(&runtime, |mut stopped| async move {
            while timeout(REST, stopped.changed()).await.is_err() {
                all.all().values().for_each(|upstream| upstream.rest());
            }
        });
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
        Ok(Self { outbox, rest, accounts, keys, catalog, quotas, monitor, statistics })
    }

    /// Takes no more work and waits at most `grace` for what is in hand: first the clean-ups, then
    /// what is to be kept and the fleet to be left.
    pub(crate) async fn shutdown(self, grace: Duration) {
        let deadline = after(grace);
        // Nobody waits for lists of models any more, or for news of keys, or for codes to be checked. They
        // are gone before this returns, and so is their hold on the store.
        let idle = [self.rest, self.catalog, self.keys, self.monitor, self.statistics];
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

#[cfg(test)]
mod tests {
    use std::sync::Weak;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use tokio::task::yield_now;
    use tokio::time::advance;

    use super::*;
    use crate::chat::{ChatRequest, ChatStream, Model};
    use crate::credential::Credential;
    use crate::upstream::{Account, Capability, Upstream};
    use crate::{Client, UpstreamConfig};

    /// Counts how often it may rest.
    #[derive(Debug, Default)]
    struct Tired(Arc<AtomicUsize>);

    #[async_trait]
    impl Upstream for Tired {
        fn capability(&self) -> Capability {
            Capability::default()
        }

        async fn chat(&self, _: ChatRequest, _: &Credential) -> Result<ChatStream> {
            Err(Error::new(ErrorKind::Internal, "chat", "nobody asks"))
        }

        async fn models(&self, _: Option<&Credential>) -> Result<Vec<Model>> {
            Ok(Vec::new())
        }

        async fn check(&self, _: &Credential) -> Result<Account> {
            Ok(Account::default())
        }

        fn rest(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lets so much time pass, and everybody do what is due.
    async fn pass(time: Duration) {
        advance(time).await;
        for _ in 0..100 {
            yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn upstreams_rest_now_and_then_and_go_with_their_client() {
        let rests = Arc::new(AtomicUsize::new(0));
        let upstream = Tired(rests.clone());
        let config = UpstreamConfig::new("custom", "tired");
        let client = Client::builder().with_custom_upstream(config, upstream).build().await;
        let client = client.expect("a client");
        pass(Duration::ZERO).await;
        for expected in 1..=3 {
            pass(REST + Duration::from_millis(1)).await;
            assert_eq!(rests.load(Ordering::Relaxed), expected);
        }
        let held: Weak<_> = Arc::downgrade(&rests);
        drop((client, rests));
        pass(Duration::ZERO).await;
        assert!(held.upgrade().is_none(), "a task holds the upstream");
    }
}
