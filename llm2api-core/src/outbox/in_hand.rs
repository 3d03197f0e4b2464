//! The clean-ups that this process is at work on.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The ids of the clean-ups in hand. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct InHand(Arc<Mutex<HashSet<String>>>);

/// Holds one id among those in hand.
pub(super) struct Held<'a>(&'a InHand, String);

impl InHand {
    /// Takes an id in hand until the guard is dropped.
    pub(super) fn hold(&self, id: &str) -> Held<'_> {
        self.ids().insert(id.to_owned());
        Held(self, id.to_owned())
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.ids().contains(id)
    }

    pub(super) fn count(&self) -> usize {
        self.ids().len()
    }

    fn ids(&self) -> MutexGuard<'_, HashSet<String>> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.ids().remove(&self.1);
    }
}
