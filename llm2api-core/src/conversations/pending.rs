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
    notes: Arc<Mutex<HashMap<Name, watch::Receiver<()>>>>,
}

/// By what a note is known: what it will be kept under, and in which conversation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Name {
    Branch(BranchKey),
    Conversation(String),
}

/// One of them; dropped, those who wait for it go on.
#[derive(Debug)]
pub(super) struct Guard {
    pending: Pending,
    names: Vec<Name>,
    done: watch::Sender<()>,
}

impl Pending {
    /// Says that a branch is about to be kept.
    pub(super) fn expect(&self, names: impl IntoIterator<Item = Name>) -> Guard {
        let (done, waiting) = watch::channel(());
        let names: Vec<_> = names.into_iter().collect();
        self.notes().extend(names.iter().map(|name| (name.clone(), waiting.clone())));
        Guard { pending: self.clone(), names, done }
    }

    /// Waits until what is about to be kept is; says whether there was anything to wait for.
    pub(super) async fn settled(&self, name: &Name) -> bool {
        let waiting = self.notes().get(name).cloned();
        let Some(mut waiting) = waiting else { return false };
        // It changes only by going.
        let _ = timeout(PATIENCE, waiting.changed()).await;
        true
    }

    fn notes(&self) -> MutexGuard<'_, HashMap<Name, watch::Receiver<()>>> {
        // Nothing panics while it holds the lock.
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let (own, mut notes) = (self.done.subscribe(), self.pending.notes());
        for name in &self.names {
            // A later one may have taken its place.
            if notes.get(name).is_some_and(|one| one.same_channel(&own)) {
                notes.remove(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    const NAME: Name = Name::Branch(BranchKey([1; 32]));

    #[tokio::test(start_paused = true)]
    async fn who_needs_a_branch_waits_for_it_and_not_for_ever() {
        let pending = Pending::default();
        let begun = Instant::now();
        assert!(!pending.settled(&NAME).await, "nothing is expected");
        let guard = pending.expect([NAME]);
        assert!(pending.settled(&NAME).await);
        assert_eq!(begun.elapsed(), PATIENCE);
        let finished = async {
            tokio::task::yield_now().await;
            drop(guard);
        };
        tokio::join!(pending.settled(&NAME), finished);
        assert_eq!(begun.elapsed(), PATIENCE, "it was kept at once");
        assert!(pending.notes().is_empty());
    }

    #[test]
    fn one_that_has_gone_leaves_a_later_one_alone() {
        let pending = Pending::default();
        let (first, second) = (pending.expect([NAME]), pending.expect([NAME]));
        drop(first);
        assert_eq!(pending.notes().len(), 1);
        drop(second);
        assert!(pending.notes().is_empty());
    }
}
