//! Who comes when the end has begun, and who only waits.

use std::time::Duration;

use futures::future::join_all;
use llm2api_tests::Options;
use llm2api_tests::processes::{OPENAI, Stage, Told, Wire, chat, eventually};
use tokio::time::Instant;

use crate::{SOON, ask, begin, begins_to_end, connect};

/// The second in which clients are still let in, and some time for the machine; whom the server
/// waits for in vain costs it two seconds more.
const QUICK: Duration = Duration::from_millis(2800);
/// What those may ask who watch the server's health.
const HEALTH: [&str; 3] = ["/readyz", "/health", "/health/readiness"];

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
}

/// A connection that has been served once and is kept.
async fn kept(stage: &Stage) -> Wire {
    let mut wire = connect(stage).await;
    wire.send(get("/readyz")).await;
    assert_eq!(wire.answer().await.status, 200);
    wire
}

async fn answer(wire: &mut Wire, request: String) -> Told {
    wire.send(request).await;
    wire.answer().await
}

#[tokio::test]
async fn g28_readiness_fails_and_nobody_new_is_served_while_streams_run() {
    let options = Options { token_delay: Duration::from_millis(400), ..Options::default() };
    let mut stage = Stage::start(OPENAI, options, &[]).await;
    let mut stream = begin(&stage).await;
    let mut probes = [kept(&stage).await, kept(&stage).await, kept(&stage).await];
    let (mut alive, mut asking) = (kept(&stage).await, kept(&stage).await);
    stage.server.signal("TERM").await;
    begins_to_end(&stage).await;

    // All of it at once: the door stays open for a second.
    let probes = probes.iter_mut().zip(HEALTH).map(|(wire, path)| answer(wire, get(path)));
    let (probes, alive, old, new) = tokio::join!(
        join_all(probes),
        answer(&mut alive, get("/livez")),
        answer(&mut asking, ask(true)),
        stage.server.ask(ask(true)),
    );
    for told in probes {
        assert_eq!(told.status, 503, "{told:?}");
        assert!(told.body.contains(r#""status":"shutting_down""#), "{told:?}");
    }
    assert_eq!(alive.status, 200, "it lives: {alive:?}");
    for told in [old, new] {
        assert_eq!((told.status, told.code().as_str()), (503, "shutting_down"), "{told:?}");
        assert_eq!(told.header("connection"), Some("close"));
    }
    eventually("the door is shut", SOON, async || stage.server.connect().await.err()).await;
    assert!(stream.rest().await.contains("data: [DONE]\n\n"), "the stream goes on");
    assert!(stage.server.ended().await, "the exit code is 0");
    assert_eq!(stage.upstream.log().generations, 1, "nobody else reached the upstream");
}

#[tokio::test]
async fn g28_idle_connections_do_not_hold_the_end_up() {
    let mut stage = Stage::start(OPENAI, Options::default(), &[]).await;
    let mut good = connect(&stage).await;
    good.send(ask(false)).await;
    assert_eq!(good.answer().await.status, 200);
    let mut refused = connect(&stage).await;
    refused.send(chat("", "no JSON")).await;
    assert_eq!(refused.answer().await.status, 400);
    let mut stranger = connect(&stage).await;
    stranger.send("GET /cookies HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}").await;
    assert!(stranger.answer().await.status >= 400);
    let mut silent = connect(&stage).await;

    let begun = Instant::now();
    stage.server.signal("TERM").await;
    assert!(stage.server.ended().await, "the exit code is 0");
    let took = begun.elapsed();
    assert!(took < QUICK, "{took:?}");
    for wire in [&mut good, &mut refused, &mut stranger, &mut silent] {
        assert_eq!(wire.rest().await, "");
    }
}
