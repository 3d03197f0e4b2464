//! All bodies together: what is held at the same time has a limit, and comes back.

use std::time::Duration;

use llm2api_tests::processes::{MODEL, OPENAI, Stage, Wire, chat, eventually};
use llm2api_tests::{Options, Script, Step};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(10);
/// A little less than half of what may be in flight.
const LARGE: usize = 450 << 10;
/// A little less than all of it.
const WHOLE: usize = 1000 << 10;
/// In this time a body that has no room is refused.
const MOMENT: Duration = Duration::from_millis(100);

fn body_of(length: usize) -> String {
    let text = "x".repeat(length);
    let messages = format!(r#"[{{"role":"user","content":"{text}"}}]"#);
    chat("", &format!(r#"{{"model":"{MODEL}","messages":{messages}}}"#))
}

/// A stage whose account carries so many calls.
async fn stage(places: &str) -> Stage {
    let limits = [
        ("BODY_BYTES_IN_FLIGHT", "1MiB"),
        ("REQUEST_BODY_LIMIT", "1MiB"),
        ("MAX_CONCURRENCY_PER_CREDENTIAL", places),
    ];
    Stage::start(OPENAI, Options::default(), &limits).await
}

/// Sends a large chat on a connection of its own.
async fn send(stage: &Stage) -> Wire {
    let mut wire = stage.server.connect().await.expect("the server listens");
    wire.send(body_of(LARGE)).await;
    wire
}

/// Sends a large chat, to which the upstream never answers.
async fn hang(stage: &Stage, running: usize) -> Wire {
    stage.upstream.script(Script::steps([Step::Hang]));
    let wire = send(stage).await;
    stage.upstream.wait_for(|log| log.running.len() == running).await;
    wire
}

/// Waits until one body finds room that needs nearly all there is.
async fn is_back(stage: &Stage) {
    eventually("all of the budget is back", PATIENCE, async || {
        (stage.server.ask(body_of(WHOLE)).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn g30_bodies_in_flight_have_a_budget_that_comes_back() {
    let stage = stage("2").await;
    let both = [hang(&stage, 1).await, hang(&stage, 2).await];
    let refused = stage.server.ask(large_but_wrong()).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "body_bytes_exhausted"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.header("connection"), Some("close"));
    drop(both);
    is_back(&stage).await;
}

#[tokio::test]
async fn a_body_counts_while_its_call_waits_in_the_queue() {
    let stage = stage("1").await;
    let first = hang(&stage, 1).await;
    let mut second = send(&stage).await;
    let refused = eventually("a third body is refused", PATIENCE, async || {
        let told = stage.server.ask(large_but_wrong()).await;
        // The third one may have come first, and the second one was refused in its place.
        if timeout(MOMENT, second.piece()).await.is_ok() {
            second = send(&stage).await;
            return None;
        }
        (told.status != 400).then_some(told)
    })
    .await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "body_bytes_exhausted"));
    drop((first, second));
    is_back(&stage).await;
}

#[tokio::test]
async fn g30_an_announced_length_takes_nothing_of_the_budget() {
    let stage = stage("1").await;
    let mut waiting = Vec::new();
    for _ in 0..8 {
        let mut wire = stage.server.connect().await.expect("the server listens");
        wire.send(&body_of(LARGE)[..400]).await;
        waiting.push(wire);
    }
    let told = stage.server.ask(body_of(LARGE)).await;
    assert_eq!(told.status, 200, "{told:?}");
}

/// A body that is refused as soon as it has been read: it asks for the budget and no more.
fn large_but_wrong() -> String {
    chat("", &" ".repeat(LARGE))
}
