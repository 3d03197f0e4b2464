//! Counters and histograms as plain data.

mod tally;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(crate) use tally::TokenCount;
pub use tally::{BOUNDS_MS, HistogramSnapshot, Tally, TallySnapshot, Tokens};

use crate::chat::Outcome;

/// Names of models that are counted by name; what comes later counts as `other`.
const MODELS: usize = 1000;

/// Counts what happens. Cloning is cheap and shares the counters.
///
/// # Example
/// ```
/// use llm2api_core::Metrics;
///
/// let metrics = Metrics::default();
/// assert_eq!(metrics.snapshot().started, 0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    started: AtomicU64,
    models: AtomicUsize,
    total: Arc<Tally>,
    store_away: AtomicBool,
    store_failures: AtomicU64,
    series: Mutex<HashMap<Arc<str>, Series>>,
}

/// The counters of one thing, and how much of them has been handed over.
#[derive(Debug, Default)]
struct Series {
    tally: Arc<Tally>,
    handed: Option<Box<TallySnapshot>>,
}

/// The counters at one instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricsSnapshot {
    /// Calls that began.
    pub started: u64,
    /// Calls whose answer is whole.
    pub completed: u64,
    /// Calls whose caller left.
    pub cancelled: u64,
    /// Calls that failed.
    pub failed: u64,
    /// From the call to its end.
    pub duration: HistogramSnapshot,
    /// From the call to its first content.
    pub first_content: HistogramSnapshot,
    /// The store cannot be reached: calls go on with what is known.
    pub store_away: bool,
    /// What the store was asked in vain.
    pub store_failures: u64,
}

impl MetricsSnapshot {
    /// Returns how many calls are under way.
    pub fn in_flight(&self) -> u64 {
        self.started.saturating_sub(self.completed + self.cancelled + self.failed)
    }
}

/// What was counted since it was last handed over.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    parts: Vec<(Arc<str>, TallySnapshot)>,
}

impl Batch {
    /// Returns the name of each series, such as `model:llama` or `credential:cred_1`, and what is
    /// to be added to each of its figures.
    pub fn figures(&self) -> impl Iterator<Item = (&str, String, u64)> {
        self.parts.iter().flat_map(|(name, part)| {
            part.figures().into_iter().map(move |(field, value)| (&**name, field, value))
        })
    }

    /// Says whether there is nothing to hand over.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

impl Metrics {
    /// Notes that a call begins.
    pub fn start(&self) {
        self.shared.started.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that a call has its first content.
    pub fn first_content(&self, after: Duration) {
        self.shared.total.first_content(after);
    }

    /// Notes that a call is over.
    pub fn end(&self, outcome: Outcome, after: Duration) {
        self.shared.total.begin();
        self.shared.total.end(outcome, after);
    }

    /// Returns the counters of a model that has answered before, else those of `other`: a name that
    /// a caller has made up is not worth a series of its own.
    pub fn known_model(&self, name: &str) -> Arc<Tally> {
        let known = self.series().get(model_key(name).as_str()).map(|known| known.tally.clone());
        known.unwrap_or_else(|| self.model("other"))
    }

    /// Returns the counters of a model, by the name that callers use.
    pub fn model(&self, name: &str) -> Arc<Tally> {
        let mut series = self.series();
        let key = model_key(name);
        if let Some(known) = series.get(key.as_str()) {
            return known.tally.clone();
        }
        let known = self.shared.models.fetch_add(1, Ordering::Relaxed);
        let key = if known < MODELS { key } else { "model:other".to_owned() };
        series.entry(key.into()).or_default().tally.clone()
    }

    /// Returns the counters of a credential.
    pub fn credential(&self, id: &str) -> Arc<Tally> {
        let key = format!("credential:{id}");
        let mut series = self.series();
        if let Some(known) = series.get(key.as_str()) {
            return known.tally.clone();
        }
        series.entry(key.into()).or_default().tally.clone()
    }

    /// Returns the counters of a credential, unless they were forgotten or never were.
    pub fn known_credential(&self, id: &str) -> Option<Arc<Tally>> {
        let key = format!("credential:{id}");
        self.series().get(key.as_str()).map(|known| known.tally.clone())
    }

    /// Returns how many requests of a credential, and how many failures, were handed over.
    pub(crate) fn handed_over(&self, id: &str) -> (u64, u64) {
        let series = self.series();
        let known = series.get(format!("credential:{id}").as_str());
        let handed = known.and_then(|known| known.handed.as_deref());
        handed.map_or((0, 0), |handed| (handed.requests, handed.failed))
    }

    /// Forgets the counters of a credential that is gone.
    pub fn forget_credential(&self, id: &str) {
        self.series().remove(format!("credential:{id}").as_str());
    }

    /// Reads the counters.
    pub fn snapshot(&self) -> MetricsSnapshot {
        let total = self.shared.total.snapshot();
        MetricsSnapshot {
            started: self.shared.started.load(Ordering::Relaxed),
            completed: total.completed,
            cancelled: total.cancelled,
            failed: total.failed,
            duration: total.duration,
            first_content: total.first_content,
            store_away: self.shared.store_away.load(Ordering::Relaxed),
            store_failures: self.shared.store_failures.load(Ordering::Relaxed),
        }
    }

    /// Notes whether the store can be reached.
    pub(crate) fn store_is_away(&self, away: bool) {
        self.shared.store_away.store(away, Ordering::Relaxed);
    }

    /// Notes that the store was asked in vain.
    pub(crate) fn store_failed(&self) {
        self.shared.store_failures.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns what was counted and not handed over yet. Until [`hand_over`](Self::hand_over) says
    /// that it has arrived, it is returned again.
    pub fn pending(&self) -> Batch {
        let since = |(name, series): (&Arc<str>, &Series)| {
            let part = series.tally.snapshot().since(series.handed.as_deref())?;
            Some((name.clone(), part))
        };
        let mut parts: Vec<_> = self.series().iter().filter_map(since).collect();
        parts.sort_by(|one, other| one.0.cmp(&other.0));
        Batch { parts }
    }

    /// Takes note that a batch has arrived where it is kept.
    pub fn hand_over(&self, batch: &Batch) {
        let mut all = self.series();
        for (name, part) in &batch.parts {
            if let Some(series) = all.get_mut(name) {
                series.handed.get_or_insert_default().add(part);
            }
        }
    }

    fn series(&self) -> MutexGuard<'_, HashMap<Arc<str>, Series>> {
        // Nothing panics while it holds the lock.
        self.shared.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn model_key(name: &str) -> String {
    format!("model:{name:.200}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_arrive_is_handed_over_again() {
        let metrics = Metrics::default();
        let tally = metrics.model("llama");
        tally.begin();
        tally.end(Outcome::Completed, Duration::from_millis(30));
        let first = metrics.pending();
        assert!(first.figures().any(|figure| figure == ("model:llama", "requests".into(), 1)));
        tally.begin();
        let requests = |batch: &Batch| {
            batch.figures().find(|(_, field, _)| field == "requests").map(|figure| figure.2)
        };
        assert_eq!(requests(&metrics.pending()), Some(2), "the first batch was lost");
        metrics.hand_over(&first);
        assert_eq!(requests(&metrics.pending()), Some(1));
        metrics.hand_over(&metrics.pending());
        assert!(metrics.pending().is_empty());
    }

    #[test]
    fn a_model_that_never_answered_is_an_other() {
        let metrics = Metrics::default();
        metrics.known_model("made-up").begin();
        metrics.model("llama").begin();
        metrics.known_model("llama").begin();
        let batch = metrics.pending();
        let requests = batch.figures().filter(|(_, field, _)| field == "requests");
        let requests: Vec<_> = requests.map(|(series, _, value)| (series, value)).collect();
        assert_eq!(requests, [("model:llama", 2), ("model:other", 1)]);
    }

    #[test]
    fn invented_models_count_as_one() {
        let metrics = Metrics::default();
        (0..3 * MODELS).for_each(|at| metrics.model(&format!("m{at}")).begin());
        assert_eq!(metrics.pending().parts.len(), MODELS + 1);
    }
}
