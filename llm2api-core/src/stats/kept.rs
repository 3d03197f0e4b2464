//! What was last read of the store, for as long as it is fresh, or the store is away.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::metrics::TallySnapshot;
use crate::store::{Point, PointsAsk, Span};

/// What other servers have counted may be seen so much later.
const FRESH: Duration = Duration::from_secs(5);
/// Charts whose last points are kept.
const CHARTS: usize = 16;

/// Figures by series.
pub(super) type Figures = Arc<Vec<(String, TallySnapshot)>>;

/// Counters and points that were read.
#[derive(Debug, Default)]
pub(super) struct Kept {
    counters: HashMap<&'static str, Counters>,
    points: VecDeque<(Chart, Vec<Point>)>,
}

type Chart = (Vec<String>, Span);

/// Counters as they were last read.
#[derive(Debug)]
struct Counters {
    /// When they were, or should have been.
    at: Instant,
    /// Whether the store has answered then.
    answered: bool,
    figures: Figures,
}

impl Kept {
    /// Returns counters that were read, or tried to be read, a moment ago.
    pub(super) fn fresh(&self, prefix: &str) -> Option<Figures> {
        let kept = self.counters.get(prefix)?;
        (kept.at.elapsed() < FRESH).then(|| kept.figures.clone())
    }

    /// Returns counters that the store was asked for in vain the last time.
    pub(super) fn unanswered(&self, prefix: &str) -> Option<Figures> {
        let kept = self.counters.get(prefix)?;
        (!kept.answered).then(|| kept.figures.clone())
    }

    /// Names the counters that the store was asked for in vain, and not a moment ago.
    pub(super) fn overdue(&self) -> Vec<&'static str> {
        let is_due = |kept: &Counters| !kept.answered && kept.at.elapsed() >= FRESH;
        self.counters.iter().filter(|(_, kept)| is_due(kept)).map(|(prefix, _)| *prefix).collect()
    }

    /// Takes what was read, or nothing where that failed, and returns what counts.
    pub(super) fn take(
        &mut self,
        prefix: &'static str,
        read: Option<Vec<(String, TallySnapshot)>>,
    ) -> Figures {
        let (at, answered) = (Instant::now(), read.is_some());
        let before = self.counters.get(prefix).map(|kept| kept.figures.clone());
        let figures = read.map(Arc::new).or(before).unwrap_or_default();
        self.counters.insert(prefix, Counters { at, answered, figures: figures.clone() });
        figures
    }

    /// Keeps the points of a chart: those that were read, beside those that were not asked for.
    pub(super) fn take_points(&mut self, ask: &PointsAsk, points: &[Point]) {
        let place = self.points.iter().position(|(chart, _)| is_of(chart, ask));
        let known = place.and_then(|place| self.points.remove(place)).map(|(_, points)| points);
        let mut all = known.unwrap_or_default();
        let oldest = (ask.to + 1).saturating_sub(ask.span.kept());
        all.retain(|point| point.at >= oldest && !(ask.from..=ask.to).contains(&point.at));
        all.extend_from_slice(points);
        if self.points.len() == CHARTS {
            self.points.pop_front();
        }
        self.points.push_back(((ask.series.clone(), ask.span), all));
    }

    /// Returns the points of a chart as they were last read, as far as they are asked for.
    pub(super) fn points(&self, ask: &PointsAsk) -> Vec<Point> {
        let found = self.points.iter().find(|(chart, _)| is_of(chart, ask));
        let points = found.into_iter().flat_map(|(_, points)| points);
        points.filter(|point| (ask.from..=ask.to).contains(&point.at)).cloned().collect()
    }
}

fn is_of(chart: &Chart, ask: &PointsAsk) -> bool {
    chart.0 == ask.series && chart.1 == ask.span
}
