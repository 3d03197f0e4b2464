//! When the pieces of a stream come.

use std::time::Duration;

use llm2api_tests::pieces::text;
use llm2api_tests::processes::{OPENAI, Stage};
use llm2api_tests::{Options, Script, Step};
use tokio::time::Instant;

use crate::{ask, connect};

/// When a silent stream gives its first sign of life.
const SILENCE: std::ops::Range<Duration> = Duration::from_millis(14_900)..Duration::from_secs(17);
/// Events, and the time between two of them.
const EVENTS: usize = 12;
const PACE: Duration = Duration::from_millis(100);

#[tokio::test]
async fn g12_silence_is_filled_after_fifteen_seconds_and_not_before() {
    let stage = Stage::start(OPENAI, Options::default(), &[]).await;
    let word = text(OPENAI, "first");
    stage.upstream.script(Script::steps([word, Step::Sleep(17_500), text(OPENAI, "last")]));
    let mut wire = connect(&stage).await;
    wire.send(ask("", true)).await;
    wire.until("first").await;
    wire.until("\n\n\r\n").await;
    let begun = Instant::now();
    let next = wire.piece().await;
    let silent = begun.elapsed();
    let next = String::from_utf8_lossy(&next);
    assert!(next.contains("\r\n: keep-alive\n\n\r\n"), "{next}");
    assert!(SILENCE.contains(&silent), "{silent:?}");
    let next = wire.until("last").await;
    assert!(!next.contains("keep-alive"), "one in 17.5 s: {next}");
}

#[tokio::test]
async fn g12_events_are_not_buffered_or_compressed() {
    let stage = Stage::start(OPENAI, Options::default(), &[]).await;
    let pause = u64::try_from(PACE.as_millis()).expect("is small");
    let paced = (0..EVENTS).flat_map(|_| [text(OPENAI, "word "), Step::Sleep(pause)]);
    stage.upstream.script(Script::steps(paced));
    let mut wire = connect(&stage).await;
    wire.send(ask("Accept-Encoding: gzip, br\r\n", true)).await;
    let head = wire.until("\r\n\r\n").await.to_ascii_lowercase();
    assert!(head.contains("\r\nx-accel-buffering: no\r\n"), "{head}");
    assert!(head.contains("\r\ncontent-type: text/event-stream"), "{head}");
    assert!(!head.contains("content-encoding"), "{head}");

    let (mut reads, mut times) = (Vec::new(), Vec::new());
    while times.len() < EVENTS {
        let piece = wire.piece().await;
        let events = String::from_utf8_lossy(&piece).matches("word ").count();
        assert!(!piece.is_empty(), "only {} events", times.len());
        reads.extend((events > 0).then_some(events));
        times.extend(std::iter::repeat_n(Instant::now(), events));
    }
    // A busy machine may join two now and then; what buffers joins them all.
    assert!(reads.len() + 3 >= EVENTS, "{reads:?}");
    let mut gaps: Vec<_> = times.windows(2).map(|pair| pair[1].duration_since(pair[0])).collect();
    gaps.sort();
    let median = gaps[gaps.len() / 2];
    assert!((PACE / 2..PACE * 2).contains(&median), "{gaps:?}");
}
