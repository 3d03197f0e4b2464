//! Counters and points in memory.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::figures::Names;
use super::super::points::oldest_kept;
use super::super::{Count, MOST_BATCHES, Point, PointsAsk, Span};

/// What was counted, and when.
#[derive(Debug, Default)]
pub(super) struct Counters {
    inner: Mutex<Inner>,
}

/// The packed figures of each point of a series.
type Series = BTreeMap<u64, Box<[u8]>>;

#[derive(Debug, Default)]
struct Inner {
    counts: BTreeMap<(String, String), u64>,
    points: HashMap<Span, HashMap<String, Series>>,
    names: Names,
    /// Batches that were added last, the oldest first.
    batches: VecDeque<String>,
}

impl Counters {
    /// Adds a batch, unless it was added of late.
    pub(super) fn add(&self, batch: &str, counts: &[Count], points: &[Point]) {
        let mut inner = self.inner();
        if inner.is_new(batch) {
            counts.iter().for_each(|count| inner.add_count(count));
            let told = points.iter().filter(|point| !point.figures.is_empty());
            told.for_each(|point| inner.add_point(point));
            oldest_kept(points).for_each(|(span, oldest)| inner.drop_older(span, oldest));
        }
    }

    pub(super) fn forget(&self, series: &str) {
        let mut inner = self.inner();
        inner.counts.retain(|(known, _), _| known != series);
        inner.points.values_mut().for_each(|points| drop(points.remove(series)));
    }

    pub(super) fn counts(&self, prefix: &str) -> Vec<Count> {
        let inner = self.inner();
        let from = (prefix.to_owned(), String::new());
        let of_prefix = inner.counts.range(from..);
        let of_prefix = of_prefix.take_while(|((series, _), _)| series.starts_with(prefix));
        of_prefix.map(|((series, field), value)| Count::new(series, field, *value)).collect()
    }

    pub(super) fn points(&self, ask: &PointsAsk) -> Vec<Point> {
        let inner = self.inner();
        let of = |series: &String| inner.points_of(series, ask);
        ask.series.iter().flat_map(of).collect()
    }

    #[cfg(test)]
    pub(super) fn lose(&self) {
        *self.inner() = Inner::default();
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it holds the lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Says whether a batch was not added of late, and remembers it.
    fn is_new(&mut self, batch: &str) -> bool {
        if self.batches.iter().any(|known| known == batch) {
            return false;
        }
        if self.batches.len() == MOST_BATCHES {
            self.batches.pop_front();
        }
        self.batches.push_back(batch.to_owned());
        true
    }

    fn add_count(&mut self, count: &Count) {
        let key = (count.series.clone(), count.field.clone());
        let value = self.counts.entry(key).or_default();
        *value = value.saturating_add(count.value);
    }

    fn add_point(&mut self, point: &Point) {
        let of_span = self.points.entry(point.span).or_default();
        if !of_span.contains_key(&point.series) {
            of_span.insert(point.series.clone(), Series::new());
        }
        let Some(series) = of_span.get_mut(&point.series) else { return };
        let packed = series.entry(point.at).or_default();
        *packed = self.names.add(packed, &point.figures).into();
    }

    /// Drops the points of a span that are older, whatever they are about.
    fn drop_older(&mut self, span: Span, oldest: u64) {
        let Some(of_span) = self.points.get_mut(&span) else { return };
        of_span.retain(|_, points| {
            while points.first_key_value().is_some_and(|(at, _)| *at < oldest) {
                points.pop_first();
            }
            !points.is_empty()
        });
    }

    fn points_of(&self, series: &str, ask: &PointsAsk) -> Vec<Point> {
        let points = self.points.get(&ask.span).and_then(|of_span| of_span.get(series));
        // A range that ends before it begins is none, and no panic.
        let Some(points) = points.filter(|_| ask.from <= ask.to) else { return Vec::new() };
        let within = points.range(ask.from..=ask.to).map(|(at, packed)| Point {
            series: series.to_owned(),
            span: ask.span,
            at: *at,
            figures: self.names.read(packed),
        });
        within.collect()
    }
}
