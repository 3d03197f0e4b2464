//! How many bytes of request bodies are held at the same time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of bytes that all requests share. Clones share it too.
#[derive(Clone)]
pub(crate) struct Budget {
    left: Arc<AtomicUsize>,
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
        Self { left: Arc::new(AtomicUsize::new(bytes)) }
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
        let rest = |left: usize| left.checked_sub(bytes);
        let left = &self.budget.left;
        let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, rest).is_ok();
        self.taken += if taken { bytes } else { 0 };
        taken
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.left.fetch_add(self.taken, Ordering::Relaxed);
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").field("left", &self.left.load(Ordering::Relaxed)).finish()
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
    fn what_does_not_fit_takes_nothing() {
        let budget = Budget::new(10);
        let mut charge = budget.charge();
        assert!(!charge.take(11) && charge.take(10));
    }
}
