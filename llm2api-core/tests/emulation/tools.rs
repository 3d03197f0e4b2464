//! Tools over an upstream that has none.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;
use llm2api_core::{
    ChatItem, ChatRequest, Chunk, Client, ErrorKind, FinishReason, FunctionCall, Limits, Message,
    Role, Tool, ToolCall,
};
use serde_json::{Value, json};

use crate::model::Script;
use crate::question;

fn tool(name: &str, parameters: &Value) -> Tool {
    serde_json::from_value(json!({
        "type": "function",
        "function": {"name": name, "description": "A tool.", "parameters": parameters},
    }))
    .expect("a tool")
}

fn weather() -> ChatRequest {
    let city = json!({"type": "object", "properties": {"city": {"type": "string"}},
        "required": ["city"], "additionalProperties": false});
    question().with_tools([tool("weather", &city), tool("clock", &json!({"type": "object"}))])
}

const BERN: &str =
    "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Bern\"}}\n</tool_call>";
const TIME: &str = "<tool_call>\n{\"name\": \"clock\", \"arguments\": {}}\n</tool_call>";

fn calls(answer: &llm2api_core::Completion) -> Vec<(String, Value)> {
    let calls = answer.message().and_then(|message| message.tool_calls.clone()).unwrap_or_default();
    let read = |ToolCall { function: FunctionCall { name, arguments, .. }, .. }| {
        (name, serde_json::from_str(&arguments).expect("JSON"))
    };
    calls.into_iter().map(read).collect()
}

#[tokio::test]
async fn a_call_comes_out_of_the_text_and_no_tag_does() {
    for piece in [1, 2, 3, 5, 8, 13, 1000] {
        let text = format!("Let me look. {BERN}");
        let script = Script::in_pieces(piece, [&text]);
        let answer = script.answer(weather()).await.expect("an answer");
        assert_eq!(answer.text().trim_end(), "Let me look.", "pieces of {piece}");
        assert_eq!(calls(&answer), [("weather".into(), json!({"city": "Bern"}))]);
        assert_eq!(answer.finish_reason(), Some(FinishReason::ToolCalls));
    }
}

#[tokio::test]
async fn g14_calls_leave_with_stable_ids_and_indexes() {
    let text = format!("{BERN}\n{TIME}");
    let script = Script::new([&text]);
    let request = weather().with_stream(true);
    let answer = script.client().await.chat(request).await.expect("an answer");
    let chunks: Vec<Chunk> = answer
        .filter_map(async |item| match item.expect("whole") {
            ChatItem::Chunk(chunk) => Some(chunk),
            _ => None,
        })
        .collect()
        .await;
    let mut calls: BTreeMap<u32, (Vec<String>, Vec<String>, String)> = BTreeMap::new();
    let choices = chunks.iter().flat_map(|chunk| &chunk.body().choices);
    for piece in choices.flat_map(|choice| choice.delta.tool_calls.iter().flatten()) {
        let (ids, names, arguments) = calls.entry(piece.index).or_default();
        ids.extend(piece.id.clone());
        let function = piece.function.clone().unwrap_or_default();
        names.extend(function.name);
        arguments.push_str(&function.arguments.unwrap_or_default());
    }
    let indexes: Vec<u32> = calls.keys().copied().collect();
    assert_eq!(indexes, [0, 1]);
    let names: Vec<_> = calls.values().map(|(_, names, _)| names.join("+")).collect();
    assert_eq!(names, ["weather", "clock"], "each name comes once");
    let ids: Vec<_> = calls.values().map(|(ids, ..)| ids.join("+")).collect();
    assert!(ids.iter().all(|id| id.starts_with("call_")) && ids[0] != ids[1], "{ids:?}");
}

#[tokio::test]
async fn the_round_trip_reaches_the_model_as_text() {
    let script = Script::new(["18 degrees."]);
    let mut call = Message::new(Role::Assistant, "I look.");
    call.tool_calls = Some(vec![ToolCall {
        id: "call_1".into(),
        kind: "function".into(),
        function: FunctionCall {
            name: "weather".into(),
            arguments: "{\"city\": \"Bern\"}".into(),
            ..FunctionCall::default()
        },
        ..ToolCall::default()
    }]);
    let mut result = Message::new(Role::Tool, "18 C");
    result.tool_call_id = Some("call_1".into());
    let request = weather().with_message(call).with_message(result);
    let answer = script.answer(request).await.expect("an answer");
    assert_eq!((answer.text(), answer.finish_reason()), ("18 degrees.", Some(FinishReason::Stop)));
    let asked = script.asked();
    let roles: Vec<_> = asked[0].messages.iter().map(|message| message.role.as_str()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
    assert!(asked[0].tools.is_none());
    insta::assert_snapshot!(script.heard());
}

#[tokio::test]
async fn wrong_arguments_are_asked_for_once_more() {
    let wrong = BERN.replace("city", "town");
    let script = Script::new([&*format!("Wait. {wrong}{TIME}"), BERN]);
    let answer = script.answer(weather()).await.expect("an answer");
    let expected = [("clock".into(), json!({})), ("weather".into(), json!({"city": "Bern"}))];
    assert_eq!(calls(&answer), expected);
    assert_eq!(answer.text().trim_end(), "Wait.");
    assert_eq!(script.asked().len(), 2);
}

#[tokio::test]
async fn a_call_that_stays_wrong_is_an_error() {
    let wrong = BERN.replace("city", "town");
    let script = Script::new([&*wrong, &*wrong, BERN]);
    let error = script.answer(weather()).await.expect_err("wrong arguments");
    assert_eq!((error.kind(), error.code()), (ErrorKind::AnswerInvalid, "invalid_tool_call"));
    assert_eq!(script.asked().len(), 2);
    let script = Script::new([&*format!("{TIME}{wrong}"), "I cannot."]);
    let error = script.answer(weather()).await.expect_err("a call is missing");
    assert_eq!(error.code(), "invalid_tool_call");
}

#[tokio::test]
async fn a_model_that_gives_a_call_up_is_heard() {
    let unknown = BERN.replace("weather", "oracle");
    let script = Script::new([&*unknown, "There is no oracle."]);
    let answer = script.answer(weather()).await.expect("an answer");
    assert_eq!(answer.text(), "There is no oracle.");
    assert_eq!(answer.finish_reason(), Some(FinishReason::Stop));
}

#[tokio::test]
async fn a_call_that_is_required_is_asked_for() {
    let script = Script::new(["It is fine.", BERN]);
    let mut request = weather();
    request.tool_choice = Some(Arc::new("required".into()));
    let answer = script.answer(request).await.expect("an answer");
    assert_eq!(calls(&answer).len(), 1);
    assert_eq!(answer.text(), "It is fine.");
}

#[tokio::test]
async fn one_call_at_a_time_means_one() {
    let script = Script::new([&*format!("{BERN}{TIME}")]);
    let mut request = weather();
    request.parallel_tool_calls = Some(false);
    let answer = script.answer(request).await.expect("an answer");
    assert_eq!(calls(&answer).len(), 1);
}

#[tokio::test]
async fn no_call_is_looked_for_where_none_may_be_made() {
    let script = Script::new([BERN]);
    let mut request = weather();
    request.tool_choice = Some(Arc::new("none".into()));
    let answer = script.answer(request).await.expect("an answer");
    assert_eq!(answer.text(), BERN);
}

#[tokio::test]
async fn g27_asking_again_draws_on_the_same_budget() {
    let wrong = BERN.replace("city", "town");
    let script = Script::new([&*wrong, BERN]);
    let mut limits = Limits::default();
    limits.max_attempts = 1;
    let client = script.join(Client::builder(), "text").with_limits(limits);
    let client = client.build().await.expect("a client");
    let error = match client.chat(weather()).await {
        Ok(answer) => answer.collect().await.expect_err("no send is left"),
        Err(error) => error,
    };
    assert_eq!(error.code(), "invalid_tool_call");
    assert_eq!(script.asked().len(), 1);
}

#[tokio::test]
async fn a_correction_makes_no_call_twice() {
    let wrong = BERN.replace("city", "town");
    let script = Script::new([&*format!("{TIME}{wrong}"), &*format!("{TIME}{BERN}")]);
    let answer = script.answer(weather()).await.expect("an answer");
    let expected = [("clock".into(), json!({})), ("weather".into(), json!({"city": "Bern"}))];
    assert_eq!(calls(&answer), expected);
    assert!(script.heard().contains("do not repeat them: `clock`"), "{}", script.heard());
}

#[tokio::test]
async fn a_stop_sequence_behind_a_call_does_not_hide_it() {
    let script = Script::new([&*format!("Ok {BERN}\n\nthen END more")]);
    let mut request = weather();
    request.stop = Some(llm2api_core::Stop::One("END".into()));
    let answer = script.answer(request).await.expect("an answer");
    assert_eq!(calls(&answer).len(), 1);
    assert_eq!(answer.finish_reason(), Some(FinishReason::ToolCalls));
}
