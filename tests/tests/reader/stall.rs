//! A client that asks and does not read.

use std::time::Duration;

use llm2api_tests::pieces::text;
use llm2api_tests::processes::{CHAT_UI, OPENAI, Stage, eventually};
use llm2api_tests::{Options, Script};
use serde_json::json;

use crate::{ask, connect};

const PATIENCE: Duration = Duration::from_secs(15);
/// More than all buffers on the way could take, together 64 MiB.
const PIECES: usize = 1024;
const PIECE: usize = 64 << 10;

/// The upstream sees its stream aborted, so it was held back before the end of its 64 MiB.
async fn is_dropped(kind: &str) {
    // chat-ui repeats the whole text in one line at the end, so the limit of a line is one of the text.
    let settings = [("WRITE_STALL_TIMEOUT", "3s"), ("UPSTREAM_EVENT_LIMIT", "256MiB")];
    let stage = Stage::start(kind, Options::default(), &settings).await;
    let piece = "x".repeat(PIECE);
    stage.upstream.script(Script::steps((0..PIECES).map(|_| text(kind, &piece))));
    let mut stalled = connect(&stage).await;
    stalled.send(ask("X-Request-Id: stalled\r\n", true)).await;
    stage.upstream.wait_for(|log| !log.running.is_empty()).await;

    let told = stage.server.ask(ask("", false)).await;
    assert_eq!(told.status, 200, "others are served: {told:?}");
    assert_eq!(stage.upstream.log().aborted_streams, 0, "and meanwhile");

    stage.upstream.wait_for(|log| log.aborted_streams == 1).await;
    let lines = eventually("the line of the log", PATIENCE, async || {
        let lines = stage.server.answered(&[("request_id", json!("stalled"))]);
        (!lines.is_empty()).then_some(lines)
    })
    .await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["code"], "client_stalled", "{lines:?}");
    eventually("the account is free", PATIENCE, async || {
        (stage.in_flight().await == 0).then_some(())
    })
    .await;
    assert_eq!(stage.upstream.wait_for(|log| log.running.is_empty()).await.aborted_streams, 1);
}

#[tokio::test]
async fn g11_a_client_that_stops_reading_is_dropped_and_nothing_leaks() {
    is_dropped(OPENAI).await;
    is_dropped(CHAT_UI).await;
}
