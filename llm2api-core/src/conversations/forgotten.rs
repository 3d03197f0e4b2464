//! Accounts that are gone, and whose conversations go as well.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::credential::CredentialId;

/// How long an account is known to be gone: longer than a turn of it may still be under way.
const KNOWN_FOR: Duration = Duration::from_secs(3600);

/// The accounts that went of late. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Forgotten(Arc<Mutex<HashMap<CredentialId, Instant>>>);

impl Forgotten {
    pub(super) fn add(&self, owner: &CredentialId) {
        self.with(|all| {
            all.insert(owner.clone(), Instant::now());
        });
    }

    pub(super) fn has(&self, owner: &CredentialId) -> bool {
        self.with(|all| all.contains_key(owner))
    }

    pub(super) fn all(&self) -> Vec<CredentialId> {
        self.with(|all| {
            all.retain(|_, since| since.elapsed() < KNOWN_FOR);
            all.keys().cloned().collect()
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<CredentialId, Instant>) -> T) -> T {
        // Nothing panics while it holds the lock.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
