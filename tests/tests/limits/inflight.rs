//! All bodies together: what is held at the same time has a limit, and comes back.

use std::time::Duration;

use llm2api_tests::processes::{MODEL, OPENAI, Stage, chat, eventually};
use llm2api_tests::{Options, Script, Step};

const PATIENCE: Duration = Duration::from_secs(10);
/// A little less than half of what may be in flight.
const LARGE: usize = 450 << 10;

fn large() -> String {
    let text = "x".repeat(LARGE);
    let messages = format!(r#"[{{"role":"user","content":"{text}"}}]"#);
    chat("", &format!(r#"{{"model":"{MODEL}","messages":{messages}}}"#))
}

async fn stage() -> Stage {
    let limits = [
        ("BODY_BYTES_IN_FLIGHT", "1MiB"),
        ("REQUEST_BODY_LIMIT", "1MiB"),
        ("MAX_CONCURRENCY_PER_CREDENTIAL", "1"),
    ];
    Stage::start(OPENAI, Options::default(), &limits).await
}

#[tokio::test]
async fn g30_bodies_in_flight_have_a_budget_that_comes_back() {
    let stage = stage().await;
    stage.upstream.script(Script::steps([Step::Hang]));
    let mut first = stage.server.connect().await.expect("the server listens");
    first.send(large()).await;
    stage.upstream.wait_for(|log| !log.running.is_empty()).await;
    // The second one waits in the queue for the only place. Its body counts there too.
    let mut second = stage.server.connect().await.expect("the server listens");
    second.send(large()).await;

    let refused = eventually("a third body is refused", PATIENCE, async || {
        let told = stage.server.ask(large_but_wrong()).await;
        (told.status != 400).then_some(told)
    });
    let refused = refused.await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "body_bytes_exhausted"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.header("connection"), Some("close"));

    // Both leave, the one upstream and the one in the queue: everything is free again.
    drop((first, second));
    eventually("all of the budget is back", PATIENCE, async || {
        let mut both = Vec::new();
        for _ in 0..2 {
            let mut wire = stage.server.connect().await.expect("the server listens");
            wire.send(large()).await;
            both.push(wire);
        }
        let mut statuses = Vec::new();
        for wire in &mut both {
            statuses.push(wire.answer().await.status);
        }
        (statuses == [200, 200]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn g30_an_announced_length_takes_nothing_of_the_budget() {
    let stage = stage().await;
    let mut waiting = Vec::new();
    for _ in 0..8 {
        let mut wire = stage.server.connect().await.expect("the server listens");
        wire.send(&large()[..400]).await;
        waiting.push(wire);
    }
    let told = stage.server.ask(large()).await;
    assert_eq!(told.status, 200, "{told:?}");
}

/// A body that is refused as soon as it has been read: it asks for the budget and no more.
fn large_but_wrong() -> String {
    chat("", &" ".repeat(LARGE))
}
