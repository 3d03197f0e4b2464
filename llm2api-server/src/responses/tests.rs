use std::fmt::Write as _;

use futures::{StreamExt, stream};
use llm2api_core::{ChatItem, ChatStream, ChunkBody, Delta, Error, ErrorKind, FinishReason, Usage};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::budget::Budget;
use crate::dialect::Blocks;
use crate::dialect::samples::{call, chunk};
use crate::edge::Record;
use crate::openai::error::Failure;
use crate::sse::Events;

fn asked(json: &str) -> Result<Asked, Failure> {
    Request::from_json(json.as_bytes())?.into_asked()
}

fn chat(json: &str) -> String {
    let chat = asked(json).expect("valid").chat;
    serde_json::to_string_pretty(&chat).expect("a chat is JSON")
}

const FULL: &str = r#"{
    "model": "m", "stream": true, "instructions": "Be brief.", "store": true,
    "include": ["reasoning.encrypted_content"], "prompt_cache_key": "k",
    "temperature": 0.5, "top_p": 0.9, "max_output_tokens": 100, "truncation": "auto",
    "metadata": {"a": "b"}, "user": "ann", "parallel_tool_calls": false,
    "reasoning": {"effort": "high", "summary": "auto"},
    "text": {"verbosity": "low", "format": {
        "type": "json_schema", "name": "answer", "strict": true, "schema": {"type": "object"}}},
    "tools": [
        {"type": "function", "name": "look", "description": "Looks.", "strict": false,
         "parameters": {"type": "object", "properties": {"q": {"type": "string"}}}},
        {"type": "function", "name": "see", "parameters": null}
    ],
    "tool_choice": {"type": "function", "name": "look"},
    "input": [
        {"role": "developer", "content": "Be kind."},
        {"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "Look."},
            {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"},
            {"type": "input_file", "file_data": "data:application/pdf;base64,JVBE", "filename": "a.pdf"}
        ]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [
            {"type": "output_text", "text": "I look.", "annotations": []}]},
        {"type": "function_call", "id": "fc_1", "call_id": "a", "name": "look", "arguments": "{\"q\":1}"},
        {"type": "function_call", "call_id": "b", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "found"},
        {"type": "function_call_output", "call_id": "b", "output": [
            {"type": "input_text", "text": "this"},
            {"type": "input_image", "image_url": "data:image/png;base64,BBBB"}]}
    ]
}"#;

#[test]
fn a_request_becomes_a_chat() {
    insta::assert_snapshot!(chat(FULL));
}

#[test]
fn a_text_is_what_the_person_says_and_allowed_tools_are_all_there_are() {
    insta::assert_snapshot!(chat(
        r#"{"model": "m", "input": "Hello", "text": {"format": {"type": "json_object"}},
            "tools": [{"type": "function", "name": "look"}, {"type": "function", "name": "see"}],
            "tool_choice": {"type": "allowed_tools", "mode": "required",
                            "tools": [{"type": "function", "name": "see"}]}}"#
    ));
}

#[test]
fn a_choice_without_tools_is_forgotten() {
    let fields = [
        r#""tool_choice":"auto","parallel_tool_calls":false"#,
        r#""tools":[],"tool_choice":"required""#,
        r#""tools":[{"type":"function","name":"look"}],"parallel_tool_calls":true,
            "tool_choice":{"type":"allowed_tools","mode":"auto","tools":[]}"#,
    ];
    for field in fields {
        let json = format!(r#"{{"model":"m","input":"x",{field}}}"#);
        let chat = asked(&json).expect("valid").chat;
        assert!(chat.tools.is_none() && chat.tool_choice.is_none(), "{field}");
        assert!(chat.parallel_tool_calls.is_none(), "{field}");
    }
}

#[test]
fn tools_that_the_service_would_run_are_left_out_and_so_is_what_they_did() {
    let json = r#"{"model":"m","input":[
            {"role":"user","content":"Hello"},
            {"type":"web_search_call","id":"ws_1","status":"completed","action":{"type":"search"}},
            {"type":"function_call","call_id":"a","name":"look","arguments":"{}"},
            {"type":"function_call_output","call_id":"a","output":"found"}],
        "tools":[{"type":"web_search","external_web_access":true},{"type":"function","name":"look"},
            {"type":"web_search_preview_2025_03_11"},{"type":"mcp","server_label":"s"}]}"#;
    let mut request = Request::from_json(json.as_bytes()).expect("parses");
    assert!(request.leave_out_hosted_tools());
    assert!(!request.leave_out_hosted_tools());
    let chat = request.into_asked().expect("valid").chat;
    assert_eq!(chat.tools.expect("one is left").len(), 1);
    assert_eq!(chat.messages.len(), 3);
    assert!(asked(json).is_err(), "nobody left them out");
}

#[test]
fn every_mistake_is_named() {
    let with = |field: &str| format!(r#"{{"model":"m","input":"x",{field}}}"#);
    let saying = |item: &str| format!(r#"{{"model":"m","input":[{item}]}}"#);
    let bodies = [
        "{".to_owned(),
        "[]".to_owned(),
        r#"{"input":"x"}"#.to_owned(),
        r#"{"model":"m"}"#.to_owned(),
        r#"{"model":"m","input":[]}"#.to_owned(),
        with(r#""previous_response_id":"resp_1""#),
        with(r#""conversation":{"id":"c"}"#),
        with(r#""prompt":{"id":"p"}"#),
        with(r#""background":true"#),
        with(r#""tools":[{"type":"web_search"}]"#),
        with(r#""tools":[{"type":"function"}]"#),
        with(r#""tool_choice":{"type":"file_search"}"#),
        with(r#""tool_choice":"some""#),
        with(r#""metadata":{"a":1}"#),
        with(r#""truncation":"some""#),
        saying(r#"{"type":"item_reference","id":"msg_1"}"#),
        saying(r#"{"id":"msg_1"}"#),
        saying(r#"{"type":"hologram","id":"ho_1"}"#),
        saying(r#"{"type":"message","content":"x"}"#),
        saying(r#"{"role":"robot","content":"x"}"#),
        saying(r#"{"role":"user"}"#),
        saying(r#"{"role":"user","content":[{"type":"hologram"}]}"#),
        saying(r#"{"role":"user","content":[{"type":"input_image","file_id":"f"}]}"#),
        saying(r#"{"role":"user","content":[{"type":"input_file","file_id":"f"}]}"#),
        saying(r#"{"type":"function_call_output","output":"x"}"#),
    ];
    let mut table = String::new();
    for body in bodies {
        let failure = asked(&body).expect_err(&body);
        let mut json = Vec::new();
        failure.write_json("req_1", &mut json);
        writeln!(table, "{body}\n    {}", String::from_utf8_lossy(&json))
            .expect("a String takes everything");
    }
    insta::assert_snapshot!(table);
}

fn usage() -> ChatItem {
    let (prompt_tokens, completion_tokens, total_tokens) = (9, 4, 13);
    let mut usage = Usage { prompt_tokens, completion_tokens, total_tokens, ..Usage::default() };
    usage.extra.insert("prompt_tokens_details".into(), serde_json::json!({"cached_tokens": 2}));
    let reasoning = serde_json::json!({"reasoning_tokens": 3});
    usage.extra.insert("completion_tokens_details".into(), reasoning);
    ChatItem::Chunk(ChunkBody { usage: Some(usage), ..ChunkBody::default() }.into())
}

/// Tells the events of an answer, ids and times replaced.
async fn events(request: &str, items: Vec<ChatItem>, fault: Option<Error>) -> String {
    let template = asked(request).expect("valid").template;
    let encoder = ResponseEvents::new(template, Budget::new(0).charge());
    let record = Record::of("req_1");
    let cut = CancellationToken::new().cancelled_owned();
    let events = Events::new(
        ChatStream::new(stream::iter(items.into_iter().map(Ok).chain(fault.map(Err)))),
        encoder,
        cut,
        record,
    );
    let frames: Vec<_> = events.map(|frame| frame.expect("never fails")).collect().await;
    let told: String =
        frames.iter().map(|frame| std::str::from_utf8(frame).expect("is text")).collect();
    without_ids(&told)
}

fn without_ids(told: &str) -> String {
    let start = told.find("resp_").expect("an id") + 5;
    let told = told.replace(&told[start..start + 32], "ID");
    let mut out = String::new();
    for piece in told.split_inclusive("_at\":") {
        let rest =
            piece.trim_start_matches(|c: char| out.ends_with("_at\":") && c.is_ascii_digit());
        out.push_str(rest);
    }
    out
}

const SHORT: &str = r#"{"model":"demo","input":"x"}"#;

#[tokio::test]
async fn an_answer_of_all_kinds_is_told_item_by_item() {
    let items = vec![
        chunk(Delta::assistant()),
        chunk(Delta::reasoning("Hm.")),
        chunk(Delta::text("I ")),
        chunk(Delta::text("look.")),
        call(r#"[{"index":0,"id":"a","function":{"name":"look","arguments":""}}]"#),
        call(r#"[{"index":0,"function":{"arguments":"{\"q\":"}}]"#),
        call(r#"[{"index":0,"function":{"arguments":"1}"}}]"#),
        call(r#"[{"index":1,"function":{"name":"see","arguments":"{}"}}]"#),
        chunk(FinishReason::ToolCalls),
        usage(),
    ];
    insta::assert_snapshot!(events(SHORT, items, None).await);
}

#[tokio::test]
async fn a_summary_is_what_clients_that_want_one_get() {
    let items = vec![
        chunk(Delta::reasoning("Hm.")),
        chunk(Delta { refusal: Some("No.".into()), ..Delta::default() }),
        chunk(FinishReason::Stop),
    ];
    let request = r#"{"model":"demo","input":"x","reasoning":{"summary":"auto"}}"#;
    insta::assert_snapshot!(events(request, items, None).await);
}

#[tokio::test]
async fn an_answer_that_is_cut_by_its_limit_is_incomplete() {
    let items = vec![chunk(Delta::text("Hel")), chunk(FinishReason::Length)];
    insta::assert_snapshot!(events(SHORT, items, None).await);
}

#[tokio::test]
async fn g07_a_response_that_breaks_has_failed() {
    let fault = Error::new(ErrorKind::UpstreamIncomplete, "chat", "the answer broke off");
    insta::assert_snapshot!(events(SHORT, vec![chunk(Delta::text("Hel"))], Some(fault)).await);
}

#[tokio::test]
async fn an_answer_that_nobody_called_whole_has_failed() {
    let told = events(SHORT, vec![chunk(Delta::text("Hello"))], None).await;
    assert!(told.contains("response.failed") && !told.contains("response.completed"), "{told}");
}

#[test]
fn a_whole_answer_tells_its_request_back() {
    let json = r#"{"id":"x","model":"m","choices":[{"finish_reason":"stop","message":{
        "content":"Yes.","reasoning_content":"Hm."}}]}"#;
    let body: llm2api_core::CompletionBody = serde_json::from_str(json).expect("a completion");
    let blocks = Blocks::of(body.into()).expect("is small");
    let template = asked(FULL).expect("valid").template;
    let body = template.whole(&blocks).expect("is whole");
    let body = without_ids(std::str::from_utf8(&body).expect("is text"));
    let body: Value = serde_json::from_str(&body.replace("_at\":", "_at\":0")).expect("is JSON");
    insta::assert_snapshot!(serde_json::to_string_pretty(&body).expect("is JSON"));
}
