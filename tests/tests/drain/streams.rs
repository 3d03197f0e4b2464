//! What runs when the signal comes.

use std::time::Duration;

use llm2api_tests::plan::ANSWER;
use llm2api_tests::processes::{CHAT_UI, OPENAI, Stage, text_of};
use llm2api_tests::{Options, Script, Step};
use serde_json::json;
use tokio::time::Instant;

use crate::{ask, begin, begins_to_end, connect};

/// Streams at the same time.
const STREAMS: usize = 20;
/// Nine tokens take longer than the door stays open.
const PACE: Duration = Duration::from_millis(200);

async fn running_streams_finish(kind: &str) {
    let options = Options { token_delay: PACE, ..Options::default() };
    let settings = [("MAX_CONCURRENCY_PER_CREDENTIAL", "20")];
    let mut stage = Stage::start(kind, options, &settings).await;
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        let mut wire = connect(&stage).await;
        wire.send(ask(true)).await;
        streams.push(wire);
    }
    stage.upstream.wait_for(|log| log.running.len() == STREAMS).await;
    stage.server.signal("TERM").await;
    for mut wire in streams {
        let answer = wire.rest().await;
        assert!(answer.contains("data: [DONE]\n\n"), "{answer}");
        assert_eq!(text_of(&answer), ANSWER, "{answer}");
    }
    assert!(stage.server.ended().await, "the exit code is 0");
    assert_eq!(stage.upstream.log().aborted_streams, 0);
}

#[tokio::test]
async fn g28_running_streams_finish_whole_and_the_exit_code_is_0() {
    running_streams_finish(OPENAI).await;
    running_streams_finish(CHAT_UI).await;
}

/// An upstream that says a word to whom it streams, and then no more.
async fn stuck(grace: &str) -> Stage {
    let stage = Stage::start(OPENAI, Options::default(), &[("SHUTDOWN_GRACE", grace)]).await;
    let delta = json!({"content": "first"});
    let choices = json!([{"index": 0, "delta": delta, "finish_reason": null}]);
    let object = "chat.completion.chunk";
    let word = json!({"id": "c", "object": object, "created": 1, "model": "m", "choices": choices});
    stage.upstream.script(Script::steps([Step::Event(word), Step::Hang]));
    stage.upstream.script(Script::steps([Step::Hang]));
    stage
}

/// The end of a stream that was cut, and of an answer that never began.
fn assert_cut(stream: &str, whole: &str) {
    let (_, event) = stream.rsplit_once("data: ").expect("an event");
    assert!(event.contains(r#""code":"shutting_down""#), "{stream}");
    assert!(!stream.contains("[DONE]"), "{stream}");
    assert!(stream.ends_with("\r\n0\r\n\r\n"), "the body is ended in order: {stream}");
    assert!(whole.starts_with("HTTP/1.1 503 "), "{whole}");
    assert!(whole.contains(r#""code":"shutting_down""#), "{whole}");
}

#[tokio::test]
async fn g28_what_is_stuck_ends_after_the_grace_with_an_error_and_no_done() {
    let mut stage = stuck("2s").await;
    let (mut stream, mut whole) = (begin(&stage).await, connect(&stage).await);
    whole.send(ask(false)).await;
    stage.upstream.wait_for(|log| log.running.len() == 2).await;
    let begun = Instant::now();
    stage.server.signal("TERM").await;
    let (stream, whole) = (stream.rest().await, whole.rest().await);
    let took = begun.elapsed();
    assert_cut(&stream, &whole);
    assert!((Duration::from_millis(1900)..Duration::from_secs(5)).contains(&took), "{took:?}");
    assert!(stage.server.ended().await, "the exit code is 0");
    stage.upstream.wait_for(|log| log.running.is_empty()).await;
}

#[tokio::test]
async fn g28_a_second_signal_cuts_at_once() {
    let mut stage = stuck("600s").await;
    let (mut stream, mut whole) = (begin(&stage).await, connect(&stage).await);
    whole.send(ask(false)).await;
    stage.upstream.wait_for(|log| log.running.len() == 2).await;
    stage.server.signal("TERM").await;
    begins_to_end(&stage).await;
    stage.server.signal("TERM").await;
    assert_cut(&stream.rest().await, &whole.rest().await);
    assert!(stage.server.ended().await, "the exit code is 0");
}
