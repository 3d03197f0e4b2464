//! How many calls a credential carries.
//!
//! Free of everything else, so that a model checker can run it: `tests/seats.rs` puts loom's atomics
//! in the place of the standard ones.

use super::sync::{AtomicBool, AtomicU32, Ordering};

/// The places at one credential, and the one trial call of a credential that comes back.
#[derive(Debug)]
pub(crate) struct Seats {
    taken: AtomicU32,
    on_trial: AtomicBool,
}

impl Seats {
    pub(crate) fn new() -> Self {
        Self { taken: AtomicU32::new(0), on_trial: AtomicBool::new(false) }
    }

    pub(crate) fn taken(&self) -> u32 {
        self.taken.load(Ordering::Acquire)
    }

    /// Takes one of `limit` places; says no when all are taken.
    pub(crate) fn take(&self, limit: u32) -> bool {
        let more = |taken: u32| (taken < limit).then_some(taken + 1);
        self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok()
    }

    /// Gives a place back.
    pub(crate) fn give_back(&self) {
        self.taken.fetch_sub(1, Ordering::AcqRel);
    }

    /// Takes one of `limit` places for the trial call; says no when another is on trial.
    pub(crate) fn take_for_trial(&self, limit: u32) -> bool {
        let (from, to) = (Ordering::AcqRel, Ordering::Acquire);
        if self.on_trial.compare_exchange(false, true, from, to).is_err() {
            return false;
        }
        let taken = self.take(limit);
        if !taken {
            self.end_trial();
        }
        taken
    }

    pub(crate) fn is_on_trial(&self) -> bool {
        self.on_trial.load(Ordering::Acquire)
    }

    /// Lets the next trial call come.
    pub(crate) fn end_trial(&self) {
        self.on_trial.store(false, Ordering::Release);
    }
}
