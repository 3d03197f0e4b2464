//! Answers under the wrong content type, or of the wrong kind.

use llm2api_tests::pieces::{chunk, end, text};
use llm2api_tests::processes::{CHAT_UI, OPENAI};
use llm2api_tests::{Step, each};
use serde_json::{Value, json};

use crate::{LANES, ask, stage};

const EVENTS: &str = "text/event-stream";
const JSON: &str = "application/json";
const PLAIN: &str = "text/plain";
const PAGE: &str = "text/html; charset=utf-8";

fn reply(content_type: &str, body: &str) -> Vec<Step> {
    let (content_type, body) = (content_type.to_owned(), body.to_owned());
    vec![Step::Text { status: 200, content_type, body }]
}

fn completion() -> Value {
    let mut object = chunk(&json!({}), None);
    let message = json!({"role": "assistant", "content": "Hello"});
    object["object"] = "chat.completion".into();
    object["choices"] = json!([{"index": 0, "message": message, "finish_reason": "stop"}]);
    object
}

fn events() -> String {
    let steps = [vec![text(OPENAI, "Hello")], end(OPENAI, "Hello")].concat();
    let events = steps.into_iter().map(|step| match step {
        Step::Event(event) => format!("data: {event}\n\n"),
        _ => "data: [DONE]\n\n".to_owned(),
    });
    events.collect()
}

/// Replies that are no answer, and that nobody may see.
fn foreign(kind: &str) -> Vec<(&'static str, String)> {
    let page = || "<!doctype html><title>down</title>".to_owned();
    // Without its line end, a line is one that broke off.
    let object = || format!("{}\n", json!({"status": "ok"}));
    let common = vec![(PAGE, page()), (JSON, page()), (JSON, object()), (PLAIN, "ok".to_owned())];
    let own = match kind {
        CHAT_UI => vec![(EVENTS, events()), ("application/jsonl", object())],
        _ => vec![(PLAIN, events()), (JSON, events()), (JSON, "[]".to_owned()), (EVENTS, object())],
    };
    [common, own].concat()
}

#[tokio::test]
async fn g08_a_reply_that_is_no_answer_is_tried_with_one_other_account() {
    let cases = LANES.into_iter().flat_map(|(kind, stream)| {
        foreign(kind).into_iter().map(move |reply| (kind, stream, reply))
    });
    each(cases, async |(kind, stream, (content_type, body))| {
        let stage = stage(kind, 4, &[]).await;
        let told = ask(&stage, stream, &vec![reply(content_type, &body); 4]).await;
        let what = format!("{kind}, streamed {stream}, {content_type} {body:.30}: {told:?}");
        assert_eq!(told.refusal(), (502, "upstream_protocol".to_owned()), "{what}");
        assert_eq!(stage.upstream.log().senders().len(), 2, "{what}");
    })
    .await;
}

#[tokio::test]
async fn an_answer_of_the_other_mode_is_turned_into_the_one_that_was_asked_for() {
    let cases = [(true, JSON, completion().to_string()), (false, EVENTS, events())];
    each(cases, async |(stream, content_type, body)| {
        let stage = stage(OPENAI, 1, &[]).await;
        let told = ask(&stage, stream, &[reply(content_type, &body)]).await;
        assert!(told.is_whole() && told.roles() == 1, "streamed {stream}: {told:?}");
        assert_eq!(told.text(), "Hello", "streamed {stream}");
        assert_eq!(told.body.starts_with("data: "), stream, "{told:?}");
    })
    .await;
}
