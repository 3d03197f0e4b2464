//! Answers in a demanded form.

use std::time::Duration;

use futures::StreamExt;
use llm2api_core::{ChatRequest, ErrorKind, FinishReason, Limits};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::model::Script;
use crate::question;

fn object() -> ChatRequest {
    let mut request = question();
    request.response_format = Some(json!({"type": "json_object"}).into());
    request
}

fn person() -> ChatRequest {
    let schema = json!({
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": false,
    });
    let mut request = question();
    let format =
        json!({"type": "json_schema", "json_schema": {"name": "person", "schema": schema}});
    request.response_format = Some(format.into());
    request
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[tokio::test]
async fn prose_around_the_json_never_reaches_the_caller() {
    let script = Script::new(["Sure! Here it is:\n```json\n{\"a\": 1}\n```\nAnything else?"]);
    let request = object().with_stream(true);
    let mut answer = script.client().await.chat(request).await.expect("an answer");
    let mut text = String::new();
    while let Some(item) = answer.next().await {
        if let llm2api_core::ChatItem::Chunk(chunk) = item.expect("whole") {
            text.push_str(chunk.text());
        }
    }
    assert_eq!(parsed(&text), json!({"a": 1}));
}

#[tokio::test]
async fn the_schema_is_put_into_words_and_kept_to() {
    let script = Script::new(["{\"name\": \"Ada\", \"age\": 36}"]);
    let answer = script.answer(person()).await.expect("an answer");
    assert_eq!(parsed(answer.text()), json!({"name": "Ada", "age": 36}));
    assert_eq!(answer.finish_reason(), Some(FinishReason::Stop));
    assert!(script.heard().starts_with("system: "), "{}", script.heard());
    assert!(script.heard().contains("\"additionalProperties\":false"), "{}", script.heard());
    assert!(script.asked()[0].response_format.is_none());
}

#[tokio::test]
async fn a_wrong_answer_is_asked_for_once_more() {
    let script =
        Script::new(["{\"name\": \"Ada\"}", "Of course: {\"name\": \"Ada\", \"age\": 36}"]);
    let answer = script.answer(person()).await.expect("an answer");
    assert_eq!(parsed(answer.text()), json!({"name": "Ada", "age": 36}));
    let asked = script.asked();
    assert_eq!(asked.len(), 2);
    let roles: Vec<_> = asked[1].messages.iter().map(|message| message.role.as_str()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
    let usage = answer.usage().expect("counts");
    assert!(usage.prompt_tokens > 2 * 10, "both times count: {usage:?}");
}

#[tokio::test]
async fn an_answer_that_stays_wrong_is_an_error_and_not_a_third_try() {
    let script = Script::new(["no", "still no", "{\"a\": 1}"]);
    let error = script.answer(object()).await.expect_err("no JSON");
    assert_eq!((error.kind(), error.code()), (ErrorKind::AnswerInvalid, "invalid_json_answer"));
    assert_eq!(script.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn g09_an_answer_that_is_held_while_it_is_written_is_not_late() {
    let pause = Duration::from_secs(20);
    let script = Script::new(["{\"a\": \"a long answer\"}"]).with_pause(pause);
    let began = Instant::now();
    let answer = script.client().await.chat(object().with_stream(true)).await.expect("no limit");
    assert!(began.elapsed() > Limits::default().first_content_timeout, "it took long enough");
    assert_eq!(parsed(answer.collect().await.expect("whole").text())["a"], "a long answer");
}
