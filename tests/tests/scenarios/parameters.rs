//! What becomes of each parameter, kind by kind, as the table says.

use llm2api_core::adapt::{Profile, Treatment};
use llm2api_core::{ChatRequest, Client, ErrorKind};
use llm2api_tests::Simulator;
use serde_json::{Value, json};

use crate::support::{KINDS, Kind, MODEL, client};

/// A value of each field that asks for something.
fn values() -> Vec<(&'static str, Value)> {
    let message = json!({"role": "user", "content": "hello"});
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": {}}});
    vec![
        ("model", json!(MODEL)),
        ("messages", json!([message])),
        ("stream", json!(true)),
        ("stream_options", json!({"include_usage": true, "include_obfuscation": false})),
        ("tools", json!([tool])),
        ("tool_choice", json!("required")),
        ("parallel_tool_calls", json!(false)),
        ("functions", json!([{"name": "f"}])),
        ("function_call", json!({"name": "f"})),
        ("response_format", json!({"type": "json_object"})),
        ("stop", json!(["END"])),
        ("max_tokens", json!(50)),
        ("max_completion_tokens", json!(50)),
        ("n", json!(2)),
        ("logprobs", json!(true)),
        ("top_logprobs", json!(3)),
        ("modalities", json!(["text", "audio"])),
        ("audio", json!({"voice": "ash", "format": "wav"})),
        ("web_search_options", json!({})),
        ("moderation", json!({"model": "m"})),
        ("temperature", json!(0.25)),
        ("top_p", json!(0.5)),
        ("presence_penalty", json!(-1.5)),
        ("frequency_penalty", json!(0.5)),
        ("logit_bias", json!({"50256": -100})),
        ("seed", json!(7)),
        ("reasoning_effort", json!("low")),
        ("verbosity", json!("low")),
        ("prediction", json!({"type": "content", "content": "x"})),
        ("service_tier", json!("flex")),
        ("prompt_cache_key", json!("k")),
        ("prompt_cache_options", json!({"mode": "explicit"})),
        ("prompt_cache_retention", json!("24h")),
        ("store", json!(true)),
        ("metadata", json!({"a": "b"})),
        ("user", json!("ann")),
        ("safety_identifier", json!("ann")),
        ("top_k", json!(5)),
    ]
}

fn request(field: &str, value: &Value) -> ChatRequest {
    let message = json!({"role": "user", "content": "hello"});
    let mut body = json!({"model": MODEL, "messages": [message]});
    body[field] = value.clone();
    ChatRequest::from_json(body.to_string().as_bytes()).expect("a request")
}

fn profile(kind: Kind) -> Profile {
    match kind {
        Kind::ChatUi | Kind::ChatUi2024 => Profile::Text,
        Kind::OpenAi => Profile::OpenAi,
        Kind::OpenWebUi => Profile::OpenWebUi,
    }
}

/// Tries every field of which a kind makes this.
async fn each(wanted: Treatment, check: impl AsyncFn(&Client, &Simulator, Kind, &str, &Value)) {
    for kind in KINDS {
        let upstream = kind.start().await;
        let client = client(kind.config(&upstream)).await;
        for (field, value) in values() {
            if profile(kind).treatment(field) == wanted {
                check(&client, &upstream, kind, field, &value).await;
            }
        }
    }
}

#[test]
fn every_published_field_is_tried() {
    let tried: Vec<_> = values().into_iter().map(|(field, _)| field).collect();
    for (field, _) in Profile::OpenAi.table().filter(|(field, _)| !field.contains('.')) {
        assert!(tried.contains(&field), "`{field}` is not tried");
    }
}

#[tokio::test]
async fn g24_what_is_honoured_reaches_the_upstream_as_it_came() {
    each(Treatment::Honoured, async |client, upstream, kind, field, value| {
        let answer = client.chat(request(field, value)).await.expect("an answer");
        assert_eq!(answer.ignored_parameters(), [""; 0], "{kind:?}: {field}");
        answer.collect().await.expect("a whole answer");
        if !kind.is_chat_ui() {
            let log = upstream.log();
            let sent = log.requests.iter().rfind(|request| request.is_send()).expect("a send");
            assert_eq!(sent.json()[field], *value, "{kind:?}: {field}");
        }
    })
    .await;
}

#[tokio::test]
async fn g24_what_is_ignored_is_named_and_not_sent_as_text() {
    each(Treatment::Ignored, async |client, upstream, kind, field, value| {
        let before = upstream.log().requests.len();
        let answer = client.chat(request(field, value)).await.expect("an answer");
        assert_eq!(answer.ignored_parameters(), [field], "{kind:?}");
        answer.collect().await.expect("a whole answer");
        for sent in upstream.log().requests.iter().skip(before).filter(|_| kind.is_chat_ui()) {
            let body = String::from_utf8_lossy(&sent.body);
            assert!(!body.contains(&format!("\"{field}\"")), "{kind:?}: {body}");
        }
    })
    .await;
}

#[tokio::test]
async fn g24_what_is_rejected_is_refused_before_anything_is_sent() {
    each(Treatment::Rejected, async |client, upstream, kind, field, value| {
        let error = client.chat(request(field, value)).await.expect_err("refused");
        assert_eq!((error.kind(), error.param()), (ErrorKind::Unsupported, Some(field)));
        assert_eq!(error.code(), "unsupported_parameter", "{kind:?}: {field}");
        assert_eq!(upstream.log().requests.len(), 0, "{kind:?}: {field}");
    })
    .await;
}
