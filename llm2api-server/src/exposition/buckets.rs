//! Joins the many buckets of the engine to the few that are told: exactly, since each bound that is
//! told is one of the engine's.

use llm2api_core::{BOUNDS_US, HistogramSnapshot, TOKEN_BOUNDS, TokenSizes};

/// What models take: the bounds that OpenTelemetry's conventions advise for an operation, 0.01 s to
/// 81.92 s, each twice the one before.
pub(super) const CALLS_US: [u64; 14] = [
    10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 640_000, 1_280_000, 2_560_000, 5_120_000,
    10_240_000, 20_480_000, 40_960_000, 81_920_000,
];

/// What the gateway itself takes: from 10 µs to 5.12 ms, each twice the one before, and three more
/// for days that are not good.
pub(super) const OVERHEAD_US: [u64; 13] =
    [10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 5_120, 20_000, 160_000, 1_280_000];

/// A histogram as it is written: how much each bucket holds by itself, and the sum of all.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Buckets {
    pub(super) sum: f64,
    /// Upper bounds, of which the last is infinite, and counts.
    pub(super) counts: Vec<(f64, u64)>,
}

impl Buckets {
    /// Joins the buckets of durations up to each of these bounds, in microseconds.
    pub(super) fn of_durations(snapshot: &HistogramSnapshot, bounds: &[u64]) -> Self {
        let counts = join(&BOUNDS_US, &snapshot.counts, bounds);
        let seconds = |(bound, count): (f64, u64)| (bound / 1e6, count);
        Self { sum: snapshot.sum.as_secs_f64(), counts: counts.into_iter().map(seconds).collect() }
    }

    /// Takes the sizes of calls in tokens as they are.
    #[expect(clippy::cast_precision_loss, reason = "a text for people and graphs")]
    pub(super) fn of_tokens(sizes: &TokenSizes) -> Self {
        let counts = join(&TOKEN_BOUNDS, &sizes.counts, &TOKEN_BOUNDS);
        Self { sum: sizes.sum as f64, counts }
    }
}

/// Adds up what lies between two of `wanted`, which are among `bounds`.
#[expect(clippy::cast_precision_loss, reason = "bounds are far below 2^52")]
fn join(bounds: &[u64], counts: &[u64], wanted: &[u64]) -> Vec<(f64, u64)> {
    let mut from = 0;
    let mut joined = Vec::with_capacity(wanted.len() + 1);
    for bound in wanted {
        let to = bounds.partition_point(|known| known <= bound);
        joined.push((*bound as f64, counts[from..to].iter().sum()));
        from = to;
    }
    joined.push((f64::INFINITY, counts[from..].iter().sum()));
    joined
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_bound_that_is_told_is_one_of_the_engines() {
        for bound in CALLS_US.iter().chain(&OVERHEAD_US) {
            assert!(BOUNDS_US.contains(bound), "{bound}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_moves_past_a_bound(
            filled in prop::collection::vec(0_u64..1000, BOUNDS_US.len() + 1),
        ) {
            let mut snapshot = HistogramSnapshot::default();
            snapshot.counts.copy_from_slice(&filled);
            for wanted in [&CALLS_US[..], &OVERHEAD_US[..]] {
                let joined = join(&BOUNDS_US, &snapshot.counts, wanted);
                prop_assert_eq!(joined.len(), wanted.len() + 1);
                prop_assert_eq!(joined.iter().map(|(_, count)| count).sum::<u64>(), snapshot.count());
                let mut below = 0;
                for (bound, (_, count)) in wanted.iter().zip(&joined) {
                    below += count;
                    let known = BOUNDS_US.iter().zip(&filled).filter(|(known, _)| *known <= bound);
                    prop_assert_eq!(below, known.map(|(_, count)| count).sum::<u64>());
                }
            }
        }
    }

    #[test]
    fn seconds_are_written_as_the_conventions_have_them() {
        let buckets = Buckets::of_durations(&HistogramSnapshot::default(), &CALLS_US);
        let bounds: Vec<_> = buckets.counts.iter().map(|(bound, _)| *bound).collect();
        assert_eq!(bounds[..3], [0.01, 0.02, 0.04]);
        assert_eq!((bounds[13], bounds[14]), (81.92, f64::INFINITY));
    }
}
