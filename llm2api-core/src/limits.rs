//! Every wait and every size that ends something, in one place.

use std::time::Duration;

/// Waits and sizes of the engine; [`Default`] gives the documented values.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use llm2api_core::Limits;
///
/// let mut limits = Limits::default();
/// limits.connect_timeout = Duration::from_secs(1);
/// assert_eq!(limits.max_attempts, 3);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Sends for one request, all layers together. 3.
    pub max_attempts: u32,
    /// Wait for a free credential. 30 s.
    pub queue_timeout: Duration,
    /// TCP and TLS to the upstream. 3 s.
    pub connect_timeout: Duration,
    /// Streams: request sent to first content. 60 s.
    pub first_content_timeout: Duration,
    /// Whole answers: request sent to last byte. 600 s.
    pub response_timeout: Duration,
    /// Between any two bytes of a stream. 30 s.
    pub liveness_timeout: Duration,
    /// Between two pieces of content. 300 s.
    pub progress_timeout: Duration,
    /// One request, everything; a call may have [a time of its own](crate::Call::with_timeout). Off.
    pub total_timeout: Option<Duration>,
    /// Bytes of one stream event or line. 1 MiB.
    pub event_limit: usize,
    /// Bytes of one whole JSON answer. 16 MiB.
    pub body_limit: usize,
    /// Calls at the same time with one credential. 4.
    pub max_concurrency_per_credential: u32,
}

impl Limits {
    /// Returns these with those at their defaults that no upstream looks at.
    pub(crate) fn of_upstreams(&self) -> Self {
        let default = Self::default();
        Self {
            max_attempts: default.max_attempts,
            queue_timeout: default.queue_timeout,
            total_timeout: default.total_timeout,
            max_concurrency_per_credential: default.max_concurrency_per_credential,
            ..self.clone()
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            queue_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(3),
            first_content_timeout: Duration::from_secs(60),
            response_timeout: Duration::from_secs(600),
            liveness_timeout: Duration::from_secs(30),
            progress_timeout: Duration::from_secs(300),
            total_timeout: None,
            event_limit: 1 << 20,
            body_limit: 16 << 20,
            max_concurrency_per_credential: 4,
        }
    }
}
