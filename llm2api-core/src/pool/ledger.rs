//! Which changes of a credential's health the store has.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counts changes, and those that are kept.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    changes: AtomicU64,
    kept: AtomicU64,
    /// Somebody was told of the changes that the store has not.
    announced: AtomicBool,
}

impl Ledger {
    /// Starts with what another one had not kept.
    pub(super) fn after(old: &Self) -> Self {
        let ledger = Self::default();
        ledger.changes.store(old.is_behind().into(), Ordering::Relaxed);
        ledger
    }

    /// Notes a change; whoever makes it holds the lock on what changes.
    pub(super) fn change(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// Returns the changes so far, which are about to be read and kept. In this order a change
    /// meanwhile is told of, and kept, once more rather than not at all.
    pub(super) fn begin(&self) -> u64 {
        self.announced.store(false, Ordering::Release);
        self.changes.load(Ordering::Acquire)
    }

    /// Notes that all up to this change are kept.
    pub(super) fn was_kept(&self, change: u64) {
        self.kept.fetch_max(change, Ordering::AcqRel);
    }

    /// Says whether nobody has been told yet of a change, who is told now.
    pub(super) fn announce(&self) -> bool {
        !self.announced.swap(true, Ordering::AcqRel)
    }

    /// Says whether the store lacks a change.
    pub(super) fn is_behind(&self) -> bool {
        self.changes.load(Ordering::Acquire) != self.kept.load(Ordering::Acquire)
    }
}
