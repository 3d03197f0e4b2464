//! A client leaves in every phase of a call, streamed or not.

use std::time::Duration;

use llm2api_tests::processes::{Outcome, eventually};
use llm2api_tests::{Script, Snapshot, Step};
use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::stage::{AT_ONCE, Kind, LATER, Stage};

/// An answer that takes four seconds.
const LONG: &str = "LONGRUN";
/// How long a client waits in the queue before it leaves.
const WAIT: Duration = Duration::from_millis(300);
/// A call that nobody has heard of after this time was never read.
const UNREAD: Duration = Duration::from_secs(3);

fn slow(millis: u64) -> Script {
    Script::steps([Step::Sleep(millis), Step::Answer(String::new())])
}

/// Asks, leaves as soon as the upstream's log shows `phase`, and waits until the place is free.
async fn leave(stage: &Stage, stream: bool, phase: impl Fn(&Snapshot) -> bool) {
    let mut asking = stage.call(LONG, stream);
    stage.sees(phase).await;
    asking.abort_all();
    stage.is_free(AT_ONCE).await;
}

/// Asks, leaves once the answer is under way, and waits until the place is free.
async fn leave_answer(stage: &Stage, kind: Kind, stream: bool) {
    if stream {
        let mut answer = stage.server.api.chat(LONG, true).await.expect("an answer");
        answer.chunk().await.expect("a stream").expect("its first piece");
    } else {
        let mut asking = stage.call(LONG, false);
        // An OpenAI upstream says nothing before the whole of it.
        stage.sees(|log| log.running.len() == 1 && (kind == Kind::OpenAi || speaks(log))).await;
        asking.abort_all();
    }
    stage.is_free(AT_ONCE).await;
}

/// Whether the model has said something.
fn speaks(log: &Snapshot) -> bool {
    let mut messages = log.conversations.iter().flat_map(|one| &one.messages);
    messages.any(|message| message.from == "assistant" && !message.content.is_empty())
}

fn asked(method: &'static str, path: &'static str) -> impl Fn(&Snapshot) -> bool {
    move |log| log.requests.iter().any(|sent| sent.method == method && sent.path.starts_with(path))
}

#[tokio::test(flavor = "multi_thread")]
async fn g02_leaving_the_queue_leaves_nothing() {
    for kind in [Kind::ChatUi, Kind::OpenAi] {
        for stream in [true, false] {
            let stage = Stage::start(kind, 1).await;
            stage.upstream.script(slow(60_000));
            let mut first = stage.call(LONG, true);
            stage.sees(|log| log.senders().len() == 1).await;
            let left = || stage.server.answered(&[("code", json!("client_left"))]).len();
            // It cannot be seen from outside that one waits: another follows where that one was
            // never read. Until its leaving is known it would be served when the place comes free.
            let (mut expected, mut begun) = (0, Instant::now());
            eventually("it has left", LATER, async || {
                if expected == 0 || begun.elapsed() > UNREAD {
                    (expected, begun) = (left() + 1, Instant::now());
                    _ = timeout(WAIT, stage.ask(LONG, stream)).await;
                }
                (left() >= expected).then_some(())
            })
            .await;
            first.abort_all();
            stage.is_free(AT_ONCE).await;
            stage.is_quiet(AT_ONCE).await;
            let log = stage.is_clean(LATER).await;
            assert_eq!(log.senders().len(), 1, "{kind:?} {stream}: who has left is not served");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g02_leaving_while_a_conversation_is_made_leaves_none() {
    for stream in [true, false] {
        let stage = Stage::start(Kind::ChatUi, 4).await;
        stage.upstream.script_path("/conversation", slow(600));
        leave(&stage, stream, asked("POST", "/conversation")).await;
        stage.sees(|log| log.deleted.len() == 1).await;
        let log = stage.is_clean(LATER).await;
        assert_eq!(
            (log.senders().len(), log.stop_calls.len()),
            (0, 0),
            "{stream}: there was no run"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g02_leaving_before_the_message_is_sent_leaves_nothing() {
    for stream in [true, false] {
        let stage = Stage::start(Kind::ChatUi, 4).await;
        stage.upstream.script_path("/conversation", slow(0));
        stage.upstream.script_path("/conversation/", slow(5000));
        leave(&stage, stream, asked("PATCH", "/conversation/")).await;
        let log = stage.is_clean(LATER).await;
        assert_eq!(
            (log.senders().len(), log.stop_calls.len()),
            (0, 0),
            "{stream}: there was no run"
        );
    }
}

/// What the upstream does before its first content.
fn before_content() -> [(&'static str, Script); 3] {
    let alive = (0..30).flat_map(|_| [Step::KeepAlive, Step::Sleep(100)]);
    [
        // The first sleep ends with its client; the model goes on with the second.
        ("no head", Script::steps([Step::Sleep(3000), Step::Sleep(3000)])),
        ("head", Script::steps([Step::KeepAlive, Step::Sleep(3000), Step::Sleep(3000)])),
        ("keep-alives", Script::steps(alive)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn g02_leaving_before_the_first_content_frees_the_upstream() {
    for (name, script) in before_content() {
        for stream in [true, false] {
            let stage = Stage::start(Kind::OpenAi, 4).await;
            stage.upstream.script(script.clone());
            leave(&stage, stream, |log| log.running.len() == 1).await;
            stage.is_clean(AT_ONCE).await;

            let stage = Stage::start(Kind::ChatUi, 4).await;
            stage.upstream.script(script.clone());
            leave(&stage, stream, |log| log.running.len() == 1).await;
            let stopped =
                async || Some(stage.upstream.log()).filter(|log| !log.stop_calls.is_empty());
            let log = eventually("it is stopped", AT_ONCE, stopped).await;
            assert!(log.stop_calls[0].running, "{name} {stream}: it was under way");
            stage.sees(|log| log.conversations.is_empty()).await;
            assert_eq!(stage.upstream.log().stop_calls.len(), 1, "{name} {stream}: once");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g01_leaving_an_answer_frees_the_upstream_within_a_second() {
    for kind in [Kind::ChatUi, Kind::OpenAi] {
        for stream in [true, false] {
            let stage = Stage::start(kind, 4).await;
            leave_answer(&stage, kind, stream).await;
            stage.is_quiet(AT_ONCE).await;
            let log = stage.is_clean(LATER).await;
            if kind == Kind::ChatUi {
                assert_eq!(log.stop_calls.len(), 1, "{stream}: stopped once");
                assert!(log.stop_calls[0].running, "{stream}: while it ran");
            } else {
                assert_eq!(log.aborted_streams, 1, "{stream}: the connection was closed");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g01_leaving_while_an_answer_is_resumed_stops_it_once() {
    let stage = Stage::start(Kind::ChatUi, 4).await;
    let line = |token: &str| Step::Line(json!({"type": "stream", "token": token}));
    let more = (0..40).flat_map(|_| [Step::Sleep(100), line("more")]);
    let steps = [line("Hello"), Step::Cut].into_iter().chain(more);
    stage.upstream.script(Script::steps(steps));
    leave(&stage, true, |log| log.requests.iter().any(|sent| sent.path.contains("/stream?"))).await;
    let log = stage.sees(|log| log.deleted.len() == 1).await;
    assert_eq!((log.stop_calls.len(), log.stop_calls[0].running), (1, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn g25_a_whole_answer_is_deleted_and_not_stopped() {
    for stream in [true, false] {
        let stage = Stage::start(Kind::ChatUi, 4).await;
        let told = Outcome::of(&stage.server.api, "hello", stream).await;
        assert!(told.is_whole(), "{stream}: {told:?}");
        let log = stage.sees(|log| log.deleted.len() == 1).await;
        assert!(log.stop_calls.is_empty(), "{stream}: a stop would kill the next run");
    }
}
