//! Branches that this process is about to keep.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::upstream::BranchKey;

/// Longest time that a request waits for the branch that it goes on from.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is about to be kept. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    branches: Arc<Mutex<HashMap<BranchKey, watch::Receiver<()>>>>,
}

/// One of them; dropped, those who wait for it go on.
#[derive(Debug)]
pub(super) struct Guard {
    pending: Pending,
    key: BranchKey,
    done: watch::Sender<()>,
}

impl Pending {
    /// Says that a branch is about to be kept.
    pub(super) fn expect(&self, key: BranchKey) -> Guard {
        let (done, waiting) = watch::channel(());
        self.branches().insert(key, waiting);
        Guard { pending: self.clone(), key, done }
    }

    /// Waits until a branch is kept, if it is about to be.
    pub(super) async fn settled(&self, key: BranchKey) {
        let waiting = self.branches().get(&key).cloned();
        if let Some(mut waiting) = waiting {
            // It changes only by going.
            let _ = timeout(PATIENCE, waiting.changed()).await;
        }
    }

    fn branches(&self) -> MutexGuard<'_, HashMap<BranchKey, watch::Receiver<()>>> {
        // Nothing panics while it holds the lock.
        self.branches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut branches = self.pending.branches();
        // A later one may have taken its place.
        let own =
            branches.get(&self.key).is_some_and(|one| one.same_channel(&self.done.subscribe()));
        if own {
            branches.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    const KEY: BranchKey = BranchKey([1; 32]);

    #[tokio::test(start_paused = true)]
    async fn who_needs_a_branch_waits_for_it_and_not_for_ever() {
        let pending = Pending::default();
        let begun = Instant::now();
        pending.settled(KEY).await;
        assert_eq!(begun.elapsed(), Duration::ZERO, "nothing is expected");
        let guard = pending.expect(KEY);
        pending.settled(KEY).await;
        assert_eq!(begun.elapsed(), PATIENCE);
        let finished = async {
            tokio::task::yield_now().await;
            drop(guard);
        };
        tokio::join!(pending.settled(KEY), finished);
        assert_eq!(begun.elapsed(), PATIENCE, "it was kept at once");
        assert!(pending.branches().is_empty());
    }

    #[test]
    fn one_that_has_gone_leaves_a_later_one_alone() {
        let pending = Pending::default();
        let (first, second) = (pending.expect(KEY), pending.expect(KEY));
        drop(first);
        assert_eq!(pending.branches().len(), 1);
        drop(second);
        assert!(pending.branches().is_empty());
    }
}
