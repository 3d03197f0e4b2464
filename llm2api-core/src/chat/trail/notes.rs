//! What a trail holds.

use std::sync::Arc;
use std::time::Duration;

use crate::chat::{Ending, Others, TraceContext};
use crate::error::{Error, ErrorKind};

/// The longest text that is kept of an error.
const LONGEST: usize = 500;

/// What a [`Trail`](super::Trail) has noted. Times count from when the trail began.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct TrailNotes {
    /// Each choice of a credential, in order.
    pub selections: Vec<Selection>,
    /// Each attempt, in order.
    pub steps: Vec<Step>,
    /// Time spent on web searches, with all that belongs to them.
    pub searched: Duration,
    /// How long it has waited for upstreams to list their models.
    pub listed: Duration,
}

/// One attempt with one credential.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Step {
    /// The upstream's name.
    pub upstream: Arc<str>,
    /// The model's name there.
    pub model: Arc<str>,
    /// The credential's id.
    pub credential: Arc<str>,
    /// Whether this was a question of the engine's own: what to search the web for.
    pub aside: bool,
    /// Where it stands in the trace of the call, where that is in one.
    pub trace: Option<TraceContext>,
    /// When it began.
    pub at: Duration,
    /// When the first content came.
    pub first_content: Option<Duration>,
    /// When it ended.
    pub ended: Option<Duration>,
    /// How it ended.
    pub end: StepEnd,
    /// What was to happen next, where it failed; see [`Next`].
    pub next: Option<Next>,
}

/// How an attempt ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepEnd {
    /// It is under way.
    #[default]
    Running,
    /// The answer was whole.
    Completed,
    /// The caller left.
    Cancelled,
    /// It failed.
    Failed(StepFailure),
}

impl StepEnd {
    /// Returns the ending in one word of lower case.
    ///
    /// ```
    /// assert_eq!(llm2api_core::chat::trail::StepEnd::Running.as_str(), "running");
    /// ```
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Failed(_) => "failed",
        }
    }
}

/// How an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepFailure {
    /// The kind of error.
    pub kind: ErrorKind,
    /// The error's code.
    pub code: String,
    /// The error's message.
    pub message: String,
    /// The status that the upstream sent.
    pub status: Option<u16>,
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next {
    /// Another attempt: with the same credential after this time, where there is one, or with these
    /// others.
    Retry {
        /// How long until the same credential may be used again; none where it must not.
        same_after: Option<Duration>,
        /// Which others may be used.
        others: Others,
    },
    /// No other attempt.
    GiveUp,
}

/// How one credential was chosen, or why none.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Selection {
    /// When it was made.
    pub at: Duration,
    /// How long the call had waited for it.
    pub waited: Duration,
    /// Whether this was for a question of the engine's own.
    pub aside: bool,
    /// The credential that was taken.
    pub taken: Option<Arc<str>>,
    /// What decided.
    pub by: Option<ChosenBy>,
    /// The credential that the call would rather have.
    pub favourite: Option<Arc<str>>,
    /// Why none was taken, with counts.
    pub refusal: Option<String>,
    /// Those that were looked at, and could have been taken.
    pub candidates: Vec<Weighed>,
    /// Those that could not, and why.
    pub excluded: Vec<Excluded>,
    /// How many more there are, which are not listed one by one.
    pub not_listed: usize,
}

/// What decided on a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChosenBy {
    /// The lowest cost among those drawn.
    LeastLoaded,
    /// The round.
    RoundRobin,
    /// The credential knows the conversation, and carries little more than another.
    Favourite,
    /// The retry table: the credential of the attempt before.
    SameAgain,
}

/// What a credential was weighed by.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Weighed {
    /// The credential's id.
    pub credential: Arc<str>,
    /// The upstream's name.
    pub upstream: Arc<str>,
    /// Calls that it carried.
    pub in_flight: u32,
    /// Calls that it may carry.
    pub max_concurrency: u32,
    /// Its share of the calls, in hundredths: the weight, less after a rest.
    pub share: u32,
    /// Time to the first content of late, where it is known.
    pub latency: Option<Duration>,
    /// How much of its share it has had; among equals the lowest is next.
    pub turn: u64,
    /// What a call more would have cost there: the lowest of those drawn is taken.
    pub cost: u64,
    /// Whether it was one of those that were compared.
    pub drawn: bool,
}

/// A credential that could not take the call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Excluded {
    /// The credential's id.
    pub credential: Arc<str>,
    /// The upstream's name.
    pub upstream: Arc<str>,
    /// Why not.
    pub reason: String,
    /// When that ends by itself, where it does.
    pub until: Option<Duration>,
}

impl Excluded {
    /// Notes a reason that ends by itself at `until`, from the beginning of the trail, or not.
    pub(crate) fn new(
        credential: Arc<str>,
        upstream: Arc<str>,
        reason: impl Into<String>,
        until: Option<Duration>,
    ) -> Self {
        Self { credential, upstream, reason: reason.into(), until }
    }
}

impl From<Ending<'_>> for StepEnd {
    fn from(ending: Ending<'_>) -> Self {
        match ending {
            Ending::Completed => Self::Completed,
            Ending::Cancelled => Self::Cancelled,
            Ending::Failed(error) => Self::Failed(error.into()),
        }
    }
}

impl From<&Error> for StepFailure {
    fn from(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            code: error.code().to_owned(),
            message: error.message().chars().take(LONGEST).collect(),
            status: error.status(),
        }
    }
}
