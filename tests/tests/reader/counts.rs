//! What the log says a chat has taken, also where its client left.

use std::time::Duration;

use llm2api_tests::pieces::text;
use llm2api_tests::processes::{MODEL, OPENAI, Stage, chat, eventually};
use llm2api_tests::{Options, Script, Step};
use serde_json::{Value, json};

use crate::{ask, connect};

const PATIENCE: Duration = Duration::from_secs(10);

async fn stage() -> Stage {
    Stage::start(OPENAI, Options::default(), &[]).await
}

/// The only line of this request.
async fn line(stage: &Stage, id: &str) -> Value {
    let lines = eventually("a line of the log", PATIENCE, async || {
        let lines = stage.server.answered(&[("request_id", json!(id))]);
        (!lines.is_empty()).then_some(lines)
    });
    let [line] = &lines.await[..] else { panic!("more than one line for {id}") };
    line.clone()
}

/// The counts of a line: of the request, of the answer, and whether they are a guess.
fn counts(line: &Value) -> (u64, u64, bool) {
    let number = |name: &str| line[name].as_u64().unwrap_or_else(|| panic!("no {name}: {line}"));
    let estimated = line["tokens_estimated"].as_bool().expect("a switch");
    (number("prompt_tokens"), number("completion_tokens"), estimated)
}

#[tokio::test]
async fn g03_a_cancelled_call_is_logged_once_with_estimated_counts() {
    let stage = stage().await;
    let words = ["one", " two", " three"].map(|word| text(OPENAI, word));
    stage.upstream.script(Script::steps(words.into_iter().chain([Step::Hang])));
    let mut leaves = connect(&stage).await;
    leaves.send(ask("X-Request-Id: leaves\r\n", true)).await;
    leaves.until(" three").await;
    // This one is still without a word of the upstream when it leaves.
    stage.upstream.script(Script::steps([Step::Hang]));
    let mut waits = connect(&stage).await;
    waits.send(ask("X-Request-Id: waits\r\n", true)).await;
    stage.upstream.wait_for(|log| log.running.len() == 2).await;
    drop(waits);
    let line_of_waits = line(&stage, "waits").await;
    assert_eq!(line_of_waits["code"], "client_left", "{line_of_waits}");
    assert_eq!(counts(&line_of_waits), (0, 0, true), "nothing was taken: {line_of_waits}");

    drop(leaves);
    let line_of_leaves = line(&stage, "leaves").await;
    assert_eq!(line_of_leaves["code"], "client_left", "{line_of_leaves}");
    assert_eq!(counts(&line_of_leaves), (2, 3, true), "`hello` and three words");

    // Once another call has gone through, no second line can be on its way.
    let told = stage.server.ask(ask("X-Request-Id: last\r\n", false)).await;
    assert_eq!(told.status, 200, "{told:?}");
    line(&stage, "last").await;
    line(&stage, "waits").await;
    line(&stage, "leaves").await;
}

#[tokio::test]
async fn g03_whole_calls_are_logged_with_the_upstreams_counts() {
    let stage = stage().await;
    let told = stage.server.ask(ask("X-Request-Id: whole\r\n", false)).await;
    let body: Value = serde_json::from_str(&told.body).expect("is JSON");
    let number = |name: &str| body["usage"][name].as_u64().expect("a number");
    let given = (number("prompt_tokens"), number("completion_tokens"), false);
    assert_eq!(counts(&line(&stage, "whole").await), given);

    let body = json!({
        "model": MODEL, "stream": true, "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": "hello"}],
    });
    let mut wire = connect(&stage).await;
    wire.send(chat("X-Request-Id: counted\r\n", &body.to_string())).await;
    wire.until("[DONE]").await;
    assert_eq!(counts(&line(&stage, "counted").await), given);

    let mut wire = connect(&stage).await;
    wire.send(ask("X-Request-Id: uncounted\r\n", true)).await;
    wire.until("[DONE]").await;
    let line = line(&stage, "uncounted").await;
    assert_eq!((counts(&line), &line["code"]), ((2, 9, true), &Value::Null), "{line}");
}
