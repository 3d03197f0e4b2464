//! Waiting for a place.

use std::time::Duration;

use llm2api_tests::processes::{CHAT_UI, OPENAI, Outcome, Stage};
use llm2api_tests::{Options, Script, Step, each};

use crate::{is_free, is_punctual};

const LIMIT: Duration = Duration::from_secs(1);

/// One that holds the only place, and one that waits for it in vain.
async fn play(kind: &str, stream: bool) {
    let settings = [("MAX_CONCURRENCY_PER_CREDENTIAL", "1"), ("QUEUE_TIMEOUT", "1s")];
    let stage = Stage::start(kind, Options::default(), &settings).await;
    stage.upstream.script(Script::steps([Step::KeepAlive, Step::Hang]));
    let first = Outcome::of(&stage.server.api, "hello", true);
    let second = async {
        stage.upstream.wait_for(|log| log.running.len() == 1).await;
        Outcome::of(&stage.server.api, "hello", stream).await
    };
    let told = tokio::select! {
        told = second => told,
        first = first => panic!("the first has ended: {first:?}"),
    };
    let what = format!("{kind}, streamed {stream}: {told:?}");
    assert_eq!(told.refusal(), (429, "pool_exhausted".to_owned()), "{what}");
    assert!(told.retry_after.is_some_and(|wait| wait >= 1), "{what}");
    assert!(is_punctual(told.took, LIMIT), "{what}");
    assert_eq!(stage.upstream.log().senders().len(), 1, "{what}");
    is_free(&stage).await;
}

#[tokio::test]
async fn a_call_that_waits_too_long_for_a_place_is_told_when_to_return() {
    let cases = [(OPENAI, true), (OPENAI, false), (CHAT_UI, true), (CHAT_UI, false)];
    each(cases, async |(kind, stream)| play(kind, stream).await).await;
}
