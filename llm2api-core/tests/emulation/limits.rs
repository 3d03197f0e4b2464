//! `stop` and the limits of tokens.

use futures::StreamExt;
use llm2api_core::{ChatItem, ChatRequest, Client, ErrorKind, FinishReason, Message, Stop, Tool};
use serde_json::json;

use crate::model::Script;
use crate::question;

#[tokio::test]
async fn a_stop_sequence_ends_the_answer_and_frees_the_upstream() {
    for piece in [1, 2, 3, 7, 100] {
        let script = Script::in_pieces(piece, ["One.\n\nEND and much more."]);
        let mut request = question();
        request.stop = Some(Stop::Many(vec!["###".into(), "END".into()]));
        let answer = script.answer(request).await.expect("an answer");
        assert_eq!(answer.body().choices[0].extra["stop_reason"], "END");
        assert_eq!(answer.text(), "One.\n\n", "pieces of {piece}");
        assert_eq!(answer.finish_reason(), Some(FinishReason::Stop));
        assert_eq!(script.read(), [false], "the rest was not waited for");
    }
}

#[tokio::test]
async fn a_stop_sequence_that_never_comes_changes_nothing() {
    let script = Script::new(["One. EN"]);
    let mut request = question();
    request.stop = Some(Stop::One("END".into()));
    let answer = script.answer(request).await.expect("an answer");
    assert_eq!(answer.text(), "One. EN");
    assert_eq!(script.read(), [true]);
}

#[tokio::test]
async fn a_limit_of_tokens_ends_the_answer_for_its_length() {
    let script = Script::new(["one two three four five six seven eight nine ten"]);
    let mut request = question();
    request.max_completion_tokens = Some(4);
    request.max_tokens = Some(9);
    let answer = script.answer(request).await.expect("an answer");
    assert_eq!(answer.text().trim_end(), "one two three four", "of both limits the smaller");
    assert_eq!(answer.finish_reason(), Some(FinishReason::Length));
    assert_eq!(answer.usage().expect("counts").completion_tokens, 4);
    assert_eq!(script.read(), [false], "the rest was not waited for");
}

#[tokio::test]
async fn no_tokens_at_all_is_a_mistake() {
    let script = Script::new([""]);
    let mut request = question();
    request.max_tokens = Some(0);
    let error = script.answer(request).await.expect_err("a mistake");
    assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidRequest, Some("max_tokens")));
}

#[tokio::test]
async fn a_stream_that_is_cut_ends_as_one_that_is_not() {
    let script = Script::new(["one two three"]);
    let mut request = question().with_stream(true).with_usage();
    request.stop = Some(Stop::One("two".into()));
    let answer = script.client().await.chat(request).await.expect("an answer");
    let items: Vec<_> = answer.map(|item| item.expect("a whole answer")).collect().await;
    let chunks: Vec<_> = items
        .iter()
        .map(|item| match item {
            ChatItem::Chunk(chunk) => chunk.body(),
            other => panic!("{other:?}"),
        })
        .collect();
    let text: String = chunks
        .iter()
        .flat_map(|body| &body.choices)
        .filter_map(|choice| choice.delta.content.clone())
        .collect();
    assert_eq!(text, "one ");
    let [.., end, usage] = &chunks[..] else { panic!("{chunks:?}") };
    assert_eq!(end.choices[0].finish_reason, Some(FinishReason::Stop));
    assert_eq!(end.choices[0].extra["stop_reason"], "two");
    assert!(usage.choices.is_empty() && usage.usage.as_ref().is_some_and(|usage| usage.estimated));
    assert!(chunks.iter().all(|body| body.id == chunks[0].id), "one id for all");
}

#[tokio::test]
async fn very_many_stop_sequences_are_a_mistake() {
    let script = Script::new([""]);
    let mut request = question();
    request.stop = Some(Stop::Many(vec!["x".into(); 17]));
    let error = script.answer(request).await.expect_err("a mistake");
    assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidRequest, Some("stop")));
}

#[tokio::test]
async fn calls_that_an_upstream_makes_by_itself_pass_a_limit() {
    let client = Client::builder().build().await.expect("the demo");
    let tool = json!({"type": "function", "function": {"name": "now", "parameters": {}}});
    let tool: Tool = serde_json::from_value(tool).expect("a tool");
    let mut request = ChatRequest::new("demo").with_message(Message::user("x")).with_tools([tool]);
    request.max_tokens = Some(500);
    let answer = client.chat(request).await.expect("an answer").collect().await.expect("whole");
    assert_eq!(answer.finish_reason(), Some(FinishReason::ToolCalls));
    let calls = answer.message().and_then(|message| message.tool_calls.as_ref());
    assert_eq!(calls.map(Vec::len), Some(1));
}
