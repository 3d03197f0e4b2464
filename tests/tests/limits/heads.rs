//! The head of a request.

use std::time::Duration;

use llm2api_tests::Options;
use llm2api_tests::processes::{OPENAI, Stage};
use tokio::time::Instant;

async fn stage(settings: &[(&str, &str)]) -> Stage {
    Stage::start(OPENAI, Options::default(), settings).await
}

fn head(fields: &str) -> String {
    format!("GET /livez HTTP/1.1\r\nHost: x\r\n{fields}\r\n")
}

#[tokio::test]
async fn g30_heads_over_a_limit_are_refused_with_the_envelope() {
    let stage = stage(&[("REQUEST_HEAD_LIMIT", "16KiB")]).await;
    let large = format!("X: {}\r\n", "x".repeat(17 << 10));
    let cases = [
        (431, "request_head_too_large", head(&large)),
        (431, "request_head_too_large", head(&"X: x\r\n".repeat(100))),
        (431, "request_head_too_large", head(&large.repeat(100))),
        (400, "invalid_request_head", head("X: \0\r\n")),
        (400, "invalid_request_head", "no protocol at all\r\n\r\n".to_owned()),
    ];
    for (status, code, request) in cases {
        let told = stage.server.ask(request).await;
        assert_eq!((told.status, told.code().as_str()), (status, code), "{told:?}");
        assert_eq!(told.header("connection"), Some("close"));
    }
    let told = stage.server.ask(head(&"X: x\r\n".repeat(99))).await;
    assert_eq!(told.status, 200, "a hundred fields are taken: {told:?}");
}

#[tokio::test]
async fn g30_a_refused_head_behind_a_good_one_is_told_apart() {
    let stage = stage(&[]).await;
    let mut wire = stage.server.connect().await.expect("the server listens");
    for _ in 0..2 {
        wire.send(head("")).await;
        assert_eq!(wire.answer().await.status, 200);
    }
    wire.send(head(&"X: x\r\n".repeat(100))).await;
    let told = wire.answer().await;
    assert_eq!((told.status, told.code().as_str()), (431, "request_head_too_large"));
    assert_eq!(wire.rest().await, "");

    // All at once: the answers come in order, and the last one is the refusal.
    let mut wire = stage.server.connect().await.expect("the server listens");
    wire.send(head("") + &head("") + &head(&"X: x\r\n".repeat(100))).await;
    let statuses = [wire.answer().await.status, wire.answer().await.status];
    assert_eq!(statuses, [200, 200]);
    let told = wire.answer().await;
    assert_eq!((told.status, wire.rest().await.as_str()), (431, ""));
}

#[tokio::test]
async fn g30_a_head_that_does_not_end_is_closed() {
    let stage = stage(&[("CLIENT_HEAD_TIMEOUT", "500ms")]).await;
    let begin = Instant::now();
    for start in ["", "GET /livez HT"] {
        let mut wire = stage.server.connect().await.expect("the server listens");
        wire.send(start).await;
        assert_eq!(wire.rest().await, "");
    }
    let took = begin.elapsed();
    assert!((Duration::from_secs(1)..Duration::from_secs(5)).contains(&took), "{took:?}");
}
