//! Where a call stands in a trace, as the W3C's Trace Context writes it.

mod state;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use crate::hex::hex;

/// The length of what version 00 writes: `00-{32 digits}-{16 digits}-{2 digits}`.
const LENGTH: usize = 55;
/// The one flag that every version has: whoever called records the trace.
const SAMPLED: u8 = 1;

/// The place of one step in a trace: the trace's id, the step's own, and that of the step before.
///
/// Ids are random and say nothing of whom they are about. They go to an upstream only where
/// [`UpstreamConfig::with_trace_context`](crate::UpstreamConfig::with_trace_context) lets them.
///
/// # Example
/// ```
/// use llm2api_core::chat::TraceContext;
///
/// let sent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// let theirs = TraceContext::parse(sent, None).expect("a valid header");
/// let ours = theirs.child();
/// assert_eq!(ours.trace_id(), theirs.trace_id());
/// assert_eq!(ours.parent_id(), Some(theirs.span_id()));
/// assert!(ours.is_sampled() && ours.traceparent() != sent);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct TraceContext {
    trace: u128,
    span: u64,
    parent: Option<u64>,
    sampled: bool,
    state: Option<Arc<str>>,
}

impl TraceContext {
    /// Begins a trace, which nobody records as long as nobody says so.
    pub fn random() -> Self {
        // Eight random bytes at the end, none of them fixed: whoever samples goes by these.
        let trace = fastrand::u128(1..);
        Self { trace, span: new_span(), parent: None, sampled: false, state: None }
    }

    /// Reads the headers `traceparent` and `tracestate`.
    ///
    /// None where `traceparent` is not written exactly as its version wants it; a `tracestate` that
    /// is not in order is left out. Later versions are read as far as 00 knows them.
    pub fn parse(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let (version, rest) = traceparent.split_once('-')?;
        let (trace, rest) = rest.split_once('-')?;
        let (span, rest) = rest.split_once('-')?;
        let (flags, more) = rest.split_at_checked(2)?;
        let known = match digits(version, 2)? {
            0 => more.is_empty() && traceparent.len() == LENGTH,
            0xff => false,
            _ => more.is_empty() || more.starts_with('-'),
        };
        let trace = Some(digits(trace, 32)?).filter(|trace| known && *trace != 0)?;
        let span = u64::try_from(digits(span, 16)?).ok().filter(|span| *span != 0)?;
        let sampled = digits(flags, 2)? & u128::from(SAMPLED) != 0;
        let state = tracestate.and_then(state::read);
        Some(Self { trace, span, parent: None, sampled, state })
    }

    /// Begins the step that follows this one.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { span: new_span(), parent: Some(self.span), ..self.clone() }
    }

    /// Says whether the trace is recorded.
    #[must_use]
    pub fn with_sampled(mut self, sampled: bool) -> Self {
        self.sampled = sampled;
        self
    }

    /// Returns the id of the trace.
    pub fn trace_id(&self) -> [u8; 16] {
        self.trace.to_be_bytes()
    }

    /// Returns the id of this step.
    pub fn span_id(&self) -> [u8; 8] {
        self.span.to_be_bytes()
    }

    /// Returns the id of the step that this one follows.
    pub fn parent_id(&self) -> Option<[u8; 8]> {
        self.parent.map(u64::to_be_bytes)
    }

    /// Says whether the trace is recorded.
    pub fn is_sampled(&self) -> bool {
        self.sampled
    }

    /// Returns what `tracestate` said, which is passed on as it came.
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// Writes the id of the trace in hex digits.
    pub fn trace_text(&self) -> String {
        hex(&self.trace_id())
    }

    /// Writes the header `traceparent` for whoever is called in this step.
    pub fn traceparent(&self) -> String {
        let flags = if self.sampled { SAMPLED } else { 0 };
        format!("00-{:032x}-{:016x}-{flags:02x}", self.trace, self.span)
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What `tracestate` holds is the client's text.
        f.debug_tuple("TraceContext").field(&self.traceparent()).finish()
    }
}

fn new_span() -> u64 {
    fastrand::u64(1..)
}

/// Reads so many hex digits, all of them small.
fn digits(text: &str, length: usize) -> Option<u128> {
    let small = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let fits = text.len() == length && text.bytes().all(small);
    fits.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}
