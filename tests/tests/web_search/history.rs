//! Blocks of earlier answers take no room in the requests that follow.

use llm2api_tests::plan::ANSWER;
use llm2api_tests::processes::{CHAT_UI, OPENAI};
use serde_json::{Value, json};

use crate::answer::parts;
use crate::stage::{CHAT, Searching, WEB, prompts, user};

const FIRST: &str = "How large is Oslo?\nECHO:It is large [1].";
/// A question that is answered in the usual words.
const PLAIN: &str = "How large is Oslo?";
const SAID: &str = "It is large [1].";
const MARKS: [&str; 2] = ["<search>", "</search>"];

/// The first answer as a client keeps it.
async fn first(searching: &Searching) -> String {
    let outcome = searching.web(FIRST, true).await;
    let text = outcome.text();
    assert!(text.starts_with(MARKS[0]) && parts(&text).1 == SAID, "{text}");
    text
}

fn assistant(text: &str) -> Value {
    json!({"role": "assistant", "content": text})
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_back_is_given_to_the_model_without_its_block() {
    let searching = Searching::start(OPENAI, &[]).await;
    let text = first(&searching).await;
    let parts = json!({"role": "assistant", "content": [{"type": "text", "text": text}]});
    for (path, turn) in
        [(WEB, assistant(&text)), (CHAT, assistant(&text)), (WEB, parts.clone()), (CHAT, parts)]
    {
        let messages = json!([user(FIRST), turn, user("And Bergen?")]);
        assert!(searching.ask(path, &json!({"messages": messages})).await.is_whole());
        let prompt = prompts(&searching.stage.upstream).pop().expect("a send");
        assert!(!MARKS.iter().any(|mark| prompt.to_string().contains(mark)), "{prompt}");
        assert_eq!(prompt[0], user(FIRST), "the person's words stay");
        assert!(prompt[1].to_string().contains(SAID), "{prompt}");
        assert!(prompt[2]["content"].as_str().is_some_and(|text| text.ends_with("And Bergen?")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn histories_of_other_dialects_are_free_of_blocks_too() {
    let searching = Searching::start(OPENAI, &[]).await;
    let text = first(&searching).await;
    let typed = json!([{"type": "output_text", "text": text, "annotations": []}]);
    let output = json!({"type": "message", "role": "assistant", "content": typed});
    let words = json!({"role": "assistant", "content": [{"type": "text", "text": text}]});
    for (path, fields) in [
        ("/v1/responses", json!({"input": [user(FIRST), output, user("And Bergen?")]})),
        ("/v1/responses", json!({"input": [user(FIRST), assistant(&text), user("And Bergen?")]})),
        (
            "/v1/messages",
            json!({"messages": [user(FIRST), assistant(&text), user("And Bergen?")], "max_tokens": 99}),
        ),
        (
            "/v1/messages",
            json!({"messages": [user(FIRST), words, user("And Bergen?")], "max_tokens": 99}),
        ),
    ] {
        let outcome = searching.ask(path, &fields).await;
        assert_eq!(outcome.status, 200, "{path} {outcome:?}");
        let prompt = prompts(&searching.stage.upstream).pop().expect("a send");
        assert!(!MARKS.iter().any(|mark| prompt.to_string().contains(mark)), "{path} {prompt}");
        assert!(prompt[1].to_string().contains(SAID), "{path} {prompt}");
    }
    assert_eq!(prompts(&searching.stage.upstream).len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_ui_is_given_no_block_either() {
    for conversations in ["fresh", "reuse"] {
        let searching = Searching::start(CHAT_UI, &[("CONVERSATIONS", conversations)]).await;
        let text = searching.web(PLAIN, true).await.text();
        assert!(text.starts_with(MARKS[0]) && text.ends_with(ANSWER), "{text}");
        for path in [WEB, CHAT] {
            let messages = json!([user(PLAIN), assistant(&text), user("And Bergen? PROMPT")]);
            let outcome = searching.ask(path, &json!({"messages": messages})).await;
            assert!(outcome.is_whole(), "{outcome:?}");
            let answer = outcome.text();
            let (_, given) = parts(&answer);
            assert!(given.contains("Hello from the mock model."), "{given}");
            assert!(given.contains("And Bergen?"), "{given}");
            assert!(
                !MARKS.iter().any(|mark| given.contains(mark)),
                "{conversations} {path} {given}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_conversation_is_kept_that_nobody_goes_on_from() {
    let settings = [("CONVERSATIONS", "reuse"), ("SEARCH_REWRITE", "true")];
    let searching = Searching::start(CHAT_UI, &settings).await;
    let text = searching.web(PLAIN, true).await.text();
    let messages = json!([user(PLAIN), assistant(&text), user("And Bergen?")]);
    assert!(searching.ask(WEB, &json!({"messages": messages})).await.is_whole());
    let upstream = &searching.stage.upstream;
    let log = upstream.wait_for(|log| log.conversations.is_empty()).await;
    assert_eq!(log.deleted.len(), 4, "two answers and two queries");
    assert!(searching.ask(CHAT, &json!({"messages": [user(PLAIN)]})).await.is_whole());
    assert_eq!(upstream.log().conversations.len(), 1, "what was not searched for is kept");
}
