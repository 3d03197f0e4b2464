use serde_json::json;

use crate::harness::{Running, header, json, status};

const CHAT: &str = "/v1/chat/completions";
const HELLO: &str = r#"{"model":"demo","messages":[{"role":"user","content":"Hello"}]}"#;
const STREAM: &str =
    r#"{"model":"demo","stream":true,"messages":[{"role":"user","content":"Hello"}]}"#;

#[tokio::test]
async fn a_whole_answer_is_one_json_object() {
    let server = Running::start(&[]).await;
    let answer =
        server.post(CHAT, "Content-Type: application/json; charset=utf-8\r\n", HELLO).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(header(&answer, "content-type"), Some("application/json"));
    let json = json(&answer);
    assert_eq!(json["object"], "chat.completion");
    assert_eq!(json["choices"][0]["finish_reason"], "stop");
    let text = json["choices"][0]["message"]["content"].as_str().expect("a text");
    assert!(text.contains("Hello"), "{text}");
}

#[tokio::test]
async fn a_stream_ends_with_done() {
    let server = Running::start(&[]).await;
    let answer = server.post(CHAT, "", STREAM).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(header(&answer, "content-type"), Some("text/event-stream; charset=utf-8"));
    assert_eq!(header(&answer, "cache-control"), Some("no-cache"));
    assert_eq!(header(&answer, "x-accel-buffering"), Some("no"));
    assert!(answer.contains("data: {\"id\":\"chatcmpl-"), "{answer}");
    assert!(answer.contains("\"finish_reason\":\"stop\""), "{answer}");
    assert!(answer.contains("data: [DONE]\n\n\r\n0\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn the_request_id_is_the_clients_or_a_new_one() {
    let server = Running::start(&[]).await;
    let own = server.post(CHAT, "x-request-id: my-id.1_A\r\n", "{}").await;
    assert_eq!(header(&own, "x-request-id"), Some("my-id.1_A"));
    assert_eq!(json(&own)["error"]["request_id"], "my-id.1_A");
    let bad = server.post(CHAT, "x-request-id: my id\r\n", "{}").await;
    let id = header(&bad, "x-request-id").expect("one is made");
    assert!(id.starts_with("req_"), "{id}");
    assert_eq!(json(&bad)["error"]["request_id"], id);
    let whole = server.post(CHAT, "x-request-id: x\r\n", HELLO).await;
    assert_eq!(header(&whole, "x-request-id"), Some("x"));
}

#[tokio::test]
async fn bad_requests_are_told_what_is_wrong() {
    let server = Running::start(&[("MESSAGES_LIMIT", "1")]).await;
    let two = r#"{"model":"demo","messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}]}"#;
    let unknown = r#"{"model":"nope","messages":[{"role":"user","content":"a"}]}"#;
    let cases = [
        ("", "{", 400, "invalid_json", json!(null)),
        ("", r#"{"model":"demo","messages":[]}"#, 400, "invalid_request", json!("messages")),
        ("", two, 400, "too_many_messages", json!("messages")),
        ("", unknown, 404, "model_not_found", json!("model")),
        ("Content-Type: text/plain\r\n", HELLO, 415, "unsupported_media_type", json!(null)),
        ("Content-Encoding: gzip\r\n", HELLO, 415, "unsupported_encoding", json!(null)),
    ];
    for (headers, body, expected, code, param) in cases {
        let answer = server.post(CHAT, headers, body).await;
        assert_eq!(status(&answer), expected, "{body}: {answer}");
        assert_eq!(json(&answer)["error"]["code"], code, "{body}");
        assert_eq!(json(&answer)["error"]["param"], param, "{body}");
    }
}

#[tokio::test]
async fn bodies_nested_deeper_than_the_limit_are_refused() {
    let server = Running::start(&[]).await;
    let small = Running::start(&[("JSON_DEPTH", "5")]).await;
    // The body itself and the innermost values are two levels.
    for (server, depth, expected) in [
        (&server, 126, 200),
        (&server, 127, 400),
        (&server, 100_000, 400),
        (&small, 3, 200),
        (&small, 4, 400),
    ] {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        let nested = format!(r#""Hello"}}],"x":{open}1{close}}}"#);
        let answer = server.post(CHAT, "", &HELLO.replace(r#""Hello"}]}"#, &nested)).await;
        assert_eq!(status(&answer), expected, "{depth}: {answer}");
        let code = if expected == 400 { json!("json_too_deep") } else { json!(null) };
        assert_eq!(json(&answer)["error"]["code"], code, "{depth}");
    }
}

#[tokio::test]
async fn an_error_before_the_first_chunk_is_no_stream() {
    let server = Running::start(&[]).await;
    let body = r#"{"model":"nope","stream":true,"messages":[{"role":"user","content":"a"}]}"#;
    let answer = server.post(CHAT, "", body).await;
    assert_eq!(status(&answer), 404, "{answer}");
    assert_eq!(header(&answer, "content-type"), Some("application/json"));
}
