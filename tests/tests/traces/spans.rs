//! A request is a span, and each attempt is one below it.

use llm2api_tests::Script;
use llm2api_tests::processes::{API_KEY, MODEL, Outcome};
use serde_json::json;

use crate::collector::{Collector, Told};
use crate::stage::{SPAN, TRACE, ask, line, traced, traceparent};

/// Kinds of spans, as OTLP numbers them.
const SERVER: i32 = 2;
const CLIENT: i32 = 3;
/// The status of a span that has failed.
const ERROR: i32 = 2;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_a_span_and_each_attempt_is_one_below_it() {
    let collector = Collector::start().await;
    let stage = traced(&collector, &[("COOKIES", "one,two"), ("OTEL_SERVICE_NAME", "door")]).await;
    stage.upstream.script(Script::json(500, json!({"error": {"message": "sick"}})));
    let outcome = Outcome::of(&stage.server.api, "hello", true).await;
    assert!(outcome.is_whole(), "{outcome:?}");

    let spans = collector.wait(3).await;
    let [request, failed, answered] = &spans[..] else { unreachable!("three were waited for") };
    assert_request(request, &outcome);
    for attempt in [failed, answered] {
        assert_eq!(attempt.span.kind, CLIENT);
        assert_eq!(attempt.span.name, format!("chat {MODEL}"));
        assert_eq!((attempt.trace_id(), attempt.parent()), (request.trace_id(), request.id()));
        assert_eq!(attempt.attributes["gen_ai.provider.name"], "openai");
        assert_eq!(attempt.attributes["gen_ai.request.model"], MODEL);
        assert!(request.span.start_time_unix_nano <= attempt.span.start_time_unix_nano);
        assert!(attempt.span.end_time_unix_nano <= request.span.end_time_unix_nano);
    }
    assert_ne!(
        failed.attributes["llm2api.credential.id"],
        answered.attributes["llm2api.credential.id"]
    );
    assert_eq!(failed.attributes["llm2api.attempt.result"], "failed");
    assert_eq!(failed.attributes["http.response.status_code"], 500);
    assert_eq!(failed.attributes["error.type"], failed.status().1);
    assert_eq!((failed.status().0, failed.span.events.len()), (ERROR, 0));
    assert_eq!(answered.attributes["llm2api.attempt.result"], "completed");
    assert_eq!((answered.status(), answered.span.events.len()), ((0, ""), 1));
    assert_eq!(answered.span.events[0].name, "first_content");
    assert!(!answered.attributes.contains_key("error.type"));
}

fn assert_request(request: &Told, outcome: &Outcome) {
    assert_eq!(request.span.kind, SERVER);
    assert_eq!(request.span.name, "POST /v1/chat/completions");
    assert_eq!((request.parent().as_str(), request.status()), ("", (0, "")));
    assert_eq!(request.resource["service.name"], "door");
    for (name, expected) in [
        ("http.request.method", json!("POST")),
        ("http.route", json!("/v1/chat/completions")),
        ("url.path", json!("/v1/chat/completions")),
        ("http.response.status_code", json!(200)),
        ("gen_ai.operation.name", json!("chat")),
        ("gen_ai.request.model", json!(MODEL)),
        ("gen_ai.provider.name", json!("openai")),
        ("llm2api.attempts", json!(2)),
        ("llm2api.request.id", json!(outcome.header("x-request-id"))),
    ] {
        assert_eq!(request.attributes[name], expected, "{name}");
    }
    for name in ["gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"] {
        assert!(request.attributes[name].as_u64().is_some_and(|tokens| tokens > 0), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_says_so_and_a_refusal_is_no_fault_of_the_server() {
    let collector = Collector::start().await;
    let stage = traced(&collector, &[("RETRY_MAX_ATTEMPTS", "1")]).await;
    let refusal =
        Outcome::to(&stage.server.api, "/v1/chat/completions", &json!({})).await.refusal();
    assert_eq!(refusal.0, 400);
    let failed = Outcome::of(&stage.server.api, "MIDCUT", true).await.error();
    let spans = collector.wait(3).await;
    let [refused, broken, attempt] = &spans[..] else { unreachable!("three were waited for") };
    assert_eq!((refused.status(), &refused.attributes["error.type"]), ((0, ""), &json!(refusal.1)));
    for span in [broken, attempt] {
        assert_eq!(span.attributes["error.type"], failed["code"], "{}", span.span.name);
        assert_eq!(span.status().0, ERROR);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_goes_on_with_the_trace_of_its_client() {
    let collector = Collector::start().await;
    // Who records has decided, whatever the ratio.
    let stage = traced(&collector, &[("OTEL_TRACES_SAMPLER_ARG", "0")]).await;
    for headers in ["", &traceparent("00"), "traceparent: 00-nonsense\r\n", &traceparent("01")] {
        let told = stage.server.ask(ask(headers, MODEL, "hello")).await;
        assert_eq!(told.status, 200, "{told:?}");
    }
    let spans = collector.wait(2).await;
    assert_eq!(spans[0].parent(), SPAN);
    assert!(spans.iter().all(|told| told.trace_id() == TRACE));
    assert_eq!(line(&stage.server).await["trace_id"], TRACE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_has_no_say_in_what_is_traced() {
    for (ratio, theirs, refusals) in [("0", "01", 0), ("1", "00", 1)] {
        let collector = Collector::start().await;
        let stage = traced(&collector, &[("OTEL_TRACES_SAMPLER_ARG", ratio)]).await;
        let request = ask(&traceparent(theirs), MODEL, "hello").replace(API_KEY, "wrong");
        assert_eq!(stage.server.ask(request).await.status, 401);
        let request = ask(&traceparent("01"), MODEL, "hello");
        assert_eq!(stage.server.ask(request).await.status, 200);
        let spans = collector.wait(2 + refusals).await;
        let refused = Some(json!(401));
        let told =
            |told: &&Told| told.attributes.get("http.response.status_code") == refused.as_ref();
        assert_eq!(spans.iter().filter(told).count(), refusals, "{ratio}: {spans:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_checks_are_not_traced() {
    let collector = Collector::start().await;
    let stage = traced(&collector, &[]).await;
    assert_eq!(stage.server.api.get("/readyz").await.status, 200);
    assert_eq!(stage.server.api.cookies().await.len(), 1);
    let spans = collector.wait(1).await;
    assert_eq!(spans[0].span.name, "GET /cookies");
    assert!(!spans[0].attributes.contains_key("gen_ai.operation.name"), "{spans:?}");
}
