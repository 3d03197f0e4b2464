//! The figures of one thing that is counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::histogram::{Histogram, HistogramSnapshot};
use super::usage::{TokenUsage, Usage};
use crate::chat::{ChatItem, Outcome};

/// Counts calls: all, or those of one model, credential, upstream or client key.
#[derive(Debug, Default)]
pub struct Tally {
    requests: AtomicU64,
    completed: AtomicU64,
    cancelled: AtomicU64,
    failed: AtomicU64,
    refused: AtomicU64,
    tokens: [AtomicU64; 4],
    duration: Histogram,
    first_content: Histogram,
    overhead: Histogram,
    /// Kept by this process alone, and of models.
    usage: Usage,
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
    /// Calls that failed, the refused ones aside.
    pub failed: u64,
    /// Calls that were [refused for what they ask](crate::ErrorKind::is_client_error).
    pub refused: u64,
    /// Tokens that upstreams have counted.
    pub given: Tokens,
    /// Tokens that no upstream has counted, estimated.
    pub estimated: Tokens,
    /// From the call to its end.
    pub duration: HistogramSnapshot,
    /// From the call to its first content.
    pub first_content: HistogramSnapshot,
    /// What the gateway itself took until the answer, or its first content, was on its way.
    pub overhead: HistogramSnapshot,
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
        if let Some(counts) = item.token_counts().filter(|counts| !counts.estimated) {
            self.given = Some((counts.prompt, counts.completion));
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

    /// Notes what the gateway itself took for a call.
    pub fn overhead(&self, took: Duration) {
        self.overhead.add(took);
    }

    /// Notes that a call is over.
    pub fn end(&self, outcome: Outcome, after: Duration) {
        let counter = match outcome {
            Outcome::Completed => &self.completed,
            Outcome::Cancelled => &self.cancelled,
            Outcome::Failed(kind) if kind.is_client_error() => &self.refused,
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

    /// Sorts the tokens of a call by size, where an upstream has counted them.
    pub(crate) fn add_usage(&self, count: &TokenCount) {
        if let Some((prompt, completion)) = count.given {
            self.usage.add(prompt, completion);
        }
    }

    /// Reads how many tokens calls had.
    pub fn usage(&self) -> TokenUsage {
        self.usage.snapshot()
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
            refused: read(&self.refused),
            given: Tokens { prompt, completion },
            estimated: Tokens { prompt: guessed_prompt, completion: guessed_completion },
            duration: self.duration.snapshot(),
            first_content: self.first_content.snapshot(),
            overhead: self.overhead.snapshot(),
        }
    }
}

/// Sees each figure of two snapshots.
pub(super) trait Visit {
    /// Sees one; its name is made only where it is asked for.
    fn figure(&mut self, name: impl FnOnce() -> String, own: &mut u64, others: &mut u64);
}

/// The figures that are not 0, by name.
struct Collect(Vec<(String, u64)>);

impl Visit for Collect {
    fn figure(&mut self, name: impl FnOnce() -> String, own: &mut u64, _: &mut u64) {
        if *own > 0 {
            self.0.push((name(), *own));
        }
    }
}

/// Reads figures back.
struct Read<'a>(&'a [(String, u64)]);

impl Visit for Read<'_> {
    fn figure(&mut self, name: impl FnOnce() -> String, own: &mut u64, _: &mut u64) {
        let name = name();
        let found = self.0.iter().filter(|(known, _)| *known == name);
        *own = found.fold(0, |sum, (_, value)| sum.saturating_add(*value));
    }
}

/// Takes an earlier snapshot off, and says whether something is left.
struct Since(bool);

impl Visit for Since {
    fn figure(&mut self, _: impl FnOnce() -> String, own: &mut u64, others: &mut u64) {
        *own = own.saturating_sub(*others);
        self.0 |= *own > 0;
    }
}

struct Add;

impl Visit for Add {
    fn figure(&mut self, _: impl FnOnce() -> String, own: &mut u64, others: &mut u64) {
        *own = own.saturating_add(*others);
    }
}

impl TallySnapshot {
    /// Returns the figures that are not 0, by name. Stores keep many thousand of them, so those of
    /// histograms are short: `d`, `f` and `o` for durations, first contents and overheads, and the
    /// upper bound of a bucket in microseconds, `inf` or `sum`; `d10000` is that of 10 ms.
    pub fn figures(&self) -> Vec<(String, u64)> {
        let mut collect = Collect(Vec::new());
        self.clone().each(&mut Self::default(), &mut collect);
        collect.0
    }

    /// Reads what [`figures`](Self::figures) has returned; passes over names that it does not know.
    ///
    /// # Example
    /// ```
    /// use llm2api_core::TallySnapshot;
    ///
    /// let figures = [("requests".to_owned(), 2), ("completed".to_owned(), 1)];
    /// let snapshot = TallySnapshot::from_figures(&figures);
    /// assert_eq!((snapshot.requests, snapshot.completed), (2, 1));
    /// assert_eq!(snapshot.figures(), figures);
    /// ```
    pub fn from_figures(figures: &[(String, u64)]) -> Self {
        let mut snapshot = Self::default();
        snapshot.each(&mut Self::default(), &mut Read(figures));
        snapshot
    }

    /// Returns what came since an earlier snapshot; none where nothing did.
    pub fn since(mut self, earlier: Option<&Self>) -> Option<Self> {
        let mut since = Since(false);
        self.each(&mut earlier.cloned().unwrap_or_default(), &mut since);
        since.0.then_some(self)
    }

    /// Adds another's figures.
    pub fn add(&mut self, more: &Self) {
        self.each(&mut more.clone(), &mut Add);
    }

    /// Visits every figure of two snapshots, with its name: the only list of them.
    fn each(&mut self, other: &mut Self, visit: &mut impl Visit) {
        let pairs = [
            ("requests", &mut self.requests, &mut other.requests),
            ("completed", &mut self.completed, &mut other.completed),
            ("cancelled", &mut self.cancelled, &mut other.cancelled),
            ("failed", &mut self.failed, &mut other.failed),
            ("refused", &mut self.refused, &mut other.refused),
            ("prompt_tokens", &mut self.given.prompt, &mut other.given.prompt),
            ("completion_tokens", &mut self.given.completion, &mut other.given.completion),
            ("estimated_prompt_tokens", &mut self.estimated.prompt, &mut other.estimated.prompt),
            (
                "estimated_completion_tokens",
                &mut self.estimated.completion,
                &mut other.estimated.completion,
            ),
        ];
        for (name, own, others) in pairs {
            visit.figure(|| name.to_owned(), own, others);
        }
        self.duration.each("d", &mut other.duration, visit);
        self.first_content.each("f", &mut other.first_content, visit);
        self.overhead.each("o", &mut other.overhead, visit);
    }
}
