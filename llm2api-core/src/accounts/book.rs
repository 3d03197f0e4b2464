//! What is known about each account beside how it fares.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::model::Verdict;
use crate::credential::{CredentialId, Profile};
use crate::store::Fingerprint;

/// The profiles of all accounts.
#[derive(Debug, Default)]
pub(super) struct Book {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
pub(super) struct Inner {
    /// Boxed: a map has room to spare, and pages are large.
    pub(super) pages: HashMap<CredentialId, Box<Page>>,
    by_fingerprint: HashMap<Fingerprint, CredentialId>,
}

/// One account.
#[derive(Clone, Debug)]
pub(super) struct Page {
    pub(super) profile: Profile,
    pub(super) fingerprint: Fingerprint,
    /// Requests, and failures and refusals, that were counted before this process began, or elsewhere.
    pub(super) before: (u64, u64),
    /// What the last check found, and when.
    pub(super) checked: Option<(Instant, Verdict)>,
    /// When a check, of this server or another, was last heard of.
    pub(super) asked: Option<Instant>,
}

impl Page {
    pub(super) fn new(profile: Profile, fingerprint: Fingerprint) -> Self {
        Self { profile, fingerprint, before: (0, 0), checked: None, asked: None }
    }
}

impl Book {
    pub(super) fn get(&self, id: &CredentialId) -> Option<Page> {
        self.lock().pages.get(id).map(|page| Page::clone(page))
    }

    pub(super) fn label(&self, id: &CredentialId) -> Option<String> {
        self.lock().pages.get(id).map(|page| page.profile.label.clone())
    }

    pub(super) fn put(&self, id: CredentialId, page: Page) {
        let Inner { pages, by_fingerprint } = &mut *self.lock();
        if let Some(old) = pages.get(&id) {
            by_fingerprint.remove(&old.fingerprint);
        }
        by_fingerprint.insert(page.fingerprint.clone(), id.clone());
        pages.insert(id, Box::new(page));
    }

    pub(super) fn remove(&self, id: &CredentialId) {
        let Inner { pages, by_fingerprint } = &mut *self.lock();
        if let Some(page) = pages.remove(id) {
            by_fingerprint.remove(&page.fingerprint);
        }
    }

    pub(super) fn change(&self, id: &CredentialId, change: impl FnOnce(&mut Page)) {
        if let Some(page) = self.lock().pages.get_mut(id) {
            change(page);
        }
    }

    /// Finds the account with this secret.
    pub(super) fn find(&self, fingerprint: &Fingerprint) -> Option<CredentialId> {
        self.lock().by_fingerprint.get(fingerprint).cloned()
    }

    /// Lists the accounts, oldest first.
    pub(super) fn ids(&self) -> Vec<CredentialId> {
        let inner = self.lock();
        let mut ids: Vec<_> =
            inner.pages.iter().map(|(id, page)| (page.profile.created_ms, id.clone())).collect();
        drop(inner);
        ids.sort_by(|one, other| (one.0, one.1.as_str()).cmp(&(other.0, other.1.as_str())));
        ids.into_iter().map(|(_, id)| id).collect()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it holds the lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
