//! Counters and histograms as plain data.

mod histogram;
mod series;
mod tally;
mod usage;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

pub use histogram::{BOUNDS_US, HistogramSnapshot};
use series::AllSeries;
pub use series::Batch;
pub(crate) use tally::TokenCount;
pub use tally::{Tally, TallySnapshot, Tokens};
pub use usage::{TOKEN_BOUNDS, TokenSizes, TokenUsage};

use crate::chat::Outcome;
use crate::error::ErrorKind;

/// The series of all calls together.
pub(crate) const TOTAL: &str = "total";
/// What the series of credentials begin with.
pub(crate) const CREDENTIAL: &str = "credential:";

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
    streams: AtomicU64,
    retries: Retries,
    total: Arc<Tally>,
    store_away: AtomicBool,
    store_failures: AtomicU64,
    series: AllSeries,
}

/// How often a call was tried again, by what had gone wrong.
#[derive(Debug)]
struct Retries([AtomicU64; ErrorKind::ALL.len()]);

impl Default for Retries {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
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
    /// Calls that failed, the refused ones aside.
    pub failed: u64,
    /// Calls that were [refused for what they ask](ErrorKind::is_client_error).
    pub refused: u64,
    /// From the call to its end.
    pub duration: HistogramSnapshot,
    /// From the call to its first content.
    pub first_content: HistogramSnapshot,
    /// What the gateway itself took until the answer, or its first content, was on its way.
    pub overhead: HistogramSnapshot,
    /// Answers that are being streamed.
    pub streams: u64,
    /// The store cannot be reached: calls go on with what is known.
    pub store_away: bool,
    /// What the store was asked in vain.
    pub store_failures: u64,
}

impl MetricsSnapshot {
    /// Returns how many calls are under way.
    pub fn in_flight(&self) -> u64 {
        let over = self.completed + self.cancelled + self.failed + self.refused;
        self.started.saturating_sub(over)
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

    /// Notes what the gateway itself took for a call.
    pub fn overhead(&self, took: Duration) {
        self.shared.total.overhead(took);
    }

    /// Notes that a call is over, and what it took.
    pub(crate) fn end(&self, outcome: Outcome, after: Duration, tokens: &TokenCount) {
        self.shared.total.begin();
        self.shared.total.end(outcome, after);
        self.shared.total.add_tokens(tokens);
    }

    /// Notes that an answer begins to be streamed.
    pub(crate) fn begin_stream(&self) {
        self.shared.streams.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that a streamed answer is over.
    pub(crate) fn end_stream(&self) {
        self.shared.streams.fetch_sub(1, Ordering::Relaxed);
    }

    /// Notes that a call is tried again after a failure of this kind.
    pub(crate) fn retry(&self, kind: ErrorKind) {
        self.shared.retries.0[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how often calls were tried again, by what had gone wrong: each kind after which that
    /// may happen, with zeros.
    ///
    /// # Example
    /// ```
    /// use llm2api_core::{ErrorKind, Metrics};
    ///
    /// let retries = Metrics::default().retries();
    /// assert!(retries.contains(&(ErrorKind::RateLimited, 0)));
    /// assert!(!retries.iter().any(|(kind, _)| *kind == ErrorKind::InvalidRequest));
    /// ```
    pub fn retries(&self) -> Vec<(ErrorKind, u64)> {
        let of = |kind: ErrorKind| self.shared.retries.0[kind as usize].load(Ordering::Relaxed);
        let counted = ErrorKind::ALL.into_iter().map(|kind| (kind, of(kind)));
        counted.filter(|(kind, count)| kind.verdict().is_retryable() || *count > 0).collect()
    }

    /// Returns the counters of a model that has answered before, else those of `other`: a name that
    /// a caller has made up is not worth a series of its own.
    pub fn known_model(&self, name: &str) -> Arc<Tally> {
        self.own_model(name).unwrap_or_else(|| self.model("other"))
    }

    /// Returns the counters of a model, unless it has none of its own.
    pub(crate) fn own_model(&self, name: &str) -> Option<Arc<Tally>> {
        self.shared.series.known_model(name)
    }

    /// Returns the counters of a model, by the name that callers use.
    pub fn model(&self, name: &str) -> Arc<Tally> {
        self.shared.series.model(name)
    }

    /// Returns the counters of a model that is listed, or an alias: it has some of its own in any case.
    pub(crate) fn listed_model(&self, name: &str) -> Arc<Tally> {
        self.shared.series.listed_model(name)
    }

    /// Returns the counters of a credential.
    pub fn credential(&self, id: &str) -> Arc<Tally> {
        self.shared.series.of("credential", id)
    }

    /// Returns the counters of an upstream: what is counted are attempts.
    pub fn upstream(&self, name: &str) -> Arc<Tally> {
        self.shared.series.of("upstream", name)
    }

    /// Returns the counters of whoever calls, such as a client key by its id.
    pub fn caller(&self, id: &str) -> Arc<Tally> {
        self.shared.series.of("key", id)
    }

    /// Returns the counters of a credential, unless they were forgotten or never were.
    pub fn known_credential(&self, id: &str) -> Option<Arc<Tally>> {
        self.shared.series.known("credential", id)
    }

    /// Returns how many requests of a credential, and how many failures and refusals, were handed over.
    pub(crate) fn handed_over(&self, id: &str) -> (u64, u64) {
        let handed = self.shared.series.handed(&format!("{CREDENTIAL}{id}"));
        handed.map_or((0, 0), |handed| (handed.requests, handed.failed + handed.refused))
    }

    /// Returns what was handed over of a series, such as `total` or `model:llama`.
    pub(crate) fn handed(&self, series: &str) -> Option<TallySnapshot> {
        self.shared.series.handed(series)
    }

    /// Forgets the counters of a credential that is gone.
    pub fn forget_credential(&self, id: &str) {
        self.shared.series.forget("credential", id);
    }

    /// Reads the counters of all calls.
    pub fn snapshot(&self) -> MetricsSnapshot {
        let total = self.shared.total.snapshot();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        MetricsSnapshot {
            started: read(&self.shared.started),
            completed: total.completed,
            cancelled: total.cancelled,
            failed: total.failed,
            refused: total.refused,
            duration: total.duration,
            first_content: total.first_content,
            overhead: total.overhead,
            streams: read(&self.shared.streams),
            store_away: self.shared.store_away.load(Ordering::Relaxed),
            store_failures: read(&self.shared.store_failures),
        }
    }

    /// Reads what was counted of all calls since the process began, tokens included.
    pub fn total(&self) -> TallySnapshot {
        self.shared.total.snapshot()
    }

    /// Reads the counters of each series of one kind, by the name behind it: `model`, `credential`,
    /// `upstream` or `key`.
    ///
    /// # Example
    /// ```
    /// use llm2api_core::Metrics;
    ///
    /// let metrics = Metrics::default();
    /// metrics.model("llama").begin();
    /// let models = metrics.series("model");
    /// assert_eq!((&*models[0].0, models[0].1.requests), ("llama", 1));
    /// ```
    pub fn series(&self, kind: &str) -> Vec<(String, TallySnapshot)> {
        self.shared.series.of_kind(kind)
    }

    /// Reads how many tokens the calls of each model had, as far as upstreams have counted them.
    ///
    /// # Example
    /// ```
    /// use llm2api_core::Metrics;
    ///
    /// assert!(Metrics::default().token_usage().is_empty());
    /// ```
    pub fn token_usage(&self) -> Vec<(String, TokenUsage)> {
        let tallies = self.shared.series.tallies("model").into_iter();
        tallies.map(|(name, tally)| (name, tally.usage())).collect()
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
        self.shared.series.pending(&self.shared.total)
    }

    /// Leaves out of a batch what was forgotten since it was cut.
    pub(crate) fn still_known(&self, batch: &mut Batch) {
        self.shared.series.still_known(batch);
    }

    /// Takes note that a batch has arrived where it is kept.
    pub fn hand_over(&self, batch: &Batch) {
        self.shared.series.hand_over(batch);
    }
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
    fn all_calls_are_handed_over_as_well() {
        let metrics = Metrics::default();
        metrics.end(Outcome::Completed, Duration::from_millis(30), &TokenCount::default());
        let requests = |batch: &Batch| batch.figures().filter(|(name, ..)| *name == TOTAL).count();
        assert!(requests(&metrics.pending()) > 0);
        metrics.hand_over(&metrics.pending());
        assert_eq!(requests(&metrics.pending()), 0);
    }

    #[test]
    fn each_kind_has_a_place_of_its_own() {
        let metrics = Metrics::default();
        for (at, kind) in ErrorKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, at);
            metrics.retry(kind);
        }
        assert!(metrics.retries().iter().all(|(_, count)| *count == 1));
        assert_eq!(metrics.retries().len(), ErrorKind::ALL.len());
    }
}
