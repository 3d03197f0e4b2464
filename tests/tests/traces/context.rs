//! Who learns which requests belong together.

use llm2api_tests::processes::{CHAT_UI, OPENAI};
use llm2api_tests::{Options, Simulator};

use crate::collector::Collector;
use crate::stage::{SPAN, TRACE, Two, headers, line, traceparent};

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_upstream_is_told_the_trace_and_no_other() {
    for kind in [OPENAI, CHAT_UI] {
        let collector = Collector::start().await;
        let lines = format!("otel_exporter_otlp_endpoint = \"{}\"", collector.url());
        let two = Two::start(kind, &lines).await;
        let given = format!("{}tracestate: a=1,b=2\r\n", traceparent("01"));
        two.ask("trusted", &given, "hello").await;
        two.ask("other", &given, "hello").await;
        let spans = collector.wait(4).await;
        let attempt = spans.iter().find(|told| {
            told.attributes.get("llm2api.upstream.name").is_some_and(|name| name == "trusted")
        });
        let attempt = attempt.expect("the attempt is told of");
        let expected = format!("00-{TRACE}-{}-01", attempt.id());
        assert_eq!(headers(&two.trusted, "traceparent"), [expected], "{kind}");
        assert_eq!(headers(&two.trusted, "tracestate"), ["a=1,b=2"], "{kind}");
        assert_eq!(attempt.span.trace_state, "a=1,b=2", "{kind}");
        for name in ["traceparent", "tracestate"] {
            assert!(headers(&two.other, name).is_empty(), "{kind} {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_the_trace_goes_on_all_the_same() {
    let two = Two::start(OPENAI, "").await;
    two.ask("trusted", &traceparent("01"), "hello").await;
    assert_eq!(line(&two.server).await["trace_id"], TRACE);
    two.ask("trusted", "", "hello").await;
    let [theirs, ours] = &headers(&two.trusted, "traceparent")[..] else { panic!("two chats") };
    assert!(theirs.starts_with(&format!("00-{TRACE}-")) && theirs.ends_with("-01"), "{theirs}");
    assert!(!theirs.contains(SPAN), "each attempt has an id of its own: {theirs}");
    assert!(!ours.contains(TRACE) && ours.ends_with("-00"), "nobody records it: {ours}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_is_not_told_the_trace() {
    let searxng = Simulator::start(Options::default()).await.expect("the simulator listens");
    let lines = format!("searxng_url = \"{}\"\ntool_all_in_one = true", searxng.searxng_url());
    let two = Two::start(OPENAI, &lines).await;
    two.ask("trusted", &traceparent("01"), "How large is Oslo?").await;
    assert!(!searxng.log().requests.is_empty(), "it was searched");
    assert!(headers(&searxng, "traceparent").is_empty());
    assert_eq!(headers(&two.trusted, "traceparent").len(), 1);
}
