//! What a credential is added to the pool with.

use std::sync::Arc;

use crate::credential::{Credential, Health};
use crate::metrics::Tally;

/// A credential that joins the pool, and how it may be used.
///
/// # Example
/// ```
/// use llm2api_core::Credential;
/// use llm2api_core::pool::Member;
///
/// let member = Member::new(Credential::anonymous("local")).with_max_concurrency(2).with_weight(3);
/// # drop(member);
/// ```
#[derive(Clone, Debug)]
pub struct Member {
    pub(super) credential: Credential,
    pub(super) max_concurrency: u32,
    pub(super) per_minute: u32,
    pub(super) weight: u32,
    pub(super) health: Health,
    pub(super) tally: Arc<Tally>,
}

impl Member {
    /// Takes a credential, for 4 calls at the same time.
    pub fn new(credential: Credential) -> Self {
        Self {
            credential,
            max_concurrency: 4,
            per_minute: 0,
            weight: 1,
            health: Health::default(),
            tally: Arc::default(),
        }
    }

    /// Sets how many calls it may carry at the same time, at least 1.
    #[must_use]
    pub fn with_max_concurrency(mut self, calls: u32) -> Self {
        self.max_concurrency = calls.max(1);
        self
    }

    /// Sets how many calls may begin in any minute; 0 for no limit.
    #[must_use]
    pub fn with_requests_per_minute(mut self, calls: u32) -> Self {
        self.per_minute = calls;
        self
    }

    /// Sets its share of the calls, 1 to 100, relative to the others.
    #[must_use]
    pub fn with_weight(mut self, weight: u32) -> Self {
        self.weight = weight.clamp(1, 100);
        self
    }

    /// Sets how it fares.
    #[must_use]
    pub fn with_health(mut self, health: Health) -> Self {
        self.health = health;
        self
    }

    /// Sets where its calls are counted.
    #[must_use]
    pub fn with_tally(mut self, tally: Arc<Tally>) -> Self {
        self.tally = tally;
        self
    }
}
