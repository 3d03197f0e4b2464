//! What comes before the first content is held back, within bounds.

use llm2api_tests::pieces::{chunk, failure, opening};
use llm2api_tests::plan::ANSWER;
use llm2api_tests::processes::{CHAT_UI, MODEL, OPENAI, chat};
use llm2api_tests::{Script, Step, each};
use serde_json::json;

use crate::{LANES, ask, stage};

/// How an answer fails behind its opening.
fn failures(kind: &str) -> Vec<(&'static str, Step)> {
    let common = [
        ("FIN", Step::Cut),
        ("RST", Step::Reset),
        ("end", Step::End),
        ("error", failure(kind, "mock: overloaded", 503)),
        ("limit", failure(kind, "mock: slow down", 429)),
    ];
    let own = [("done", Step::Done), ("no JSON", Step::Chunk("data: {\n\n".into()))];
    let own = own.into_iter().filter(|_| kind == OPENAI);
    common.into_iter().chain(own).collect()
}

#[tokio::test]
async fn g09_what_fails_behind_its_opening_is_answered_by_another_account() {
    let cases = LANES.into_iter().flat_map(|(kind, stream)| {
        failures(kind).into_iter().map(move |failure| (kind, stream, failure))
    });
    each(cases, async |(kind, stream, (name, failure))| {
        let stage = stage(kind, 2, &[]).await;
        let told = ask(&stage, stream, &[[opening(kind), vec![failure]].concat()]).await;
        let what = format!("{kind}, streamed {stream}, {name}: {told:?}");
        assert!(told.is_whole(), "{what}");
        assert_eq!((told.text().as_str(), told.roles()), (ANSWER, 1), "{what}");
        assert_eq!(stage.upstream.log().senders().len(), 2, "{what}");
    })
    .await;
}

/// So many chunks with so many bytes each, and no content in them.
fn idle(count: usize, bytes: usize) -> Vec<Step> {
    let mut idle = chunk(&json!({}), None);
    idle["x_pad"] = "x".repeat(bytes).into();
    vec![Step::Event(idle); count]
}

#[tokio::test]
async fn g09_an_opening_is_held_back_within_64_kib() {
    let cases = [
        ("small ones", idle(300, 1), true),
        ("larger ones", idle(50, 1 << 10), true),
        ("many", idle(500, 1), false),
        ("many larger ones", idle(80, 1 << 10), false),
        ("one", idle(1, 100 << 10), false),
    ];
    each(cases, async |(name, idle, held)| {
        let stage = stage(OPENAI, 2, &[]).await;
        let told = ask(&stage, true, &[[idle.clone(), vec![Step::Cut]].concat()]).await;
        let sends = stage.upstream.log().senders().len();
        if held {
            assert!(told.is_whole() && sends == 2, "{name}: {sends} sends, {told:?}");
        } else {
            assert_eq!(told.refusal(), (200, "upstream_incomplete".into()), "{name}: {told:?}");
            assert_eq!(sends, 1, "{name}: what the client has seen is not sent again");
            assert_eq!(told.objects().len(), idle.len() + 1, "{name}: all of it came");
        }
    })
    .await;
}

#[tokio::test]
async fn g09_an_endless_opening_begins_an_answer_while_it_goes_on() {
    let stage = stage(OPENAI, 1, &[]).await;
    stage.upstream.script(Script::steps([idle(80, 1 << 10), vec![Step::Hang]].concat()));
    let messages = json!([{"role": "user", "content": "hello"}]);
    let body = json!({"model": MODEL, "stream": true, "messages": messages});
    let mut wire = stage.server.connect().await.expect("it listens");
    wire.send(chat("", &body.to_string())).await;
    let begun = wire.until("x_pad").await;
    assert!(begun.starts_with("HTTP/1.1 200 "), "{begun}");
    assert_eq!(stage.upstream.log().running.len(), 1, "it goes on");
}

#[tokio::test]
async fn g09_the_opening_of_a_chat_ui_is_no_item_however_long() {
    let stage = stage(CHAT_UI, 2, &[]).await;
    let alive = vec![Step::KeepAlive; 3000];
    let told = ask(&stage, true, &[[opening(CHAT_UI), alive, vec![Step::Cut]].concat()]).await;
    assert!(told.is_whole() && told.roles() == 1, "{told:?}");
    assert_eq!(stage.upstream.log().senders().len(), 2, "{told:?}");
}
