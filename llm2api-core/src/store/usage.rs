//! What subjects have used, where several servers count together.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::Result;

/// Counts the requests and tokens of subjects for several servers, by its own clock.
///
/// Days are numbered from 1970 and begin at midnight UTC.
#[async_trait]
pub trait Usage: Debug + Send + Sync + 'static {
    /// Asks for one request and its tokens: it gets both, or nothing is counted.
    async fn spend(&self, ask: &Spend) -> Result<Spent>;

    /// Corrects what was counted, all or nothing; no sum goes below 0. A batch of a name that was
    /// heard within the last hour is not heard again.
    async fn correct(&self, batch: &str, corrections: &[Correction]) -> Result<()>;

    /// Returns the tokens that a subject has used today.
    async fn used(&self, subject: &str) -> Result<u64>;
}

/// What [`Usage::spend`] is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Spend {
    /// Who asks.
    pub subject: Arc<str>,
    /// Requests that may begin in any minute; none for no limit.
    pub requests_per_minute: Option<u32>,
    /// Tokens in a day; none for no limit.
    pub tokens_per_day: Option<u64>,
    /// Tokens that the request has at least.
    pub tokens: u64,
}

impl Spend {
    /// Asks for a request of so many tokens, without any limit.
    pub fn new(subject: impl Into<Arc<str>>, tokens: u64) -> Self {
        Self { subject: subject.into(), requests_per_minute: None, tokens_per_day: None, tokens }
    }
}

/// What [`Usage::spend`] answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Spent {
    /// What there was too little of, if the request was refused.
    pub short: Option<Short>,
    /// How long until all requests of a minute may begin at once again.
    pub full_in: Duration,
    /// The day that the request counts for.
    pub day: u64,
    /// Tokens used on that day, those of the request included.
    pub tokens: u64,
    /// How long that day still lasts.
    pub day_ends_in: Duration,
}

/// What there was too little of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Short {
    /// Requests of the minute: one may begin after this time.
    Requests(Duration),
    /// Tokens of the day.
    Tokens,
}

/// What was counted too much or too little.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Correction {
    /// Whose count it is.
    pub subject: Arc<str>,
    /// The day that the tokens belong to.
    pub day: u64,
    /// Tokens that are added, or taken off.
    pub tokens: i64,
    /// By how much earlier all requests of a minute are there again: a minute by the limit for each
    /// request that did not begin.
    pub sooner: Duration,
}

impl Correction {
    /// Adds tokens, or takes them off.
    pub fn new(subject: impl Into<Arc<str>>, day: u64, tokens: i64) -> Self {
        Self { subject: subject.into(), day, tokens, sooner: Duration::ZERO }
    }
}
