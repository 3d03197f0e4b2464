//! The last requests that clients have made: when, for which model, how they ended and who was
//! asked; never what was said.

mod entry;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use entry::Entry;

/// Requests that are kept.
const KEPT: usize = 1000;

/// Keeps the last requests, in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal {
    shared: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    /// How many there have ever been.
    count: u64,
    /// The newest last.
    entries: VecDeque<Arc<Entry>>,
}

impl Journal {
    /// Takes up a request that is over; the oldest makes room for it.
    pub(crate) fn add(&self, entry: Entry) {
        let mut kept = self.lock();
        if kept.entries.len() == KEPT {
            kept.entries.pop_front();
        }
        kept.entries.push_back(Arc::new(entry));
        kept.count += 1;
    }

    /// Returns the last requests, at most so many, the newest first.
    pub(crate) fn last(&self, limit: usize) -> Vec<Arc<Entry>> {
        self.lock().entries.iter().rev().take(limit).cloned().collect()
    }

    /// Returns how many requests there have been, and at most so many of those that came after the
    /// first `seen`, the newest first.
    pub(crate) fn since(&self, seen: u64, limit: usize) -> (u64, Vec<Arc<Entry>>) {
        let kept = self.lock();
        let new = usize::try_from(kept.count.saturating_sub(seen)).unwrap_or(usize::MAX);
        let entries = kept.entries.iter().rev().take(new.min(limit)).cloned().collect();
        (kept.count, entries)
    }

    /// Returns a request by its id: the last one, where clients have used an id twice.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<Entry>> {
        self.lock().entries.iter().rev().find(|entry| entry.id == id).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Nothing panics while it holds the lock.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(ids: impl IntoIterator<Item = String>) -> Journal {
        let journal = Journal::default();
        ids.into_iter().for_each(|id| journal.add(Entry { id, ..Entry::default() }));
        journal
    }

    fn ids(entries: &[Arc<Entry>]) -> Vec<&str> {
        entries.iter().map(|entry| entry.id.as_str()).collect()
    }

    #[test]
    fn the_oldest_go_first() {
        let journal = journal((0..KEPT + 2).map(|at| format!("req_{at}")));
        assert_eq!(journal.last(usize::MAX).len(), KEPT);
        assert!(journal.find("req_1").is_none() && journal.find("req_2").is_some());
        assert_eq!(ids(&journal.last(2)), ["req_1001", "req_1000"]);
    }

    #[test]
    fn what_is_new_is_told_once() {
        let journal = journal(["a", "b", "c"].map(str::to_owned));
        let (count, new) = journal.since(1, 10);
        assert_eq!((count, ids(&new)), (3, vec!["c", "b"]));
        assert_eq!(ids(&journal.since(0, 1).1), ["c"]);
        assert_eq!(journal.since(count, 10), (3, Vec::new()));
    }
}
