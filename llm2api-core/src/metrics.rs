//! Counters and histograms as plain data.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::chat::Outcome;

/// Upper bounds of the duration buckets, in milliseconds; the last bucket has none.
pub const BOUNDS_MS: [u64; 11] = [5, 10, 25, 50, 100, 250, 500, 1000, 5000, 30_000, 120_000];

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
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    started: AtomicU64,
    completed: AtomicU64,
    cancelled: AtomicU64,
    failed: AtomicU64,
    duration: Histogram,
    first_content: Histogram,
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
}

impl MetricsSnapshot {
    /// Returns how many calls are under way.
    pub fn in_flight(&self) -> u64 {
        self.started.saturating_sub(self.completed + self.cancelled + self.failed)
    }
}

/// A histogram at one instant: how many durations fell below each of [`BOUNDS_MS`], and above.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistogramSnapshot {
    /// How many fell into each bucket.
    pub counts: [u64; BOUNDS_MS.len() + 1],
    /// All durations together.
    pub sum: Duration,
}

impl Metrics {
    /// Notes that a call begins.
    pub fn start(&self) {
        self.counters.started.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that a call has its first content.
    pub fn first_content(&self, after: Duration) {
        self.counters.first_content.add(after);
    }

    /// Notes that a call is over.
    pub fn end(&self, outcome: Outcome, after: Duration) {
        let counter = match outcome {
            Outcome::Completed => &self.counters.completed,
            Outcome::Cancelled => &self.counters.cancelled,
            Outcome::Failed(_) => &self.counters.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.counters.duration.add(after);
    }

    /// Reads the counters.
    pub fn snapshot(&self) -> MetricsSnapshot {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        MetricsSnapshot {
            started: read(&self.counters.started),
            completed: read(&self.counters.completed),
            cancelled: read(&self.counters.cancelled),
            failed: read(&self.counters.failed),
            duration: self.counters.duration.snapshot(),
            first_content: self.counters.first_content.snapshot(),
        }
    }
}

#[derive(Debug, Default)]
struct Histogram {
    counts: [AtomicU64; BOUNDS_MS.len() + 1],
    micros: AtomicU64,
}

impl Histogram {
    fn add(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_MS.partition_point(|bound| bound * 1000 < micros);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    fn snapshot(&self) -> HistogramSnapshot {
        HistogramSnapshot {
            counts: std::array::from_fn(|at| self.counts[at].load(Ordering::Relaxed)),
            sum: Duration::from_micros(self.micros.load(Ordering::Relaxed)),
        }
    }
}
