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
    counters: HashMap<&'static str, (Instant, Figures)>,
    points: VecDeque<(Chart, Vec<Point>)>,
}

type Chart = (Vec<String>, Span);

impl Kept {
    /// Returns counters that were read, or tried to be read, a moment ago.
    pub(super) fn fresh(&self, prefix: &str) -> Option<Figures> {
        let (at, figures) = self.counters.get(prefix)?;
        (at.elapsed() < FRESH).then(|| figures.clone())
    }

    /// Takes what was read, or nothing where that failed, and returns what counts.
    pub(super) fn take(
        &mut self,
        prefix: &'static str,
        read: Option<Vec<(String, TallySnapshot)>>,
    ) -> Figures {
        let kept = self.counters.entry(prefix).or_insert_with(|| (Instant::now(), Arc::default()));
        kept.0 = Instant::now();
        if let Some(read) = read {
            kept.1 = Arc::new(read);
        }
        kept.1.clone()
    }

    /// Keeps the points of a chart.
    pub(super) fn take_points(&mut self, ask: &PointsAsk, points: &[Point]) {
        self.points.retain(|(chart, _)| !is_of(chart, ask));
        if self.points.len() == CHARTS {
            self.points.pop_front();
        }
        self.points.push_back(((ask.series.clone(), ask.span), points.to_vec()));
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
