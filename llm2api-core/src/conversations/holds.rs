//! The holds of this process.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::Hold;

/// What is held, or may be. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Holds(Arc<Mutex<HashSet<Hold>>>);

impl Holds {
    pub(super) fn add(&self, hold: &Hold) {
        self.holds().insert(hold.clone());
    }

    pub(super) fn remove(&self, hold: &Hold) {
        self.holds().remove(hold);
    }

    pub(super) fn all(&self) -> Vec<Hold> {
        self.holds().iter().cloned().collect()
    }

    fn holds(&self) -> MutexGuard<'_, HashSet<Hold>> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
