//! The figures of one thing that is counted.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::chat::{ChatItem, Outcome};

/// Upper bounds of the duration buckets, in milliseconds; the last bucket has none.
pub const BOUNDS_MS: [u64; 11] = [5, 10, 25, 50, 100, 250, 500, 1000, 5000, 30_000, 120_000];

const BUCKETS: usize = BOUNDS_MS.len() + 1;

/// Counts calls of one model or one credential.
#[derive(Debug, Default)]
pub struct Tally {
    requests: AtomicU64,
    completed: AtomicU64,
    cancelled: AtomicU64,
    failed: AtomicU64,
    tokens: [AtomicU64; 4],
    duration: Histogram,
    first_content: Histogram,
}

/// The figures at one instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TallySnapshot {
    /// Calls that began.
    pub requests: u64,
    /// Calls whose answer is whole.
    pub completed: u64,
    /// Calls whose caller left.
    pub cancelled: u64,
    /// Calls that failed.
    pub failed: u64,
    /// Tokens that upstreams have counted.
    pub given: Tokens,
    /// Tokens that no upstream has counted, estimated.
    pub estimated: Tokens,
    /// From the call to its end.
    pub duration: HistogramSnapshot,
    /// From the call to its first content.
    pub first_content: HistogramSnapshot,
}

/// Tokens of requests and of answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tokens {
    /// Of requests.
    pub prompt: u64,
    /// Of answers.
    pub completion: u64,
}

/// A histogram at one instant: how many durations fell below each of [`BOUNDS_MS`], and above.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistogramSnapshot {
    /// How many fell into each bucket.
    pub counts: [u64; BUCKETS],
    /// All durations together.
    pub sum: Duration,
}

/// Counts the tokens of one call while its answer passes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TokenCount {
    prompt_bytes: u64,
    chunks: u64,
    given: Option<(u64, u64)>,
}

impl TokenCount {
    /// Starts with the size of the request's text.
    pub(crate) fn new(prompt_bytes: usize) -> Self {
        Self { prompt_bytes: prompt_bytes as u64, ..Self::default() }
    }

    /// Looks at a piece of the answer.
    pub(crate) fn see(&mut self, item: &ChatItem) {
        self.chunks += u64::from(item.has_content());
        let usage = match item {
            ChatItem::Chunk(chunk) if chunk.has_usage() => chunk.usage(),
            ChatItem::Chunk(_) | ChatItem::Progress => None,
            ChatItem::Whole(completion) => completion.usage(),
        };
        if let Some(usage) = usage.filter(|usage| !usage.estimated) {
            self.given = Some((usage.prompt_tokens, usage.completion_tokens));
        }
    }
}

impl Tally {
    /// Notes that a call begins.
    pub fn begin(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that a call has its first content.
    pub fn first_content(&self, after: Duration) {
        self.first_content.add(after);
    }

    /// Notes that a call is over.
    pub fn end(&self, outcome: Outcome, after: Duration) {
        let counter = match outcome {
            Outcome::Completed => &self.completed,
            Outcome::Cancelled => &self.cancelled,
            Outcome::Failed(_) => &self.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.duration.add(after);
    }

    /// Adds the tokens of a call: those the upstream counted, else four bytes of the request and
    /// one piece of the answer for one each.
    pub(crate) fn add_tokens(&self, count: &TokenCount) {
        let (at, prompt, completion) = match count.given {
            Some((prompt, completion)) => (0, prompt, completion),
            None if count.chunks == 0 => return,
            None => (2, count.prompt_bytes.div_ceil(4), count.chunks),
        };
        self.tokens[at].fetch_add(prompt, Ordering::Relaxed);
        self.tokens[at + 1].fetch_add(completion, Ordering::Relaxed);
    }

    /// Reads the figures.
    pub fn snapshot(&self) -> TallySnapshot {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let [prompt, completion, guessed_prompt, guessed_completion] =
            [0, 1, 2, 3].map(|at| read(&self.tokens[at]));
        TallySnapshot {
            requests: read(&self.requests),
            completed: read(&self.completed),
            cancelled: read(&self.cancelled),
            failed: read(&self.failed),
            given: Tokens { prompt, completion },
            estimated: Tokens { prompt: guessed_prompt, completion: guessed_completion },
            duration: self.duration.snapshot(),
            first_content: self.first_content.snapshot(),
        }
    }
}

impl TallySnapshot {
    /// Returns the figures that are not 0, by name; `duration_3` is that histogram's fourth bucket.
    pub(super) fn figures(&self) -> Vec<(String, u64)> {
        let mut figures = Vec::new();
        self.clone().each(&mut Self::default(), |name, value, _| {
            if *value > 0 {
                figures.push((name, *value));
            }
        });
        figures
    }

    /// Returns what came since an earlier snapshot; none where nothing did.
    pub(super) fn since(mut self, earlier: Option<&Self>) -> Option<Self> {
        let mut any = false;
        self.each(&mut earlier.cloned().unwrap_or_default(), |_, value, earlier| {
            *value = value.saturating_sub(*earlier);
            any |= *value > 0;
        });
        any.then_some(self)
    }

    /// Adds another's figures.
    pub(super) fn add(&mut self, more: &Self) {
        self.each(&mut more.clone(), |_, value, more| *value += *more);
    }

    /// Visits every figure of two snapshots, with its name: the only list of them.
    fn each(&mut self, other: &mut Self, mut visit: impl FnMut(String, &mut u64, &mut u64)) {
        visit("requests".into(), &mut self.requests, &mut other.requests);
        visit("completed".into(), &mut self.completed, &mut other.completed);
        visit("cancelled".into(), &mut self.cancelled, &mut other.cancelled);
        visit("failed".into(), &mut self.failed, &mut other.failed);
        visit("prompt_tokens".into(), &mut self.given.prompt, &mut other.given.prompt);
        let (own, others) = (&mut self.given.completion, &mut other.given.completion);
        visit("completion_tokens".into(), own, others);
        let (own, others) = (&mut self.estimated.prompt, &mut other.estimated.prompt);
        visit("estimated_prompt_tokens".into(), own, others);
        let (own, others) = (&mut self.estimated.completion, &mut other.estimated.completion);
        visit("estimated_completion_tokens".into(), own, others);
        self.duration.each("duration", &mut other.duration, &mut visit);
        self.first_content.each("first_content", &mut other.first_content, &mut visit);
    }
}

impl HistogramSnapshot {
    fn each(
        &mut self,
        name: &str,
        other: &mut Self,
        visit: &mut impl FnMut(String, &mut u64, &mut u64),
    ) {
        for (at, (own, others)) in self.counts.iter_mut().zip(&mut other.counts).enumerate() {
            visit(format!("{name}_{at}"), own, others);
        }
        let (mut own, mut others) = (micros(self.sum), micros(other.sum));
        visit(format!("{name}_us"), &mut own, &mut others);
        (self.sum, other.sum) = (Duration::from_micros(own), Duration::from_micros(others));
    }
}

/// Takes room only once something was measured: most of many credentials are never used.
#[derive(Debug, Default)]
struct Histogram {
    filled: OnceLock<Box<Buckets>>,
}

#[derive(Debug, Default)]
struct Buckets {
    counts: [AtomicU64; BUCKETS],
    micros: AtomicU64,
}

impl Histogram {
    fn add(&self, duration: Duration) {
        let micros = micros(duration);
        let bucket = BOUNDS_MS.partition_point(|bound| bound * 1000 < micros);
        let buckets = self.filled.get_or_init(Box::default);
        buckets.counts[bucket].fetch_add(1, Ordering::Relaxed);
        buckets.micros.fetch_add(micros, Ordering::Relaxed);
    }

    fn snapshot(&self) -> HistogramSnapshot {
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
