//! What a call may do after an attempt that failed.

use std::time::Duration;

use tokio::time::Instant;

/// What the next attempt may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPlan {
    /// The instant from which the credential of the last attempt may be used again.
    pub same_from: Option<Instant>,
    /// Which others may be used.
    pub others: Others,
}

/// Which credentials, apart from the last one, the next attempt may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Others {
    /// Any that was not tried yet.
    #[default]
    Any,
    /// Only those of another upstream than the last: the last one cannot be reached.
    OtherUpstream,
    /// None.
    None,
}

impl RetryPlan {
    /// Allows the same credential again after `wait`, or not at all.
    pub fn new(same_after: Option<Duration>, others: Others) -> Self {
        Self { same_from: same_after.map(|wait| Instant::now() + wait), others }
    }
}
