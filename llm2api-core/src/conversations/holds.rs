//! The holds of this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::Hold;

/// What is held, or may be, by its token. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Holds(Arc<Mutex<HashMap<String, Hold>>>);

impl Holds {
    /// Adds a hold, or what is known of it by now.
    pub(super) fn add(&self, hold: &Hold) {
        self.holds().insert(hold.token.clone(), hold.clone());
    }

    pub(super) fn remove(&self, token: &str) {
        self.holds().remove(token);
    }

    pub(super) fn all(&self) -> Vec<Hold> {
        self.holds().values().cloned().collect()
    }

    fn holds(&self) -> MutexGuard<'_, HashMap<String, Hold>> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
