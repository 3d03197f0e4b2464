//! What counts as used of a day's tokens: whoever is limited does not choose it.

use std::time::Duration;

use llm2api_tests::processes::{MODEL, OPENAI, Stage, Wire, eventually};
use llm2api_tests::{Options, Script, Step};
use serde_json::{Value, json};

/// What has happened is told within this time.
const SOON: Duration = Duration::from_secs(10);

/// Makes a key that may use so many tokens; returns the key.
async fn key(stage: &Stage, tokens: u64) -> String {
    let issued = stage.server.api.post("/key/create", &json!({"tokens_per_day": tokens})).await;
    issued.body["key"].as_str().expect("a key").to_owned()
}

/// The tokens that the one key has used today.
async fn used(stage: &Stage) -> u64 {
    let listed = stage.server.api.get("/keys").await.body;
    listed["data"][0]["tokens_today"].as_u64().expect("a number")
}

/// Waits until the one key has used so many tokens, at least.
async fn becomes_used(stage: &Stage, tokens: u64) -> u64 {
    let probe = async || Some(used(stage).await).filter(|used| *used >= tokens);
    eventually(&format!("{tokens} tokens are used"), SOON, probe).await
}

/// Begins a chat with a key.
async fn ask(stage: &Stage, key: &str, text: &str, stream: bool) -> Wire {
    let messages = json!([{"role": "user", "content": text}]);
    let body = json!({"model": MODEL, "messages": messages, "stream": stream}).to_string();
    let length = body.len();
    let mut wire = stage.server.connect().await.expect("the server listens");
    wire.send(format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    ))
    .await;
    wire
}

fn words(count: usize) -> String {
    "word ".repeat(count)
}

/// A stream of one large piece and no figures.
fn large_piece(text: &str) -> Script {
    let choice = |delta: Value, finish: Value| json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
    let chunk = |choices: Value| {
        let object = "chat.completion.chunk";
        Step::Event(
            json!({"id": "c", "object": object, "created": 1, "model": "m", "choices": choices}),
        )
    };
    let text = chunk(choice(json!({"content": text}), Value::Null));
    Script::steps([text, chunk(choice(json!({}), json!("stop"))), Step::Done])
}

#[tokio::test]
async fn a_stream_counts_by_its_text_though_nobody_asked_for_figures() {
    let stage = Stage::start(OPENAI, Options::default(), &[]).await;
    let key = key(&stage, 1_000).await;
    stage.upstream.script(large_piece(&words(2_000)));
    let answer = ask(&stage, &key, "go", true).await.rest().await;
    assert!(answer.contains("data: [DONE]\n\n"), "{answer}");
    let used = becomes_used(&stage, 1_500).await;
    assert!(used < 3_000, "{used} tokens for 2000 words");
    let over = ask(&stage, &key, "go", true).await.answer().await;
    assert_eq!((over.status, over.code().as_str()), (429, "insufficient_quota"));
}

#[tokio::test]
async fn an_upstreams_figures_count_and_are_not_shown_to_who_has_not_asked() {
    let stage = Stage::start(OPENAI, Options::default(), &[]).await;
    let key = key(&stage, 1_000_000).await;
    let chunk = |choices: Value, usage: Value| {
        let object = "chat.completion.chunk";
        Step::Event(
            json!({"id": "c", "object": object, "created": 1, "model": "m", "choices": choices,
            "usage": usage}),
        )
    };
    let last = json!([{"index": 0, "delta": {"content": "short"}, "finish_reason": "stop"}]);
    let figures = json!({"prompt_tokens": 70_000, "completion_tokens": 7, "total_tokens": 70_007});
    stage.upstream.script(Script::steps([
        chunk(last, Value::Null),
        chunk(json!([]), figures),
        Step::Done,
    ]));
    let answer = ask(&stage, &key, "go", true).await.rest().await;
    assert!(answer.contains("short") && !answer.contains("70007"), "{answer}");
    assert!(answer.contains("data: [DONE]\n\n"), "{answer}");
    assert_eq!(becomes_used(&stage, 60_000).await, 70_007);
    let asked = stage.upstream.log().requests.last().expect("a chat").json();
    assert_eq!(asked["stream_options"]["include_usage"], true, "{asked}");
}

#[tokio::test]
async fn who_leaves_before_the_answer_has_used_what_he_sent() {
    let stage = Stage::start(OPENAI, Options::default(), &[]).await;
    let key = key(&stage, 1_000).await;
    stage.upstream.script(Script::steps([Step::Hang]));
    let wire = ask(&stage, &key, &words(2_000), false).await;
    stage.upstream.wait_for(|log| log.running.len() == 1).await;
    drop(wire);
    stage.upstream.wait_for(|log| log.running.is_empty()).await;
    becomes_used(&stage, 1_500).await;
    let over = ask(&stage, &key, "go", false).await.answer().await;
    assert_eq!((over.status, over.code().as_str()), (429, "insufficient_quota"));
}

#[tokio::test]
async fn what_came_to_nothing_has_used_nothing() {
    let stage = Stage::start(OPENAI, Options::default(), &[("RETRY_MAX_ATTEMPTS", "1")]).await;
    let key = key(&stage, 1_000_000).await;
    let refused =
        ask(&stage, &key, &format!("ERR400 {}", words(2_000)), false).await.answer().await;
    assert_eq!(refused.status, 400, "{refused:?}");
    eventually("it is given back", SOON, async || (used(&stage).await == 0).then_some(())).await;
}
