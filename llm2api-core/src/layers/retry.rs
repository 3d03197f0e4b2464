//! Tries again what is safe to try again, within a budget.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{Ready, ready};
use tower::Layer;
use tower::retry::budget::{Budget, TpsBudget};
use tower::retry::{Policy, Retry};

use crate::chat::{Attempted, Call, ChatRequest, ChatStream, Others, RetryPlan};
use crate::error::{Error, ErrorKind, Same};

/// The longest wait for the same credential; an upstream that asks for more is not asked again.
const SHORT_WAIT: Duration = Duration::from_secs(2);
/// Back-off before the same credential is used again, lowest and highest.
const BACKOFF_MS: std::ops::Range<u64> = 50..200;
/// Retries allowed in addition to a share of the calls, a second.
const RETRIES_A_SECOND: u32 = 10;
/// Retries allowed as a share of the calls of the last ten seconds.
const RETRY_SHARE: f32 = 0.2;
const BUDGET_WINDOW: Duration = Duration::from_secs(10);

/// Tries a failed call again, as the table in [`ErrorKind::verdict`] allows.
///
/// # Notes
/// Three things bound the retries: the table, the call's own send budget ([`Call`]), and a budget
/// across calls (ten a second plus a fifth of the calls), so that a broken upstream is not hit
/// harder. After the last attempt the error is marked [exhausted](Error::is_exhausted).
///
/// # Order
/// Right: `Retry -> Pool -> FirstChunk -> Upstream`. Every attempt then gets a credential of its
/// own, and a stream comes back only with content, after which nothing is retried. The pool also
/// notes each attempt in the [`Call`], by which this layer goes: without it nothing is retried. Wrong:
/// `Pool -> Retry`, which would hammer one credential.
///
/// # Cancellation safety
/// Dropping the future drops the attempt under way and makes no other.
///
/// # Example
/// ```
/// let layer = llm2api_core::layers::RetryLayer::new();
/// # drop(layer);
/// ```
#[derive(Clone, Debug, Default)]
pub struct RetryLayer {
    policy: RetryPolicy,
}

impl RetryLayer {
    /// Makes a layer with a retry budget of its own.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<S: Clone> Layer<S> for RetryLayer {
    type Service = Retry<RetryPolicy, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Retry::new(self.policy.clone(), inner)
    }
}

/// The policy behind [`RetryLayer`], for tower's `Retry`.
#[derive(Clone)]
pub struct RetryPolicy {
    budget: Arc<TpsBudget>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        let budget = TpsBudget::new(BUDGET_WINDOW, RETRIES_A_SECOND, RETRY_SHARE);
        Self { budget: Arc::new(budget) }
    }
}

impl fmt::Debug for RetryPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryPolicy").finish_non_exhaustive()
    }
}

// ===== impl RetryPolicy =====

impl Policy<ChatRequest, ChatStream, Error> for RetryPolicy {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        request: &mut ChatRequest,
        result: &mut Result<ChatStream, Error>,
    ) -> Option<Ready<()>> {
        let Err(error) = result else {
            return None;
        };
        let call = &request.call;
        call.fail(error.kind());
        let backoff = Duration::from_millis(fastrand::u64(BACKOFF_MS));
        let plan = if may_help(error) { plan(error, call, backoff) } else { None };
        // A caller's demand that another upstream may meet says nothing of how upstreams fare.
        let is_free = error.kind() == ErrorKind::Unsupported;
        let plan = plan.filter(|_| is_free || self.budget.withdraw());
        if let Some(trail) = call.trail() {
            trail.note_next(plan);
        }
        let Some(plan) = plan else {
            error.exhaust();
            return None;
        };
        call.set_plan(plan);
        // If no credential is left, this error is what the caller should see.
        let placeholder = Error::new(ErrorKind::Internal, "retry", "the attempt is being repeated");
        call.keep(std::mem::replace(error, placeholder));
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &ChatRequest) -> Option<ChatRequest> {
        if request.call.attempt_count() == 0 {
            self.budget.deposit();
        }
        Some(request.clone())
    }
}

/// What one upstream lacks another may have.
fn may_help(error: &Error) -> bool {
    let elsewhere = error.kind() == ErrorKind::Unsupported && !error.is_exhausted();
    elsewhere || error.is_retryable()
}

/// Says whether the fault is that of all credentials of the upstream, and of no other upstream.
fn goes_elsewhere(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Connect | ErrorKind::Unsupported)
}

/// Says what the next attempt may use; none where there must be none.
fn plan(error: &Error, call: &Call, backoff: Duration) -> Option<RetryPlan> {
    let attempts = call.attempts();
    let last = attempts.last()?;
    if call.sends_left() == 0 {
        return None;
    }
    let verdict = error.kind().verdict();
    let again = |attempt: &&Attempted| attempt.credential == last.credential;
    let same_is_fresh = attempts.iter().filter(again).count() == 1;
    let same = same_after(verdict.same, error, backoff).filter(|_| same_is_fresh);
    let alike = attempts.iter().filter(|attempt| attempt.failure == Some(error.kind())).count();
    let others = match u32::try_from(alike) {
        Ok(alike) if alike <= verdict.others => Others::Any,
        _ if goes_elsewhere(error.kind()) => Others::OtherUpstream,
        _ => Others::None,
    };
    (same.is_some() || others != Others::None).then(|| RetryPlan::new(same, others))
}

fn same_after(same: Same, error: &Error, backoff: Duration) -> Option<Duration> {
    let wait = match same {
        Same::Never => None,
        Same::AtOnce => Some(Duration::ZERO),
        Same::AfterBackoff => Some(backoff.max(error.retry_after().unwrap_or_default())),
        Same::AfterShortWait => error.retry_after(),
    };
    wait.filter(|wait| *wait <= SHORT_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Duration = Duration::from_millis(100);

    fn call(credentials: &[&str], kind: ErrorKind) -> Call {
        let call = Call::random().with_sends(9);
        for credential in credentials {
            call.begin("a".into(), (*credential).into());
            call.fail(kind);
        }
        call
    }

    fn planned(credentials: &[&str], error: &Error) -> Option<(Option<Duration>, Others)> {
        let now = tokio::time::Instant::now();
        let plan = plan(error, &call(credentials, error.kind()), BACKOFF)?;
        Some((plan.same_from.map(|from| from - now), plan.others))
    }

    fn error(kind: ErrorKind) -> Error {
        Error::new(kind, "chat", "failed")
    }

    #[tokio::test(start_paused = true)]
    async fn the_table_is_followed() {
        use ErrorKind as Kind;
        let cases = [
            (Kind::Connect, Some((Some(BACKOFF), Others::OtherUpstream))),
            (Kind::ConnectionReset, Some((Some(Duration::ZERO), Others::Any))),
            (Kind::CredentialRejected, Some((None, Others::Any))),
            (Kind::CredentialForbidden, Some((None, Others::Any))),
            (Kind::UpstreamFailed, Some((Some(BACKOFF), Others::Any))),
            (Kind::UpstreamProtocol, Some((None, Others::Any))),
            (Kind::RateLimited, Some((None, Others::Any))),
            (Kind::Timeout, None),
            (Kind::Unsupported, Some((None, Others::OtherUpstream))),
            (Kind::InvalidRequest, None),
            (Kind::UpstreamIncomplete, None),
        ];
        for (kind, expected) in cases {
            assert_eq!(planned(&["x"], &error(kind)), expected, "{kind:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_credential_is_used_at_most_twice() {
        let failed = error(ErrorKind::UpstreamFailed);
        assert_eq!(planned(&["x", "x"], &failed), Some((None, Others::Any)));
        assert_eq!(
            planned(&["x", "x"], &error(ErrorKind::Connect)),
            Some((None, Others::OtherUpstream))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn junk_is_tried_with_one_other_only() {
        assert_eq!(planned(&["x", "y"], &error(ErrorKind::UpstreamProtocol)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_rate_limit_is_waited_for() {
        let wait =
            |seconds| error(ErrorKind::RateLimited).with_retry_after(Duration::from_secs(seconds));
        assert_eq!(planned(&["x"], &wait(2)), Some((Some(SHORT_WAIT), Others::Any)));
        assert_eq!(planned(&["x"], &wait(3)), Some((None, Others::Any)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_upstream_that_asks_for_time_gets_it() {
        let wait = |seconds| {
            error(ErrorKind::UpstreamFailed).with_retry_after(Duration::from_secs(seconds))
        };
        assert_eq!(planned(&["x"], &wait(1)), Some((Some(Duration::from_secs(1)), Others::Any)));
        assert_eq!(planned(&["x"], &wait(7)), Some((None, Others::Any)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_budget_ends_it() {
        let call = call(&["x"], ErrorKind::UpstreamFailed).with_sends(0);
        assert_eq!(plan(&error(ErrorKind::UpstreamFailed), &call, BACKOFF), None);
    }
}
