//! Where the outbox's work is done.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::future::{BoxFuture, join3};
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::details;
use super::in_hand::InHand;
use crate::clock::unix_seconds;
use crate::credential::{Credential, CredentialId};
use crate::error::{Error, ErrorKind, Result};
use crate::store::Vault;
use crate::upstream::{Cleanup, Directory, Target, Upstream};

/// Clean-ups that run at the same time at one upstream.
const AT_ONCE: usize = 16;
/// Pauses before each attempt at a clean-up; the last one goes on.
const PAUSES: [Duration; 8] = [
    Duration::ZERO,
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(120),
    Duration::from_secs(600),
];
/// A dead session is not tried more often than this.
const TRIES_REJECTED: u32 = 4;
/// With more in hand than this, one that has been tried so often waits in the store for the next
/// start: memory has an end, and new ones come first.
const MOST_IN_HAND: usize = 10_000;
/// Pauses longer than this end when the engine stops: the next start goes on.
const SHORT: Duration = Duration::from_secs(1);
/// Longest time that one attempt may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long is tried, in seconds.
const LIFE: u64 = 24 * 3600;
/// How often is looked for what others have left.
const LOOK: Duration = Duration::from_secs(5);
/// How long what is done, and could not be forgotten, waits.
const RETRY: Duration = Duration::from_secs(1);

/// What the desk is told to do.
pub(super) enum Order {
    /// A clean-up, and the upstream that has left it, where that is known.
    CleanUp(Cleanup, Option<Arc<dyn Upstream>>),
    Forget(String),
    Finish(BoxFuture<'static, ()>),
}

/// Where the outbox's work arrives.
pub(crate) struct Desk {
    vault: Vault,
    orders: UnboundedReceiver<Order>,
    sender: UnboundedSender<Order>,
    in_hand: InHand,
}

impl Desk {
    pub(super) fn new(vault: Vault) -> Self {
        let (sender, orders) = unbounded_channel();
        Self { vault, orders, sender, in_hand: InHand::default() }
    }

    /// Returns what is being worked on.
    pub(super) fn in_hand(&self) -> InHand {
        self.in_hand.clone()
    }

    /// Returns the end that orders are given to.
    pub(super) fn sender(&self) -> UnboundedSender<Order> {
        self.sender.clone()
    }

    /// Does what comes, and what earlier processes have left, until told to stop; then finishes
    /// what does not take long, and at the very end what `last` adds, until it says that there is
    /// no more.
    pub(crate) async fn work(
        self,
        upstreams: Directory,
        current: impl Fn(&CredentialId) -> Option<Credential> + Send + Sync + 'static,
        last: impl Fn() -> BoxFuture<'static, bool>,
        stopped: watch::Receiver<()>,
    ) {
        let Self { vault, orders, sender, in_hand } = self;
        let (done, finished) = unbounded_channel();
        let (places, stops) = (Mutex::default(), stopped.clone());
        let current = Box::new(current);
        let workers = Workers { upstreams, current, places, stopped: stops, done, in_hand };
        join3(
            serve(orders, workers, last, stopped.clone()),
            look(&vault, sender, stopped.clone()),
            forget(&vault, finished, stopped),
        )
        .await;
    }
}

/// Does what comes. Once told to stop, it goes on until nothing is left: what ends only then may
/// leave something to be cleaned up.
async fn serve(
    mut orders: UnboundedReceiver<Order>,
    workers: Workers,
    last: impl Fn() -> BoxFuture<'static, bool>,
    mut stopped: watch::Receiver<()>,
) {
    let mut running = FuturesUnordered::new();
    let mut stops = false;
    loop {
        if stops && running.is_empty() && orders.is_empty() && !last().await {
            return;
        }
        tokio::select! {
            Some(()) = running.next(), if !running.is_empty() => {}
            Some(order) = orders.recv() => running.push(workers.follow(order)),
            _ = stopped.changed(), if !stops => stops = true,
        }
    }
}

/// Looks from time to time for clean-ups that nobody is at work on.
async fn look(vault: &Vault, left: UnboundedSender<Order>, mut stopped: watch::Receiver<()>) {
    loop {
        match vault.take_cleanups().await {
            Ok(kept) if kept.is_empty() => {}
            Ok(kept) => {
                tracing::info!(count = kept.len(), "cleaning up what another process has left");
                let still_used = still_used(vault).await;
                for kept in kept {
                    let id = kept.id.clone();
                    // One of a version that cannot be read is nothing to do.
                    let order = details::read(kept).map(|order| spare(order, &still_used));
                    let order =
                        order.map_or(Order::Forget(id), |order| Order::CleanUp(order, None));
                    // Once the engine has stopped nobody takes it; it stays in the store.
                    let _ = left.send(order);
                }
            }
            Err(error) => tracing::debug!(%error, "the outbox cannot be read"),
        }
        tokio::select! {
            () = sleep(LOOK) => {}
            _ = stopped.changed() => return,
        }
    }
}

/// Names the clean-ups whose conversations are kept for later requests after all.
async fn still_used(vault: &Vault) -> HashSet<String> {
    let kept = vault.conversations().await;
    let kept = kept.inspect_err(|error| tracing::debug!(%error, "conversations cannot be read"));
    kept.unwrap_or_default().into_iter().map(|kept| kept.id).collect()
}

/// Leaves a conversation where it is that is kept for later requests: only its run is stopped.
fn spare(cleanup: Cleanup, still_used: &HashSet<String>) -> Cleanup {
    match cleanup.target {
        Target::Named(id) if still_used.contains(&cleanup.id) => {
            Cleanup { target: Target::Kept(id), ..cleanup }
        }
        target => Cleanup { target, ..cleanup },
    }
}

/// Forgets what is done, many at once where there are many.
async fn forget(
    vault: &Vault,
    mut finished: UnboundedReceiver<String>,
    stopped: watch::Receiver<()>,
) {
    let mut ids = Vec::new();
    while finished.recv_many(&mut ids, 256).await > 0 {
        while let Err(error) = vault.forget_cleanups(&ids).await {
            tracing::debug!(%error, "what is cleaned up cannot be forgotten yet");
            if stopped.has_changed().is_err() {
                return;
            }
            sleep(RETRY).await;
        }
        ids.clear();
    }
}

/// Tells the secret that an account has now.
type Current = Box<dyn Fn(&CredentialId) -> Option<Credential> + Send + Sync>;

struct Workers {
    upstreams: Directory,
    current: Current,
    places: Mutex<HashMap<Arc<str>, Arc<Semaphore>>>,
    stopped: watch::Receiver<()>,
    done: UnboundedSender<String>,
    in_hand: InHand,
}

impl Workers {
    async fn follow(&self, order: Order) {
        match order {
            Order::CleanUp(cleanup, maker) => self.clean_up(cleanup, maker).await,
            Order::Forget(id) => drop(self.done.send(id)),
            Order::Finish(work) => work.await,
        }
    }

    /// Does one clean-up, as often as it takes, and has it forgotten.
    async fn clean_up(&self, mut cleanup: Cleanup, maker: Option<Arc<dyn Upstream>>) {
        let held = self.in_hand.hold(&cleanup.id);
        let over = cleanup.is_nothing() || self.tries(&mut cleanup, maker.as_ref()).await;
        drop(held);
        if over {
            // Nobody reads any more: the engine is being aborted.
            let _ = self.done.send(cleanup.id);
        }
    }

    /// Says whether the clean-up is over, by success or because nothing helps.
    async fn tries(&self, cleanup: &mut Cleanup, maker: Option<&Arc<dyn Upstream>>) -> bool {
        loop {
            if cleanup.tries > 0 && unix_seconds() > cleanup.begun + LIFE {
                report(cleanup);
                return true;
            }
            let pause = PAUSES[(cleanup.tries as usize).min(PAUSES.len() - 1)];
            let crowded = cleanup.tries >= TRIES_REJECTED && self.in_hand.count() > MOST_IN_HAND;
            if crowded || !self.pause(pause).await {
                return false;
            }
            match self.attempt(cleanup, maker).await {
                Some(Ok(())) => return true,
                Some(Err(error)) if is_hopeless(cleanup, &error) => {
                    if !self.renew(cleanup) {
                        report(cleanup);
                        return true;
                    }
                }
                _ => cleanup.tries += 1,
            }
        }
    }

    /// Takes the secret that the account has now, where its operator has replaced the one that was
    /// used; says whether there is another.
    fn renew(&self, cleanup: &mut Cleanup) -> bool {
        let current = (self.current)(cleanup.credential.id());
        let other = |current: &Credential| current.material() != cleanup.credential.material();
        let Some(current) = current.filter(other) else { return false };
        (cleanup.credential, cleanup.tries) = (current, 0);
        true
    }

    /// Tries once, at the upstream that has left it, else at who has the name; none where that took
    /// too long, or where the name is not among the settings any more, to which it may come back.
    async fn attempt(
        &self,
        cleanup: &mut Cleanup,
        maker: Option<&Arc<dyn Upstream>>,
    ) -> Option<Result<()>> {
        let name = cleanup.credential.upstream().clone();
        let upstream = maker.cloned().or_else(|| self.upstreams.get(&name))?;
        let places = self.places(&name);
        // Nobody closes the semaphore, and without a place the call would be made all the same.
        let _place = places.acquire().await;
        let tried = timeout(PATIENCE, upstream.clean_up(cleanup)).await.ok();
        let error = tried.as_ref().and_then(|tried| tried.as_ref().err());
        if !matches!(tried, Some(Ok(()))) {
            let error = error.map(tracing::field::display);
            tracing::debug!(error, credential = %cleanup.credential.id(), "a clean-up failed");
        }
        tried
    }

    fn places(&self, name: &Arc<str>) -> Arc<Semaphore> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.entry(name.clone()).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))).clone()
    }

    /// Waits; says no if the engine stops and the pause is a long one.
    async fn pause(&self, pause: Duration) -> bool {
        if pause <= SHORT {
            sleep(pause).await;
            return true;
        }
        let mut stopped = self.stopped.clone();
        tokio::select! {
            () = sleep(pause) => true,
            _ = stopped.changed() => false,
        }
    }
}

fn is_hopeless(cleanup: &Cleanup, error: &Error) -> bool {
    error.kind() == ErrorKind::CredentialRejected && cleanup.tries + 1 >= TRIES_REJECTED
}

fn report(cleanup: &Cleanup) {
    // How one is known whose id nobody heard tells of a prompt: that is not for the log.
    let target_id = match &cleanup.target {
        Target::Named(id) => Some(id.as_str()),
        _ => None,
    };
    tracing::warn!(
        credential = %cleanup.credential.id(),
        target_id,
        "a conversation could not be removed: delete it in the account"
    );
}
