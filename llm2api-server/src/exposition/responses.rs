//! Counts the answers of this server.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// A row of the route table, and a status; none for paths that nobody serves.
type Key = (Option<Arc<str>>, u16);

/// How often each route has answered with each status. Clones share the counters.
///
/// Routes are rows of a table and statuses those that this server gives, so there are few of both.
#[derive(Clone, Debug, Default)]
pub(crate) struct Responses {
    counts: Arc<RwLock<HashMap<Key, AtomicU64>>>,
}

impl Responses {
    /// Counts an answer.
    pub(crate) fn count(&self, route: Option<Arc<str>>, status: u16) {
        let key = (route, status);
        let counts = self.counts.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get(&key) {
            count.fetch_add(1, Ordering::Relaxed);
            return;
        }
        drop(counts);
        let mut counts = self.counts.write().unwrap_or_else(PoisonError::into_inner);
        counts.entry(key).or_default().fetch_add(1, Ordering::Relaxed);
    }

    /// Returns route, status and how often, in order; what nobody serves is under `none`.
    pub(super) fn read(&self) -> Vec<(Arc<str>, u16, u64)> {
        let counts = self.counts.read().unwrap_or_else(PoisonError::into_inner);
        let of = |((route, status), count): (&Key, &AtomicU64)| {
            let route = route.clone().unwrap_or_else(|| "none".into());
            (route, *status, count.load(Ordering::Relaxed))
        };
        let mut all: Vec<_> = counts.iter().map(of).collect();
        drop(counts);
        all.sort();
        all
    }
}
