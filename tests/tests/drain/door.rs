//! Who comes when the end has begun, and who only waits.

use std::time::Duration;

use llm2api_tests::Options;
use llm2api_tests::processes::{OPENAI, Stage, chat, eventually};
use tokio::time::Instant;

use crate::{READY, SOON, ask, begin, connect};

/// The second in which clients are still let in, and some time for the machine.
const QUICK: Duration = Duration::from_millis(1900);

#[tokio::test]
async fn g28_readiness_fails_and_nobody_new_is_served_while_streams_run() {
    let options = Options { token_delay: Duration::from_millis(400), ..Options::default() };
    let mut stage = Stage::start(OPENAI, options, &[]).await;
    let mut stream = begin(&stage).await;
    let (mut kept, mut probe) = (connect(&stage).await, connect(&stage).await);
    for wire in [&mut kept, &mut probe] {
        wire.send(READY).await;
        assert_eq!(wire.answer().await.status, 200);
    }
    stage.server.signal("TERM").await;

    eventually("a kept connection learns of it", SOON, async || {
        probe.send(READY).await;
        (probe.answer().await.status == 503).then_some(())
    })
    .await;
    for path in ["/readyz", "/health", "/health/readiness"] {
        let told = stage.server.ask(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
        assert_eq!(told.status, 503, "{told:?}");
        assert!(told.body.contains(r#""status":"shutting_down""#), "{told:?}");
    }
    let told = stage.server.ask("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(told.status, 200, "it lives: {told:?}");

    kept.send(ask(true)).await;
    for told in [kept.answer().await, stage.server.ask(ask(true)).await] {
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
