//! One body: its size, its depth, its messages, its coding.

use llm2api_tests::processes::{API_KEY, OPENAI, Stage, chat};
use llm2api_tests::{Options, Simulator};

/// A body with this in place of the message, and more fields behind.
fn body(messages: &str, more: &str) -> String {
    format!(r#"{{"model":"mock/vision-1","messages":[{messages}]{more}}}"#)
}

const HELLO: &str = r#"{"role":"user","content":"hello"}"#;

async fn stage() -> Stage {
    let limits = [("REQUEST_BODY_LIMIT", "64KiB"), ("JSON_DEPTH", "20"), ("MESSAGES_LIMIT", "3")];
    Stage::start(OPENAI, Options::default(), &limits).await
}

/// Chats that reached the upstream.
fn chats(upstream: &Simulator) -> usize {
    let log = upstream.log();
    log.requests.iter().filter(|request| request.path.ends_with("/chat/completions")).count()
}

#[tokio::test]
async fn g30_bodies_over_a_limit_are_refused_and_go_nowhere() {
    let stage = stage().await;
    let deep = format!(r#","x":{}{}"#, "[".repeat(19), "]".repeat(19));
    let endless = format!(r#","x":{}"#, "[".repeat(30_000));
    let cases = [
        (413, "request_too_large", chat("", &body(HELLO, &" ".repeat(64 << 10)))),
        (400, "json_too_deep", chat("", &body(HELLO, &deep))),
        (400, "json_too_deep", chat("", &body(HELLO, &endless))),
        (400, "too_many_messages", chat("", &body(&[HELLO; 4].join(","), ""))),
        (415, "unsupported_encoding", chat("Content-Encoding: gzip\r\n", "\u{1f}...")),
        (415, "unsupported_encoding", chat("Content-Encoding: br\r\n", &body(HELLO, ""))),
    ];
    for (status, code, request) in cases {
        let told = stage.server.ask(request).await;
        assert_eq!((told.status, told.code().as_str()), (status, code), "{told:?}");
    }
    assert_eq!(chats(&stage.upstream), 0);

    let deep = format!(r#","x":{}{}"#, "[".repeat(18), "]".repeat(18));
    let told = stage.server.ask(chat("", &body(&[HELLO; 3].join(","), &deep))).await;
    assert_eq!(told.status, 200, "what is within all limits is served: {told:?}");
    assert_eq!(chats(&stage.upstream), 1);
}

#[tokio::test]
async fn g30_a_body_without_a_length_is_refused_where_it_grows_too_large() {
    let stage = stage().await;
    let mut wire = stage.server.connect().await.expect("the server listens");
    wire.send(format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {API_KEY}\r\n\
         Transfer-Encoding: chunked\r\n\r\n"
    ))
    .await;
    let piece = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
    for _ in 0..32 {
        wire.send(&piece).await;
    }
    let told = wire.answer().await;
    assert_eq!((told.status, told.code().as_str()), (413, "request_too_large"), "{told:?}");
    assert_eq!(told.header("connection"), Some("close"));
    assert_eq!(chats(&stage.upstream), 0);
}
