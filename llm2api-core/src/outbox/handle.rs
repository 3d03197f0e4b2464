//! The end of the outbox that upstreams see.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::details;
use super::in_hand::InHand;
use super::maker::Maker;
use super::work::{Desk, Order};
use crate::credential::Credential;
use crate::store::Vault;
use crate::upstream::{Claims, Cleanup, Outbox, Target};

/// Longest time that a call waits for its clean-up to be kept. A store that takes longer is as good
/// as away, and what it was told it may still keep.
const PATIENCE: Duration = Duration::from_millis(250);

/// An outbox over a store, whose work a task does; each upstream has an end of its own.
#[derive(Clone)]
pub(crate) struct CleanUps {
    vault: Vault,
    orders: mpsc::UnboundedSender<Order>,
    in_hand: InHand,
    maker: Maker,
}

impl CleanUps {
    /// Makes an outbox, and the desk where its work is done.
    pub(crate) fn new(vault: Vault) -> (Self, Desk) {
        let desk = Desk::new(vault.clone());
        (
            Self { vault, orders: desk.sender(), in_hand: desk.in_hand(), maker: Maker::default() },
            desk,
        )
    }

    /// Returns an end for another upstream, which has to be named once it is built.
    pub(crate) fn end(&self) -> (Self, Maker) {
        let end = Self { maker: Maker::default(), ..self.clone() };
        let maker = end.maker.clone();
        (end, maker)
    }

    /// Counts what is in hand.
    pub(crate) fn pending(&self) -> usize {
        self.in_hand.count()
    }

    async fn write_down(&self, cleanup: &Cleanup) -> crate::Result<()> {
        let details = details::write(cleanup)?;
        self.vault.keep_cleanup(&cleanup.id, &cleanup.credential, &details).await
    }
}

#[async_trait]
impl Outbox for CleanUps {
    async fn keep(&self, cleanup: &Cleanup) {
        match timeout(PATIENCE, self.write_down(cleanup)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a clean-up is not kept: a crash loses it"),
            Err(_) => tracing::debug!("keeping a clean-up takes long: a crash may lose it"),
        }
    }

    fn push(&self, cleanup: Cleanup) {
        if let Err(late) = self.orders.send(Order::CleanUp(cleanup, self.maker.upstream()))
            && let Order::CleanUp(cleanup, _) = late.0
            && !cleanup.is_nothing()
        {
            let id = cleanup.id;
            tracing::info!(cleanup = id, "the engine has stopped: the next start cleans this up");
        }
    }

    async fn claims(&self, credential: &Credential) -> Claims {
        let mut claims = Claims::default();
        let Ok(kept) = self.vault.cleanups().await else {
            claims.asking = true;
            return claims;
        };
        let same =
            kept.into_iter().filter(|kept| kept.credential.upstream() == credential.upstream());
        for cleanup in same.filter_map(details::read) {
            match cleanup.target {
                Target::Named(id) => drop(claims.named.insert(id)),
                // What is in hand here is of calls that are over.
                Target::Unheard(_) => claims.asking |= !self.in_hand.has(&cleanup.id),
                _ => {}
            }
        }
        claims
    }

    async fn finish(&self, work: BoxFuture<'static, ()>) {
        let (done, finished) = oneshot::channel();
        // Whoever asked for it may have left; what the work leaves behind is its upstream's to do.
        let upstream = self.maker.upstream();
        let work = work.map(move |()| {
            drop(upstream);
            done.send(()).unwrap_or_default();
        });
        let work = work.boxed();
        match self.orders.send(Order::Finish(work)) {
            // It ends without a word only where the engine does.
            Ok(()) => drop(finished.await),
            Err(stopped) => {
                if let Order::Finish(work) = stopped.0 {
                    work.await;
                }
            }
        }
    }

    fn begin(&self, work: BoxFuture<'static, ()>) {
        let upstream = self.maker.upstream();
        let work = work.map(move |()| drop(upstream)).boxed();
        if self.orders.send(Order::Finish(work)).is_err() {
            tracing::debug!("the engine has stopped: work is left undone");
        }
    }
}

impl fmt::Debug for CleanUps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CleanUps").finish_non_exhaustive()
    }
}
