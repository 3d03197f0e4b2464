//! The deadlines of clients.

use std::time::Duration;

use llm2api_tests::Options;
use llm2api_tests::processes::{MODEL, OPENAI, Stage, Wire, chat};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use crate::{SLACK, is_punctual};

const LIMIT: Duration = Duration::from_secs(1);
/// A pause that is well within it.
const PACE: Duration = Duration::from_millis(150);
const HEAD: &str = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";

async fn stage(setting: &str) -> Stage {
    Stage::start(OPENAI, Options::default(), &[(setting, "1s")]).await
}

async fn connect(stage: &Stage) -> Wire {
    stage.server.connect().await.expect("the server listens")
}

fn ask(text: &str) -> String {
    let messages = json!([{"role": "user", "content": text}]);
    chat("", &json!({"model": MODEL, "messages": messages}).to_string())
}

/// Sends a byte now and then until the server closes, and says how long that took.
async fn drip(wire: &mut Wire, bytes: &str) -> Duration {
    let begun = Instant::now();
    for byte in bytes.bytes() {
        wire.send([byte]).await;
        if let Ok(piece) = timeout(PACE, wire.piece()).await {
            assert_eq!(piece, b"", "closed without a word");
            return begun.elapsed();
        }
    }
    panic!("it takes {bytes:?} to its end");
}

#[tokio::test]
async fn a_head_that_drips_is_closed_on_new_and_on_kept_connections() {
    let stage = stage("CLIENT_HEAD_TIMEOUT").await;
    let mut wire = connect(&stage).await;
    let took = drip(&mut wire, &HEAD.repeat(3)[..60]).await;
    assert!(is_punctual(took, LIMIT), "new: {took:?}");

    let mut wire = connect(&stage).await;
    wire.send(HEAD).await;
    assert_eq!(wire.answer().await.status, 200);
    // A kept connection that says nothing has more time.
    assert!(timeout(2 * LIMIT, wire.piece()).await.is_err(), "idle is not slow");
    let took = drip(&mut wire, &HEAD[..30]).await;
    assert!(is_punctual(took, LIMIT), "kept: {took:?}");
}

#[tokio::test]
async fn a_body_that_stops_is_refused_and_one_that_drips_is_read() {
    let stage = stage("CLIENT_BODY_TIMEOUT").await;
    let request = ask("hello");
    let mut wire = connect(&stage).await;
    let begun = Instant::now();
    wire.send(&request[..request.len() - 1]).await;
    let told = wire.answer().await;
    assert!(is_punctual(begun.elapsed(), LIMIT), "{:?}", begun.elapsed());
    assert_eq!((told.status, told.code().as_str()), (408, "request_timeout"), "{told:?}");
    assert_eq!((told.header("connection"), wire.rest().await.as_str()), (Some("close"), ""));
    assert_eq!(stage.upstream.log().senders().len(), 0);

    let mut wire = connect(&stage).await;
    let begun = Instant::now();
    let (start, rest) = request.split_at(request.len() - 20);
    wire.send(start).await;
    for byte in rest.bytes() {
        // The pause is what is tested.
        sleep(PACE).await;
        wire.send([byte]).await;
    }
    assert_eq!(wire.answer().await.status, 200);
    assert!(begun.elapsed() > 2 * LIMIT, "each piece has its own time");
}

#[tokio::test]
async fn a_kept_connection_is_closed_when_it_is_idle_and_not_while_it_waits() {
    let stage = stage("CLIENT_IDLE_TIMEOUT").await;
    // The answer takes longer than the connection may be idle.
    stage.upstream.reconfigure(|options| options.token_delay = Duration::from_millis(250));
    let mut wire = connect(&stage).await;
    let asked = Instant::now();
    wire.send(ask("hello")).await;
    assert_eq!(wire.answer().await.status, 200);
    assert!(asked.elapsed() > 2 * LIMIT, "{:?}", asked.elapsed());
    let read = Instant::now();
    assert_eq!(wire.rest().await, "");
    // The answer may have been read late: it is idle from when it was written.
    let (open, idle) = (asked.elapsed(), read.elapsed());
    assert!(open > 3 * LIMIT && idle < LIMIT + SLACK, "{open:?}, {idle:?}");
}
