//! The figures of a limit.

use serde::{Deserialize, Serialize};

/// How much a client key, or an installation, may use; what is not set has no limit.
///
/// # Example
/// ```
/// use llm2api_core::quota::Allowance;
///
/// let allowance = Allowance { requests_per_minute: Some(60), ..Allowance::default() };
/// assert!(!allowance.is_unlimited());
/// assert!(Allowance::default().is_unlimited());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "plain figures, and examples write them out")]
pub struct Allowance {
    /// Chat requests that may begin in any minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// Tokens of requests and answers in a day, which begins at midnight UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_day: Option<u64>,
    /// Chat requests at the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
}

impl Allowance {
    /// Says whether nothing is limited.
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }
}
