//! What is left of a limit, and what a refused request is told.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::allowance::Allowance;
use super::minute;
use crate::store::{Short, Spent};

/// What is left of the limits of a subject; none where there is no such limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QuotaStanding {
    /// Requests that may begin at once.
    pub requests: Option<Rate>,
    /// Tokens of the day.
    pub tokens: Option<Rate>,
}

/// What is left of one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The limit.
    pub limit: u64,
    /// What is left of it.
    pub remaining: u64,
    /// How long until all of it is there again: requests come back one by one, tokens at midnight
    /// UTC.
    pub reset: Duration,
}

/// The limit that a refused request would have exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exceeded {
    /// Requests in a minute.
    Requests,
    /// Tokens in a day.
    Tokens,
    /// Requests at the same time.
    Concurrency,
}

/// Why a request may not begin now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaRefusal {
    /// The limit that is reached.
    pub which: Exceeded,
    /// How long until asking again is worth while.
    pub retry_after: Duration,
    /// What is left of the limits, as far as it is known.
    pub standing: QuotaStanding,
}

impl QuotaStanding {
    /// Reads an answer of whoever counts.
    pub(super) fn of(allowance: &Allowance, spent: &Spent) -> Self {
        let requests = allowance.requests_per_minute.map(|limit| Rate {
            limit: limit.into(),
            remaining: minute::remaining(limit, spent.full_in),
            reset: spent.full_in,
        });
        let tokens = allowance.tokens_per_day.map(|limit| Rate {
            limit,
            remaining: limit.saturating_sub(spent.tokens),
            reset: spent.day_ends_in,
        });
        Self { requests, tokens }
    }
}

impl QuotaRefusal {
    pub(super) fn of(short: Short, allowance: &Allowance, spent: &Spent) -> Self {
        let (which, retry_after) = match short {
            Short::Requests(wait) => (Exceeded::Requests, wait),
            Short::Tokens => (Exceeded::Tokens, spent.day_ends_in),
        };
        Self { which, retry_after, standing: QuotaStanding::of(allowance, spent) }
    }
}

impl fmt::Display for QuotaRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.which {
            Exceeded::Requests => "the limit of requests in a minute is reached",
            Exceeded::Tokens => "the limit of tokens in a day is reached",
            Exceeded::Concurrency => "the limit of requests at the same time is reached",
        })
    }
}

impl Error for QuotaRefusal {}
