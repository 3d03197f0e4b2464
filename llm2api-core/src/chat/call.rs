//! What travels with one call through the whole stack.

#[cfg(feature = "web-search")]
mod aside;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::trail::Trail;
use super::{Message, RetryPlan, TraceContext};
use crate::error::{Error, ErrorKind};
use crate::random::new_id;

const DEFAULT_SENDS: u32 = 3;

/// The state of one call: its id, its send budget, the attempts made so far.
///
/// Clones share the state, so every layer draws on the same budget: "3 attempts" never becomes 9
/// sends.
///
/// # Example
/// ```
/// let call = llm2api_core::Call::new("req_1").with_sends(1);
/// assert!(call.take_send());
/// assert!(!call.take_send());
/// ```
#[derive(Clone, Debug)]
pub struct Call {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Made when somebody asks for it: most calls that begin under a new id are given another.
    id: OnceLock<Arc<str>>,
    sends: AtomicU32,
    trail: OnceLock<Trail>,
    trace: OnceLock<TraceContext>,
    caller: OnceLock<Arc<str>>,
    /// This is a question of the engine's own.
    aside: bool,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    attempts: Vec<Attempted>,
    plan: RetryPlan,
    kept: Option<Error>,
    favourite: Option<Arc<str>>,
    blamed: Option<Arc<str>>,
    thread: Option<u64>,
    prepared: Option<Arc<[Message]>>,
    terms: Terms,
    passing: bool,
    attempt_trace: Option<TraceContext>,
}

/// What a call may ask for otherwise than its client.
#[derive(Clone, Copy, Debug, Default)]
struct Terms {
    sends: Option<u32>,
    timeout: Option<Duration>,
}

/// One attempt that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempted {
    /// The upstream's name.
    pub upstream: Arc<str>,
    /// The credential's id.
    pub credential: Arc<str>,
    /// How it failed; absent while it runs and after it succeeded.
    pub failure: Option<ErrorKind>,
}

impl Call {
    /// Starts a call with three sends.
    pub fn new(id: &str) -> Self {
        Self::begun(OnceLock::from(Arc::from(id)), DEFAULT_SENDS, false)
    }

    fn begun(id: OnceLock<Arc<str>>, sends: u32, aside: bool) -> Self {
        let (trail, trace, caller) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        let (sends, log) = (AtomicU32::new(sends), Mutex::default());
        Self { shared: Arc::new(Shared { id, sends, trail, trace, caller, aside, log }) }
    }

    /// Begins a call like this one, for whom it is, on its terms, in its trace and under its trail, but with nothing
    /// done yet.
    pub(crate) fn afresh(&self, sends: u32) -> Self {
        self.again(sends, self.shared.aside)
    }

    fn again(&self, sends: u32, aside: bool) -> Self {
        let again = Self::begun(OnceLock::from(self.shared_id().clone()), sends, aside);
        self.trail().into_iter().for_each(|trail| drop(again.shared.trail.set(trail.clone())));
        let trace = self.trace().cloned();
        trace.into_iter().for_each(|trace| drop(again.shared.trace.set(trace)));
        let caller = self.shared.caller.get().cloned();
        caller.into_iter().for_each(|caller| drop(again.shared.caller.set(caller)));
        again.log().terms = self.log().terms;
        again
    }

    /// Starts a call under a new, random id.
    pub fn random() -> Self {
        Self::begun(OnceLock::new(), DEFAULT_SENDS, false)
    }

    /// Sets how many sends this call may make in all, at least one; with a client, in place of its
    /// [`max_attempts`](crate::Limits::max_attempts).
    #[must_use]
    pub fn with_sends(self, sends: u32) -> Self {
        self.shared.sends.store(sends, Ordering::Relaxed);
        self.log().terms.sends = Some(sends);
        self
    }

    /// Returns how many sends were set, if any were.
    pub(crate) fn own_sends(&self) -> Option<u32> {
        self.log().terms.sends
    }

    /// Sets how long this call may take in all; with a client, in place of its
    /// [`total_timeout`](crate::Limits::total_timeout).
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        self.log().terms.timeout = Some(timeout);
        self
    }

    /// Returns how long this call may take in all, if that was set.
    pub fn timeout(&self) -> Option<Duration> {
        self.log().terms.timeout
    }

    /// Notes what becomes of the call; the first trail counts.
    #[must_use]
    pub fn with_trail(self, trail: Trail) -> Self {
        let _ = self.shared.trail.set(trail);
        self
    }

    /// Returns where it is noted what becomes of the call.
    pub fn trail(&self) -> Option<&Trail> {
        self.shared.trail.get()
    }

    /// Says where the call stands in a trace; each attempt is a step of its own below it. The first
    /// place counts.
    #[must_use]
    pub fn with_trace(self, trace: TraceContext) -> Self {
        let _ = self.shared.trace.set(trace);
        self
    }

    /// Returns where the call stands in a trace.
    pub fn trace(&self) -> Option<&TraceContext> {
        self.shared.trace.get()
    }

    /// Returns where the last attempt stands in a trace. An upstream may be told if whoever set it up
    /// has said so: see [`UpstreamConfig::trace_context`](crate::UpstreamConfig).
    pub fn attempt_trace(&self) -> Option<TraceContext> {
        self.log().attempt_trace.clone()
    }

    /// Says who calls, such as a client key by its id: his calls are [counted](crate::Metrics::caller)
    /// apart. Whoever is named must be known: each name has counters of its own.
    #[must_use]
    pub fn with_caller(self, caller: impl Into<Arc<str>>) -> Self {
        let _ = self.shared.caller.set(caller.into());
        self
    }

    /// Returns who calls.
    pub fn caller(&self) -> Option<&Arc<str>> {
        self.shared.caller.get()
    }

    /// Says whether this is a question of the engine's own, beside a call.
    pub(crate) fn is_aside(&self) -> bool {
        self.shared.aside
    }

    /// Names the credential that knows the conversation already: it is preferred, not pinned.
    #[must_use]
    pub fn with_favourite(self, credential: impl Into<Arc<str>>) -> Self {
        self.log().favourite = Some(credential.into());
        self
    }

    /// Prefers a credential, unless one is preferred already.
    pub(crate) fn prefer(&self, credential: Arc<str>) {
        self.log().favourite.get_or_insert(credential);
    }

    /// Returns the credential that is preferred.
    pub fn favourite(&self) -> Option<Arc<str>> {
        self.log().favourite.clone()
    }

    /// Notes by what the choice of a credential knows the thread that this call is of.
    pub(crate) fn set_thread(&self, thread: u64) {
        self.log().thread = Some(thread);
    }

    /// Returns by what the choice of a credential knows the thread that this call is of.
    #[cfg(feature = "chat-ui")]
    pub(crate) fn thread(&self) -> Option<u64> {
        self.log().thread
    }

    /// Keeps the messages with their images and files taken in, so that no other attempt has to.
    pub(crate) fn keep_prepared(&self, messages: Arc<[Message]>) {
        self.log().prepared = Some(messages);
    }

    /// Returns the messages with their images and files taken in.
    pub(crate) fn prepared(&self) -> Option<Arc<[Message]>> {
        self.log().prepared.clone()
    }

    /// Says whether a credential may be made to rest for this call: no other has been.
    pub fn may_blame(&self, credential: &str) -> bool {
        self.log().blamed.as_deref().is_none_or(|blamed| blamed == credential)
    }

    /// Notes that a credential has to rest for this call.
    pub fn blame(&self, credential: Arc<str>) {
        self.log().blamed = Some(credential);
    }

    /// Returns the id of the credential that was used last.
    pub fn last_credential(&self) -> Option<Arc<str>> {
        self.log().attempts.last().map(|attempt| attempt.credential.clone())
    }

    /// Returns the request id.
    pub fn id(&self) -> &str {
        self.shared_id()
    }

    fn shared_id(&self) -> &Arc<str> {
        self.shared.id.get_or_init(|| format!("req_{}", new_id().simple()).into())
    }

    /// Takes one send from the budget; says no when none is left.
    pub fn take_send(&self) -> bool {
        let less = |sends: u32| sends.checked_sub(1);
        self.shared.sends.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    /// Says whether nobody goes on from this call's turn.
    pub(crate) fn is_passing(&self) -> bool {
        self.log().passing
    }

    /// Returns how many sends are left.
    pub fn sends_left(&self) -> u32 {
        self.shared.sends.load(Ordering::Relaxed)
    }

    /// Notes that an attempt starts.
    pub fn begin(&self, upstream: Arc<str>, credential: Arc<str>) {
        let mut log = self.log();
        log.attempts.reserve_exact(1);
        log.attempts.push(Attempted { upstream, credential, failure: None });
        log.attempt_trace = self.trace().map(TraceContext::child);
    }

    /// Notes how the last attempt failed.
    pub fn fail(&self, kind: ErrorKind) {
        if let Some(last) = self.log().attempts.last_mut() {
            last.failure = Some(kind);
        }
    }

    /// Returns the attempts made so far, oldest first.
    pub fn attempts(&self) -> Vec<Attempted> {
        self.log().attempts.clone()
    }

    /// Returns how many attempts were made.
    pub fn attempt_count(&self) -> usize {
        self.log().attempts.len()
    }

    /// Says what the next attempt may use.
    pub fn set_plan(&self, plan: RetryPlan) {
        self.log().plan = plan;
    }

    /// Returns what the next attempt may use.
    pub fn plan(&self) -> RetryPlan {
        self.log().plan
    }

    /// Keeps the error of the last attempt, in case that no other attempt can be made.
    pub fn keep(&self, error: Error) {
        self.log().kept = Some(error);
    }

    /// Takes the error that was kept.
    pub fn take_kept(&self) -> Option<Error> {
        self.log().kept.take()
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        // No code panics while it holds the lock, and a torn log would harm nobody.
        self.shared.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Call {
    fn default() -> Self {
        Self::random()
    }
}
