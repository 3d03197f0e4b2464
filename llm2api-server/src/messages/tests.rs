use std::fmt::Write as _;

use futures::{StreamExt, stream};
use llm2api_core::{ChatItem, ChatStream, ChunkBody, Delta, Error, ErrorKind, FinishReason, Usage};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::dialect::Blocks;
use crate::dialect::samples::{call, chunk};
use crate::edge::Record;
use crate::openai::error::Failure;
use crate::sse::Events;

fn chat(json: &str) -> Result<String, Failure> {
    let asked = Request::from_json(json.as_bytes())?.into_asked()?;
    Ok(serde_json::to_string_pretty(&asked.chat).expect("a chat is JSON"))
}

#[test]
fn a_request_becomes_a_chat() {
    let json = r#"{
        "model": "m", "max_tokens": 100, "stream": true, "temperature": 0.5, "top_p": 0.9,
        "top_k": 40, "stop_sequences": ["END"], "metadata": {"user_id": "ann"},
        "thinking": {"type": "enabled", "budget_tokens": 1024}, "service_tier": "auto",
        "system": [
            {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": "Be kind."}
        ],
        "tools": [{
            "name": "look", "description": "Looks.", "strict": true,
            "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}}
        }],
        "tool_choice": {"type": "tool", "name": "look", "disable_parallel_tool_use": true},
        "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {"type": "object"}}},
        "messages": [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "x"},
                {"type": "redacted_thinking", "data": "x"},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "a", "name": "look", "input": {"q": 1.50}},
                {"type": "tool_use", "id": "b", "name": "look", "input": {}}
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "found"},
                {"type": "tool_result", "tool_use_id": "b", "is_error": true, "content": [
                    {"type": "text", "text": "broken"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
                ]},
                {"type": "text", "text": "Go on."}
            ]},
            {"role": "system", "content": "Mind the time."}
        ]
    }"#;
    insta::assert_snapshot!(chat(json).expect("valid"));
}

#[test]
fn pictures_and_documents_become_parts() {
    let json = r#"{"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        {"type": "document", "title": "a.pdf", "context": "An invoice.",
         "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Plain."}},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "Block."}]}},
        {"type": "search_result", "source": "https://example.org", "title": "Found",
         "content": [{"type": "text", "text": "There."}]}
    ]}]}"#;
    insta::assert_snapshot!(chat(json).expect("valid"));
}

#[test]
fn tools_that_the_service_would_run_are_left_out_and_so_is_what_they_did() {
    let json = r#"{"model":"m","max_tokens":1,
        "tools":[{"type":"web_search_20250305","name":"web_search","max_uses":8},
            {"name":"look","input_schema":{"type":"object"}}],
        "messages":[{"role":"user","content":"Hello"},{"role":"assistant","content":[
            {"type":"server_tool_use","id":"s","name":"web_search","input":{"query":"q"}},
            {"type":"web_search_tool_result","tool_use_id":"s","content":[
                {"type":"web_search_result","url":"u","title":"t","encrypted_content":"x"}]},
            {"type":"text","text":"Found."}]}]}"#;
    let mut request = Request::from_json(json.as_bytes()).expect("parses");
    assert!(request.leave_out_hosted_tools());
    assert!(!request.leave_out_hosted_tools());
    let chat = request.into_asked().expect("valid").chat;
    assert_eq!(chat.tools.expect("one is left").len(), 1);
    assert_eq!(chat.messages[1].text(), "Found.");
    assert!(super::Request::from_json(json.as_bytes()).expect("parses").into_asked().is_err());
}

#[test]
fn a_long_name_of_a_user_is_told_by_its_digest() {
    let told = |user: &str| {
        let json = format!(
            r#"{{"model":"m","max_tokens":1,"messages":[],"metadata":{{"user_id":"{user}"}}}}"#
        );
        let asked = Request::from_json(json.as_bytes()).and_then(Request::into_asked);
        asked.expect("valid").chat.user.expect("a user")
    };
    let fits = "é".repeat(64);
    assert_eq!(told(&fits), fits);
    let long = told(&"u".repeat(65));
    assert!(long.len() == 64 && long.bytes().all(|byte| byte.is_ascii_hexdigit()), "{long}");
    assert_ne!(long, told(&"u".repeat(66)));
}

#[test]
fn every_mistake_is_named_in_the_envelope() {
    let with = |field: &str| {
        format!(
            r#"{{"model":"m","max_tokens":1,"messages":[{{"role":"user","content":"x"}}],{field}}}"#
        )
    };
    let saying = |content: &str| {
        format!(
            r#"{{"model":"m","max_tokens":1,"messages":[{{"role":"user","content":{content}}}]}}"#
        )
    };
    let bodies = [
        "{".to_owned(),
        "[]".to_owned(),
        r#"{"model":"m","messages":[]}"#.to_owned(),
        r#"{"model":"m","max_tokens":0,"messages":[]}"#.to_owned(),
        r#"{"max_tokens":1,"messages":[]}"#.to_owned(),
        r#"{"model":"m","max_tokens":1,"messages":[{"role":"robot","content":"x"}]}"#.to_owned(),
        r#"{"model":"m","max_tokens":1,"messages":[{"role":"user"}]}"#.to_owned(),
        saying("5"),
        saying(r#"[{"type":"text"}]"#),
        saying(r#"[{"type":"hologram"}]"#),
        saying(r#"[{"type":"image","source":{"type":"file","file_id":"f"}}]"#),
        saying(r#"[{"type":"image"}]"#),
        saying(r#"[{"type":"document","source":{"type":"url","url":"u"}}]"#),
        saying(r#"[{"type":"tool_result"}]"#),
        with(r#""tools":[{"type":"web_search_20250305","name":"web_search"}]"#),
        with(r#""tools":[{"name":"f"}]"#),
        with(r#""tool_choice":{"type":"tool"}"#),
        with(r#""tool_choice":{"type":"some"}"#),
        with(r#""temperature":"hot""#),
    ];
    let mut table = String::new();
    for body in bodies {
        let failure = chat(&body).expect_err(&body);
        let mut json = Vec::new();
        write_error(&failure, "req_1", &mut json);
        writeln!(table, "{body}\n    {}", String::from_utf8_lossy(&json))
            .expect("a String takes everything");
    }
    insta::assert_snapshot!(table);
}

fn usage() -> ChatItem {
    let mut usage = Usage { prompt_tokens: 9, completion_tokens: 4, ..Usage::default() };
    let details = serde_json::json!({"cached_tokens": 2});
    usage.extra.insert("prompt_tokens_details".into(), details);
    ChatItem::Chunk(ChunkBody { usage: Some(usage), ..ChunkBody::default() }.into())
}

async fn events(items: Vec<ChatItem>, fault: Option<Error>) -> String {
    let encoder = MessageEvents::new("msg_1".into(), "demo".into(), vec!["END".into()], 7);
    let record = Record::of("req_1");
    let cut = CancellationToken::new().cancelled_owned();
    let events = Events::new(
        ChatStream::new(stream::iter(items.into_iter().map(Ok).chain(fault.map(Err)))),
        encoder,
        cut,
        record,
    );
    let frames: Vec<_> = events.map(|frame| frame.expect("never fails")).collect().await;
    frames.iter().map(|frame| std::str::from_utf8(frame).expect("is text")).collect()
}

#[tokio::test]
async fn an_answer_of_all_kinds_is_told_block_by_block() {
    let items = vec![
        chunk(Delta::assistant()),
        chunk(Delta::reasoning("Hm.")),
        chunk(Delta::text("I ")),
        chunk(Delta::text("look.")),
        call(r#"[{"index":0,"id":"a","function":{"name":"look","arguments":""}}]"#),
        call(r#"[{"index":0,"function":{"arguments":"{\"q\":"}}]"#),
        call(r#"[{"index":0,"function":{"arguments":"1}"}}]"#),
        call(r#"[{"index":1,"function":{"name":"see","arguments":""}}]"#),
        chunk(FinishReason::ToolCalls),
        usage(),
    ];
    insta::assert_snapshot!(events(items, None).await);
}

#[tokio::test]
async fn g07_a_message_that_breaks_ends_with_an_error_and_no_stop() {
    let fault = Error::new(ErrorKind::UpstreamIncomplete, "chat", "the answer broke off");
    insta::assert_snapshot!(events(vec![chunk(Delta::text("Hel"))], Some(fault)).await);
}

#[tokio::test(start_paused = true)]
async fn g12_silence_in_messages_is_filled_with_pings() {
    let encoder = MessageEvents::new("msg_1".into(), "demo".into(), Vec::new(), 7);
    let record = Record::of("req_1");
    let cut = CancellationToken::new();
    let silence = ChatStream::new(stream::pending());
    let mut events = Events::new(silence, encoder, cut.clone().cancelled_owned(), record);
    let ping = events.next().await.expect("an event").expect("never fails");
    assert_eq!(&ping[..], b"event: ping\ndata: {\"type\":\"ping\"}\n\n");
    cut.cancel();
    let last = events.next().await.expect("an event").expect("never fails");
    assert!(last.starts_with(b"event: error\n"), "{last:?}");
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn arguments_that_are_no_object_are_an_error_and_no_call() {
    let pieces = r#"[{"index":0,"id":"a","function":{"name":"look","arguments":"{\"q\":"}}]"#;
    let told = events(vec![call(pieces), chunk(FinishReason::ToolCalls)], None).await;
    assert!(told.contains("event: error\n") && !told.contains("message_stop"), "{told}");
    assert!(!told.contains("content_block_stop"), "{told}");
}

#[tokio::test]
async fn a_call_that_the_limit_cuts_ends_with_the_reason() {
    let pieces = r#"[{"index":0,"id":"a","function":{"name":"look","arguments":"{\"a\": \"lon"}}]"#;
    let items = vec![chunk(Delta::text("I look.")), call(pieces), chunk(FinishReason::Length)];
    let told = events(items, None).await;
    assert!(!told.contains("event: error") && told.contains("message_stop"), "{told}");
    let stop = told.find(r#"{"type":"content_block_stop","index":1}"#).expect("the call ends");
    let reason = told.find(r#""stop_reason":"max_tokens""#).expect("a reason");
    assert!(stop < reason, "{told}");
}

#[test]
fn a_call_that_is_cut_is_left_out_of_a_whole_answer() {
    for (reason, arguments) in [("length", r#"{\"a\": \"lon"#), ("content_filter", "")] {
        let answer = whole_answer(&format!(
            r#"{{"finish_reason":"{reason}","message":{{"content":"I look.","tool_calls":[
                {{"id":"a","function":{{"name":"f","arguments":"{{}}"}}}},
                {{"id":"b","function":{{"name":"f","arguments":"{arguments}"}}}}]}}}}"#
        ));
        let kinds: Vec<_> = answer["content"].as_array().expect("a list").iter().collect();
        assert_eq!(kinds.len(), 2, "{answer}");
        assert_eq!(kinds[1]["id"], "a");
        assert_ne!(answer["stop_reason"], "tool_use");
    }
}

#[tokio::test]
async fn an_answer_that_nobody_called_whole_is_none() {
    let told = events(vec![chunk(Delta::text("Hello"))], None).await;
    assert!(told.contains("event: error\n") && !told.contains("message_stop"), "{told}");
}

fn whole_answer(choice: &str) -> Value {
    let json = format!(r#"{{"id":"x","choices":[{choice}],"model":"m"}}"#);
    let body: llm2api_core::CompletionBody = serde_json::from_str(&json).expect("a completion");
    let blocks = Blocks::of(body.into()).expect("is small");
    let body = whole("msg_1", "demo", &blocks, &["END".into()]).expect("is whole");
    serde_json::from_slice(&body).expect("is JSON")
}

#[test]
fn each_end_has_its_reason() {
    let cases = [
        (r#"{"finish_reason":"stop","message":{"content":"x"}}"#, "end_turn"),
        (
            r#"{"finish_reason":"stop","stop_reason":"END","message":{"content":"x"}}"#,
            "stop_sequence",
        ),
        (r#"{"finish_reason":"stop","stop_reason":"other","message":{"content":"x"}}"#, "end_turn"),
        (r#"{"finish_reason":"length","message":{"content":"x"}}"#, "max_tokens"),
        (r#"{"finish_reason":"content_filter","message":{"content":"x"}}"#, "refusal"),
        (r#"{"finish_reason":"stop","message":{"refusal":"No."}}"#, "refusal"),
        (
            r#"{"finish_reason":"stop","message":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]}}"#,
            "tool_use",
        ),
    ];
    for (choice, reason) in cases {
        let answer = whole_answer(choice);
        assert_eq!(answer["stop_reason"], reason, "{choice}");
        assert_eq!(answer["stop_sequence"].is_string(), reason == "stop_sequence");
    }
}
