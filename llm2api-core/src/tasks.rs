//! The engine's background work: the only place that spawns.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{sleep, timeout};

use crate::accounts::Accounts;
use crate::backlog;
use crate::error::{Error, ErrorKind, Result};
use crate::upstream::{Cleanup, Outbox, Upstream};

/// Clean-ups that run at the same time at one upstream.
const AT_ONCE: usize = 16;
/// Pauses before each attempt at a clean-up.
const PAUSES: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(5)];
/// Longest time that one attempt may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Upstreams by name.
pub(crate) type Upstreams = Arc<HashMap<Arc<str>, Arc<dyn Upstream>>>;

/// An outbox whose work a task does.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    sender: mpsc::UnboundedSender<Cleanup>,
}

impl Queue {
    /// Makes a queue and the end that [`Tasks::start`] reads.
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Cleanup>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self { sender }, receiver)
    }
}

impl Outbox for Queue {
    fn push(&self, cleanup: Cleanup) {
        if let Err(lost) = self.sender.send(cleanup) {
            let target = lost.0.target;
            tracing::warn!(target_id = target, "the engine has stopped: a clean-up is left undone");
        }
    }
}

/// The running tasks. Dropping them lets the work in hand finish and takes no more.
#[derive(Debug)]
pub(crate) struct Tasks {
    stop: watch::Sender<()>,
    accounts: JoinHandle<()>,
    outbox: JoinHandle<()>,
}

impl Tasks {
    /// Starts the tasks on the runtime of the caller.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] outside a tokio runtime.
    pub(crate) fn start(
        receiver: mpsc::UnboundedReceiver<Cleanup>,
        upstreams: Upstreams,
        accounts: Accounts,
    ) -> Result<Self> {
        let runtime = Handle::try_current().map_err(|error| {
            let message = "a client needs a tokio runtime: build it inside one";
            Error::new(ErrorKind::Configuration, "start tasks", message).with_source(error)
        })?;
        let (stop, stopped) = watch::channel(());
        let outbox = runtime.spawn(clean_up_all(receiver, upstreams, stopped.clone()));
        let accounts = runtime.spawn(async move { accounts.work(stopped).await });
        Ok(Self { stop, accounts, outbox })
    }

    /// Takes no more work and waits at most `grace` for what is in hand.
    pub(crate) async fn shutdown(self, grace: Duration) {
        let Self { stop, accounts, outbox } = self;
        drop(stop);
        let aborters = [outbox.abort_handle(), accounts.abort_handle()];
        if timeout(grace, join(outbox, accounts)).await.is_err() {
            tracing::warn!("clean-ups at upstreams, or the store, did not finish in time");
            aborters.iter().for_each(AbortHandle::abort);
        }
    }
}

async fn clean_up_all(
    receiver: mpsc::UnboundedReceiver<Cleanup>,
    upstreams: Upstreams,
    stopped: watch::Receiver<()>,
) {
    let slots = |(name, _): (&Arc<str>, _)| (name.clone(), Semaphore::new(AT_ONCE));
    let slots: HashMap<_, _> = upstreams.iter().map(slots).collect();
    backlog::work_off(receiver, stopped, |cleanup| clean_up(&upstreams, &slots, cleanup)).await;
}

/// Does one clean-up, in one of its own upstream's places: one that hangs holds up no other.
async fn clean_up(
    upstreams: &Upstreams,
    slots: &HashMap<Arc<str>, Semaphore>,
    mut cleanup: Cleanup,
) {
    let name = cleanup.credential.upstream().clone();
    let (Some(upstream), Some(slots)) = (upstreams.get(&name), slots.get(&name)) else {
        return;
    };
    for pause in PAUSES {
        sleep(pause).await;
        // Nobody closes the semaphore, and without a place the call would be made all the same.
        let _place = slots.acquire().await;
        match timeout(PATIENCE, upstream.clean_up(&mut cleanup)).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => {
                tracing::debug!(%error, credential = %cleanup.credential.id(), "a clean-up failed");
            }
            Err(_) => {
                tracing::debug!(credential = %cleanup.credential.id(), "a clean-up took too long");
            }
        }
    }
    tracing::warn!(
        credential = %cleanup.credential.id(),
        target_id = cleanup.target,
        "a conversation could not be removed: delete it in the account"
    );
}
