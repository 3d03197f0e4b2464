//! The place of each request in a trace.

use llm2api_core::chat::TraceContext;
use poem::http::HeaderMap;

/// Returns the place of a request that comes with these headers: in the trace of whoever sent it,
/// else in one of its own.
pub(crate) fn place(headers: &HeaderMap) -> TraceContext {
    given(headers).map_or_else(TraceContext::random, |theirs| theirs.child())
}

/// Reads what the client sent. Two places at once are none.
fn given(headers: &HeaderMap) -> Option<TraceContext> {
    let mut parents = headers.get_all("traceparent").iter();
    let parent = parents.next().filter(|_| parents.next().is_none())?;
    let states: Option<Vec<_>> =
        headers.get_all("tracestate").iter().map(|state| state.to_str().ok()).collect();
    TraceContext::parse(parent.to_str().ok()?, states.map(|states| states.join(",")).as_deref())
}

#[cfg(test)]
mod tests {
    use poem::http::{HeaderName, HeaderValue};

    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn sent(pairs: &[(&'static str, &'static str)]) -> TraceContext {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        place(&pairs.iter().map(pair).collect())
    }

    #[test]
    fn a_request_goes_on_with_the_trace_that_it_comes_with() {
        let theirs = TraceContext::parse(PARENT, None).expect("valid");
        let parent = ("traceparent", PARENT);
        let ours = sent(&[parent, ("tracestate", "a=1"), ("tracestate", "b=2")]);
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
            let ours = sent(pairs);
            assert_eq!((ours.parent_id(), ours.state()), (None, None), "{pairs:?}");
            assert!(!ours.is_sampled(), "nobody records it");
        }
    }
}
