//! The last minutes, as this process has seen them.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::model::Now;
use crate::metrics::{MetricsSnapshot, TallySnapshot};

/// Of the looks, which are one a second, the first of each such time is kept for long.
const STEP: Duration = Duration::from_secs(10);
/// Looks that rates are made of.
const SHORT: usize = 10;
/// Steps that quantiles are made of.
const LONG: usize = 30;

/// What was counted at one instant, since the process began.
#[derive(Clone, Debug)]
struct Look {
    at: Instant,
    started: u64,
    total: TallySnapshot,
}

/// Looks at the counters from time to time.
#[derive(Debug, Default)]
pub(super) struct Recent {
    short: VecDeque<Look>,
    long: VecDeque<Look>,
}

impl Recent {
    /// Remembers what the counters say; to be done once a second.
    pub(super) fn look(&mut self, at: Instant, counters: &MetricsSnapshot, total: TallySnapshot) {
        let look = Look { at, started: counters.started, total };
        if self.long.back().is_none_or(|last| at.duration_since(last.at) >= STEP) {
            keep(&mut self.long, LONG, look.clone());
        }
        keep(&mut self.short, SHORT, look);
    }

    #[cfg(test)]
    pub(super) fn looks(&self) -> usize {
        self.short.len() + self.long.len()
    }

    /// Says how things are, by what the counters say now.
    pub(super) fn now(
        &self,
        at: Instant,
        counters: &MetricsSnapshot,
        total: &TallySnapshot,
    ) -> Now {
        let of_late = since(total, self.long.front());
        let moment = since(total, self.short.front());
        let (began, from) =
            self.short.front().map_or((counters.started, at), |look| (look.started, look.at));
        let seconds = at.duration_since(from).as_secs_f64();
        let tokens = [moment.given, moment.estimated].map(|part| part.prompt + part.completion);
        let judged = of_late.completed + of_late.failed;
        Now {
            in_flight: counters.in_flight(),
            streams: counters.streams,
            requests_per_second: rate(counters.started.saturating_sub(began), seconds),
            tokens_per_second: rate(tokens.iter().sum(), seconds),
            success: (judged > 0).then(|| float(of_late.completed) / float(judged)),
            latency: of_late.duration,
            first_content: of_late.first_content,
            overhead: of_late.overhead,
        }
    }
}

fn keep(looks: &mut VecDeque<Look>, most: usize, look: Look) {
    if looks.len() == most {
        looks.pop_front();
    }
    looks.push_back(look);
}

fn since(total: &TallySnapshot, look: Option<&Look>) -> TallySnapshot {
    total.clone().since(look.map(|look| &look.total)).unwrap_or_default()
}

fn rate(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { float(count) / seconds } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "for people, of counts far below 2^52")]
fn float(count: u64) -> f64 {
    count as f64
}
