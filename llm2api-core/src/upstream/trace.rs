//! What an upstream is told of the trace that a call belongs to.

use super::UpstreamConfig;
use crate::chat::Call;
use crate::http::Request;

/// Whether an upstream is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct TraceHeaders {
    sent: bool,
}

impl TraceHeaders {
    /// Goes by the upstream's settings.
    pub(super) fn of(config: &UpstreamConfig) -> Self {
        Self { sent: config.trace_context }
    }

    /// Adds what the upstream is told of the attempt that runs.
    pub(super) fn on(self, request: Request, call: &Call) -> Request {
        let Some(trace) = call.attempt_trace().filter(|_| self.sent) else { return request };
        let request = request.header("traceparent", trace.traceparent());
        match trace.state() {
            Some(state) => request.header("tracestate", state),
            None => request,
        }
    }
}
