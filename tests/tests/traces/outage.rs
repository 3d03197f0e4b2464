//! A collector that does not answer is nobody's problem but its own.

use std::time::Duration;

use llm2api_tests::processes::{OPENAI, Outcome, Stage, eventually, free_port};
use llm2api_tests::{Options, Script, Step};
use tokio::time::Instant;

use crate::collector::Collector;
use crate::stage::{SOON, traced};

const DROPPED: &str = "traces were dropped";

#[tokio::test(flavor = "multi_thread")]
async fn without_the_collector_chats_go_on_and_the_log_says_so_once() {
    let url = format!("http://127.0.0.1:{}", free_port());
    let settings = [("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()), ("SHUTDOWN_GRACE", "0")];
    let mut stage = Stage::start(OPENAI, Options::default(), &settings).await;
    for _ in 0..3 {
        assert!(Outcome::of(&stage.server.api, "hello", true).await.is_whole());
    }
    let said = async || stage.server.said(DROPPED).pop();
    let line = eventually("a word on it", SOON, said).await;
    assert_eq!((&line["level"], &line["reason"]), (&"WARN".into(), &"it cannot be reached".into()));
    assert!(Outcome::of(&stage.server.api, "hello", true).await.is_whole());
    let begun = Instant::now();
    stage.server.signal("TERM").await;
    assert!(stage.server.ended().await, "the exit code is 0");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_hangs_holds_up_neither_chats_nor_the_end() {
    let collector = Collector::start().await;
    let mut stage = traced(&collector, &[("SHUTDOWN_GRACE", "0")]).await;
    // Scripts of an exact path come first.
    collector.simulator.script_exact_path("/v1/traces", Script::steps([Step::Hang]));
    assert!(Outcome::of(&stage.server.api, "hello", true).await.is_whole());
    collector.simulator.wait_for(|log| !log.requests.is_empty()).await;
    assert!(Outcome::of(&stage.server.api, "hello", true).await.is_whole());
    let begun = Instant::now();
    stage.server.signal("TERM").await;
    assert!(stage.server.ended().await, "the exit code is 0");
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    assert!(stage.server.logged("the last traces were dropped"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_happened_is_told_before_the_end() {
    let collector = Collector::start().await;
    let mut stage = traced(&collector, &[]).await;
    assert!(Outcome::of(&stage.server.api, "hello", true).await.is_whole());
    stage.server.signal("TERM").await;
    assert!(stage.server.ended().await, "the exit code is 0");
    assert_eq!(collector.spans().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_refused_for_a_moment_is_sent_again() {
    let collector = Collector::start().await;
    let stage = traced(&collector, &[]).await;
    collector.simulator.script_exact_path("/v1/traces", Script::text(503, "later"));
    assert!(Outcome::of(&stage.server.api, "hello", true).await.is_whole());
    let bodies = async || Some(collector.bodies()).filter(|bodies| bodies.len() == 2);
    let bodies = eventually("another try", SOON, bodies).await;
    assert_eq!(bodies[0], bodies[1]);
    assert!(stage.server.said(DROPPED).is_empty());
}
