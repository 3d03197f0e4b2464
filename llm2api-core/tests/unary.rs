//! Whole replies of upstreams, against wiremock: what passes, what is repaired, what is refused.

use std::fmt::Write as _;

use llm2api_core::{ChatItem, ChatRequest, Client, ErrorKind, Message, UpstreamConfig};
use serde_json::{Value, json};
use wiremock::matchers::{any, body_partial_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const KEY: &str = "sk-canary";

fn request() -> ChatRequest {
    ChatRequest::new("m").with_message(Message::user("hello"))
}

async fn client(kind: &str, url: String) -> Client {
    let upstream = UpstreamConfig::new(kind, "up").with_url(url).with_credential(KEY);
    Client::builder().with_upstream(upstream).build().await.expect("a client")
}

/// The answer to a chat that the upstream answers with this reply.
async fn answer(reply: ResponseTemplate) -> llm2api_core::Result<String> {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(reply).mount(&server).await;
    let completion = client("openai", server.uri()).await.chat(request()).await?.collect().await?;
    let mut json = Vec::new();
    completion.write_json(&mut json);
    Ok(String::from_utf8(json).expect("JSON is UTF-8"))
}

#[tokio::test]
async fn a_whole_answer_passes_through_byte_for_byte() {
    let body = r#"{ "id":"x","object":"chat.completion","created":1,"model":"m-2024",
        "choices":[{"index":0,"message":{"role":"assistant","content":"Hi","mood":1.50},
        "logprobs":null,"finish_reason":"stop"}],
        "usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}, "new":{"a":[1e3]} }"#;
    let reply = ResponseTemplate::new(200).set_body_raw(body, "application/json");
    assert_eq!(answer(reply).await.expect("an answer"), body);
}

#[tokio::test]
async fn a_request_goes_out_with_key_and_fields_and_nothing_else() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/chat/completions"))
        .and(header("authorization", format!("Bearer {KEY}")))
        .and(header("content-type", "application/json"))
        .and(body_partial_json(json!({"model": "m", "temperature": 0.5, "top_k": 7})))
        .respond_with(ResponseTemplate::new(200).set_body_json(whole("Hi")))
        .expect(1)
        .mount(&server)
        .await;
    let mut request = request();
    request.temperature = Some(0.5);
    request.extra.insert("top_k".into(), 7.into());
    let client = client("openai", server.uri()).await;
    assert_eq!(
        client.chat(request).await.expect("sent").collect().await.expect("whole").text(),
        "Hi"
    );
    let requests = server.received_requests().await.expect("recorded");
    let sent = requests.iter().find(|sent| sent.method == "POST").expect("the chat");
    let mut names: Vec<_> = sent.headers.keys().map(|name| name.as_str().to_owned()).collect();
    names.sort_unstable();
    insta::assert_debug_snapshot!(names);
}

fn whole(text: &str) -> Value {
    json!({
        "id": "x", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text},
                     "finish_reason": "stop"}],
    })
}

#[tokio::test]
async fn answers_that_break_the_schema_are_repaired() {
    let cases = [
        ("nothing but the text", json!({"choices": [{"message": {"content": "Hi"}}]})),
        (
            "an unknown reason",
            json!({"choices": [{"message": {"content": "Hi"}, "finish_reason": "eos_token"}]}),
        ),
        (
            "the token limit in other words",
            json!({"choices": [{"message": {"content": "Hi"}, "finish_reason": "max_tokens"}]}),
        ),
        (
            "parts, a strange role, a broken date",
            json!({"created": 1.5, "model": null, "choices": [{"index": 0, "message":
                {"role": "bot", "content": [{"type": "text", "text": "H"}, {"text": "i"}]}}]}),
        ),
        (
            "a call with an object as arguments and a number as id",
            json!({"choices": [{"finish_reason": "tool_use", "message": {"tool_calls":
                [{"id": 7, "function": {"name": "f", "arguments": {"a": 1}}}]}}]}),
        ),
        ("usage without a total", {
            let mut body = whole("Hi");
            body["usage"] = json!({"prompt_tokens": 3, "completion_tokens": 4});
            body
        }),
    ];
    let mut table = String::new();
    for (name, mut body) in cases {
        body["id"] = "x".into();
        body["created"] = body.get("created").cloned().unwrap_or(json!(1));
        let reply = ResponseTemplate::new(200).set_body_json(body);
        let got = answer(reply).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        writeln!(table, "{name}\n    {got}").expect("a String takes everything");
    }
    insta::assert_snapshot!(table);
}

#[tokio::test]
async fn what_is_no_answer_is_refused() {
    let html = |status| ResponseTemplate::new(status).set_body_raw("<html></html>", "text/html");
    let json = |status, body: Value| ResponseTemplate::new(status).set_body_json(body);
    let openai = |message: &str, code: &str| json!({"error": {"message": message, "type": "x", "param": "model", "code": code}});
    let to = |place: &str| ResponseTemplate::new(302).insert_header("location", place);
    let cases = [
        ("400", json(400, openai("bad", "x"))),
        ("400 too long", json(400, openai("long", "context_length_exceeded"))),
        ("400 open webui", json(400, json!({"detail": "Model not found"}))),
        ("401 repeats the key", json(401, openai(&format!("bad key {KEY}"), "invalid_api_key"))),
        ("402", json(402, json!({"error": "no credits"}))),
        ("403", json(403, json!({"message": "no"}))),
        ("404", json(404, openai("The model `m` does not exist", "model_not_found"))),
        ("404 html", html(404)),
        ("408", html(408)),
        ("413", html(413)),
        ("422", json(422, json!({"detail": [{"loc": ["body"], "msg": "x"}]}))),
        ("429", json(429, openai("slow", "x")).insert_header("retry-after", "7")),
        ("429 quota", json(429, openai("pay", "insufficient_quota"))),
        ("500", html(500)),
        ("529", json(529, openai("overloaded", "x"))),
        ("302 login", to("/auth/login?next=/")),
        ("302 elsewhere", to("https://example.org/")),
        ("200 html", html(200)),
        ("200 empty", ResponseTemplate::new(200)),
        ("200 not JSON", ResponseTemplate::new(200).set_body_raw("{oops", "application/json")),
        ("200 another shape", json(200, json!({"status": true, "task_ids": ["x"]}))),
        ("200 error", json(200, openai("broke", "x"))),
        ("200 gzip unasked", json(200, whole("Hi")).insert_header("content-encoding", "gzip")),
    ];
    let mut table = String::new();
    for (name, reply) in cases {
        let error = answer(reply).await.expect_err(name);
        let wait = error.retry_after().map_or(0, |wait| wait.as_secs());
        writeln!(table, "{name}\n    {:?} | {} | {wait} s | {error}", error.kind(), error.code())
            .expect("a String takes everything");
    }
    assert!(!table.contains("canary"), "{table}");
    insta::assert_snapshot!(table);
}

#[tokio::test]
async fn a_stream_that_was_asked_for_may_come_whole() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_json(whole("Hi")))
        .mount(&server)
        .await;
    let client = client("openai", server.uri()).await;
    let stream = client.chat(request().with_stream(true)).await.expect("an answer");
    let items: Vec<_> = futures::StreamExt::collect(stream.into_chunks(false)).await;
    let text: String = items
        .iter()
        .map(|item| match item {
            Ok(ChatItem::Chunk(chunk)) => chunk.text().to_owned(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!((text.as_str(), items.len()), ("Hi", 2));
}

#[tokio::test]
async fn a_stream_that_was_not_asked_for_is_collected() {
    let events = [
        r#"{"selected_model_id":"m"}"#,
        r#"{"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"H"},"finish_reason":null}]}"#,
        r#"{"choices":[{"delta":{"content":"i"},"finish_reason":"stop"}]}"#,
        "[DONE]",
    ];
    let body = events.map(|event| format!("data: {event}\n\n")).concat();
    let reply = ResponseTemplate::new(200).set_body_raw(body, "text/event-stream");
    let whole: Value =
        serde_json::from_str(&answer(reply).await.expect("an answer")).expect("JSON");
    assert_eq!(whole["choices"][0]["message"]["content"], "Hi");
}

#[tokio::test]
async fn models_are_listed_without_what_else_a_server_tells() {
    for (kind, place) in [("openai", "/v1/models"), ("open-webui", "/api/models")] {
        let server = MockServer::start().await;
        let body = json!({"data": [{"id": "m", "created": 5, "root": "/secret/path"}]});
        Mock::given(path(place))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .mount(&server)
            .await;
        // Without a credential, so that no check asks as well.
        let upstream = UpstreamConfig::new(kind, "up").with_url(server.uri());
        let client = Client::builder().with_upstream(upstream).build().await.expect("a client");
        let models = client.models().await.expect("a list");
        let can = json!({
            "vision": null, "tools": "native", "reasoning": null, "structured_output": "native"
        });
        let own = json!({"upstreams": ["up"], "capabilities": can});
        let wanted = json!([{
            "id": "m", "object": "model", "created": 5, "owned_by": "up", "llm2api": own
        }]);
        assert_eq!(json!(models), wanted, "{kind}");
        assert!(client.models().await.is_ok());
        let asked = server.received_requests().await.expect("recorded").len();
        assert_eq!(asked, 1, "{kind}: the second list costs no call");
    }
}

#[tokio::test]
async fn chat_ui_refusals_mean_what_was_measured() {
    let text = |status, body: &str| ResponseTemplate::new(status).set_body_raw(body, "text/plain");
    let message =
        |status, body: &str| ResponseTemplate::new(status).set_body_json(json!({"message": body}));
    let cases = [
        ("create: unknown model", message(400, "Invalid request")),
        ("create: unlisted", message(400, "Can't start a conversation with an unlisted model")),
        ("no login, text", text(401, "You have to be logged in.")),
        ("login redirect", ResponseTemplate::new(302).insert_header("location", "https://x.org/a")),
        ("origin", text(403, "Non-JSON form requests need to have an origin")),
        ("referer", text(403, "Invalid referer for POST request")),
        ("forbidden", message(403, "You don't have access to this conversation")),
        ("forbidden, with a secret", message(403, &format!("bad origin for session {KEY}"))),
        ("too many", message(429, "You are sending too many messages. Try again later.")),
        (
            "conversations",
            message(
                429,
                "You have reached the maximum number of conversations. Delete some to continue.",
            ),
        ),
        ("large", ResponseTemplate::new(413).set_body_raw("<html>413</html>", "text/html")),
        ("bug", message(500, "An error occurred")),
        ("proxy", ResponseTemplate::new(502).set_body_raw("<html>bad gateway</html>", "text/html")),
        (
            "another session",
            ResponseTemplate::new(200).insert_header("set-cookie", "hf-chat=other; Path=/"),
        ),
    ];
    let mut table = String::new();
    for (name, reply) in cases {
        let server = MockServer::start().await;
        let flags = json!({"json": {"loginEnabled": true}});
        Mock::given(path("/api/v2/feature-flags"))
            .respond_with(ResponseTemplate::new(200).set_body_json(flags))
            .mount(&server)
            .await;
        Mock::given(path("/conversation")).respond_with(reply).mount(&server).await;
        let error = client("chat-ui", server.uri()).await.chat(request()).await.expect_err(name);
        writeln!(table, "{name}\n    {:?} | {} | {error}", error.kind(), error.code())
            .expect("a String takes everything");
    }
    assert!(!table.contains("canary"), "{table}");
    insta::assert_snapshot!(table);
}

#[tokio::test]
async fn a_wrong_set_up_is_said_at_once() {
    let build = |config: UpstreamConfig| Client::builder().with_upstream(config).build();
    let cases = [
        UpstreamConfig::new("gemini", "up").with_url("http://127.0.0.1:1"),
        UpstreamConfig::new("openai", "up"),
        UpstreamConfig::new("openai", "up").with_url("127.0.0.1:1"),
        UpstreamConfig::new("openai", "a/b").with_url("http://127.0.0.1:1"),
        UpstreamConfig::new("openai", "up").with_url("http://user:canary@127.0.0.1:1"),
        UpstreamConfig::new("chat-ui", "up").with_url("http://127.0.0.1:1").with_credential("a\nb"),
    ];
    let mut table = String::new();
    for config in cases {
        let error = build(config).await.expect_err("a wrong set-up");
        assert!(matches!(error.kind(), ErrorKind::Configuration | ErrorKind::InvalidRequest));
        writeln!(table, "{error}").expect("a String takes everything");
    }
    assert!(!table.contains("canary"), "{table}");
    insta::assert_snapshot!(table);
}
