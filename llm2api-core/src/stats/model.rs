//! What is asked of the statistics, and what they answer.

use std::fmt;
use std::str::FromStr;

use crate::metrics::{HistogramSnapshot, TOTAL, TallySnapshot};

/// A kind of things that are counted one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// Models, by the names that callers use.
    Model,
    /// Credentials, by their ids: what is counted are attempts.
    Credential,
    /// Whoever calls, such as client keys by their ids.
    Key,
    /// Upstreams, by their names: what is counted are attempts.
    Upstream,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Model, Self::Credential, Self::Key, Self::Upstream];

    /// Names it: `model`, `credential`, `key` or `upstream`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Credential => "credential",
            Self::Key => "key",
            Self::Upstream => "upstream",
        }
    }
}

/// What figures are about. Written, and read back, as `total`, `model:llama` or `credential:cred_1`.
///
/// # Example
/// ```
/// use llm2api_core::stats::{Kind, Series};
///
/// let series: Series = "model:llama".parse().expect("a kind and a name");
/// assert_eq!(series, Series::One(Kind::Model, "llama".to_owned()));
/// assert_eq!(series.to_string(), "model:llama");
/// assert!("llama".parse::<Series>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Series {
    /// All calls.
    Total,
    /// Those of one thing, by its kind and name.
    One(Kind, String),
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Total => f.write_str(TOTAL),
            Self::One(kind, name) => write!(f, "{}:{name}", kind.as_str()),
        }
    }
}

impl FromStr for Series {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text == TOTAL {
            return Ok(Self::Total);
        }
        let (kind, name) = text.split_once(':').ok_or(())?;
        let kind = Kind::ALL.into_iter().find(|known| known.as_str() == kind).ok_or(())?;
        if name.is_empty() { Err(()) } else { Ok(Self::One(kind, name.to_owned())) }
    }
}

/// The figures of one span of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpanFigures {
    /// When it began, in seconds since 1970.
    pub at: u64,
    /// What was counted in it.
    pub figures: TallySnapshot,
}

/// How this process fares at the moment.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Now {
    /// Calls under way.
    pub in_flight: u64,
    /// Answers that are being streamed.
    pub streams: u64,
    /// Calls that began, over the last 10 seconds.
    pub requests_per_second: f64,
    /// Tokens of requests and answers, given and estimated, over the last 10 seconds.
    pub tokens_per_second: f64,
    /// The share of the calls of the last 5 minutes that were completed, of those and the failed ones;
    /// none where there were none. Refused calls, and those whose caller left, do not count.
    pub success: Option<f64>,
    /// How long calls took, over the last 5 minutes.
    pub latency: HistogramSnapshot,
    /// How long the first content took, over the last 5 minutes.
    pub first_content: HistogramSnapshot,
    /// What the gateway itself took, over the last 5 minutes.
    pub overhead: HistogramSnapshot,
}
