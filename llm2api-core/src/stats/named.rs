//! Which series get points of their own.

use std::collections::{BTreeMap, HashSet};

use crate::metrics::{Batch, CREDENTIAL, TOTAL, TallySnapshot};
use crate::store::{Point, Span};

/// Series that get points of their own within a span; what comes later counts as `other` of its
/// kind. So a store holds no more than this for each span that it keeps.
const MOST: usize = 1000;

/// The series that have points within the span that is under way.
#[derive(Debug)]
pub(super) struct Named {
    span: Span,
    at: u64,
    series: HashSet<String>,
}

impl Named {
    pub(super) fn new(span: Span) -> Self {
        Self { span, at: 0, series: HashSet::new() }
    }

    /// Makes the points of a batch that was counted at a time in seconds since 1970.
    pub(super) fn points(&mut self, batch: &Batch, unix_seconds: u64) -> Vec<Point> {
        let (span, at) = (self.span, self.span.at(unix_seconds));
        if at != self.at {
            self.at = at;
            self.series.clear();
        }
        let mut sums = BTreeMap::<String, TallySnapshot>::new();
        // Credentials come last: there may be many thousands, and nobody looks at the points of each.
        for last in [false, true] {
            let parts = batch.parts().filter(|(name, _)| name.starts_with(CREDENTIAL) == last);
            for (name, part) in parts {
                sums.entry(self.place(name)).or_default().add(part);
            }
        }
        let point = |(series, part): (_, TallySnapshot)| Point {
            series,
            span,
            at,
            figures: part.figures(),
        };
        sums.into_iter().map(point).collect()
    }

    /// Returns the series that counts for one.
    fn place(&mut self, name: &str) -> String {
        if name == TOTAL || self.series.contains(name) {
            return name.to_owned();
        }
        if self.series.len() < MOST {
            self.series.insert(name.to_owned());
            return name.to_owned();
        }
        let kind = name.split_once(':').map_or(name, |(kind, _)| kind);
        format!("{kind}:other")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    #[test]
    fn the_thousandth_and_later_credentials_are_others_within_a_minute() {
        let metrics = Metrics::default();
        (0..MOST + 5).for_each(|at| metrics.credential(&format!("cred_{at:04}")).begin());
        metrics.model("llama").begin();
        let (mut named, batch) = (Named::new(Span::Minute), metrics.pending());
        let points = named.points(&batch, 600);
        assert_eq!(points.len(), MOST + 1, "as many as are named, and the others");
        let find = |points: &[Point], name: &str| {
            points.iter().find(|point| point.series == name).map(|point| point.figures.clone())
        };
        assert!(find(&points, "model:llama").is_some(), "models come first");
        let others = Some(vec![("requests".to_owned(), 6)]);
        assert_eq!(find(&points, "credential:other"), others);

        let again = named.points(&batch, 659);
        assert_eq!(find(&again, "credential:other"), others, "the same minute has the same names");
        let next = named.points(&batch, 660);
        assert_eq!((next[0].at, next.len()), (11, MOST + 1));
    }
}
