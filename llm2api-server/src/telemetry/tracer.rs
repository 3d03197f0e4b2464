//! The place of each request in a trace.

use llm2api_core::chat::TraceContext;
use poem::http::HeaderMap;

use super::TraceError;
use super::otel::{self, Export, Outlet};
use crate::config::TraceConfig;
use crate::edge::Ended;

/// Gives each request its place in a trace, and tells the collector, if there is one, what became of
/// it. Clones share the way there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tracer {
    open: Option<Open>,
}

#[derive(Clone, Debug)]
struct Open {
    outlet: Outlet,
    ratio: f64,
}

impl Tracer {
    /// Opens the way to the collector that the settings name, if they name one.
    pub(crate) fn open(config: Option<&TraceConfig>) -> Result<(Self, Option<Export>), TraceError> {
        let Some(config) = config else { return Ok((Self::default(), None)) };
        let (outlet, export) = otel::open(config)?;
        Ok((Self { open: Some(Open { outlet, ratio: config.ratio }) }, Some(export)))
    }

    /// Returns the place of a request that comes with these headers: in the trace of whoever sent it,
    /// else in one of its own.
    ///
    /// Whether a trace is recorded is decided where it begins, so that it is whole or not at all.
    pub(crate) fn place(&self, headers: &HeaderMap) -> TraceContext {
        if let Some(theirs) = given(headers) {
            return theirs.child();
        }
        let ours = TraceContext::random();
        let sampled = self.open.as_ref().is_some_and(|open| is_drawn(&ours, open.ratio));
        ours.with_sampled(sampled)
    }

    /// Tells the collector of a request that is over, if it is to know. Whoever was not let in has no
    /// say in that, nor by the trace's id.
    pub(crate) fn end(&self, request: &Ended<'_>, was_let_in: bool) {
        let Some(open) = &self.open else { return };
        let sampled = match was_let_in || request.place.parent_id().is_none() {
            true => request.place.is_sampled(),
            false => is_drawn(&TraceContext::random(), open.ratio),
        };
        if sampled {
            open.outlet.put(request);
        }
    }
}

/// Reads what the client sent. Two places at once are none.
fn given(headers: &HeaderMap) -> Option<TraceContext> {
    let mut parents = headers.get_all("traceparent").iter();
    let parent = parents.next().filter(|_| parents.next().is_none())?;
    let states: Option<Vec<_>> =
        headers.get_all("tracestate").iter().map(|state| state.to_str().ok()).collect();
    TraceContext::parse(parent.to_str().ok()?, states.map(|states| states.join(",")).as_deref())
}

/// Draws by the trace's id, as all do who go by the same ratio: they draw the same traces.
fn is_drawn(trace: &TraceContext, ratio: f64) -> bool {
    let tail = trace.trace_id()[8..].iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    // As many bits as a fraction holds.
    let number = tail >> 11;
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let share = number as f64 / (1_u64 << 53) as f64;
    share < ratio
}

#[cfg(test)]
mod tests {
    use poem::http::{HeaderName, HeaderValue};

    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn place(pairs: &[(&'static str, &'static str)]) -> TraceContext {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        Tracer::default().place(&pairs.iter().map(pair).collect())
    }

    #[test]
    fn a_request_goes_on_with_the_trace_that_it_comes_with() {
        let theirs = TraceContext::parse(PARENT, None).expect("valid");
        let parent = ("traceparent", PARENT);
        let ours = place(&[parent, ("tracestate", "a=1"), ("tracestate", "b=2")]);
        assert_eq!(ours.trace_id(), theirs.trace_id());
        assert_eq!(ours.parent_id(), Some(theirs.span_id()));
        assert_eq!((ours.is_sampled(), ours.state()), (true, Some("a=1,b=2")));
    }

    #[test]
    fn without_one_that_is_in_order_it_begins_its_own() {
        let parent = ("traceparent", PARENT);
        for pairs in
            [&[][..], &[parent, parent], &[("traceparent", "00-x")], &[("tracestate", "a=1")]]
        {
            let ours = place(pairs);
            assert_eq!((ours.parent_id(), ours.state()), (None, None), "{pairs:?}");
            assert!(!ours.is_sampled(), "there is no collector");
        }
    }

    #[test]
    fn the_share_of_traces_that_are_drawn_is_the_ratio() {
        let drawn = |ratio| {
            let traces = (0..10_000).map(|_| TraceContext::random());
            traces.filter(|trace| is_drawn(trace, ratio)).count()
        };
        assert_eq!((drawn(0.0), drawn(1.0)), (0, 10_000));
        assert!((2_000..3_000).contains(&drawn(0.25)), "a quarter");
    }
}
