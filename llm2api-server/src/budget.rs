//! How many bytes of request bodies are held at the same time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of bytes that all requests share. Clones share it too.
#[derive(Clone)]
pub(crate) struct Budget {
    shared: Arc<Shared>,
}

struct Shared {
    limit: AtomicUsize,
    taken: AtomicUsize,
}

/// What one request has taken of a [`Budget`]; goes back when this is dropped.
#[derive(Debug)]
pub(crate) struct Charge {
    budget: Budget,
    taken: usize,
}

impl Budget {
    /// Makes one of so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        let (limit, taken) = (AtomicUsize::new(bytes), AtomicUsize::new(0));
        Self { shared: Arc::new(Shared { limit, taken }) }
    }

    /// Changes how many there are; what was taken stays so, though it may be more.
    pub(crate) fn resize(&self, bytes: usize) {
        self.shared.limit.store(bytes, Ordering::Relaxed);
    }

    /// Begins to take from it, with nothing yet.
    pub(crate) fn charge(&self) -> Charge {
        Charge { budget: self.clone(), taken: 0 }
    }
}

impl Charge {
    /// Takes more bytes, or none and says `false` where there are not so many left.
    #[must_use]
    pub(crate) fn take(&mut self, bytes: usize) -> bool {
        let Shared { limit, taken } = &*self.budget.shared;
        let limit = limit.load(Ordering::Relaxed);
        let more = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= limit);
        let taken = taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        self.taken += if taken { bytes } else { 0 };
        taken
    }

    /// Gives back all but so many bytes.
    pub(crate) fn keep(&mut self, bytes: usize) {
        let less = self.taken.saturating_sub(bytes);
        self.budget.shared.taken.fetch_sub(less, Ordering::Relaxed);
        self.taken -= less;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.shared.taken.fetch_sub(self.taken, Ordering::Relaxed);
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { limit, taken } = &*self.shared;
        f.debug_struct("Budget").field("limit", limit).field("taken", taken).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_comes_back_whole() {
        let budget = Budget::new(10);
        let (mut one, mut two) = (budget.charge(), budget.charge());
        assert!(one.take(4) && one.take(3) && two.take(3));
        assert!(!two.take(1), "nothing is left");
        drop(one);
        assert!(two.take(7) && !two.take(1));
        drop(two);
        assert!(budget.charge().take(10));
    }

    #[test]
    fn what_is_kept_is_all_that_stays_taken() {
        let budget = Budget::new(10);
        let mut one = budget.charge();
        assert!(one.take(8));
        one.keep(9);
        assert!(!budget.charge().take(3), "nothing was given back");
        one.keep(2);
        assert!(budget.charge().take(8) && !budget.charge().take(9));
        drop(one);
        assert!(budget.charge().take(10));
    }

    #[test]
    fn a_smaller_budget_takes_nothing_back() {
        let budget = Budget::new(10);
        let mut one = budget.charge();
        assert!(one.take(8));
        budget.resize(5);
        assert!(!budget.charge().take(1), "more is taken than there is");
        drop(one);
        assert!(budget.charge().take(5) && !budget.charge().take(6));
        budget.resize(20);
        assert!(budget.charge().take(20));
    }

    #[test]
    fn what_does_not_fit_takes_nothing() {
        let budget = Budget::new(10);
        let mut charge = budget.charge();
        assert!(!charge.take(11) && charge.take(10));
    }
}
