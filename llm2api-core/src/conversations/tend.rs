//! What is done for conversations from time to time, and at the end.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::handle::{Keeper, LEASE, RENEW};
use super::rules::ConversationMode;
use crate::clock::after;
use crate::store::Collection;

/// The shortest and the longest pause between two looks for what is old.
const LOOK: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// The pause where none are to be kept.
const FRESH_LOOK: Duration = Duration::from_secs(5);

/// The work that goes with a keeper.
pub(crate) struct Tending {
    keeper: Keeper,
}

impl Tending {
    pub(crate) fn new(keeper: Keeper) -> Self {
        Self { keeper }
    }

    /// Returns what has to be done when everything else is: it says whether there is more to do.
    pub(crate) fn last(&self) -> impl Fn() -> BoxFuture<'static, bool> + Send + use<> {
        let keeper = self.keeper.clone();
        move || {
            let keeper = keeper.clone();
            async move {
                // Nobody will know them again.
                let (keeps, outlives) = keeper.vault.keeps_conversations();
                let all = Collection { held_too: true, ..Collection::default() };
                keeps && !outlives && keeper.collect(&all).await > 0
            }
            .boxed()
        }
    }

    /// Renews what is held and removes what is old until told to stop.
    pub(crate) async fn work(self, mut stopped: watch::Receiver<()>) {
        let mut renewing = interval(RENEW);
        renewing.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut look = Instant::now();
        loop {
            tokio::select! {
                _ = renewing.tick() => self.renew().await,
                () = sleep_until(look) => {
                    self.collect_old().await;
                    look = after(self.look_again().await);
                }
                () = self.keeper.changed.notified() => look = Instant::now(),
                _ = stopped.changed() => return,
            }
        }
    }

    /// What is old need not go at once.
    async fn look_again(&self) -> Duration {
        if let (ConversationMode::Reuse, rules) = self.keeper.terms() {
            return (rules.life / 4).clamp(LOOK.0, LOOK.1);
        }
        // Those that were held when it was switched off go as soon as they are free.
        let left = self.keeper.vault.conversations().await;
        if left.is_ok_and(|left| left.is_empty()) { LOOK.1 } else { FRESH_LOOK }
    }

    async fn renew(&self) {
        let Keeper { vault, holds, .. } = &self.keeper;
        if let Err(error) = vault.renew_holds(&holds.all(), LEASE).await {
            tracing::debug!(%error, "conversations may be taken for free");
        }
    }

    async fn collect_old(&self) {
        self.keeper.collect_forgotten().await;
        let (mode, rules) = self.keeper.terms();
        let unused_for = match mode {
            ConversationMode::Reuse => rules.life,
            ConversationMode::Fresh => Duration::ZERO,
        };
        let which = Collection { unused_for, ..Collection::default() };
        let count = self.keeper.collect(&which).await;
        if count > 0 {
            tracing::debug!(count, "removing conversations that nobody went on with");
        }
    }
}
