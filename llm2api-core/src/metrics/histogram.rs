//! Durations, counted by size.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::tally::Visit;

/// Upper bounds of the buckets, in microseconds; the last bucket has none.
///
/// Below 10 ms each is twice the one before, for what a gateway itself takes; above, twice the one
/// before the last, for what models take. Among the latter are all bounds that the semantic
/// conventions for generative AI advise for the duration of an operation.
pub const BOUNDS_US: [u64; 43] = [
    10,
    20,
    40,
    80,
    160,
    320,
    640,
    1_280,
    2_560,
    5_120,
    10_000,
    14_142,
    20_000,
    28_284,
    40_000,
    56_569,
    80_000,
    113_137,
    160_000,
    226_274,
    320_000,
    452_548,
    640_000,
    905_097,
    1_280_000,
    1_810_193,
    2_560_000,
    3_620_387,
    5_120_000,
    7_240_773,
    10_240_000,
    14_481_547,
    20_480_000,
    28_963_094,
    40_960_000,
    57_926_188,
    81_920_000,
    115_852_375,
    163_840_000,
    231_704_750,
    327_680_000,
    463_409_500,
    655_360_000,
];

const BUCKETS: usize = BOUNDS_US.len() + 1;

/// A histogram at one instant: how many durations were no longer than each of [`BOUNDS_US`] and
/// longer than the bound before.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistogramSnapshot {
    /// How many fell into each bucket.
    pub counts: [u64; BUCKETS],
    /// All durations together.
    pub sum: Duration,
}

impl Default for HistogramSnapshot {
    fn default() -> Self {
        Self { counts: [0; BUCKETS], sum: Duration::ZERO }
    }
}

impl HistogramSnapshot {
    /// Returns how many durations were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Returns the duration that a share of all, from 0 to 1, does not exceed; none where nothing
    /// was counted. Within a bucket it is estimated as if durations were spread evenly.
    ///
    /// # Example
    /// ```
    /// use std::time::Duration;
    /// use llm2api_core::Metrics;
    ///
    /// let metrics = Metrics::default();
    /// (0..100).for_each(|_| metrics.first_content(Duration::from_millis(30)));
    /// let median = metrics.snapshot().first_content.quantile(0.5).expect("a hundred");
    /// assert!((28..40).contains(&median.as_millis()));
    /// ```
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        clippy::cast_possible_truncation,
        reason = "an estimate, of counts far below 2^52"
    )]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let all = self.count();
        let wanted = share.clamp(0.0, 1.0) * all as f64;
        let mut below = 0;
        for (at, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let reached = below + count;
            if reached as f64 >= wanted {
                let from = at.checked_sub(1).map_or(0, |before| BOUNDS_US[before]);
                let to = BOUNDS_US.get(at).copied().unwrap_or(from);
                let within = (wanted - below as f64) / *count as f64;
                return Some(Duration::from_micros(from + ((to - from) as f64 * within) as u64));
            }
            below = reached;
        }
        None
    }

    /// Visits the figures of two snapshots, with their names: a bucket has that of its bound.
    pub(super) fn each(&mut self, name: &str, other: &mut Self, visit: &mut impl Visit) {
        for (at, (own, others)) in self.counts.iter_mut().zip(&mut other.counts).enumerate() {
            let bucket = || match BOUNDS_US.get(at) {
                Some(bound) => format!("{name}{bound}"),
                None => format!("{name}inf"),
            };
            visit.figure(bucket, own, others);
        }
        let (mut own, mut others) = (micros(self.sum), micros(other.sum));
        visit.figure(|| format!("{name}sum"), &mut own, &mut others);
        (self.sum, other.sum) = (Duration::from_micros(own), Duration::from_micros(others));
    }
}

/// Takes room only once something was measured: most of many credentials are never used.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    filled: OnceLock<Box<Buckets>>,
}

#[derive(Debug)]
struct Buckets {
    counts: [AtomicU64; BUCKETS],
    micros: AtomicU64,
}

impl Default for Buckets {
    fn default() -> Self {
        Self { counts: std::array::from_fn(|_| AtomicU64::new(0)), micros: AtomicU64::new(0) }
    }
}

impl Histogram {
    pub(super) fn add(&self, duration: Duration) {
        let micros = micros(duration);
        let bucket = BOUNDS_US.partition_point(|bound| *bound < micros);
        let buckets = self.filled.get_or_init(Box::default);
        buckets.counts[bucket].fetch_add(1, Ordering::Relaxed);
        buckets.micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self) -> HistogramSnapshot {
        let Some(buckets) = self.filled.get() else { return HistogramSnapshot::default() };
        HistogramSnapshot {
            counts: std::array::from_fn(|at| buckets.counts[at].load(Ordering::Relaxed)),
            sum: Duration::from_micros(buckets.micros.load(Ordering::Relaxed)),
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(millis: &[u64]) -> HistogramSnapshot {
        let histogram = Histogram::default();
        millis.iter().for_each(|millis| histogram.add(Duration::from_millis(*millis)));
        histogram.snapshot()
    }

    #[test]
    fn bounds_grow() {
        assert!(BOUNDS_US.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn a_duration_on_a_bound_is_below_it() {
        let snapshot = filled(&[10]);
        let at = BOUNDS_US.iter().position(|bound| *bound == 10_000).expect("is one");
        assert_eq!((snapshot.counts[at], snapshot.sum), (1, Duration::from_millis(10)));
    }

    #[test]
    fn quantiles_lie_in_the_bucket_of_what_was_measured() {
        assert_eq!(filled(&[]).quantile(0.5), None);
        let mut mixed = vec![30; 90];
        mixed.extend([3000; 10]);
        let snapshot = filled(&mixed);
        let quantile = |share| snapshot.quantile(share).expect("measured").as_millis();
        assert!((28..=40).contains(&quantile(0.5)), "{}", quantile(0.5));
        assert!((2560..=3621).contains(&quantile(0.95)), "{}", quantile(0.95));
        let longest = filled(&[3_600_000]).quantile(0.5).expect("measured");
        assert_eq!(longest.as_micros(), 655_360_000, "as much as is known");
    }
}
