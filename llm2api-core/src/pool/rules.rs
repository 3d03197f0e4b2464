//! The figures that the pool goes by.

use std::time::Duration;

use crate::credential::HealthRules;

/// How the pool chooses among usable credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strategy {
    /// The better of two drawn at random: fewer calls, then quicker, then longer unused.
    #[default]
    LeastLoaded,
    /// One after the other.
    RoundRobin,
}

/// Every figure of the pool. The defaults fit without a change.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use llm2api_core::pool::PoolRules;
///
/// let mut rules = PoolRules::default();
/// rules.rate_limit_rest = Duration::from_secs(10);
/// assert_eq!(rules.weak_errors, 5);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolRules {
    /// How to choose.
    pub strategy: Strategy,
    /// Calls that may wait for a place at the same time; 1,000.
    pub queue_limit: usize,
    /// Calls with one credential in any minute; 0, the default, for no limit.
    pub requests_per_minute: u32,
    /// Rest after a rate limit that named no time, doubling while it goes on; 30 s.
    pub rate_limit_rest: Duration,
    /// Longest rest that doubling leads to; 10 min.
    pub rate_limit_rest_max: Duration,
    /// Longest `Retry-After` that is believed; 1 h.
    pub retry_after_max: Duration,
    /// Weak errors within the window before a credential rests for them; 5.
    pub weak_errors: u32,
    /// The window of weak errors; 30 s.
    pub weak_window: Duration,
    /// Rest after weak errors, doubling; 5 s.
    pub weak_rest: Duration,
    /// Longest rest for weak errors; 60 s.
    pub weak_rest_max: Duration,
    /// Credentials that fail alike before it counts as the upstream's fault; 3, or all if fewer.
    pub incident_credentials: usize,
    /// Within this time; 10 s.
    pub incident_window: Duration,
    /// When an upstream that is out is first tried again, doubling; 2 s.
    pub probe_after: Duration,
    /// Longest time between two tries; 30 s.
    pub probe_after_max: Duration,
    /// Cookies that a rate limit hits within the incident window before it counts as one of our
    /// address; 2.
    pub address_limit_cookies: usize,
    /// Pause of the upstream then, where no time was named; 30 s.
    pub address_pause: Duration,
    /// Longest such pause; 60 s.
    pub address_pause_max: Duration,
    /// A credential that comes back gets its full share after this time; 30 s.
    pub slow_start: Duration,
}

impl Default for PoolRules {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            strategy: Strategy::LeastLoaded,
            queue_limit: 1000,
            requests_per_minute: 0,
            rate_limit_rest: seconds(30),
            rate_limit_rest_max: seconds(600),
            retry_after_max: seconds(3600),
            weak_errors: 5,
            weak_window: seconds(30),
            weak_rest: seconds(5),
            weak_rest_max: seconds(60),
            incident_credentials: 3,
            incident_window: seconds(10),
            probe_after: seconds(2),
            probe_after_max: seconds(30),
            address_limit_cookies: 2,
            address_pause: seconds(30),
            address_pause_max: seconds(60),
            slow_start: seconds(30),
        }
    }
}

impl PoolRules {
    /// Returns how long an upstream is left alone after a rate limit of our address.
    pub(super) fn pause(&self, named: Option<Duration>) -> Duration {
        named.unwrap_or(self.address_pause).min(self.address_pause_max)
    }

    /// Returns the figures for the rests of a credential.
    pub(super) fn health(&self) -> HealthRules {
        HealthRules {
            limit: (self.rate_limit_rest, self.rate_limit_rest_max),
            longest: self.retry_after_max,
            weak_errors: self.weak_errors as usize,
            weak_window: self.weak_window,
            weak: (self.weak_rest, self.weak_rest_max),
        }
    }
}
